//! `urn:ietf:params:oauth:grant-type:token-exchange` (RFC 8693): an agent that was handed a token obtains the next one.
//! The rules are in the domain; here the token is believed, its tree asked, and the new node written.

use std::sync::Arc;

use bailiwick_domain::audit::{AuditEvent, AuditKind, Outcome};
use bailiwick_domain::chain::{Agent, Assurance, ChainRefusal, Directory, Map, Target};
use bailiwick_domain::client::AuthMethod;
use bailiwick_domain::control::{Control, holds};
use bailiwick_domain::grant::{
    Allowed, Exchange, ExchangeError, ExchangeFields, ExchangeRequest, Party, Subject, from_grant,
};
use bailiwick_domain::ids::{ClientId, GrantId, TokenId, UserId};
use bailiwick_domain::policy::{Catalogue, Holder};
use bailiwick_domain::scope::ScopeSet;
use bailiwick_domain::time::Timestamp;
use bailiwick_domain::token::{
    AccessClaims, FrontDoor, Handover, IssuedToken, Minted, TokenRefusal, mint_handover, verify_issued,
};
use bailiwick_domain::uri::Resource;
use bailiwick_store::{Derivation, Derived, GrantRow, Step};

use super::answer::{self, Answer};
use super::error::TokenError;
use crate::authority::Authority;
use crate::client::Authenticated;
use crate::form::Form;
use crate::visit::Visit;

/// Everything there is, held still while one exchange is decided.
struct View {
    directory: Arc<Directory>,
    catalogue: Arc<Catalogue>,
}

impl View {
    fn map(&self) -> Map<'_> {
        Map { directory: &self.directory, catalogue: &self.catalogue }
    }
}

/// Who asks, how it proved that, and for what.
struct Asking<'a> {
    party: Party<'a>,
    client: &'a ClientId,
    method: AuthMethod,
    assurance: Assurance,
    scope: Option<&'a ScopeSet>,
}

/// What is handed over: the claims that bound it, and its grant.
struct Source {
    claims: AccessClaims,
    grant: GrantRow,
}

impl Authority {
    /// Exchanges a token; what is refused is on record too.
    pub(super) async fn exchange(
        &self,
        visit: &Visit,
        client: &Authenticated,
        form: &Form,
    ) -> Result<Answer, TokenError> {
        let view = View { directory: self.directory.load_full(), catalogue: self.catalogue.load_full() };
        let exchanged = self.exchanged(visit, client, form, &view).await;
        if let Some(error) = exchanged.as_ref().err().filter(|error| !error.is_ours()) {
            let event = AuditEvent::new(AuditKind::TokenExchanged, visit.now)
                .outcome(Outcome::Refused)
                .correlation(&visit.correlation)
                .client(&client.client().id)
                .rule(error.rule())
                .policy(&view.directory.epoch)
                .says(error.to_string());
            let asker = view.directory.agent_of_client(&client.client().id).map(Agent::subject);
            self.store.record_later(self.whose(event, asker, form, visit.now));
        }
        exchanged
    }

    /// The refusal with what is known of the token it is about; `asker` would have acted next.
    fn whose(&self, event: AuditEvent, asker: Option<String>, form: &Form, now: Timestamp) -> AuditEvent {
        let event = event.actors(asker.clone());
        let Some(token) = form.one("subject_token").and_then(|raw| self.living(raw, now).ok()) else { return event };
        let claims = token.claims();
        event
            .user(&UserId::from_stored(&claims.sub))
            .grant(&claims.dlg.grant)
            .transaction(&claims.txn)
            .actors(asker.into_iter().chain(token.chain().actors().map(|actor| actor.sub.clone())))
            .derived_from(&claims.jti, claims.dlg.hop.saturating_add(1))
    }

