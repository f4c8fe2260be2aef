//! Talking to one server: a session that comes back by itself, a token that is renewed, a login or a step-up where the
//! caller allows one; and a clear refusal where not.

use std::time::Duration;

use bailiwick_domain::scope::ScopeSet;
use bailiwick_net::HttpError;
use http::HeaderValue;
use serde_json::{Map, Value, json};
use tokio::time::{Instant, timeout};

use crate::challenge::Challenge;
use crate::client::{Approach, Client, LoginAsk, Progress, Wanted};
use crate::login::LoginError;
use crate::mcp::{Answer, Arguments, ArgumentsError, Session, Tool, Trouble, Wire};
use crate::renew::{Held, RenewError};
use crate::server_url::ServerUrl;

/// How many logins one connection may ask a person for: the first and the steps up (bounded, as the MCP specification
/// asks for, because a server may never be content).
const MOST_LOGINS: u8 = 3;
/// How often one request is sent at most: each recovery allows one more.
const MOST_SENDS: usize = 8;
/// How often a waiting person is told that we still wait.
const REMIND: Duration = Duration::from_secs(15);
/// How many pages of tools are read.
const MOST_PAGES: usize = 200;

/// What may be done without asking the caller again.
#[derive(Clone, Copy, Debug, Default)]
pub struct Recourse {
    /// How a person is reached when a login is missing; `None` to fail instead.
    pub login: Option<Approach>,
    /// How a person is reached when a scope is missing; `None` to fail instead.
    pub step_up: Option<Approach>,
}

/// A request refused for want of scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The scopes that are missing.
    pub missing: ScopeSet,
    /// The rule that says so.
    pub rule: Option<String>,
    /// The reason in words.
    pub says: Option<String>,
}

