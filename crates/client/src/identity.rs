//! Whose account tokens are for, where the server says so in an ID token (OpenID Connect Core §2).

use bailiwick_domain::text::{self, presentable};
use serde::Deserialize;

/// Whose account tokens are for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// What the server calls it, for good.
    pub subject: String,
    /// What people call it.
    pub name: String,
}

#[derive(Deserialize)]
struct Claims {
    sub: String,
    aud: Audience,
    preferred_username: Option<String>,
    email: Option<String>,
    name: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    More(Vec<String>),
}

impl Identity {
    /// Reads an ID token for that client. It came from the token endpoint itself, so that TLS vouches for it where a
    /// signature would (§3.1.3.7, step 6); it is told to its person, and compared with what comes later.
    pub(crate) fn read(id_token: &str, client: &str) -> Option<Self> {
        let claims: Claims = serde_json::from_slice(&text::decode(id_token.split('.').nth(1)?)?).ok()?;
        let ours = match &claims.aud {
            Audience::One(aud) => aud == client,
            Audience::More(all) => all.iter().any(|aud| aud == client),
        };
        let names = [claims.preferred_username, claims.email, claims.name];
        let name = names.into_iter().flatten().map(|name| presentable(&name, 80)).find(|name| !name.is_empty());
        let name = name.unwrap_or_else(|| presentable(&claims.sub, 80));
        (ours && !claims.sub.is_empty()).then_some(Self { subject: claims.sub, name })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(claims: &Value) -> Option<Identity> {
        Identity::read(&format!("e30.{}.sig", text::encode(claims.to_string().as_bytes())), "us")
    }

    #[test]
    fn an_identity_has_the_name_its_person_knows() {
        let name = |claims: Value| read(&claims).map(|identity| identity.name);
        let full = json!({ "sub": "42", "aud": "us", "email": "ada@example.com", "preferred_username": "ada" });

        assert_eq!(name(full).as_deref(), Some("ada"));
        assert_eq!(name(json!({ "sub": "42", "aud": ["x", "us"], "name": "Ada" })).as_deref(), Some("Ada"));
        assert_eq!(name(json!({ "sub": "42", "aud": "us" })).as_deref(), Some("42"));
    }

    #[test]
    fn what_is_for_somebody_else_says_nothing() {
        for claims in
            [json!({ "sub": "42", "aud": "other" }), json!({ "sub": "", "aud": "us" }), json!({ "aud": "us" })]
        {
            assert_eq!(read(&claims), None, "{claims}");
        }
        assert_eq!(Identity::read("no token", "us"), None);
    }
}
