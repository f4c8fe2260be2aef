//! Sessions: begun with a new cookie at every login, so that one planted before it is worth nothing.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::Response;
use bailiwick_domain::audit::{AuditEvent, AuditKind};
use bailiwick_domain::ids::{SessionId, UserId};
use bailiwick_domain::opaque::{Opaque, SessionCookie};
use bailiwick_store::{NewSession, Origin};

use crate::account::checked;
use crate::authority::Authority;
use crate::cookies;
use crate::fault::Fault;
use crate::form::{Form, FormError};
use crate::page::{see_other, with_cookies};
use crate::visit::{Person, Visit};

/// How long a browser stays signed in.
const SESSION_LIFE: Duration = Duration::from_hours(12);

impl Authority {
    /// Signs a person in and leads them on.
    pub(super) async fn open_session(&self, visit: &Visit, user: &UserId, next: &str) -> Result<Response, Fault> {
        self.open_session_of(visit, user, None, next).await
    }

    /// The same for somebody who comes from a provider.
    pub(super) async fn open_session_of(
        &self,
        visit: &Visit,
        user: &UserId,
        origin: Option<Origin>,
        next: &str,
    ) -> Result<Response, Fault> {
        if let Some(old) = visit.person(self).await? {
            self.close_session(visit, &old).await?;
        }
        let cookie = Opaque::<SessionCookie>::mint(self.entropy.as_ref());
        let until = visit.now.after(SESSION_LIFE);
        let session = NewSession {
            id: SessionId::draw(self.entropy.as_ref()),
            digest: cookie.digest(),
            user: user.clone(),
            auth_time: visit.now,
            idle_until: until,
            expires_at: until,
            agent: visit.agent(),
            origin,
        };
        let event = AuditEvent::new(AuditKind::LoginSucceeded, visit.now).correlation(&visit.correlation).user(user);
        self.store.open_session(session, event).await?;
        let kept = cookies::keep(&cookie, self.issuer.is_https(), Some(SESSION_LIFE));
        Ok(with_cookies(see_other(next), [kept]))
    }

    async fn close_session(&self, visit: &Visit, person: &Person) -> Result<(), Fault> {
        let event =
            AuditEvent::new(AuditKind::SessionClosed, visit.now).correlation(&visit.correlation).user(&person.user.id);
        self.store.close_session(&person.session.id, &person.user.id, event).await?;
        Ok(())
    }
}

/// `POST /logout`.
pub(crate) async fn sign_out(
    State(authority): State<Arc<Authority>>,
    visit: Visit,
    form: Result<Form, FormError>,
) -> Response {
    let done = async {
        if let Some((person, _)) = checked(&authority, &visit, form).await? {
            authority.close_session(&visit, &person).await?;
        }
        let https = authority.issuer.is_https();
        Ok(with_cookies(see_other("/"), [cookies::drop::<SessionCookie>(https)]))
    };
    authority.settle(&visit, done.await)
}
