//! JSON Web Signatures over a closed list of algorithms (RFC 7515, 7517, 7518, 7638, 8037): a key is parsed once, its
//! type decides what it may verify, and a token has no say in which key that is.

mod alg;
mod der;
mod jwk;
mod jws;
mod key;
mod set;
mod sign;
mod strict;

pub use alg::Alg;
pub use jwk::{Jwk, JwkError};
pub use jws::{Hint, JwsError, MOST_BYTES, Unverified, Verified};
pub use key::{KeyError, KeyPair};
pub use set::JwkSet;
pub use sign::{SignError, Signer, sign_compact};
pub use strict::{StrictError, read};

#[cfg(test)]
mod tests;
