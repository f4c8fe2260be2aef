//! How far a caller reaches right now: what a token says is bounded anew at every call, by what its person may hold and
//! by what every step of its chain lets pass.

use bailiwick_domain::chain::{ChainRefusal, Map, Passage, Target, agent_name, narrow};
use bailiwick_domain::control::{Control, holds};
use bailiwick_domain::policy::{Catalogue, Decision, Held, Holder, Server, Stage, ceiling, enter};
use bailiwick_domain::scope::ScopeSet;
use bailiwick_resource::Caller;

use crate::gateway::Gateway;

/// The most a caller may do at a server, whatever its token says.
#[derive(Debug)]
pub(crate) struct Ceiling {
    /// These scopes.
    pub(crate) scope: ScopeSet,
    /// Why it is none: somebody in the chain has no leave, or none any more.
    pub(crate) refusal: Option<ChainRefusal>,
}

impl Ceiling {
    /// What this caller may hold at that server.
    pub(crate) fn of(gateway: &Gateway, caller: &Caller, holder: &Holder, server: &Server) -> Self {
        let may = ceiling(Stage::Call, holder, server);
        // Most callers act for themselves.
        if caller.chain().act().is_none() && agent_name(caller.subject()).is_none() {
            return Self { scope: may, refusal: None };
        }
        match passes(gateway, caller, holder, server) {
            Ok(most) => Self { scope: most.meet(&may), refusal: None },
            Err(_) if !holds(Control::EdgeCall) => Self { scope: may, refusal: None },
            Err(refusal) => Self { scope: ScopeSet::default(), refusal: Some(refusal) },
        }
    }

    /// What this caller brings, below this ceiling.
    pub(crate) fn held<'a>(&'a self, caller: &'a Caller) -> Held<'a> {
        Held { ceiling: &self.scope, scope: caller.scope(), details: caller.details() }
    }

    /// The decision over whatever is asked, where the chain itself is refused.
    pub(crate) fn decision(&self) -> Option<Decision> {
        let refusal = self.refusal.as_ref()?;
        Some(Decision::Denied { rule: refusal.rule(), says: refusal.to_string() })
    }
}

/// What the chain lets pass; what an agent may hold on its own account.
fn passes(gateway: &Gateway, caller: &Caller, holder: &Holder, server: &Server) -> Result<ScopeSet, ChainRefusal> {
    let directory = gateway.directory.load();
    if caller.chain().act().is_none() {
        let own = agent_name(caller.subject()).and_then(|name| directory.agent(name)).map(|agent| agent.own.clone());
        return own.ok_or_else(|| ChainRefusal::Unknown(caller.subject().to_owned()));
    }
    // The one server is all of the catalogue that a chain which ends at it can ask about.
    let catalogue = gateway.catalogue.load();
    let map = Map { directory: &directory, catalogue: &catalogue };
    let place = &caller.token().claims().dlg;
    let (weakest, job) = (place.weakest, place.job.as_ref());
    narrow(map, &Passage { holder, chain: caller.chain(), weakest, job, target: Target::Server(server) })
}

/// True when nothing this caller's token says may be held by its person any more, as far as that is known: what is
/// open for it can be closed. Its next call is decided over in any case.
pub(crate) fn is_shut_out(gateway: &Gateway, caller: &Caller) -> bool {
    let Some(holder) = gateway.store.known_holder(caller.subject()) else { return false };
    let catalogue = gateway.catalogue.load();
    let server = at(&catalogue, caller);
    server.is_some_and(|server| {
        let ceiling = Ceiling::of(gateway, caller, &holder, server);
        ceiling.refusal.is_some() || matches!(enter(&ceiling.held(caller), server), Decision::Denied { .. })
    })
}

fn at<'a>(catalogue: &'a Catalogue, caller: &Caller) -> Option<&'a Server> {
    catalogue.servers.iter().find(|server| server.resource.as_str() == caller.token().claims().aud)
}
