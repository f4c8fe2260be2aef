//! The authority's pages, the broker and the gateway, put together: who connects accounts, what becomes of them, and
//! where they are tried.

use std::sync::Arc;

use bailiwick_authority::{
    Answer, ConnectError, Connectable, Connector, Departure, Field, SPOKEN_NAME, SpokenName, Way,
};
use bailiwick_broker::{Broker, BrokerError, Left, NameFrom, Provider, ProviderKind};
use bailiwick_domain::audit::AuditEvent;
use bailiwick_domain::time::Timestamp;
use bailiwick_gateway::{Gateway, Tried};
use bailiwick_store::ConnectionKey;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use zeroize::Zeroizing;

/// What the fields of a form are called.
const NAME: &str = "account";
const SECRET: &str = "secret";

/// Connects accounts at the providers that the configuration names.
pub(crate) struct BrokerConnector {
    broker: Arc<Broker>,
    gateway: Arc<Gateway>,
}

impl BrokerConnector {
    pub(crate) fn new(broker: &Arc<Broker>, gateway: &Arc<Gateway>) -> Self {
        Self { broker: Arc::clone(broker), gateway: Arc::clone(gateway) }
    }

    fn provider(&self, key: &ConnectionKey) -> Result<Arc<Provider>, ConnectError> {
        self.broker.providers().get(&key.provider).cloned().ok_or(ConnectError::Missing)
    }

    fn connectable(&self, provider: &Provider) -> Connectable {
        Connectable {
            id: provider.id.clone(),
            title: provider.title.clone(),
            servers: self.gateway.working_with(&provider.id),
            way: way(&provider.kind),
        }
    }
}

impl Connector for BrokerConnector {
    fn connectables(&self) -> Vec<Connectable> {
        self.broker.providers().iter().map(|provider| self.connectable(provider)).collect()
    }

    fn begin<'a>(
        &'a self,
        key: &'a ConnectionKey,
        callback: &'a str,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<Departure, ConnectError>> {
        self.broker.begin(&key.provider, callback, now).boxed()
    }

    fn finish<'a>(
        &'a self,
        key: &'a ConnectionKey,
        answer: Answer<'a>,
        event: AuditEvent,
    ) -> BoxFuture<'a, Result<(), ConnectError>> {
        async move { self.broker.finish(key, (&answer.sealed, answer.query), event).await }.boxed()
    }

    fn keep<'a>(
        &'a self,
        key: &'a ConnectionKey,
        fields: Vec<(String, Zeroizing<String>)>,
        event: AuditEvent,
    ) -> BoxFuture<'a, Result<(), ConnectError>> {
        async move {
            let provider = self.provider(key)?;
            let mut left = Left { name: None, secret: Zeroizing::default() };
            for (field, value) in fields {
                if [NAME, SPOKEN_NAME].contains(&field.as_str()) {
                    left.name = Some(value.as_str().to_owned());
                } else {
                    left.secret = value;
                }
            }
            self.broker.leave(&provider, key, left, event).await.map_err(failed)
        }
        .boxed()
    }

    fn fits<'a>(&'a self, key: &'a ConnectionKey) -> BoxFuture<'a, bool> {
        self.broker.fits(key).boxed()
    }

    fn test<'a>(&'a self, key: &'a ConnectionKey, _now: Timestamp) -> BoxFuture<'a, Result<(), ConnectError>> {
        async move {
            let provider = self.provider(key)?;
            match &provider.kind {
                ProviderKind::Oauth(_) => self.broker.test(key).await,
                ProviderKind::Named { audience, .. } => {
                    self.broker.left(&provider, key, audience).await.map(drop).map_err(failed)
                }
                ProviderKind::Key(_) | ProviderKind::Login => {
                    self.gateway.tries(&provider, key).await.map_err(|tried| match tried {
                        Tried::Lost(error) => failed(error),
                        Tried::Refused => ConnectError::Refused("the server does not let it in".to_owned()),
                        Tried::Unknown(says) => ConnectError::Down(says),
                    })
                }
            }
        }
        .boxed()
    }

    fn end<'a>(&'a self, key: &'a ConnectionKey, event: AuditEvent) -> BoxFuture<'a, Result<(), ConnectError>> {
        self.broker.end(key, event).boxed()
    }
}

fn way(kind: &ProviderKind) -> Way {
    let field = |name: &str, label: &str, secret| Field { name: name.to_owned(), label: label.to_owned(), secret };
    match kind {
        ProviderKind::Key(_) => Way::Secret(vec![field(SECRET, "API key", true)]),
        ProviderKind::Login => {
            Way::Secret(vec![field(NAME, "User name there", false), field(SECRET, "Password there", true)])
        }
        ProviderKind::Named { audience, by } => {
            let by = match by {
                NameFrom::Subject => SpokenName::Subject,
                NameFrom::Name => SpokenName::Name,
                NameFrom::Email => SpokenName::Email,
            };
            Way::Named { audience: audience.clone(), by }
        }
        ProviderKind::Oauth(settings) => {
            let scopes = settings.scopes.iter().map(ToString::to_string).collect();
            let written = settings.authorization_url.clone().or_else(|| settings.issuer.as_ref()?.parse().ok());
            let host = written.as_ref().or(settings.upstream.as_ref()).and_then(url::Url::host_str);
            Way::Oauth { host: host.unwrap_or_default().to_owned(), scopes }
        }
    }
}

fn failed(error: BrokerError) -> ConnectError {
    match error {
        BrokerError::Unconnected { .. } | BrokerError::Nobody | BrokerError::Nothing(_) => ConnectError::Missing,
        BrokerError::Lost { .. } => ConnectError::Refused("it works no more".to_owned()),
        BrokerError::Refused(says) | BrokerError::Overgrant(says) => ConnectError::Refused(says),
        BrokerError::Unfit(says) => ConnectError::Unfit(says),
        BrokerError::Later(says) => ConnectError::Unkept(says),
    }
}
