//! Clients that describe themselves in a document: fetched when one asks to be authorized, kept with the first consent,
//! and never asked for at the token endpoint.

use std::sync::Arc;

use bailiwick_domain::client::{Client, ClientDocument, DocumentError, Domains, MOST_DOCUMENT};
use bailiwick_domain::ids::ClientId;
use bailiwick_domain::uri::{DocumentUrl, DocumentUrlError};
use bailiwick_net::fetch::{Documents, Guard, Missing, Patience};
use bailiwick_store::{ClientStanding, StoreError};

use crate::authority::Authority;
use crate::fault::Fault;
use crate::limit::Limit;
use crate::visit::Visit;

/// How many fetches strangers may cause in a minute: from one address, and in all.
const MOST_PER_ADDRESS: u32 = 30;
const MOST_FOR_ALL: u32 = 300;

/// Where clients' documents come from.
pub struct ClientDocuments {
    domains: Domains,
    documents: Documents<ClientDocument, DocumentError>,
    fetches: Limit,
}

impl ClientDocuments {
    /// Documents of these domains, fetched through `guard`.
    pub fn new(domains: Domains, guard: Guard) -> Self {
        let documents = Documents::new(guard, Patience::default(), MOST_DOCUMENT, ClientDocument::parse);
        Self { domains, documents, fetches: Limit::of(MOST_PER_ADDRESS, MOST_FOR_ALL) }
    }
}

/// Why a client that means to be its document is not let in: for log and audit. The person sees one sentence for all,
/// because the difference would tell a stranger about the network around us.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DocumentFault {
    /// The operator wants none.
    #[error("client metadata documents are switched off")]
    Off,
    /// The URL itself.
    #[error(transparent)]
    Url(#[from] DocumentUrlError),
    /// The operator does not want those of this host.
    #[error("the host {0} is not among the domains allowed")]
    Domain(String),
    /// Too many fetches.
    #[error("too many documents were asked for within a minute")]
    Limit,
    /// Its row in the store is of another kind.
    #[error("the client is not kept as a document")]
    Kind,
    /// The document.
    #[error("{1} ({0})")]
    Missing(String, Box<Missing<DocumentError>>),
}

impl DocumentFault {
    fn missing(url: &DocumentUrl, why: Missing<DocumentError>) -> Self {
        Self::Missing(url.as_str().to_owned(), Box::new(why))
    }
}

impl Authority {
    /// True when this id means to be the URL of a document, and the operator has no client of that name.
    pub(crate) fn is_document(&self, id: &ClientId) -> bool {
        DocumentUrl::is_meant(id.as_str()) && self.client(id).is_none()
    }

    /// The client that asks to be authorized, unless it was disabled. Only here a document is fetched.
    ///
    /// # Errors
    /// [`Fault`], when its document cannot be used.
    pub(crate) async fn asking_client(&self, id: &ClientId, visit: &Visit) -> Result<Option<Client>, Fault> {
        if !self.is_document(id) {
            return Ok(self.enabled_client(id).await?);
        }
        let (documents, url) = self.believed(id)?;
        if self.store.client_standing(id).await? == ClientStanding::Disabled {
            return Ok(None);
        }
        let outcome = match documents.documents.kept(&url, visit.now) {
            Some(outcome) => outcome,
            None if documents.fetches.count(visit.peer, visit.now).is_err() => return Err(DocumentFault::Limit.into()),
            None => documents.documents.get(&url, visit.now).await,
        };
        match outcome {
            Ok(document) => Ok(document.client(visit.now)),
            Err(Missing::Fetch(error)) if error.is_silence() => {
                // Its host is not heard at the moment: what a person once agreed to still stands.
                let kept = self.pinned_client(id).await?;
                if kept.is_some() {
                    tracing::warn!(correlation = %visit.correlation, client = %url, %error, "using the kept document of a client");
                    return Ok(kept);
                }
                Err(DocumentFault::missing(&url, error.into()).into())
            }
            Err(missing) => Err(DocumentFault::missing(&url, missing).into()),
        }
    }

    /// The client as it was when a person last agreed to it, if its domain is still believed and it is not disabled.
    pub(crate) async fn pinned_client(&self, id: &ClientId) -> Result<Option<Client>, StoreError> {
        if self.believed(id).is_err() {
            return Ok(None);
        }
        let row = self.store.client_row(id).await?;
        Ok(row.filter(|row| row.disabled_at.is_none() && row.client.is_document()).map(|row| row.client))
    }

    /// A client as it described itself when it asked, if it may still act.
    ///
    /// # Errors
    /// [`Fault`], when the operator has changed their mind about its domain.
    pub(crate) async fn still(&self, client: Client) -> Result<Option<Client>, Fault> {
        if !client.is_document() {
            return Err(DocumentFault::Kind.into());
        }
        self.believed(&client.id)?;
        let standing = self.store.client_standing(&client.id).await?;
        Ok(Some(client).filter(|_| standing != ClientStanding::Disabled))
    }

    /// The cheap checks: the URL and the operator's choice of domains.
    fn believed(&self, id: &ClientId) -> Result<(Arc<ClientDocuments>, DocumentUrl), DocumentFault> {
        let documents = self.documents.load_full().ok_or(DocumentFault::Off)?;
        let url = DocumentUrl::parse(id.as_str())?;
        if documents.domains.allow(&url) {
            Ok((documents, url))
        } else {
            Err(DocumentFault::Domain(url.host().to_owned()))
        }
    }
}
