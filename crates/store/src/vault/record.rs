//! One record: sealed with its own key, which is wrapped.

use bailiwick_domain::control::{Control, holds};
use bailiwick_domain::entropy::Entropy;
use bailiwick_domain::seal::Sealer;
use serde::Serialize;
use zeroize::Zeroizing;

use super::{DataKey, KeyError, KeyWrap, Wrapped};
use crate::error::{Fault, StoreError};
use crate::lane::Tx;
use crate::store::Store;

/// A sealed record, as its row holds it.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    /// Its key, wrapped.
    pub(crate) wrapped: Wrapped,
    /// What it holds, sealed with that key.
    pub(crate) sealed: String,
}

/// What a record is bound to: the row's own coordinates, and everything in the row that must not be changed by hand.
pub(crate) struct Binding {
    table: &'static str,
    /// The row.
    row: String,
    /// The row and what stands in it.
    all: String,
}

impl Binding {
    /// What the row `(a, b)` of that generation in `table` is bound to, with `rest` of its columns.
    pub(crate) fn new(table: &'static str, (a, b): (&str, &str), generation: i64, rest: &impl Serialize) -> Self {
        let row = place(table, (a, b), generation);
        // JSON keeps the parts apart, whatever they are.
        let all = serde_json::to_string(&(&row, rest)).unwrap_or_default();
        Self { table, row, all }
    }

    /// What key and data are sealed for.
    fn contexts(&self) -> (&str, &str) {
        if holds(Control::VaultBinding) { (&self.row, &self.all) } else { (self.table, self.table) }
    }
}

/// The coordinates of a row, as one text.
pub(crate) fn place(table: &str, (a, b): (&str, &str), generation: i64) -> String {
    serde_json::to_string(&(table, a, b, generation)).unwrap_or_default()
}

impl Record {
    /// Seals `plain` with a new key.
    pub(crate) async fn seal(
        keys: &dyn KeyWrap,
        entropy: &dyn Entropy,
        binding: &Binding,
        plain: &str,
    ) -> Result<Self, KeyError> {
        let key = DataKey::draw(entropy);
        let (for_key, for_data) = binding.contexts();
        let wrapped = keys.wrap(for_key, &key).await?;
        let sealed = if holds(Control::Sealing) {
            Sealer::derive(key.expose(), "vault/record").seal(entropy, for_data, plain.as_bytes())
        } else {
            plain.to_owned()
        };
        Ok(Self { wrapped, sealed })
    }

    /// Opens what was sealed for the same row.
    pub(crate) async fn open(&self, keys: &dyn KeyWrap, binding: &Binding) -> Result<Zeroizing<String>, KeyError> {
        match self.open_for(keys, (&binding.row, &binding.all)).await {
            Err(KeyError::Unreadable) if !holds(Control::VaultBinding) => {
                self.open_for(keys, (binding.table, binding.table)).await
            }
            opened => opened,
        }
    }

    async fn open_for(&self, keys: &dyn KeyWrap, (key, data): (&str, &str)) -> Result<Zeroizing<String>, KeyError> {
        let key = keys.unwrap(key, &self.wrapped).await?;
        if !holds(Control::Sealing) {
            return Ok(Zeroizing::new(self.sealed.clone()));
        }
        let sealer = Sealer::derive(key.expose(), "vault/record");
        let plain = sealer.open(data, &self.sealed).ok_or(KeyError::Unreadable)?;
        std::str::from_utf8(&plain).map(|text| Zeroizing::new(text.to_owned())).map_err(|_| KeyError::Unreadable)
    }

    /// Says in the same transaction that its key is needed.
    pub(crate) async fn note_key(&self, tx: &mut Tx, at: i64) -> Result<(), Fault> {
        sqlx::query("INSERT INTO vault_keys (name, used_at) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING")
            .bind(self.wrapped.key.as_str())
            .bind(at)
            .execute(tx.sql())
            .await?;
        Ok(())
    }
}

impl Store {
    /// Seals `plain` under the keys in use.
    pub(crate) async fn seal_record(&self, binding: &Binding, plain: &str) -> Result<Record, StoreError> {
        Record::seal(&*self.keys(), &*self.core.entropy, binding, plain).await.map_err(|error| unavailable(&error))
    }
}

/// A key that cannot be had, for whoever only wants to write.
pub(crate) fn unavailable(error: &KeyError) -> StoreError {
    StoreError::Unavailable(error.to_string())
}
