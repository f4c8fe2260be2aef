//! A fixed key, in a header, the query or a cookie; shared by all, or one for each team or person.

use std::sync::Arc;

use bailiwick_domain::policy::Named;
use http::{HeaderName, HeaderValue};
use zeroize::Zeroizing;

use crate::broker::Broker;
use crate::connection::Held;
use crate::obtained::{BrokerError, Obtained, Wanted};
use crate::settings::{ApiKey, Key, Place};

/// A key that is ready for use.
#[derive(Debug)]
pub(crate) enum StaticKey {
    Shared(Arc<Obtained>),
    Named(Vec<(Named, Arc<Obtained>)>),
    Personal(Place, String),
}

impl StaticKey {
    pub(crate) fn new(settings: &ApiKey) -> Result<Self, BrokerError> {
        let placed = |key: &str| placed(&settings.place, key).map(Arc::new);
        match &settings.key {
            Key::Shared(secret) => placed(secret.expose()).map(Self::Shared),
            Key::Named(keys) => {
                let keys = keys.iter().map(|(whose, secret)| Ok((whose.clone(), placed(secret.expose())?)));
                keys.collect::<Result<_, _>>().map(Self::Named)
            }
            Key::Personal(connection) => Ok(Self::Personal(settings.place.clone(), connection.clone())),
        }
    }

    pub(crate) fn is_personal(&self) -> bool {
        matches!(self, Self::Named(_) | Self::Personal(..))
    }

    pub(crate) async fn obtain(
        &self,
        broker: &Broker,
        wanted: Option<&Wanted<'_>>,
    ) -> Result<Arc<Obtained>, BrokerError> {
        match self {
            Self::Personal(place, connection) => {
                let wanted = wanted.ok_or(BrokerError::Nobody)?;
                let key = wanted.connection(connection)?;
                match &broker.open(&key, wanted.destination).await?.held {
                    Held::Key { key, .. } => placed(place, key).map(Arc::new),
                    Held::Login { .. } | Held::Agreed { .. } | Held::Oauth => {
                        Err(BrokerError::Lost { provider: connection.clone() })
                    }
                }
            }
            Self::Shared(obtained) => Ok(Arc::clone(obtained)),
            Self::Named(keys) => {
                let (_, person) = wanted.ok_or(BrokerError::Nobody)?.person()?;
                let found = keys.iter().find(|(whose, _)| whose.means(person));
                // INVARIANT: nobody is served with a key that is not theirs.
                found.map(|(_, obtained)| Arc::clone(obtained)).ok_or_else(|| {
                    BrokerError::Nothing("no key is configured for this account or any of its groups".to_owned())
                })
            }
        }
    }
}

/// The key where it belongs.
pub(crate) fn placed(place: &Place, key: &str) -> Result<Obtained, BrokerError> {
    let mut obtained = Obtained { secrets: vec![Zeroizing::new(key.to_owned())], ..Obtained::default() };
    let (name, text) = match place {
        Place::Query(name) => {
            obtained.query.push((name.clone(), Zeroizing::new(key.to_owned())));
            return Ok(obtained);
        }
        Place::Header { name, prefix } => {
            let name = HeaderName::from_bytes(name.as_bytes());
            let name = name.map_err(|_| BrokerError::Unfit("this is not the name of a header".to_owned()))?;
            (name, Zeroizing::new(format!("{prefix}{key}")))
        }
        Place::Variable(_) if key.contains('\0') => {
            return Err(BrokerError::Unfit("the key holds a character that no environment can carry".to_owned()));
        }
        // It goes into a process, not onto the wire.
        Place::Variable(_) => return Ok(obtained),
        Place::Cookie(name) => {
            // RFC 6265 §4.1.1: anything else would end it, or begin another.
            let fits = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b',' | b';' | b'\\');
            if !key.bytes().all(fits) {
                return Err(BrokerError::Unfit("the key holds characters that no cookie can carry".to_owned()));
            }
            obtained.cookies.push((name.clone(), Zeroizing::new(key.to_owned())));
            return Ok(obtained);
        }
    };
    let mut value = HeaderValue::from_str(&text)
        .map_err(|_| BrokerError::Unfit("the key holds characters that no header can carry".to_owned()))?;
    value.set_sensitive(true);
    obtained.headers.insert(name, value);
    Ok(obtained)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_goes_where_the_tool_looks_for_it() {
        let header = Place::Header { name: "x-api-key".to_owned(), prefix: "Token ".to_owned() };
        assert_eq!(placed(&header, "k1").unwrap().headers["x-api-key"], "Token k1");
        assert_eq!(placed(&Place::Cookie("sid".to_owned()), "k1").unwrap().cookies[0].1.as_str(), "k1");
        let query = placed(&Place::Query("key".to_owned()), "k&1").unwrap();
        assert_eq!((query.query[0].0.as_str(), query.query[0].1.as_str()), ("key", "k&1"));
    }

    #[test]
    fn a_key_that_would_say_more_than_itself_is_refused() {
        let header = Place::Header { name: "x-api-key".to_owned(), prefix: String::new() };
        assert!(placed(&header, "k\r\nx-admin: 1").is_err());
        for key in ["k; admin=1", "k\u{e4}", "k\n"] {
            assert!(placed(&Place::Cookie("sid".to_owned()), key).is_err(), "{key:?}");
        }
    }

    #[test]
    fn a_key_is_never_printed() {
        let query = placed(&Place::Query("key".to_owned()), "hush").unwrap();
        assert!(!format!("{query:?}").contains("hush"));
    }
}
