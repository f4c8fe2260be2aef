//! Changing the key-encryption key while everything goes on. Data keys are wrapped anew, batch by batch; what they seal
//! is not touched, and whoever writes a record meanwhile wins.

use std::sync::{Arc, PoisonError};

use bailiwick_domain::audit::AuditEvent;
use sqlx::any::AnyRow;

use super::record::{place, unavailable};
use super::{KeyError, KeyWrap, Wrapped};
use crate::error::{Fault, OpenError, StoreError};
use crate::lane::Verdict;
use crate::rows::Columns as _;
use crate::store::Store;

/// What a change of keys did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rewrapped {
    /// How many records are under the current key now, and were not before.
    pub moved: u64,
    /// How many open with no key that is at hand; they stay as they are.
    pub stuck: u64,
    /// Former keys that some record still needs.
    pub needed: Vec<String>,
}

/// A table that holds records.
struct Table {
    name: &'static str,
    page: &'static str,
    write: &'static str,
}

const TABLES: [Table; 2] = [
    Table {
        name: "connections",
        page: "SELECT user_id AS a, provider AS b, generation, key_name, wrapped FROM connections
               WHERE key_name <> $1 AND (user_id, provider) > ($2, $3) ORDER BY user_id, provider LIMIT $4",
        write: "UPDATE connections SET key_name = $1, wrapped = $2
                WHERE user_id = $3 AND provider = $4 AND generation = $5 AND wrapped = $6",
    },
    Table {
        name: "provider_clients",
        page: "SELECT provider AS a, issuer AS b, generation, key_name, wrapped FROM provider_clients
               WHERE key_name <> $1 AND (provider, issuer) > ($2, $3) ORDER BY provider, issuer LIMIT $4",
        write: "UPDATE provider_clients SET key_name = $1, wrapped = $2
                WHERE provider = $3 AND issuer = $4 AND generation = $5 AND wrapped = $6",
    },
];

/// What wrapped keys no record uses any more are forgotten by.
const FORGET: &str = "DELETE FROM vault_keys WHERE name <> $1
    AND NOT EXISTS (SELECT 1 FROM connections c WHERE c.key_name = vault_keys.name)
    AND NOT EXISTS (SELECT 1 FROM provider_clients p WHERE p.key_name = vault_keys.name)";

/// The keys that some record needs: also of one that was being written while its key seemed to be needed no more.
const NEEDED: &str = "SELECT name FROM vault_keys UNION SELECT DISTINCT key_name FROM connections
    UNION SELECT DISTINCT key_name FROM provider_clients ORDER BY 1";

/// A row whose key is to be wrapped anew.
#[derive(Clone)]
struct Row {
    a: String,
    b: String,
    generation: i64,
    wrapped: Wrapped,
}

impl Store {
    /// The keys in use.
    pub(crate) fn keys(&self) -> Arc<dyn KeyWrap> {
        self.core.keys.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Uses these keys from now on; refused, and nothing changed, when some record needs one that is not among them.
    pub async fn use_keys(&self, keys: Arc<dyn KeyWrap>) -> Result<(), OpenError> {
        let needed = self.needed_keys(keys.current()).await?;
        if let Some(missing) = needed.into_iter().find(|name| !keys.knows(name)) {
            return Err(OpenError::VaultKey(missing));
        }
        *self.core.keys.write().unwrap_or_else(PoisonError::into_inner) = keys;
        Ok(())
    }

    /// Puts every record under the current key, `batch` at a time, while everything goes on.
    pub async fn rewrap(&self, batch: u32, event: AuditEvent) -> Result<Rewrapped, StoreError> {
        let keys = self.keys();
        let mut done = Rewrapped::default();
        for table in &TABLES {
            self.rewrap_table(&*keys, table, batch, &mut done).await?;
        }
        done.needed = self.needed_keys(keys.current()).await?;
        done.needed.retain(|name| name != keys.current());
        let says = format!("{} records are under the key {} now, {} stay", done.moved, keys.current(), done.stuck);
        self.record(event.says(says)).await?;
        Ok(done)
    }

    async fn rewrap_table(
        &self,
        keys: &dyn KeyWrap,
        table: &'static Table,
        batch: u32,
        done: &mut Rewrapped,
    ) -> Result<(), StoreError> {
        let mut last = (String::new(), String::new());
        loop {
            let rows = sqlx::query(table.page)
                .bind(keys.current().to_owned())
                .bind(last.0)
                .bind(last.1)
                .bind(i64::from(batch.max(1)))
                .fetch_all(self.readers())
                .await
                .map_err(Fault::from)?;
            let rows: Vec<Row> = rows.iter().map(read).collect::<Result<_, _>>()?;
            let Some(end) = rows.last() else { return Ok(()) };
            last = (end.a.clone(), end.b.clone());
            for row in rows {
                match self.wrap_anew(keys, table, row).await {
                    Ok(true) => done.moved += 1,
                    // Somebody wrote it meanwhile, under the current key.
                    Ok(false) => {}
                    Err(KeyError::Unknown(_) | KeyError::Unreadable) => done.stuck += 1,
                    Err(error @ KeyError::Unavailable(_)) => return Err(unavailable(&error)),
                }
            }
        }
    }

    async fn wrap_anew(&self, keys: &dyn KeyWrap, table: &'static Table, row: Row) -> Result<bool, KeyError> {
        let context = place(table.name, (&row.a, &row.b), row.generation);
        let key = keys.unwrap(&context, &row.wrapped).await?;
        let wrapped = keys.wrap(&context, &key).await?;
        let lock = format!("{} {}", row.a, row.b);
        let now = self.core.clock.now().millis();
        let written = self.write(&lock, (table.write, row, wrapped, now), |(text, row, wrapped, now), tx| {
            Box::pin(async move {
                let done = sqlx::query(*text)
                    .bind(wrapped.key.as_str())
                    .bind(wrapped.text.as_str())
                    .bind(row.a.as_str())
                    .bind(row.b.as_str())
                    .bind(row.generation)
                    .bind(row.wrapped.text.as_str())
                    .execute(tx.sql())
                    .await?;
                sqlx::query("INSERT INTO vault_keys (name, used_at) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING")
                    .bind(wrapped.key.as_str())
                    .bind(*now)
                    .execute(tx.sql())
                    .await?;
                Ok(Verdict::Keep(done.rows_affected() > 0))
            })
        });
        written.await.map_err(|error| KeyError::Unavailable(error.to_string()))
    }

    /// The keys that some record needs, and `current`.
    async fn needed_keys(&self, current: &str) -> Result<Vec<String>, StoreError> {
        self.write("vault", current.to_owned(), |current, tx| {
            Box::pin(async move {
                sqlx::query(FORGET).bind(current.as_str()).execute(tx.sql()).await?;
                let rows = sqlx::query(NEEDED).fetch_all(tx.sql()).await?;
                let names: Result<Vec<String>, Fault> = rows.iter().map(|row| row.text("name")).collect();
                Ok(Verdict::Keep(names?))
            })
        })
        .await
    }
}

fn read(row: &AnyRow) -> Result<Row, Fault> {
    Ok(Row {
        a: row.text("a")?,
        b: row.text("b")?,
        generation: row.number("generation")?,
        wrapped: Wrapped { key: row.text("key_name")?, text: row.text("wrapped")? },
    })
}
