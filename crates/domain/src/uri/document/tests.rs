use proptest::prelude::*;

use super::*;

#[test]
fn the_documents_of_shipped_clients_are_taken() {
    let known = [
        ("https://claude.ai/oauth/claude-code-client-metadata", "claude.ai", 443, "/oauth/claude-code-client-metadata"),
        ("https://vscode.dev/oauth/client-metadata.json", "vscode.dev", 443, "/oauth/client-metadata.json"),
        ("https://localhost:8443/client.json", "localhost", 8443, "/client.json"),
        ("https://xn--bcher-kva.example/a/b~c;d=1,2", "xn--bcher-kva.example", 443, "/a/b~c;d=1,2"),
        ("https://a.example/caf%C3%A9", "a.example", 443, "/caf%C3%A9"),
    ];
    for (text, host, port, path) in known {
        let url = DocumentUrl::parse(text).unwrap();
        assert_eq!((url.as_str(), url.host(), url.port(), url.path()), (text, host, port, path));
    }
    assert_eq!(DocumentUrl::parse("https://localhost:8443/c").unwrap().authority(), "localhost:8443");
    assert_eq!(DocumentUrl::parse("https://a.example/a.example").unwrap().authority(), "a.example");
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn everything_else_is_refused_for_its_reason() {
    use DocumentUrlError::{
        Ambiguous, Character, DotSegment, Fragment, Host, NoPath, Port, Query, Scheme, TooLong, UserInfo,
    };
    let long = format!("https://a.example/{}", "a".repeat(MOST));
    let label = format!("https://{}.example/c", "a".repeat(64));
    let cases = [
        ("", Scheme),
        ("http://a.example/c", Scheme),
        ("HTTPS://a.example/c", Scheme),
        (" https://a.example/c", Scheme),
        ("https:/a.example/c", Scheme),
        ("https:\\\\a.example/c", Scheme),
        ("file:///etc/passwd", Scheme),
        (long.as_str(), TooLong),
        ("https://a.example/c ", Character),
        ("https://a.example/c\n", Character),
        ("https://a.example\t/c", Character),
        ("https://a.example\\@b.example/c", Character),
        ("https://b\u{fc}cher.example/c", Character),
        ("https://a\u{3002}example/c", Character),
        ("https://a.example/%", Character),
        ("https://a.example/%0a", Character),
        ("https://a.example/%2f%2fb", Character),
        ("https://a.example/%5cb", Character),
        ("https://a.example/%252e", Character),
        ("https://a.example/%+1", Character),
        ("https://a.example/[c]", Character),
        ("https://a.example/c#", Fragment),
        ("https://a.example#/c", Fragment),
        ("https://a.example/c?", Query),
        ("https://a.example?/c", Query),
        ("https://u@a.example/c", UserInfo),
        ("https://u:p@a.example/c", UserInfo),
        ("https://@a.example/c", UserInfo),
        ("https:///c", Host),
        ("https://A.example/c", Host),
        ("https://a.example./c", Host),
        ("https://.a.example/c", Host),
        ("https://a..example/c", Host),
        ("https://-a.example/c", Host),
        ("https://a_b.example/c", Host),
        ("https://a%2eexample/c", Host),
        (label.as_str(), Host),
        ("https://127.0.0.1/c", Host),
        ("https://2130706433/c", Host),
        ("https://0x7f.1/c", Host),
        ("https://0177.0.0.1/c", Host),
        ("https://a.0x7f/c", Host),
        ("https://[::1]/c", Port),
        ("https://[fd00:ec2::254]/c", Port),
        ("https://a.example:/c", Port),
        ("https://a.example:443/c", Port),
        ("https://a.example:0443/c", Port),
        ("https://a.example:0/c", Port),
        ("https://a.example:65536/c", Port),
        ("https://a.example:+80/c", Port),
        ("https://a.example:80:80/c", Port),
        ("https://a.example", NoPath),
        ("https://a.example/", NoPath),
        ("https://a.example/./c", DotSegment),
        ("https://a.example/../c", DotSegment),
        ("https://a.example/c/..", DotSegment),
        ("https://a.example/%2e%2E/c", DotSegment),
        ("https://a.example/.%2e/c", DotSegment),
        ("https://a.example/a%2eb", DotSegment),
        ("https://xn--a.example/c", Ambiguous),
    ];
    for (text, error) in cases {
        assert_eq!(DocumentUrl::parse(text), Err(error), "{text:?}");
    }
}

#[test]
fn an_origin_is_host_and_port() {
    let url = DocumentUrl::parse("https://a.example/oauth/client.json").unwrap();

    for same in ["https://a.example/cb", "https://A.example/cb?x=1", "https://a.example?x"] {
        assert!(url.is_origin_of(same), "{same}");
    }
    for other in [
        "https://a.example:8443/cb",
        "https://b.example/cb",
        "https://a.example.evil/cb",
        "https://sub.a.example/cb",
        "http://a.example/cb",
        "com.example.app:/cb",
        "https://a.example@evil.example/cb",
    ] {
        assert!(!url.is_origin_of(other), "{other}");
    }
}

/// Texts that are nearly URLs: pieces that parsers are known to disagree about, in any order.
fn near_url() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "https://",
        "http://",
        "https:",
        "//",
        "/",
        "\\",
        "@",
        ":",
        "?",
        "#",
        ".",
        "..",
        "%2e",
        "%2F",
        "%5c",
        "%00",
        "%",
        "127.0.0.1",
        "0x7f.1",
        "2130706433",
        "169.254.169.254",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "localhost",
        "a.example",
        "A.example",
        "b-c",
        "xn--bcher-kva",
        "xn--",
        ":443",
        ":8443",
        ":0",
        "user",
        " ",
        "\t",
        "\n",
        "\u{3002}",
        "\u{ad}",
        "\u{fc}",
        "c",
        "client.json",
        "~",
        ";",
        "[",
        "]",
        "|",
        "^",
        "\"",
        "'",
        "<",
        "{",
        "\u{0}",
    ]);
    prop::collection::vec(piece, 0..9).prop_map(|pieces| pieces.concat())
}

