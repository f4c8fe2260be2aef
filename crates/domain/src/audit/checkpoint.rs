//! Checkpoints: now and then one process signs the heads of every chain that grew. A chain alone shows a change in its
//! middle; a checkpoint also shows that its end, or all of it, was taken away, and it cannot be made anew without the
//! signing key. Each names the one before it, so that none can be taken away unseen either.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::ids::WriterId;
use crate::jose::{JwkSet, JwsError, SignError, Signer, Unverified, sign_compact};
use crate::text;
use crate::time::Timestamp;

/// The class of these statements (RFC 8725 §3.11).
const TYP: &str = "bailiwick-audit-checkpoint+jwt";
/// The most heads of one checkpoint, so that a statement stays as short as every verifier takes it.
pub const MOST_HEADS: usize = 64;

/// What a checkpoint states. Heads that did not move since an earlier checkpoint are not repeated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// Its number: the first is 1.
    pub number: i64,
    /// When it was made.
    pub at: Timestamp,
    /// The digest of the statement before it; empty in the first.
    pub prev: String,
    /// The chains that grew since.
    pub heads: Vec<Head>,
}

/// The end of one writer's chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// Whose chain.
    pub writer: WriterId,
    /// The number of its last row.
    pub seq: i64,
    /// That row's hash.
    pub hash: String,
}

/// Why a statement is none of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// Its signature.
    #[error(transparent)]
    Signature(#[from] JwsError),
    /// It is something else that was signed.
    #[error("it is not a checkpoint of the audit")]
    Class,
    /// It does not say what a checkpoint says.
    #[error("it does not read as a checkpoint")]
    Claims,
}

impl Checkpoint {
    /// The signed statement (RFC 7515 §7.1).
    ///
    /// # Errors
    /// [`SignError`].
    pub fn sign(&self, signer: &dyn Signer) -> Result<String, SignError> {
        sign_compact(signer, TYP, self)
    }

    /// Reads a statement that one of `keys` signed.
    ///
    /// # Errors
    /// [`CheckpointError`].
    pub fn read(statement: &str, keys: &JwkSet) -> Result<Self, CheckpointError> {
        let verified = Unverified::parse(statement)?.verify(keys)?;
        if verified.typ() != TYP {
            return Err(CheckpointError::Class);
        }
        serde_json::from_value(Value::Object(verified.claims()?)).map_err(|_| CheckpointError::Claims)
    }

    /// The digest by which the next statement names this one.
    pub fn digest(statement: &str) -> String {
        text::encode(&text::sha256(statement.as_bytes()))
    }
}
