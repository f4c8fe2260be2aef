use super::*;

fn scopes(raw: &str) -> Option<ScopeSet> {
    ScopeSet::parse(raw)
}

#[test]
fn a_full_challenge_is_read() {
    let read = Challenge::parse(
        r#"Bearer realm="mcp", resource_metadata="https://h.example/.well-known/oauth-protected-resource/mcp", scope="mcp:read mcp:write", error="insufficient_scope", error_description="say \"please\"""#,
    )
    .unwrap();

    assert_eq!(read.resource_metadata.as_deref(), Some("https://h.example/.well-known/oauth-protected-resource/mcp"));
    assert_eq!(read.scope, scopes("mcp:read mcp:write"));
    assert!(read.asks_for_scope());
    assert_eq!(read.says.as_deref(), Some(r#"say "please""#));
}

#[test]
fn the_bearer_challenge_is_found_among_others() {
    for value in [
        r#"Basic realm="x, y", Bearer scope="a""#,
        r#"bearer scope="a", Basic realm="x""#,
        r#"Negotiate YWJj==, Bearer scope="a""#,
        r#"Negotiate, BEARER SCOPE = "a""#,
        " , Bearer scope=a,",
        r#"DPoP algs="ES256", scope="b", Bearer scope="a""#,
    ] {
        assert_eq!(Challenge::parse(value).and_then(|c| c.scope), scopes("a"), "{value}");
    }
}

#[test]
fn a_bare_bearer_challenge_says_nothing_more() {
    assert_eq!(Challenge::parse("Bearer"), Some(Challenge::default()));
}

#[test]
fn what_breaks_the_grammar_says_nothing() {
    for value in [
        "",
        ",",
        r#"scope="a""#,
        r#"Bearer scope="a"#,
        r#"Bearer scope="a" error="b""#,
        r#"Bearer scope="a", scope="b""#,
        r#"Bearer scope="a", SCOPE="a""#,
        r#"Bearer YWJj==, scope="a""#,
        r#"Bearer scope="a\"#,
        "Basic realm=x",
        r#"Bearer/scope="a""#,
        r#"Bearer "quoted""#,
    ] {
        assert_eq!(Challenge::parse(value), None, "{value}");
    }
}

#[test]
fn words_from_a_server_are_made_fit_to_be_shown() {
    let read = Challenge::parse("Bearer error=\"x\", error_description=\"a\u{202e}b\"").unwrap();

    assert_eq!(read.says.as_deref(), Some("ab"));
}

#[test]
fn what_the_gateway_builds_is_what_we_read() {
    let resource = bailiwick_domain::uri::Resource::parse("https://h.example/mcp/notes").unwrap();
    let scope = ScopeSet::parse("notes:read").unwrap();
    let built = bailiwick_domain::challenge::Challenge {
        resource: &resource,
        scope: &scope,
        error: Some((bailiwick_domain::error::ErrorCode::InsufficientScope, "delete_note needs notes:destructive")),
    };

    let read = Challenge::parse(&built.header()).unwrap();

    assert_eq!(read.resource_metadata, Some(resource.metadata_url()));
    assert_eq!(read.scope, Some(scope));
    assert!(read.asks_for_scope());
}
