//! `urn:ietf:params:oauth:grant-type:saml2-bearer` (RFC 7522): an issuer whom the operator named says who a person is,
//! to our token endpoint and to nobody else, through a client whom the operator named with it. What it says opens no more
//! than a sign-in there would; it is good once, and the token it brings is not renewed.

use std::time::Duration;

use bailiwick_domain::audit::{AuditEvent, AuditKind, Outcome};
use bailiwick_domain::control::{Control, holds};
use bailiwick_domain::grant::Approval;
use bailiwick_domain::ids::{ClientId, GrantId, TransactionId};
use bailiwick_domain::policy::Stage;
use bailiwick_domain::scope::ScopeSet;
use bailiwick_domain::text;
use bailiwick_domain::time::{ACCESS_LIFE, SKEW};
use bailiwick_saml::{Addressed, Assertion, Presented, SamlError};
use bailiwick_store::User;

use super::answer::{self, Answer};
use super::code::resource;
use super::error::TokenError;
use crate::authority::Authority;
use crate::client::Authenticated;
use crate::form::Form;
use crate::login::saml::SamlParty;
use crate::visit::Visit;

/// As what used assertions are remembered.
const ASSERTION: &str = "saml_assertion";
/// How long one may hold, and so how long it is remembered.
const LONGEST: Duration = Duration::from_hours(1);

/// An issuer whose assertions are traded in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SamlGrantor {
    /// The name of its section.
    pub name: String,
    /// Who it is, and how it names people: where people sign in there too, as that provider.
    pub party: SamlParty,
    /// The clients that may bring what it says.
    pub clients: Vec<ClientId>,
}

impl Authority {
    /// Trades in an assertion; what is refused is on record too.
    pub(super) async fn saml_bearer(
        &self,
        visit: &Visit,
        client: &Authenticated,
        form: &Form,
    ) -> Result<Answer, TokenError> {
        let traded = self.traded_in(visit, client, form).await;
        if let Some(error) = traded.as_ref().err().filter(|error| !error.is_ours()) {
            let event = AuditEvent::new(AuditKind::TokenIssued, visit.now)
                .outcome(Outcome::Refused)
                .correlation(&visit.correlation)
                .client(&client.client().id)
                .rule("saml_bearer")
                .says(error.to_string());
            self.store.record_later(event);
        }
        traded
    }

    async fn traded_in(&self, visit: &Visit, client: &Authenticated, form: &Form) -> Result<Answer, TokenError> {
        let resource = resource(form)?;
        let server = self.server(resource.as_ref()).ok_or(TokenError::Target)?;
        // Nobody is asked what this client may do, so nothing is assumed (RFC 6749 §3.3).
        let asked = form.one("scope").and_then(ScopeSet::parse).filter(|asked| !asked.is_empty());
        let asked = asked.filter(|asked| asked.within(&server.all_scopes())).ok_or(TokenError::Scope)?;
        let presented = Presented::parse(form.one("assertion").ok_or(TokenError::Missing("assertion"))?)?;
        let grantors = self.grantors.load_full();
        let by = |it: &&SamlGrantor| it.party.provider.entity_id == presented.claimed_issuer();
        let mut of_issuer = grantors.iter().filter(by).peekable();
        if of_issuer.peek().is_none() {
            return Err(SamlError::Issuer.into());
        }
        let grantor = of_issuer.find(|it| it.clients.contains(&client.client().id) && client.is_confidential());
        let grantor = grantor.ok_or(TokenError::NotAllowed)?;
        let token_endpoint = self.issuer.join("/token");
        let assertion = presented.verify(&Addressed {
            provider: &grantor.party.provider,
            audience: self.issuer.as_str(),
            recipient: &token_endpoint,
            longest: LONGEST,
            now: visit.now,
        })?;
        let user = self.spoken_of(visit, grantor, &assertion).await?;
        let scope = self.within(Stage::Consent, &user, &server.resource, &asked);
        if scope.is_empty() {
            return Err(TokenError::Beyond);
        }
        let approval = Approval {
            grant: GrantId::draw(self.entropy.as_ref()),
            user: user.id,
            client: client.client().id.clone(),
            client_name: client.client().name.clone(),
            resource: server.resource,
            scope: scope.clone(),
            details: Vec::new(),
            transaction: TransactionId::draw(self.entropy.as_ref()),
            created_at: visit.now,
            expires_at: visit.now.after(ACCESS_LIFE),
            job: None,
        };
        self.issued_for(visit, client, (approval, &scope), grantor).await
    }

    /// The account it is about; from here on it is spent.
    async fn spoken_of(&self, visit: &Visit, grantor: &SamlGrantor, said: &Assertion) -> Result<User, TokenError> {
        let known = grantor.party.known(said, self.issuer.as_str())?;
        let key = text::encode(&text::sha256(format!("{}\n{}", said.issuer, said.id).as_bytes()));
        let until = said.not_on_or_after.after(SKEW);
        if !self.store.once(ASSERTION, &key, until, visit.now).await? && holds(Control::SamlOnce) {
            return Err(TokenError::SamlAgain);
        }
        let user = self.land(visit, known).await?.ok_or(TokenError::Revoked)?;
        self.usable(&user).await
    }

    async fn issued_for(
        &self,
        visit: &Visit,
        client: &Authenticated,
        (approval, scope): (Approval, &ScopeSet),
        grantor: &SamlGrantor,
    ) -> Result<Answer, TokenError> {
        let minted = self.front_token(&approval, scope, visit.now)?;
        let row = answer::row(&minted, visit.now);
        let audit = AuditEvent::new(AuditKind::TokenIssued, visit.now)
            .correlation(&visit.correlation)
            .approval(&approval)
            .client_auth(client.client().auth.as_str())
            .rule(format!("issuer.{}", grantor.name))
            .token(&row.jti);
        if !self.store.machine_token(approval, row, audit).await? {
            return Err(TokenError::Stopped);
        }
        Ok(Answer::new(minted, None, visit.now))
    }
}
