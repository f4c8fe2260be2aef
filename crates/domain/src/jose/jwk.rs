//! Public keys (RFC 7517, RFC 7518 §6, RFC 8037 §2): checked and parsed once, at the door.

use std::fmt;

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256,
    RsaPublicKeyComponents,
};
use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};

use super::Alg;
use crate::text;

/// Members that only a private or symmetric key has (RFC 7518 §6.2.2, §6.3.2, §6.4.1).
const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];
/// The longest `kid`.
pub(super) const MOST_KID: usize = 128;

/// A public key that may verify signatures.
#[derive(Clone)]
pub struct Jwk {
    kid: String,
    alg: Option<Alg>,
    material: Material,
    verifiers: Vec<(Alg, ParsedPublicKey)>,
}

/// Why a key is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JwkError {
    /// Not a JSON Web Key at all.
    #[error("not a JSON Web Key")]
    Malformed,
    /// A private or symmetric key where only public ones may be.
    #[error("a private key where only public ones may be")]
    Private,
    /// A type, curve, use or algorithm that nothing here verifies with.
    #[error("a key that is not for verifying signatures here")]
    Unsupported,
    /// An RSA key that is too small or too large, or has a bad exponent; a point that is not on its curve.
    #[error("a key too weak or too large to be used")]
    Weak,
}

#[derive(Clone, PartialEq, Eq)]
enum Material {
    P256 { x: Vec<u8>, y: Vec<u8> },
    Ed25519 { x: Vec<u8> },
    Rsa { n: Vec<u8>, e: Vec<u8> },
}

impl Jwk {
    /// Takes a key from a document.
    ///
    /// # Errors
    /// [`JwkError`].
    pub fn from_json(json: &Value) -> Result<Self, JwkError> {
        Self::read(json, |purpose| purpose.is_none_or(|purpose| purpose == "sig"))
    }

    /// Takes a key that is for exactly this `use`.
    pub(super) fn of_use(json: &Value, purpose: &str) -> Result<Self, JwkError> {
        Self::read(json, |said| said == Some(purpose))
    }

    fn read(json: &Value, is_for: impl FnOnce(Option<&str>) -> bool) -> Result<Self, JwkError> {
        let object = json.as_object().ok_or(JwkError::Malformed)?;
        if PRIVATE.iter().any(|member| object.contains_key(*member)) {
            return Err(JwkError::Private);
        }
        if !is_for(optional(object, "use")?) || !may_verify(object) {
            return Err(JwkError::Unsupported);
        }
        let alg = optional(object, "alg")?.map(|raw| Alg::parse(raw).ok_or(JwkError::Unsupported)).transpose()?;
        let kid = optional(object, "kid")?.map(str::to_owned);
        if kid.as_ref().is_some_and(|kid| kid.is_empty() || kid.len() > MOST_KID) {
            return Err(JwkError::Malformed);
        }
        Self::new(kid, alg, Material::read(object)?)
    }

    /// The key of an uncompressed P-256 point: `04 ‖ x ‖ y`.
    pub(super) fn p256(point: &[u8]) -> Result<Self, JwkError> {
        let (x, y) = point.strip_prefix(&[4]).and_then(|xy| xy.split_at_checked(32)).ok_or(JwkError::Malformed)?;
        Self::new(None, Some(Alg::Es256), Material::P256 { x: x.to_vec(), y: y.to_vec() })
    }

    /// The RSA key of this modulus and exponent.
    pub(super) fn rsa(n: Vec<u8>, e: Vec<u8>) -> Result<Self, JwkError> {
        Self::new(None, Some(Alg::Rs256), Material::Rsa { n, e })
    }

    /// Checks the material; a key without a `kid` is known by its thumbprint.
    fn new(kid: Option<String>, alg: Option<Alg>, material: Material) -> Result<Self, JwkError> {
        let fits: Vec<Alg> = material.algs().iter().copied().filter(|fit| alg.is_none_or(|alg| alg == *fit)).collect();
        let verifiers =
            fits.into_iter().map(|alg| Ok((alg, material.verifier(alg)?))).collect::<Result<Vec<_>, _>>()?;
        if verifiers.is_empty() {
            return Err(JwkError::Unsupported);
        }
        let kid = kid.unwrap_or_else(|| material.thumbprint());
        Ok(Self { kid, alg, material, verifiers })
    }

    /// The name under which tokens refer to it.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The one algorithm it is for, when it says so.
    pub fn alg(&self) -> Option<Alg> {
        self.alg
    }

    /// True when signatures of `alg` can be verified with it.
    pub fn fits(&self, alg: Alg) -> bool {
        self.verifiers.iter().any(|(fit, _)| *fit == alg)
    }

    /// The thumbprint (RFC 7638, SHA-256, base64url).
    pub fn thumbprint(&self) -> String {
        self.material.thumbprint()
    }

