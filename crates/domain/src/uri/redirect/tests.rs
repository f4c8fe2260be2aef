use proptest::prelude::*;

use super::*;

fn registered(raw: &str) -> RedirectUri {
    RedirectUri::register(raw).expect(raw)
}

#[test]
fn registration_takes_what_mcp_clients_use() {
    let uris = [
        ("https://claude.ai/api/mcp/auth_callback", "claude.ai"),
        ("https://Example.com:8443/cb?tenant=1&x=%20", "Example.com"),
        ("https://[2001:db8::1]:8443/cb", "[2001:db8::1]"),
        ("https://example.com", "example.com"),
        ("http://localhost/callback", "localhost"),
        ("http://localhost:54545/callback", "localhost"),
        ("http://127.0.0.1:33418/", "127.0.0.1"),
        ("http://127.0.0.1:33418", "127.0.0.1"),
        ("http://[::1]:1/cb?x=1", "[::1]"),
        ("cursor://anysphere.cursor-mcp/oauth/callback", "cursor"),
        ("vscode://vscode.github-authentication/did-authenticate", "vscode"),
        ("vscode-insiders://publisher.extension/cb", "vscode-insiders"),
        ("windsurf://codeium.windsurf/oauth", "windsurf"),
        ("claude://oauth/callback", "claude"),
        ("com.example.app:/oauth2redirect", "com.example.app"),
    ];

    for (raw, host) in uris {
        let uri = registered(raw);
        assert_eq!((uri.as_str(), uri.host()), (raw, host));
        assert!(uri.accepts(raw), "{raw}");
    }
}

#[test]
fn registration_refuses_what_could_lead_elsewhere() {
    let long = format!("https://example.com/{}", "a".repeat(500));
    let refused = [
        (long.as_str(), RedirectError::TooLong),
        ("https://example.com/a b", RedirectError::Character),
        ("https://example.com\\@evil.example/", RedirectError::Character),
        ("https://example.com/\r\nSet-Cookie:x", RedirectError::Character),
        ("https://exämple.com/cb", RedirectError::Character),
        ("https://example.com/%0d%0a", RedirectError::Character),
        ("https://example.com/%5c..", RedirectError::Character),
        ("https://example.com/%zz", RedirectError::Character),
        ("https://example.com/%", RedirectError::Character),
        ("https://example.com/<script>", RedirectError::Character),
        ("https://*.example.com/cb", RedirectError::Wildcard),
        ("https://example.com/*", RedirectError::Wildcard),
        ("https://example.com/cb#", RedirectError::Fragment),
        ("https://user@example.com/cb", RedirectError::UserInfo),
        ("http://localhost:80@evil.example/", RedirectError::UserInfo),
        ("https://example.com/a/../b", RedirectError::DotSegment),
        ("https://example.com/.", RedirectError::DotSegment),
        ("https://example.com/a/%2E%2e/b", RedirectError::DotSegment),
        ("https:/example.com/cb", RedirectError::Host),
        ("https:///example.com/cb", RedirectError::Host),
        ("https://0x7f.1/cb", RedirectError::Host),
        ("https://2130706433/cb", RedirectError::Host),
        ("https://exa%6dple.com/cb", RedirectError::Host),
        ("https://a;sandbox/cb", RedirectError::Host),
        ("https://example.com:99999/cb", RedirectError::Host),
        ("https://", RedirectError::Host),
        ("http://example.com/cb", RedirectError::PlainHttp),
        ("http://localhost.evil.example/cb", RedirectError::PlainHttp),
        ("http://127.0.0.1.evil.example/", RedirectError::PlainHttp),
        ("http://127.0.0.2/cb", RedirectError::PlainHttp),
        ("http://localhost:/cb", RedirectError::PlainHttp),
        ("http://localhost:0/cb", RedirectError::PlainHttp),
        ("http://localhost:65536/cb", RedirectError::PlainHttp),
        ("HTTPS://example.com/cb", RedirectError::Scheme),
        ("javascript:alert(1)", RedirectError::Scheme),
        ("data:text/html,x", RedirectError::Scheme),
        ("file:///etc/passwd", RedirectError::Scheme),
        ("myapp://cb", RedirectError::Scheme),
        ("java.script:alert(1)", RedirectError::Scheme),
        (".app:/cb", RedirectError::Scheme),
        ("urn:ietf:wg:oauth:2.0:oob", RedirectError::Scheme),
        ("/callback", RedirectError::Scheme),
        ("", RedirectError::Scheme),
    ];

    for (raw, why) in refused {
        assert_eq!(RedirectUri::register(raw), Err(why), "{raw}");
    }
}

