use proptest::prelude::*;

use super::*;
use crate::client::{AuthMethod, ClientSource};
use crate::error::ErrorCode;
use crate::time::Timestamp;

const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

fn client(redirect_uris: &[&str]) -> Client {
    Client {
        id: ClientId::parse("app").unwrap(),
        name: "App".to_owned(),
        source: ClientSource::Registered,
        redirect_uris: redirect_uris.iter().map(|raw| RedirectUri::register(raw).unwrap()).collect(),
        grant_types: vec![GrantType::AuthorizationCode],
        auth: AuthMethod::None,
        scope: None,
        uri: None,
        secret: None,
        assertion: None,
        issued_at: Timestamp::from_seconds(1),
    }
}

/// A good request, each parameter once.
fn good() -> Vec<(&'static str, &'static str)> {
    vec![
        ("response_type", "code"),
        ("client_id", "app"),
        ("redirect_uri", "http://127.0.0.1:4711/cb"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
        ("state", "a b&c=/%"),
        ("scope", "mcp:read"),
        ("resource", "https://mcp.example.com/mcp"),
    ]
}

/// A good request but for one parameter; an empty value leaves it out.
fn with(name: &'static str, value: &'static str) -> Vec<(&'static str, &'static str)> {
    let mut fields = good();
    fields.retain(|(known, _)| *known != name);
    fields.push((name, value));
    fields
}

fn query(fields: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

fn check(query: &str) -> Result<AuthorizationRequest, AuthorizeError> {
    AuthorizationRequest::check(&RawAuthorize::parse(query)?, &client(&["http://127.0.0.1/cb", "https://app.example/"]))
}

#[test]
fn a_good_request_is_taken_whole() {
    let request = check(&query(&good())).unwrap();

    assert_eq!(request.redirect_uri, "http://127.0.0.1:4711/cb");
    assert_eq!(request.registered.as_str(), "http://127.0.0.1/cb");
    assert_eq!(request.state.as_deref(), Some("a b&c=/%"));
    assert_eq!(request.challenge.as_str(), CHALLENGE);
    assert_eq!(request.scope.to_string(), "mcp:read");
    assert_eq!(request.resource.as_ref().map(Resource::as_str), Some("https://mcp.example.com/mcp"));
    let held = serde_json::to_string(&request).unwrap();
    assert_eq!(serde_json::from_str::<AuthorizationRequest>(&held).unwrap(), request);
}

#[test]
fn unknown_parameters_are_ignored_and_empty_ones_omitted() {
    for more in ["&foo=1&foo=2", "&state=", "&request=&prompt=login&response_mode=query", "&prompt=none"] {
        assert!(check(&format!("{}{more}", query(&good()))).is_ok(), "{more}");
    }
    let bare = check(&query(&with("resource", ""))).unwrap();
    assert_eq!(bare.resource, None);
    assert!(check(&query(&with("scope", ""))).unwrap().scope.is_empty());
}

#[test]
fn whoever_cannot_be_answered_safely_ends_on_a_page() {
    let twice = |more: &str| format!("{}&{more}", query(&good()));
    let refused = [
        (format!("{}&x={}", query(&good()), "a".repeat(8192)), AuthorizeError::TooLong),
        (twice("client_id=app"), AuthorizeError::Ambiguous),
        (twice("client%5fid=other"), AuthorizeError::Ambiguous),
        (twice("redirect_uri=https://evil.example/"), AuthorizeError::Ambiguous),
        (query(&with("client_id", "")), AuthorizeError::NoClient),
        (query(&with("client_id", "other")), AuthorizeError::NoClient),
        (query(&with("client_id", "caf\u{e9}")), AuthorizeError::NoClient),
        (query(&with("redirect_uri", "")), AuthorizeError::NoRedirect),
        (query(&with("redirect_uri", "https://evil.example/")), AuthorizeError::Redirect),
        (query(&with("redirect_uri", "https://app.example")), AuthorizeError::Redirect),
        (query(&with("redirect_uri", "http://127.0.0.1:4711/cb#x")), AuthorizeError::Redirect),
        (query(&with("redirect_uri", "javascript:alert(1)")), AuthorizeError::Redirect),
    ];

    for (query, why) in refused {
        assert_eq!(check(&query), Err(why), "{query}");
        assert!(why.by_page(), "{why}");
    }
    assert!(AuthorizeError::UnknownClient.by_page());
}

#[test]
fn every_other_refusal_goes_back_to_the_client() {
    let twice = |more: &str| format!("{}&{more}", query(&good()));
    let request = ErrorCode::InvalidRequest;
    let refused = [
        (query(&with("response_type", "")), request),
        (query(&with("response_type", "token")), ErrorCode::UnsupportedResponseType),
        (query(&with("response_type", "code id_token")), ErrorCode::UnsupportedResponseType),
        (query(&with("response_mode", "fragment")), request),
        (query(&with("response_mode", "form_post")), request),
        (query(&with("code_challenge", "")), request),
        (query(&with("code_challenge", "too-short")), request),
        (query(&with("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw+cM")), request),
        (query(&with("code_challenge_method", "")), request),
        (query(&with("code_challenge_method", "plain")), request),
        (query(&with("code_challenge_method", "s256")), request),
        (query(&with("scope", "mcp:\"read\"")), ErrorCode::InvalidScope),
        (query(&with("resource", "/mcp")), ErrorCode::InvalidTarget),
        (query(&with("resource", "https://mcp.example.com/mcp#x")), ErrorCode::InvalidTarget),
        (query(&with("prompt", "none login")), request),
        (query(&with("request", "eyJ")), request),
        (query(&with("request_uri", "https://app.example/r")), request),
        (twice("resource=https://other.example/mcp"), ErrorCode::InvalidTarget),
        (twice("state=other"), request),
        (twice("scope=mcp:write"), request),
        (twice("code_challenge_method=plain"), request),
        (query(&with("state", "")) + "&state=%ff", request),
        (query(&with("nonce", "")) + &format!("&nonce={}", "n".repeat(4097)), request),
    ];

    for (query, code) in refused {
        let refusal = check(&query).unwrap_err();
        assert_eq!((refusal.code(), refusal.by_page()), (code, false), "{query}");
    }
}

#[test]
fn the_challenge_is_asked_of_confidential_clients_too() {
    let confidential = Client { auth: AuthMethod::ClientSecretBasic, ..client(&["http://127.0.0.1/cb"]) };
    let raw = RawAuthorize::parse(&query(&with("code_challenge", ""))).unwrap();

    assert_eq!(AuthorizationRequest::check(&raw, &confidential), Err(AuthorizeError::Challenge));
}

#[test]
fn a_client_that_registered_for_no_code_gets_none() {
    let machine = Client { grant_types: vec![GrantType::ClientCredentials], ..client(&["http://127.0.0.1/cb"]) };
    let raw = RawAuthorize::parse(&query(&good())).unwrap();

    let refusal = AuthorizationRequest::check(&raw, &machine).unwrap_err();

    assert_eq!((refusal.code(), refusal.by_page()), (ErrorCode::UnauthorizedClient, false));
}

#[test]
fn an_omitted_redirect_uri_means_the_only_one() {
    let raw = RawAuthorize::parse(&query(&with("redirect_uri", ""))).unwrap();

    let to = raw.destination(&client(&["https://app.example/"])).unwrap();
    assert_eq!((to.redirect_uri.as_str(), to.state.as_deref()), ("https://app.example/", Some("a b&c=/%")));
    assert_eq!(raw.destination(&client(&[])), Err(AuthorizeError::NoRedirect));
}

proptest! {
    #[test]
    fn no_query_makes_it_panic(raw in "\\PC{0,200}|([a-z_]{1,10}=[%a-zA-Z0-9]{0,10}&){0,20}") {
        drop(check(&raw));
    }

    #[test]
    fn state_comes_back_verbatim(state in "[^\u{fffd}]{1,100}") {
        let mut fields = good();
        fields.retain(|(name, _)| *name != "state");
        let query = format!("{}&{}", query(&fields), query(&[("state", &state)]));
        prop_assert_eq!(check(&query).unwrap().state, Some(state));
    }
}
