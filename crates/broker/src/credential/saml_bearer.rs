//! A token for a SAML assertion that we mint about a person (RFC 7522 §2.1), with a key that is for this reader alone.

use std::sync::Arc;

use bailiwick_domain::chain::Actor;
use bailiwick_domain::time::Timestamp;
use bailiwick_saml::{MOST_LIFETIME, Minting, PERSISTENT, SigningKey, UNSPECIFIED, mint};
use zeroize::Zeroizing;

use crate::broker::Broker;
use crate::connection::Held;
use crate::endpoint::{Asked, ask};
use crate::kept::Kept;
use crate::obtained::{BrokerError, Obtained, Wanted};
use crate::prepared::{TokenKey, token_key};
use crate::settings::{NameFrom, SamlBearer};

const GRANT: &str = "urn:ietf:params:oauth:grant-type:saml2-bearer";

/// What was given for each token of a caller's.
#[derive(Debug)]
pub(crate) struct Vouched {
    settings: SamlBearer,
    key: SigningKey,
    kept: Kept<(TokenKey, String)>,
}

impl Vouched {
    pub(crate) fn new(settings: SamlBearer) -> Result<Self, BrokerError> {
        let key = SigningKey::from_pem(settings.key.expose());
        let key = key.map_err(|error| BrokerError::Unfit(format!("the SAML key: {error}")))?;
        Ok(Self { settings, key, kept: Kept::new() })
    }

    pub(crate) async fn obtain(&self, broker: &Broker, wanted: &Wanted<'_>) -> Result<Arc<Obtained>, BrokerError> {
        let name_id = self.settings.name_id.of(wanted)?;
        self.agreed(broker, wanted, &name_id).await?;
        let request = async {
            let assertion = self.assertion(broker, wanted, &name_id)?;
            let form = vec![("grant_type", GRANT), ("assertion", assertion.as_str())];
            let asked = Asked { audience: None, ends_by: Timestamp::from_seconds(wanted.claims.exp) };
            ask(broker, &self.settings.endpoint, form, &asked).await
        };
        self.kept.get((token_key(wanted), name_id.clone()), broker.clock.as_ref(), request).await
    }

    /// Where people agree first, nobody is called by a name they did not agree to: who is called otherwise by now is asked
    /// again.
    async fn agreed(&self, broker: &Broker, wanted: &Wanted<'_>, name_id: &str) -> Result<(), BrokerError> {
        let Some(connection) = &self.settings.agreed else { return Ok(()) };
        match &broker.open(&wanted.connection(connection)?, &self.settings.audience).await?.held {
            Held::Agreed { name, .. } if name == name_id => Ok(()),
            Held::Agreed { .. } | Held::Key { .. } | Held::Login { .. } | Held::Oauth => {
                Err(BrokerError::Lost { provider: connection.clone() })
            }
        }
    }

    /// The assertion: for that token endpoint alone, and for as long as it takes to present it. The reader knows nothing
    /// of chains; who acts is in an attribute, and in our own record.
    fn assertion(&self, broker: &Broker, wanted: &Wanted<'_>, name_id: &str) -> Result<Zeroizing<String>, BrokerError> {
        let actors = wanted.claims.act.iter().flat_map(|actor| actor.line());
        let actors: Vec<String> = actors.map(|actor: &Actor| actor.sub.clone()).collect();
        let attributes = [("actors", actors), ("txn", vec![wanted.claims.txn.to_string()])];
        let attributes: Vec<_> = attributes.into_iter().filter(|(_, values)| !values.is_empty()).collect();
        let minting = Minting {
            issuer: self.settings.issuer.as_deref().unwrap_or(broker.issuer.as_str()),
            name_id,
            format: if self.settings.name_id == NameFrom::Subject { PERSISTENT } else { UNSPECIFIED },
            audience: &self.settings.audience,
            recipient: self.settings.recipient.as_deref().unwrap_or(self.settings.endpoint.url.as_str()),
            attributes: &attributes,
            signed_in_at: wanted.claims.auth_time.map(Timestamp::from_seconds),
            lifetime: MOST_LIFETIME,
            key: &self.key,
        };
        let minted = mint(&minting, broker.entropy.as_ref(), broker.clock.now());
        let minted = minted.map_err(|error| BrokerError::Nothing(format!("no assertion can be made: {error}")))?;
        Ok(minted.parameter())
    }
}
