//! The kinds of credential, one file each.

mod basic;
mod client_credentials;
mod entra_obo;
mod exchange;
mod jwt_bearer;
mod mtls;
mod saml_bearer;
mod signed_jwt;
mod static_key;
mod user_oauth;

use std::sync::Arc;

use crate::broker::Broker;
use crate::connection::Held;
use crate::obtained::{BrokerError, Obtained, Wanted};
use crate::provider::ProviderKind;
use crate::settings::Credential;

/// A credential that is ready for use.
#[derive(Debug)]
pub(crate) enum Ready {
    None,
    Fixed(static_key::StaticKey),
    Basic(basic::Named),
    Mtls(Arc<Obtained>),
    SignedJwt(signed_jwt::Signed),
    ClientCredentials(client_credentials::Machine),
    Exchange(exchange::Exchanged),
    JwtBearer(jwt_bearer::Asserted),
    SamlBearer(Box<saml_bearer::Vouched>),
    EntraObo(Box<entra_obo::Traded>),
    UserOauth(user_oauth::Connected),
}

impl Ready {
    pub(crate) fn new(credential: &Credential) -> Result<Self, BrokerError> {
        Ok(match credential {
            Credential::None => Self::None,
            Credential::ApiKey(settings) => Self::Fixed(static_key::StaticKey::new(settings)?),
            Credential::UserOauth(settings) => Self::UserOauth(user_oauth::Connected::new(settings)),
            Credential::Basic(settings) => Self::Basic(basic::Named::new(settings)?),
            Credential::Mtls(settings) => Self::Mtls(Arc::new(mtls::shown(settings)?)),
            Credential::SignedJwt(settings) => Self::SignedJwt(signed_jwt::Signed::new(settings.clone())),
            Credential::ClientCredentials(settings) => {
                Self::ClientCredentials(client_credentials::Machine::new(settings.clone()))
            }
            Credential::Exchange(settings) => Self::Exchange(exchange::Exchanged::new(settings.clone())),
            Credential::SamlBearer(settings) => {
                Self::SamlBearer(Box::new(saml_bearer::Vouched::new((**settings).clone())?))
            }
            Credential::EntraObo(settings) => Self::EntraObo(Box::new(entra_obo::Traded::new((**settings).clone()))),
            Credential::JwtBearer(settings) => Self::JwtBearer(jwt_bearer::Asserted::new(settings.clone())),
        })
    }

    /// True when it is obtained for a person.
    pub(crate) fn is_personal(&self) -> bool {
        match self {
            Self::None | Self::Mtls(_) | Self::SignedJwt(_) | Self::ClientCredentials(_) => false,
            Self::Fixed(key) => key.is_personal(),
            Self::Basic(named) => named.is_personal(),
            Self::Exchange(_) | Self::JwtBearer(_) | Self::SamlBearer(_) | Self::EntraObo(_) | Self::UserOauth(_) => {
                true
            }
        }
    }

    pub(crate) async fn obtain(
        &self,
        broker: &Broker,
        wanted: Option<&Wanted<'_>>,
    ) -> Result<Arc<Obtained>, BrokerError> {
        match self {
            Self::None => Ok(Arc::default()),
            Self::Fixed(key) => key.obtain(broker, wanted).await,
            Self::Basic(named) => named.obtain(broker, wanted).await,
            Self::Mtls(obtained) => Ok(Arc::clone(obtained)),
            Self::SignedJwt(signed) => signed.obtain(broker, wanted).await,
            Self::ClientCredentials(machine) => machine.obtain(broker).await,
            Self::Exchange(exchanged) => exchanged.obtain(broker, wanted.ok_or(BrokerError::Nobody)?).await,
            Self::UserOauth(account) => account.obtain(broker, wanted.ok_or(BrokerError::Nobody)?).await,
            Self::SamlBearer(vouched) => vouched.obtain(broker, wanted.ok_or(BrokerError::Nobody)?).await,
            Self::EntraObo(traded) => traded.obtain(broker, wanted.ok_or(BrokerError::Nobody)?).await,
            Self::JwtBearer(asserted) => asserted.obtain(broker, wanted.ok_or(BrokerError::Nobody)?).await,
        }
    }
}

impl Ready {
    /// What to show in place of what was refused: an account is renewed, a token that was given for a while is asked for
    /// anew; what a person left, only they can replace.
    pub(crate) async fn another(
        &self,
        broker: &Broker,
        wanted: &Wanted<'_>,
        refused: &Arc<Obtained>,
    ) -> Result<Option<Arc<Obtained>>, BrokerError> {
        let left = match self {
            Self::UserOauth(account) => return account.another(broker, wanted, refused).await,
            Self::ClientCredentials(_)
            | Self::Exchange(_)
            | Self::JwtBearer(_)
            | Self::SamlBearer(_)
            | Self::EntraObo(_) => {
                let worn = refused.wears_out(broker.clock.now());
                return if worn { self.obtain(broker, Some(wanted)).await.map(Some) } else { Ok(None) };
            }
            Self::Fixed(static_key::StaticKey::Personal(_, connection))
            | Self::Basic(basic::Named::Personal(connection)) => Some(connection),
            Self::None | Self::Fixed(_) | Self::Basic(_) | Self::Mtls(_) | Self::SignedJwt(_) => None,
        };
        left.map_or(Ok(None), |connection| Err(BrokerError::Lost { provider: connection.clone() }))
    }
}

/// What was left, as tools are shown it.
pub(crate) fn placed(kind: &ProviderKind, held: &Held) -> Result<Obtained, BrokerError> {
    match (kind, held) {
        (ProviderKind::Key(place), Held::Key { key, .. }) => static_key::placed(place, key),
        (ProviderKind::Login, Held::Login { username, password, .. }) => basic::shown(username, password),
        // Nothing is shown but what is minted then.
        (ProviderKind::Named { .. }, Held::Agreed { .. }) => Ok(Obtained::default()),
        (ProviderKind::Key(_) | ProviderKind::Login | ProviderKind::Named { .. } | ProviderKind::Oauth(_), _) => {
            Err(BrokerError::Unfit("what was left is not what is asked for now".to_owned()))
        }
    }
}
