//! An API becomes an MCP server: the gateway speaks for it, in every revision, and decides as for any other.

use bailiwick_domain::audit::AuditKind;
use http::Request;
use serde_json::{Value, json};

use crate::fixture::{initialize, list, modern};
use crate::world::{Answer, World};

async fn reader(world: &World) -> String {
    world.token("api", "api:read").await
}

fn call(tool: &str, arguments: impl Into<Value>) -> Value {
    let arguments: Value = arguments.into();
    json!({ "jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": { "name": tool, "arguments": arguments } })
}

async fn run(world: &World, token: &str, tool: &str, arguments: Value) -> Value {
    let answer = world.say("api", token, &call(tool, arguments)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.message()["result"].clone()
}

fn error(result: &Value) -> &str {
    assert_eq!(result["isError"], true, "{result}");
    result["content"][0]["text"].as_str().unwrap()
}

#[tokio::test]
async fn the_handshake_is_held_in_each_revision_that_has_one() {
    let world = World::new().await;
    let token = reader(&world).await;
    for (asked, spoken) in [
        ("2025-03-26", "2025-03-26"),
        ("2025-06-18", "2025-06-18"),
        ("2025-11-25", "2025-11-25"),
        ("2024-11-05", "2025-11-25"),
    ] {
        let mut hello = initialize();
        hello["params"]["protocolVersion"] = json!(asked);
        let answer = world.say("api", &token, &hello).await;
        let result = &answer.message()["result"];
        assert_eq!(result["protocolVersion"], spoken);
        assert_eq!(result["serverInfo"], json!({ "name": "api", "title": "Notes over HTTP", "version": "2" }));
        assert_eq!(
            (&result["instructions"], &result["capabilities"]),
            (&json!("Keeps notes."), &json!({ "tools": {} }))
        );
        assert!(answer.header("mcp-session-id").is_some());
    }
    let hello = json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {} });
    assert_eq!(world.say("api", &token, &hello).await.message()["error"]["code"], -32602);
    assert!(world.behind.seen().is_empty(), "the API hears nothing of it");
}

#[tokio::test]
async fn a_session_is_its_owners() {
    let world = World::new().await;
    let alice = reader(&world).await;
    let bob = world.hold("us_bob", "app", "api", "api:read", Vec::new()).await.raw;
    let session = world.initialize("api", &alice).await;
    let say = |message: Value| json!({ "jsonrpc": "2.0", "id": 1, "method": message });

    assert_eq!(world.say_in(&session, "api", &alice, &say(json!("ping"))).await.message()["result"], json!({}));
    assert_eq!(world.say_in(&session, "api", &bob, &say(json!("ping"))).await.status, 404);
    let unknown = world.say_in(&session, "api", &alice, &say(json!("prompts/list"))).await;
    assert_eq!(unknown.message()["error"]["code"], -32601, "{}", unknown.text());
    let with = |method: &str| {
        let url = format!("{}/mcp/api", world.origin);
        let request = Request::builder().method(method).uri(url).header("authorization", format!("Bearer {alice}"));
        request.header("accept", "text/event-stream").header("mcp-session-id", &session)
    };
    assert_eq!(world.send(with("GET"), "").await.status, 405);
    assert_eq!(world.send(with("DELETE"), "").await.status, 204);
}

#[tokio::test]
async fn since_2026_every_request_stands_alone() {
    let world = World::new().await;
    let token = reader(&world).await;
    let say = async |method: &str, message: Value| -> Answer {
        let request =
            world.post("api", &token).header("mcp-protocol-version", "2026-07-28").header("mcp-method", method);
        let request = match message["params"]["name"].as_str() {
            Some(name) => request.header("mcp-name", name),
            None => request,
        };
        world.send(request, modern(message).to_string()).await
    };
    let request = |method: &str| json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": {} });

    let described = say("server/discover", request("server/discover")).await.message()["result"].clone();
    assert_eq!(described["resultType"], "complete");
    assert!(described["supportedVersions"].as_array().unwrap().contains(&json!("2026-07-28")));
    assert_eq!(described["_meta"]["io.modelcontextprotocol/serverInfo"]["name"], "api");
    let listed = say("tools/list", request("tools/list")).await.message()["result"].clone();
    assert_eq!((&listed["resultType"], &listed["cacheScope"]), (&json!("complete"), &json!("private")));
    let called = say("tools/call", call("getNote", json!({ "id": "1" }))).await.message()["result"].clone();
    assert_eq!(
        (&called["resultType"], &called["structuredContent"]["uri"]),
        (&json!("complete"), &json!("/api/notes/1"))
    );
    let gone = say("ping", request("ping")).await;
    assert_eq!((gone.status.as_u16(), &gone.message()["error"]["code"]), (404, &json!(-32601)));
}

