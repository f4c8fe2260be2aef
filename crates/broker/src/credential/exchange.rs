//! A token that another authorization server gives for ours (RFC 8693). It is shown a fresh token made for it alone,
//! which carries the whole chain; the caller's own never leaves.

use std::sync::Arc;

use bailiwick_domain::time::Timestamp;

use super::signed_jwt::mint;
use crate::broker::Broker;
use crate::endpoint::{Asked, ask};
use crate::kept::Kept;
use crate::obtained::{BrokerError, Obtained, Wanted};
use crate::prepared::{TokenKey, token_key};
use crate::settings::Exchange;

const GRANT: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";

/// What was given for each token of a caller's.
#[derive(Debug)]
pub(crate) struct Exchanged {
    settings: Exchange,
    kept: Kept<TokenKey>,
}

impl Exchanged {
    pub(crate) fn new(settings: Exchange) -> Self {
        Self { settings, kept: Kept::new() }
    }

    pub(crate) async fn obtain(&self, broker: &Broker, wanted: &Wanted<'_>) -> Result<Arc<Obtained>, BrokerError> {
        let request = async {
            let endpoint = &self.settings.endpoint;
            let subject = mint(broker, self.settings.audience_of_ours(), Some(wanted.claims))?;
            let form = vec![
                ("grant_type", GRANT),
                ("subject_token", subject.raw.as_str()),
                ("subject_token_type", ACCESS_TOKEN),
                ("requested_token_type", ACCESS_TOKEN),
                ("audience", self.settings.audience.as_str()),
            ];
            // INVARIANT: what is kept never outlives the token it was obtained for.
            let ends_by = Timestamp::from_seconds(wanted.claims.exp);
            let asked = Asked { audience: Some(&self.settings.audience), ends_by };
            ask(broker, endpoint, form, &asked).await
        };
        self.kept.get(token_key(wanted), broker.clock.as_ref(), request).await
    }
}
