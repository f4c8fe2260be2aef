//! Actors (RFC 8693 §4.1): the outermost `act` is the current actor, the innermost the first.

use serde::{Deserialize, Serialize};

use super::MOST_HOPS;

/// What kind of party an actor is (`sub_profile` of the OAuth actor profile).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActorProfile {
    /// A person.
    User,
    /// An agent that decides by itself.
    AiAgent,
    /// Plain software.
    Service,
}

/// One `act` object: its canonical identity is (`iss`, `sub`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// Who vouches for `sub`.
    pub iss: String,
    /// The actor.
    pub sub: String,
    /// What kind of party it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sub_profile: Option<ActorProfile>,
    /// Who acted before it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub act: Option<Box<Actor>>,
}

impl Actor {
    /// This actor and everybody who acted before it.
    pub fn line(&self) -> impl Iterator<Item = &Self> {
        std::iter::successors(Some(self), |actor| actor.act.as_deref())
    }
}

/// A chain of actors of bounded depth. Nothing can be dropped, reordered or truncated: there is no method that does.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Chain(Option<Box<Actor>>);

/// Why a chain is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChainError {
    /// More actors than a chain may hold.
    #[error("the chain of actors is deeper than {MOST_HOPS}")]
    TooDeep,
    /// An actor would act twice in one chain.
    #[error("an actor stands in the chain already")]
    Loop,
}

impl Chain {
    /// A chain from a token's `act`.
    ///
    /// # Errors
    /// [`ChainError::TooDeep`] past [`MOST_HOPS`] actors.
    pub fn new(act: Option<Box<Actor>>) -> Result<Self, ChainError> {
        let chain = Self(act);
        if chain.depth() > MOST_HOPS { Err(ChainError::TooDeep) } else { Ok(chain) }
    }

    /// The actors, current one first.
    pub fn actors(&self) -> impl Iterator<Item = &Actor> {
        self.0.iter().flat_map(|actor| actor.line())
    }

    /// How many actors stand in it.
    pub fn depth(&self) -> usize {
        self.actors().take(MOST_HOPS + 1).count()
    }

    /// The `act` claim: absent for an empty chain.
    pub fn act(&self) -> Option<&Actor> {
        self.0.as_deref()
    }

    /// True when that party acts in it.
    pub fn holds(&self, actor: &Actor) -> bool {
        self.actors().any(|known| known.iss == actor.iss && known.sub == actor.sub)
    }

    /// The chain with `actor` acting on top, everything below unchanged.
    ///
    /// # Errors
    /// [`ChainError`] when it would be too deep or a loop.
    pub fn wrap(self, actor: Actor) -> Result<Self, ChainError> {
        if self.holds(&actor) { Err(ChainError::Loop) } else { self.wrap_again(actor) }
    }

    /// The same for an actor that may stand in it already; whether it may is for the edges to say
    /// ([`narrow`](super::narrow)).
    ///
    /// # Errors
    /// [`ChainError::TooDeep`].
    pub fn wrap_again(self, mut actor: Actor) -> Result<Self, ChainError> {
        actor.act = self.0;
        Self::new(Some(Box::new(actor)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn actor(sub: &str) -> Actor {
        Actor { iss: "https://id.example".to_owned(), sub: sub.to_owned(), sub_profile: None, act: None }
    }

    #[test]
    fn the_current_actor_is_outermost_and_the_first_stays_on_record() {
        let chain = Chain::default().wrap(actor("orchestrator")).unwrap().wrap(actor("researcher")).unwrap();

        let subs: Vec<_> = chain.actors().map(|actor| actor.sub.as_str()).collect();
        assert_eq!(subs, ["researcher", "orchestrator"]);
    }

    #[test]
    fn one_name_under_two_issuers_is_two_actors() {
        let elsewhere = Actor { iss: "https://login.example".to_owned(), ..actor("orchestrator") };
        let chain = Chain::default().wrap(actor("orchestrator")).unwrap();

        assert!(chain.holds(&actor("orchestrator")) && !chain.holds(&elsewhere));
        let both = chain.wrap(elsewhere).unwrap();
        assert_eq!(both.depth(), 2);
        assert_eq!(both.wrap(actor("orchestrator")), Err(ChainError::Loop));
    }

    #[test]
    fn loops_and_depth_are_refused() {
        let mut chain = Chain::default();
        for sub in ["a", "b", "c", "d"] {
            chain = chain.wrap(actor(sub)).unwrap();
        }

        assert_eq!(chain.clone().wrap(actor("b")), Err(ChainError::Loop));
        assert_eq!(chain.wrap(actor("e")), Err(ChainError::TooDeep));
    }
}
