//! Token exchange (RFC 8693): whoever was handed a token obtains the next one, for the one target it acts toward. The RFC
//! gives the words; that the chain stays whole, and authority only shrinks, is decided here.

mod request;

use super::Approval;
use crate::chain::{
    Actor, ActorProfile, Agent, Assurance, Chain, ChainError, ChainRefusal, Delegation, Map, Passage, Target, Way,
    door_subject, narrow,
};
use crate::control::{Control, holds};
use crate::error::ErrorCode;
use crate::ids::ClientId;
use crate::policy::{Holder, Stage};
use crate::scope::ScopeSet;
use crate::token::{AccessClaims, ToolsDetail};
use crate::uri::{Issuer, Resource};

pub use request::{ACCESS_TOKEN, ExchangeFields, ExchangeRequest, GRANT, Subject};

/// Who asks.
#[derive(Clone, Copy, Debug)]
pub enum Party<'a> {
    /// An agent.
    Agent(&'a Agent),
    /// An app at the front door, which hands its own user to an agent.
    Door(&'a ClientId),
}

/// An exchange about to be decided: the client is authenticated, the subject token verified.
#[derive(Clone, Debug)]
pub struct Exchange<'a> {
    /// What there is.
    pub map: Map<'a>,
    /// Who issues.
    pub issuer: &'a Issuer,
    /// Who asks.
    pub party: Party<'a>,
    /// How it proved that just now.
    pub assurance: Assurance,
    /// Whose authority it is.
    pub holder: &'a Holder,
    /// The token that was handed over.
    pub subject: &'a AccessClaims,
    /// Where the new one goes.
    pub target: Target<'a>,
    /// What is asked for; none means as much as there is.
    pub scope: Option<&'a ScopeSet>,
    /// To which tools the new one is to be bound.
    pub details: Option<&'a [ToolsDetail]>,
}

/// What may be minted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allowed {
    /// Everybody who acts.
    pub chain: Chain,
    /// With which scopes.
    pub scope: ScopeSet,
    /// On which tools.
    pub details: Vec<ToolsDetail>,
    /// Where it hangs.
    pub place: Delegation,
}

/// Why nothing is exchanged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExchangeError {
    /// A parameter is missing.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// The declared class is not the one that is exchanged here, or the token is of another.
    #[error("subject_token must be an access token of this server, and subject_token_type say so")]
    Class,
    /// Another kind of token is asked for.
    #[error("only access tokens are issued here")]
    Wanted,
    /// No target, several, or one that is not here.
    #[error("name exactly one target that exists here, by resource or audience")]
    Target,
    /// A scope that is none.
    #[error("scope is malformed")]
    Scope,
    /// Nothing remains.
    #[error("nothing of what is asked for may be handed on")]
    Nothing,
    /// Tools beyond those of the subject token, or details that are not understood.
    #[error("authorization_details are not understood, or name more than the subject token holds")]
    Details,
    /// The token was handed to somebody else.
    #[error("this token was not handed to this client")]
    NotRecipient,
    /// `may_act` names somebody else.
    #[error("the subject token lets somebody else act next")]
    MayAct,
    /// The actor token is not the client's own, or carries a chain.
    #[error("actor_token must be this client's own token, without a chain of its own")]
    ActorToken,
    /// The subject token is bound to a key.
    #[error("the subject token is bound to a key that was not proven")]
    Bound,
    /// The grant is not for this agent, which learns nothing of it.
    #[error("the subject token is not a living token of this server")]
    Outsider,
    /// The grant is none for a long job.
    #[error("this grant was not given for a long job")]
    NotAJob,
    /// The chain.
    #[error(transparent)]
    Chain(#[from] ChainRefusal),
}

