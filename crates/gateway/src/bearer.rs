//! Who calls: the token is verified for exactly this server, or the answer says how to get one.

use bailiwick_domain::challenge::Challenge;
use bailiwick_domain::scope::ScopeSet;
use bailiwick_domain::time::Timestamp;
use bailiwick_resource::{AdmitError, Caller};
use http::header::AUTHORIZATION;

use crate::audit;
use crate::door::Raw;
use crate::gateway::Gateway;
use crate::refuse::{Refusal, Trail};

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
    gateway.verifier.admit(authorization, resource, &gateway.feed, now).map_err(|error| {
        if matches!(error, AdmitError::Stale) {
            return Refusal::Stale;
        }
        let said = error.challenge();
        if said.is_some() {
            gateway.store.record_later(audit::token(resource, &error.to_string(), trail, now));
        }
        let scope = gateway.known(&raw.server, bailiwick_domain::policy::Server::baseline);
        let scope: ScopeSet = scope.unwrap_or_default();
        Refusal::Unauthorized { challenge: Challenge { resource, scope: &scope, error: said }.header(), error: said }
    })
}
