//! Whether a token, and everything it hangs from, still stands, as the store's feed of revocations knows it.

use std::sync::Arc;

use bailiwick_domain::time::Timestamp;
use bailiwick_domain::token::{AccessToken, Standing};
use bailiwick_resource::Liveness;
use bailiwick_store::{Coordinates, Revocations};

/// The feed, asked about tokens.
#[derive(Clone, Debug)]
pub(crate) struct Feed(pub(crate) Arc<Revocations>);

impl Liveness for Feed {
    fn standing(&self, token: &AccessToken, now: Timestamp) -> Standing {
        self.0.standing(&Coordinates::of(token), now)
    }
}
