//! Sign-ins under way at an upstream provider: begun by one browser, finished once, by the same.

use bailiwick_domain::opaque::{BrowserCookie, Digest, LoginState};
use bailiwick_domain::time::Timestamp;

use crate::error::{Fault, StoreError};
use crate::lane::Verdict;
use crate::rows::Columns as _;
use crate::store::Store;

/// A sign-in under way.
#[derive(Clone, Debug)]
pub struct UpstreamLogin {
    /// What is needed to go on, as the caller sealed it.
    pub sealed: String,
    /// The browser that was sent away.
    pub browser: Digest<BrowserCookie>,
}

impl Store {
    /// Remembers that a browser was sent to a provider.
    pub async fn begin_upstream_login(
        &self,
        state: &Digest<LoginState>,
        login: UpstreamLogin,
        expires_at: Timestamp,
    ) -> Result<(), StoreError> {
        self.write(state.as_str(), (state.clone(), login, expires_at), |(state, login, expires_at), tx| {
            Box::pin(async move {
                sqlx::query("INSERT INTO upstream_logins (digest, browser, body, expires_at) VALUES ($1, $2, $3, $4)")
                    .bind(state.as_str())
                    .bind(login.browser.as_str())
                    .bind(login.sealed.as_str())
                    .bind(expires_at.millis())
                    .execute(tx.sql())
                    .await?;
                Ok(Verdict::Keep(()))
            })
        })
        .await
    }

    /// The sign-in of that state, while it waits.
    pub async fn upstream_login(
        &self,
        state: &Digest<LoginState>,
        now: Timestamp,
    ) -> Result<Option<UpstreamLogin>, StoreError> {
        let row = sqlx::query("SELECT body, browser FROM upstream_logins WHERE digest = $1 AND expires_at > $2")
            .bind(state.as_str().to_owned())
            .bind(now.millis())
            .fetch_optional(self.readers())
            .await
            .map_err(Fault::from)?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(UpstreamLogin { sealed: row.text("body")?, browser: Digest::from_stored(row.text("browser")?) }))
    }

    /// Takes a sign-in out of the store, to finish it.
    ///
    /// INVARIANT: of all calls with one state, in all processes, at most one is answered `true`.
    pub async fn finish_upstream_login(&self, state: &Digest<LoginState>, now: Timestamp) -> Result<bool, StoreError> {
        self.write(state.as_str(), (state.clone(), now), |(state, now), tx| {
            Box::pin(async move {
                let row =
                    sqlx::query("DELETE FROM upstream_logins WHERE digest = $1 AND expires_at > $2 RETURNING digest")
                        .bind(state.as_str())
                        .bind(now.millis())
                        .fetch_optional(tx.sql())
                        .await?;
                Ok(Verdict::Keep(row.is_some()))
            })
        })
        .await
    }
}
