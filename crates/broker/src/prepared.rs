//! Credentials that are ready for use, and which of them a call gets.

use std::sync::Arc;

use bailiwick_domain::control::{Control, holds};
use bailiwick_domain::ids::TokenId;
use bailiwick_domain::scope::ScopeSet;

use crate::broker::Broker;
use crate::credential::Ready;
use crate::obtained::{BrokerError, Obtained, Wanted};
use crate::settings::{Credentials, Tier};

/// The credentials of a server or a tool: of each list, lowest privilege first, a call gets one.
#[derive(Debug, Default)]
pub struct Prepared {
    lists: Vec<Arc<Vec<Arc<Step>>>>,
}

/// What a call gets: one credential, or several together.
#[derive(Clone, Debug)]
pub struct Choice {
    steps: Vec<Arc<Step>>,
}

#[derive(Debug)]
struct Step {
    name: String,
    scopes: Option<ScopeSet>,
    ready: Ready,
}

impl Step {
    fn is_for(&self, opening: &ScopeSet) -> bool {
        self.scopes.as_ref().is_none_or(|scopes| !scopes.meet(opening).is_empty())
    }
}

impl Prepared {
    pub(crate) fn new(label: &str, credentials: &Credentials) -> Result<Self, BrokerError> {
        let several = credentials.0.len() > 1;
        let step = |(place, tier): (usize, &Tier)| {
            let kind = tier.credential.kind();
            let name = if several { format!("{label}:{}:{kind}", place + 1) } else { format!("{label}:{kind}") };
            let ready = Ready::new(&tier.credential)?;
            Ok(Arc::new(Step { name, scopes: tier.scopes.clone(), ready }))
        };
        let list = credentials.0.iter().enumerate().map(step).collect::<Result<_, _>>()?;
        Ok(Self { lists: vec![Arc::new(list)] })
    }

    /// All of these at once, for what wants to be shown several credentials; what they obtain is kept once for all.
    #[must_use]
    pub fn together<'a>(parts: impl Iterator<Item = &'a Self>) -> Self {
        Self { lists: parts.flat_map(|part| part.lists.iter().cloned()).collect() }
    }

    /// The lowest credential that is for one of these scopes, which are verified and open what is called; none where
    /// there is no such credential.
    pub fn choose(&self, opening: &ScopeSet) -> Option<Choice> {
        let pick = |list: &Arc<Vec<Arc<Step>>>| {
            // INVARIANT: never a stronger credential than the call needs.
            if holds(Control::TierChoice) {
                list.iter().find(|step| step.is_for(opening)).cloned()
            } else {
                list.last().cloned()
            }
        };
        self.lists.iter().map(pick).collect::<Option<Vec<_>>>().map(|steps| Choice { steps })
    }

    /// The lowest one, for when the gateway asks for itself.
    pub fn lowest(&self) -> Option<Choice> {
        self.lists.iter().map(|list| list.first().cloned()).collect::<Option<Vec<_>>>().map(|steps| Choice { steps })
    }

    /// True when what is shown depends on who calls, and the gateway can show nothing of that for itself.
    pub fn is_personal(&self) -> bool {
        self.lists.iter().flat_map(|list| list.iter()).any(|step| step.ready.is_personal())
    }
}

impl Choice {
    /// What the record calls it: whose, which step, which kind.
    pub fn name(&self) -> String {
        self.steps.iter().map(|step| step.name.as_str()).collect::<Vec<_>>().join(" + ")
    }

    /// Obtains it for one call; without a caller, for the gateway itself.
    ///
    /// # Errors
    /// [`BrokerError`] where there is none: nothing may be sent then.
    pub async fn obtain(&self, broker: &Broker, wanted: Option<&Wanted<'_>>) -> Result<Arc<Obtained>, BrokerError> {
        if let [only] = self.steps.as_slice() {
            return only.ready.obtain(broker, wanted).await;
        }
        let mut all = Obtained::default();
        for step in &self.steps {
            all.join(&*step.ready.obtain(broker, wanted).await?);
        }
        Ok(Arc::new(all))
    }
}

impl Choice {
    /// What to show in place of what a server behind did not accept, though nothing here said that it had ended; none
    /// where there is nothing else.
    ///
    /// # Errors
    /// [`BrokerError::Lost`] where only its person can mend that.
    pub async fn another(
        &self,
        broker: &Broker,
        wanted: &Wanted<'_>,
        refused: &Arc<Obtained>,
    ) -> Result<Option<Arc<Obtained>>, BrokerError> {
        match self.steps.as_slice() {
            [only] => only.ready.another(broker, wanted, refused).await,
            // Which of several it was, nobody knows.
            _ => Ok(None),
        }
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
    use crate::settings::Credential;

    fn scopes(text: &str) -> ScopeSet {
        ScopeSet::parse(text).unwrap()
    }

    fn prepared() -> Prepared {
        let tier = |text: &str| Tier { scopes: Some(scopes(text)), credential: Credential::None };
        Prepared::new("crm", &Credentials(vec![tier("crm:read"), tier("crm:read crm:write")])).unwrap()
    }

    #[test]
    fn the_lowest_credential_that_does_is_chosen() {
        let name = |opening: &str| prepared().choose(&scopes(opening)).map(|choice| choice.name());

        assert_eq!(name("crm:read").as_deref(), Some("crm:1:none"));
        assert_eq!(name("crm:write").as_deref(), Some("crm:2:none"));
        assert_eq!(name("crm:read crm:write").as_deref(), Some("crm:1:none"));
        assert_eq!(name("crm:admin"), None, "nothing is shown where nothing does");
        assert_eq!(name(""), None);
    }
}
