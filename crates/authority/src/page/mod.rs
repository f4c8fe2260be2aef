//! Pages: plain HTML and one stylesheet, under a policy that allows nothing else.

pub(crate) mod account;
pub(crate) mod connect;
pub(crate) mod consent;
pub(crate) mod console;
pub(crate) mod error;
pub(crate) mod home;
pub(crate) mod job;
pub(crate) mod login;
pub(crate) mod tree;

use askama::Template;
use axum::response::{IntoResponse, Response};
use bailiwick_domain::ids::CorrelationId;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, REFERRER_POLICY, SET_COOKIE,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{HeaderValue, StatusCode};

/// Where a page's forms may lead besides this origin.
pub(crate) enum FormsLead {
    /// Nowhere.
    Here,
    /// To a client, by the redirect that follows the form: browsers hold `form-action` against redirects too.
    To(String),
}

/// The answer that shows a page.
pub(crate) fn show(status: StatusCode, page: &impl Template, forms: &FormsLead) -> Response {
    match page.render() {
        Ok(html) => guarded((status, html).into_response(), forms),
        Err(error) => {
            tracing::error!(%error, "a page could not be rendered");
            (StatusCode::INTERNAL_SERVER_ERROR, "This page could not be shown.\n").into_response()
        }
    }
}

/// The answer that shows a page which follows what happens: our own script, and nothing but this origin to ask.
pub(crate) fn show_live(status: StatusCode, page: &impl Template) -> Response {
    let mut response = show(status, page, &FormsLead::Here);
    let policy = response.headers().get(CONTENT_SECURITY_POLICY).and_then(|policy| policy.to_str().ok());
    let policy = policy.map(|policy| format!("{policy}; script-src 'self'; connect-src 'self'"));
    if let Some(Ok(policy)) = policy.map(|policy| HeaderValue::from_str(&policy)) {
        response.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
    }
    response
}

/// A page that says what went wrong, and the reference under which log and audit know it.
pub fn error_page(status: StatusCode, title: &str, says: &str, correlation: &CorrelationId) -> Response {
    error::page(status, title, says, correlation, None)
}

/// Sends the browser on, after a form (RFC 9700 §4.12: 303, so that the form is not sent along).
pub(crate) fn see_other(to: &str) -> Response {
    lead(StatusCode::SEE_OTHER, to)
}

/// Sends the browser on, after a link.
pub(crate) fn found(to: &str) -> Response {
    lead(StatusCode::FOUND, to)
}

/// The answer with these cookies set.
pub(crate) fn with_cookies(mut response: Response, cookies: impl IntoIterator<Item = Option<HeaderValue>>) -> Response {
    for cookie in cookies.into_iter().flatten() {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    response
}

fn lead(status: StatusCode, to: &str) -> Response {
    let Ok(mut location) = HeaderValue::from_str(to) else {
        return (StatusCode::INTERNAL_SERVER_ERROR, "There is no way to go on from here.\n").into_response();
    };
    location.set_sensitive(true);
    let mut response = status.into_response();
    response.headers_mut().insert(LOCATION, location);
    quiet(response)
}

fn guarded(response: Response, forms: &FormsLead) -> Response {
    let mut response = quiet(response);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    let extra = match forms {
        FormsLead::Here => String::new(),
        FormsLead::To(origin) => format!(" {origin}"),
    };
    let policy = format!(
        "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'; \
         form-action 'self'{extra}"
    );
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    response
}

/// Nothing of it is kept, and no later page learns where the browser was.
fn quiet(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