/// Why there is no result.
#[derive(Debug, thiserror::Error)]
pub enum ConnectionError {
    /// No login is kept, or it ended.
    #[error("a login is needed")]
    LoginNeeded,
    /// The token lacks a scope.
    #[error("a scope is missing")]
    Refused(Box<Refusal>),
    /// A login was tried and failed.
    #[error("{0}")]
    Login(#[from] LoginError),
    /// A token could not be had.
    #[error("{0}")]
    Renew(#[from] RenewError),
    /// The arguments do not fit the tool.
    #[error("{0}")]
    Arguments(#[from] ArgumentsError),
    /// The server said no in its own words, by a rule if it names one.
    #[error("the server refused: {says}")]
    Told {
        /// Its words.
        says: String,
        /// Its rule.
        rule: Option<String>,
    },
    /// The server failed.
    #[error("{0}")]
    Failed(String),
    /// The network failed.
    #[error("{0}")]
    Http(#[from] HttpError),
}

/// A connection to one server.
#[derive(Debug)]
pub struct Connection<'a> {
    client: &'a Client,
    server: &'a ServerUrl,
    recourse: Recourse,
    held: Option<Held>,
    bearer: Option<HeaderValue>,
    trial: Trial,
    session: Option<Session>,
    logins: u8,
    /// What the steps up so far asked for: whoever withheld it is not asked again.
    asked: ScopeSet,
}

/// What the token at hand has shown so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trial {
    /// Kept from before, or good at least once.
    Good,
    /// Renewed, not yet accepted.
    Renewed,
    /// Granted by a login just now, not yet accepted.
    Granted,
}

impl<'a> Connection<'a> {
    /// Connects to `server` with what is kept for it.
    pub async fn open(
        client: &'a Client,
        server: &'a ServerUrl,
        recourse: Recourse,
    ) -> Result<Connection<'a>, ConnectionError> {
        let (held, bearer, trial, asked) = (None, None, Trial::Good, ScopeSet::default());
        let mut connection = Self { client, server, recourse, held, bearer, trial, session: None, logins: 0, asked };
        connection.hold(client.held(server).await?, Trial::Good);
        Ok(connection)
    }

    /// Every tool the server lists for us.
    pub async fn tools(&mut self) -> Result<Vec<Tool>, ConnectionError> {
        Ok(self.listed().await?.iter().filter_map(Tool::read).collect())
    }

    /// Every tool as the server spells it.
    pub async fn listed(&mut self) -> Result<Vec<Value>, ConnectionError> {
        let mut tools = Vec::new();
        let mut params = json!({});
        for _ in 0..MOST_PAGES {
            let mut page = self.request("tools/list", &params).await?;
            if let Some(Value::Array(some)) = page.get_mut("tools").map(Value::take) {
                tools.extend(some);
            }
            match page.get("nextCursor").and_then(Value::as_str) {
                Some(cursor) => params = json!({ "cursor": cursor }),
                None => return Ok(tools),
            }
        }
        Err(ConnectionError::Failed("the server's list of tools does not end".to_owned()))
    }

    /// Calls a tool.
    pub async fn call(&mut self, tool: &str, arguments: &Arguments) -> Result<Answer, ConnectionError> {
        for _ in 0..MOST_SENDS {
            // Again after each recovery: with more scope the tool may be listed, and its schema known.
            let params = json!({ "name": tool, "arguments": self.fitted(tool, arguments).await? });
            match self.attempt("tools/call", &params).await {
                Ok(result) => return Ok(Answer::new(result)),
                Err(trouble) => self.recover(trouble).await?,
            }
        }
        Err(never_content())
    }

    /// Ends the session.
    pub async fn close(self) {
        if let Some(session) = self.session {
            let wire = Wire { http: &self.client.http, server: self.server, bearer: self.bearer.as_ref() };
            session.close(wire).await;
        }
    }

    async fn fitted(&mut self, tool: &str, arguments: &Arguments) -> Result<Map<String, Value>, ConnectionError> {
        let mut schema = Value::Null;
        if arguments.needs_schema() {
            let listed = self.tools().await?;
            schema = listed.into_iter().find(|listed| listed.name == tool).map_or(schema, |tool| tool.input_schema);
        }
        Ok(arguments.fitted(&schema)?)
    }

    async fn request(&mut self, method: &str, params: &Value) -> Result<Value, ConnectionError> {
        for _ in 0..MOST_SENDS {
            match self.attempt(method, params).await {
                Ok(result) => return Ok(result),
                Err(trouble) => self.recover(trouble).await?,
            }
        }
        Err(never_content())
    }

    /// Sends a request once, after the handshake where there was none yet.
    async fn attempt(&mut self, method: &str, params: &Value) -> Result<Value, Trouble> {
        let wire = Wire { http: &self.client.http, server: self.server, bearer: self.bearer.as_ref() };
        let session = match &mut self.session {
            Some(session) => session,
            none => none.insert(Session::open(wire).await?),
        };
        let result = patiently(self.client, session.request(wire, method, params)).await?;
        self.trial = Trial::Good;
        Ok(result)
    }

    /// Does what can be done about `trouble`; `Ok` means that another attempt is worth it.
    async fn recover(&mut self, trouble: Trouble) -> Result<(), ConnectionError> {
        match trouble {
            Trouble::Unauthorized(challenge) => self.regain(challenge).await,
            Trouble::Scope(challenge, rule) => self.step_up(challenge, rule).await,
            Trouble::Gone => {
                self.session = None;
                Ok(())
            }
            Trouble::Rpc { code, message, rule } => {
                Err(ConnectionError::Told { says: format!("{message} ({code})"), rule })
            }
            Trouble::Http(error) => Err(error.into()),
            Trouble::Status(_) | Trouble::Malformed(_) => Err(ConnectionError::Failed(trouble.to_string())),
        }
    }

    /// After a 401: the token is renewed, else the person logs in again.
    async fn regain(&mut self, challenge: Option<Challenge>) -> Result<(), ConnectionError> {
        match self.trial {
            Trial::Good => {
                if let Some(refused) = self.held.take() {
                    let renewed = self.client.renewed(self.server, Some(&refused)).await?;
                    self.hold(renewed, Trial::Renewed);
                    if self.held.is_some() {
                        return Ok(());
                    }
                }
            }
            Trial::Renewed => {}
            Trial::Granted => {
                let says = challenge.and_then(|challenge| challenge.says).unwrap_or_default();
                let text = format!("the server refuses the token it was just granted: {says}");
                return Err(ConnectionError::Failed(text.trim_end_matches([' ', ':']).to_owned()));
            }
        }
        let approach = self.recourse.login.ok_or(ConnectionError::LoginNeeded)?;
        self.log_in(approach, Wanted::Suggested, Some(challenge.unwrap_or_default())).await
    }

    /// After a 403: the person is asked for the union of what was asked before and what is missing, where that may help.
    async fn step_up(&mut self, challenge: Challenge, rule: Option<String>) -> Result<(), ConnectionError> {
        let asked = challenge.scope.clone().unwrap_or_default();
        let granted = self.held.as_ref().map(|held| held.scope.clone()).unwrap_or_default();
        let missing = asked.minus(&granted);
        match self.recourse.step_up {
            Some(approach) if !missing.within(&self.asked) && self.logins < MOST_LOGINS => {
                self.asked = self.asked.join(&missing);
                self.client.say(&Progress::SteppingUp { scope: &missing });
                self.log_in(approach, Wanted::Besides(asked), Some(challenge)).await
            }
            Some(_) | None => {
                let missing = if missing.is_empty() { asked } else { missing };
                Err(ConnectionError::Refused(Box::new(Refusal { missing, rule, says: challenge.says })))
            }
        }
    }

    async fn log_in(
        &mut self,
        approach: Approach,
        wanted: Wanted,
        challenge: Option<Challenge>,
    ) -> Result<(), ConnectionError> {
        self.logins += 1;
        self.client.login(self.server, LoginAsk { approach, wanted, given: None, challenge }).await?;
        let held = self.client.held(self.server).await?;
        self.hold(held, Trial::Granted);
        Ok(())
    }

    fn hold(&mut self, held: Option<Held>, trial: Trial) {
        self.bearer = held.as_ref().and_then(Held::bearer);
        self.held = held;
        self.trial = trial;
    }
}

/// Waits for `answer` and says so now and then.
async fn patiently<T>(client: &Client, answer: impl Future<Output = T>) -> T {
    let begun = Instant::now();
    tokio::pin!(answer);
    loop {
        match timeout(REMIND, &mut answer).await {
            Ok(answer) => return answer,
            Err(_) => client.say(&Progress::Thinking { since: begun.elapsed() }),
        }
    }
}

fn never_content() -> ConnectionError {
    ConnectionError::Failed("the server is never content; nothing more was tried".to_owned())
}
