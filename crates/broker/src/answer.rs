//! What an authorization server gave is held against what was asked (R16): more than that is not used, and nothing is
//! sent with it.

use std::time::Duration;

use bailiwick_domain::control::{Control, holds};
use bailiwick_domain::scope::ScopeSet;
use bailiwick_domain::text;
use bailiwick_domain::time::Timestamp;
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::obtained::BrokerError;

/// How long before its end a token is no longer used: a request takes time, and clocks differ.
const SPARE: Duration = Duration::from_secs(30);
/// How long a token is used whose end nobody says.
const UNSAID: Duration = Duration::from_mins(5);

/// What may be given.
pub(crate) struct Limits<'a> {
    /// The most scopes; none were asked for where it is empty, and whatever comes is then the server's own default.
    pub(crate) scopes: &'a ScopeSet,
    /// Whom it must be for.
    pub(crate) audience: Option<&'a str>,
    /// The longest life.
    pub(crate) most_life: Duration,
}

/// A token that may be used.
pub(crate) struct Granted {
    pub(crate) token: Zeroizing<String>,
    pub(crate) until: Timestamp,
}

#[derive(Deserialize)]
struct Raw {
    access_token: String,
    token_type: String,
    expires_in: Option<u64>,
    scope: Option<String>,
}

/// What a token says of itself, where it can be read. Its signature concerns whoever takes it.
#[derive(Deserialize)]
struct Said {
    aud: Option<OneOrMore>,
    scope: Option<OneOrMore>,
    scp: Option<OneOrMore>,
    exp: Option<i64>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMore {
    One(String),
    More(Vec<String>),
}

impl OneOrMore {
    fn words(&self) -> impl Iterator<Item = &str> {
        let words: Vec<&str> = match self {
            Self::One(text) => text.split(' ').collect(),
            Self::More(texts) => texts.iter().map(String::as_str).collect(),
        };
        words.into_iter().filter(|word| !word.is_empty())
    }

    fn holds(&self, audience: &str) -> bool {
        match self {
            Self::One(text) => text == audience,
            Self::More(texts) => texts.iter().any(|text| text == audience),
        }
    }
}

/// Reads an answer of a token endpoint and holds it against the limits.
///
/// # Errors
/// [`BrokerError::Overgrant`] for whatever is more, or something else, than was asked.
pub(crate) fn judge(body: &[u8], limits: &Limits<'_>, now: Timestamp) -> Result<Granted, BrokerError> {
    let raw: Raw = serde_json::from_slice(body).map_err(|_| {
        BrokerError::Overgrant("the token endpoint answered with something else than a token".to_owned())
    })?;
    let token = Zeroizing::new(raw.access_token);
    if !raw.token_type.eq_ignore_ascii_case("bearer") || token.is_empty() {
        return Err(BrokerError::Overgrant("the token endpoint gave a token that is no bearer token".to_owned()));
    }
    let said = said(&token);
    let inner = said.as_ref().and_then(|said| said.exp).map(Timestamp::from_seconds);
    let outer = raw.expires_in.map(|seconds| now.after(Duration::from_secs(seconds)));
    let ends = [inner, outer].into_iter().flatten().min();
    if holds(Control::OvergrantCheck) {
        let given = raw.scope.iter().flat_map(|scope| scope.split(' ')).filter(|word| !word.is_empty());
        within(limits, given)?;
        if let Some(said) = &said {
            let told = [&said.scope, &said.scp].into_iter().flatten().flat_map(OneOrMore::words);
            within(limits, told)?;
            meant(limits, said)?;
        }
        if ends.is_some_and(|end| end <= now || end > now.after(limits.most_life)) {
            return Err(BrokerError::Overgrant("the token's life makes no sense".to_owned()));
        }
    }
    let until = ends.map_or_else(|| now.after(UNSAID), |end| end.before(SPARE));
    Ok(Granted { token, until })
}

/// True where no scope is asked for by its name, and whatever comes is the server's own choice: Entra's `/.default` asks
/// for whatever was consented to, and is answered with that.
pub(crate) fn names_none(asked: &ScopeSet) -> bool {
    asked.is_empty() || asked.iter().any(|scope| scope.as_str().ends_with("/.default"))
}

/// True scopes only: no word more than was asked for.
fn within<'a>(limits: &Limits<'_>, mut given: impl Iterator<Item = &'a str>) -> Result<(), BrokerError> {
    if names_none(limits.scopes) {
        return Ok(());
    }
    let more = given.find(|word| !limits.scopes.iter().any(|asked| asked.as_str() == *word));
    more.map_or(Ok(()), |word| {
        let word = text::presentable(word, 64);
        Err(BrokerError::Overgrant(format!("the token was given the scope {word}, which was not asked for")))
    })
}

/// For whom it was asked, and for nobody else.
fn meant(limits: &Limits<'_>, said: &Said) -> Result<(), BrokerError> {
    match (limits.audience, &said.aud) {
        (Some(audience), Some(aud)) if !aud.holds(audience) => {
            Err(BrokerError::Overgrant(format!("the token is for somebody else than {audience}")))
        }
        (Some(_) | None, _) => Ok(()),
    }
}

/// The claims of a token that is a JWT.
fn said(token: &str) -> Option<Said> {
    let mut parts = token.split('.');
    let claims = parts.nth(1)?;
    parts.next().filter(|_| parts.next().is_none())?;
    serde_json::from_slice(&text::decode(claims)?).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1000);

    fn jwt(claims: &Value) -> String {
        format!("e30.{}.sig", text::encode(claims.to_string().as_bytes()))
    }

    fn judged(answer: &Value) -> Result<Granted, BrokerError> {
        let scopes = ScopeSet::parse("crm:read crm:list").unwrap();
        let limits = Limits { scopes: &scopes, audience: Some("https://crm"), most_life: Duration::from_hours(24) };
        judge(answer.to_string().as_bytes(), &limits, NOW)
    }

    fn answer(more: &Value) -> Value {
        let mut answer = json!({ "access_token": "opaque", "token_type": "Bearer", "expires_in": 300 });
        answer.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        answer
    }

    #[test]
    fn what_was_asked_for_is_taken_and_used_until_shortly_before_its_end() {
        let granted = judged(&answer(&json!({ "scope": "crm:read" }))).unwrap();
        assert_eq!(granted.until, Timestamp::from_seconds(1270));

        let inner = jwt(&json!({ "aud": ["https://crm", "x"], "scp": "crm:read", "exp": 1100 }));
        let granted = judged(&answer(&json!({ "access_token": inner }))).unwrap();
        assert_eq!(granted.until, Timestamp::from_seconds(1070), "the earlier end counts");
    }

    #[test]
    fn more_or_something_else_is_not() {
        let refused = [
            json!({ "scope": "crm:read crm:admin" }),
            json!({ "access_token": jwt(&json!({ "aud": "https://other" })) }),
            json!({ "access_token": jwt(&json!({ "aud": "https://crm", "scope": "crm:admin" })) }),
            json!({ "access_token": jwt(&json!({ "scp": ["crm:read", "crm:admin"] })) }),
            json!({ "access_token": jwt(&json!({ "exp": 999 })) }),
            json!({ "expires_in": 90_000 }),
            json!({ "expires_in": 0 }),
            json!({ "token_type": "N_A" }),
            json!({ "access_token": "" }),
        ];
        for more in refused {
            assert!(matches!(judged(&answer(&more)), Err(BrokerError::Overgrant(_))), "{more}");
        }
        assert!(matches!(judged(&json!({ "error": "no" })), Err(BrokerError::Overgrant(_))));
    }
}
