//! Signing keys. The private half is sealed under the master key, bound to its row.

use bailiwick_domain::time::Timestamp;
use zeroize::Zeroizing;

use crate::error::{Fault, StoreError};
use crate::lane::Verdict;
use crate::rows::Columns as _;
use crate::store::Store;

/// What a key is for now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// It signs.
    Active,
    /// It only verifies what it signed.
    Retained,
}

impl KeyState {
    /// Its name in the row.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Retained => "retained",
        }
    }

    fn named(name: &str) -> Option<Self> {
        [Self::Active, Self::Retained].into_iter().find(|state| state.as_str() == name)
    }
}

/// A key about to sign.
pub struct NewKey {
    /// Its id.
    pub kid: String,
    /// Its algorithm, as on the wire.
    pub alg: String,
    /// Its public half, as JWK JSON.
    pub public_json: String,
    /// Its private half.
    pub pkcs8: Zeroizing<Vec<u8>>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// A key.
pub struct KeyRow {
    /// Its id.
    pub kid: String,
    /// Its algorithm, as on the wire.
    pub alg: String,
    /// What it is for now.
    pub state: KeyState,
    /// Its public half, as JWK JSON.
    pub public_json: String,
    /// Its private half.
    pub pkcs8: Zeroizing<Vec<u8>>,
    /// When it was made.
    pub created_at: Timestamp,
}

impl Store {
    /// Every key, oldest first.
    pub async fn signing_keys(&self) -> Result<Vec<KeyRow>, StoreError> {
        let rows =
            sqlx::query("SELECT kid, alg, state, public, pkcs8, created_at FROM signing_keys ORDER BY created_at, kid")
                .fetch_all(self.readers())
                .await
                .map_err(Fault::from)?;
        let mut keys = Vec::with_capacity(rows.len());
        for row in rows {
            let kid = row.text("kid")?;
            let pkcs8 = self.core.sealer.open(&context(&kid), &row.text("pkcs8")?);
            keys.push(KeyRow {
                alg: row.text("alg")?,
                state: KeyState::named(&row.text("state")?).ok_or(StoreError::Unreadable("signing_keys.state"))?,
                public_json: row.text("public")?,
                pkcs8: pkcs8.ok_or(StoreError::Unreadable("signing_keys.pkcs8"))?,
                created_at: row.moment("created_at")?,
                kid,
            });
        }
        Ok(keys)
    }

    /// Adds an active key; `false` when its algorithm has one.
    ///
    /// INVARIANT: per algorithm, over all processes, at most one key is active.
    pub async fn add_key(&self, key: NewKey) -> Result<bool, StoreError> {
        let sealed = self.core.sealer.seal(&*self.core.entropy, &context(&key.kid), &key.pkcs8);
        let NewKey { kid, alg, public_json, pkcs8: _, created_at } = key;
        self.write("signing keys", (kid, alg, public_json, sealed, created_at), |input, tx| {
            Box::pin(async move {
                let (kid, alg, public, sealed, created_at) = input;
                let row = sqlx::query(
                    "INSERT INTO signing_keys (kid, alg, state, public, pkcs8, created_at)
                     VALUES ($1, $2, 'active', $3, $4, $5) ON CONFLICT DO NOTHING RETURNING kid",
                )
                .bind(kid.as_str())
                .bind(alg.as_str())
                .bind(public.as_str())
                .bind(sealed.as_str())
                .bind(created_at.millis())
                .fetch_optional(tx.sql())
                .await?;
                Ok(Verdict::Keep(row.is_some()))
            })
        })
        .await
    }
}

fn context(kid: &str) -> String {
    format!("signing_keys|{kid}|pkcs8")
}
