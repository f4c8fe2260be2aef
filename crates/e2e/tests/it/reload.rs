//! The configuration changes while it runs: every section that can, and none of a bad file.

use std::time::Duration;

use bailiwick_e2e::honeypot::Honeypot;
use bailiwick_e2e::{App, Mcp, Setup, World};
use http::{Method, StatusCode};
use serde_json::json;

use crate::operators::administer;

pub(crate) fn write(world: &World, text: &str) {
    // As editors and config maps do it: the new file takes the place of the old in one step.
    let draft = world.data().join("draft.toml");
    std::fs::write(&draft, text).unwrap();
    std::fs::rename(&draft, world.data().join("bailiwick.toml")).unwrap();
}

/// Waits until `seen` is true; reloading takes a second or so.
pub(crate) async fn until(what: &str, mut seen: impl AsyncFnMut() -> bool) {
    for _ in 0..100 {
        if seen().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("never happened: {what}");
}

fn server(name: &str, pot: &Honeypot, more: &str) -> String {
    format!("[server.{name}]\nupstream = \"{}\"\n{more}\n", pot.url)
}

const CLIENT: &str = "[client.ci]\ngrant_types = [\"client_credentials\"]\nclient_secret = { env = \"CI_SECRET\" }\ntoken_endpoint_auth_method = \"client_secret_post\"\nscope = \"one:read\"\n";

async fn machine(app: &App) -> bool {
    let fields = [
        ("grant_type", "client_credentials"),
        ("client_id", "ci"),
        ("client_secret", "s3cret"),
        ("resource", &app.resource),
        ("scope", "one:read"),
    ];
    app.token(&fields).await.is_ok()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_section_changes_live_and_a_bad_file_changes_nothing() {
    let (first, second) = (Honeypot::start().await, Honeypot::start().await);
    let start = server("one", &first, "");
    let world = Setup::config(start.clone()).env("CI_SECRET", "s3cret").approving("alice").start();
    let app = App::register_for(&world.base, &world.url("/mcp/one")).await;
    let tokens = app.tokens("one:read").await;
    let one = Mcp::new(&world.url("/mcp/one"), Some(&tokens.access));
    assert!(one.call("look", json!({})).await.is_result());

    // A server comes.
    write(&world, &format!("{start}{}", server("two", &second, "")));
    let two = Mcp::new(&world.url("/mcp/two"), None);
    until("the new server asks for a token", async || two.clone().begin().await.status == StatusCode::UNAUTHORIZED)
        .await;
    let tokens = App::register_for(&world.base, &world.url("/mcp/two")).await.tokens("two:read").await;
    let two = Mcp::new(&world.url("/mcp/two"), Some(&tokens.access));
    assert!(two.call("look", json!({})).await.is_result());
    assert!(one.call("look", json!({})).await.is_result(), "the other is not disturbed");

    // It moves.
    let before = first.calls();
    write(&world, &format!("{start}{}", server("two", &first, "")));
    until("calls go to the new place", async || {
        two.call("look", json!({})).await;
        first.calls() > before
    })
    .await;

    // Its scopes change: what was read is now behind a scope the token lacks.
    let scopes = "[server.two.scopes]\n\"two:read\" = { tools = [\"nothing\"], says = \"Nothing\" }\n\"two:all\" = { tools = [\"*\"], says = \"All\" }";
    write(&world, &format!("{start}{}", server("two", &second, scopes)));
    until("the scope is missing", async || two.call("look", json!({})).await.status == StatusCode::FORBIDDEN).await;

    // Browsers from elsewhere may come.
    let page = Mcp::new(&world.url("/mcp/one"), None).header("origin", "https://inspector.example.com");
    assert_eq!(page.raw(Method::OPTIONS, String::new()).await.status, StatusCode::FORBIDDEN);
    let opened = server("one", &first, "allowed_origins = [\"https://inspector.example.com\"]");
    write(&world, &opened);
    until("the origin is let in", async || page.raw(Method::OPTIONS, String::new()).await.status.is_success()).await;
    assert_eq!(two.call("look", json!({})).await.status, StatusCode::NOT_FOUND, "the other server is gone");

    // A client comes and goes; staleness changes.
    assert!(!machine(&app).await);
    let good = format!("staleness = 4\n{opened}{CLIENT}");
    write(&world, &good);
    until("the client is known", async || machine(&app).await).await;
    until("the log tells", async || recorded(&world, "staleness") == 1).await;

    // A bad file is refused with its place, and what was good goes on.
    write(&world, &format!("{good}\n[server.three]\nupstraem = \"http://x\"\n"));
    until("the refusal is told", async || world.log().contains("unknown field `upstraem`")).await;
    write(&world, &format!("{good}\n[server.three]\ntitle = \"neither\"\n"));
    until("the refusal is told", async || world.log().contains("give one of `upstream`, `openapi` and `command`"))
        .await;
    let own = format!("[server.three]\nupstream = \"{}\"\n", world.url("/mcp/one"));
    write(&world, &format!("{good}\n{own}"));
    until("the refusal is told", async || world.log().contains("valid at this gateway itself")).await;
    for refusal in ["upstraem", "give one of", "valid at this gateway"] {
        let log = world.log();
        let line = log.lines().find(|line| line.contains(refusal)).unwrap();
        assert!(line.contains("line ") && line.contains("column ") && line.contains("stays in force"), "{line}");
    }
    assert!(machine(&app).await);
    assert!(one.call("look", json!({})).await.is_result());

    // What cannot change live is named.
    write(&world, &format!("listen = \"localhost:1\"\n{opened}"));
    until("it is named", async || world.log().contains("cannot change live") && world.log().contains("listen")).await;
    until("the client is gone", async || !machine(&app).await).await;
    let shown = administer(world.data(), &["config", "show"]).unwrap();
    assert!(shown.contains("inspector.example.com") && !shown.contains("client.ci"), "{shown}");
}

/// How often the record of reloads says this; it is written a moment later.
pub(crate) fn recorded(world: &World, says: &str) -> usize {
    administer(world.data(), &["audit", "search", "--kind", "config_changed"]).unwrap().matches(says).count()
}

#[test]
fn the_schema_knows_every_section() {
    let nowhere = tempfile::TempDir::new().unwrap();

    let schema = administer(nowhere.path(), &["config", "schema"]).unwrap();

    let schema: serde_json::Value = serde_json::from_str(&schema).unwrap();
    for section in ["public_url", "server", "client", "staleness", "key", "database"] {
        assert!(schema["properties"][section].is_object(), "{section}");
    }
}
