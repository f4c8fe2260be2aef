//! Authorization requests in progress: held while a person signs in and decides, answered once.

use bailiwick_domain::opaque::{BrowserCookie, Digest, RequestHandle};
use bailiwick_domain::time::Timestamp;

use crate::error::{Fault, StoreError};
use crate::lane::{Tx, Verdict};
use crate::rows::Columns as _;
use crate::store::Store;

/// A request in progress.
#[derive(Clone, Debug)]
pub struct HeldRequest {
    /// What was asked, as the caller wrote it.
    pub json: String,
    /// The browser it belongs to.
    pub browser: Digest<BrowserCookie>,
}

impl Store {
    /// Holds a request.
    pub async fn hold_request(
        &self,
        handle: &Digest<RequestHandle>,
        json: String,
        browser: &Digest<BrowserCookie>,
        expires_at: Timestamp,
    ) -> Result<(), StoreError> {
        let held = HeldRequest { json, browser: browser.clone() };
        self.write(handle.as_str(), (handle.clone(), held, expires_at), |(handle, held, expires_at), tx| {
            Box::pin(async move {
                sqlx::query("INSERT INTO requests (digest, body, browser, expires_at) VALUES ($1, $2, $3, $4)")
                    .bind(handle.as_str())
                    .bind(held.json.as_str())
                    .bind(held.browser.as_str())
                    .bind(expires_at.millis())
                    .execute(tx.sql())
                    .await?;
                Ok(Verdict::Keep(()))
            })
        })
        .await
    }

    /// The request of that handle, while it waits.
    pub async fn request(
        &self,
        handle: &Digest<RequestHandle>,
        now: Timestamp,
    ) -> Result<Option<HeldRequest>, StoreError> {
        let row = sqlx::query("SELECT body, browser FROM requests WHERE digest = $1 AND expires_at > $2")
            .bind(handle.as_str().to_owned())
            .bind(now.millis())
            .fetch_optional(self.readers())
            .await
            .map_err(Fault::from)?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(HeldRequest { json: row.text("body")?, browser: Digest::from_stored(row.text("browser")?) }))
    }

    /// Answers a request without approving it.
    ///
    /// INVARIANT: of all answers to one request, at most one is told `true`.
    pub async fn drop_request(&self, handle: &Digest<RequestHandle>) -> Result<bool, StoreError> {
        self.write(handle.as_str(), handle.clone(), |handle, tx| {
            Box::pin(async move { Ok(Verdict::Keep(take(tx, handle).await?)) })
        })
        .await
    }
}

/// Takes the request out of the store; `false` when somebody else did.
pub(crate) async fn take(tx: &mut Tx, handle: &Digest<RequestHandle>) -> Result<bool, Fault> {
    let row = sqlx::query("DELETE FROM requests WHERE digest = $1 RETURNING digest").bind(handle.as_str());
    Ok(row.fetch_optional(tx.sql()).await?.is_some())
}
