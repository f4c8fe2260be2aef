//! Servers over HTTP: one request out, and the answer streamed back as it comes.

mod outbound;
mod reply;

use std::sync::Arc;

use axum::response::Response;
use http::Uri;

use self::outbound::Outbound;
pub(crate) use self::outbound::{USER_AGENT, with_query};
use crate::gateway::Gateway;
use crate::permit::Permit;
use crate::refuse::Refusal;
use crate::upstream::Trouble;

/// Forwards a permitted call, with the credential it gets.
pub(crate) async fn forward(gateway: &Arc<Gateway>, uri: &Uri, permit: Permit) -> Result<Response, Refusal> {
    let shown = permit.credential(gateway).await?;
    let outbound = Outbound::of(uri, permit.call(), &shown);
    let http = shown.http.as_ref().unwrap_or(&gateway.http);
    let response = http.send(outbound.into_request()).await.map_err(Trouble::from)?;
    Ok(reply::give(gateway, permit.spend(), response).await?)
}
