//! The token endpoint and the revocation endpoint, as a client uses them (RFC 6749 §4.1.3, §6; RFC 7009).

use std::time::Duration;

use bailiwick_domain::scope::{Scope, ScopeSet};
use bailiwick_domain::time::Timestamp;
use bailiwick_net::{Http, HttpError};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::ask;
use crate::authorize::Pending;
use crate::identity::Identity;
use crate::register::Registration;
use crate::secret::{Secret, kept, kept_option};
use crate::told::Told;

/// How long before its end an access token is no longer used: a request takes time, and clocks differ.
const LEEWAY: Duration = Duration::from_secs(30);

/// What stands for a scope that cannot be read.
const UNREAD: &str = "?";
/// How many scopes of an answer are read.
const MOST_SCOPES: usize = 63;

/// What one answer of the token endpoint brought.
#[derive(Debug, Serialize, Deserialize)]
pub struct Tokens {
    #[serde(with = "kept")]
    pub(crate) access: Secret,
    #[serde(with = "kept_option", default)]
    pub(crate) refresh: Option<Secret>,
    /// What was granted.
    pub scope: ScopeSet,
    /// When the access token ends, if the server said so.
    pub expires_at: Option<Timestamp>,
    /// Whose account they are for, if the server said so this time.
    #[serde(skip)]
    pub identity: Option<Identity>,
}

/// Why there are no tokens.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The server said no.
    #[error("the server gave no token: {0}")]
    Refused(Told),
    /// The server cannot answer now.
    #[error("the token endpoint answered {0}; it may be different in a moment")]
    Busy(u16),
    /// The server's answer is not one.
    #[error("the token endpoint answered {0} with something else than a token")]
    Broken(u16),
    /// The network failed.
    #[error("{0}")]
    Http(#[from] HttpError),
}

impl TokenError {
    /// True when only a new login helps.
    pub(crate) fn ends_login(&self) -> bool {
        match self {
            Self::Refused(told) => {
                matches!(told.code.as_str(), "invalid_grant" | "invalid_client" | "unauthorized_client")
            }
            Self::Busy(_) | Self::Broken(_) | Self::Http(_) => false,
        }
    }
}

impl Tokens {
    /// True while the access token may be sent.
    pub(crate) fn fresh(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|at| now.after(LEEWAY) < at)
    }

    /// The access token and, where there is one, the refresh token, for whoever keeps them.
    pub fn expose(&self) -> (&str, Option<&str>) {
        (self.access.expose(), self.refresh.as_ref().map(Secret::expose))
    }

    /// Tokens that somebody kept.
    pub fn kept(access: Secret, refresh: Option<Secret>, scope: ScopeSet, expires_at: Option<Timestamp>) -> Self {
        Self { access, refresh, scope, expires_at, identity: None }
    }

    /// True when the access token can be renewed without a person.
    pub fn renewable(&self) -> bool {
        self.refresh.is_some()
    }
}

/// Whose tokens are asked for, and where.
#[derive(Clone, Copy, Debug)]
pub struct Desk<'a> {
    /// Requests leave through this.
    pub http: &'a Http,
    /// The endpoint.
    pub endpoint: &'a Url,
    /// Who we are there.
    pub registration: &'a Registration,
    /// Where the tokens will be shown (RFC 8707), unless the server is not told.
    pub resource: Option<&'a str>,
    /// The time.
    pub now: Timestamp,
}

impl Desk<'_> {
    /// Exchanges a code; `asked` is what the grant holds when the answer does not say (RFC 6749 §5.1).
    pub async fn exchange(&self, pending: &Pending, code: &Secret, asked: &ScopeSet) -> Result<Tokens, TokenError> {
        let mut fields = vec![
            ("grant_type", "authorization_code"),
            ("code", code.expose()),
            ("redirect_uri", &pending.redirect_uri),
            ("code_verifier", pending.verifier.expose()),
        ];
        fields.extend(self.resource.map(|resource| ("resource", resource)));
        self.post(&fields, asked).await
    }

    /// Renews tokens; a server that does not rotate leaves the refresh token as it was.
    pub async fn refresh(&self, old: Tokens) -> Result<Tokens, TokenError> {
        let Some(refresh) = old.refresh else {
            return Err(TokenError::Refused(Told::new("invalid_grant", Some("no refresh token was given"))));
        };
        let mut fields = vec![("grant_type", "refresh_token"), ("refresh_token", refresh.expose())];
        fields.extend(self.resource.map(|resource| ("resource", resource)));
        let mut tokens = self.post(&fields, &old.scope).await?;
        tokens.refresh = tokens.refresh.take().or(Some(refresh));
        Ok(tokens)
    }

    /// Revokes the token that stands for the whole grant: the refresh token where there is one.
    ///
    /// # Errors
    /// [`TokenError`] when the server was not told, or did not take it.
    pub async fn revoke_all(&self, tokens: &Tokens) -> Result<(), TokenError> {
        match &tokens.refresh {
            Some(refresh) => self.revoke(refresh, "refresh_token").await,
            None => self.revoke(&tokens.access, "access_token").await,
        }
    }

    /// Revokes a token (RFC 7009 §2.1).
    async fn revoke(&self, token: &Secret, hint: &str) -> Result<(), TokenError> {
        let (proof, authorization) = self.registration.proof();
        let fields = [[("token", token.expose()), ("token_type_hint", hint)].as_slice(), &proof].concat();
        let reply = ask::form(self.http, self.endpoint, &fields, authorization).await?;
        if reply.status.is_success() {
            return Ok(());
        }
        let broken = TokenError::Broken(reply.status.as_u16());
        Err(Told::read(&reply.body).map_or(broken, TokenError::Refused))
    }

    async fn post(&self, own: &[(&str, &str)], asked: &ScopeSet) -> Result<Tokens, TokenError> {
        let (proof, authorization) = self.registration.proof();
        let fields = [own, &proof].concat();
        let reply = ask::form(self.http, self.endpoint, &fields, authorization).await?;
        let status = reply.status.as_u16();
        if reply.status.is_server_error() || status == 429 {
            return Err(TokenError::Busy(status));
        }
        let broken = TokenError::Broken(status);
        if !reply.status.is_success() {
            return Err(Told::read(&reply.body).map_or(broken, TokenError::Refused));
        }
        read(&reply.body, (asked, &self.registration.client_id), self.now).ok_or(broken)
    }
}

