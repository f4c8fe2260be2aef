//! Key pairs held in memory: parsed once, so that a signature costs a signature and nothing else.

use std::fmt;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair};
use zeroize::Zeroizing;

use super::{Alg, Jwk, SignError, Signer, der};

/// A private key that signs ES256 or RS256; `kid` is the thumbprint of its public key. It prints nothing of itself.
pub struct KeyPair {
    secret: Secret,
    public: Jwk,
    pkcs8: Zeroizing<Vec<u8>>,
}

/// Why there is no key pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Nothing here signs with that algorithm.
    #[error("keys are made for ES256 and RS256 only")]
    Unsupported,
    /// The bytes are no acceptable PKCS#8 key for the algorithm.
    #[error("not a PKCS#8 private key for this algorithm")]
    Rejected,
    /// The cryptographic library could not make a key.
    #[error("a key could not be generated")]
    Generation,
}

enum Secret {
    Ec(EcdsaKeyPair),
    Rsa(RsaKeyPair),
}

impl KeyPair {
    /// Makes a new key: P-256, or RSA of 2048 bits.
    ///
    /// # Errors
    /// [`KeyError::Unsupported`] for algorithms that are only verified here.
    pub fn generate(alg: Alg) -> Result<Self, KeyError> {
        let pkcs8 = match alg {
            Alg::Es256 => {
                let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING);
                let document = pair.and_then(|pair| pair.to_pkcs8v1()).map_err(|_| KeyError::Generation)?;
                Zeroizing::new(document.as_ref().to_vec())
            }
            Alg::Rs256 => {
                let pair = RsaKeyPair::generate(KeySize::Rsa2048).map_err(|_| KeyError::Generation)?;
                let document: Pkcs8V1Der<'_> = pair.as_der().map_err(|_| KeyError::Generation)?;
                Zeroizing::new(document.as_ref().to_vec())
            }
            Alg::EdDsa | Alg::Ps256 => return Err(KeyError::Unsupported),
        };
        Self::from_pkcs8(alg, &pkcs8)
    }

    /// Takes a key back from its PKCS#8 form (RFC 5208).
    ///
    /// # Errors
    /// [`KeyError`]; an RSA key must have 2048 to 4096 bits.
    pub fn from_pkcs8(alg: Alg, pkcs8: &[u8]) -> Result<Self, KeyError> {
        let (secret, public) = match alg {
            Alg::Es256 => {
                let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8);
                let pair = pair.map_err(|_| KeyError::Rejected)?;
                let public = Jwk::p256(pair.public_key().as_ref());
                (Secret::Ec(pair), public)
            }
            Alg::Rs256 => {
                let pair = RsaKeyPair::from_pkcs8(pkcs8).map_err(|_| KeyError::Rejected)?;
                let (n, e) = der::rsa_public(pair.public_key().as_ref()).ok_or(KeyError::Rejected)?;
                (Secret::Rsa(pair), Jwk::rsa(n, e))
            }
            Alg::EdDsa | Alg::Ps256 => return Err(KeyError::Unsupported),
        };
        let public = public.map_err(|_| KeyError::Rejected)?;
        Ok(Self { secret, public, pkcs8: Zeroizing::new(pkcs8.to_vec()) })
    }

    /// The private key as PKCS#8, to be sealed and stored.
    pub fn pkcs8(&self) -> Zeroizing<Vec<u8>> {
        self.pkcs8.clone()
    }
}

impl Signer for KeyPair {
    fn alg(&self) -> Alg {
        match self.secret {
            Secret::Ec(_) => Alg::Es256,
            Secret::Rsa(_) => Alg::Rs256,
        }
    }

    fn kid(&self) -> &str {
        self.public.kid()
    }

    fn public(&self) -> Jwk {
        self.public.clone()
    }

    fn sign(&self, input: &[u8]) -> Result<Vec<u8>, SignError> {
        // The library draws the nonce itself and ignores the source it is given.
        let chance = SystemRandom::new();
        match &self.secret {
            Secret::Ec(pair) => {
                pair.sign(&chance, input).map(|signature| signature.as_ref().to_vec()).map_err(|_| SignError::Key)
            }
            Secret::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &chance, input, &mut signature).map_err(|_| SignError::Key)?;
                Ok(signature)
            }
        }
    }
}

impl fmt::Debug for KeyPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyPair({})", self.public.kid())
    }
}
