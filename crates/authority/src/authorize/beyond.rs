//! Nothing of what an application asks for may be held by this person: they are told, and so is the application, if the
//! person goes back to it.

use axum::response::Response;
use bailiwick_domain::audit::{AuditEvent, AuditKind};
use bailiwick_store::User;

use super::answer;
use super::held::Held;
use super::target::Reason;
use crate::authority::Authority;
use crate::fault::Fault;
use crate::page::error::Back;
use crate::page::found;
use crate::visit::Visit;

/// A page that says so, with the way back.
pub(super) fn page(authority: &Authority, visit: &Visit, held: &Held, user: &User) -> Response {
    record(authority, visit, held, user);
    let back = Back { host: held.ask.registered.host().to_owned(), url: url(authority, held) };
    authority.refuse_with(visit, &Fault::Beyond, Some(back))
}

/// The way back, taken at once: where there is no page.
pub(super) fn redirect(authority: &Authority, visit: &Visit, held: &Held, user: &User) -> Response {
    record(authority, visit, held, user);
    found(&url(authority, held))
}

fn url(authority: &Authority, held: &Held) -> String {
    answer::error(&held.ask.redirect_uri, Reason::Beyond, held.ask.state.as_deref(), &authority.issuer)
}

fn record(authority: &Authority, visit: &Visit, held: &Held, user: &User) {
    let event = AuditEvent::new(AuditKind::ConsentDenied, visit.now)
        .correlation(&visit.correlation)
        .user(&user.id)
        .client(&held.ask.client_id)
        .resource(&held.resource)
        .scope(&held.scope)
        .rule("allow");
    authority.store.record_later(event);
}
