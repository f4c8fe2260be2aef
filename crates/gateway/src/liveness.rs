//! Whether a token's grant still stands, as the store's feed of revocations knows it.

use std::sync::Arc;

use bailiwick_domain::ids::GrantId;
use bailiwick_domain::time::Timestamp;
use bailiwick_domain::token::{AccessToken, Standing};
use bailiwick_resource::Liveness;
use bailiwick_store::Revocations;

/// The feed, asked about tokens.
#[derive(Debug)]
pub(crate) struct Feed(pub(crate) Arc<Revocations>);

impl Liveness for Feed {
    fn standing(&self, token: &AccessToken, now: Timestamp) -> Standing {
        let claims = token.claims();
        let grants: Vec<&GrantId> = token.grants().collect();
        match self.0.standing(&grants, &claims.jti, &claims.sub, &claims.client_id, now) {
            bailiwick_store::Standing::Live => Standing::Live,
            bailiwick_store::Standing::Revoked => Standing::Revoked,
            bailiwick_store::Standing::Stale => Standing::Stale,
        }
    }
}
