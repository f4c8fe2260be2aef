//! Servers over HTTP: one request out, and the answer streamed back as it comes.

mod outbound;
mod reply;

use std::sync::Arc;

use axum::response::Response;
use bailiwick_broker::Obtained;
use http::{StatusCode, Uri};
use hyper::body::Incoming;

use self::outbound::Outbound;
pub(crate) use self::outbound::{USER_AGENT, with_query};
use crate::credential;
use crate::gateway::Gateway;
use crate::permit::Permit;
use crate::refuse::Refusal;
use crate::upstream::Trouble;

/// Forwards a permitted call, with the credential it gets.
pub(crate) async fn forward(gateway: &Arc<Gateway>, uri: &Uri, permit: Permit) -> Result<Response, Refusal> {
    let shown = permit.credential(gateway).await?;
    let mut scrubber = credential::scrubber(&permit.call().server, &shown);
    let mut response = send(gateway, uri, &permit, &shown).await.map_err(|trouble| trouble.scrubbed(&scrubber))?;
    // Whoever is not let in has not been heard: the call may be made once more, with another credential.
    if response.status() == StatusCode::UNAUTHORIZED
        && let Some(another) = permit.another(gateway, &shown).await?
    {
        // The one that was refused may come back as well.
        scrubber = scrubber.and(&credential::scrubber(&permit.call().server, &another));
        response = send(gateway, uri, &permit, &another).await.map_err(|trouble| trouble.scrubbed(&scrubber))?;
    }
    let answer = reply::give(gateway, permit.spend(), response, &scrubber).await;
    Ok(answer.map_err(|trouble| trouble.scrubbed(&scrubber))?)
}

async fn send(
    gateway: &Gateway,
    uri: &Uri,
    permit: &Permit,
    shown: &Obtained,
) -> Result<http::Response<Incoming>, Trouble> {
    let outbound = Outbound::of(uri, permit.call(), shown);
    let http = shown.http.as_ref().unwrap_or(&gateway.http);
    http.send(outbound.into_request()).await.map_err(Trouble::from)
}