    async fn exchanged(
        &self,
        visit: &Visit,
        client: &Authenticated,
        form: &Form,
        view: &View,
    ) -> Result<Answer, TokenError> {
        let request = ExchangeRequest::read(&fields(form))?;
        let asking = asking(view, client, request.scope.as_ref())?;
        let target = target(view.map(), &request)?;
        if let Some(raw) = request.actor {
            self.own_token(raw, &asking, visit.now)?;
        }
        let source = match &request.subject {
            Subject::Token(raw) => self.handed_over(raw, visit.now).await?,
            Subject::Grant(id) => self.granted(id, &asking, visit.now).await?,
        };
        let holder = self.holder_of(&source.claims.sub).await?;
        let exchange = Exchange {
            map: view.map(),
            issuer: &self.issuer,
            party: asking.party,
            assurance: asking.assurance,
            holder: &holder,
            subject: &source.claims,
            target,
            scope: request.scope.as_ref(),
            details: request.details.as_deref(),
        };
        let allowed = match &request.subject {
            Subject::Token(_) => exchange.decide()?,
            Subject::Grant(_) => from_grant(&exchange, &source.grant.approval)?,
        };
        let minted = self.minted(&asking, &source, (target, allowed), visit.now)?;
        self.written(visit, (&asking, &source), minted, view).await
    }

