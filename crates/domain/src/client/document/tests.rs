use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

const CLAUDE_CODE: &str = "https://claude.ai/oauth/claude-code-client-metadata";
const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

fn url(text: &str) -> DocumentUrl {
    DocumentUrl::parse(text).unwrap()
}

fn read(at: &str, document: &Value) -> Result<ClientDocument, DocumentError> {
    ClientDocument::parse(&url(at), document.to_string().as_bytes())
}

fn claude_code() -> Value {
    json!({
        "client_id": CLAUDE_CODE,
        "client_name": "Claude Code",
        "client_uri": "https://claude.ai",
        "redirect_uris": ["http://localhost/callback", "http://127.0.0.1/callback"],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
    })
}

fn with(name: &str, value: Value) -> Value {
    let mut document = claude_code();
    document[name] = value;
    document
}

#[test]
fn the_document_of_a_terminal_client_is_a_client_on_any_loopback_port() {
    let client = read(CLAUDE_CODE, &claude_code()).unwrap().client(NOW).unwrap();

    assert_eq!((client.id.as_str(), client.name.as_str()), (CLAUDE_CODE, "Claude Code"));
    assert_eq!((client.source, client.auth, client.issued_at), (ClientSource::Document, AuthMethod::None, NOW));
    assert_eq!(client.grant_types, [GrantType::AuthorizationCode, GrantType::RefreshToken]);
    for taken in ["http://localhost/callback", "http://localhost:54212/callback", "http://127.0.0.1:3118/callback"] {
        assert!(client.accepts_redirect(taken).is_some(), "{taken}");
    }
    for refused in ["http://localhost:54212/other", "http://127.0.0.1.evil.example/callback", "http://[::1]/callback"] {
        assert!(client.accepts_redirect(refused).is_none(), "{refused}");
    }
}

