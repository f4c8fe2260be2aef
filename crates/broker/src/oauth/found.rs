//! Where a provider's endpoints are: as written, or as it says itself, through a door that leads to no address of ours
//! unless the operator wrote it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bailiwick_client::{AuthorizationServer, ProtectedResource, ServerUrl, endpoint};
use bailiwick_domain::generations::Generations;
use bailiwick_domain::time::Timestamp;
use bailiwick_net::Http;
use url::Url;

use super::ConnectError;
use crate::settings::UserOauth;

/// How long what a provider says of itself is believed.
const FRESH: Duration = Duration::from_mins(10);
/// How many providers are remembered before the older ones are asked again.
const HALF: usize = 512;

/// What is known of a provider.
#[derive(Debug)]
pub(crate) struct Found {
    /// Its endpoints.
    pub(crate) server: AuthorizationServer,
    /// Where its tokens are shown.
    pub(crate) resource: Option<String>,
}

/// What providers said of themselves.
pub(crate) struct Places {
    open: Http,
    outward: Http,
    known: Mutex<Generations<String, (Arc<Found>, Timestamp)>>,
}

impl Places {
    pub(crate) fn new(open: Http) -> Self {
        Self { open, outward: Http::outward(), known: Mutex::new(Generations::new(HALF)) }
    }

    /// The way to `url`: to where the operator wrote any address will do, elsewhere only public ones.
    pub(crate) fn door(&self, settings: &UserOauth, url: &Url) -> &Http {
        if settings.wrote(url) { &self.open } else { &self.outward }
    }

    /// The provider of these settings.
    ///
    /// # Errors
    /// [`ConnectError`] when it cannot be found, or describes somebody else.
    pub(crate) async fn find(&self, settings: &UserOauth, now: Timestamp) -> Result<Arc<Found>, ConnectError> {
        let name = format!("{settings:?}");
        let fresh = |(found, at): &(Arc<Found>, Timestamp)| (now.since(*at) < FRESH).then(|| Arc::clone(found));
        if let Some(found) = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(&name).and_then(fresh) {
            return Ok(found);
        }
        let found = Arc::new(self.ask(settings).await?);
        self.known.lock().unwrap_or_else(PoisonError::into_inner).keep(name, (Arc::clone(&found), now));
        Ok(found)
    }

    async fn ask(&self, settings: &UserOauth) -> Result<Found, ConnectError> {
        let upstream = settings.upstream.as_ref();
        let resource = settings.resource(upstream.map(|url| url.as_str().to_owned()));
        match (&settings.authorization_url, &settings.token_url, &settings.issuer) {
            (Some(authorization), Some(token), _) => {
                let issuer = settings.named_issuer().unwrap_or_default().into_owned();
                Ok(Found { server: written(settings, issuer, (authorization, token)), resource })
            }
            (_, _, Some(issuer)) => Ok(Found { server: self.server(settings, issuer).await?, resource }),
            (_, _, None) => {
                let url =
                    upstream.ok_or_else(|| ConnectError::Unfit("nothing says where people sign in".to_owned()))?;
                let server = ServerUrl::parse(url.as_str()).map_err(|error| ConnectError::Unfit(error.to_string()))?;
                let found = ProtectedResource::find(self.door(settings, url), &server, None).await;
                let found = found.map_err(|error| ConnectError::Down(error.to_string()))?.ok_or_else(|| {
                    ConnectError::Unfit(format!("{url} does not say who guards it; name its `issuer`"))
                })?;
                let issuer = found.issuers.first().map_or("", String::as_str);
                let resource = settings.resource(Some(found.resource.clone()));
                Ok(Found { server: self.server(settings, issuer).await?, resource })
            }
        }
    }

    async fn server(&self, settings: &UserOauth, issuer: &str) -> Result<AuthorizationServer, ConnectError> {
        let url = endpoint(issuer).ok_or_else(|| ConnectError::Unfit(format!("{issuer:?} is not an https URL")))?;
        let found = AuthorizationServer::find(self.door(settings, &url), issuer).await;
        found.map_err(|error| ConnectError::Down(error.to_string()))
    }
}

/// A provider whose endpoints the operator wrote.
fn written(settings: &UserOauth, issuer: String, (authorization, token): (&Url, &Url)) -> AuthorizationServer {
    AuthorizationServer {
        issuer,
        authorization_endpoint: authorization.clone(),
        token_endpoint: token.clone(),
        registration_endpoint: None,
        revocation_endpoint: settings.revocation_url.clone(),
        promises_iss: false,
        auth_methods: Vec::new(),
        offers_offline_access: false,
        takes_documents: false,
    }
}
