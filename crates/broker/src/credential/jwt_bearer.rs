//! A token for an assertion that we sign about a person (RFC 7523 §2.1).

use std::sync::Arc;
use std::time::Duration;

use bailiwick_domain::chain::Actor;
use bailiwick_domain::ids::TokenId;
use bailiwick_domain::jose::sign_compact;
use bailiwick_domain::time::Timestamp;
use serde::Serialize;
use zeroize::Zeroizing;

use crate::broker::Broker;
use crate::endpoint::{Asked, ask};
use crate::kept::Kept;
use crate::obtained::{BrokerError, Obtained, Wanted};
use crate::prepared::{TokenKey, token_key};
use crate::settings::JwtBearer;

const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
/// How long an assertion may be presented.
const LIFE: Duration = Duration::from_mins(2);

#[derive(Serialize)]
struct Assertion<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    iat: i64,
    exp: i64,
    jti: TokenId,
    #[serde(skip_serializing_if = "Option::is_none")]
    act: Option<&'a Actor>,
}

/// What was given for each token of a caller's.
#[derive(Debug)]
pub(crate) struct Asserted {
    settings: JwtBearer,
    kept: Kept<(TokenKey, String)>,
}

impl Asserted {
    pub(crate) fn new(settings: JwtBearer) -> Self {
        Self { settings, kept: Kept::new() }
    }

    pub(crate) async fn obtain(&self, broker: &Broker, wanted: &Wanted<'_>) -> Result<Arc<Obtained>, BrokerError> {
        let name = self.settings.subject.of(wanted)?;
        let request = async {
            let assertion = self.sign(broker, wanted, &name)?;
            let form = vec![("grant_type", GRANT), ("assertion", assertion.as_str())];
            let asked = Asked { audience: None, ends_by: Timestamp::from_seconds(wanted.claims.exp) };
            ask(broker, &self.settings.endpoint, form, &asked).await
        };
        self.kept.get((token_key(wanted), name.clone()), broker.clock.as_ref(), request).await
    }

    fn sign(&self, broker: &Broker, wanted: &Wanted<'_>, name: &str) -> Result<Zeroizing<String>, BrokerError> {
        let now = broker.clock.now();
        let claims = Assertion {
            iss: broker.issuer.as_str(),
            sub: name,
            aud: self.settings.audience.as_deref().unwrap_or(self.settings.endpoint.url.as_str()),
            iat: now.seconds(),
            exp: now.after(LIFE).seconds(),
            jti: TokenId::draw(broker.entropy.as_ref()),
            act: wanted.claims.act.as_deref(),
        };
        let signed = sign_compact(broker.signer.as_ref(), "JWT", &claims);
        signed.map(Zeroizing::new).map_err(|error| BrokerError::Later(error.to_string()))
    }
}
