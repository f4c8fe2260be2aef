//! `/revoke` (RFC 7009): a client ends its own tokens; of others it learns nothing.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bailiwick_domain::audit::{AuditEvent, AuditKind};
use bailiwick_domain::client::Client;
use bailiwick_domain::error::ErrorCode;
use bailiwick_domain::opaque::{Opaque, Refresh};
use bailiwick_domain::token::verify_issued;
use bailiwick_store::StoreError;
use http::StatusCode;
use http::header::{CACHE_CONTROL, HeaderValue};

use crate::authority::Authority;
use crate::client::ClientError;
use crate::form::{Form, FormError};
use crate::refuse::Refusal;
use crate::visit::Visit;

/// Why nothing is revoked.
#[derive(Debug, thiserror::Error)]
enum RevokeError {
    /// The form.
    #[error(transparent)]
    Form(#[from] FormError),
    /// The client.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// No token.
    #[error("token is missing")]
    Missing,
    /// The store did not answer: the client must ask again (RFC 7009 §2.2.1).
    #[error("not available at the moment; try again")]
    Store(#[from] StoreError),
}

impl RevokeError {
    fn code(&self) -> ErrorCode {
        match self {
            Self::Form(_) | Self::Missing => ErrorCode::InvalidRequest,
            Self::Client(error) => error.code(),
            Self::Store(_) => ErrorCode::TemporarilyUnavailable,
        }
    }

    fn refusal(&self, visit: &Visit) -> Refusal {
        match self {
            Self::Client(error) => error.refusal(&visit.headers),
            Self::Form(_) | Self::Missing | Self::Store(_) => Refusal::new(self.code(), self),
        }
    }
}

/// `POST /revoke`.
pub(crate) async fn revoke(
    State(authority): State<Arc<Authority>>,
    visit: Visit,
    form: Result<Form, FormError>,
) -> Response {
    match revoked(&authority, &visit, form).await {
        Ok(()) => (StatusCode::OK, [(CACHE_CONTROL, HeaderValue::from_static("no-store"))]).into_response(),
        Err(error) => {
            tracing::info!(correlation = %visit.correlation, %error, "a revocation was refused");
            error.refusal(&visit).into_response()
        }
    }
}

async fn revoked(authority: &Authority, visit: &Visit, form: Result<Form, FormError>) -> Result<(), RevokeError> {
    let form = form?.once(&[])?;
    let client = authority.authenticate(visit, &form).await?;
    let token = form.one("token").ok_or(RevokeError::Missing)?;
    // The kind is in the token itself; `token_type_hint` could only mislead.
    match Opaque::<Refresh>::parse(token) {
        Some(refresh) => authority.end_grant(visit, client.client(), &refresh).await?,
        None => authority.end_token(visit, client.client(), token).await?,
    }
    Ok(())
}

impl Authority {
    async fn end_grant(&self, visit: &Visit, client: &Client, refresh: &Opaque<Refresh>) -> Result<(), StoreError> {
        let Some(state) = self.store.refresh(&refresh.digest()).await? else { return Ok(()) };
        let approval = &state.grant.approval;
        if approval.client == client.id {
            let audit = AuditEvent::new(AuditKind::GrantRevoked, visit.now)
                .correlation(&visit.correlation)
                .approval(approval)
                .rule("revoked-by-client");
            self.store.revoke_grant(&approval.grant, "revoked by the client", audit).await?;
        }
        Ok(())
    }

    async fn end_token(&self, visit: &Visit, client: &Client, raw: &str) -> Result<(), StoreError> {
        let Ok(token) = verify_issued(raw, &self.keys.public().load(), &self.issuer, visit.now) else { return Ok(()) };
        let claims = token.claims();
        if claims.client_id == client.id {
            let audit = AuditEvent::new(AuditKind::TokenRevoked, visit.now)
                .correlation(&visit.correlation)
                .client(&claims.client_id)
                .grant(&claims.dlg.grant)
                .transaction(&claims.txn)
                .token(&claims.jti)
                .rule("revoked-by-client");
            self.store.revoke_token(&claims.jti, audit).await?;
        }
        Ok(())
    }
}
