//! What people can connect accounts of theirs to: one entry for each `connection` that the configuration names.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::settings::{ApiKey, Credential, Credentials, Key, Login, NameFrom, Place, UserOauth};

/// Something people connect to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provider {
    /// What rows, links and the record call it.
    pub id: String,
    /// What people call it.
    pub title: String,
    /// How they connect.
    pub kind: ProviderKind,
    /// Where what they connect is shown, and nowhere else.
    pub destinations: BTreeSet<String>,
}

/// How people connect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProviderKind {
    /// By signing in there and letting us act for them (RFC 6749 §4.1).
    Oauth(Box<UserOauth>),
    /// By giving a key of theirs, which goes there.
    Key(Place),
    /// By giving a name and a password.
    Login,
    /// By agreeing to be called so in what we say there.
    Named {
        /// To whom we say it.
        audience: String,
        /// By which name.
        by: NameFrom,
    },
}

/// Why the providers of a configuration do not fit together.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the connection {0:?} is described twice, and differently: give one of them another `connection`")]
pub struct TwoProviders(pub String);

/// Providers by id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Providers(BTreeMap<String, Arc<Provider>>);

impl Providers {
    /// Adds what the credentials of a server or a tool let people connect to; people call it `title`, and what it is
    /// shown goes to `destination`.
    ///
    /// # Errors
    /// [`TwoProviders`] where one of that name is there already and is another.
    pub fn add(&mut self, (title, destination): (&str, &str), credentials: &Credentials) -> Result<(), TwoProviders> {
        for tier in &credentials.0 {
            let Some((id, kind)) = connected(&tier.credential) else { continue };
            let new = || Provider {
                id: id.to_owned(),
                title: title.to_owned(),
                kind: kind.clone(),
                destinations: BTreeSet::new(),
            };
            let known = self.0.entry(id.to_owned()).or_insert_with(|| Arc::new(new()));
            if known.kind != kind {
                return Err(TwoProviders(id.to_owned()));
            }
            Arc::make_mut(known).destinations.insert(destination.to_owned());
        }
        Ok(())
    }

    /// Adds a secret that people connect for a child of theirs, as `variable`.
    ///
    /// # Errors
    /// [`TwoProviders`] where one of that name is there already and is another.
    pub fn add_variable(
        &mut self,
        server: (&str, &str),
        (variable, connection): (&str, &str),
    ) -> Result<(), TwoProviders> {
        let key = Key::Personal(connection.to_owned());
        let own = Credential::ApiKey(ApiKey { place: Place::Variable(variable.to_owned()), key });
        self.add(server, &Credentials::only(own))
    }

    /// The one of that id.
    pub fn get(&self, id: &str) -> Option<&Arc<Provider>> {
        self.0.get(id)
    }

    /// All of them, by id.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Provider>> {
        self.0.values()
    }
}

/// What a credential has people connect to.
fn connected(credential: &Credential) -> Option<(&str, ProviderKind)> {
    match credential {
        Credential::UserOauth(settings) => Some((&settings.connection, ProviderKind::Oauth(settings.clone()))),
        Credential::EntraObo(settings) => {
            Some((&settings.account.connection, ProviderKind::Oauth(Box::new(settings.account.clone()))))
        }
        Credential::ApiKey(settings) => match &settings.key {
            Key::Personal(connection) => Some((connection, ProviderKind::Key(settings.place.clone()))),
            Key::Shared(_) | Key::Named(_) => None,
        },
        Credential::SamlBearer(settings) => {
            let by = settings.name_id;
            let audience = settings.audience.clone();
            settings.agreed.as_deref().map(|connection| (connection, ProviderKind::Named { audience, by }))
        }
        Credential::Basic(Login::Personal(connection)) => Some((connection, ProviderKind::Login)),
        Credential::None
        | Credential::SignedJwt(_)
        | Credential::Basic(Login::Shared { .. })
        | Credential::ClientCredentials(_)
        | Credential::Exchange(_)
        | Credential::JwtBearer(_)
        | Credential::Mtls(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(header: &str) -> Credentials {
        let place = Place::Header { name: header.to_owned(), prefix: String::new() };
        Credentials::only(Credential::ApiKey(ApiKey { place, key: Key::Personal("crm".to_owned()) }))
    }

    #[test]
    fn two_credentials_may_share_a_connection_but_not_its_name() {
        let mut providers = Providers::default();
        providers.add(("CRM", "https://crm.example"), &key("x-key")).unwrap();
        providers.add(("CRM: invoices", "https://invoices.example"), &key("x-key")).unwrap();

        assert_eq!(providers.iter().count(), 1);
        let crm = providers.get("crm").unwrap();
        assert_eq!((crm.title.as_str(), crm.destinations.len()), ("CRM", 2));
        assert_eq!(
            providers.add(("Other", "https://crm.example"), &key("x-other")),
            Err(TwoProviders("crm".to_owned()))
        );
    }
}
