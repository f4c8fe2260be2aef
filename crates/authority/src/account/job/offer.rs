//! What a person can be offered: the agents that may act for them at all, and everything each may reach for them.

use std::collections::BTreeSet;
use std::sync::Arc;

use bailiwick_domain::chain::{Agent, Directory, Map, Target};
use bailiwick_domain::policy::{Catalogue, Holder, Server, Stage};
use bailiwick_domain::scope::ScopeSet;
use bailiwick_store::User;

use crate::authority::Authority;

/// An agent that may work for a person.
pub(crate) struct Offer {
    /// The agent.
    pub(crate) agent: Agent,
    /// Everything it may reach, as consent shows it.
    pub(crate) place: Server,
    /// What of that the person may hold.
    pub(crate) within: ScopeSet,
    /// Whom it may hand work to.
    pub(crate) company: Vec<Agent>,
    view: (Arc<Directory>, Arc<Catalogue>),
}

impl Offer {
    /// Everything there was when it was made.
    pub(crate) fn map(&self) -> Map<'_> {
        Map { directory: &self.view.0, catalogue: &self.view.1 }
    }

    /// Which policy it was.
    pub(crate) fn epoch(&self) -> &str {
        &self.view.0.epoch
    }

    /// True when every server it reaches answers; what stands elsewhere has no tools to be listed.
    pub(super) fn is_reachable(&self) -> bool {
        let servers = &self.view.1.servers;
        let served = self.map().served(Target::Agent(&self.agent));
        served.iter().all(|server| server.reachable || servers.iter().all(|known| known.resource != server.resource))
    }

    /// What is ticked at first: nothing destructive, which nobody should give for days by not looking.
    pub(super) fn ticks(&self) -> (BTreeSet<String>, BTreeSet<String>) {
        let baseline = self.within.meet(&self.place.baseline());
        let open = self.place.tools.iter().filter(|tool| tool.scopes.iter().any(|scope| baseline.contains(scope)));
        (open.map(|tool| tool.name.clone()).collect(), baseline.iter().map(ToString::to_string).collect())
    }
}

impl Authority {
    /// Every agent that may work for this person.
    pub(crate) fn offers(&self, user: &User) -> Vec<Offer> {
        let view = (self.directory.load_full(), self.catalogue.load_full());
        let map = Map { directory: &view.0, catalogue: &view.1 };
        let person = user.person();
        let holder = Holder::Person(Arc::new(person.clone()));
        let may = view.0.agents.iter().filter(|agent| agent.acts_for(&person));
        let offers = may.map(|agent| {
            let place = map.place(Target::Agent(agent));
            Offer {
                agent: agent.clone(),
                within: map.entitled(Stage::Consent, &holder, Target::Agent(agent)).meet(&place.all_scopes()),
                company: map.company(agent).into_iter().skip(1).cloned().collect(),
                place,
                view: view.clone(),
            }
        });
        offers.filter(|offer| !offer.within.is_empty()).collect()
    }

    /// The one of that name.
    pub(super) fn offer(&self, user: &User, name: &str) -> Option<Offer> {
        self.offers(user).into_iter().find(|offer| offer.agent.name.as_str() == name)
    }
}
