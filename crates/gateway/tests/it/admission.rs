//! Who gets in.

use bailiwick_domain::audit::AuditKind;
use http::Request;
use serde_json::{Value, json};

use crate::fixture::{call, list, modern};
use crate::world::World;

#[tokio::test]
async fn without_a_token_the_answer_says_how_to_get_one() {
    let world = World::new().await;
    let request = Request::post(format!("{}/mcp/json", world.origin)).header("content-type", "application/json");

    let answer = world.send(request, list().to_string()).await;

    assert_eq!(answer.status, 401);
    assert_eq!(
        answer.header("www-authenticate").unwrap(),
        format!(
            r#"Bearer resource_metadata="{}/.well-known/oauth-protected-resource/mcp/json", scope="json:read json:write""#,
            world.origin
        )
    );
    assert_eq!(answer.message()["error"], "unauthorized");
    assert!(answer.message()["correlation_id"].as_str().unwrap().starts_with("co_"));
    assert!(world.behind.seen().is_empty());
}

#[tokio::test]
async fn a_bad_token_is_named_as_such_and_put_on_record() {
    let world = World::new().await;

    let answer = world.say("json", "garbage", &list()).await;

    assert_eq!(answer.status, 401);
    let challenge = answer.header("www-authenticate").unwrap();
    assert!(challenge.contains(r#", error="invalid_token", error_description=""#), "{challenge}");
    assert_eq!(answer.message()["error"], "invalid_token");
    assert_eq!(world.audited(AuditKind::RequestRefused).await.len(), 1);
}

#[tokio::test]
async fn a_token_for_another_server_is_refused() {
    let world = World::new().await;
    let token = world.token("sse", "sse:read").await;

    assert_eq!(world.say("json", &token, &list()).await.status, 401);
}

#[tokio::test]
async fn a_missing_scope_is_asked_for() {
    let world = World::new().await;
    let token = world.token("json", "json:read").await;

    let answer = world.say("json", &token, &call("delete_note")).await;

    assert_eq!(answer.status, 403);
    assert_eq!(
        answer.header("www-authenticate").unwrap(),
        format!(
            r#"Bearer resource_metadata="{}/.well-known/oauth-protected-resource/mcp/json", scope="json:destructive", error="insufficient_scope", error_description="this needs the scope json:destructive""#,
            world.origin
        )
    );
    assert_eq!(answer.message()["error"], "insufficient_scope");
    assert!(world.behind.seen().is_empty());
    let refused = world.audited(AuditKind::ToolRefused).await;
    assert_eq!(
        (refused[0].tool.as_deref(), refused[0].rule.as_deref()),
        (Some("delete_note"), Some("scope:json:destructive"))
    );
}

#[tokio::test]
async fn a_foreign_host_or_origin_is_turned_away_before_anything_else() {
    let world = World::new().await;
    for (name, value) in [("host", "evil.example"), ("origin", "https://evil.example"), ("origin", "null")] {
        let request = Request::post(format!("{}/mcp/json", world.origin)).header(name, value);

        let answer = world.send(request, "").await;

        assert_eq!(answer.status, 403, "{name}: {value}");
        assert_eq!(answer.header("access-control-allow-origin"), None);
    }
    assert!(world.behind.seen().is_empty());
}

#[tokio::test]
async fn a_named_origin_may_ask_and_read() {
    let world = World::new().await;
    let at = format!("{}/mcp/json", world.origin);
    let from = |request: http::request::Builder| request.header("origin", "https://inspector.example");
    let preflight = Request::options(&at).header("access-control-request-headers", "authorization,Mcp-Param-Region");

    let preflight = world.send(from(preflight), "").await;
    let refused = world.send(from(Request::post(&at)), "").await;

    assert_eq!(preflight.status, 204);
    assert!(preflight.header("access-control-allow-headers").unwrap().ends_with("last-event-id, mcp-param-region"));
    for answer in [preflight, refused] {
        assert_eq!(answer.header("access-control-allow-origin").unwrap(), "https://inspector.example");
        assert_eq!(answer.header("access-control-expose-headers").unwrap(), "Mcp-Session-Id, WWW-Authenticate");
    }
}

#[tokio::test]
async fn a_browser_is_led_to_the_front_page() {
    let world = World::new().await;
    for path in ["/mcp", "/mcp/json"] {
        let request = Request::get(format!("{}{path}", world.origin)).header("accept", "text/html,*/*;q=0.8");

        let answer = world.send(request, "").await;

        assert_eq!((answer.status.as_u16(), answer.header("location")), (303, Some("/")));
    }
}

type Headers = &'static [(&'static str, &'static str)];

#[tokio::test]
async fn what_is_malformed_is_refused_in_its_own_words() {
    let world = World::new().await;
    let token = world.token("json", "json:read").await;
    let mut forged = modern(call("read_note"));
    forged["params"]["name"] = "delete_note".into();
    let two_calls = json!([call("read_note"), call("delete_note")]);
    let nameless = json!({ "jsonrpc": "2.0", "method": "tools/call", "params": { "name": "read_note" } });
    let cases: [(u16, i64, String, Headers); 6] = [
        (400, -32700, "{".to_owned(), &[]),
        (400, -32600, two_calls.to_string(), &[]),
        (400, -32600, nameless.to_string(), &[]),
        (400, -32022, list().to_string(), &[("mcp-protocol-version", "1999-01-01")]),
        (
            400,
            -32020,
            forged.to_string(),
            &[("mcp-protocol-version", "2026-07-28"), ("mcp-method", "tools/call"), ("mcp-name", "read_note")],
        ),
        (413, -32600, " ".repeat(4_200_000), &[]),
    ];
    for (status, code, body, headers) in cases {
        let request =
            headers.iter().fold(world.post("json", &token), |request, (name, value)| request.header(*name, *value));
        let short: String = body.chars().take(60).collect();

        let answer = world.send(request, body).await;

        assert_eq!(answer.status, status, "{short}");
        assert_eq!(answer.message()["error"]["code"], code, "{short}");
        assert!(answer.message()["error"]["data"]["correlation_id"].is_string());
    }
    assert!(world.behind.seen().is_empty());
}

#[tokio::test]
async fn there_is_no_server_but_those_configured() {
    let world = World::new().await;
    let token = world.token("json", "json:read").await;

    assert_eq!(world.say("nothing", &token, &list()).await.status, 404);
}

#[tokio::test]
async fn metadata_says_who_issues_tokens_for_a_server() {
    let world = World::new().await;
    let at = |path: &str| Request::get(format!("{}/.well-known/oauth-protected-resource{path}", world.origin));

    let answer = world.send(at("/mcp/json"), "").await;

    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    let expected: Value = json!({
        "resource": format!("{}/mcp/json", world.origin),
        "resource_name": "The json server",
        "authorization_servers": [world.origin],
        "scopes_supported": ["json:read", "json:write"],
        "bearer_methods_supported": ["header"],
    });
    assert_eq!(answer.message(), expected);
    assert_eq!(world.send(at("/mcp"), "").await.status, 404);
    assert_eq!(world.send(at(""), "").await.status, 404);
}
