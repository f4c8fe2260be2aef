//! What is remembered. One [`Store`] speaks one SQL text to SQLite or PostgreSQL; each file below is the room of one
//! remembered thing. Callers check everything first; then one conditional write here decides who wins, together with
//! its audit row, and the answer leaves only after the commit is durable.
//!
//! A [`StoreError`] never means "no": refusals are values ([`Redeemed::Lost`], `false`, `None`).

mod accounts;
mod administer;
mod audit;
mod backup;
mod clients;
mod codes;
mod connections;
mod engine;
mod error;
mod feed;
mod grant_stops;
mod grants;
mod identities;
mod jobs;
mod keys;
mod lane;
mod migrations;
mod open;
mod passwords;
mod people;
mod pulse;
mod refresh;
mod replay;
mod requests;
mod rows;
mod secrets;
mod sessions;
mod signals;
mod standing;
mod stir;
mod stops;
mod store;
mod sweep;
mod throttle;
mod tokens;
mod tree;
mod upstream_logins;
mod users;
mod vault;

pub use administer::Account;
pub use audit::{
    AuditCursor, AuditFilter, AuditPlaces, AuditRow, AuditSpan, AuditVerdict, Break, CheckpointRow, DueCheckpoint,
    Flaw, Signed,
};
pub use backup::BackupError;
pub use clients::{ClientRow, ClientStanding};
pub use codes::{CodeState, Redeemed, Redemption};
pub use connections::{
    Connection, ConnectionError, ConnectionKey, ConnectionState, ConnectionView, Failure, Lease, NewConnection,
    ProviderClient, RefreshLease, Renewal, Ticket, TicketLook,
};
pub use engine::Database;
pub use error::{OpenError, StoreError};
pub use feed::{Change, ChangeKind, Coordinates, Revocations, Standing};
pub use grant_stops::PartyStop;
pub use grants::{GrantRow, NewApproval};
pub use identities::{Arrival, Identity, Landed};
pub use jobs::{Budget, Spent};
pub use keys::{KeyRow, KeyState, NewKey};
pub use open::Settings;
pub use pulse::Pulse;
pub use refresh::{RefreshRow, RefreshState, Rotated, Rotation};
pub use requests::HeldRequest;
pub use secrets::{NewSecret, Vault, VaultError};
pub use sessions::{NewSession, Origin, Session};
pub use signals::{Signal, SignalEnd, Silenced};
pub use standing::Ended;
pub use stir::{Looked, Stir};
pub use stops::{Died, Step, Stop, StopKind};
pub use store::Store;
pub use throttle::Attempt;
pub use tokens::{Derivation, Derived, TokenRow, TokenState};
pub use tree::{Calls, Tree, Way};
pub use upstream_logins::UpstreamLogin;
pub use users::{NO_PASSWORD, NewUser, User};
pub use vault::{DataKey, KeyError, KeyWrap, LocalKeys, Rewrapped, Wrapped};
