use proptest::prelude::*;

use super::*;

fn header(pair: &str) -> String {
    format!("Basic {}", STANDARD.encode(pair))
}

/// Method, client and secret, to compare by.
fn seen(presented: &Presented) -> (&str, &str, &str) {
    match presented {
        Presented::None { id } => ("none", id.as_str(), ""),
        Presented::Basic { id, secret } => ("basic", id.as_str(), secret),
        Presented::Post { id, secret } => ("post", id.as_str(), secret),
        Presented::Assertion { id, .. } => ("assertion", id.as_ref().map_or("", ClientId::as_str), ""),
    }
}

fn read(header: Option<&str>, id: Option<&str>, secret: Option<&str>) -> Result<Presented, CredentialError> {
    presented(&Sent { authorization: header, client_id: id, client_secret: secret, ..Sent::default() })
}

#[test]
fn each_method_is_read() {
    let plain = header("app:secret");
    let shouted = plain.replace("Basic", "bAsIc");
    let encoded = header("a%3Ab+c:%25+%C3%A9%26");
    let bare = header("app:a&b=c");
    let cases = [
        (None, Some("app"), None, ("none", "app", "")),
        (None, Some("app"), Some(""), ("none", "app", "")),
        (None, Some("app"), Some("secret"), ("post", "app", "secret")),
        (Some(plain.as_str()), None, None, ("basic", "app", "secret")),
        (Some(&plain), Some("app"), None, ("basic", "app", "secret")),
        (Some(&shouted), Some(""), Some(""), ("basic", "app", "secret")),
        (Some(&encoded), None, None, ("basic", "a:b c", "% é&")),
        (Some(&bare), None, None, ("basic", "app", "a&b=c")),
    ];

    for (authorization, id, secret, expected) in cases {
        let read = read(authorization, id, secret).unwrap_or_else(|e| panic!("{authorization:?}: {e}"));
        assert_eq!(seen(&read), expected);
    }
}

#[test]
fn anything_else_is_refused() {
    let basic = header("app:secret");
    let garbage = [
        "Basic".to_owned(),
        "Basic ".to_owned(),
        "Bearer abc".to_owned(),
        format!("{basic}="),
        basic.trim_end_matches('=').to_owned() + "A",
        "Basic YXBwOnNlY3JldB==".to_owned(),
        "Basic YXBw OnNlY3JldA==".to_owned(),
        format!("Basic {}", STANDARD.encode([b'a', b':', 0xff])),
        header("no colon"),
        header(":secret"),
        header("app:"),
        header("app:%zz"),
        header("app:%"),
        header("app:%ff"),
        header("%00:secret"),
        header(&format!("app:{}", "x".repeat(1025))),
    ];
    let long = "x".repeat(1025);

    for raw in garbage {
        assert_eq!(read(Some(&raw), None, None).unwrap_err(), CredentialError::Basic, "{raw}");
    }
    let cases = [
        (None, None, None, CredentialError::Missing),
        (None, Some(""), None, CredentialError::Missing),
        (None, Some("caf\u{e9}"), None, CredentialError::Missing),
        (None, None, Some("secret"), CredentialError::Missing),
        (None, Some("app"), Some(long.as_str()), CredentialError::Secret),
        (Some(basic.as_str()), Some("app"), Some("secret"), CredentialError::Several),
        (Some(&basic), None, Some("secret"), CredentialError::Several),
        (Some(&basic), Some("other"), None, CredentialError::Several),
    ];
    for (authorization, id, secret, why) in cases {
        assert_eq!(read(authorization, id, secret).unwrap_err(), why, "{authorization:?} {id:?}");
    }
}

const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const JWT_SPIFFE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-spiffe";

#[test]
fn an_assertion_is_read_with_and_without_a_client_id() {
    for kind in [JWT_BEARER, JWT_SPIFFE] {
        let bare = Sent { client_assertion: Some("a.b.c"), client_assertion_type: Some(kind), ..Sent::default() };
        let named = Sent { client_id: Some("app"), ..bare };

        assert_eq!(seen(&presented(&bare).unwrap()), ("assertion", "", ""));
        assert_eq!(seen(&presented(&named).unwrap()), ("assertion", "app", ""));
    }
}

#[test]
fn half_an_assertion_and_one_beside_another_method_are_refused() {
    let basic = header("app:secret");
    let whole = Sent { client_assertion: Some("a.b.c"), client_assertion_type: Some(JWT_BEARER), ..Sent::default() };
    let cases = [
        (Sent { client_assertion_type: None, ..whole }, AssertionError::Type.into()),
        (
            Sent { client_assertion_type: Some("urn:ietf:params:oauth:client-assertion-type:saml2-bearer"), ..whole },
            AssertionError::Type.into(),
        ),
        (Sent { client_assertion: Some(""), ..whole }, CredentialError::Missing),
        (Sent { client_secret: Some("secret"), ..whole }, CredentialError::Several),
        (Sent { authorization: Some(&basic), ..whole }, CredentialError::Several),
        (Sent { authorization: Some(&basic), client_assertion: None, ..whole }, CredentialError::Several),
    ];
    for (sent, why) in cases {
        assert_eq!(presented(&sent).unwrap_err(), why);
    }
}

#[test]
fn two_methods_are_a_bad_request_and_all_else_a_bad_client() {
    assert_eq!(CredentialError::Several.code(), ErrorCode::InvalidRequest);
    for error in [
        CredentialError::Missing,
        CredentialError::Basic,
        CredentialError::Client,
        CredentialError::Method(AuthMethod::None),
        CredentialError::Secret,
        AssertionError::Audience.into(),
    ] {
        assert_eq!(error.code(), ErrorCode::InvalidClient, "{error}");
    }
}

#[test]
fn a_secret_does_not_show_in_debug() {
    let read = read(None, Some("app"), Some("hunter2")).unwrap();

    assert_eq!(format!("{read:?}"), "Post(app, ..)");
    let sent =
        Sent { client_assertion: Some("hunter.2.x"), client_assertion_type: Some(JWT_BEARER), ..Sent::default() };
    assert!(!format!("{:?}", presented(&sent).unwrap()).contains("hunter"));
}

proptest! {
    #[test]
    fn what_a_client_encodes_comes_back(id in "[ -~]{1,40}", secret in "[^\\p{C}\u{fffd}]{1,40}") {
        let encode = |raw: &str| form_urlencoded::byte_serialize(raw.as_bytes()).collect::<String>();
        let raw = header(&format!("{}:{}", encode(&id), encode(&secret)));
        let read = read(Some(&raw), None, None).unwrap();
        prop_assert_eq!(seen(&read), ("basic", id.as_str(), secret.as_str()));
    }

    #[test]
    fn no_header_makes_it_panic(raw in "\\PC{0,60}|[Bb]asic [A-Za-z0-9+/=]{0,60}") {
        drop(read(Some(&raw), None, None));
    }
}
