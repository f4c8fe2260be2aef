//! Whom a provider registered this installation as (RFC 7591): one registration per provider and issuer, sealed.

use bailiwick_domain::entropy::draw;
use bailiwick_domain::time::Timestamp;
use zeroize::Zeroizing;

use super::{ConnectionError, row};
use crate::error::{Fault, StoreError};
use crate::lane::Verdict;
use crate::rows::Columns as _;
use crate::store::Store;
use crate::vault::Binding;

/// A registration at a provider.
pub struct ProviderClient {
    /// The provider, as the configuration calls it.
    pub provider: String,
    /// The issuer that registered it.
    pub issuer: String,
    /// What it answered, in the words of whoever keeps it.
    pub secret: Zeroizing<String>,
}

impl Store {
    /// Keeps a registration; `false` when somebody else's was kept first, which then counts.
    pub async fn keep_provider_client(&self, new: ProviderClient, now: Timestamp) -> Result<bool, StoreError> {
        let generation = i64::from_be_bytes(draw(&*self.core.entropy)) & 0x3fff_ffff_ffff_ffff;
        let record = self.seal_record(&binding(&new.provider, &new.issuer, generation), &new.secret).await?;
        let lock = format!("{} {}", new.provider, new.issuer);
        self.write(&lock, (new, generation, record, now), |(new, generation, record, now), tx| {
            Box::pin(async move {
                let row = sqlx::query(
                    "INSERT INTO provider_clients (provider, issuer, generation, key_name, wrapped, sealed,
                         registered_at) VALUES ($1, $2, $3, $4, $5, $6, $7)
                     ON CONFLICT (provider, issuer) DO NOTHING RETURNING provider",
                )
                .bind(new.provider.as_str())
                .bind(new.issuer.as_str())
                .bind(*generation)
                .bind(record.wrapped.key.as_str())
                .bind(record.wrapped.text.as_str())
                .bind(record.sealed.as_str())
                .bind(now.millis())
                .fetch_optional(tx.sql())
                .await?;
                if row.is_none() {
                    return Ok(Verdict::Undo(false));
                }
                record.note_key(tx, now.millis()).await?;
                Ok(Verdict::Keep(true))
            })
        })
        .await
    }

    /// The registration at that provider and issuer.
    pub async fn provider_client(
        &self,
        provider: &str,
        issuer: &str,
    ) -> Result<Option<ProviderClient>, ConnectionError> {
        let row = sqlx::query(
            "SELECT generation, key_name, wrapped, sealed FROM provider_clients WHERE provider = $1 AND issuer = $2",
        )
        .bind(provider.to_owned())
        .bind(issuer.to_owned())
        .fetch_optional(self.readers())
        .await
        .map_err(Fault::from)?;
        let Some(row) = row else { return Ok(None) };
        let binding = binding(provider, issuer, row.number("generation")?);
        let secret = row::record(&row)?.open(&*self.keys(), &binding).await?;
        Ok(Some(ProviderClient { provider: provider.to_owned(), issuer: issuer.to_owned(), secret }))
    }

    /// Forgets the registration at that provider and issuer.
    pub async fn forget_provider_client(&self, provider: &str, issuer: &str) -> Result<(), StoreError> {
        let lock = format!("{provider} {issuer}");
        self.write(&lock, (provider.to_owned(), issuer.to_owned()), |(provider, issuer), tx| {
            Box::pin(async move {
                sqlx::query("DELETE FROM provider_clients WHERE provider = $1 AND issuer = $2")
                    .bind(provider.as_str())
                    .bind(issuer.as_str())
                    .execute(tx.sql())
                    .await?;
                Ok(Verdict::Keep(()))
            })
        })
        .await
    }
}

fn binding(provider: &str, issuer: &str, generation: i64) -> Binding {
    Binding::new("provider_clients", (provider, issuer), generation, &())
}
