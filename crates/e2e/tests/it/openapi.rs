//! An HTTP API by its OpenAPI document: the example of `docs/openapi.md`, bad documents, and one that changes.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::{Request, State};
use axum::{Json, Router};
use bailiwick_e2e::{App, Mcp, Setup};
use serde_json::{Value, json};
use tempfile::TempDir;

const DOCUMENTATION: &str = include_str!("../../../../docs/openapi.md");

/// An API that answers with what it was asked.
struct Echo {
    url: String,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Echo {
    async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen: Arc<Mutex<Vec<String>>> = Arc::default();
        let echo = async |State(seen): State<Arc<Mutex<Vec<String>>>>, request: Request| {
            let asked = format!("{} {}", request.method(), request.uri());
            seen.lock().unwrap().push(asked.clone());
            Json(json!({ "asked": asked }))
        };
        let routes = Router::new().fallback(echo).with_state(Arc::clone(&seen));
        let stop = tokio_util::sync::CancellationToken::new();
        tokio::spawn(bailiwick_net::serve(bailiwick_net::Listener::Tcp(listener), routes, stop));
        Self { url, seen }
    }

    /// The document of the documentation, with this API in it.
    fn document(&self) -> String {
        let (_, after) = DOCUMENTATION.split_once("<<'EOF'\n").unwrap();
        let (text, _) = after.split_once("\nEOF").unwrap();
        assert!(text.contains("http://127.0.0.1:3000"));
        text.replace("http://127.0.0.1:3000", &self.url)
    }
}

