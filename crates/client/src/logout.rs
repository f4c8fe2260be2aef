//! The end of a login: revoked where it was granted (RFC 7009), then forgotten here.

use crate::client::Client;
use crate::keep::{Account, KeepError};
use crate::server_url::{ServerUrl, endpoint};
use crate::token::{Desk, TokenError};

/// What became of a login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoggedOut {
    /// There was none.
    NothingKept,
    /// Revoked and forgotten.
    Revoked,
    /// Forgotten; the server has no place to revoke at, or was not asked.
    Forgotten,
}

/// Why a login could not be ended; it is still kept.
#[derive(Debug, thiserror::Error)]
pub enum LogoutError {
    /// What is kept cannot be read or removed.
    #[error("{0}")]
    Keep(#[from] KeepError),
    /// The server was not told.
    #[error("{0}")]
    Token(#[from] TokenError),
}

impl Client {
    /// Revokes what is kept for `server` and forgets it; with `only_forget` the server is not told.
    pub async fn logout(&self, server: &ServerUrl, only_forget: bool) -> Result<LoggedOut, LogoutError> {
        let _turn = self.keep.turn(server).await?;
        let Some(kept) = self.keep.read(server)? else {
            return Ok(LoggedOut::NothingKept);
        };
        let mut outcome = LoggedOut::Forgotten;
        for account in kept.accounts.values().filter(|_| !only_forget) {
            if self.revoked(account, &kept.resource).await? {
                outcome = LoggedOut::Revoked;
            }
        }
        self.keep.forget(server)?;
        Ok(outcome)
    }

    /// Revokes the token that stands for the whole grant: the refresh token where there is one.
    async fn revoked(&self, account: &Account, resource: &str) -> Result<bool, TokenError> {
        let address = account.revocation_endpoint.as_deref().and_then(endpoint);
        let (Some(tokens), Some(address)) = (&account.tokens, address) else {
            return Ok(false);
        };
        let registration = &account.registration;
        let desk = Desk {
            http: &self.http,
            endpoint: &address,
            registration,
            resource: Some(resource),
            now: self.clock.now(),
        };
        desk.revoke_all(tokens).await?;
        Ok(true)
    }
}
