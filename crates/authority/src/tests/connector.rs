//! A connector that keeps what it is given in the store, and a provider that believes one code.

use std::sync::Mutex;

use bailiwick_domain::audit::AuditEvent;
use bailiwick_domain::scope::ScopeSet;
use bailiwick_domain::time::Timestamp;
use bailiwick_store::{ConnectionKey, NewConnection, Store};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use url::Url;
use zeroize::Zeroizing;

use crate::{Answer, ConnectError, Connectable, Connector, Departure, Field, SpokenName, Way};

pub(super) struct Fake {
    pub(super) store: Store,
    left: Mutex<u32>,
}

impl Fake {
    pub(super) fn new(store: Store) -> Self {
        Self { store, left: Mutex::new(0) }
    }

    async fn keep_text(&self, key: &ConnectionKey, text: String, event: AuditEvent) -> Result<(), ConnectError> {
        let new = NewConnection {
            key: key.clone(),
            client: "bailiwick".to_owned(),
            scope: ScopeSet::parse("repo").unwrap(),
            account: Some("ada-at-provider".to_owned()),
            secret: Zeroizing::new(text),
            expires_at: None,
            rotates: false,
        };
        self.store.connect(new, event).await.map(drop).map_err(|error| ConnectError::Unkept(error.to_string()))
    }
}

fn provider(id: &str, title: &str, way: Way) -> Connectable {
    Connectable { id: id.to_owned(), title: title.to_owned(), servers: vec!["Sample notes".to_owned()], way }
}

impl Connector for Fake {
    fn connectables(&self) -> Vec<Connectable> {
        let field = |name: &str, label: &str, secret| Field { name: name.to_owned(), label: label.to_owned(), secret };
        let named = |by| Way::Named { audience: "https://erp.example".to_owned(), by };
        vec![
            provider(
                "code",
                "Code Host",
                Way::Oauth { host: "code.example".to_owned(), scopes: vec!["repo".to_owned()] },
            ),
            provider("crm", "CRM", Way::Secret(vec![field("key", "API key", true)])),
            provider("erp", "ERP", named(SpokenName::Name)),
            provider("hr", "HR", named(SpokenName::Email)),
        ]
    }

    fn fits<'a>(&'a self, _: &'a ConnectionKey) -> BoxFuture<'a, bool> {
        std::future::ready(true).boxed()
    }

    fn begin<'a>(
        &'a self,
        _: &'a ConnectionKey,
        callback: &'a str,
        _: Timestamp,
    ) -> BoxFuture<'a, Result<Departure, ConnectError>> {
        let mut left = self.left.lock().unwrap();
        *left += 1;
        let state = format!("state-{left}");
        let mut url = Url::parse("https://code.example/authorize").unwrap();
        url.query_pairs_mut().append_pair("redirect_uri", callback).append_pair("state", &state);
        let sealed = Zeroizing::new(format!("verifier\nof {state}"));
        async move { Ok(Departure { url, state, sealed }) }.boxed()
    }

    fn finish<'a>(
        &'a self,
        key: &'a ConnectionKey,
        answer: Answer<'a>,
        event: AuditEvent,
    ) -> BoxFuture<'a, Result<(), ConnectError>> {
        async move {
            let one = |name: &str| {
                let mut pairs = url::form_urlencoded::parse(answer.query.as_bytes());
                pairs.find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
            };
            assert_eq!(*answer.sealed, format!("verifier\nof {}", one("state").unwrap()));
            match (one("iss").as_deref(), one("error"), one("code")) {
                (Some("https://code.example"), None, Some(code)) => self.keep_text(key, code, event).await,
                (Some("https://code.example"), Some(_), _) => Err(ConnectError::Denied),
                _ => Err(ConnectError::Issuer),
            }
        }
        .boxed()
    }

    fn keep<'a>(
        &'a self,
        key: &'a ConnectionKey,
        fields: Vec<(String, Zeroizing<String>)>,
        event: AuditEvent,
    ) -> BoxFuture<'a, Result<(), ConnectError>> {
        let text = fields.iter().map(|(name, value)| format!("{name}={}", value.as_str())).collect::<Vec<_>>().concat();
        self.keep_text(key, text, event).boxed()
    }

    fn test<'a>(&'a self, key: &'a ConnectionKey, _: Timestamp) -> BoxFuture<'a, Result<(), ConnectError>> {
        async move {
            let found = self.store.connection(key).await.unwrap().ok_or(ConnectError::Missing)?;
            if found.secret.contains("stale") { Err(ConnectError::Refused("stale".to_owned())) } else { Ok(()) }
        }
        .boxed()
    }

    fn end<'a>(&'a self, key: &'a ConnectionKey, event: AuditEvent) -> BoxFuture<'a, Result<(), ConnectError>> {
        async move {
            let ended = self.store.disconnect(key, event).await;
            if ended.unwrap() { Ok(()) } else { Err(ConnectError::Missing) }
        }
        .boxed()
    }
}
