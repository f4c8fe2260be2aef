//! Tokens kept fresh: renewed once however many processes want it, and forgotten only when the server says so.

use bailiwick_domain::scope::ScopeSet;
use bailiwick_domain::time::Timestamp;
use http::HeaderValue;

use crate::client::Client;
use crate::keep::{KeepError, Kept};
use crate::secret::Secret;
use crate::server_url::{ServerUrl, endpoint};
use crate::token::{Desk, TokenError, Tokens};

/// A token ready to be sent.
#[derive(Debug)]
pub struct Held {
    access: Secret,
    /// What it may do.
    pub scope: ScopeSet,
    /// When it ends, if the server said so.
    pub expires_at: Option<Timestamp>,
}

/// Why a token cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum RenewError {
    /// What is kept cannot be read or written.
    #[error("{0}")]
    Keep(#[from] KeepError),
    /// The token endpoint cannot be used now; the login itself is still good.
    #[error("{0}")]
    Token(#[from] TokenError),
}

impl Held {
    /// The access token, for whoever has the right to it.
    pub fn expose(&self) -> &str {
        self.access.expose()
    }

    /// The value of an `Authorization` header.
    pub(crate) fn bearer(&self) -> Option<HeaderValue> {
        let mut value = HeaderValue::try_from(format!("Bearer {}", self.access.expose())).ok()?;
        value.set_sensitive(true);
        Some(value)
    }

    fn of(tokens: &Tokens) -> Self {
        let access = Secret::new(tokens.access.expose().to_owned());
        Self { access, scope: tokens.scope.clone(), expires_at: tokens.expires_at }
    }
}

impl Client {
    /// A token for `server` that may be sent now; `None` when only a login brings one.
    pub async fn held(&self, server: &ServerUrl) -> Result<Option<Held>, RenewError> {
        let kept = self.keep.read(server)?;
        match kept.as_ref().and_then(Kept::tokens) {
            None => Ok(None),
            Some(tokens) if tokens.fresh(self.clock.now()) => Ok(Some(Held::of(tokens))),
            Some(_) => self.renewed(server, None).await,
        }
    }

    /// Replaces a token that ran out, or that the server `refused`; `None` when only a login helps.
    pub(crate) async fn renewed(&self, server: &ServerUrl, refused: Option<&Held>) -> Result<Option<Held>, RenewError> {
        let _turn = self.keep.turn(server).await?;
        let Some(mut kept) = self.keep.read(server)? else {
            return Ok(None);
        };
        let resource = kept.resource.clone();
        let Some(account) = kept.accounts.get_mut(&kept.issuer) else {
            return Ok(None);
        };
        let Some(tokens) = account.tokens.take() else {
            return Ok(None);
        };
        let now = self.clock.now();
        let same = refused.is_some_and(|held| held.expose() == tokens.access.expose());
        if tokens.fresh(now) && !same {
            // Another process was here first.
            return Ok(Some(Held::of(&tokens)));
        }
        // A file that somebody edited into an unsafe address is as good as none.
        let Some(address) = endpoint(&account.token_endpoint) else {
            return Ok(None);
        };
        let desk = Desk {
            http: &self.http,
            endpoint: &address,
            registration: &account.registration,
            resource: Some(&resource),
            now,
        };
        let held = match desk.refresh(tokens).await {
            Ok(tokens) => {
                let held = Held::of(&tokens);
                account.tokens = Some(tokens);
                Some(held)
            }
            Err(error) if error.ends_login() => None,
            Err(error) => return Err(error.into()),
        };
        self.keep.write(server, &kept, &*self.entropy)?;
        Ok(held)
    }
}
