//! A request to the token endpoint of another authorization server: who we are there, what we ask, and what we take.

use std::time::Duration;

use bailiwick_client::{Reply, Told, basic, form};
use bailiwick_domain::ids::TokenId;
use bailiwick_domain::jose::sign_compact;
use bailiwick_domain::time::Timestamp;
use http::HeaderValue;
use http::header::AUTHORIZATION;
use serde_json::json;
use zeroize::Zeroizing;

use crate::answer::{self, Limits};
use crate::broker::Broker;
use crate::obtained::{BrokerError, Obtained};
use crate::settings::{ClientAuth, TokenEndpoint};

/// The longest a token of somebody else's may live and be kept.
pub(crate) const TOKEN_LIFE: Duration = Duration::from_hours(24);
/// How long an assertion of who we are may be presented.
const PROOF_LIFE: Duration = Duration::from_mins(1);
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// What is asked for, beside the scopes of the endpoint.
pub(crate) struct Asked<'a> {
    /// Whom the token is for, where the answer can be held to it.
    pub(crate) audience: Option<&'a str>,
    /// Until when the token may be used at the latest.
    pub(crate) ends_by: Timestamp,
}

/// Asks for a token; what comes is judged before it is used (R16).
///
/// # Errors
/// [`BrokerError`] when there is none, or none that may be used.
pub(crate) async fn ask(
    broker: &Broker,
    endpoint: &TokenEndpoint,
    mut fields: Vec<(&str, &str)>,
    asked: &Asked<'_>,
) -> Result<(Obtained, Timestamp), BrokerError> {
    let scope = endpoint.scopes.to_string();
    if !scope.is_empty() {
        fields.push(("scope", &scope));
    }
    let proof = Proof::of(broker, endpoint)?;
    proof.add(endpoint, &mut fields);
    let reply = form(&broker.http, &endpoint.url, &fields, proof.header.clone()).await;
    let reply = reply.map_err(|error| BrokerError::Later(error.to_string()))?;
    if !reply.status.is_success() {
        return Err(refused(&reply));
    }
    let now = broker.clock.now();
    let limits = Limits { scopes: &endpoint.scopes, audience: asked.audience, most_life: TOKEN_LIFE };
    let granted = answer::judge(&reply.body, &limits, now)?;
    Ok((bearing(granted.token)?, granted.until.min(asked.ends_by)))
}

/// A token as it is shown (RFC 6750 §2.1).
pub(crate) fn bearing(token: Zeroizing<String>) -> Result<Obtained, BrokerError> {
    let text = Zeroizing::new(format!("Bearer {}", token.as_str()));
    let mut value = HeaderValue::from_str(&text)
        .map_err(|_| BrokerError::Overgrant("the token holds characters that no header can carry".to_owned()))?;
    value.set_sensitive(true);
    let mut obtained = Obtained { secrets: vec![token], ..Obtained::default() };
    obtained.headers.insert(AUTHORIZATION, value);
    Ok(obtained)
}

/// How we prove who we are, for one request.
struct Proof {
    header: Option<HeaderValue>,
    assertion: Option<Zeroizing<String>>,
}

impl Proof {
    fn of(broker: &Broker, endpoint: &TokenEndpoint) -> Result<Self, BrokerError> {
        let id = endpoint.client_id.as_deref().unwrap_or("");
        Ok(match &endpoint.auth {
            ClientAuth::None | ClientAuth::Post(_) => Self { header: None, assertion: None },
            ClientAuth::Basic(secret) => Self { header: basic(id, secret), assertion: None },
            ClientAuth::SignedJwt => {
                let now = broker.clock.now();
                let claims = json!({
                    "iss": id,
                    "sub": id,
                    "aud": endpoint.url.as_str(),
                    "iat": now.seconds(),
                    "exp": now.after(PROOF_LIFE).seconds(),
                    "jti": TokenId::draw(broker.entropy.as_ref()),
                });
                let signed = sign_compact(broker.signer.as_ref(), "JWT", &claims);
                let signed = signed.map_err(|error| BrokerError::Later(error.to_string()))?;
                Self { header: None, assertion: Some(Zeroizing::new(signed)) }
            }
        })
    }

    fn add<'a>(&'a self, endpoint: &'a TokenEndpoint, fields: &mut Vec<(&'a str, &'a str)>) {
        if self.header.is_none() {
            fields.extend(endpoint.client_id.as_deref().map(|id| ("client_id", id)));
        }
        if let ClientAuth::Post(secret) = &endpoint.auth {
            fields.push(("client_secret", secret.expose()));
        }
        if let Some(assertion) = &self.assertion {
            fields.extend([("client_assertion_type", ASSERTION_TYPE), ("client_assertion", assertion.as_str())]);
        }
    }
}

fn refused(reply: &Reply) -> BrokerError {
    let status = reply.status;
    let says = Told::read(&reply.body).map_or_else(String::new, |told| format!(": {told}"));
    if status.is_server_error() || status.as_u16() == 429 {
        return BrokerError::Later(format!("the token endpoint answered {status}{says}"));
    }
    BrokerError::Refused(format!("the token endpoint answered {status}{says}"))
}
