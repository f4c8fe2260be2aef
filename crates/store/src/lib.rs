//! What is remembered. One [`Store`] speaks one SQL text to SQLite or PostgreSQL; each file below is the room of one
//! remembered thing. Callers check everything first; then one conditional write here decides who wins, together with
//! its audit row, and the answer leaves only after the commit is durable.
//!
//! A [`StoreError`] never means "no": refusals are values ([`Redeemed::Lost`], `false`, `None`).

mod accounts;
mod audit;
mod clients;
mod codes;
mod engine;
mod error;
mod feed;
mod grants;
mod keys;
mod lane;
mod migrations;
mod open;
mod passwords;
mod people;
mod refresh;
mod requests;
mod rows;
mod sessions;
mod store;
mod sweep;
mod throttle;
mod tokens;
mod users;

pub use audit::{AuditCursor, AuditFilter, AuditRow, AuditVerdict};
pub use clients::{ClientRow, ClientStanding};
pub use codes::{CodeState, Redeemed, Redemption};
pub use engine::Database;
pub use error::{OpenError, StoreError};
pub use feed::{Change, ChangeKind, Revocations, Standing};
pub use grants::{GrantRow, NewApproval};
pub use keys::{KeyRow, KeyState, NewKey};
pub use open::Settings;
pub use refresh::{RefreshRow, RefreshState, Rotated, Rotation};
pub use requests::HeldRequest;
pub use sessions::{NewSession, Session};
pub use store::Store;
pub use throttle::Attempt;
pub use tokens::{TokenRow, TokenState};
pub use users::{NO_PASSWORD, NewUser, User};
