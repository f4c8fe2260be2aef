//! The serving side of the administration socket.

use std::path::Path;
use std::sync::Arc;

use axum::Json;
use axum::Router;
use axum::extract::{Query, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bailiwick_domain::entropy::Entropy;
use bailiwick_domain::opaque::{AdminToken, Opaque};
use bailiwick_domain::text;
use bailiwick_net::Listener;
use bailiwick_store::Store;
use serde::Deserialize;
use tokio::net::UnixListener;

use super::{socket, token_file};
use crate::keep;

/// An open socket and the token it wants.
pub(crate) struct AdminServer {
    listener: UnixListener,
    token: Arc<Opaque<AdminToken>>,
}

impl AdminServer {
    /// Opens the socket with a new token. Whoever holds the data directory's lock may replace a socket left behind.
    pub(crate) fn open(data: &Path, entropy: &dyn Entropy) -> std::io::Result<Self> {
        use std::os::unix::fs::PermissionsExt as _;
        let token = Opaque::<AdminToken>::mint(entropy);
        keep::write_private(&token_file(data), token.expose().as_bytes())?;
        let path = socket(data);
        match std::fs::remove_file(&path) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        let listener = UnixListener::bind(&path)?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
        Ok(Self { listener, token: Arc::new(token) })
    }

    /// The listener and the routes behind the token.
    pub(crate) fn parts(self, store: Store) -> (Listener, Router) {
        let routes = routes(store).layer(middleware::from_fn_with_state(self.token, admit));
        (Listener::Unix(self.listener), routes)
    }
}

/// What administration can ask.
fn routes(store: Store) -> Router {
    Router::new().route("/audit", get(audit)).merge(super::secrets::routes()).with_state(store)
}

async fn admit(State(token): State<Arc<Opaque<AdminToken>>>, request: Request, next: Next) -> Response {
    let presented = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let expected = token.expose();
    let admitted = presented
        .and_then(|value| value.strip_prefix("Bearer "))
        .is_some_and(|value| text::same(value.as_bytes(), expected.as_bytes()));
    if admitted { next.run(request).await } else { StatusCode::UNAUTHORIZED.into_response() }
}

/// Which audit rows are wanted.
#[derive(Debug, Deserialize)]
struct AuditQuery {
    #[serde(default)]
    after: i64,
    #[serde(default = "most")]
    limit: u32,
}

fn most() -> u32 {
    100
}

async fn audit(State(store): State<Store>, Query(query): Query<AuditQuery>) -> Response {
    match crate::command::audit::rows(&store, query.after, query.limit).await {
        Ok(rows) => Json(rows).into_response(),
        Err(error) => {
            tracing::error!(%error, "the audit record cannot be read");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    }
}
