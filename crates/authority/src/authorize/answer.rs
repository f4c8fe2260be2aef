//! The authorization response (RFC 6749 §4.1.2): always with `iss` (RFC 9207), `state` verbatim.

use bailiwick_domain::uri::Issuer;
use url::form_urlencoded::Serializer;

use super::target::Reason;

/// The URL that brings a code to the client.
pub(crate) fn code(redirect_uri: &str, code: &str, state: Option<&str>, issuer: &Issuer) -> String {
    url(redirect_uri, &[("code", Some(code)), ("state", state), ("iss", Some(issuer.as_str()))])
}

/// The URL that brings an error to the client.
pub(crate) fn error(redirect_uri: &str, reason: Reason, state: Option<&str>, issuer: &Issuer) -> String {
    let says = reason.to_string();
    url(
        redirect_uri,
        &[
            ("error", Some(reason.code())),
            ("error_description", Some(&says)),
            ("state", state),
            ("iss", Some(issuer.as_str())),
        ],
    )
}

/// The redirect URI as the client wrote it, with the parameters added to its query.
fn url(redirect_uri: &str, parameters: &[(&str, Option<&str>)]) -> String {
    let mut query = Serializer::new(String::new());
    for (name, value) in parameters.iter().filter_map(|(name, value)| Some((name, (*value)?))) {
        query.append_pair(name, value);
    }
    let joint = match redirect_uri.split_once('?') {
        None => "?",
        Some((_, "")) => "",
        Some(_) => "&",
    };
    format!("{redirect_uri}{joint}{}", query.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_keeps_the_uri_and_its_query() {
        let issuer = Issuer::parse("http://localhost:8787").unwrap();

        assert_eq!(
            code("http://127.0.0.1:9/cb", "c", Some("a b&c"), &issuer),
            "http://127.0.0.1:9/cb?code=c&state=a+b%26c&iss=http%3A%2F%2Flocalhost%3A8787"
        );
        assert_eq!(
            error("https://x.example/cb?k=v", Reason::Denied, None, &issuer),
            "https://x.example/cb?k=v&error=access_denied&error_description=access+was+denied&iss=http%3A%2F%2Flocalhost%3A8787"
        );
    }
}
