//! A login from end to end: who guards the server, who we are there, a person's consent, a code, tokens kept.

use std::sync::Arc;
use std::time::Duration;

use bailiwick_domain::scope::{Scope, ScopeSet};
use bailiwick_net::HttpError;
use http::{Method, StatusCode};
use tokio::time::{Instant, sleep_until};

use crate::ask;
use crate::authorize::{AnswerError, Pending, Wish};
use crate::challenge::Challenge;
use crate::client::{Approach, Client, LoginAsk, Progress, Wanted};
use crate::discovery::{AuthorizationServer, DiscoveryError, ProtectedResource};
use crate::headless::{self, HeadlessError};
use crate::keep::{Account, Keep, KeepError, Kept};
use crate::loopback::Loopback;
use crate::mcp::knock;
use crate::register::{Applicant, Given, RegisterError, Registration};
use crate::secret::Secret;
use crate::server_url::ServerUrl;
use crate::token::{Desk, TokenError, Tokens};

/// How long a person may take.
const PATIENCE: Duration = Duration::from_mins(5);
/// How often the person is told that we still wait.
const REMIND: Duration = Duration::from_secs(30);

/// Why a login failed.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// The server asks for none.
    #[error("this server asks for no login")]
    NotNeeded,
    /// What answers there is no MCP server that speaks OAuth.
    #[error("no MCP server answers there (status {0}): check the URL")]
    NoServer(u16),
    /// Finding out who guards the server failed.
    #[error("{0}")]
    Discovery(#[from] DiscoveryError),
    /// Registering failed.
    #[error("{0}")]
    Register(#[from] RegisterError),
    /// The answer brought no code.
    #[error("{0}")]
    Answer(#[from] AnswerError),
    /// No redirect led back.
    #[error("{0}")]
    Headless(#[from] HeadlessError),
    /// Nobody came back in time.
    #[error("nobody came back from the browser within {} minutes: try again", PATIENCE.as_secs() / 60)]
    Patience,
    /// No port to come back to.
    #[error("cannot listen on 127.0.0.1 for the login to come back: {0}")]
    Listen(std::io::Error),
    /// The registration of an earlier login is no longer known.
    #[error("the server no longer knows this client")]
    Forgotten,
    /// The code brought no tokens.
    #[error("{0}")]
    Token(#[from] TokenError),
    /// The login cannot be kept.
    #[error("{0}")]
    Keep(#[from] KeepError),
    /// The network failed.
    #[error("{0}")]
    Http(#[from] HttpError),
}

/// Whom a login is for, and who grants it.
struct Parties {
    resource: ProtectedResource,
    server: AuthorizationServer,
}

impl Client {
    /// Logs in to `server` and keeps what that brings.
    pub async fn login(&self, server: &ServerUrl, ask: LoginAsk) -> Result<Kept, LoginError> {
        let (parties, challenge) = self.parties(server, ask.challenge).await?;
        self.say(&Progress::LoggingIn { server: server.as_str(), issuer: &parties.server.issuer });
        let mut account = self.keep.read(server)?.and_then(|mut kept| kept.accounts.remove(&parties.server.issuer));
        let scope = scope(&ask.wanted, challenge.as_ref(), &parties, account.as_ref());
        let earlier = account.as_ref().and_then(|account| port(account.registration.redirect_uri.as_deref()?));
        let loopback = Loopback::bind(earlier).await.map_err(LoginError::Listen)?;
        let door = Door { client: self, parties: &parties, scope: &scope, loopback: &loopback, approach: ask.approach };

        let reusable = account.take().filter(|_| ask.given.is_none());
        let (registration, tokens) = match reusable.map(|account| account.registration) {
            Some(known) if known.serves(loopback.redirect_uri(), &scope, self.clock.now()) => {
                match door.enter(&known, true).await {
                    Err(LoginError::Forgotten) => door.enter_anew(None).await?,
                    tokens => (known, tokens?),
                }
            }
            Some(_) | None => door.enter_anew(ask.given).await?,
        };
        self.remember(server, parties, registration, (scope, tokens)).await
    }

    /// Asks the server, or the challenge it gave, who guards it.
    async fn parties(
        &self,
        server: &ServerUrl,
        challenge: Option<Challenge>,
    ) -> Result<(Parties, Option<Challenge>), LoginError> {
        let (status, challenge) = match challenge {
            Some(challenge) => (StatusCode::UNAUTHORIZED, Some(challenge)),
            None => knock(&self.http, server).await?,
        };
        let resource = match ProtectedResource::find(&self.http, server, challenge.as_ref()).await? {
            Some(resource) => resource,
            None if status == StatusCode::UNAUTHORIZED => ProtectedResource::assumed(server),
            None if status.is_success() => return Err(LoginError::NotNeeded),
            None => return Err(LoginError::NoServer(status.as_u16())),
        };
        let last = self.keep.read(server)?.map(|kept| kept.issuer);
        let mut issuers: Vec<&String> = resource.issuers.iter().collect();
        issuers.sort_by_key(|issuer| last.as_ref() != Some(*issuer));
        let mut wrong = None;
        for issuer in issuers {
            match AuthorizationServer::find(&self.http, issuer).await {
                Ok(found) => {
                    return Ok((Parties { resource, server: found }, challenge));
                }
                Err(error) => wrong = wrong.or(Some(error)),
            }
        }
        Err(wrong.unwrap_or_else(|| DiscoveryError::NoServer(server.as_str().to_owned())).into())
    }

    async fn remember(
        &self,
        server: &ServerUrl,
        parties: Parties,
        registration: Registration,
        (requested, tokens): (ScopeSet, Tokens),
    ) -> Result<Kept, LoginError> {
        let _turn = self.keep.turn(server).await?;
        let accounts = self.keep.read(server)?.map(|kept| kept.accounts).unwrap_or_default();
        let Parties { resource, server: granted_by } = parties;
        let mut kept = Kept {
            server: server.as_str().to_owned(),
            resource: resource.resource,
            name: resource.name,
            issuer: granted_by.issuer.clone(),
            accounts,
        };
        let account = Account {
            registration,
            token_endpoint: granted_by.token_endpoint.into(),
            revocation_endpoint: granted_by.revocation_endpoint.map(Into::into),
            requested,
            tokens: Some(tokens),
        };
        kept.accounts.insert(granted_by.issuer, account);
        Keep::write(&self.keep, server, &kept, &*self.entropy)?;
        Ok(kept)
    }
}

/// One authorization server, approached for one set of scopes.
struct Door<'a> {
    client: &'a Client,
    parties: &'a Parties,
    scope: &'a ScopeSet,
    loopback: &'a Loopback,
    approach: Approach,
}

impl Door<'_> {
    /// Enters as whom a person says we are, else as whom we register now.
    async fn enter_anew(&self, given: Option<Given>) -> Result<(Registration, Tokens), LoginError> {
        let Self { client, parties, scope, loopback, .. } = self;
        let registration = if let Some(given) = given {
            Registration::given(given, &parties.server)
        } else {
            // Registered for all the server suggests, so that a later step-up needs no new registration.
            let most = parties.resource.scopes.join(scope);
            Registration::register(&client.http, &parties.server, &Applicant::cli(loopback.redirect_uri(), &most))
                .await?
        };
        let tokens = self.enter(&registration, false).await?;
        Ok((registration, tokens))
    }

    async fn enter(&self, registration: &Registration, known: bool) -> Result<Tokens, LoginError> {
        let Self { client, parties, scope, loopback, .. } = self;
        let wish = Wish {
            client_id: &registration.client_id,
            redirect_uri: loopback.redirect_uri(),
            scope,
            resource: Some(&parties.resource.resource),
        };
        let pending = Arc::new(Pending::begin(&parties.server, wish, &*client.entropy));
        // What a person gave us is not replaced behind his back.
        let registered = registration.redirect_uri.is_some();
        let code = match self.approach {
            Approach::Headless => self.follow(&pending, known && registered).await?,
            Approach::Browser(open) => {
                if known && registered {
                    self.still_known(&pending).await?;
                }
                let opened = open(pending.url.as_str());
                client.say(&Progress::Visit { url: pending.url.as_str(), opened });
                self.wait(Arc::clone(&pending)).await?
            }
        };
        let desk = Desk {
            http: &client.http,
            endpoint: &parties.server.token_endpoint,
            registration,
            resource: Some(&parties.resource.resource),
            now: client.clock.now(),
        };
        match desk.exchange(&pending, &code, scope).await {
            Err(TokenError::Refused(told)) if known && registered && told.code == "invalid_client" => {
                Err(LoginError::Forgotten)
            }
            tokens => Ok(tokens?),
        }
    }

    async fn follow(&self, pending: &Pending, known: bool) -> Result<Secret, LoginError> {
        match headless::follow(&self.client.http, pending).await {
            Err(HeadlessError::Refused(400..=403)) if known => Err(LoginError::Forgotten),
            query => Ok(pending.judge(&query?)?),
        }
    }

    /// A server that forgot a client tells its person, not us, and nobody would come back; so we look first.
    async fn still_known(&self, pending: &Pending) -> Result<(), LoginError> {
        let request = ask::with_body(ask::request(Method::GET, &pending.url), Vec::new())?;
        let status = self.client.http.send(request).await?.status();
        if status.is_client_error() { Err(LoginError::Forgotten) } else { Ok(()) }
    }

    async fn wait(&self, pending: Arc<Pending>) -> Result<Secret, LoginError> {
        let end = Instant::now() + PATIENCE;
        let mut remind = Instant::now() + REMIND;
        let answer = self.loopback.answer(pending);
        tokio::pin!(answer);
        loop {
            tokio::select! {
                answer = &mut answer => return Ok(answer?),
                () = sleep_until(remind) => {
                    let left = end.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return Err(LoginError::Patience);
                    }
                    self.client.say(&Progress::Waiting { left });
                    remind += REMIND;
                }
            }
        }
    }
}

/// The scopes to ask for (MCP authorization, Scope Selection Strategy): the challenge is authoritative.
fn scope(wanted: &Wanted, challenge: Option<&Challenge>, parties: &Parties, account: Option<&Account>) -> ScopeSet {
    let scope = match wanted {
        Wanted::Besides(scope) => account.map_or_else(|| scope.clone(), |account| account.requested.join(scope)),
        Wanted::Suggested => {
            challenge.and_then(|challenge| challenge.scope.clone()).unwrap_or_else(|| parties.resource.scopes.clone())
        }
    };
    match Scope::parse("offline_access") {
        Some(offline) if parties.server.offers_offline_access && !scope.is_empty() => {
            scope.join(&ScopeSet::from_iter([offline]))
        }
        Some(_) | None => scope,
    }
}

fn port(redirect_uri: &str) -> Option<u16> {
    url::Url::parse(redirect_uri).ok()?.port()
}
