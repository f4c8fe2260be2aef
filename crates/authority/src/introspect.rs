//! `/introspect` (RFC 7662): what a token is worth right now, told to clients that prove who they are. The operator's
//! clients may ask about any token, those that registered themselves only about their own, agents about theirs and those
//! handed to them.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bailiwick_domain::client::{Client, ClientSource};
use bailiwick_domain::error::ErrorCode;
use bailiwick_domain::grant::Approval;
use bailiwick_domain::ids::ClientId;
use bailiwick_domain::opaque::{Opaque, Refresh};
use bailiwick_domain::token::{AccessClaims, verify_issued};
use bailiwick_store::{ClientStanding, Coordinates, RefreshState, Standing, StoreError};
use http::StatusCode;
use serde::Serialize;
use serde_json::{Value, json};

use crate::authority::Authority;
use crate::client::ClientError;
use crate::form::{Form, FormError};
use crate::refuse::{Refusal, uncached};
use crate::visit::Visit;

/// Why nothing is told.
#[derive(Debug, thiserror::Error)]
enum IntrospectError {
    /// The form.
    #[error(transparent)]
    Form(#[from] FormError),
    /// The client.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// A client that proves nothing: anybody could be it.
    #[error("introspection needs a client that authenticates")]
    Public,
    /// No token.
    #[error("token is missing")]
    Missing,
    /// The store did not answer.
    #[error("not available at the moment; try again")]
    Store(#[from] StoreError),
}

impl IntrospectError {
    fn code(&self) -> ErrorCode {
        match self {
            Self::Form(_) | Self::Missing => ErrorCode::InvalidRequest,
            Self::Client(error) => error.code(),
            Self::Public => ErrorCode::InvalidClient,
            Self::Store(_) => ErrorCode::TemporarilyUnavailable,
        }
    }

    fn refusal(&self, visit: &Visit) -> Refusal {
        match self {
            Self::Client(error) => error.refusal(&visit.headers),
            Self::Form(_) | Self::Public | Self::Missing | Self::Store(_) => Refusal::new(self.code(), self),
        }
    }
}

/// An answer about a living access token.
#[derive(Serialize)]
struct Known<'a> {
    active: bool,
    token_type: &'static str,
    #[serde(flatten)]
    claims: &'a AccessClaims,
}

/// `POST /introspect`.
pub(crate) async fn introspect(
    State(authority): State<Arc<Authority>>,
    visit: Visit,
    form: Result<Form, FormError>,
) -> Response {
    match told(&authority, &visit, form).await {
        Ok(answer) => uncached(StatusCode::OK, &answer),
        Err(error) => {
            tracing::info!(correlation = %visit.correlation, %error, "an introspection was refused");
            error.refusal(&visit).into_response()
        }
    }
}

async fn told(authority: &Authority, visit: &Visit, form: Result<Form, FormError>) -> Result<Value, IntrospectError> {
    let form = form?.once(&[])?;
    let client = authority.authenticate(visit, &form).await?;
    if !client.is_confidential() {
        return Err(IntrospectError::Public);
    }
    let token = form.one("token").ok_or(IntrospectError::Missing)?;
    let about = match Opaque::<Refresh>::parse(token) {
        Some(refresh) => authority.about_refresh(visit, client.client(), &refresh).await?,
        None => authority.about_access(visit, client.client(), token).await?,
    };
    // Of anything else nobody learns why (RFC 7662 §2.2).
    Ok(about.unwrap_or_else(|| json!({ "active": false })))
}

impl Authority {
    async fn about_access(&self, visit: &Visit, client: &Client, raw: &str) -> Result<Option<Value>, StoreError> {
        let Ok(token) = verify_issued(raw, &self.keys.public().load(), &self.issuer, visit.now) else {
            return Ok(None);
        };
        let claims = token.claims();
        let handed = client.source == ClientSource::Agent && self.was_handed(client, &claims.aud);
        if !may_ask(client, &claims.client_id) && !handed {
            return Ok(None);
        }
        let Some(state) = self.store.token(&claims.jti).await? else { return Ok(None) };
        // What ended above it, or is stopped, ends it too.
        let standing = self.store.revocations().standing(&Coordinates::of(token.token()), visit.now);
        if !state.is_live(visit.now) || standing == Standing::Revoked || self.is_stopped(&state.grant.approval).await? {
            return Ok(None);
        }
        Ok(serde_json::to_value(Known { active: true, token_type: "Bearer", claims }).ok())
    }

    async fn about_refresh(
        &self,
        visit: &Visit,
        client: &Client,
        refresh: &Opaque<Refresh>,
    ) -> Result<Option<Value>, StoreError> {
        let Some(state) = self.store.refresh(&refresh.digest()).await? else { return Ok(None) };
        let told = may_ask(client, &state.grant.approval.client) && lives(&state, visit);
        let stopped = self.is_stopped(&state.grant.approval).await?;
        Ok((told && !stopped).then(|| self.refresh_facts(&state)))
    }

    /// True for a token whose audience is that agent.
    fn was_handed(&self, agent: &Client, aud: &str) -> bool {
        self.directory.load().agent_of_client(&agent.id).is_some_and(|agent| agent.resource.as_str() == aud)
    }

    /// True when an administrator stopped the account or the client.
    async fn is_stopped(&self, approval: &Approval) -> Result<bool, StoreError> {
        let user = self.store.user(&approval.user).await?;
        let client = self.store.client_standing(&approval.client).await?;
        Ok(user.is_some_and(|user| user.disabled) || client == ClientStanding::Disabled)
    }

    fn refresh_facts(&self, state: &RefreshState) -> Value {
        let approval = &state.grant.approval;
        json!({
            "active": true,
            "token_type": "refresh_token",
            "iss": self.issuer.as_str(),
            "sub": approval.user.as_str(),
            "aud": approval.resource.as_str(),
            "client_id": approval.client.as_str(),
            "scope": approval.scope.to_string(),
            "exp": state.idle_expires_at.min(state.expires_at).seconds(),
        })
    }
}

fn may_ask(client: &Client, about: &ClientId) -> bool {
    match client.source {
        ClientSource::Static => true,
        ClientSource::Registered | ClientSource::Document | ClientSource::Agent => client.id == *about,
    }
}

fn lives(state: &RefreshState, visit: &Visit) -> bool {
    let over = visit.now >= state.idle_expires_at || visit.now >= state.expires_at;
    state.used_at.is_none() && state.grant.is_live(visit.now) && !over
}
