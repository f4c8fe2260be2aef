//! The beginning: who asks is checked first, and what is wrong with that is said on a page; what is wrong with the rest
//! goes back to the client.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::response::Response;
use bailiwick_domain::client::{Client, ClientSource};
use bailiwick_domain::grant::{AuthorizationRequest, AuthorizeError, Destination, RawAuthorize};

use super::held::Held;
use super::target::{self, Reason};
use super::{answer, approve};
use crate::authority::Authority;
use crate::fault::Fault;
use crate::page::error::Back;
use crate::page::{found, with_cookies};
use crate::visit::Visit;

/// Why a request gets no further.
enum Stop {
    /// A page says so.
    Page(Fault),
    /// The client is told.
    Back(Box<(Client, Destination)>, Reason),
}

impl<E: Into<Fault>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Page(error.into())
    }
}

/// `GET /authorize`.
pub(crate) async fn begin(
    State(authority): State<Arc<Authority>>,
    visit: Visit,
    RawQuery(query): RawQuery,
) -> Response {
    match proceed(&authority, &visit, query.as_deref().unwrap_or("")).await {
        Ok(response) => response,
        Err(Stop::Page(fault)) => authority.refuse(&visit, &fault),
        Err(Stop::Back(to, reason)) => {
            let (client, destination) = *to;
            go_back(&authority, &visit, &client, &destination, reason).await
        }
    }
}

async fn proceed(authority: &Arc<Authority>, visit: &Visit, query: &str) -> Result<Response, Stop> {
    let raw = RawAuthorize::parse(query).map_err(Fault::Authorize)?;
    let id = raw.client_id().ok_or(Fault::Authorize(AuthorizeError::NoClient))?;
    let client = authority.asking_client(&id, visit).await?;
    let client = client.ok_or(Fault::Authorize(AuthorizeError::UnknownClient))?;
    let destination = raw.destination(&client).map_err(Fault::Authorize)?;
    let back = |reason| Stop::Back(Box::new((client.clone(), destination.clone())), reason);

    let ask = match AuthorizationRequest::check(&raw, &client) {
        Ok(ask) => ask,
        Err(error) if error.by_page() => return Err(Fault::Authorize(error).into()),
        Err(error) => return Err(back(Reason::Request(error))),
    };
    let server =
        authority.server(ask.resource.as_ref()).ok_or_else(|| back(target::no_server(ask.resource.as_ref())))?;
    let scope = target::scope(&server, &ask.scope).map_err(back)?;
    let silent = ask.prompt.as_deref() == Some("none");
    let document = client.is_document().then(|| client.clone());
    let held = Held { ask, resource: server.resource, scope, client_hash: client.metadata_hash(), document };

    if let Some(name) = &authority.dev_approve {
        return Ok(approve::at_once(authority, visit, &client, &held, name).await?);
    }
    let person = visit.person(authority).await?;
    if silent {
        return Err(back(if person.is_some() { Reason::Consent } else { Reason::Login }));
    }
    let (browser, cookie) = visit.browser_or_new(authority);
    let handle = held.keep(authority, visit, &browser).await?.expose();
    let next = match person {
        Some(_) => "/consent",
        None if authority.store.any_user().await? => "/login",
        None => "/setup",
    };
    Ok(with_cookies(found(&format!("{next}?request={}", handle.as_str())), [cookie]))
}

/// Tells the client; but a browser is not sent to a place on the internet that a stranger registered, before somebody
/// is there to be asked (RFC 9700 §4.11.2): the person then sees where they would go.
async fn go_back(authority: &Authority, visit: &Visit, client: &Client, to: &Destination, reason: Reason) -> Response {
    let url = answer::error(&to.redirect_uri, reason, to.state.as_deref(), &authority.issuer);
    tracing::info!(correlation = %visit.correlation, client = %client.id.digest(), %reason, "an authorization request was refused");
    let stranger = client.source != ClientSource::Static && !to.registered.is_loopback();
    let trusted = !stranger || reason.is_expected() || authority.dev_approve.is_some();
    if trusted || matches!(visit.person(authority).await, Ok(Some(_))) {
        return found(&url);
    }
    let why = match reason {
        Reason::Request(_) => "a parameter is missing or wrong",
        Reason::UnknownTarget | Reason::NoTarget => "it names no server that exists here",
        Reason::Scope => "it asks for nothing that exists here",
        Reason::Login | Reason::Consent | Reason::Denied | Reason::Beyond => "it was not approved",
    };
    let back = Back { host: to.registered.host().to_owned(), url };
    authority.refuse_with(visit, &Fault::Unasked(why), Some(back))
}
