//! `/token`: everything is checked, then everything is signed, then one conditional write decides, then the answer
//! leaves.

mod answer;
mod code;
mod error;
mod exchange;
mod machine;
mod refresh;
mod saml_bearer;

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bailiwick_domain::client::GrantType;
use bailiwick_domain::grant::Approval;
use bailiwick_domain::ids::TokenId;
use bailiwick_domain::jose::SignError;
use bailiwick_domain::scope::ScopeSet;
use bailiwick_domain::time::Timestamp;
use bailiwick_domain::token::{FrontDoor, Minted, mint};
use http::StatusCode;

use crate::authority::Authority;
use crate::form::{Form, FormError};
use crate::refuse::uncached;
use crate::visit::Visit;
use answer::Answer;
use error::TokenError;
pub use saml_bearer::SamlGrantor;

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
    // An exchange may name its target twice, to be told that one is enough (RFC 8693 §2.1).
    let form = form?.once(&["resource", "audience"])?;
    let client = authority.authenticate(visit, &form).await?;
    let grant = form.one("grant_type").ok_or(TokenError::Missing("grant_type"))?;
    let grant = GrantType::named(grant).ok_or(TokenError::GrantType)?;
    // Who may trade in what an issuer says is told in the issuer's section.
    if grant != GrantType::SamlBearer && !client.client().may_use(grant) {
        return Err(TokenError::NotAllowed);
    }
    match grant {
        GrantType::AuthorizationCode => authority.redeem(visit, client.client(), &form).await,
        GrantType::RefreshToken => authority.refresh(visit, client.client(), &form).await,
        GrantType::ClientCredentials => authority.machine(visit, client.client(), &form).await,
        GrantType::TokenExchange => authority.exchange(visit, &client, &form).await,
        GrantType::SamlBearer => authority.saml_bearer(visit, &client, &form).await,
    }
}

impl Authority {
    /// Mints the token of a front door.
    fn front_token(&self, approval: &Approval, scope: &ScopeSet, now: Timestamp) -> Result<Minted, SignError> {
        let agent = self.agent_at(&approval.resource);
        let front = FrontDoor { approval, scope, agent: agent.as_deref() };
        mint(self.keys.signer(), &self.issuer, &front, TokenId::draw(self.entropy.as_ref()), now)
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
