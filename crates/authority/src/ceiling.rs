//! How far an account reaches: what `allow` keeps from it is offered by no page and put into no token.

use std::sync::Arc;

use bailiwick_domain::policy::{Holder, Stage, ceiling};
use bailiwick_domain::scope::ScopeSet;
use bailiwick_domain::uri::Resource;
use bailiwick_store::User;

use crate::authority::Authority;

impl Authority {
    /// What of `scope` this account may hold at that server; nothing at one that is no longer here.
    pub(crate) fn within(&self, stage: Stage, user: &User, resource: &Resource, scope: &ScopeSet) -> ScopeSet {
        let Some(server) = self.server(Some(resource)) else { return ScopeSet::default() };
        ceiling(stage, &Holder::Person(Arc::new(user.person())), &server).meet(scope)
    }
}
