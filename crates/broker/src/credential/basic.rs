//! A name and a password (RFC 7617).

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use http::header::AUTHORIZATION;
use zeroize::Zeroizing;

use crate::broker::Broker;
use crate::connection::Held;
use crate::obtained::{BrokerError, Obtained, Wanted};
use crate::settings::Login;

/// A name and a password that are ready for use.
#[derive(Debug)]
pub(crate) enum Named {
    Shared(Arc<Obtained>),
    Personal(String),
}

impl Named {
    pub(crate) fn new(login: &Login) -> Result<Self, BrokerError> {
        match login {
            Login::Shared { username, password } => shown(username, password.expose()).map(Arc::new).map(Self::Shared),
            Login::Personal(connection) => Ok(Self::Personal(connection.clone())),
        }
    }

    pub(crate) fn is_personal(&self) -> bool {
        matches!(self, Self::Personal(_))
    }

    pub(crate) async fn obtain(
        &self,
        broker: &Broker,
        wanted: Option<&Wanted<'_>>,
    ) -> Result<Arc<Obtained>, BrokerError> {
        match self {
            Self::Shared(obtained) => Ok(Arc::clone(obtained)),
            Self::Personal(connection) => {
                let wanted = wanted.ok_or(BrokerError::Nobody)?;
                let key = wanted.connection(connection)?;
                match &broker.open(&key, wanted.destination).await?.held {
                    Held::Login { username, password, .. } => shown(username, password).map(Arc::new),
                    Held::Key { .. } | Held::Agreed { .. } | Held::Oauth => {
                        Err(BrokerError::Lost { provider: connection.clone() })
                    }
                }
            }
        }
    }
}

/// What is shown.
pub(crate) fn shown(username: &str, password: &str) -> Result<Obtained, BrokerError> {
    // §2: the name ends at the first colon, and neither may hold control characters.
    if username.contains(':') || username.chars().chain(password.chars()).any(char::is_control) {
        return Err(BrokerError::Unfit("the name holds a colon, or one of both a control character".to_owned()));
    }
    let pair = Zeroizing::new(format!("{username}:{password}"));
    let text = Zeroizing::new(format!("Basic {}", STANDARD.encode(pair.as_bytes())));
    let mut value = HeaderValue::from_str(&text).map_err(|error| BrokerError::Unfit(error.to_string()))?;
    value.set_sensitive(true);
    let mut obtained = Obtained::default();
    obtained.headers.insert(AUTHORIZATION, value);
    obtained.secrets = vec![Zeroizing::new(password.to_owned()), pair];
    Ok(obtained)
}
