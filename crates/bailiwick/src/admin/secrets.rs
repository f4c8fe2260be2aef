//! Sealing secrets in a running process, which alone may write its database.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use bailiwick_domain::audit::{AuditEvent, AuditKind};
use bailiwick_domain::time::Clock as _;
use bailiwick_domain::uri::ServerName;
use bailiwick_store::{NewSecret, Store, StoreError};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::wire::SystemClock;

/// Where they are sent.
pub(crate) const PATH: &str = "/secrets";

/// All secrets of one server; those it had before are forgotten.
#[derive(Serialize, Deserialize)]
pub(crate) struct Sealing {
    pub(crate) server: ServerName,
    /// By name, `server/what`.
    pub(crate) secrets: BTreeMap<String, String>,
}

impl Sealing {
    /// Seals them.
    pub(crate) async fn keep(self, store: &Store) -> Result<(), StoreError> {
        let Self { server, secrets } = self;
        let event = AuditEvent::new(AuditKind::SecretsSealed, SystemClock.now())
            .says(format!("{} of server.{server}", secrets.len()));
        let secrets =
            secrets.into_iter().map(|(name, value)| NewSecret { name, value: Zeroizing::new(value) }).collect();
        store.replace_secrets(server.as_str(), secrets, event).await
    }

    fn is_of_its_server(&self) -> bool {
        self.secrets.keys().all(|name| name.split_once('/').is_some_and(|(owner, _)| owner == self.server.as_str()))
    }
}

pub(super) fn routes() -> Router<Store> {
    Router::new().route(PATH, post(seal))
}

async fn seal(State(store): State<Store>, Json(sealing): Json<Sealing>) -> Response {
    if !sealing.is_of_its_server() {
        return StatusCode::BAD_REQUEST.into_response();
    }
    match sealing.keep(&store).await {
        Ok(()) => Json(()).into_response(),
        Err(error) => {
            tracing::error!(%error, "secrets cannot be sealed");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    }
}
