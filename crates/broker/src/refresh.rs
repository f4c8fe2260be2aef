//! The refresh of a connection: one at a time in all processes. That it began is durable before the provider hears of
//! it; what the provider gave is kept before anybody looks at it; and it goes on when whoever asked has left.

use std::sync::Arc;
use std::time::Duration;

use bailiwick_client::{Desk, TokenError, Tokens};
use bailiwick_domain::audit::{AuditEvent, AuditKind};
use bailiwick_domain::time::Timestamp;
use bailiwick_net::HttpError;
use bailiwick_store::{
    Connection, ConnectionError, ConnectionKey, ConnectionState, Failure, Lease, RefreshLease, Renewal,
};

use crate::accounts::{Account, Accounts, Usable};
use crate::endpoint::bearing;
use crate::oauth::{Bundle, ConnectError, Found};
use crate::obtained::BrokerError;
use crate::settings::UserOauth;

/// How long a provider may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a refresh may take from the first write to the last; longer than the provider may, and the writes.
const LEASE: Duration = Duration::from_secs(20);
/// How long whoever asks waits for somebody else's refresh.
const WAIT: Duration = Duration::from_secs(12);
/// How often they look.
const LOOK: Duration = Duration::from_millis(50);
/// How often what was just renewed may have changed before it was looked at.
const AGAINS: u32 = 3;
/// How soon a provider that could not answer is asked again.
const AGAIN: Duration = Duration::from_secs(3);
/// How long before its end a token is renewed, at most: a request takes time, and clocks differ.
const SPARE: Duration = Duration::from_secs(30);
/// How long a token must still live to be shown while it is renewed.
const STILL: Duration = Duration::from_secs(5);
/// How often new tokens are tried to be kept: they are nowhere else.
const TRIES: u32 = 6;

/// What one look at a connection led to.
enum Turn {
    Done(Usable),
    Again,
    Wait,
}

impl Accounts {
    /// A credential of that account that may be used, renewed where it must be; not the one of the generation `worn`,
    /// which somebody refused.
    ///
    /// # Errors
    /// [`BrokerError`] with what must happen first.
    pub(crate) async fn usable(
        self: &Arc<Self>,
        account: &Account<'_>,
        worn: Option<i64>,
    ) -> Result<Usable, BrokerError> {
        if let Some(held) = self.held(account, worn) {
            return Ok(held);
        }
        let turn = self.turn(account.key);
        let _turn = turn.lock().await;
        let (began, mut again) = (tokio::time::Instant::now(), 0);
        loop {
            if let Some(held) = self.held(account, worn) {
                return Ok(held);
            }
            match self.look(account, worn).await? {
                Turn::Done(usable) => return Ok(usable),
                // What was renewed here is there at the next look, however long that took; unless it ended before.
                Turn::Again if again == AGAINS => {
                    return Err(BrokerError::Later("what the provider gives ends at once".to_owned()));
                }
                Turn::Again => again += 1,
                Turn::Wait if began.elapsed() > WAIT => {
                    return Err(BrokerError::Later("another process has not finished the refresh yet".to_owned()));
                }
                Turn::Wait => tokio::time::sleep(LOOK).await,
            }
        }
    }

    async fn look(self: &Arc<Self>, account: &Account<'_>, worn: Option<i64>) -> Result<Turn, BrokerError> {
        let (settings, key, mark) = (account.settings, account.key, self.mark());
        let Some(kept) = self.store.connection(key).await.map_err(|error| unreadable(key, &error))? else {
            return Err(BrokerError::Unconnected { provider: key.provider.clone() });
        };
        if kept.view.state == ConnectionState::NeedsReconnect {
            return Err(lost(key));
        }
        let bundle = Bundle::read(&kept.secret).ok_or_else(|| lost(key))?;
        // INVARIANT: an account is used only for what its person connected it to.
        if !bundle.bound(&kept.view.scope).fits(settings, account.destination) {
            return Err(lost(key));
        }
        let now = self.clock.now();
        let until = kept.view.expires_at.map(|end| end.before(spare(&kept)));
        if until.is_none_or(|until| now < until) && Some(kept.view.generation) != worn {
            let usable = usable(settings, &kept, &bundle, until)?;
            self.hold(key, &usable, mark);
            return Ok(Turn::Done(usable));
        }
        // Renewed early, it may still be shown while that is under way, or does not work just now.
        let lives =
            kept.view.expires_at.is_some_and(|end| now.after(STILL) < end) && Some(kept.view.generation) != worn;
        let old = lives.then(|| usable(settings, &kept, &bundle, Some(now))).transpose()?;
        // Whoever asked may leave at any moment; what is begun is finished.
        let task = Arc::clone(self).renew(Arc::clone(settings), kept, bundle);
        let ended = self.tasks.spawn(task).await;
        let ended = ended.unwrap_or_else(|error| Err(BrokerError::Later(error.to_string())));
        match (ended, old) {
            (Ok(Turn::Wait) | Err(BrokerError::Later(_)), Some(old)) => Ok(Turn::Done(old)),
            (ended, _) => ended,
        }
    }