#[tokio::test]
async fn a_method_decides_which_scope_opens_a_tool() {
    let world = World::new().await;
    let (read, write) = (reader(&world).await, world.token("api", "api:read api:write").await);

    let reading = world.say("api", &read, &list()).await.tools();
    assert!(reading.contains(&"getNote".to_owned()) && !reading.contains(&"putNote".to_owned()), "{reading:?}");
    let writing = world.say("api", &write, &list()).await.tools();
    assert!(writing.contains(&"putNote".to_owned()) && !writing.contains(&"deleteNote".to_owned()), "{writing:?}");
    assert_eq!(world.say("api", &read, &call("putNote", json!({ "id": "1" }))).await.status, 403);
    assert_eq!(world.say("api", &write, &call("deleteNote", json!({ "id": "1" }))).await.status, 403);
    assert!(world.behind.seen().is_empty());

    let put = run(&world, &write, "putNote", json!({ "id": "a?b", "body": { "text": "hi" } })).await;
    let expected = json!({ "method": "PUT", "uri": "/api/notes/a%3Fb", "said": { "text": "hi" } });
    assert_eq!(put["structuredContent"], expected);
    assert_eq!(serde_json::from_str::<Value>(put["content"][0]["text"].as_str().unwrap()).unwrap(), expected);
    let record = world.audited_all(AuditKind::ToolCalled, 1).await;
    assert_eq!(record[0].tool.as_deref(), Some("putNote"));
}

#[tokio::test]
async fn nothing_of_the_callers_own_reaches_the_api() {
    let world = World::new().await;
    let token = reader(&world).await;
    let request =
        world.post("api", &token).header("cookie", "bw=1").header("dpop", "proof").header("x-forwarded-user", "root");
    let message = call("getNote", json!({ "id": "1", "q": "x&admin=1", "X-Trace": "t-1" }));

    let answer = world.send(request, message.to_string()).await;

    assert_eq!(answer.header("set-cookie"), None);
    let seen = world.behind.seen();
    let headers = &seen[0].headers;
    let names: Vec<&str> = headers.keys().map(http::HeaderName::as_str).collect();
    assert_eq!((seen.len(), headers["x-trace"].to_str().unwrap()), (1, "t-1"));
    assert!(
        names.iter().all(|name| ["host", "user-agent", "accept", "x-trace", "content-length"].contains(name)),
        "{names:?}"
    );
    assert!(answer.text().contains("/api/notes/1?q=x%26admin%3D1"), "{}", answer.text());
}

#[tokio::test]
async fn no_redirect_is_followed() {
    let world = World::new().await;
    let token = reader(&world).await;

    let moved = run(&world, &token, "moved", json!({})).await;

    assert!(error(&moved).contains("302 Found") && error(&moved).contains("redirects are not followed"), "{moved}");
    assert_eq!(world.behind.seen().len(), 1, "nothing but the first request arrived anywhere");
}

#[tokio::test]
async fn what_is_no_success_is_told_in_few_words() {
    let world = World::new().await;
    let token = reader(&world).await;

    let refused = run(&world, &token, "refuses", json!({})).await;
    assert!(error(&refused).starts_with("the API answered 422 Unprocessable Entity\nno no "), "{refused}");
    assert!(error(&refused).len() < 2_200 && error(&refused).ends_with('…'));
    let login = run(&world, &token, "login", json!({})).await;
    assert!(
        error(&login).contains("it did not let the gateway in") && error(&login).contains("who are you?"),
        "{login}"
    );
    assert!(error(&run(&world, &token, "hangup", json!({})).await).contains("500"));
    assert!(error(&run(&world, &token, "big", json!({})).await).contains("longer than 4 MiB"));
    assert!(error(&run(&world, &token, "getNote", json!({})).await).contains("the argument id is missing"));
    assert!(error(&run(&world, &token, "getNote", json!({ "id": ".." })).await).contains("must not be . or .."));
    let list = world.say("api", &token, &call("list", json!([1]))).await;
    assert!(list.text().contains("the arguments must be an object"), "{}", list.text());
}

#[tokio::test]
async fn whoever_promised_an_object_gives_one() {
    let world = World::new().await;
    let token = reader(&world).await;

    let list = run(&world, &token, "list", json!({})).await;
    assert_eq!((&list["structuredContent"], &list["content"][0]["text"]), (&json!({}), &json!("[1,2]")));
    let image = run(&world, &token, "image", json!({})).await;
    assert_eq!(
        (&image["content"][0]["type"], &image["content"][0]["mimeType"]),
        (&json!("image"), &json!("image/png"))
    );
    assert_eq!(image["structuredContent"], Value::Null);
}
