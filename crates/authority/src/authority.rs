//! What the endpoints stand on.

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::{ArcSwap, ArcSwapOption};
use bailiwick_domain::chain::{Agent, Directory, Map, Target};
use bailiwick_domain::client::{Assertion, AuthMethod, Client, open_client};
use bailiwick_domain::entropy::Entropy;
use bailiwick_domain::ids::ClientId;
use bailiwick_domain::policy::{Catalogue, Server};
use bailiwick_domain::time::Clock;
use bailiwick_domain::uri::{Issuer, Resource};
use bailiwick_store::{ClientStanding, Store, StoreError};

use crate::connections::{Connecting, Connector};
use crate::document::ClientDocuments;
use crate::door::SetupDoor;
use crate::keys::Keys;
use crate::limit::Limit;
use crate::live::Viewers;
use crate::login::{LoginSettings, Providers};
use crate::password::Passwords;
use crate::secrets::Secrets;
use crate::token::SamlGrantor;

/// Everything an [`Authority`] is made of.
pub struct Parts {
    /// Who issues.
    pub issuer: Issuer,
    /// What is remembered.
    pub store: Store,
    /// What tokens are signed with.
    pub keys: Keys,
    /// Which servers and tools there are.
    pub catalogue: Arc<ArcSwap<Catalogue>>,
    /// Which agents and APIs there are, and who may hand to whom.
    pub directory: Arc<ArcSwap<Directory>>,
    /// What forms and client ids are sealed with.
    pub secrets: Secrets,
    /// The operator's own clients.
    pub clients: Vec<Client>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub entropy: Arc<dyn Entropy>,
    /// Who approves everything at once, in tests and demos.
    pub dev_approve: Option<String>,
    /// Who may make the first account.
    pub setup: Arc<SetupDoor>,
    /// Where people may sign in besides here.
    pub providers: Providers,
}

/// The authorization server.
pub struct Authority {
    pub(crate) issuer: Issuer,
    pub(crate) store: Store,
    pub(crate) keys: Keys,
    pub(crate) catalogue: Arc<ArcSwap<Catalogue>>,
    pub(crate) directory: Arc<ArcSwap<Directory>>,
    pub(crate) secrets: Secrets,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) dev_approve: Option<String>,
    pub(crate) setup: Arc<SetupDoor>,
    pub(crate) providers: ArcSwap<Providers>,
    pub(crate) passwords: Passwords,
    pub(crate) registrations: Limit,
    pub(crate) viewers: Viewers,
    pub(crate) methods: Vec<AuthMethod>,
    pub(crate) documents: ArcSwapOption<ClientDocuments>,
    pub(crate) grantors: ArcSwap<Vec<SamlGrantor>>,
    pub(crate) connecting: Option<Connecting>,
    clients: ArcSwap<HashMap<ClientId, Client>>,
}

impl Authority {
    /// Builds the authority.
    pub fn new(parts: Parts) -> Self {
        Self {
            issuer: parts.issuer,
            store: parts.store,
            keys: parts.keys,
            catalogue: parts.catalogue,
            directory: parts.directory,
            secrets: parts.secrets,
            clock: parts.clock,
            entropy: parts.entropy,
            dev_approve: parts.dev_approve,
            setup: parts.setup,
            providers: ArcSwap::from_pointee(parts.providers),
            passwords: Passwords::new(),
            registrations: Limit::default(),
            viewers: Viewers::default(),
            methods: AuthMethod::ALL.to_vec(),
            documents: ArcSwapOption::empty(),
            grantors: ArcSwap::default(),
            connecting: None,
            clients: ArcSwap::from_pointee(by_id(parts.clients)),
        }
    }

    /// Offers only `methods` for client authentication; without `none`, public clients can neither register nor redeem.
    #[must_use]
    pub fn with_auth_methods(mut self, methods: Vec<AuthMethod>) -> Self {
        self.methods = methods;
        self
    }

    /// Lets clients describe themselves in documents.
    #[must_use]
    pub fn with_documents(self, documents: Option<ClientDocuments>) -> Self {
        self.reload_documents(documents);
        self
    }

    /// Trades in what these issuers say of people.
    #[must_use]
    pub fn with_grantors(self, grantors: Vec<SamlGrantor>) -> Self {
        self.reload_grantors(grantors);
        self
    }

