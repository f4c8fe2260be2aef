//! A token of the gateway's own as a client (RFC 6749 §4.4): every caller shares it, so the gateway alone decides who
//! may do what with it.

use std::sync::Arc;

use crate::broker::Broker;
use crate::endpoint::{Asked, TOKEN_LIFE, ask};
use crate::kept::Kept;
use crate::obtained::{BrokerError, Obtained};
use crate::settings::ClientCredentials;

/// The one token.
#[derive(Debug)]
pub(crate) struct Machine {
    settings: ClientCredentials,
    kept: Kept<()>,
}

impl Machine {
    pub(crate) fn new(settings: ClientCredentials) -> Self {
        Self { settings, kept: Kept::new() }
    }

    pub(crate) async fn obtain(&self, broker: &Broker) -> Result<Arc<Obtained>, BrokerError> {
        let request = async {
            let mut form = vec![("grant_type", "client_credentials")];
            form.extend(self.settings.audience.as_deref().map(|audience| ("audience", audience)));
            form.extend(self.settings.resource.as_deref().map(|resource| ("resource", resource)));
            let audience = self.settings.resource.as_deref().or(self.settings.audience.as_deref());
            let asked = Asked { audience, ends_by: broker.clock.now().after(TOKEN_LIFE) };
            ask(broker, &self.settings.endpoint, form, &asked).await
        };
        self.kept.get((), broker.clock.as_ref(), request).await
    }
}
