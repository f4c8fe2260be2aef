//! The serving side of the administration socket.

use std::path::Path;
use std::sync::Arc;

use axum::Json;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use bailiwick_domain::entropy::Entropy;
use bailiwick_domain::opaque::{AdminToken, Opaque};
use bailiwick_domain::text;
use bailiwick_net::Listener;
use tokio::net::UnixListener;

use super::administration::Administration;
use super::order::Order;
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
    pub(crate) fn parts(self, administration: Arc<Administration>) -> (Listener, Router) {
        let routes = routes(administration).layer(middleware::from_fn_with_state(self.token, admit));
        (Listener::Unix(self.listener), routes)
    }
}

/// What administration can ask.
fn routes(administration: Arc<Administration>) -> Router {
    let secrets = super::secrets::routes().with_state(administration.store());
    Router::new().route("/orders", post(carry_out)).with_state(administration).merge(secrets)
}

async fn admit(State(token): State<Arc<Opaque<AdminToken>>>, request: Request, next: Next) -> Response {
    let presented = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let expected = token.expose();
    let admitted = presented
        .and_then(|value| value.strip_prefix("Bearer "))
        .is_some_and(|value| text::same(value.as_bytes(), expected.as_bytes()));
    if admitted { next.run(request).await } else { StatusCode::UNAUTHORIZED.into_response() }
}

/// Answers `{"Ok": …}`, or `{"Err": "…"}` where an order is not carried out.
async fn carry_out(State(administration): State<Arc<Administration>>, Json(order): Json<Order>) -> Response {
    Json(administration.perform(order).await.map_err(|refused| refused.to_string())).into_response()
}