impl ExchangeError {
    /// The code on the wire (RFC 8693 §2.2.2, RFC 8707 §2, RFC 9396 §5).
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::Missing(_) | Self::Class | Self::Wanted => ErrorCode::InvalidRequest,
            Self::Target => ErrorCode::InvalidTarget,
            Self::Scope | Self::Nothing => ErrorCode::InvalidScope,
            Self::Details => ErrorCode::InvalidAuthorizationDetails,
            Self::NotRecipient | Self::ActorToken | Self::Bound | Self::Outsider | Self::NotAJob => {
                ErrorCode::InvalidGrant
            }
            Self::MayAct => ErrorCode::ActorUnauthorized,
            Self::Chain(refusal) => refusal.code(),
        }
    }

    /// The rule that says no, for the record.
    pub fn rule(&self) -> String {
        match self {
            Self::Missing(_) => "exchange:parameter".to_owned(),
            Self::Class | Self::Wanted => "exchange:class".to_owned(),
            Self::Target => "exchange:target".to_owned(),
            Self::Scope | Self::Nothing => "exchange:scope".to_owned(),
            Self::Details => "exchange:tools".to_owned(),
            Self::NotRecipient => "exchange:recipient".to_owned(),
            Self::MayAct => "exchange:may-act".to_owned(),
            Self::ActorToken => "exchange:actor-token".to_owned(),
            Self::Bound => "exchange:bound".to_owned(),
            Self::Outsider => "job:agent".to_owned(),
            Self::NotAJob => "job:grant".to_owned(),
            Self::Chain(refusal) => refusal.rule(),
        }
    }
}

impl Party<'_> {
    /// It as an actor (RFC 8693 §4.1).
    pub fn actor(&self, issuer: &Issuer) -> Actor {
        let (sub, profile) = match self {
            Self::Agent(agent) => (agent.subject(), ActorProfile::AiAgent),
            Self::Door(client) => (door_subject(client), ActorProfile::Service),
        };
        Actor { iss: issuer.as_str().to_owned(), sub, sub_profile: Some(profile), act: None }
    }

    /// True when the token was handed to it: what is derived, only by its audience; what came from the front door, also
    /// by the app that got it there, to hand it on.
    fn received(&self, subject: &AccessClaims) -> bool {
        match self {
            Self::Agent(agent) => agent.resource.as_str() == subject.aud,
            Self::Door(client) => subject.dlg.hop == 0 && subject.client_id == **client,
        }
    }
}

impl Exchange<'_> {
    /// Decides.
    ///
    /// # Errors
    /// [`ExchangeError`].
    pub fn decide(&self) -> Result<Allowed, ExchangeError> {
        let subject = self.subject;
        if subject.cnf.is_some() {
            return Err(ExchangeError::Bound);
        }
        if !self.party.received(subject) && holds(Control::Recipient) {
            return Err(ExchangeError::NotRecipient);
        }
        let actor = self.party.actor(self.issuer);
        let named = subject.may_act.as_ref().is_none_or(|may| may.iss == actor.iss && may.sub == actor.sub);
        if !named && holds(Control::MayAct) {
            return Err(ExchangeError::MayAct);
        }
        let place = subject.dlg.below(&subject.jti, &subject.client_id, self.assurance);
        let before = Chain::new(subject.act.clone()).map_err(|_| ChainRefusal::TooDeep)?;
        let before = if holds(Control::ChainKept) { before } else { Chain::default() };
        let (chain, most) = self.toward(before, actor, &place)?;
        let held = if holds(Control::ExchangeScope) { most.meet(&subject.scope) } else { most };
        let scope = self.scope.map_or_else(|| held.clone(), |asked| asked.meet(&held));
        if scope.is_empty() {
            return Err(ExchangeError::Nothing);
        }
        let details = refine(&subject.authorization_details, self.details)?;
        Ok(Allowed { chain, scope, details, place })
    }

    /// The chain one actor longer, and the most that may flow through it.
    fn toward(&self, before: Chain, actor: Actor, place: &Delegation) -> Result<(Chain, ScopeSet), ExchangeError> {
        let chain = before.wrap_again(actor).map_err(|error| match error {
            ChainError::TooDeep | ChainError::Loop => ChainRefusal::TooDeep,
        })?;
        let (weakest, job) = (place.weakest, place.job.as_ref());
        let passage = Passage { holder: self.holder, chain: &chain, weakest, job, target: self.target };
        let most = narrow(self.map, &passage)?;
        Ok((chain, most.meet(&self.map.entitled(Stage::Exchange, self.holder, self.target))))
    }

    /// The most that the agent a job was given to could have handed to this one; none where this is that agent.
    fn handed_down(&self, approval: &Approval, place: &Delegation) -> Result<Option<ScopeSet>, ExchangeError> {
        let (Party::Agent(agent), Some(job)) = (self.party, &place.job) else { return Ok(None) };
        let root = self.map.directory.agent_of_client(&approval.client);
        let root = root.ok_or_else(|| ChainRefusal::Unknown(approval.client.to_string()))?;
        if root.name == agent.name || !holds(Control::JobAgents) {
            return Ok(None);
        }
        let way = Way { holder: self.holder, job, issuer: self.issuer.as_str(), to: agent };
        Ok(Some(self.map.handed_down(root, &way)))
    }
}

