//! The way back: who answers is checked first, then the code is exchanged, and what comes is kept.

use bailiwick_client::{AnswerError, Desk, Pending, TokenError, Tokens};
use bailiwick_domain::audit::{AuditEvent, AuditKind};
use bailiwick_store::{ConnectionKey, NewConnection};

use super::begin::Away;
use super::{Bundle, ConnectError, Found};
use crate::accounts::Accounts;
use crate::settings::UserOauth;

impl Accounts {
    /// Takes a provider's answer and keeps what comes of it.
    ///
    /// # Errors
    /// [`ConnectError`]; nothing is kept then.
    pub(crate) async fn finish(
        &self,
        settings: &UserOauth,
        key: &ConnectionKey,
        (sealed, query): (&str, &str),
        event: AuditEvent,
    ) -> Result<(), ConnectError> {
        let away: Away = serde_json::from_str(sealed).map_err(|_| ConnectError::Issuer)?;
        // INVARIANT: what one provider was asked, no other answers.
        let pending = Pending::take_up(away.pending).filter(|_| away.provider == settings.connection);
        let pending = pending.ok_or(ConnectError::Issuer)?;
        let code = pending.judge(query).map_err(refused)?;
        let now = event.at;
        let found = self.places.find(settings, now).await?;
        if found.server.issuer != pending.issuer() || found.server.token_endpoint.as_str() != away.endpoint {
            return Err(ConnectError::Issuer);
        }
        let desk = Desk {
            http: self.places.door(settings, &found.server.token_endpoint),
            endpoint: &found.server.token_endpoint,
            registration: &away.registration,
            resource: found.resource.as_deref(),
            now,
        };
        let asked = settings.asked(&found);
        let tokens = desk.exchange(&pending, &code, &asked).await.map_err(no_tokens)?;
        self.judge_grant((settings, &found), &tokens, &event).await?;
        let bundle = Bundle::new(&found.server, &tokens, away.registration, away.to);
        let new = NewConnection {
            key: key.clone(),
            client: bundle.registration.client_id.clone(),
            scope: tokens.scope.clone(),
            account: tokens.identity.as_ref().map(|identity| identity.name.clone()),
            secret: bundle.write(),
            expires_at: tokens.expires_at,
            rotates: settings.rotates,
        };
        let kept = self.store.connect(new, event).await;
        kept.map(drop).map_err(|error| ConnectError::Unkept(error.to_string()))
    }

    /// More than was asked for is not kept (R16), and is on record.
    async fn judge_grant(
        &self,
        (settings, found): (&UserOauth, &Found),
        tokens: &Tokens,
        event: &AuditEvent,
    ) -> Result<(), ConnectError> {
        let Some(more) = settings.excess(&tokens.scope) else { return Ok(()) };
        let says = format!("{} gave the scope {more}, which was not asked for", found.server.issuer);
        let mut refused = AuditEvent::new(AuditKind::CredentialRefused, event.at).rule("credential:overgrant");
        refused.user = event.user.clone();
        refused.correlation = event.correlation.clone();
        let kept = self.store.record(refused.says(says.clone())).await;
        kept.map_err(|error| ConnectError::Unkept(error.to_string()))?;
        Err(ConnectError::Refused(says))
    }
}

fn refused(error: AnswerError) -> ConnectError {
    match error {
        AnswerError::Refused(told) if told.code == "access_denied" => ConnectError::Denied,
        AnswerError::Refused(told) => ConnectError::Refused(told.to_string()),
        AnswerError::NotOurs | AnswerError::IssuerMissing | AnswerError::IssuerWrong => ConnectError::Issuer,
        AnswerError::NoCode => ConnectError::Down("its answer carries no code".to_owned()),
    }
}

fn no_tokens(error: TokenError) -> ConnectError {
    match error {
        TokenError::Refused(told) => ConnectError::Refused(told.to_string()),
        TokenError::Busy(_) | TokenError::Broken(_) | TokenError::Http(_) => ConnectError::Down(error.to_string()),
    }
}