fn written(directory: &TempDir, name: &str, text: &str) -> PathBuf {
    let file = directory.path().join(name);
    std::fs::write(&file, text).unwrap();
    file
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_example_of_the_documentation_works() {
    let (echo, directory) = (Echo::start().await, TempDir::new().unwrap());
    let file = written(&directory, "files.yaml", &echo.document());
    let world = Setup::default().arg("--openapi").arg(text(&file)).approving("alice").start();
    assert!(world.log().contains("(Files, 1 tool)"), "{}", world.log());
    let token = App::register(&world.base).await.tokens("mcp:read").await.access;
    let mut client = Mcp::new(&world.mcp(), Some(&token));
    client.begin().await;

    assert_eq!(client.tools().await, ["read_file"]);
    let answer = client.call("read_file", json!({ "name": "files.yaml" })).await;
    assert_eq!(answer.body["result"]["structuredContent"], json!({ "asked": "GET /files.yaml" }), "{}", answer.text);

    let refused = client.call("read_file", json!({ "name": "../secret" })).await;
    assert_eq!(refused.body["result"]["isError"], true, "{}", refused.text);
    assert_eq!(*echo.seen.lock().unwrap(), ["GET /files.yaml"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_url_on_the_command_line_says_where_the_api_is() {
    let (echo, directory) = (Echo::start().await, TempDir::new().unwrap());
    let elsewhere = echo.document().replace(&echo.url, "/relative");
    let file = written(&directory, "files.yaml", &elsewhere);
    let base = format!("{}/v1", echo.url);
    let world = Setup::upstream(&base).arg("--openapi").arg(text(&file)).approving("alice").start();
    let token = App::register(&world.base).await.tokens("mcp:read").await.access;

    let answer = Mcp::new(&world.mcp(), Some(&token)).call("read_file", json!({ "name": "a" })).await;

    assert_eq!(answer.body["result"]["structuredContent"]["asked"], "GET /v1/a", "{}", answer.text);
}

#[tokio::test]
async fn a_bad_document_is_refused_in_one_line_that_helps() {
    let directory = TempDir::new().unwrap();
    let good = "openapi: 3.1.0\nservers: [{ url: 'http://a' }]\npaths: { /x: { get: {} } }";
    let broken = good.replace("/x: {", "/x: { parameters: [{ $ref: 'parts.yaml#/id' }],");
    let cases = [
        (good.replace("3.1.0", "2.9"), "openapi: 2.9 is not read; 3.0 and 3.1 are"),
        (good.replace("paths: {", "paths: [{"), "line 3, column"),
        (
            broken,
            "paths./x.get.parameters[0]: $ref \"parts.yaml#/id\" leads out of this file; put what it refers to into it",
        ),
        (good.replace("'http://a'", "/v1"), "say where the API is, with `base_url` or as the URL on the command line"),
    ];
    for (document, says) in cases {
        let file = written(&directory, "crm.yaml", &document);
        for setup in [
            Setup::default().arg("--openapi").arg(text(&file)),
            Setup::config(format!("[server.crm]\nopenapi = {:?}\n", text(&file))),
        ] {
            let said = setup.refused();
            let line = said.lines().find(|line| line.contains("crm.yaml")).unwrap_or_else(|| panic!("{said}"));
            assert!(line.contains(says), "{line}");
        }
    }
    let missing = Setup::default().arg("--openapi").arg("/nowhere.yaml").refused();
    assert!(missing.contains("cannot read /nowhere.yaml: No such file"), "{missing}");
    let file = written(&directory, "crm.yaml", good);
    let security = "[server.crm.security.key]\ncredential = { kind = \"none\" }\n";
    let unknown = Setup::config(format!("[server.crm]\nopenapi = {:?}\n{security}", text(&file))).refused();
    assert!(
        unknown.contains("server.crm.security.key: the document has no such security scheme; it has none"),
        "{unknown}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_id_with_a_slash_reaches_only_an_api_whose_operator_says_so() {
    let (echo, directory) = (Echo::start().await, TempDir::new().unwrap());
    let file = written(&directory, "files.yaml", &echo.document());
    let config = format!("[server.files]\nopenapi = {:?}\n", text(&file));
    let world = Setup::config(config.clone()).approving("alice").start();
    let token = App::register_for(&world.base, &world.url("/mcp/files")).await.tokens("files:read").await.access;
    let mut client = Mcp::new(&world.url("/mcp/files"), Some(&token));
    client.begin().await;

    let refused = client.call("read_file", json!({ "name": "1/invoices" })).await;
    assert!(refused.text.contains("name must be one segment of the path"), "{}", refused.text);
    assert!(echo.seen.lock().unwrap().is_empty());

    std::fs::write(world.data().join("bailiwick.toml"), format!("{config}encoded_slashes = true\n")).unwrap();
    for _ in 0..100 {
        client.call("read_file", json!({ "name": "1/invoices" })).await;
        if !echo.seen.lock().unwrap().is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(echo.seen.lock().unwrap().first().unwrap(), "GET /1%2Finvoices");
    let misplaced = Setup::config("[server.x]\nupstream = \"http://localhost:9/mcp\"\nencoded_slashes = true\n");
    assert!(misplaced.refused().contains("`encoded_slashes` go with `openapi`"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changed_document_is_taken_over_and_a_bad_one_is_not() {
    let (echo, directory) = (Echo::start().await, TempDir::new().unwrap());
    let document = echo.document();
    let file = written(&directory, "files.yaml", &document);
    let world = Setup::config(format!("[server.files]\nopenapi = {:?}\n", text(&file))).approving("alice").start();
    let resource = world.url("/mcp/files");
    let token = App::register_for(&world.base, &resource).await.tokens("files:read").await.access;
    let client = Mcp::new(&resource, Some(&token));
    assert_eq!(client.tools().await, ["read_file"]);

    written(&directory, "files.yaml", "openapi: nonsense");
    until(|| world.log().contains("openapi: nonsense is not read")).await;
    let answer = client.call("read_file", json!({ "name": "a" })).await;
    assert!(answer.is_result(), "the one before stays in force: {}", answer.text);

    written(&directory, "files.yaml", &document.replace("read_file", "fetch_file"));
    for _ in 0..100 {
        if client.tools().await == ["fetch_file"] {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(client.tools().await, ["fetch_file"]);
    let gone: Value = client.call("read_file", json!({ "name": "a" })).await.body;
    assert!(gone["result"]["isError"] == true || gone["error"].is_object() || gone["error"].is_string(), "{gone}");
}

async fn until(is: impl Fn() -> bool) {
    for _ in 0..100 {
        if is() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("it never came");
}
