//! Servers over HTTP: one request out, and the answer streamed back as it comes.

mod outbound;
mod reply;

use std::sync::Arc;

use axum::response::Response;
use http::Uri;

use self::outbound::Outbound;
pub(crate) use self::outbound::USER_AGENT;
use super::Trouble;
use crate::gateway::Gateway;
use crate::permit::Permit;

/// Forwards a permitted call.
pub(crate) async fn forward(gateway: &Arc<Gateway>, uri: &Uri, permit: Permit) -> Result<Response, Trouble> {
    let call = permit.call();
    let own = call.server.own_headers(gateway, Some(&call.caller));
    let outbound = Outbound::of(uri, call, own.map_err(|error| Trouble::Down(error.to_string()))?);
    let response = gateway.http.send(outbound.into_request()).await?;
    reply::give(gateway, permit.spend(), response).await
}
