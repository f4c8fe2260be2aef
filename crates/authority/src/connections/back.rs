//! The way back from a provider, and the end.

use std::sync::Arc;

use axum::extract::{Path, RawQuery, State};
use axum::response::Response;
use bailiwick_domain::control::{Control, holds};
use http::StatusCode;
use url::form_urlencoded::byte_serialize;

use super::away::Away;
use super::connector::{Answer, ConnectError};
use super::fault::ConnectFault;
use super::invite::made;
use super::ticket::Invitation;
use crate::authority::Authority;
use crate::fault::Fault;
use crate::form::Form;
use crate::page::connect::DonePage;
use crate::page::{FormsLead, see_other, show};
use crate::visit::Visit;

/// `GET /connect/callback/{connection}`.
pub(crate) async fn finish(
    State(authority): State<Arc<Authority>>,
    Path(connection): Path<String>,
    visit: Visit,
    RawQuery(query): RawQuery,
) -> Response {
    let answer = (connection.as_str(), query.as_deref().unwrap_or(""));
    authority.settle(&visit, finished(&authority, &visit, answer).await)
}

/// Who comes back is checked before what they bring: the browser that left, the person who left, their link.
async fn finished(authority: &Authority, visit: &Visit, (connection, query): (&str, &str)) -> Result<Response, Fault> {
    let answer = Form::parse(query.as_bytes()).once(&[])?;
    let away = Away::take(authority, visit, answer.one("state")).await?;
    let Some(person) = visit.person(authority).await? else { return Err(ConnectFault::State.into()) };
    let invitation = Invitation::find(authority, visit, &away.ticket, &person).await?;
    // INVARIANT: what arrives at one provider's place is never taken for another's answer.
    if invitation.provider.id != connection && holds(Control::CallbackPath) {
        return Err(ConnectFault::from(ConnectError::Issuer).into());
    }
    if answer.one("error").is_none() {
        invitation.spend(authority, visit).await?;
    }
    let connector = &authority.connecting()?.connector;
    let brought = Answer { sealed: away.sealed, query };
    connector.finish(&invitation.key(), brought, made(visit, &invitation)).await.map_err(ConnectFault::from)?;
    Ok(see_other(&to_done(&invitation)))
}

/// `GET /connect/done`.
pub(crate) async fn done(State(authority): State<Arc<Authority>>, visit: Visit, RawQuery(query): RawQuery) -> Response {
    let shown = async {
        let query = Form::parse(query.as_deref().unwrap_or("").as_bytes());
        let Some(person) = visit.person(&authority).await? else { return Ok(see_other("/")) };
        let provider = query.one("provider").and_then(|id| authority.connectable(id));
        let title = provider.ok_or(ConnectFault::Gone)?.title;
        Ok(show(StatusCode::OK, &DonePage { title: &title, user: &person.user.name }, &FormsLead::Here))
    };
    authority.settle(&visit, shown.await)
}

/// Where the page is that says that it is done.
pub(super) fn to_done(invitation: &Invitation) -> String {
    let id: String = byte_serialize(invitation.provider.id.as_bytes()).collect();
    format!("/connect/done?provider={id}")
}