#[test]
fn a_hosted_client_keeps_what_we_know_of_its_grant_types() {
    let at = "https://claude.ai/oauth/mcp-oauth-client-metadata";
    let document = json!({
        "client_id": at,
        "client_name": "Claude",
        "redirect_uris": ["https://claude.ai/api/mcp/auth_callback"],
        "grant_types": ["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:jwt-bearer"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
        "jwks_uri": "https://169.254.169.254/keys",
    });

    let client = read(at, &document).unwrap().client(NOW).unwrap();

    assert_eq!(client.grant_types, [GrantType::AuthorizationCode, GrantType::RefreshToken]);
}

#[test]
fn an_editor_redirects_to_its_own_host_and_to_loopback() {
    let at = "https://vscode.dev/oauth/client-metadata.json";
    let document = json!({
        "client_name": "Visual Studio Code",
        "client_id": at,
        "client_uri": "https://vscode.dev/product",
        "logo_uri": "https://code.visualstudio.com/assets/branding/code-stable.png",
        "grant_types": ["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"],
        "response_types": ["code"],
        "redirect_uris": ["http://127.0.0.1:33418/", "https://vscode.dev/redirect", "vscode://oauth/callback"],
        "token_endpoint_auth_method": "none",
        "application_type": "native",
    });

    let client = read(at, &document).unwrap().client(NOW).unwrap();

    assert!(client.accepts_redirect("http://127.0.0.1:40000/").is_some());
    assert!(client.accepts_redirect("https://vscode.dev/redirect").is_some());
}

#[test]
fn a_client_that_offers_several_methods_is_taken_at_none() {
    let mut document = with("token_endpoint_auth_methods_supported", json!(["private_key_jwt", "none"]));
    assert!(read(CLAUDE_CODE, &document).is_ok());
    document["token_endpoint_auth_method"] = json!("private_key_jwt");
    assert!(read(CLAUDE_CODE, &document).is_ok());
    document["token_endpoint_auth_methods_supported"] = json!(["private_key_jwt", "client_secret_basic"]);
    assert_eq!(read(CLAUDE_CODE, &document), Err(DocumentError::PrivateKey));
}

#[test]
fn a_document_that_says_only_what_it_must_is_taken() {
    let document = json!({ "client_id": CLAUDE_CODE, "client_name": "x", "redirect_uris": ["http://localhost/cb"] });

    let client = read(CLAUDE_CODE, &document).unwrap().client(NOW).unwrap();

    assert_eq!((client.auth, client.grant_types), (AuthMethod::None, vec![GrantType::AuthorizationCode]));
}

#[test]
fn everything_else_is_refused_for_its_reason() {
    let many: Vec<_> = (0..21).map(|n| format!("http://localhost/{n}")).collect();
    let cases = [
        (with("client_id", json!("https://claude.ai/oauth/claude-code-client-metadata/")), DocumentError::Identity),
        (with("client_id", json!("https://CLAUDE.ai/oauth/claude-code-client-metadata")), DocumentError::Identity),
        (with("client_id", Value::Null), DocumentError::Identity),
        (with("client_name", Value::Null), DocumentError::NoName),
        (with("client_name", json!(" \u{202e}\n")), DocumentError::NoName),
        (with("redirect_uris", json!([])), DocumentError::NoRedirect),
        (with("redirect_uris", json!(many)), DocumentError::ManyRedirects),
        (with("redirect_uris", json!(["javascript:alert(1)"])), DocumentError::Redirect(RedirectError::Scheme)),
        (with("redirect_uris", json!(["http://evil.example/cb"])), DocumentError::Redirect(RedirectError::PlainHttp)),
        (with("redirect_uris", json!(["https://evil.example/cb"])), DocumentError::ForeignRedirect),
        (
            with("redirect_uris", json!(["http://localhost/cb", "https://claude.ai:8443/cb"])),
            DocumentError::ForeignRedirect,
        ),
        (with("client_secret", json!("s3cret")), DocumentError::Secret),
        (with("client_secret_expires_at", json!(0)), DocumentError::Secret),
        (with("token_endpoint_auth_method", json!("client_secret_basic")), DocumentError::SharedSecret),
        (with("token_endpoint_auth_method", json!("client_secret_jwt")), DocumentError::SharedSecret),
        (with("token_endpoint_auth_method", json!("private_key_jwt")), DocumentError::PrivateKey),
        (with("token_endpoint_auth_method", json!("tls_client_auth")), DocumentError::AuthMethod),
        (with("grant_types", json!(["client_credentials"])), DocumentError::GrantTypes),
        (with("response_types", json!(["token"])), DocumentError::ResponseTypes),
    ];
    for (document, error) in cases {
        assert_eq!(read(CLAUDE_CODE, &document), Err(error), "{document}");
    }
}

#[test]
fn what_is_no_document_says_where_and_repeats_nothing() {
    for text in ["", "[]", "null", "\"x\"", "{", "{\"client_id\": 7}", "{\"client_name\":\"a\",\"client_name\":\"b\"}"]
    {
        let error = ClientDocument::parse(&url(CLAUDE_CODE), text.as_bytes()).unwrap_err();
        assert!(matches!(error, DocumentError::Malformed(_)), "{text}: {error}");
    }
    let error = ClientDocument::parse(&url(CLAUDE_CODE), b"{\"client_name\": [\"internal secret\"]}").unwrap_err();
    assert!(!error.to_string().contains("internal"), "{error}");
}

#[test]
fn consent_is_asked_again_when_what_was_shown_changes() {
    let hash = |document: &Value| read(CLAUDE_CODE, document).unwrap().client(NOW).unwrap().metadata_hash();
    let before = hash(&claude_code());

    assert_eq!(before, hash(&with("logo_uri", json!("https://claude.ai/logo.png"))));
    assert_ne!(before, hash(&with("client_name", json!("Claude Cod"))));
    assert_ne!(before, hash(&with("redirect_uris", json!(["http://localhost/callback"]))));
    assert_ne!(before, hash(&with("grant_types", json!(["authorization_code"]))));
}

proptest! {
    /// No bytes bring the reader down, and what it takes keeps its promises.
    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200), redirect in "[a-z:/.0-9\\[\\]@#?%]{0,40}") {
        let _ = ClientDocument::parse(&url(CLAUDE_CODE), &bytes);
        if let Ok(taken) = read(CLAUDE_CODE, &with("redirect_uris", json!([redirect]))) {
            let client = taken.client(NOW).unwrap();
            let uri = client.redirect_uris.first().unwrap();
            prop_assert!(!uri.as_str().starts_with("https:") || uri.as_str().starts_with("https://claude.ai"));
        }
    }
}