/// The first step of a grant that a person gave to agents for a long job: nobody acted before, and what it holds is what
/// was approved; for an agent it was not given to itself, no more than that one could have handed down.
///
/// # Errors
/// [`ExchangeError`].
pub fn from_grant(exchange: &Exchange<'_>, approval: &Approval) -> Result<Allowed, ExchangeError> {
    let job = approval.job.as_ref().ok_or(ExchangeError::NotAJob)?.bounds();
    let place = Delegation {
        hop: 1,
        door: Some(approval.client.clone()),
        weakest: Some(exchange.assurance),
        job: Some(job),
        ..Delegation::front_door(approval.grant.clone())
    };
    let actor = exchange.party.actor(exchange.issuer);
    let (chain, most) = exchange.toward(Chain::default(), actor, &place)?;
    let held = exchange.handed_down(approval, &place)?.map_or_else(|| most.clone(), |down| most.meet(&down));
    let held = held.meet(&approval.scope);
    let scope = exchange.scope.map_or_else(|| held.clone(), |asked| asked.meet(&held));
    if scope.is_empty() {
        return Err(ExchangeError::Nothing);
    }
    Ok(Allowed { chain, scope, details: refine(&approval.details, exchange.details)?, place })
}

/// Narrows the tools (RFC 9396): at every location the subject names, and at every one asked for, no tool beyond the
/// subject's.
fn refine(held: &[ToolsDetail], asked: Option<&[ToolsDetail]>) -> Result<Vec<ToolsDetail>, ExchangeError> {
    let Some(asked) = asked else { return Ok(held.to_vec()) };
    if !holds(Control::ExchangeTools) {
        return Ok(asked.to_vec());
    }
    let mut places: Vec<&Resource> = held.iter().chain(asked).flat_map(|detail| &detail.locations).collect();
    places.sort_unstable();
    places.dedup();
    if asked.iter().any(|detail| detail.locations.is_empty()) {
        return Err(ExchangeError::Details);
    }
    places.into_iter().map(|place| narrowed_at(place, held, asked)).collect()
}

fn narrowed_at(place: &Resource, held: &[ToolsDetail], asked: &[ToolsDetail]) -> Result<ToolsDetail, ExchangeError> {
    let (had, wants) = (tools(held, place), tools(asked, place));
    let tools = match (had, wants) {
        (Some(had), Some(wants)) if wants.iter().all(|tool| had.contains(tool)) => wants,
        (Some(_), Some(_)) => return Err(ExchangeError::Details),
        (Some(had), None) => had,
        (None, wants) => wants.unwrap_or_default(),
    };
    Ok(ToolsDetail::only(place.clone(), tools))
}

/// The tools named for a location; none where nothing speaks of it.
fn tools(details: &[ToolsDetail], place: &Resource) -> Option<Vec<String>> {
    let mut speaking = details.iter().filter(|detail| detail.locations.is_empty() || detail.concerns(place)).peekable();
    speaking.peek()?;
    Some(speaking.flat_map(|detail| detail.tools.iter().cloned()).collect())
}

#[cfg(test)]
mod tests;
