//! Keys: ours, that signs, and theirs, that an operator configured. A key that comes with a document is never used.

use std::fmt;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use bergshamra_dsig::DsigContext;
use bergshamra_keys::loader::{load_rsa_private_pem, load_x509_cert_der};
use bergshamra_keys::{Key, KeysManager};
use zeroize::Zeroizing;

use crate::SamlError;
use crate::text;

/// How many certificates one issuer may have.
const MOST_KEYS: usize = 16;

/// An RSA key that signs assertions and requests. It prints nothing of itself.
pub struct SigningKey {
    key: Key,
    pkcs8: Zeroizing<Vec<u8>>,
    certificate: Option<Vec<u8>>,
}

impl SigningKey {
    /// Reads a PKCS#8 key from its PEM form (RFC 7468 §10).
    ///
    /// # Errors
    /// [`SamlError::Key`] with what to change.
    pub fn from_pem(pem: &str) -> Result<Self, SamlError> {
        if pem.contains("BEGIN RSA PRIVATE KEY") {
            return Err(SamlError::Key("it is PKCS#1; `openssl pkcs8 -topk8 -nocrypt` turns it into PKCS#8"));
        }
        let key = load_rsa_private_pem(pem.trim().as_bytes());
        let key = key.map_err(|_| SamlError::Key("it must be an RSA key in PKCS#8 (BEGIN PRIVATE KEY)"))?;
        let body: Zeroizing<String> = Zeroizing::new(pem.lines().filter(|line| !line.contains("-----")).collect());
        let pkcs8 = Zeroizing::new(text::from_base64(&body)?);
        Ok(Self { key, pkcs8, certificate: None })
    }

    /// The same, with the certificate by which readers know it: some want to find it beside the signature.
    ///
    /// # Errors
    /// [`SamlError::Key`] for a certificate of another key.
    pub fn certified(self, pem: &str) -> Result<Self, SamlError> {
        let certificate = certificates(pem)?.into_iter().next().ok_or(SamlError::Key("the certificate is not PEM"))?;
        let same = trusted(&certificate)?.to_spki_der().is_some_and(|public| Some(public) == self.key.to_spki_der());
        if same {
            Ok(Self { certificate: Some(certificate), ..self })
        } else {
            Err(SamlError::Key("the certificate is of another key"))
        }
    }

    /// A signature of RSA with SHA-256 over bytes as they are (SAML bindings §3.4.4.1).
    pub(crate) fn sign(&self, bytes: &[u8]) -> Result<Vec<u8>, SamlError> {
        let pair = RsaKeyPair::from_pkcs8(&self.pkcs8).map_err(|_| SamlError::Key("it cannot sign"))?;
        let mut signature = vec![0; pair.public_modulus_len()];
        let signed = pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), bytes, &mut signature);
        signed.map(|()| signature).map_err(|_| SamlError::Key("it cannot sign"))
    }

    pub(crate) fn certificate(&self) -> Option<&[u8]> {
        self.certificate.as_deref()
    }

    pub(crate) fn context(&self) -> DsigContext {
        context([self.key.clone()])
    }
}

impl PartialEq for SigningKey {
    fn eq(&self, other: &Self) -> bool {
        self.pkcs8 == other.pkcs8 && self.certificate == other.certificate
    }
}

impl Eq for SigningKey {}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey")
    }
}

/// The keys one issuer may sign with, as its certificates give them. The certificates' own dates and chains mean nothing
/// here: an operator vouches for each by configuring it (SAML metadata interoperability profile §2.6.1).
#[derive(Clone)]
pub struct TrustedKeys {
    keys: Vec<Key>,
    certificates: Vec<Vec<u8>>,
}

impl TrustedKeys {
    /// Keys from DER certificates.
    ///
    /// # Errors
    /// [`SamlError::Key`] for none, too many, or one that holds neither an RSA nor a P-256 key.
    pub fn from_der(certificates: Vec<Vec<u8>>) -> Result<Self, SamlError> {
        if certificates.is_empty() || certificates.len() > MOST_KEYS {
            return Err(SamlError::Key("an issuer has between 1 and 16 certificates"));
        }
        let keys = certificates.iter().map(|der| trusted(der)).collect::<Result<_, _>>()?;
        Ok(Self { keys, certificates })
    }

    /// Keys from PEM certificates, one after the other.
    ///
    /// # Errors
    /// As [`Self::from_der`].
    pub fn from_pem(pem: &str) -> Result<Self, SamlError> {
        Self::from_der(certificates(pem)?)
    }

    pub(crate) fn context(&self) -> DsigContext {
        context(self.keys.iter().cloned())
    }
}

impl PartialEq for TrustedKeys {
    fn eq(&self, other: &Self) -> bool {
        self.certificates == other.certificates
    }
}

impl Eq for TrustedKeys {}

impl fmt::Debug for TrustedKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TrustedKeys({})", self.keys.len())
    }
}

/// The DER of each certificate in a PEM text (RFC 7468 §5).
fn certificates(pem: &str) -> Result<Vec<Vec<u8>>, SamlError> {
    let blocks = pem.split("-----BEGIN CERTIFICATE-----").skip(1);
    blocks.map(|block| text::from_base64(block.split("-----END").next().unwrap_or(""))).collect()
}

fn trusted(der: &[u8]) -> Result<Key, SamlError> {
    let mut key = load_x509_cert_der(der).map_err(|_| SamlError::Key("not a certificate with an RSA or P-256 key"))?;
    if !matches!(key.algorithm_name(), "RSA" | "EC-P256") {
        return Err(SamlError::Key("the certificate's key is neither RSA nor P-256"));
    }
    // The key alone is trusted, not what its certificate says.
    key.x509_chain.clear();
    Ok(key)
}

/// The library's secure defaults (configured keys only, strict positions), and no file or network behind a reference.
fn context(keys: impl IntoIterator<Item = Key>) -> DsigContext {
    let mut manager = KeysManager::new();
    manager.add_keys(keys);
    DsigContext::new(manager)
}
