//! Identifiers: random, unguessable, told apart by kind so that a grant's id cannot stand where a user's is meant.

use std::fmt;
use std::marker::PhantomData;

use serde::{Deserialize, Serialize};

use crate::entropy::{Entropy, draw};
use crate::text;

/// What an identifier names; `PREFIX` begins its text.
pub trait Named {
    /// The letters before the underscore.
    const PREFIX: &'static str;
}

/// An identifier of kind `K`: its prefix, an underscore and 128 random bits.
#[derive(Serialize, Deserialize)]
#[serde(transparent, bound = "")]
pub struct Id<K>(String, #[serde(skip)] PhantomData<fn() -> K>);

impl<K: Named> Id<K> {
    /// Draws a new identifier.
    pub fn draw(entropy: &dyn Entropy) -> Self {
        Self::from_stored(format!("{}_{}", K::PREFIX, text::encode(&draw::<16>(entropy))))
    }
}

impl<K> Id<K> {
    /// Takes an identifier back from where we stored it ourselves; nothing is checked.
    pub fn from_stored(text: impl Into<String>) -> Self {
        Self(text.into(), PhantomData)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<K> Clone for Id<K> {
    fn clone(&self) -> Self {
        Self(self.0.clone(), PhantomData)
    }
}
impl<K> PartialEq for Id<K> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}
impl<K> Eq for Id<K> {}
impl<K> PartialOrd for Id<K> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl<K> Ord for Id<K> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.cmp(&other.0)
    }
}
impl<K> std::hash::Hash for Id<K> {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}
impl<K> fmt::Debug for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
impl<K> fmt::Display for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Kind of [`GrantId`].
pub enum Grant {}
/// Kind of [`UserId`].
pub enum User {}
/// Kind of [`TokenId`].
pub enum Token {}
/// Kind of [`TransactionId`].
pub enum Transaction {}
/// Kind of [`SessionId`].
pub enum Session {}
/// Kind of [`CorrelationId`].
pub enum Correlation {}
/// Kind of [`WriterId`].
pub enum Writer {}

impl Named for Grant {
    const PREFIX: &'static str = "gr";
}
impl Named for User {
    const PREFIX: &'static str = "us";
}
impl Named for Token {
    const PREFIX: &'static str = "at";
}
impl Named for Transaction {
    const PREFIX: &'static str = "tx";
}
impl Named for Session {
    const PREFIX: &'static str = "si";
}
impl Named for Correlation {
    const PREFIX: &'static str = "co";
}
impl Named for Writer {
    const PREFIX: &'static str = "wr";
}

/// One approval of one client by one person (or one machine's own authority): the place where liveness lives.
pub type GrantId = Id<Grant>;
/// One account; the `sub` of its tokens.
pub type UserId = Id<User>;
/// One access token: its `jti`.
pub type TokenId = Id<Token>;
/// One chain of requests from first token to last tool: `txn`.
pub type TransactionId = Id<Transaction>;
/// One signed-in browser.
pub type SessionId = Id<Session>;
/// One request as it is found again in log, audit and error page.
pub type CorrelationId = Id<Correlation>;
/// One writer of the audit chain and the change feed.
pub type WriterId = Id<Writer>;

/// The `client_id` of an OAuth client (RFC 6749 §2.2), whatever its source: an opaque string of at most 1 KiB.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ClientId(String);

impl ClientId {
    /// The longest `client_id` accepted, in bytes.
    pub const MOST: usize = 1024;

    /// Takes a `client_id` as presented; longer than [`Self::MOST`], empty or beyond printable ASCII is refused
    /// (RFC 6749 appendix A.1).
    pub fn parse(raw: &str) -> Option<Self> {
        let fits = !raw.is_empty() && raw.len() <= Self::MOST && raw.bytes().all(|b| (0x20..=0x7e).contains(&b));
        fits.then(|| Self(raw.to_owned()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The digest under which a client's row is kept: base64url of SHA-256.
    pub fn digest(&self) -> String {
        text::encode(&text::sha256(self.0.as_bytes()))
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
