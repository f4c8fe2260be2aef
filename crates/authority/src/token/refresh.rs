//! `refresh_token` (RFC 6749 §6): each is spent once; whoever asks again at once gets the same answer, whoever asks late
//! ends the grant.

use bailiwick_domain::audit::{AuditEvent, AuditKind};
use bailiwick_domain::client::Client;
use bailiwick_domain::grant::{Approval, Reuse, idle_until, judge_reuse, narrowed};
use bailiwick_domain::ids::UserId;
use bailiwick_domain::opaque::{Opaque, Refresh};
use bailiwick_domain::policy::Stage;
use bailiwick_domain::scope::ScopeSet;
use bailiwick_domain::time::Timestamp;
use bailiwick_store::{RefreshRow, RefreshState, Rotated, Rotation, User};

use super::answer::{self, Answer};
use super::code::resource;
use super::error::TokenError;
use crate::authority::Authority;
use crate::form::Form;
use crate::visit::Visit;

impl Authority {
    /// Rotates a refresh token.
    pub(super) async fn refresh(&self, visit: &Visit, client: &Client, form: &Form) -> Result<Answer, TokenError> {
        let raw = form.one("refresh_token").ok_or(TokenError::Missing("refresh_token"))?;
        let old = Opaque::<Refresh>::parse(raw).ok_or(TokenError::Refresh)?;
        let state = self.store.refresh(&old.digest()).await?.ok_or(TokenError::Refresh)?;
        let approval = &state.grant.approval;
        // Another client's token: it learns nothing, and nothing happens to the grant.
        if approval.client != client.id {
            return Err(TokenError::Refresh);
        }
        if state.grant.revoked_at.is_some() {
            return Err(TokenError::Revoked);
        }
        if resource(form)?.is_some_and(|resource| !resource.is(approval.resource.as_str())) {
            return Err(TokenError::Target);
        }
        let asked = form.one("scope").map(|raw| ScopeSet::parse(raw).ok_or(TokenError::Scope)).transpose()?;
        let scope = narrowed(&approval.scope, asked.as_ref()).ok_or(TokenError::Scope)?;
        let user = self.usable(&approval.user).await?;
        let ceiling = self.within(Stage::Refresh, &user, &approval.resource, &approval.scope);
        match state.used_at {
            Some(used_at) => {
                let answer = self.reused(visit, &old, &state, used_at).await?;
                // An answer that was given once is not given again to hold more than its user may hold by now.
                if answer.scope().within(&ceiling) { Ok(answer) } else { Err(TokenError::Beyond) }
            }
            None if over(&state, visit.now) => Err(TokenError::Refresh),
            // The token stays as it was: what is given back to the user can be fetched with it again.
            None if scope.meet(&ceiling).is_empty() => Err(TokenError::Beyond),
            None => self.rotated(visit, &old, &state, &scope.meet(&ceiling)).await,
        }
    }

    async fn rotated(
        &self,
        visit: &Visit,
        old: &Opaque<Refresh>,
        state: &RefreshState,
        scope: &ScopeSet,
    ) -> Result<Answer, TokenError> {
        let approval = &state.grant.approval;
        let minted = self.front_token(approval, scope, visit.now)?;
        let next = Opaque::<Refresh>::mint(self.entropy.as_ref());
        let token = answer::row(&minted, visit.now);
        let audit = AuditEvent::new(AuditKind::TokenRefreshed, visit.now)
            .correlation(&visit.correlation)
            .approval(approval)
            .scope(scope)
            .token(&token.jti);
        let answer = Answer::new(minted, Some(&next), visit.now);
        let rotation = Rotation {
            old: old.digest(),
            grant: approval.grant.clone(),
            successor: successor(old, &next, state, visit.now),
            token,
            sealed_response: answer.seal(old, self.entropy.as_ref()),
            now: visit.now,
        };
        match self.store.rotate(rotation, audit).await? {
            Rotated::Fresh => Ok(answer),
            Rotated::Revoked => Err(TokenError::Revoked),
            Rotated::Lost(state) => {
                let used_at = state.used_at.unwrap_or(visit.now);
                self.reused(visit, old, &state, used_at).await
            }
        }
    }

    /// A spent token, from its own client: the same answer, or the end of the grant.
    async fn reused(
        &self,
        visit: &Visit,
        old: &Opaque<Refresh>,
        state: &RefreshState,
        used_at: Timestamp,
    ) -> Result<Answer, TokenError> {
        let approval = &state.grant.approval;
        match judge_reuse(used_at, state.successor_used, visit.now) {
            Reuse::SameAnswer => {
                let sealed = state.sealed_response.as_deref().ok_or(TokenError::Refresh)?;
                Answer::open(sealed, old, used_at, visit.now).ok_or(TokenError::Refresh)
            }
            Reuse::Theft(reason) => {
                let audit = theft(visit, approval, reason);
                self.store.revoke_grant(&approval.grant, reason, audit).await?;
                Err(TokenError::Reused)
            }
        }
    }

    /// The account something belongs to; refused is what belongs to one that may not be used any more.
    pub(super) async fn usable(&self, user: &UserId) -> Result<User, TokenError> {
        let user = self.store.user(user).await?;
        user.filter(|user| !user.disabled).ok_or(TokenError::Revoked)
    }
}

fn successor(old: &Opaque<Refresh>, next: &Opaque<Refresh>, state: &RefreshState, now: Timestamp) -> RefreshRow {
    RefreshRow {
        digest: next.digest(),
        grant: state.grant.approval.grant.clone(),
        generation: state.generation.saturating_add(1),
        parent: Some(old.digest()),
        issued_at: now,
        idle_expires_at: idle_until(now, state.expires_at),
        expires_at: state.expires_at,
    }
}

fn over(state: &RefreshState, now: Timestamp) -> bool {
    now >= state.idle_expires_at || now >= state.expires_at || state.grant.approval.is_over(now)
}

fn theft(visit: &Visit, approval: &Approval, reason: &'static str) -> AuditEvent {
    tracing::warn!(correlation = %visit.correlation, grant = %approval.grant, reason, "a spent refresh token came again");
    AuditEvent::new(AuditKind::RefreshReused, visit.now).correlation(&visit.correlation).approval(approval).rule(reason)
}
