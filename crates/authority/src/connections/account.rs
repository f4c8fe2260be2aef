//! What a person has connected, on their account page: they see it, try it, connect again, and end it.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::Response;
use bailiwick_domain::audit::{AuditEvent, AuditKind};
use bailiwick_domain::ids::ClientId;
use bailiwick_domain::opaque::Opaque;
use bailiwick_store::{ConnectionKey, ConnectionState, ConnectionView, StoreError, Ticket};

use super::connector::{ConnectError, Connectable, Way};
use super::{ACCOUNT, ConnectFault};
use crate::account::checked;
use crate::authority::Authority;
use crate::fault::Fault;
use crate::form::{Form, FormError};
use crate::page::connect::{ConnectionCard, Made, Standing};
use crate::page::see_other;
use crate::visit::{Person, Visit};

/// How long a person may take who begins on the account page.
const LIFE: Duration = Duration::from_mins(15);

type Posted = Result<Form, FormError>;

/// Everything this person has connected, or could connect.
pub(crate) async fn cards(authority: &Authority, person: &Person) -> Result<Vec<ConnectionCard>, StoreError> {
    let Some(connecting) = &authority.connecting else { return Ok(Vec::new()) };
    let mut made = authority.store.connections(&person.user.id).await?;
    let mut cards: Vec<ConnectionCard> = Vec::new();
    for provider in connecting.connector.connectables() {
        let at = made.iter().position(|view| view.key.provider == provider.id);
        let view = at.map(|at| made.swap_remove(at));
        let fits = match &view {
            Some(view) => connecting.connector.fits(&view.key).await,
            None => true,
        };
        cards.push(card(provider, view, fits));
    }
    // What the configuration no longer names can still be ended.
    cards.extend(made.into_iter().map(|view| ConnectionCard {
        id: view.key.provider.clone(),
        title: view.key.provider.clone(),
        servers: String::new(),
        gone: true,
        key: false,
        made: Some(facts(view, true)),
    }));
    Ok(cards)
}

/// One provider, and what was connected; not what `fits` no more what it would be used for.
fn card(provider: Connectable, view: Option<ConnectionView>, fits: bool) -> ConnectionCard {
    ConnectionCard {
        key: matches!(provider.way, Way::Secret(_)),
        id: provider.id,
        title: provider.title,
        servers: provider.servers.join(", "),
        gone: false,
        made: view.map(|view| facts(view, fits)),
    }
}

fn facts(view: ConnectionView, fits: bool) -> Made {
    Made {
        standing: match view.state {
            ConnectionState::NeedsReconnect => Standing::Lost,
            ConnectionState::Fresh | ConnectionState::Refreshing | ConnectionState::Retryable if !fits => {
                Standing::Moved
            }
            ConnectionState::Fresh | ConnectionState::Refreshing => Standing::Works,
            ConnectionState::Retryable => Standing::Waits,
        },
        account: view.account,
        scope: view.scope.to_string(),
        since: view.connected_at.into(),
        renewed: (view.refreshed_at > view.connected_at).then(|| view.refreshed_at.into()),
    }
}

/// `POST /account/connections/begin`: connects, or connects again.
pub(crate) async fn begin(State(authority): State<Arc<Authority>>, visit: Visit, form: Posted) -> Response {
    let done = async {
        let Some((person, provider)) = chosen(&authority, &visit, form).await? else { return Ok(see_other("/login")) };
        let provider = authority.connectable(&provider).ok_or(ConnectFault::Gone)?;
        let ticket = Ticket {
            user: person.user.id,
            provider: provider.id,
            client: ClientId::parse(ACCOUNT).ok_or(ConnectFault::Gone)?,
            server: provider.servers.join(", "),
            tool: None,
            expires_at: visit.now.after(LIFE),
        };
        let link = authority.store.open_ticket(Opaque::mint(authority.entropy.as_ref()), ticket, visit.now).await?;
        Ok(see_other(&format!("/connect/{}", link.as_str())))
    };
    authority.settle(&visit, done.await)
}

/// `POST /account/connections/test`.
pub(crate) async fn test(State(authority): State<Arc<Authority>>, visit: Visit, form: Posted) -> Response {
    let done = async {
        let Some((person, provider)) = chosen(&authority, &visit, form).await? else { return Ok(see_other("/login")) };
        let connecting = authority.connecting()?;
        connecting.tries.count(visit.peer, visit.now).map_err(ConnectFault::TooFast)?;
        let tried = connecting.connector.test(&key(&person, provider), visit.now).await;
        Ok(see_other(match tried {
            Ok(()) => "/account?done=works",
            Err(ConnectError::Down(_) | ConnectError::Unkept(_)) => "/account?done=unknown",
            Err(
                ConnectError::Denied
                | ConnectError::Issuer
                | ConnectError::Refused(_)
                | ConnectError::Unfit(_)
                | ConnectError::Missing,
            ) => "/account?done=broken",
        }))
    };
    authority.settle(&visit, done.await)
}

/// `POST /account/connections/end`.
pub(crate) async fn end(State(authority): State<Arc<Authority>>, visit: Visit, form: Posted) -> Response {
    let done = async {
        let Some((person, provider)) = chosen(&authority, &visit, form).await? else { return Ok(see_other("/login")) };
        let event = AuditEvent::new(AuditKind::ConnectionEnded, visit.now)
            .correlation(&visit.correlation)
            .user(&person.user.id)
            .rule("account")
            .says(provider.clone());
        let ended = authority.connecting()?.connector.end(&key(&person, provider), event).await;
        match ended {
            // One that is gone already is as ended as one can be.
            Ok(()) | Err(ConnectError::Missing) => Ok(see_other("/account?done=ended")),
            Err(error) => Err(ConnectFault::from(error).into()),
        }
    };
    authority.settle(&visit, done.await)
}

/// Who sent the form, and about which provider; nothing where nobody is signed in.
async fn chosen(authority: &Authority, visit: &Visit, form: Posted) -> Result<Option<(Person, String)>, Fault> {
    let Some((person, form)) = checked(authority, visit, form).await? else { return Ok(None) };
    Ok(Some((person, form.one("provider").unwrap_or("").to_owned())))
}

fn key(person: &Person, provider: String) -> ConnectionKey {
    ConnectionKey { user: person.user.id.clone(), provider }
}