    /// Renews a connection, unless somebody else does.
    async fn renew(
        self: Arc<Self>,
        settings: Arc<UserOauth>,
        kept: Connection,
        bundle: Bundle,
    ) -> Result<Turn, BrokerError> {
        let (key, generation, now) = (kept.view.key.clone(), kept.view.generation, self.clock.now());
        if kept.view.state == ConnectionState::Retryable && now < kept.view.held_until {
            return Err(later(kept.view.held_until, now));
        }
        // Where to ask is found out first: the lease is for asking alone, and ends soon.
        let found = tokio::time::timeout(PATIENCE, self.places.find(&settings, now)).await;
        let found = found.unwrap_or_else(|_| Err(ConnectError::Down("it does not say where to ask".to_owned())));
        let now = self.clock.now();
        let lease = self.store.lease_refresh(&key, generation, now, now.after(LEASE)).await;
        match lease.map_err(|error| BrokerError::Later(error.to_string()))? {
            Lease::Taken(lease) => {
                Refresh { accounts: self, settings, lease }.run(found, kept, bundle).await?;
                Ok(Turn::Again)
            }
            Lease::Busy(_) => Ok(Turn::Wait),
            Lease::Changed => Ok(Turn::Again),
            Lease::Lost => Err(lost(&key)),
            Lease::Later(at) => Err(later(at, now)),
        }
    }
}

/// What may be shown of a connection (R16: not more than was asked for).
fn usable(
    settings: &UserOauth,
    kept: &Connection,
    bundle: &Bundle,
    until: Option<Timestamp>,
) -> Result<Usable, BrokerError> {
    let bound = Arc::new(bundle.bound(&kept.view.scope));
    if let Some(scope) = bound.excess(settings) {
        return Err(BrokerError::Overgrant(format!("the account was given the scope {scope}, which is not asked for")));
    }
    let obtained = Arc::new(bearing(bundle.access())?);
    Ok(Usable { obtained, bound, generation: kept.view.generation, until })
}

/// A token that lives shortly is not renewed all the time.
fn spare(kept: &Connection) -> Duration {
    let life = kept.view.expires_at.map_or(Duration::ZERO, |end| end.since(kept.view.refreshed_at));
    SPARE.min(life / 4)
}

fn later(at: Timestamp, now: Timestamp) -> BrokerError {
    let left = at.since(now).as_secs();
    BrokerError::Later(format!("the provider could not answer; it is asked again in {left} s"))
}

fn lost(key: &ConnectionKey) -> BrokerError {
    BrokerError::Lost { provider: key.provider.clone() }
}

fn unreadable(key: &ConnectionKey, error: &ConnectionError) -> BrokerError {
    match error {
        ConnectionError::Unreadable => lost(key),
        ConnectionError::NoKey(_) | ConnectionError::Store(_) => BrokerError::Later(error.to_string()),
    }
}

/// A refresh that has the lease.
struct Refresh {
    accounts: Arc<Accounts>,
    settings: Arc<UserOauth>,
    lease: RefreshLease,
}

/// What a provider that was asked for new tokens means for the connection.
enum Verdict {
    /// Only its person can help.
    Reconnect(String),
    /// It can be tried again.
    Retry(String),
}

impl Refresh {
    async fn run(
        self,
        found: Result<Arc<Found>, ConnectError>,
        kept: Connection,
        bundle: Bundle,
    ) -> Result<(), BrokerError> {
        let key = kept.view.key.clone();
        let asked = match found {
            Ok(found) => self.ask(&found, kept, bundle).await,
            Err(error) => Err(Verdict::Retry(error.to_string())),
        };
        match asked {
            Ok((tokens, renewed)) => self.keep(&key, &tokens, &renewed).await,
            Err(Verdict::Reconnect(says)) => {
                self.fail(&key, Failure::Reconnect(says)).await?;
                Err(lost(&key))
            }
            Err(Verdict::Retry(says)) => {
                self.fail(&key, Failure::Retry(says.clone(), self.accounts.clock.now().after(AGAIN))).await?;
                Err(BrokerError::Later(says))
            }
        }
    }

