//! The notary: signs the ends of the audit's chains, and checks the record against what was signed. The newest statement
//! is also kept in a file beside the database, so that a record which was set back as a whole is known for one.

use std::path::{Path, PathBuf};
use std::time::Duration;

use bailiwick_domain::audit::{Checkpoint, CheckpointError, MOST_HEADS};
use bailiwick_domain::jose::{Alg, JwkSet, KeyError, KeyPair, SignError, Signer as _};
use bailiwick_domain::time::Clock as _;
use bailiwick_store::{AuditVerdict, KeyState, Store, StoreError};
use tokio_util::sync::CancellationToken;

use crate::keep;
use crate::wire::SystemClock;

/// How often what was written is signed.
const EVERY: Duration = Duration::from_mins(1);
/// The file that remembers the newest statement.
const ANCHOR: &str = "audit.anchor";

/// Signs and checks.
#[derive(Clone)]
pub(crate) struct Notary {
    store: Store,
    anchor: PathBuf,
}

/// Why nothing was signed or checked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotaryError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A key in it.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The key at work.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// No key has been made yet.
    #[error("there is no signing key yet; the first `serve` makes one")]
    NoKey,
    /// The file that remembers.
    #[error("{path} cannot be used: {reason}")]
    Anchor {
        /// Which file.
        path: String,
        /// Why.
        reason: String,
    },
    /// What the file remembers is not in the database.
    #[error(
        "the record was set back: checkpoint {0}, which {ANCHOR} remembers, is not in the database any more; `bailiwick audit verify` says more"
    )]
    SetBack(i64),
}

impl Notary {
    /// Over that store, remembering in that directory.
    pub(crate) fn new(store: Store, data: &Path) -> Self {
        Self { store, anchor: data.join(ANCHOR) }
    }

    /// Signs what grew every minute, until `stop`.
    pub(crate) async fn attend(self, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(EVERY) => {}
            }
            if let Err(error) = self.sign().await {
                tracing::error!(%error, "the record could not be signed; the next minute tries again");
            }
        }
    }

    /// Signs what grew; answers the number of the newest checkpoint, where one was written now.
    pub(crate) async fn sign(&self) -> Result<Option<i64>, NotaryError> {
        let keys = Keys::load(&self.store).await?;
        let remembered = self.remembered(&keys.public);
        let known = remembered.as_ref().ok().cloned().flatten();
        let mut written = None;
        while let Some(due) = self.store.checkpoint_due(known.clone(), SystemClock.now()).await? {
            let (number, full) = (due.checkpoint.number, due.checkpoint.heads.len() == MOST_HEADS);
            let statement = due.checkpoint.sign(keys.signer.as_ref().ok_or(NotaryError::NoKey)?)?;
            // Another process may have been first; then that one signs.
            if !self.store.keep_checkpoint(due, statement).await? {
                break;
            }
            written = Some(number);
            if !full {
                break;
            }
        }
        self.remember(remembered?, &keys.public).await?;
        Ok(written)
    }

    /// Checks the whole record.
    pub(crate) async fn verify(&self) -> Result<AuditVerdict, NotaryError> {
        let keys = Keys::load(&self.store).await?;
        Ok(self.store.verify_audit(&keys.public, self.remembered(&keys.public)?).await?)
    }

    /// Forgets the newest statement, because an operator put another database in its place.
    pub(crate) fn forget(data: &Path) -> std::io::Result<()> {
        match std::fs::remove_file(data.join(ANCHOR)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// The newest checkpoint seen from here: its number and digest.
    fn remembered(&self, keys: &JwkSet) -> Result<Option<(i64, String)>, NotaryError> {
        let statement = match std::fs::read_to_string(&self.anchor) {
            Ok(statement) => statement,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.trouble(&error)),
        };
        let checkpoint = Checkpoint::read(&statement, keys).map_err(|error: CheckpointError| self.trouble(&error))?;
        Ok(Some((checkpoint.number, Checkpoint::digest(&statement))))
    }

    /// Remembers the newest, unless it does not follow the one remembered: that one is then kept as evidence.
    async fn remember(&self, before: Option<(i64, String)>, keys: &JwkSet) -> Result<(), NotaryError> {
        if let Some((number, hash)) = &before {
            let found = self.store.checkpoints(number.saturating_sub(1), 1).await?;
            if found.first().is_none_or(|row| (row.number, &row.hash) != (*number, hash)) {
                return Err(NotaryError::SetBack(*number));
            }
        }
        let Some(newest) = self.store.newest_checkpoint().await? else { return Ok(()) };
        if before.is_some_and(|(number, _)| number == newest.number) {
            return Ok(());
        }
        Checkpoint::read(&newest.statement, keys).map_err(|error| self.trouble(&error))?;
        keep::write_private(&self.anchor, newest.statement.as_bytes()).map_err(|error| self.trouble(&error))
    }

    fn trouble(&self, error: &dyn std::fmt::Display) -> NotaryError {
        NotaryError::Anchor { path: self.anchor.display().to_string(), reason: error.to_string() }
    }
}

/// The keys of the store. Their public halves are made from the sealed private ones: a key that somebody put into the
/// table does not open.
struct Keys {
    public: JwkSet,
    signer: Option<KeyPair>,
}

impl Keys {
    async fn load(store: &Store) -> Result<Self, NotaryError> {
        let (mut public, mut signer) = (Vec::new(), None);
        for row in store.signing_keys().await? {
            let Some(alg) = Alg::parse(&row.alg) else { continue };
            let pair = KeyPair::from_pkcs8(alg, &row.pkcs8)?;
            public.push(pair.public());
            if row.state == KeyState::Active {
                signer = Some(pair);
            }
        }
        Ok(Self { public: JwkSet::new(public), signer })
    }
}
