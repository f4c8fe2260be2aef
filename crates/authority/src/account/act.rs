//! What a person does on the account page: stop an application, close a session, change the password.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use bailiwick_domain::audit::{AuditEvent, AuditKind};
use bailiwick_domain::chain::Map;
use bailiwick_domain::ids::{GrantId, SessionId, UserId};
use bailiwick_store::{PartyStop, StoreError};

use http::StatusCode;

use super::{checked, page};
use crate::authority::Authority;
use crate::fault::Fault;
use crate::form::{Form, FormError};
use crate::page::account::Notice;
use crate::page::see_other;
use crate::password::PasswordError;
use crate::tree::grow;
use crate::visit::{Person, Visit};

type Posted = Result<Form, FormError>;

/// `POST /account/stop`.
pub(crate) async fn stop(State(authority): State<Arc<Authority>>, visit: Visit, form: Posted) -> Response {
    let done = async {
        let Some((person, form)) = checked(&authority, &visit, form).await? else { return Ok(see_other("/login")) };
        let grant = GrantId::from_stored(form.one("grant").unwrap_or(""));
        if let Some(party) = form.one("party") {
            let owner = Some(&person.user.id);
            let event = event(AuditKind::PartyStopped, &visit, &person).rule("account");
            authority.stop_party(owner, &grant, party, event).await?;
            return Ok(see_other("/account?done=party"));
        }
        let event = event(AuditKind::GrantRevoked, &visit, &person).grant(&grant).rule("account");
        // Only the person's own; one that is gone already is as stopped as one can be.
        authority.store.revoke_grant_of(&person.user.id, &grant, "stopped by the user", event).await?;
        Ok(see_other("/account?done=stopped"))
    };
    authority.settle(&visit, done.await)
}

/// `POST /account/session`.
pub(crate) async fn close_session(State(authority): State<Arc<Authority>>, visit: Visit, form: Posted) -> Response {
    let done = async {
        let Some((person, form)) = checked(&authority, &visit, form).await? else { return Ok(see_other("/login")) };
        let session = SessionId::from_stored(form.one("session").unwrap_or(""));
        let event = event(AuditKind::SessionClosed, &visit, &person);
        authority.store.close_session(&session, &person.user.id, event).await?;
        Ok(see_other("/account?done=closed"))
    };
    authority.settle(&visit, done.await)
}

/// `POST /account/password`.
pub(crate) async fn change_password(State(authority): State<Arc<Authority>>, visit: Visit, form: Posted) -> Response {
    let done = async {
        let Some((person, form)) = checked(&authority, &visit, form).await? else { return Ok(see_other("/login")) };
        match changed(&authority, &visit, &person, &form).await? {
            None => Ok(see_other("/account?done=changed")),
            Some(says) => {
                let mut again = page(&authority, &visit, &person, Some(Notice { says, bad: true })).await?;
                *again.status_mut() = StatusCode::BAD_REQUEST;
                Ok(again)
            }
        }
    };
    authority.settle(&visit, done.await)
}

/// Changes the password; a sentence when the person must try again.
async fn changed(
    authority: &Authority,
    visit: &Visit,
    person: &Person,
    form: &Form,
) -> Result<Option<&'static str>, Fault> {
    let old = form.one("password").unwrap_or("");
    if authority.check_password(visit, &person.user.name, old).await?.is_err() {
        return Ok(Some("The present password is wrong, or was wrong too often. Nothing was changed."));
    }
    let new = form.one("new").unwrap_or("");
    if form.one("again") != Some(new) {
        return Ok(Some("The two new passwords are not the same. Nothing was changed."));
    }
    let phc = match authority.passwords.hash(new, authority.entropy.as_ref()).await {
        Ok(phc) => phc,
        Err(PasswordError::Short) => return Ok(Some("The new password is too short. Nothing was changed.")),
        Err(PasswordError::Long) => return Ok(Some("The new password is too long. Nothing was changed.")),
        Err(error @ PasswordError::Hash) => return Err(error.into()),
    };
    let event = event(AuditKind::SessionClosed, visit, person).rule("password-changed");
    authority.store.change_password(&person.user.id, phc, &person.session.id, event).await?;
    Ok(None)
}

impl Authority {
    /// Stops a party of the tree below a grant; whom the tree does not show, nobody can stop there.
    pub(crate) async fn stop_party(
        &self,
        owner: Option<&UserId>,
        grant: &GrantId,
        id: &str,
        event: AuditEvent,
    ) -> Result<bool, StoreError> {
        let Some(tree) = self.store.tree(grant, event.at).await? else { return Ok(false) };
        let approval = &tree.grant.approval;
        if owner.is_some_and(|owner| *owner != approval.user) {
            return Ok(false);
        }
        let named = {
            let (directory, catalogue) = (self.directory.load(), self.catalogue.load());
            grow(Map { directory: &directory, catalogue: &catalogue }, &tree).stop_names(id)
        };
        let Some(party) = named else { return Ok(false) };
        let event = event.grant(grant).transaction(&approval.transaction).says(id);
        let stop = PartyStop { grant: grant.clone(), owner: owner.cloned(), party };
        self.store.stop_party(stop, event).await
    }
}

fn event(kind: AuditKind, visit: &Visit, person: &Person) -> AuditEvent {
    AuditEvent::new(kind, visit.now).correlation(&visit.correlation).user(&person.user.id)
}
