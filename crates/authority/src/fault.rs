//! Why a person sees an error page instead of what they came for.

use axum::response::Response;
use bailiwick_domain::audit::{AuditEvent, AuditKind};
use bailiwick_domain::grant::AuthorizeError;
use bailiwick_store::StoreError;
use http::StatusCode;
use http::header::RETRY_AFTER;

use crate::authority::Authority;
use crate::connections::ConnectFault;
use crate::document::DocumentFault;
use crate::form::FormError;
use crate::login::UpstreamError;
use crate::page;
use crate::page::error::Back;
use crate::password::PasswordError;
use crate::visit::Visit;

/// One reason.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    /// Who asks, or where the answer goes, cannot be believed.
    #[error("authorization request refused: {0}")]
    Authorize(AuthorizeError),
    /// The document that a client means to be.
    #[error("client metadata document refused: {0}")]
    Document(#[from] DocumentFault),
    /// The client may not be sent to without the person's leave.
    #[error("authorization request refused: {0}")]
    Unasked(&'static str),
    /// No such authorization request, or it has expired.
    #[error("no such authorization request")]
    NoRequest,
    /// Begun in another browser.
    #[error("the authorization request was begun in another browser")]
    OtherBrowser,
    /// Answered before.
    #[error("the authorization request was answered before")]
    Answered,
    /// Client or server changed while the person was deciding.
    #[error("client or server changed during the authorization request")]
    Changed,
    /// The person may hold nothing of what is asked for.
    #[error("the account may hold none of the scopes asked for")]
    Beyond,
    /// A form that cannot be read.
    #[error("form refused: {0}")]
    Form(#[from] FormError),
    /// A form that was not made here, for this browser and session.
    #[error("the form was not made for this browser")]
    ForeignForm,
    /// The console is for administrators and auditors, and only administrators change anything there.
    #[error("the account's role does not open this")]
    Role,
    /// The account of `--dev-approve` cannot be made or used.
    #[error("the account of --dev-approve cannot be used")]
    DevAccount,
    /// Nothing was connected.
    #[error(transparent)]
    Connect(#[from] ConnectFault),
    /// Nobody was signed in at a provider.
    #[error(transparent)]
    Upstream(#[from] UpstreamError),
    /// A password could not be kept.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Fault {
    fn status(&self) -> StatusCode {
        match self {
            Self::Document(DocumentFault::Limit) => StatusCode::TOO_MANY_REQUESTS,
            Self::Authorize(_)
            | Self::Document(_)
            | Self::Unasked(_)
            | Self::NoRequest
            | Self::OtherBrowser
            | Self::Answered
            | Self::Changed
            | Self::Form(_) => StatusCode::BAD_REQUEST,
            Self::ForeignForm | Self::Beyond | Self::Role => StatusCode::FORBIDDEN,
            Self::DevAccount | Self::Password(_) => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Connect(fault) => fault.status(),
            Self::Upstream(error) => error.status(),
            Self::Store(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// Title and sentence for the person; never anything of what came in.
    fn words(&self) -> (&'static str, String) {
        let (title, says) = match self {
            Self::Authorize(AuthorizeError::UnknownClient) => (
                "Unknown application",
                "The application that sent you here is not known, or was disabled. Removing this server from it and \
                 adding it again makes it register anew.",
            ),
            Self::Authorize(error) => {
                return (
                    "This request cannot be trusted",
                    format!("The application sent a request that is not valid: {error}."),
                );
            }
            Self::Unasked(why) => {
                return (
                    "This request cannot go on",
                    format!("The application sent a request that is not valid: {why}."),
                );
            }
            Self::Document(DocumentFault::Limit) => {
                ("Too many requests", "Wait a minute, then start again from the application.")
            }
            Self::Document(_) => (
                "Unknown application",
                "The application that sent you here describes itself in a document that cannot be used here. Whoever runs \
                 this server finds the reason in its log, by the reference below.",
            ),
            Self::NoRequest => ("This request has expired", "Go back to the application and start again from there."),
            Self::OtherBrowser => (
                "This request belongs to another browser",
                "It was begun elsewhere, or cookies are blocked. Go back to the application and start again in this browser.",
            ),
            Self::Answered => ("Already answered", "This request was answered before. You can close this page."),
            Self::Changed => (
                "Something changed meanwhile",
                "The application or the server changed while you were deciding. Start again from the application.",
            ),
            Self::Beyond => (
                "Your account may not use this",
                "You are signed in, but whoever runs this server has not given your account any of what the application \
                 asks for. Ask them for it, or sign in with another account.",
            ),
            Self::Role => (
                "This is not open to your account",
                "The console is for administrators and auditors, and only administrators stop anything there.",
            ),
            Self::Form(_) => ("The form could not be read", "Go back and send it again."),
            Self::ForeignForm => (
                "The form was not sent from here",
                "It was made in another browser or session, or by another site. Go back, reload the page and send it again.",
            ),
            Self::DevAccount => ("The demo account cannot be used", "The account named by --dev-approve is disabled."),
            Self::Connect(fault) => fault.words(),
            Self::Upstream(error) => error.words(),
            Self::Password(_) => ("The password could not be kept", "Try again."),
            Self::Store(_) => ("Not available at the moment", "Nothing was changed. Try again in a moment."),
        };
        (title, says.to_owned())
    }
}

impl Authority {
    /// The page a person came for, or the one that says why not.
    pub(crate) fn settle(&self, visit: &Visit, came_to: Result<Response, Fault>) -> Response {
        came_to.unwrap_or_else(|fault| self.refuse(visit, &fault))
    }

    /// Answers with the page of `fault`, and makes log and audit know it by the same reference.
    pub(crate) fn refuse(&self, visit: &Visit, fault: &Fault) -> Response {
        self.refuse_with(visit, fault, None)
    }

    /// The same, with a way back for the person to take.
    pub(crate) fn refuse_with(&self, visit: &Visit, fault: &Fault, back: Option<Back>) -> Response {
        let correlation = &visit.correlation;
        if let Fault::Store(error) = fault {
            tracing::error!(%correlation, %error, "a page was refused because the store failed");
        } else {
            tracing::info!(%correlation, reason = %fault, "a page was refused");
            let kind =
                if matches!(fault, Fault::Upstream(_)) { AuditKind::LoginFailed } else { AuditKind::RequestRefused };
            let event = AuditEvent::new(kind, visit.now);
            let event = if let Fault::Connect(fault) = fault { fault.on_record(event) } else { event };
            self.store.record_later(event.correlation(correlation).says(fault.to_string()));
        }
        let (title, says) = fault.words();
        let mut response = page::error::page(fault.status(), title, &says, correlation, back);
        if let Some(wait) = if let Fault::Connect(fault) = fault { fault.wait() } else { None } {
            response.headers_mut().insert(RETRY_AFTER, wait.as_secs().max(1).into());
        }
        response
    }
}
