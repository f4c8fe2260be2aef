//! Who calls: the token is verified for exactly this server and its person looked up, or the answer says how to get
//! one.

use bailiwick_domain::challenge::Challenge;
use bailiwick_domain::policy::{Holder, Server};
use bailiwick_domain::time::Timestamp;
use bailiwick_domain::token::Standing;
use bailiwick_resource::{AdmitError, Caller, Liveness as _};
use http::header::AUTHORIZATION;

use crate::audit;
use crate::door::Raw;
use crate::gateway::Gateway;
use crate::hosted::Hosted;
use crate::refuse::{Refusal, Trail};
use crate::streams::Errand;

/// Admits the bearer of the request's token.
pub(crate) fn admit(gateway: &Gateway, raw: &Raw, trail: &Trail, now: Timestamp) -> Result<Caller, Refusal> {
    let resource = &raw.server.resource;
    let mut sent = raw.parts.headers.get_all(AUTHORIZATION).iter();
    // Several headers, or one that is no text, hold no token; the empty one is refused as malformed.
    let authorization = match (sent.next(), sent.next()) {
        (None, _) => None,
        (Some(one), None) => Some(one.to_str().unwrap_or("Bearer")),
        (Some(_), Some(_)) => Some("Bearer"),
    };
    gateway
        .verifier
        .admit(authorization, resource, &gateway.feed, now)
        .map_err(|error| refusal(gateway, &raw.server, trail, (error, now)))
}

/// Whose authority an admitted token carries. One of an account that is unknown or disabled is as good as revoked.
pub(crate) async fn holder(
    gateway: &Gateway,
    server: &Hosted,
    caller: &Caller,
    (trail, now): (&Trail, Timestamp),
) -> Result<Holder, Refusal> {
    let holder = gateway.store.holder(caller.subject()).await.map_err(|error| {
        tracing::error!(correlation = %trail.correlation, %error, "whose token it is cannot be looked up");
        Refusal::Stale
    })?;
    holder.ok_or_else(|| refusal(gateway, server, trail, (AdmitError::Revoked, now)))
}

/// Looks again, with no older knowledge than now, whether what was admitted still stands: a body may take its time, and
/// so may an answer.
pub(crate) fn stands(gateway: &Gateway, server: &Hosted, errand: &Errand, trail: &Trail) -> Result<(), Refusal> {
    let now = gateway.clock.now();
    match gateway.feed.standing(errand.caller.token(), now) {
        Standing::Live if !errand.is_stopped(&gateway.feed) => Ok(()),
        Standing::Live => Err(stopped(errand.tool.as_ref().map_or("", |(_, tool)| tool))),
        Standing::Revoked => Err(refusal(gateway, server, trail, (AdmitError::Revoked, now))),
        Standing::Stale => Err(Refusal::Stale),
    }
}

/// A tool that is stopped for everybody.
pub(crate) fn stopped(tool: &str) -> Refusal {
    Refusal::Denied { rule: STOPPED.to_owned(), says: stopped_says(tool) }
}

/// The rule by which a stopped tool is refused.
pub(crate) const STOPPED: &str = "tool:stopped";

/// The same in words.
pub(crate) fn stopped_says(tool: &str) -> String {
    format!("the tool {tool} is stopped for everybody: whoever runs this server decides when it starts again")
}

/// What the bearer of a token hears whose grant has ended since it was admitted.
pub(crate) fn ended(gateway: &Gateway, server: &Hosted, trail: &Trail, now: Timestamp) -> Refusal {
    refusal(gateway, server, trail, (AdmitError::Revoked, now))
}

fn refusal(gateway: &Gateway, server: &Hosted, trail: &Trail, (error, now): (AdmitError, Timestamp)) -> Refusal {
    if matches!(error, AdmitError::Stale) {
        return Refusal::Stale;
    }
    let resource = &server.resource;
    let said = error.challenge();
    if said.is_some() {
        gateway.store.record_later(audit::token(resource, &error.to_string(), trail, now));
    }
    let scope = gateway.known(server, Server::baseline).unwrap_or_default();
    Refusal::Unauthorized { challenge: Challenge { resource, scope: &scope, error: said }.header(), error: said }
}