proptest! {
    /// Whatever is taken means to a parser exactly what it says, and says it in one spelling.
    #[test]
    fn what_is_taken_reads_the_same_everywhere(tail in near_url(), prefix in prop::sample::select(vec!["https://a.example/", "https://", ""])) {
        let text = format!("{prefix}{tail}");
        if let Ok(taken) = DocumentUrl::parse(&text) {
            let url = Url::parse(&text).unwrap();
            prop_assert_eq!(url.as_str(), &text);
            prop_assert_eq!(url.scheme(), "https");
            prop_assert_eq!(url.host_str(), Some(taken.host()));
            prop_assert!(matches!(url.host(), Some(Host::Domain(_))));
            prop_assert_eq!(url.port_or_known_default(), Some(taken.port()));
            prop_assert_eq!(url.path(), taken.path());
            prop_assert!(url.username().is_empty() && url.password().is_none());
            prop_assert!(url.query().is_none() && url.fragment().is_none());
            prop_assert_eq!(url.origin().ascii_serialization(), format!("https://{}", taken.authority()));
            let rejoined = Url::parse("https://elsewhere.example/base/").unwrap().join(&text).unwrap();
            prop_assert_eq!(rejoined, url);
        }
    }

    /// The check is not so strict that ordinary addresses fail it.
    #[test]
    fn plain_addresses_are_taken(host in "[a-z][a-z0-9]{0,8}(\\.[a-z][a-z0-9]{0,8}){1,3}", path in "(/[a-zA-Z0-9~_-]{1,8}){1,4}") {
        let text = format!("https://{host}{path}");
        let taken = DocumentUrl::parse(&text);
        prop_assert!(taken.is_ok(), "{} {:?}", text, taken);
    }
}
