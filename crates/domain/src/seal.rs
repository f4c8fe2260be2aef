//! Sealing (AES-256-GCM, random nonce): what leaves our hands and must come back unread and unchanged, and what lies
//! on a disk that others may copy. The context is authenticated, so a value cannot be moved to another place.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Salt};
use zeroize::Zeroizing;

use crate::entropy::{Entropy, draw};
use crate::text;

const NONCE: usize = 12;

/// The installation's master key: 256 bits from a file, the environment or a command.
pub struct MasterKey(Zeroizing<[u8; 32]>);

impl MasterKey {
    /// The key made of these bytes.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// Reads the text form: base64url of exactly 32 bytes, white space around it ignored.
    pub fn parse(raw: &str) -> Option<Self> {
        let bytes = Zeroizing::new(text::decode(raw.trim())?);
        bytes.as_slice().try_into().ok().map(Self::new)
    }

    /// Draws a new key.
    pub fn draw(entropy: &dyn Entropy) -> Self {
        Self::new(draw::<32>(entropy))
    }

    /// The text form, to be written where only we can read it.
    pub fn expose(&self) -> Zeroizing<String> {
        Zeroizing::new(text::encode(self.0.as_slice()))
    }

    /// The key for one purpose (HKDF-SHA-256, RFC 5869).
    pub fn sealer(&self, purpose: &str) -> Sealer {
        Sealer::derive(self.0.as_slice(), purpose)
    }

    /// 32 derived bytes for one purpose, such as an HMAC key.
    pub fn derive(&self, purpose: &str) -> Zeroizing<[u8; 32]> {
        derive(self.0.as_slice(), purpose)
    }

    /// A public mark of this key: tells a right key from a wrong one, and nothing else.
    pub fn mark(&self) -> String {
        text::encode(self.derive("mark").as_slice())
    }
}

impl std::fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MasterKey(..)")
    }
}

/// Seals and opens for one purpose.
pub struct Sealer(LessSafeKey);

impl Sealer {
    /// The sealer derived from `secret` for `purpose`.
    pub fn derive(secret: &[u8], purpose: &str) -> Self {
        let bytes = derive(secret, purpose);
        Self(key(&bytes))
    }

    /// Seals `plain`, bound to `context`; base64url.
    pub fn seal(&self, entropy: &dyn Entropy, context: &str, plain: &[u8]) -> String {
        let nonce = draw::<NONCE>(entropy);
        let mut sealed = plain.to_vec();
        let tag = self.0.seal_in_place_append_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(context.as_bytes()),
            &mut sealed,
        );
        // Sealing fails only past 64 GiB; an empty text then opens for nobody.
        if tag.is_err() {
            return String::new();
        }
        let mut out = nonce.to_vec();
        out.append(&mut sealed);
        text::encode(&out)
    }

    /// Opens what [`Self::seal`] made with the same purpose and context; `None` for anything else.
    pub fn open(&self, context: &str, sealed: &str) -> Option<Zeroizing<Vec<u8>>> {
        let bytes = text::decode(sealed)?;
        let (nonce, body) = bytes.split_at_checked(NONCE)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut body = Zeroizing::new(body.to_vec());
        let plain = self.0.open_in_place(nonce, Aad::from(context.as_bytes()), &mut body).ok()?;
        Some(Zeroizing::new(plain.to_vec()))
    }
}

impl std::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sealer(..)")
    }
}

/// HMAC-SHA-256 of `message` under `secret`.
pub fn mac(secret: &[u8; 32], message: &[u8]) -> [u8; 32] {
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, secret);
    let tag = aws_lc_rs::hmac::sign(&key, message);
    let mut out = [0; 32];
    for (to, from) in out.iter_mut().zip(tag.as_ref()) {
        *to = *from;
    }
    out
}

struct ThirtyTwo;
impl KeyType for ThirtyTwo {
    fn len(&self) -> usize {
        32
    }
}

fn derive(secret: &[u8], purpose: &str) -> Zeroizing<[u8; 32]> {
    let mut out = Zeroizing::new([0; 32]);
    let parts = [b"bailiwick/1/".as_slice(), purpose.as_bytes()];
    let filled =
        Salt::new(HKDF_SHA256, &[]).extract(secret).expand(&parts, ThirtyTwo).and_then(|okm| okm.fill(&mut *out));
    debug_assert!(filled.is_ok(), "HKDF refuses only lengths past 255 blocks");
    out
}

#[expect(clippy::expect_used, reason = "a 32-byte key always fits AES-256")]
fn key(bytes: &[u8; 32]) -> LessSafeKey {
    LessSafeKey::new(UnboundKey::new(&AES_256_GCM, bytes).expect("32 bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Seeded;

    #[test]
    fn only_the_same_key_purpose_and_context_open() {
        let dice = Seeded::default();
        let key = MasterKey::draw(&dice);
        let sealed = key.sealer("vault").seal(&dice, "row|1", b"secret");

        assert_eq!(key.sealer("vault").open("row|1", &sealed).unwrap().as_slice(), b"secret");
        assert!(key.sealer("vault").open("row|2", &sealed).is_none(), "moved to another row");
        assert!(key.sealer("other").open("row|1", &sealed).is_none(), "used for another purpose");
        assert!(MasterKey::draw(&dice).sealer("vault").open("row|1", &sealed).is_none(), "another key");
        assert!(key.sealer("vault").open("row|1", "").is_none());
    }

    #[test]
    fn a_key_survives_its_text_form_and_keeps_its_mark() {
        let key = MasterKey::draw(&Seeded::default());

        let back = MasterKey::parse(&format!("{}\n", key.expose().as_str())).unwrap();

        assert_eq!(back.mark(), key.mark());
        assert!(MasterKey::parse("short").is_none());
    }
}
