//! `authorization_code` (RFC 6749 §4.1.3): a code is redeemed once, by the client, verifier and redirect it waits for; a
//! wrong guess leaves it as it was.

use bailiwick_domain::audit::{AuditEvent, AuditKind};
use bailiwick_domain::client::{Client, GrantType};
use bailiwick_domain::grant::{CodeClaim, CodeGrant, CodeReplay, idle_until, judge_replay};
use bailiwick_domain::opaque::{Code, Opaque, Refresh};
use bailiwick_domain::pkce::Verifier;
use bailiwick_domain::policy::Stage;
use bailiwick_domain::time::Timestamp;
use bailiwick_domain::uri::Resource;
use bailiwick_store::{CodeState, Redeemed, Redemption, RefreshRow};

use super::answer::{self, Answer};
use super::error::TokenError;
use crate::authority::Authority;
use crate::form::Form;
use crate::visit::Visit;

impl Authority {
    /// Redeems a code.
    pub(super) async fn redeem(&self, visit: &Visit, client: &Client, form: &Form) -> Result<Answer, TokenError> {
        let code = form.one("code").ok_or(TokenError::Missing("code"))?;
        let code = Opaque::<Code>::parse(code).ok_or(TokenError::Code)?;
        let verifier = form.one("code_verifier").ok_or(TokenError::Verifier)?;
        let verifier = Verifier::parse(verifier).ok_or(TokenError::Verifier)?;
        let resource = resource(form)?;
        let claim = CodeClaim {
            client: &client.id,
            redirect_uri: form.one("redirect_uri"),
            verifier: &verifier,
            resource: resource.as_ref(),
        };
        match self.store.code(&code.digest(), visit.now).await? {
            CodeState::Unknown | CodeState::Expired => Err(TokenError::Code),
            CodeState::Live(grant) => self.claimed(visit, client, &code, (grant, &claim)).await,
            CodeState::Redeemed { code_grant, redeemed_at, .. } => {
                Err(self.replayed(visit, &claim, &code_grant, redeemed_at).await?)
            }
        }
    }

    async fn claimed(
        &self,
        visit: &Visit,
        client: &Client,
        code: &Opaque<Code>,
        (grant, claim): (CodeGrant, &CodeClaim<'_>),
    ) -> Result<Answer, TokenError> {
        let approval = grant.claim(claim, visit.now)?.into_approval();
        let user = self.usable(&approval.user).await?;
        let scope = self.within(Stage::Consent, &user, &approval.resource, &approval.scope);
        if scope.is_empty() {
            return Err(TokenError::Beyond);
        }
        let minted = self.front_token(&approval, &scope, visit.now)?;
        let refresh = client.may_use(GrantType::RefreshToken).then(|| Opaque::<Refresh>::mint(self.entropy.as_ref()));
        let redemption = Redemption {
            code: code.digest(),
            grant: approval.grant.clone(),
            token: answer::row(&minted, visit.now),
            refresh: refresh.as_ref().map(|secret| RefreshRow {
                digest: secret.digest(),
                grant: approval.grant.clone(),
                generation: 0,
                parent: None,
                issued_at: visit.now,
                idle_expires_at: idle_until(visit.now, approval.expires_at),
                expires_at: approval.expires_at,
            }),
            now: visit.now,
        };
        let audit = AuditEvent::new(AuditKind::CodeRedeemed, visit.now)
            .correlation(&visit.correlation)
            .approval(&approval)
            .scope(&scope)
            .client_auth(client.auth.as_str())
            .token(&minted.claims.jti);
        match self.store.redeem(redemption, audit).await? {
            Redeemed::Fresh => Ok(Answer::new(minted, refresh.as_ref(), visit.now)),
            Redeemed::Lost => Err(TokenError::Replayed),
            Redeemed::Revoked => Err(TokenError::Revoked),
        }
    }

    /// A code that was redeemed before. Only its own client with its own verifier can do harm by it: from anybody else
    /// a stolen spent code would be a way to end a stranger's grant.
    async fn replayed(
        &self,
        visit: &Visit,
        claim: &CodeClaim<'_>,
        spent: &CodeGrant,
        redeemed_at: Timestamp,
    ) -> Result<TokenError, TokenError> {
        let owner = spent.approval.client == *claim.client && spent.challenge.opens_with(claim.verifier);
        let audit = AuditEvent::new(AuditKind::CodeReplayed, visit.now)
            .correlation(&visit.correlation)
            .approval(&spent.approval)
            .rule(if owner { "code:replayed" } else { "code:replayed-by-another" });
        match judge_replay(redeemed_at, visit.now) {
            CodeReplay::RevokeGrant if owner => {
                self.store.revoke_grant(&spent.approval.grant, "code_replayed", audit).await?;
            }
            CodeReplay::RevokeGrant | CodeReplay::JustLost => self.store.record(audit).await?,
        }
        Ok(TokenError::Replayed)
    }
}

/// The `resource` of a token request (RFC 8707 §2.2).
pub(super) fn resource(form: &Form) -> Result<Option<Resource>, TokenError> {
    let mut named = form.all("resource");
    let one = named.next().map(|raw| Resource::parse(raw).ok_or(TokenError::Target)).transpose()?;
    if named.next().is_some() { Err(TokenError::Target) } else { Ok(one) }
}
