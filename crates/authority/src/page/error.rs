//! The page of an error.

use askama::Template;
use axum::response::Response;
use bailiwick_domain::ids::CorrelationId;
use http::StatusCode;

use super::FormsLead;

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage<'a> {
    title: &'a str,
    says: &'a str,
    correlation: &'a CorrelationId,
    back: Option<Back>,
}

/// A way back to the application, for the person to take or not.
pub(crate) struct Back {
    /// Who is there.
    pub(crate) host: String,
    /// The way.
    pub(crate) url: String,
}

pub(crate) fn page(
    status: StatusCode,
    title: &str,
    says: &str,
    correlation: &CorrelationId,
    back: Option<Back>,
) -> Response {
    super::show(status, &ErrorPage { title, says, correlation, back }, &FormsLead::Here)
}
