//! An access token of the person's own account at a provider, which they connected.

use std::sync::Arc;

use bailiwick_store::ConnectionKey;

use crate::accounts::Account;
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
        Ok(broker.accounts.usable(&self.account(&key, wanted), None).await?.obtained)
    }

    /// What the account gives in place of a token that a server behind did not accept before its end. The provider is
    /// not asked again and again on the word of a server: once in a while, for each connection.
    pub(crate) async fn another(
        &self,
        broker: &Broker,
        wanted: &Wanted<'_>,
        refused: &Arc<Obtained>,
    ) -> Result<Option<Arc<Obtained>>, BrokerError> {
        let key = wanted.connection(&self.0.connection)?;
        let account = self.account(&key, wanted);
        let held = broker.accounts.held(&account, None);
        let worn = held.filter(|held| Arc::ptr_eq(&held.obtained, refused)).map(|held| held.generation);
        if worn.is_some() && !broker.accounts.may_ask_early(&key) {
            return Ok(None);
        }
        Ok(Some(broker.accounts.usable(&account, worn).await?.obtained))
    }

    fn account<'a>(&'a self, key: &'a ConnectionKey, wanted: &Wanted<'a>) -> Account<'a> {
        Account { settings: &self.0, key, destination: Some(wanted.destination) }
    }
}
