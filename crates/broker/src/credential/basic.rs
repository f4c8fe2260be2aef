//! A name and a password (RFC 7617).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use http::header::AUTHORIZATION;
use zeroize::Zeroizing;

use crate::obtained::{BrokerError, Obtained};
use crate::settings::Basic;

/// What is shown.
pub(crate) fn shown(settings: &Basic) -> Result<Obtained, BrokerError> {
    let Basic { username, password } = settings;
    // §2: the name ends at the first colon, and neither may hold control characters.
    if username.contains(':') || username.chars().chain(password.expose().chars()).any(char::is_control) {
        return Err(BrokerError::Unfit("the name holds a colon, or one of both a control character".to_owned()));
    }
    let pair = Zeroizing::new(format!("{username}:{}", password.expose()));
    let text = Zeroizing::new(format!("Basic {}", STANDARD.encode(pair.as_bytes())));
    let mut value = HeaderValue::from_str(&text).map_err(|error| BrokerError::Unfit(error.to_string()))?;
    value.set_sensitive(true);
    let mut obtained = Obtained::default();
    obtained.headers.insert(AUTHORIZATION, value);
    obtained.secrets = vec![Zeroizing::new(password.expose().to_owned()), pair];
    Ok(obtained)
}
