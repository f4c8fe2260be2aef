//! Credentials that are ready for use, and which of them a call gets.

use std::sync::Arc;

use bailiwick_domain::control::{Control, holds};
use bailiwick_domain::ids::TokenId;
use bailiwick_domain::scope::ScopeSet;

use crate::broker::Broker;
use crate::credential::Ready;
use crate::obtained::{BrokerError, Obtained, Wanted};
use crate::settings::Credentials;

/// The credentials of a server or a tool.
#[derive(Debug, Default)]
pub struct Prepared {
    tiers: Vec<Choice>,
}

/// The one credential that a call gets.
#[derive(Clone, Debug)]
pub struct Choice(Arc<Step>);

#[derive(Debug)]
struct Step {
    name: String,
    scopes: Option<ScopeSet>,
    ready: Ready,
}

impl Prepared {
    pub(crate) fn new(label: &str, credentials: &Credentials) -> Result<Self, BrokerError> {
        let several = credentials.0.len() > 1;
        let step = |(place, tier): (usize, &crate::settings::Tier)| {
            let kind = tier.credential.kind();
            let name = if several { format!("{label}:{}:{kind}", place + 1) } else { format!("{label}:{kind}") };
            let ready = Ready::new(&tier.credential)?;
            Ok(Choice(Arc::new(Step { name, scopes: tier.scopes.clone(), ready })))
        };
        let tiers = credentials.0.iter().enumerate().map(step).collect::<Result<_, _>>()?;
        Ok(Self { tiers })
    }

    /// The lowest credential that is for one of these scopes, which are verified and open what is called; none where
    /// there is no such credential.
    pub fn choose(&self, opening: &ScopeSet) -> Option<&Choice> {
        let mut fit = self.tiers.iter().filter(|choice| {
            let scopes = choice.0.scopes.as_ref();
            scopes.is_none_or(|scopes| !scopes.meet(opening).is_empty())
        });
        // INVARIANT: never a stronger credential than the call needs.
        if holds(Control::TierChoice) { fit.next() } else { self.tiers.last() }
    }

    /// The lowest one, for when the gateway asks for itself.
    pub fn lowest(&self) -> Option<&Choice> {
        self.tiers.first()
    }

    /// True when what is shown depends on who calls, and the gateway can show nothing of that for itself.
    pub fn is_personal(&self) -> bool {
        self.tiers.iter().any(|choice| choice.0.ready.is_personal())
    }
}

impl Choice {
    /// What the record calls it: whose, which step, which kind.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Obtains it for one call; without a caller, for the gateway itself.
    ///
    /// # Errors
    /// [`BrokerError`] where there is none: nothing may be sent then.
    pub async fn obtain(&self, broker: &Broker, wanted: Option<&Wanted<'_>>) -> Result<Arc<Obtained>, BrokerError> {
        self.0.ready.obtain(broker, wanted).await
    }
}

/// What a token for a caller's token is kept by: the caller's token, which names person, actors, audience and scopes
/// for good, and the policy it was used under (R15). The rest of what was asked is the credential's own.
pub(crate) type TokenKey = (Option<TokenId>, String);

/// The key of what is obtained for this caller.
pub(crate) fn token_key(wanted: &Wanted<'_>) -> TokenKey {
    // INVARIANT: nobody is ever given what was obtained for somebody else.
    let whose = holds(Control::CacheKey).then(|| wanted.claims.jti.clone());
    (whose, wanted.epoch.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{Credential, Tier};

    fn scopes(text: &str) -> ScopeSet {
        ScopeSet::parse(text).unwrap()
    }

    fn prepared() -> Prepared {
        let tier = |text: &str| Tier { scopes: Some(scopes(text)), credential: Credential::None };
        Prepared::new("crm", &Credentials(vec![tier("crm:read"), tier("crm:read crm:write")])).unwrap()
    }

    #[test]
    fn the_lowest_credential_that_does_is_chosen() {
        let name = |opening: &str| prepared().choose(&scopes(opening)).map(|choice| choice.name().to_owned());

        assert_eq!(name("crm:read").as_deref(), Some("crm:1:none"));
        assert_eq!(name("crm:write").as_deref(), Some("crm:2:none"));
        assert_eq!(name("crm:read crm:write").as_deref(), Some("crm:1:none"));
        assert_eq!(name("crm:admin"), None, "nothing is shown where nothing does");
        assert_eq!(name(""), None);
    }
}