    fn minted(
        &self,
        asking: &Asking<'_>,
        source: &Source,
        (target, allowed): (Target<'_>, Allowed),
        now: Timestamp,
    ) -> Result<Minted, TokenError> {
        let agent = match target {
            Target::Agent(agent) => Some(agent.subject()),
            Target::Server(_) | Target::Api(_) => None,
        };
        let handover = Handover {
            from: &source.claims,
            place: allowed.place,
            chain: &allowed.chain,
            client: asking.client,
            target: target.resource(),
            agent: agent.as_deref(),
            scope: &allowed.scope,
            details: allowed.details,
            expires_at: source.grant.approval.expires_at,
        };
        let jti = TokenId::draw(self.entropy.as_ref());
        Ok(mint_handover(self.keys.signer(), &self.issuer, handover, jti, now)?)
    }

    /// Writes the new node of the tree, unless anything above it was ended meanwhile.
    async fn written(
        &self,
        visit: &Visit,
        (asking, source): (&Asking<'_>, &Source),
        minted: Minted,
        view: &View,
    ) -> Result<Answer, TokenError> {
        let claims = &minted.claims;
        let line = claims.dlg.parent.iter().chain(&claims.dlg.above).cloned().collect();
        let audit = AuditEvent::new(AuditKind::TokenExchanged, visit.now)
            .correlation(&visit.correlation)
            .approval(&source.grant.approval)
            .resource(&Resource::from_stored(claims.aud.clone()))
            .client(&claims.client_id)
            .client_auth(asking.method.as_str())
            .scope(&claims.scope)
            .actors(claims.act.iter().flat_map(|act| act.line()).map(|actor| actor.sub.clone()))
            .policy(&view.directory.epoch)
            .token(&claims.jti);
        let audit = asking.scope.iter().fold(audit, |audit, asked| audit.requested(asked));
        let audit = match &claims.dlg.parent {
            Some(parent) => audit.derived_from(parent, claims.dlg.hop),
            None => audit,
        };
        let steps = Step::between(&source.claims, claims);
        let actors = claims.act.iter().flat_map(|act| act.line()).map(|actor| actor.sub.clone()).collect();
        let derivation = Derivation { line, steps, actors, token: answer::row(&minted, visit.now), now: visit.now };
        match self.store.derive(derivation, audit).await? {
            Derived::Fresh => Ok(Answer::exchanged(minted, visit.now)),
            Derived::Revoked => Err(TokenError::Revoked),
            Derived::Stopped => Err(TokenError::PartyStopped),
        }
    }

    /// Believes the token that was handed over, and looks whether anything it hangs from was ended.
    async fn handed_over(&self, raw: &str, now: Timestamp) -> Result<Source, TokenError> {
        let token = self.living(raw, now)?;
        let claims = token.claims();
        let grant = self.store.grant(&claims.dlg.grant).await?.ok_or(TokenError::Subject)?;
        if !grant.is_live(now) && holds(Control::ExchangeLive) {
            return Err(TokenError::Revoked);
        }
        Ok(Source { claims: claims.clone(), grant })
    }

    fn living(&self, raw: &str, now: Timestamp) -> Result<IssuedToken, TokenError> {
        verify_issued(raw, &self.keys.public().load(), &self.issuer, now).map_err(|refusal| {
            if refusal == TokenRefusal::TokenType {
                ExchangeError::Class.into()
            } else if refusal == TokenRefusal::ChainTooDeep {
                ExchangeError::Chain(ChainRefusal::TooDeep).into()
            } else {
                TokenError::Subject
            }
        })
    }

    /// A grant that a person gave to agents for a long job; what would be claimed of it at the front door.
    async fn granted(&self, id: &GrantId, asking: &Asking<'_>, now: Timestamp) -> Result<Source, TokenError> {
        // An app at the front door need not have a secret, and the id stands in every token it holds.
        if matches!(asking.party, Party::Door(_)) {
            return Err(TokenError::Subject);
        }
        let grant = self.store.grant(id).await?.ok_or(TokenError::Subject)?;
        // Of grants that are not theirs, or not for jobs, nobody learns anything.
        let bounds = grant.approval.job.as_ref().ok_or(TokenError::Subject)?.bounds();
        let actor = asking.party.actor(&self.issuer);
        if !bounds.names(&actor.sub) && holds(Control::JobAgents) {
            return Err(ExchangeError::Outsider.into());
        }
        if !grant.is_live(now) {
            return Err(TokenError::Revoked);
        }
        let approval = &grant.approval;
        let front = FrontDoor { approval, scope: &approval.scope, agent: None };
        let claims = front.claims(&self.issuer, TokenId::draw(self.entropy.as_ref()), now);
        Ok(Source { claims, grant })
    }

    /// The actor's own token proves nothing that the client's authentication does not; one of somebody else, or with a
    /// history, would only lend it a better name.
    fn own_token(&self, raw: &str, asking: &Asking<'_>, now: Timestamp) -> Result<(), TokenError> {
        let token = self.living(raw, now).map_err(|_| ExchangeError::ActorToken)?;
        let actor = asking.party.actor(&self.issuer);
        let claims = token.claims();
        let own = claims.sub == actor.sub && claims.client_id == *asking.client && claims.act.is_none();
        if own || !holds(Control::ActorToken) { Ok(()) } else { Err(ExchangeError::ActorToken.into()) }
    }

    async fn holder_of(&self, subject: &str) -> Result<Holder, TokenError> {
        // A user who was disabled a moment ago counts as disabled: the row is asked, not the memory.
        if let Some(Holder::Machine) = self.store.known_holder(subject) {
            return Ok(Holder::Machine);
        }
        let user = self.usable(&UserId::from_stored(subject)).await?;
        Ok(Holder::Person(Arc::new(user.person())))
    }
}

fn fields(form: &Form) -> ExchangeFields<'_> {
    ExchangeFields {
        subject_token: form.one("subject_token"),
        subject_token_type: form.one("subject_token_type"),
        actor_token: form.one("actor_token"),
        actor_token_type: form.one("actor_token_type"),
        requested_token_type: form.one("requested_token_type"),
        resources: form.all("resource").collect(),
        audiences: form.all("audience").collect(),
        scope: form.one("scope"),
        details: form.one("authorization_details"),
    }
}

/// Who asks: an agent, or an app that may hand its user on.
fn asking<'a>(
    view: &'a View,
    client: &'a Authenticated,
    scope: Option<&'a ScopeSet>,
) -> Result<Asking<'a>, TokenError> {
    let (id, method) = (&client.client().id, client.client().auth);
    let party = match view.directory.agent_of_client(id) {
        Some(agent) => Party::Agent(agent),
        None if view.directory.doors.contains_key(id) => Party::Door(id),
        None => return Err(TokenError::NotAllowed),
    };
    Ok(Asking { party, client: id, method, assurance: method.assurance(), scope })
}

/// The one target: by `resource`, by `audience` (its name or its resource), or by both if they mean the same.
fn target<'a>(map: Map<'a>, request: &ExchangeRequest<'_>) -> Result<Target<'a>, ExchangeError> {
    let at = |raw: &str| Resource::parse(raw).and_then(|resource| map.at(&resource));
    let by_resource = request.resource.map(|raw| at(raw).ok_or(ExchangeError::Target)).transpose()?;
    let by_audience =
        request.audience.map(|raw| map.named(raw).or_else(|| at(raw)).ok_or(ExchangeError::Target)).transpose()?;
    match (by_resource, by_audience) {
        (Some(one), Some(other)) if one.resource() != other.resource() => Err(ExchangeError::Target),
        (Some(one), _) | (None, Some(one)) => Ok(one),
        (None, None) => Err(ExchangeError::Target),
    }
}
