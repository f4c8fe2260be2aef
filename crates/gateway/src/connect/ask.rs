//! Giving a person the link to connect by.

use std::sync::Arc;
use std::time::Duration;

use bailiwick_broker::{BrokerError, Obtained};
use bailiwick_domain::control::{Control, holds};
use bailiwick_domain::ids::UserId;
use bailiwick_domain::mcp::Method;
use bailiwick_domain::opaque::{ConnectTicket, Opaque};
use bailiwick_store::Ticket;

use super::asked::{Asked, Link, Need};
use crate::call::{Aim, Call, Said};
use crate::credential;
use crate::gateway::Gateway;
use crate::refuse::Refusal;

/// How long a link serves.
const LIFE: Duration = Duration::from_mins(15);

/// What takes the place of a credential that could not be obtained: for a call whose person has not connected their
/// account, or has to do so again, a refusal with the link. What only opens a session and lists its tools goes on with
/// what the gateway shows for itself, so that the tools stay listed.
pub(crate) async fn instead(gateway: &Gateway, call: &Call, error: BrokerError) -> Result<Arc<Obtained>, Refusal> {
    let (provider, lost) = match &error {
        BrokerError::Unconnected { provider } => (provider, false),
        BrokerError::Lost { provider } => (provider, true),
        BrokerError::Nobody
        | BrokerError::Nothing(_)
        | BrokerError::Later(_)
        | BrokerError::Overgrant(_)
        | BrokerError::Refused(_)
        | BrokerError::Unfit(_) => return Err(error.into()),
    };
    // INVARIANT: what the gateway shows for itself reads and changes nothing for a caller (R19).
    let logs = call.said().is_some_and(|said| said.known == Method::SetLevel);
    if call.is_about_its_session() || logs || !holds(Control::NoFallback) {
        return credential::own(gateway, &call.server).await.map_err(Refusal::from);
    }
    if matches!(call.aim, Aim::Listen) {
        // Nobody waits before this one who could follow a link.
        return Err(Refusal::NoStream);
    }
    let known = gateway.broker.providers();
    let title = known.get(provider).map_or_else(|| call.server.settings.title.clone(), |known| known.title.clone());
    Err(ask(gateway, call, Need { provider: provider.clone(), title, lost }).await)
}

/// Refuses a call with the link. The same link is given out again while it waits: however often an agent tries, its
/// person has one to follow.
async fn ask(gateway: &Gateway, call: &Call, need: Need) -> Refusal {
    let now = gateway.clock.now();
    let ticket = Ticket {
        user: UserId::from_stored(call.caller.subject()),
        provider: need.provider.clone(),
        client: call.caller.client().clone(),
        server: call.server.settings.title.clone(),
        tool: call.said().and_then(Said::tool).map(str::to_owned),
        expires_at: now.after(LIFE),
    };
    let link = gateway.store.open_ticket(Opaque::mint(gateway.entropy.as_ref()), ticket, now).await;
    match link {
        Ok(raw) => {
            let id = Opaque::<ConnectTicket>::parse(&raw).map(|link| link.digest().as_str().to_owned());
            let url = gateway.issuer.join(&format!("/connect/{}", raw.as_str()));
            let link = Link { url, id: id.unwrap_or_default() };
            Refusal::Connect(Box::new(Asked::of(&gateway.sessions, call, (need, link), now)))
        }
        Err(error) => {
            tracing::error!(%error, "a link to connect by cannot be kept");
            Refusal::Unrecorded
        }
    }
}
