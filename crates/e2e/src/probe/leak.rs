//! Attacks on what lets the gateway in behind: tools that tell what they were shown, places that nobody configured, and
//! cookies that would follow people around.

use bailiwick_domain::control::Control;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use tempfile::TempDir;

use super::{Verdict, beaten};
use crate::echo::Echo;
use crate::{App, Mcp, Setup, World};

const KEY: &str = "canary/1f7c+9be2\"quoted 4d";

/// A world in front of that server: as MCP with a key, as MCP with a token of ours, and as an API with a key in the query.
fn in_front_of(echo: &Echo, off: &[Control]) -> (World, TempDir) {
    let directory = TempDir::new().unwrap();
    let get = |id: &str| json!({ "get": { "operationId": id } });
    let document = json!({
        "openapi": "3.1.0",
        "info": { "title": "Echo", "version": "1" },
        "servers": [{ "url": format!("{}/api", echo.origin) }],
        "paths": { "/tell": get("tell"), "/refuses": get("refuses") },
    });
    let file = directory.path().join("echo.json");
    std::fs::write(&file, document.to_string()).unwrap();
    let key = r#"kind = "api_key", secret = { env = "ECHO_KEY" }"#;
    let config = format!(
        "[server.keyed]\nupstream = \"{0}/mcp\"\ncredential = {{ {key}, header = \"X-Api-Key\" }}\n\
         [server.signed]\nupstream = \"{0}/mcp\"\n\
         [server.written]\nupstream = \"{0}/mcp\"\ncredential = {{ kind = \"none\" }}\nheaders = {{ X-Api-Key = {{ env = \"ECHO_KEY\" }} }}\n\
         [server.api]\nopenapi = {1:?}\ncredential = {{ {key}, query = \"key\" }}\n",
        echo.origin,
        file.display().to_string(),
    );
    let world = Setup::config(config).env("ECHO_KEY", KEY).approving("alice").without(off).start();
    (world, directory)
}

async fn client(world: &World, server: &str) -> Mcp {
    let resource = world.url(&format!("/mcp/{server}"));
    let token = App::register_for(&world.base, &resource).await.tokens(&format!("{server}:read")).await.access;
    let mut client = Mcp::new(&resource, Some(&token));
    client.begin().await;
    client
}

/// How a secret would look in an answer: as it is, or in a spelling that anybody can read.
fn spellings(secret: &str) -> Vec<String> {
    let percent = secret.bytes().map(|byte| format!("%{byte:02X}")).collect::<Vec<_>>().concat();
    let code = [secret.to_owned(), format!("x{secret}"), format!("xy{secret}")].map(|text| STANDARD.encode(text));
    // The first and last characters of base64 depend on what stands beside.
    let inner = code.map(|code| code.get(4..code.len() - 4).unwrap_or_default().to_owned());
    let json = json!(secret).to_string().trim_matches('"').to_owned();
    [vec![secret.to_owned(), percent, json], inner.to_vec()].concat()
}

/// Tools tell what they were shown, at once, in pieces, and in errors.
pub async fn echoed_credential(off: &[Control]) -> Verdict {
    let echo = Echo::start("http://127.0.0.1:1").await;
    let (world, _directory) = in_front_of(&echo, off);
    for (server, tool) in [
        ("keyed", "tell"),
        ("keyed", "tell_slowly"),
        ("signed", "tell"),
        ("signed", "tell_slowly"),
        ("written", "tell"),
        ("api", "tell"),
        ("api", "refuses"),
    ] {
        let client = client(&world, server).await;
        let answer = client.call(tool, json!({})).await;
        assert!(answer.body["result"]["content"].is_array() || answer.text.contains("data:"), "{}", answer.text);
        let shown = echo.shown().pop().unwrap_or_default();
        let secret = shown.trim_start_matches("Bearer ").to_owned();
        assert!(secret.len() > 10, "{server} was shown {shown:?}");
        for secret in [secret.as_str(), KEY] {
            let told = spellings(secret).into_iter().find(|spelled| answer.text.contains(spelled.as_str()));
            beaten(told.is_none(), format!("{server} {tool} told {told:?}"))?;
            beaten(!world.log().contains(secret), format!("{server} {tool}: the log tells {secret}"))?;
        }
        assert!(answer.text.contains("[removed by bailiwick]"), "{}", answer.text);
    }
    Ok(())
}

/// A document and a redirect lead elsewhere, with the credential.
pub async fn credential_elsewhere(off: &[Control]) -> Verdict {
    let elsewhere = Echo::start("http://127.0.0.1:1").await;
    let echo = Echo::start(&format!("{}/mcp", elsewhere.origin)).await;
    let directory = TempDir::new().unwrap();
    let document = json!({
        "openapi": "3.1.0",
        "info": { "title": "Echo", "version": "1" },
        "servers": [{ "url": echo.origin }],
        "paths": {
            "/tell": { "get": { "operationId": "tell" } },
            "/stray": { "get": { "operationId": "stray" }, "servers": [{ "url": elsewhere.origin }] },
            "/moved": { "get": { "operationId": "moved" } },
        },
    });
    let file = directory.path().join("echo.json");
    std::fs::write(&file, document.to_string()).unwrap();
    let key = r#"credential = { kind = "api_key", secret = { env = "ECHO_KEY" }, header = "X-Api-Key" }"#;
    let config = format!(
        "[server.api]\nopenapi = {:?}\n{key}\n[server.moved]\nupstream = \"{}/moved\"\n{key}\n",
        file.display().to_string(),
        echo.origin
    );
    let world = Setup::config(config).env("ECHO_KEY", KEY).approving("alice").without(off).start();
    let api = client(&world, "api").await;
    assert!(api.call("tell", json!({})).await.is_result(), "the API itself is reached");
    assert_eq!(echo.shown().pop().as_deref(), Some(KEY), "and shown the key");

    api.call("stray", json!({})).await;
    api.call("moved", json!({})).await;
    let moved = client(&world, "moved").await;
    moved.call("tell", json!({})).await;

    beaten(elsewhere.shown().is_empty(), format!("elsewhere was shown {:?}", elsewhere.shown()))
}

/// A server behind hands a cookie out, and waits for it to come back.
pub async fn cookie_from_behind(off: &[Control]) -> Verdict {
    let echo = Echo::start("http://127.0.0.1:1").await;
    let (world, _directory) = in_front_of(&echo, off);
    for server in ["keyed", "api"] {
        let client = client(&world, server).await;
        for _ in 0..2 {
            let answer = client.call("tell", json!({})).await;
            let given = answer.headers.get("set-cookie");
            beaten(given.is_none(), format!("{server}: the caller was given {given:?}"))?;
        }
    }
    let back = echo.shown().into_iter().find(|shown| shown.contains("theirs"));
    beaten(back.is_none(), format!("it came back: {back:?}"))
}
