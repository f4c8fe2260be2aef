//! The walk of a request: door, bearer, call, permit, upstream, reply.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use axum::routing::{any, get};
use bailiwick_domain::time::Timestamp;
use http::header::LOCATION;
use http::{HeaderValue, Method, StatusCode};

use crate::call::Call;
use crate::cors::Cors;
use crate::door::{Raw, is_browser};
use crate::gateway::Gateway;
use crate::hosted::{Hosted, Reach};
use crate::permit::Permit;
use crate::refuse::{Refusal, Trail};
use crate::streams::Errand;
use crate::upstream::{self, Trouble};
use crate::{audit, bearer, metadata};

const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

/// The gateway's routes.
pub(crate) fn routes(gateway: Arc<Gateway>) -> Router {
    Router::new()
        .route("/mcp", any(unnamed))
        .route("/mcp/{name}", any(named))
        .route(WELL_KNOWN, get(metadata::root))
        .route(&format!("{WELL_KNOWN}/mcp"), get(metadata::unnamed))
        .route(&format!("{WELL_KNOWN}/mcp/{{name}}"), get(metadata::named))
        .with_state(gateway)
}

async fn unnamed(State(gateway): State<Arc<Gateway>>, request: Request) -> Response {
    handle(&gateway, None, request).await
}

async fn named(State(gateway): State<Arc<Gateway>>, Path(name): Path<String>, request: Request) -> Response {
    handle(&gateway, Some(&name), request).await
}

async fn handle(gateway: &Arc<Gateway>, name: Option<&str>, request: Request) -> Response {
    let now = gateway.clock.now();
    let mut trail = gateway.trail(&request);
    let server = gateway.server(name);
    let cors = Cors::of(server.as_deref(), request.headers());
    let answer = match entrance(gateway, server, request, &cors) {
        Ok(Entered::Raw(raw)) => walk(gateway, raw, &mut trail, now).await,
        Ok(Entered::Answered(response)) => Ok(response),
        Err(refusal) => Err(refusal),
    };
    let response = answer.unwrap_or_else(|refusal| {
        tell(&refusal, name, &trail);
        refusal.respond(&trail)
    });
    cors.dress(response)
}

enum Entered {
    /// To go on with.
    Raw(Raw),
    /// What needs no token is answered at the entrance.
    Answered(Response),
}

fn entrance(gateway: &Gateway, server: Option<Arc<Hosted>>, request: Request, cors: &Cors) -> Result<Entered, Refusal> {
    gateway.door.check(request.headers(), server.as_deref())?;
    if is_browser(&request) {
        return Ok(Entered::Answered(to_the_front_page()));
    }
    let server = server.ok_or(Refusal::NoServer)?;
    match *request.method() {
        Method::OPTIONS => Ok(Entered::Answered(cors.preflight(request.headers()))),
        Method::GET | Method::POST | Method::DELETE => {
            let (parts, body) = request.into_parts();
            Ok(Entered::Raw(Raw { server, parts, body }))
        }
        _ => Err(Refusal::Method),
    }
}

async fn walk(gateway: &Arc<Gateway>, raw: Raw, trail: &mut Trail, now: Timestamp) -> Result<Response, Refusal> {
    let caller = bearer::admit(gateway, &raw, trail, now)?;
    let server = Arc::clone(&raw.server);
    let holder = bearer::holder(gateway, &server, &caller, (&*trail, now)).await?;
    let call = Call::read(gateway, raw, (caller, holder), trail).await?;
    let permit = Permit::decide(gateway, call, trail, now).await?;
    let record = permit.record();
    let began = gateway.clock.now();
    let errand = Errand::by(permit.call());
    let answer = match (bearer::stands(gateway, &server, &errand, trail), server.reach.as_ref()) {
        (Err(refusal), _) => Err(refusal),
        (Ok(()), Reach::Http(uri)) => upstream::http::forward(gateway, uri, permit).await,
        (Ok(()), Reach::OpenApi(api)) => upstream::openapi::forward(gateway, api, permit, trail).await,
        (Ok(()), Reach::Stdio(children)) => upstream::stdio::forward(gateway, children, permit, trail).await,
        (Ok(()), Reach::Nowhere(says)) => Err(Trouble::Down(says.clone()).into()),
    };
    // Its stream, if it has one, is among the open ones by now, so that nothing is ended in between unseen.
    let answer = answer.and_then(|answer| bearer::stands(gateway, &server, &errand, trail).map(|()| answer));
    if let (Err(refusal), Some(record)) = (&answer, record) {
        audit::count(server.label(), "failed");
        gateway.store.record_later(audit::failed(record, refusal, began, gateway.clock.now()));
    }
    answer
}

fn to_the_front_page() -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SEE_OTHER;
    response.headers_mut().insert(LOCATION, HeaderValue::from_static("/"));
    response
}

fn tell(refusal: &Refusal, server: Option<&str>, trail: &Trail) {
    let (server, correlation) = (server.unwrap_or("mcp"), trail.correlation.as_str());
    if let Refusal::Upstream(trouble) = refusal {
        tracing::warn!(server, correlation, reason = %trouble, "the server behind did not answer as it should");
        return;
    }
    if let Refusal::Credential(error) = refusal {
        tracing::warn!(server, correlation, rule = error.rule(), reason = %error, "no credential for the server behind");
        return;
    }
    tracing::info!(server, correlation, status = refusal.status().as_u16(), reason = %refusal, "refused");
}
