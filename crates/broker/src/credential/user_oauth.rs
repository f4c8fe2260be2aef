//! An access token of the person's own account at a provider, which they connected.

use std::sync::Arc;

use crate::broker::Broker;
use crate::obtained::{BrokerError, Obtained, Wanted};
use crate::settings::UserOauth;

/// The account of each person.
#[derive(Debug)]
pub(crate) struct Connected(Arc<UserOauth>);

impl Connected {
    pub(crate) fn new(settings: &UserOauth) -> Self {
        Self(Arc::new(settings.clone()))
    }

    pub(crate) async fn obtain(&self, broker: &Broker, wanted: &Wanted<'_>) -> Result<Arc<Obtained>, BrokerError> {
        // The person's own, and there is no other to fall back on (R19).
        let key = wanted.connection(&self.0.connection)?;
        Ok(broker.accounts.usable(&self.0, &key, None).await?.obtained)
    }
}
