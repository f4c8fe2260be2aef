//! Tokens whose signature was verified before, by digest: what a busy server would otherwise compute again per request.
//! Only what a signature proves is remembered; expiry, audience and liveness are asked anew each time.

use std::sync::{Arc, PoisonError, RwLock};

use bailiwick_domain::generations::Generations;
use bailiwick_domain::jose::JwkSet;
use bailiwick_domain::token::AccessToken;

/// The SHA-256 of a raw token.
pub(crate) type Fingerprint = [u8; 32];

/// Tokens, at most about twice as many as `half`.
pub(crate) struct Cache {
    half: usize,
    held: RwLock<Held>,
}

struct Held {
    keys: Option<Arc<JwkSet>>,
    tokens: Generations<Fingerprint, Arc<AccessToken>>,
}

impl Held {
    /// True when what is held was verified with exactly this key set.
    fn verified_with(&self, keys: &Arc<JwkSet>) -> bool {
        self.keys.as_ref().is_some_and(|held| Arc::ptr_eq(held, keys))
    }
}

impl Cache {
    /// A cache of about `most` tokens.
    pub(crate) fn new(most: usize) -> Self {
        let half = most.div_ceil(2).max(1);
        Self { half, held: RwLock::new(Held { keys: None, tokens: Generations::new(half) }) }
    }

    /// The token, if it was verified with this very key set: a key taken out takes its tokens with it.
    pub(crate) fn find(&self, keys: &Arc<JwkSet>, of: &Fingerprint) -> Option<Arc<AccessToken>> {
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        if !held.verified_with(keys) {
            return None;
        }
        held.tokens.get(of).cloned()
    }

    /// Remembers a token verified with `keys`.
    pub(crate) fn keep(&self, keys: &Arc<JwkSet>, of: Fingerprint, token: Arc<AccessToken>) {
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        if !held.verified_with(keys) {
            *held = Held { keys: Some(Arc::clone(keys)), tokens: Generations::new(self.half) };
        }
        held.tokens.keep(of, token);
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        held.tokens.len()
    }
}
