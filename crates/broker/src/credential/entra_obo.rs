//! Entra's on-behalf-of flow: what a person's own account gave us is traded for a token that a tool wants. The account is
//! connected once; what it gave never leaves for anywhere but the authorization server it came from.

use std::sync::Arc;

use bailiwick_domain::time::Timestamp;

use crate::accounts::Account;
use crate::broker::Broker;
use crate::endpoint::{Asked, ask};
use crate::kept::Kept;
use crate::obtained::{BrokerError, Obtained, Wanted};
use crate::prepared::{TokenKey, token_key};
use crate::settings::{EntraObo, UserOauth};

const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// What was given for each token of a caller's.
#[derive(Debug)]
pub(crate) struct Traded {
    settings: EntraObo,
    account: Arc<UserOauth>,
    kept: Kept<(TokenKey, i64)>,
}

impl Traded {
    pub(crate) fn new(settings: EntraObo) -> Self {
        Self { account: Arc::new(settings.account.clone()), settings, kept: Kept::new() }
    }

    pub(crate) async fn obtain(&self, broker: &Broker, wanted: &Wanted<'_>) -> Result<Arc<Obtained>, BrokerError> {
        let key = wanted.connection(&self.account.connection)?;
        let account = Account { settings: &self.account, key: &key, destination: Some(wanted.destination) };
        let usable = broker.accounts.usable(&account, None).await?;
        let request = async {
            let assertion = usable.obtained.secrets.first();
            let assertion = assertion.ok_or_else(|| BrokerError::Lost { provider: key.provider.clone() })?;
            let form =
                vec![("grant_type", GRANT), ("assertion", assertion.as_str()), ("requested_token_use", "on_behalf_of")];
            let asked = Asked { audience: None, ends_by: Timestamp::from_seconds(wanted.claims.exp) };
            ask(broker, &self.settings.endpoint, form, &asked).await
        };
        // What came of an account that was disconnected, or is another now, is not used any more.
        self.kept.get((token_key(wanted), usable.generation), broker.clock.as_ref(), request).await
    }
}
