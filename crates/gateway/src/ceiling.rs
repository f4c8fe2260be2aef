//! How far a caller's person reaches right now: what a token says is bounded anew at every call.

use bailiwick_domain::policy::{Decision, Held, Holder, Server, Stage, ceiling, enter};
use bailiwick_domain::scope::ScopeSet;
use bailiwick_resource::Caller;

use crate::gateway::Gateway;

/// What this holder may hold at that server.
pub(crate) fn of(holder: &Holder, server: &Server) -> ScopeSet {
    ceiling(Stage::Call, holder, server)
}

/// What this caller brings, below that ceiling.
pub(crate) fn held<'a>(caller: &'a Caller, ceiling: &'a ScopeSet) -> Held<'a> {
    Held { ceiling, scope: caller.scope(), details: caller.details() }
}

/// True when nothing this caller's token says may be held by its person any more, as far as that is known: what is
/// open for it can be closed. Its next call is decided over in any case.
pub(crate) fn is_shut_out(gateway: &Gateway, caller: &Caller) -> bool {
    let Some(holder) = gateway.store.known_holder(caller.subject()) else { return false };
    let catalogue = gateway.catalogue.load();
    let server = catalogue.servers.iter().find(|server| server.resource.as_str() == caller.token().claims().aud);
    server.is_some_and(|server| {
        let ceiling = of(&holder, server);
        matches!(enter(&held(caller, &ceiling), server), Decision::Denied { .. })
    })
}
