//! Opaque secrets by kind: 256 random bits that only their holder can spell and only their digest is stored.

use std::fmt;
use std::marker::PhantomData;

use serde::{Deserialize, Deserializer, Serialize};
use zeroize::Zeroizing;

use crate::entropy::Entropy;
use crate::text;

/// What a secret is for; `PREFIX` begins its text, so that a scanner knows it and a code is never looked up as a
/// refresh token.
pub trait Kind {
    /// The prefix on the wire, such as `bw_rt_`.
    const PREFIX: &'static str;
}

/// Authorization code (RFC 6749 §1.3.1).
pub enum Code {}
/// Refresh token (RFC 6749 §1.5).
pub enum Refresh {}
/// Cookie of a signed-in browser.
pub enum SessionCookie {}
/// Handle of an authorization request in progress.
pub enum RequestHandle {}
/// Cookie that ties an anonymous browser to the requests it began.
pub enum BrowserCookie {}
/// Secret of a confidential client (RFC 6749 §2.3.1).
pub enum ClientSecret {}
/// One-time link that makes the first account.
pub enum SetupLink {}
/// `state` of a sign-in under way at an upstream provider (OpenID Connect Core §3.1.2.1).
pub enum LoginState {}
/// Link that a person follows to connect an account at a provider.
pub enum ConnectTicket {}
/// Token that opens the administration socket.
pub enum AdminToken {}

impl Kind for Code {
    const PREFIX: &'static str = "bw_ac_";
}
impl Kind for Refresh {
    const PREFIX: &'static str = "bw_rt_";
}
impl Kind for SessionCookie {
    const PREFIX: &'static str = "bw_se_";
}
impl Kind for RequestHandle {
    const PREFIX: &'static str = "bw_rq_";
}
impl Kind for BrowserCookie {
    const PREFIX: &'static str = "bw_br_";
}
impl Kind for ClientSecret {
    const PREFIX: &'static str = "bw_cs_";
}
impl Kind for SetupLink {
    const PREFIX: &'static str = "bw_su_";
}
impl Kind for LoginState {
    const PREFIX: &'static str = "bw_st_";
}
impl Kind for ConnectTicket {
    const PREFIX: &'static str = "bw_ct_";
}
impl Kind for AdminToken {
    const PREFIX: &'static str = "bw_ad_";
}

/// A secret of kind `K`. It cannot be printed, cloned or serialised; [`Opaque::expose`] is the one way out.
///
/// ```compile_fail
/// # use bailiwick_domain::opaque::{Opaque, Code};
/// fn leak(code: Opaque<Code>) -> String { code.to_string() }
/// ```
/// ```compile_fail
/// # use bailiwick_domain::opaque::{Digest, Code, Refresh};
/// fn confuse(code: Digest<Code>) -> Digest<Refresh> { code }
/// ```
pub struct Opaque<K> {
    bytes: Zeroizing<[u8; 32]>,
    kind: PhantomData<fn() -> K>,
}

impl<K: Kind> Opaque<K> {
    /// Draws a new secret.
    pub fn mint(entropy: &dyn Entropy) -> Self {
        let mut bytes = Zeroizing::new([0; 32]);
        entropy.fill(&mut *bytes);
        Self::from_bytes(bytes)
    }

    /// A secret made of bytes that were derived, not drawn.
    pub fn from_bytes(bytes: Zeroizing<[u8; 32]>) -> Self {
        Self { bytes, kind: PhantomData }
    }

    /// Reads a secret off the wire: right prefix, right length, right checksum, canonical spelling, or nothing.
    pub fn parse(raw: &str) -> Option<Self> {
        let body = raw.strip_prefix(K::PREFIX)?;
        let decoded = Zeroizing::new(text::decode(body)?);
        let (secret, sum) = decoded.split_at_checked(32)?;
        let bytes: [u8; 32] = secret.try_into().ok()?;
        (sum == checksum::<K>(&bytes)).then(|| Self::from_bytes(Zeroizing::new(bytes)))
    }

    /// The text for the wire.
    pub fn expose(&self) -> Zeroizing<String> {
        let mut body = Zeroizing::new(Vec::with_capacity(36));
        body.extend_from_slice(self.bytes.as_slice());
        body.extend_from_slice(&checksum::<K>(&self.bytes));
        Zeroizing::new(format!("{}{}", K::PREFIX, text::encode(&body)))
    }

    /// The digest for the store.
    pub fn digest(&self) -> Digest<K> {
        Digest(text::encode(&text::sha256(self.bytes.as_slice())), PhantomData)
    }

    /// The raw bytes, to derive a key from; never to be stored or sent.
    pub fn key_material(&self) -> &[u8; 32] {
        &self.bytes
    }
}

fn checksum<K: Kind>(bytes: &[u8; 32]) -> [u8; 4] {
    let mut sum = crc32fast::Hasher::new();
    sum.update(K::PREFIX.as_bytes());
    sum.update(bytes);
    sum.finalize().to_be_bytes()
}

impl<K> fmt::Debug for Opaque<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Opaque(..)")
    }
}

impl<'de, K: Kind> Deserialize<'de> for Opaque<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Zeroizing::new(String::deserialize(deserializer)?);
        Self::parse(&raw).ok_or_else(|| serde::de::Error::custom("not a secret of this kind"))
    }
}

/// SHA-256 of a secret, base64url: what the store knows of it.
#[derive(Serialize, Deserialize)]
#[serde(transparent, bound = "")]
pub struct Digest<K>(String, #[serde(skip)] PhantomData<fn() -> K>);

impl<K> Digest<K> {
    /// The text that is stored.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Takes a digest back from the store.
    pub fn from_stored(text: impl Into<String>) -> Self {
        Self(text.into(), PhantomData)
    }
}

impl<K> Clone for Digest<K> {
    fn clone(&self) -> Self {
        Self(self.0.clone(), PhantomData)
    }
}
impl<K> PartialEq for Digest<K> {
    fn eq(&self, other: &Self) -> bool {
        text::same(self.0.as_bytes(), other.0.as_bytes())
    }
}
impl<K> Eq for Digest<K> {}
impl<K> fmt::Debug for Digest<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let short: String = self.0.chars().take(8).collect();
        write!(f, "Digest({short}…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Seeded;

    #[test]
    fn a_secret_survives_the_wire() {
        let code = Opaque::<Code>::mint(&Seeded::default());

        let back = Opaque::<Code>::parse(&code.expose()).unwrap();

        assert!(back.digest() == code.digest());
    }

    #[test]
    fn another_kind_a_typo_and_junk_are_nothing() {
        let code = Opaque::<Code>::mint(&Seeded::default()).expose();
        let typo = code.replace(|c: char| c.is_ascii_digit(), "A");
        let refresh = code.replace("bw_ac_", "bw_rt_");

        for raw in [
            typo.as_str(),
            refresh.as_str(),
            code.trim_end_matches(|c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_'),
            "",
            "bw_ac_",
            "bw_ac_==",
        ] {
            assert!(Opaque::<Code>::parse(raw).is_none(), "{raw}");
        }
        assert!(Opaque::<Refresh>::parse(&refresh).is_none(), "the checksum covers the kind");
    }

    #[test]
    fn debug_tells_nothing() {
        assert_eq!(format!("{:?}", Opaque::<Code>::mint(&Seeded::default())), "Opaque(..)");
    }
}