    /// The public key as JSON: the members of its type, and `use`, `alg` and `kid`.
    pub fn to_json(&self) -> Value {
        let mut json = self.material.to_json();
        if let Some(object) = json.as_object_mut() {
            object.insert("use".to_owned(), json!("sig"));
            object.insert("kid".to_owned(), json!(self.kid));
            if let Some(alg) = self.alg {
                object.insert("alg".to_owned(), json!(alg.as_str()));
            }
        }
        json
    }

    /// True when `signature` over `message` was made with this key and `alg`.
    pub(super) fn verifies(&self, alg: Alg, message: &[u8], signature: &[u8]) -> bool {
        self.verifiers.iter().any(|(fit, key)| *fit == alg && key.verify_sig(message, signature).is_ok())
    }
}

impl Material {
    fn read(object: &Map<String, Value>) -> Result<Self, JwkError> {
        let kty = optional(object, "kty")?.ok_or(JwkError::Malformed)?;
        match (kty, optional(object, "crv")?) {
            ("EC", Some("P-256")) => Ok(Self::P256 { x: bytes(object, "x")?, y: bytes(object, "y")? }),
            ("OKP", Some("Ed25519")) => Ok(Self::Ed25519 { x: bytes(object, "x")? }),
            ("RSA", _) => Ok(Self::Rsa { n: bytes(object, "n")?, e: bytes(object, "e")? }),
            _ => Err(JwkError::Unsupported),
        }
    }

    const fn algs(&self) -> &'static [Alg] {
        match self {
            Self::P256 { .. } => &[Alg::Es256],
            Self::Ed25519 { .. } => &[Alg::EdDsa],
            Self::Rsa { .. } => &[Alg::Rs256, Alg::Ps256],
        }
    }

    fn verifier(&self, alg: Alg) -> Result<ParsedPublicKey, JwkError> {
        let parsed = match self {
            Self::P256 { x, y } if x.len() == 32 && y.len() == 32 => {
                ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, [&[4], x.as_slice(), y.as_slice()].concat())
            }
            Self::Ed25519 { x } if x.len() == 32 => ParsedPublicKey::new(&ED25519, x),
            Self::Rsa { n, e } if sound(n, e) => {
                let params = if alg == Alg::Ps256 { &RSA_PSS_2048_8192_SHA256 } else { &RSA_PKCS1_2048_8192_SHA256 };
                RsaPublicKeyComponents { n, e }.to_parsed_public_key(params)
            }
            Self::P256 { .. } | Self::Ed25519 { .. } | Self::Rsa { .. } => return Err(JwkError::Weak),
        };
        parsed.map_err(|_| JwkError::Weak)
    }

    /// The required members (RFC 7638 §3.2, RFC 8037 §2); `serde_json` keeps them in the order the thumbprint wants.
    fn to_json(&self) -> Value {
        match self {
            Self::P256 { x, y } => json!({ "crv": "P-256", "kty": "EC", "x": text::encode(x), "y": text::encode(y) }),
            Self::Ed25519 { x } => json!({ "crv": "Ed25519", "kty": "OKP", "x": text::encode(x) }),
            Self::Rsa { n, e } => json!({ "e": text::encode(e), "kty": "RSA", "n": text::encode(n) }),
        }
    }

    fn thumbprint(&self) -> String {
        text::encode(&text::sha256(self.to_json().to_string().as_bytes()))
    }
}

/// True for 2048 to 4096 bits, no leading zeros, and an odd exponent from 65537 to 32 bits.
fn sound(n: &[u8], e: &[u8]) -> bool {
    let bits = n.first().map_or(0, |first| n.len() * 8 - first.leading_zeros() as usize);
    let exponent = e.iter().fold(0_u64, |value, byte| (value << 8) | u64::from(*byte));
    let plain = e.len() <= 4 && !e.starts_with(&[0]) && !n.starts_with(&[0]);
    plain && (2048..=4096).contains(&bits) && exponent >= 65_537 && exponent % 2 == 1
}

/// `key_ops`, where present, names `verify` (RFC 7517 §4.3).
fn may_verify(object: &Map<String, Value>) -> bool {
    let named = |ops: &Value| ops.as_array().is_some_and(|ops| ops.iter().any(|op| op == "verify"));
    object.get("key_ops").is_none_or(named)
}

fn optional<'a>(object: &'a Map<String, Value>, member: &str) -> Result<Option<&'a str>, JwkError> {
    object.get(member).map(|value| value.as_str().ok_or(JwkError::Malformed)).transpose()
}

fn bytes(object: &Map<String, Value>, member: &str) -> Result<Vec<u8>, JwkError> {
    optional(object, member)?.and_then(text::decode).ok_or(JwkError::Malformed)
}

impl Serialize for Jwk {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_json().serialize(serializer)
    }
}

impl PartialEq for Jwk {
    fn eq(&self, other: &Self) -> bool {
        self.kid == other.kid && self.alg == other.alg && self.material == other.material
    }
}
impl Eq for Jwk {}

impl fmt::Debug for Jwk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jwk").field("kid", &self.kid).field("alg", &self.alg).finish_non_exhaustive()
    }
}
