//! Signing: a seam behind which a key may lie in memory, in an HSM or at a cloud service.

use serde::Serialize;
use serde_json::json;

use super::{Alg, Jwk};
use crate::text;

/// Signs with one key.
pub trait Signer: Send + Sync {
    /// The algorithm of its signatures.
    fn alg(&self) -> Alg;
    /// The `kid` under which its public key is published.
    fn kid(&self) -> &str;
    /// The public key.
    fn public(&self) -> Jwk;
    /// Signs `input`; the signature is in the form of RFC 7518 §3.
    ///
    /// # Errors
    /// [`SignError`] when the key cannot sign now.
    fn sign(&self, input: &[u8]) -> Result<Vec<u8>, SignError>;
}

/// Why nothing was signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// The key refused.
    #[error("the signing key could not sign")]
    Key,
    /// The claims are no JSON.
    #[error("the claims cannot be written as JSON")]
    Claims,
}

/// A compact JWS (RFC 7515 §7.1) of `claims`, with `typ` as its class (RFC 8725 §3.11).
///
/// # Errors
/// [`SignError`] when the key or the claims fail.
pub fn sign_compact(signer: &dyn Signer, typ: &str, claims: &impl Serialize) -> Result<String, SignError> {
    let header = json!({ "typ": typ, "alg": signer.alg().as_str(), "kid": signer.kid() });
    let claims = serde_json::to_vec(claims).map_err(|_| SignError::Claims)?;
    let mut token = format!("{}.{}", text::encode(header.to_string().as_bytes()), text::encode(&claims));
    let signature = signer.sign(token.as_bytes())?;
    token.push('.');
    token.push_str(&text::encode(&signature));
    Ok(token)
}
