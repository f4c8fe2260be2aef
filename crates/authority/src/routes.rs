//! Which path leads where.

use std::sync::Arc;

use axum::Router;
use axum::middleware::{from_fn, map_response};
use axum::response::Response;
use axum::routing::{get, post};
use http::header::{HeaderValue, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS};

use crate::authority::Authority;
use crate::{
    account, authorize, connections, console, cors, home, introspect, login, metadata, register, revoke, token,
};

impl Authority {
    /// Every route of the authority.
    pub fn routes(self: Arc<Self>) -> Router {
        Router::new().merge(for_programs()).merge(for_people()).layer(map_response(plain)).with_state(self)
    }
}

/// Readable from any origin: nothing here looks at a cookie. Introspection is for servers, not for browsers.
fn for_programs() -> Router<Arc<Authority>> {
    Router::new()
        .route("/.well-known/oauth-authorization-server", get(metadata::server))
        .route("/.well-known/openid-configuration", get(metadata::server))
        .route("/jwks.json", get(metadata::keys))
        .route("/token", post(token::issue))
        .route("/register", post(register::register))
        .route("/revoke", post(revoke::revoke))
        .layer(from_fn(cors::open))
        .route("/introspect", post(introspect::introspect))
        .route("/login/{provider}/backchannel", post(login::oidc::logout::receive))
        .route("/login/{provider}/events", post(login::oidc::event::receive))
}

fn for_people() -> Router<Arc<Authority>> {
    Router::new()
        .route("/", get(home::view))
        .route("/assets/style.css", get(home::style))
        .route("/assets/icon.svg", get(home::icon))
        .route("/assets/live.js", get(home::script))
        .route("/authorize", get(authorize::begin))
        .route("/consent", get(authorize::ask).post(authorize::decide))
        .route("/login", get(login::ask).post(login::sign_in))
        .route("/login/{provider}", get(login::begin))
        .route("/login/{provider}/callback", get(login::finish))
        .route("/login/{provider}/acs", post(login::saml::receive))
        .route("/login/{provider}/metadata", get(login::saml::metadata))
        .route("/logout", post(login::sign_out))
        .route("/setup", get(login::ask_setup).post(login::make_first))
        .route("/connect/{ticket}", get(connections::ask).post(connections::answer))
        .route("/connect/callback/{*connection}", get(connections::finish))
        .route("/connect/done", get(connections::done))
        .route("/account/connections/begin", post(connections::begin))
        .route("/account/connections/test", post(connections::test))
        .route("/account/connections/end", post(connections::end))
        .route("/account", get(account::view))
        .route("/account/live", get(account::live))
        .route("/account/stop", post(account::stop))
        .route("/account/session", post(account::close_session))
        .route("/account/password", post(account::change_password))
        .route("/console", get(console::grants))
        .route("/console/live", get(console::live))
        .route("/console/people", get(console::people))
        .route("/console/servers", get(console::servers))
        .route("/console/agents", get(console::agents))
        .route("/console/record", get(console::record))
        .route("/console/stop", post(console::stop))
        .route("/console/start", post(console::start))
        .route("/account/job", get(account::job::ask).post(account::job::give))
        .route("/account/job/{grant}", get(account::job::view))
        .route("/account/budget", post(account::job::raise))
}

/// What holds for every answer, unless it says otherwise.
async fn plain(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.entry(X_CONTENT_TYPE_OPTIONS).or_insert(HeaderValue::from_static("nosniff"));
    headers.entry(REFERRER_POLICY).or_insert(HeaderValue::from_static("no-referrer"));
    response
}
