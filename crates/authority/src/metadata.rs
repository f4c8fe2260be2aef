//! What clients read first: server metadata (RFC 8414, OpenID Connect Discovery) and the public keys (RFC 7517).

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use bailiwick_domain::client::{AuthMethod, GrantType};
use bailiwick_domain::jose::Alg;
use http::StatusCode;
use http::header::{CACHE_CONTROL, HeaderValue};
use serde_json::{Value, json};

use crate::authority::Authority;
use crate::refuse::json_response;

/// How long both may be kept: not longer than a new key needs to be known before it signs.
const KEPT: HeaderValue = HeaderValue::from_static("public, max-age=300");

/// `GET /.well-known/oauth-authorization-server` and `/.well-known/openid-configuration`: one document, so that no
/// client finds the one without the other.
pub(crate) async fn server(State(authority): State<Arc<Authority>>) -> Response {
    kept(&document(&authority))
}

/// `GET /jwks.json`.
pub(crate) async fn keys(State(authority): State<Arc<Authority>>) -> Response {
    kept(authority.keys.public().load().as_ref())
}

fn kept(body: &impl serde::Serialize) -> Response {
    let mut response = json_response(StatusCode::OK, body);
    response.headers_mut().insert(CACHE_CONTROL, KEPT);
    response
}

fn document(authority: &Authority) -> Value {
    let url = |path: &str| authority.issuer.join(path);
    let (catalogue, directory) = (authority.catalogue.load(), authority.directory.load());
    let places = || catalogue.servers.iter().chain(&directory.apis);
    let scopes: BTreeSet<&str> = places().flat_map(|place| &place.groups).map(|group| group.scope.as_str()).collect();
    let agents = directory.agents.iter().map(|agent| agent.resource.as_str());
    let resources: Vec<&str> = places().map(|place| place.resource.as_str()).chain(agents).collect();
    let methods: Vec<AuthMethod> = authority.methods.iter().copied().filter(|method| method.is_public()).collect();
    let secret: Vec<AuthMethod> = methods.iter().copied().filter(|method| *method != AuthMethod::None).collect();
    let algs = Alg::ALL.map(Alg::as_str);
    let trades_in = |grant: &GrantType| *grant != GrantType::SamlBearer || !authority.grantors.load().is_empty();
    let grants: Vec<GrantType> = GrantType::ALL.into_iter().filter(trades_in).collect();
    json!({
        "issuer": authority.issuer.as_str(),
        "authorization_endpoint": url("/authorize"),
        "token_endpoint": url("/token"),
        "jwks_uri": url("/jwks.json"),
        "registration_endpoint": url("/register"),
        "revocation_endpoint": url("/revoke"),
        "introspection_endpoint": url("/introspect"),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": grants,
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": methods,
        "token_endpoint_auth_signing_alg_values_supported": algs,
        "revocation_endpoint_auth_methods_supported": methods,
        "revocation_endpoint_auth_signing_alg_values_supported": algs,
        "introspection_endpoint_auth_methods_supported": secret,
        "introspection_endpoint_auth_signing_alg_values_supported": algs,
        "authorization_response_iss_parameter_supported": true,
        "client_id_metadata_document_supported": authority.documents.load().is_some(),
        "scopes_supported": scopes,
        "protected_resources": resources,
        "service_documentation": url("/"),
    })
}