fn read(body: &[u8], (asked, client): (&ScopeSet, &str), now: Timestamp) -> Option<Tokens> {
    #[derive(Deserialize)]
    struct Raw {
        access_token: String,
        token_type: String,
        expires_in: Option<u64>,
        refresh_token: Option<String>,
        scope: Option<String>,
        id_token: Option<String>,
    }
    let raw: Raw = serde_json::from_slice(body).ok()?;
    let usable = !raw.access_token.is_empty() && raw.token_type.eq_ignore_ascii_case("bearer");
    let scope = raw.scope.as_deref().map_or_else(|| asked.clone(), |given| scopes(given, asked));
    usable.then(|| Tokens {
        access: Secret::new(raw.access_token),
        refresh: raw.refresh_token.filter(|token| !token.is_empty()).map(Secret::new),
        scope,
        expires_at: raw.expires_in.map(|seconds| now.after(Duration::from_secs(seconds))),
        identity: raw.id_token.and_then(|token| Identity::read(&token, client)),
    })
}

/// The scopes of an answer. GitHub parts them by commas, which are letters of a scope elsewhere. What cannot be read may be
/// anything: it counts as a scope that nobody asks for.
fn scopes(given: &str, asked: &ScopeSet) -> ScopeSet {
    let by_comma = given.contains(',') && !asked.iter().any(|scope| scope.as_str().contains(','));
    let words: Vec<_> = given.split(|c| c == ' ' || c == ',' && by_comma).filter(|word| !word.is_empty()).collect();
    let unread = || Scope::parse(UNREAD);
    let more = (words.len() > MOST_SCOPES).then(unread).flatten();
    words.iter().take(MOST_SCOPES).filter_map(|word| Scope::parse(word).or_else(unread)).chain(more).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1000);

    #[test]
    fn an_answer_is_read_and_what_it_leaves_out_is_what_was_asked() {
        let asked = ScopeSet::parse("a b").unwrap();
        let full = read(
            br#"{"access_token":"x","token_type":"bearer","expires_in":300,"refresh_token":"r","scope":"a"}"#,
            (&asked, "us"),
            NOW,
        )
        .unwrap();
        let bare = read(br#"{"access_token":"x","token_type":"Bearer"}"#, (&asked, "us"), NOW).unwrap();

        assert_eq!((full.scope.to_string().as_str(), full.expires_at), ("a", Some(Timestamp::from_seconds(1300))));
        assert!(full.renewable() && !bare.renewable());
        assert_eq!(bare.scope, asked);
    }

    #[test]
    fn scopes_that_cannot_be_read_are_none_that_was_asked_for() {
        let asked = ScopeSet::parse("repo gist").unwrap();
        let answer = |scope: &str| format!(r#"{{"access_token":"x","token_type":"bearer","scope":"{scope}"}}"#);
        let read =
            |scope: &str| read(answer(scope).as_bytes(), (&asked, "us"), NOW).map(|tokens| tokens.scope.to_string());

        assert_eq!(read("repo,gist").as_deref(), Some("gist repo"));
        assert_eq!(read("").as_deref(), Some(""), "nothing was granted");
        assert_eq!(read("répo gist").as_deref(), Some("? gist"));
        let many: Vec<_> = (0..99).map(|n| n.to_string()).collect();
        assert!(read(&many.join(" ")).unwrap().contains('?'));
    }

    #[test]
    fn a_token_of_another_type_is_none() {
        for body in [
            r#"{"access_token":"x","token_type":"N_A"}"#,
            r#"{"access_token":"","token_type":"Bearer"}"#,
            r#"{"token_type":"Bearer"}"#,
            "[]",
        ] {
            assert!(read(body.as_bytes(), (&ScopeSet::default(), "us"), NOW).is_none(), "{body}");
        }
    }

    #[test]
    fn a_token_about_to_end_is_not_fresh() {
        let tokens =
            read(br#"{"access_token":"x","token_type":"Bearer","expires_in":60}"#, (&ScopeSet::default(), "us"), NOW);
        let tokens = tokens.unwrap();

        assert!(tokens.fresh(NOW));
        assert!(!tokens.fresh(Timestamp::from_seconds(1030)));
    }

    #[test]
    fn nothing_secret_is_printed() {
        let tokens = read(
            br#"{"access_token":"hush","token_type":"Bearer","refresh_token":"hush"}"#,
            (&ScopeSet::default(), "us"),
            NOW,
        );
        assert!(!format!("{tokens:?}").contains("hush"));
    }
}
