//! How far an account reaches: what `allow` keeps from it is offered by no page and put into no token.

use std::sync::Arc;

use bailiwick_domain::chain::Map;
use bailiwick_domain::policy::{Holder, Stage};
use bailiwick_domain::scope::ScopeSet;
use bailiwick_domain::uri::Resource;
use bailiwick_store::User;

use crate::authority::Authority;

impl Authority {
    /// What of `scope` this account may hold there, or anywhere it leads to; nothing at a place that is gone.
    pub(crate) fn within(&self, stage: Stage, user: &User, resource: &Resource, scope: &ScopeSet) -> ScopeSet {
        let (catalogue, directory) = (self.catalogue.load(), self.directory.load());
        let map = Map { directory: &directory, catalogue: &catalogue };
        let Some(target) = map.at(resource) else { return ScopeSet::default() };
        map.entitled(stage, &Holder::Person(Arc::new(user.person())), target).meet(scope)
    }
}