    /// Takes these as the issuers whose assertions are traded in; answers the names of those that are new, gone or others.
    pub fn reload_grantors(&self, grantors: Vec<SamlGrantor>) -> Vec<String> {
        let former = self.grantors.swap(Arc::new(grantors));
        let new = self.grantors.load();
        let gone = former.iter().filter(|it| !new.contains(it));
        let mut told: Vec<String> =
            gone.chain(new.iter().filter(|it| !former.contains(it))).map(|it| it.name.clone()).collect();
        told.sort_unstable();
        told.dedup();
        told
    }

    /// Lets people connect accounts of theirs at providers behind.
    #[must_use]
    pub fn with_connector(mut self, connector: Arc<dyn Connector>) -> Self {
        self.connecting = Some(Connecting::with(connector));
        self
    }

    /// Takes documents from there from now on; what was fetched is fetched anew.
    pub fn reload_documents(&self, documents: Option<ClientDocuments>) {
        self.documents.store(documents.map(Arc::new));
    }

    /// Takes these as the providers from now on; answers the names of those that are new, gone or others. Who is signed
    /// in stays so, and a sign-in that is under way ends where it began, or not at all.
    pub fn reload_providers(&self, settings: Vec<LoginSettings>) -> Vec<String> {
        let (providers, told) = self.providers.load().after(settings);
        self.providers.store(Arc::new(providers));
        told
    }

    /// Takes these as the operator's own clients from now on; answers the ids of those that are new, gone or others.
    pub fn reload_clients(&self, clients: Vec<Client>) -> Vec<ClientId> {
        let new = by_id(clients);
        let former = self.clients.load_full();
        let differs = |id: &&ClientId| former.get(*id) != new.get(*id);
        let mut told: Vec<_> = former.keys().chain(new.keys()).filter(differs).cloned().collect();
        told.sort_unstable();
        told.dedup();
        self.clients.store(Arc::new(new));
        told
    }

    /// The client of that id: the operator's, or one that registered itself.
    pub(crate) fn client(&self, id: &ClientId) -> Option<Client> {
        self.clients.load().get(id).cloned().or_else(|| open_client(&self.secrets.registration, id))
    }

    /// The one client that an assertion without a `client_id` says it is by (RFC 7521 §4.2).
    pub(crate) fn claimed_client(&self, assertion: &Assertion) -> Option<ClientId> {
        let claimed = assertion.claimed()?;
        let clients = self.clients.load();
        let mut found = clients.values().filter(|client| client.is_claimed(&claimed));
        match (found.next(), found.next()) {
            (Some(only), None) => Some(only.id.clone()),
            (None | Some(_), _) => None,
        }
    }

    /// The client of that id, unless it was disabled; one that is its document, as a person last agreed to it.
    pub(crate) async fn enabled_client(&self, id: &ClientId) -> Result<Option<Client>, StoreError> {
        if self.is_document(id) {
            return self.pinned_client(id).await;
        }
        let Some(client) = self.client(id) else { return Ok(None) };
        Ok(match self.store.client_standing(id).await? {
            ClientStanding::Unknown | ClientStanding::Enabled => Some(client),
            ClientStanding::Disabled => None,
        })
    }

    /// The place a request means: the named one, or the only server there is. An agent is a place too: everything it
    /// may reach for the person who is asked.
    pub(crate) fn server(&self, resource: Option<&Resource>) -> Option<Server> {
        let (catalogue, directory) = (self.catalogue.load(), self.directory.load());
        let map = Map { directory: &directory, catalogue: &catalogue };
        let target = match (resource, catalogue.servers.as_slice()) {
            (Some(resource), _) => map.at(resource)?,
            (None, [only]) => Target::Server(only),
            (None, _) => return None,
        };
        Some(map.place(target))
    }

    /// The `sub` of the agent whose tokens carry that audience.
    pub(crate) fn agent_at(&self, resource: &Resource) -> Option<String> {
        self.directory.load().agent_at(resource).map(Agent::subject)
    }
}

fn by_id(clients: Vec<Client>) -> HashMap<ClientId, Client> {
    clients.into_iter().map(|client| (client.id.clone(), client)).collect()
}