    async fn ask(&self, found: &Found, kept: Connection, bundle: Bundle) -> Result<(Tokens, Bundle), Verdict> {
        if !bundle.renewable() {
            return Err(Verdict::Reconnect("the access ended, and the provider gave nothing to renew it".to_owned()));
        }
        let Self { accounts, settings, .. } = self;
        // INVARIANT: a refresh token is shown to nobody but who gave it, and as nobody but whom it was given to.
        if found.server.issuer != bundle.issuer {
            return Err(Verdict::Reconnect(format!("{} is not who gave the tokens", found.server.issuer)));
        }
        let told = accounts.told_now(settings, found, &bundle.registration);
        let registration = told.as_ref().unwrap_or(&bundle.registration);
        let desk = Desk {
            http: accounts.places.door(settings, &found.server.token_endpoint),
            endpoint: &found.server.token_endpoint,
            registration,
            resource: found.resource.as_deref(),
            now: accounts.clock.now(),
        };
        let old = bundle.tokens(kept.view.scope, kept.view.expires_at);
        let answer = tokio::time::timeout(PATIENCE, desk.refresh(old)).await;
        let answer = answer.unwrap_or(Err(TokenError::Http(HttpError::Slow {
            host: found.server.token_endpoint.authority().to_owned(),
            within: PATIENCE,
        })));
        if let Err(TokenError::Refused(says)) = &answer
            && says.code == "invalid_client"
            && told.is_none()
        {
            // It registered us once, and knows us no more: whoever connects anew has us registered anew.
            let forgotten = accounts.forget_client(&kept.view.key.provider, &bundle.issuer, registration).await;
            forgotten.map_err(|error| Verdict::Retry(error.to_string()))?;
            return Err(Verdict::Reconnect(says.to_string()));
        }
        let tokens = answer.map_err(|error| self.judge(&error))?;
        let renewed = bundle.renewed(&found.server, &tokens);
        let renewed = renewed.ok_or_else(|| Verdict::Reconnect("it answered for another account".to_owned()))?;
        Ok((tokens, renewed))
    }

    /// What an answer without tokens means. Where nobody knows whether the request arrived, the refresh token may be
    /// spent, and a provider that rotates them would take its next use for theft.
    fn judge(&self, error: &TokenError) -> Verdict {
        let says = error.to_string();
        let perhaps_spent = |says| if self.settings.rotates { Verdict::Reconnect(says) } else { Verdict::Retry(says) };
        match error {
            TokenError::Refused(told) if told.code == "invalid_grant" => Verdict::Reconnect(says),
            TokenError::Refused(_) | TokenError::Busy(_) | TokenError::Http(HttpError::Connect { .. }) => {
                Verdict::Retry(says)
            }
            TokenError::Broken(status) if (300..500).contains(status) => Verdict::Retry(says),
            TokenError::Broken(_)
            | TokenError::Http(HttpError::Slow { .. } | HttpError::Broken { .. } | HttpError::TooBig { .. }) => {
                perhaps_spent(says)
            }
        }
    }

    /// Keeps new tokens before anybody looks at them.
    async fn keep(&self, key: &ConnectionKey, tokens: &Tokens, renewed: &Bundle) -> Result<(), BrokerError> {
        let mut pause = Duration::from_millis(50);
        for attempt in 1.. {
            let renewal = Renewal {
                secret: renewed.write(),
                scope: tokens.scope.clone(),
                expires_at: tokens.expires_at,
                rotates: self.settings.rotates,
            };
            let event = self.event(AuditKind::ConnectionRefreshed, key, "renewed");
            match self.accounts.store.renew(&self.lease, renewal, event).await {
                // False: its person connected anew meanwhile, or ended it. That counts.
                Ok(_) => return Ok(()),
                Err(error) if attempt >= TRIES => {
                    tracing::error!(%key, %error, "new tokens could not be kept; the account must be connected again");
                    return Err(BrokerError::Later(error.to_string()));
                }
                Err(_) => tokio::time::sleep(pause).await,
            }
            pause *= 2;
        }
        Ok(())
    }

    async fn fail(&self, key: &ConnectionKey, failure: Failure) -> Result<(), BrokerError> {
        let (kind, says) = match &failure {
            Failure::Reconnect(says) => (AuditKind::ConnectionLost, says.clone()),
            Failure::Retry(says, _) => (AuditKind::CredentialRefused, says.clone()),
        };
        tracing::warn!(%key, says, "a connection could not be renewed");
        let event = self.event(kind, key, &says);
        let kept = self.accounts.store.fail_refresh(&self.lease, failure, event).await;
        kept.map(drop).map_err(|error| BrokerError::Later(error.to_string()))
    }

    fn event(&self, kind: AuditKind, key: &ConnectionKey, says: &str) -> AuditEvent {
        let now = self.accounts.clock.now();
        AuditEvent::new(kind, now).user(&key.user).rule("refresh").says(format!("{}: {says}", key.provider))
    }
}