#[test]
fn a_loopback_redirect_matches_on_any_port_and_nothing_else() {
    for base in ["http://127.0.0.1", "http://localhost", "http://[::1]"] {
        for form in [format!("{base}/cb?x=1"), format!("{base}:3000/cb?x=1")] {
            let uri = registered(&form);
            assert!(uri.is_loopback());
            for same in ["/cb?x=1", ":1/cb?x=1", ":65535/cb?x=1"] {
                assert!(uri.accepts(&format!("{base}{same}")), "{form} {same}");
            }
            let others =
                ["/cb", "/cb?x=2", "/cb/?x=1", "/CB?x=1", ":0/cb?x=1", ":65536/cb?x=1", ":/cb?x=1", ":1a/cb?x=1", ""];
            for other in others {
                assert!(!uri.accepts(&format!("{base}{other}")), "{form} {other}");
            }
            for other in ["https://localhost/cb?x=1", "http://u@localhost/cb?x=1", "http://evil.example/cb?x=1"] {
                assert!(!uri.accepts(other), "{form} {other}");
            }
        }
    }
    assert!(!registered("http://127.0.0.1/cb").accepts("http://localhost/cb"));
}

#[test]
fn beyond_loopback_only_the_same_text_matches() {
    let cases = [
        ("https://example.com/cb", "https://example.com:443/cb"),
        ("https://example.com/cb", "https://example.com/cb/"),
        ("https://example.com/cb", "https://EXAMPLE.com/cb"),
        ("https://example.com/cb", "https://example.com/cb?x"),
        ("https://example.com", "https://example.com/"),
        ("https://localhost:1/cb", "https://localhost:2/cb"),
        ("cursor://host:1/cb", "cursor://host:2/cb"),
    ];

    for (uri, presented) in cases {
        assert!(!registered(uri).accepts(presented), "{uri} {presented}");
    }
}

#[test]
fn the_policy_source_covers_every_port_it_may_lead_to() {
    let cases = [
        ("https://example.com:8443/cb", "https://example.com:8443"),
        ("https://example.com/cb", "https://example.com"),
        ("http://localhost:3000/cb", "http://localhost:*"),
        ("http://[::1]/cb", "http:"),
        ("cursor://anysphere.cursor-mcp/oauth/callback", "cursor:"),
    ];

    for (uri, source) in cases {
        assert_eq!(registered(uri).origin(), source);
    }
}

#[test]
fn stored_text_is_checked_again_when_read() {
    let read = serde_json::from_str::<RedirectUri>;

    assert_eq!(read(r#""https://example.com/cb""#).unwrap().as_str(), "https://example.com/cb");
    assert!(read(r#""javascript:alert(1)""#).is_err());
}

/// Redirect URIs near enough to each other to be confused.
fn near() -> impl Strategy<Value = String> {
    let scheme = prop_oneof!["http", "https", "cursor", "com.example.app"];
    let host = prop_oneof!["localhost", "127\\.0\\.0\\.1", "\\[::1\\]", "example\\.com"];
    let port = prop_oneof!["", ":[0-9]{1,5}"];
    let tail = prop_oneof!["", "/", "/cb", "/cb\\?x=1", "\\?x=1"];
    (scheme, host, port, tail).prop_map(|(scheme, host, port, tail)| format!("{scheme}://{host}{port}{tail}"))
}

/// What matching means, by another parser: the same URL once a port on loopback is gone.
fn portless(raw: &str) -> Option<String> {
    let mut url = url::Url::parse(raw).ok()?;
    let loopback = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    (url.scheme() == "http" && loopback && url.port() != Some(0)).then_some(())?;
    // The parser adds a slash to an empty path; the text must not gain one.
    let bare =
        raw.trim_start_matches("http://").find(['/', '?']).is_none_or(|at| raw.get(at + 7..=at + 7) == Some("?"));
    url.set_port(None).ok()?;
    Some(format!("{url} {bare}"))
}

proptest! {
    #[test]
    fn acceptance_is_equality_but_for_a_loopback_port(uri in near(), presented in near()) {
        if let Ok(registered) = RedirectUri::register(&uri) {
            let same_place = portless(&uri).is_some_and(|place| portless(&presented) == Some(place));
            prop_assert_eq!(registered.accepts(&presented), uri == presented || same_place);
        }
    }

    #[test]
    fn whatever_is_registered_is_kept_as_text_and_cannot_break_a_header(raw in "\\PC{0,40}|[a-z.]{1,8}:/{0,3}[!-~]{0,30}") {
        if let Ok(uri) = RedirectUri::register(&raw) {
            prop_assert_eq!(uri.as_str(), &raw);
            prop_assert!(uri.accepts(&raw));
            prop_assert!(!uri.host().is_empty());
            prop_assert!(uri.origin().bytes().all(|b| b.is_ascii_graphic() && !b";,'\"".contains(&b)));
        }
    }

    #[test]
    fn no_text_but_its_own_matches_a_registered_host(presented in "\\PC{0,40}") {
        let uri = registered("https://example.com/cb");
        prop_assert_eq!(uri.accepts(&presented), presented == "https://example.com/cb");
    }
}
