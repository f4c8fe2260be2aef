//! RFC 9728: what each server is, and who issues tokens for it.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::Response;
use bailiwick_domain::ids::CorrelationId;
use bailiwick_domain::policy::Server;
use http::HeaderValue;
use http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_TYPE};
use serde_json::json;

use crate::gateway::Gateway;
use crate::hosted::Hosted;
use crate::refuse::{Refusal, Trail};

/// Of the unnamed server.
pub(crate) async fn unnamed(State(gateway): State<Arc<Gateway>>) -> Response {
    document(&gateway, gateway.server(None).as_deref())
}

/// Of a named server.
pub(crate) async fn named(State(gateway): State<Arc<Gateway>>, Path(name): Path<String>) -> Response {
    document(&gateway, gateway.server(Some(&name)).as_deref())
}

/// Of the whole origin, where the unnamed server is all there is.
pub(crate) async fn root(State(gateway): State<Arc<Gateway>>) -> Response {
    document(&gateway, gateway.server(None).filter(|_| gateway.servers.load().len() == 1).as_deref())
}

fn document(gateway: &Gateway, server: Option<&Hosted>) -> Response {
    let Some(server) = server else {
        let correlation = CorrelationId::draw(gateway.entropy.as_ref());
        return open(Refusal::NoServer.respond(&Trail { correlation, id: None }));
    };
    // The scopes to begin with: a client that asks for all it reads here gets nothing that destroys.
    let scopes = gateway.known(server, Server::baseline).unwrap_or_default();
    let document = json!({
        "resource": server.resource.as_str(),
        "resource_name": server.settings.title,
        "authorization_servers": [gateway.issuer.as_str()],
        "scopes_supported": scopes.iter().map(bailiwick_domain::scope::Scope::as_str).collect::<Vec<_>>(),
        "bearer_methods_supported": ["header"],
    });
    let mut response = Response::new(Body::from(document.to_string()));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    open(response)
}

/// Anybody may read it.
fn open(mut response: Response) -> Response {
    response.headers_mut().insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    response
}
