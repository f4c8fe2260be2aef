//! Passwords: Argon2id (RFC 9106) with the parameters OWASP recommends, off the async threads, two at a time, so that a
//! storm of logins costs bounded memory.

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use bailiwick_domain::entropy::{Entropy, draw};
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

/// The fewest characters of a new password.
pub const LEAST: usize = 10;
/// The most bytes of a password; more would only be a way to make us work.
const MOST: usize = 1024;
/// Verified in place of the hash of a user who does not exist, so that both answers take the same time.
const DUMMY: &str = "$argon2id$v=19$m=19456,t=2,p=1$YmFpbGl3aWNrLWR1bW15IQ$9vH8m8kVqn0lNqgXq0Jm1jqfKk0yG0XK2m1mVnVqR0Q";

/// Hashes and verifies passwords.
pub struct Passwords(Semaphore);

/// Why a new password is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// Fewer than [`LEAST`] characters.
    #[error("The password needs at least {LEAST} characters.")]
    Short,
    /// More than [`MOST`] bytes.
    #[error("The password is too long.")]
    Long,
    /// Hashing failed.
    #[error("The password could not be kept. Try again.")]
    Hash,
}

impl Passwords {
    /// Ready to hash, two at a time.
    pub fn new() -> Self {
        Self(Semaphore::new(2))
    }

    /// The PHC string under which a new password is kept.
    pub async fn hash(&self, password: &str, entropy: &dyn Entropy) -> Result<String, PasswordError> {
        if password.chars().count() < LEAST {
            return Err(PasswordError::Short);
        }
        if password.len() > MOST {
            return Err(PasswordError::Long);
        }
        let (password, salt) = (Zeroizing::new(password.to_owned()), draw::<16>(entropy));
        let job = move || -> Option<String> {
            let hash: PasswordHash = argon2()?.hash_password_with_salt(password.as_bytes(), &salt).ok()?;
            Some(hash.to_string())
        };
        self.run(job).await.flatten().ok_or(PasswordError::Hash)
    }

    /// True when `password` is the one behind `phc`; without a `phc`, as much work for a certain no.
    pub(crate) async fn verify(&self, password: &str, phc: Option<String>) -> bool {
        if password.len() > MOST {
            return false;
        }
        let password = Zeroizing::new(password.to_owned());
        let job = move || {
            let known = phc.as_deref().and_then(|phc| PasswordHash::new(phc).ok());
            let exists = known.is_some();
            let hash = known.or_else(|| PasswordHash::new(DUMMY).ok());
            let fits = hash
                .zip(argon2())
                .is_some_and(|(hash, argon2)| argon2.verify_password(password.as_bytes(), &hash).is_ok());
            fits && exists
        };
        self.run(job).await.unwrap_or(false)
    }

    async fn run<T: Send + 'static>(&self, job: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        let _turn = self.0.acquire().await.ok()?;
        tokio::task::spawn_blocking(job).await.ok()
    }
}

impl Default for Passwords {
    fn default() -> Self {
        Self::new()
    }
}

fn argon2() -> Option<Argon2<'static>> {
    let params = Params::new(19_456, 2, 1, None).ok()?;
    Some(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Sevens;
    impl Entropy for Sevens {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(7);
        }
    }

    #[tokio::test]
    async fn a_password_opens_only_its_own_hash() {
        let passwords = Passwords::new();

        let phc = passwords.hash("correct horse battery", &Sevens).await.unwrap();

        assert!(phc.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{phc}");
        assert!(passwords.verify("correct horse battery", Some(phc.clone())).await);
        assert!(!passwords.verify("correct horse batterz", Some(phc)).await);
        assert!(!passwords.verify("correct horse battery", Some("!".to_owned())).await);
        assert!(!passwords.verify("correct horse battery", None).await);
    }

    #[test]
    fn the_dummy_is_a_hash_that_costs_as_much_as_a_real_one() {
        let hash = PasswordHash::new(DUMMY).unwrap();

        assert_eq!(Params::try_from(&hash).unwrap().m_cost(), 19_456);
    }

    #[tokio::test]
    async fn a_short_password_is_refused() {
        assert_eq!(Passwords::new().hash("tooshort9", &Sevens).await, Err(PasswordError::Short));
    }
}
