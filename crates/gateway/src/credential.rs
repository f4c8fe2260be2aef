//! What we show a server behind to be let in: a token of ours for it alone, minted once for each token of a caller's.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bailiwick_domain::ids::TokenId;
use bailiwick_domain::jose::SignError;
use bailiwick_domain::time::Timestamp;
use bailiwick_domain::token::mint_for_upstream;
use bailiwick_resource::Caller;
use http::HeaderValue;
use zeroize::Zeroizing;

use crate::gateway::Gateway;

/// A token with less time left than this is replaced, if a new one would have more.
const SPARE: Duration = Duration::from_secs(30);
/// How many tokens are kept for one server before the older half is forgotten.
const HALF: usize = 4096;

/// The tokens for one server behind.
#[derive(Debug)]
pub(crate) struct Signed {
    audience: String,
    kept: Mutex<Kept>,
}

/// Two generations: when the young one is full it becomes the old one, which is forgotten.
#[derive(Debug, Default)]
struct Kept {
    young: Generation,
    old: Generation,
}

/// By the caller's token; none where the gateway asks for itself.
type Generation = HashMap<Option<TokenId>, Held>;

#[derive(Clone, Debug)]
struct Held {
    header: HeaderValue,
    expires_at: Timestamp,
}

impl Signed {
    /// Tokens for the server of that audience.
    pub(crate) fn new(audience: String) -> Self {
        Self { audience, kept: Mutex::default() }
    }

    /// The `Authorization` for a request on behalf of `caller`, or of the gateway itself.
    ///
    /// # Errors
    /// [`SignError`] when the key fails.
    pub(crate) fn header(&self, gateway: &Gateway, caller: Option<&Caller>) -> Result<HeaderValue, SignError> {
        let now = gateway.clock.now();
        let whose = caller.map(|caller| caller.jti().clone());
        // Whoever comes at the same time waits for the same token.
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let found = kept.young.get(&whose).or_else(|| kept.old.get(&whose));
        let last = caller.map(Caller::expires_at);
        let lasts =
            |held: &&Held| held.expires_at > now.after(SPARE) || last.is_some_and(|last| held.expires_at >= last);
        if let Some(held) = found.filter(lasts) {
            return Ok(held.header.clone());
        }
        let held = self.mint(gateway, caller, now)?;
        kept.keep(whose, held.clone());
        Ok(held.header)
    }

    fn mint(&self, gateway: &Gateway, caller: Option<&Caller>, now: Timestamp) -> Result<Held, SignError> {
        let claims = caller.map(|caller| caller.token().claims());
        let jti = TokenId::draw(gateway.entropy.as_ref());
        let signer = gateway.signer.as_ref();
        let minted = mint_for_upstream(signer, &gateway.issuer, &self.audience, claims, (jti, now))?;
        let text = Zeroizing::new(format!("Bearer {}", minted.raw.as_str()));
        let mut header = HeaderValue::from_str(&text).map_err(|_| SignError::Claims)?;
        header.set_sensitive(true);
        Ok(Held { header, expires_at: minted.expires_at })
    }
}

impl Kept {
    fn keep(&mut self, whose: Option<TokenId>, held: Held) {
        if self.young.len() >= HALF {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(whose, held);
    }
}
