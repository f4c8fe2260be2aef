//! `/token`: everything is checked, then everything is signed, then one conditional write decides, then the answer
//! leaves.

mod answer;
mod code;
mod error;
mod machine;
mod refresh;

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bailiwick_domain::client::GrantType;
use http::StatusCode;

use crate::authority::Authority;
use crate::form::{Form, FormError};
use crate::refuse::uncached;
use crate::visit::Visit;
use answer::Answer;
use error::TokenError;

/// `POST /token`.
pub(crate) async fn issue(
    State(authority): State<Arc<Authority>>,
    visit: Visit,
    form: Result<Form, FormError>,
) -> Response {
    let asked = form.as_ref().ok().and_then(|form| form.one("grant_type")).and_then(GrantType::named);
    let issued = issued(&authority, &visit, form).await;
    let (kind, outcome) = (asked.map_or("other", GrantType::as_str), if issued.is_ok() { "issued" } else { "refused" });
    metrics::counter!("bailiwick_token_grants_total", "type" => kind, "outcome" => outcome).increment(1);
    match issued {
        Ok(answer) => uncached(StatusCode::OK, &answer),
        Err(error) => refused(&visit, &error),
    }
}

async fn issued(authority: &Authority, visit: &Visit, form: Result<Form, FormError>) -> Result<Answer, TokenError> {
    let form = form?.once(&[])?;
    let client = authority.authenticate(&visit.headers, &form).await?;
    let grant = form.one("grant_type").ok_or(TokenError::Missing("grant_type"))?;
    let grant = GrantType::named(grant).ok_or(TokenError::GrantType)?;
    if !client.client().may_use(grant) {
        return Err(TokenError::NotAllowed);
    }
    match grant {
        GrantType::AuthorizationCode => authority.redeem(visit, client.client(), &form).await,
        GrantType::RefreshToken => authority.refresh(visit, client.client(), &form).await,
        GrantType::ClientCredentials => authority.machine(visit, client.client(), &form).await,
    }
}

fn refused(visit: &Visit, error: &TokenError) -> Response {
    let correlation = &visit.correlation;
    if error.is_ours() {
        tracing::error!(%correlation, %error, "a token request failed");
    } else {
        tracing::info!(%correlation, %error, "a token request was refused");
    }
    error.refusal(&visit.headers).into_response()
}
