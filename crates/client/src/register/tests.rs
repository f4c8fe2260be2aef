use super::*;

fn answered(body: &str) -> Registration {
    let scope = ScopeSet::parse("a b").unwrap();
    let raw = serde_json::from_str(body).unwrap();
    Registration::answered(raw, AuthMethod::ClientSecretBasic, "http://127.0.0.1:5/callback", &scope)
}

#[test]
fn the_method_is_public_unless_the_server_wants_a_secret() {
    let offered = |names: &[&str]| wanted_method(&names.iter().map(ToString::to_string).collect::<Vec<_>>());

    assert_eq!(offered(&[]), AuthMethod::None);
    assert_eq!(offered(&["client_secret_basic", "none"]), AuthMethod::None);
    assert_eq!(offered(&["client_secret_basic", "client_secret_post"]), AuthMethod::ClientSecretBasic);
    assert_eq!(offered(&["client_secret_post"]), AuthMethod::ClientSecretPost);
}

#[test]
fn a_secret_is_sent_as_the_server_answered() {
    let post = answered(r#"{"client_id":"i","client_secret":"s","token_endpoint_auth_method":"client_secret_post"}"#);
    let basic = answered(r#"{"client_id":"i d","client_secret":"s:%"}"#);
    let public = answered(r#"{"client_id":"i","token_endpoint_auth_method":"client_secret_basic"}"#);

    assert_eq!(post.proof(), (vec![("client_id", "i"), ("client_secret", "s")], None));
    let (fields, header) = basic.proof();
    assert_eq!(fields, []);
    assert_eq!(header.unwrap().to_str().unwrap(), format!("Basic {}", STANDARD.encode("i+d:s%3A%25")));
    assert_eq!(public.proof(), (vec![("client_id", "i")], None));
}

#[test]
fn a_registration_serves_only_what_it_was_made_for() {
    let now = Timestamp::from_seconds(1000);
    let made = answered(r#"{"client_id":"i","client_secret":"s","client_secret_expires_at":2000}"#);
    let scope = |raw| ScopeSet::parse(raw).unwrap();

    assert!(made.serves("http://127.0.0.1:5/callback", &scope("a"), now));
    assert!(!made.serves("http://127.0.0.1:6/callback", &scope("a"), now));
    assert!(!made.serves("http://127.0.0.1:5/callback", &scope("a c"), now));
    assert!(!made.serves("http://127.0.0.1:5/callback", &scope("a"), Timestamp::from_seconds(2000)));
}
