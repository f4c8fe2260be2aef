//! A client certificate: the credential lies in the connection, so each has connections of its own.

use bailiwick_net::Http;
use zeroize::Zeroizing;

use crate::obtained::{BrokerError, Obtained};
use crate::settings::Mtls;

/// The client to send with.
pub(crate) fn shown(settings: &Mtls) -> Result<Obtained, BrokerError> {
    let http = Http::presenting(&settings.certificates, settings.key.expose().as_bytes(), settings.trust.as_deref())
        .map_err(|error| BrokerError::Unfit(error.to_string()))?;
    let secrets = vec![Zeroizing::new(settings.key.expose().to_owned())];
    Ok(Obtained { http: Some(http), secrets, ..Obtained::default() })
}
