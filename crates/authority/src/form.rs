//! Forms, read strictly: one content type, a bounded body, no parameter twice (RFC 6749 §3.2), empty means absent.

use axum::body::{Body, to_bytes};
use axum::extract::{FromRequest, Request};
use axum::response::{IntoResponse, Response};
use bailiwick_domain::error::ErrorCode;
use http::header::CONTENT_TYPE;
use zeroize::Zeroizing;

use crate::refuse::Refusal;

/// The largest form accepted, in bytes.
const MOST: usize = 64 * 1024;

/// The fields of a form, in the order they came; values may be secrets.
pub(crate) struct Form(Vec<(String, Zeroizing<String>)>);

/// Why a form is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FormError {
    /// Not `application/x-www-form-urlencoded`.
    #[error("the body must be application/x-www-form-urlencoded")]
    ContentType,
    /// Larger than [`MOST`], or cut off.
    #[error("the body is cut off or larger than 64 KiB")]
    Body,
    /// A parameter came twice.
    #[error("a parameter is repeated")]
    Repeated,
}

impl IntoResponse for FormError {
    fn into_response(self) -> Response {
        Refusal::new(ErrorCode::InvalidRequest, self).into_response()
    }
}

impl Form {
    /// Reads a urlencoded text; fields without a value are dropped.
    pub(crate) fn parse(text: &[u8]) -> Self {
        let pairs = url::form_urlencoded::parse(text);
        let kept = pairs.filter(|(_, value)| !value.is_empty());
        Self(kept.map(|(key, value)| (key.into_owned(), Zeroizing::new(value.into_owned()))).collect())
    }

    /// The form, if no field but those in `lists` came twice.
    pub(crate) fn once(self, lists: &[&str]) -> Result<Self, FormError> {
        let repeated = self.0.iter().enumerate().any(|(n, (key, _))| {
            !lists.contains(&key.as_str()) && self.0.iter().skip(n + 1).any(|(later, _)| later == key)
        });
        if repeated { Err(FormError::Repeated) } else { Ok(self) }
    }

    /// The value of `name`.
    pub(crate) fn one(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Every value of `name`.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

impl<S: Send + Sync> FromRequest<S> for Form {
    type Rejection = FormError;

    async fn from_request(request: Request, _: &S) -> Result<Self, FormError> {
        let (head, body) = request.into_parts();
        let kind = head.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
        let essence = kind.split(';').next().unwrap_or("").trim();
        if !essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            return Err(FormError::ContentType);
        }
        Ok(Self::parse(&read(body).await?))
    }
}

async fn read(body: Body) -> Result<Zeroizing<Vec<u8>>, FormError> {
    let bytes = to_bytes(body, MOST).await.map_err(|_| FormError::Body)?;
    Ok(Zeroizing::new(bytes.to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_value_is_an_absent_one() {
        let form = Form::parse(b"scope=&code=a%20b");

        assert_eq!(form.one("scope"), None);
        assert_eq!(form.one("code"), Some("a b"));
    }

    #[test]
    fn only_lists_may_repeat() {
        assert_eq!(Form::parse(b"code=a&code=a").once(&[]).err(), Some(FormError::Repeated));
        assert!(Form::parse(b"tool=a&tool=b&x=1").once(&["tool"]).is_ok());
    }
}
