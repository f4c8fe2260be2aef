//! Clients that describe themselves in a document at the URL that is their `client_id`.

use bailiwick_e2e::documents::{Canary, DocumentHost};
use bailiwick_e2e::oauth::code_of;
use bailiwick_e2e::{App, Mcp, Setup, Visitor, World};
use http::StatusCode;
use serde_json::{Value, json};

use crate::reload::{until, write};

const SCOPE: &str = "mcp:read";

async fn app(world: &World, id: &str) -> App {
    let mut app = App::register(&world.base).await;
    id.clone_into(&mut app.client_id);
    app
}

async fn metadata(world: &World) -> Value {
    let seen = Visitor::new(&world.base).open(&world.url("/.well-known/oauth-authorization-server")).await;
    serde_json::from_str(&seen.body).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_documented_client_logs_in_calls_refreshes_and_outlives_its_host() {
    let host = DocumentHost::start().await;
    let setup = Setup::config(host.config()).approving("alice");
    let world = setup.clone().start();
    assert_eq!(metadata(&world).await["client_id_metadata_document_supported"], true);

    let client = app(&world, &host.url()).await;
    let tokens = client.tokens(SCOPE).await;
    assert_eq!(tokens.claims()["client_id"], host.url());
    let mut mcp = Mcp::new(&world.mcp(), Some(&tokens.access));
    mcp.begin().await;
    assert!(mcp.call("list_notes", json!({})).await.is_result());
    let tokens = client.refresh(&tokens.refresh.unwrap()).await.unwrap();
    client.tokens(SCOPE).await;
    assert_eq!(host.asked(), 1, "fetched once, at /authorize only");

    // Another life of the house: what it kept in memory is gone, what a person agreed to is not.
    let ended = world.stop();
    host.bytes("");
    let _world = setup.after(&ended).start();
    assert!(client.refresh(&tokens.refresh.unwrap()).await.is_ok());
    assert_eq!(host.asked(), 1, "the token endpoint asks nobody");
    host.status(503, &Value::Null);
    client.tokens(SCOPE).await;
    assert_eq!(host.asked(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_withdrawn_document_ends_new_authorizations() {
    let host = DocumentHost::start().await;
    let setup = Setup::config(host.config()).approving("alice");
    let world = setup.clone().start();
    let client = app(&world, &host.url()).await;
    client.tokens(SCOPE).await;
    host.status(404, &host.good());
    let ended = world.stop();
    let world = setup.after(&ended).start();
    let seen = Visitor::new(&world.base).open(&client.authorize_url(SCOPE)).await;

    assert_eq!((seen.status, seen.location), (StatusCode::BAD_REQUEST, None), "{}", seen.body);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_person_sees_whose_document_it_is() {
    let host = DocumentHost::start().await;
    let world = Setup::config(host.config()).start();
    let mut visitor = Visitor::new(&world.base);
    visitor.set_up(&world.setup_link(), "alice", "correct horse battery").await;
    let client = app(&world, &host.url()).await;

    let page = visitor.open(&client.authorize_url(SCOPE)).await;

    let shown = format!("<span class=\"host\">localhost:{}</span>", host.port);
    assert!(page.body.contains(&shown) && page.body.contains(&host.url()), "{}", page.body);
    assert!(page.body.contains("Documented") && !page.body.contains("elsewhere.example"), "{}", page.body);
    // What is approved is what was shown, even when the document changes meanwhile.
    let mut changed = host.good();
    changed["redirect_uris"] = json!(["http://127.0.0.1/elsewhere"]);
    host.document(&changed);
    let form = page.form("form_token");
    let seen = visitor.submit(&page, &form, Some(("decision", "allow"))).await;
    assert!(client.redeem(&code_of(&seen)).await.is_ok());
}

/// What the host serves at a URL of its own each, and what the log says of it.
fn bad_documents(host: &DocumentHost, canary: &Canary) -> Vec<(String, String, &'static str)> {
    let good = host.good();
    // A document at the URL `id`, good but for one member.
    let with = |id: &str, name: &str, value: Value| {
        let mut document = good.clone();
        document["client_id"] = id.into();
        document[name] = value;
        document.to_string()
    };
    let json = |body: String, missing: usize| {
        let length = body.len() + missing;
        format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}")
    };
    let changed = |id: &str, name: &str, value: Value| json(with(id, name, value), 0);
    let id = |n: u8| host.url().replace("client.json", &format!("{n}.json"));
    let redirect = format!("HTTP/1.1 302 Found\r\nlocation: https://{}/\r\ncontent-length: 0\r\n\r\n", canary.address);
    let html = changed(&id(7), "x", Value::Null).replace("application/json", "text/html");
    vec![
        (id(0), redirect, "status 302"),
        (id(1), "HTTP/1.1 404 X\r\ncontent-length: 0\r\n\r\n".to_owned(), "status 404"),
        (id(2), changed(&id(2), "logo_uri", "x".repeat(6 * 1024).into()), "longer than 5120 bytes"),
        (id(3), changed(&id(3), "client_id", "https://claude.ai/c".into()), "client_id is not the URL"),
        (id(4), changed(&id(4), "client_secret", "s".into()), "must not hold a client_secret"),
        (id(5), changed(&id(5), "token_endpoint_auth_method", "private_key_jwt".into()), "is not offered here"),
        (id(6), json("[]".to_owned(), 0), "not client metadata in JSON"),
        (id(7), html, "not JSON by its content type"),
        (id(8), json(with(&id(8), "x", Value::Null), 1), "time allowed"),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_documents_are_told_apart_in_the_log_and_nowhere_else() {
    let (host, canary) = (DocumentHost::start().await, Canary::start().await);
    let port = canary.address.port();
    let config = format!("{}ports = [{port}]\n", host.config());
    let world = Setup::config(config).approving("alice").env("BAILIWICK_LOG", "info").start();
    let elsewhere = [
        (format!("https://localhost:{port}/client.json"), "not a public address"),
        ("https://localhost:1/client.json".to_owned(), "port 1 is not allowed"),
        ("https://169.254.169.254/latest/meta-data".to_owned(), "has a host name"),
        ("https://[::ffff:127.0.0.1]/c".to_owned(), "port of a client metadata document"),
        (host.url().replace("https", "http"), "at an https URL"),
        (format!("{}?x=1", host.url()), "has no query"),
        (host.url().replace("client.json", "a/../client.json"), "no dot segments"),
    ];
    let elsewhere = elsewhere.map(|(id, says)| (id, String::new(), says));
    let mut client = app(&world, "").await;
    let mut pages = Vec::new();

    for (id, bytes, says) in bad_documents(&host, &canary).into_iter().chain(elsewhere) {
        host.bytes(bytes);
        client.client_id.clone_from(&id);
        let seen = Visitor::new(&world.base).open(&client.authorize_url(SCOPE)).await;
        assert_eq!((seen.status, &seen.location), (StatusCode::BAD_REQUEST, &None), "{id}: {}", seen.body);
        assert!(logged(&world, says).await, "{id}: {says:?} is not in the log:\n{}", world.log());
        pages.push(without_reference(&seen.body));
    }

    pages.dedup();
    assert_eq!(pages.len(), 1, "every refusal looks the same");
    assert_eq!((host.asked(), canary.touched()), (9, 0));
}

/// True when the log says so, or is about to: its lines come through a pipe.
async fn logged(world: &World, says: &str) -> bool {
    for _ in 0..200 {
        if world.log().contains(says) {
            return true;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    false
}

/// The page without the one thing that differs: the reference.
fn without_reference(page: &str) -> String {
    page.split("co_").map(|part| part.get(22..).unwrap_or(part)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whose_documents_are_believed_changes_while_it_runs() {
    let host = DocumentHost::start().await;
    let world = Setup::config("[cimd]\npolicy = \"off\"\n").approving("alice").start();
    let client = app(&world, &host.url()).await;
    let supported = async || metadata(&world).await["client_id_metadata_document_supported"] == true;
    assert!(!supported().await);

    write(&world, &host.config());
    until("documents are believed", supported).await;
    let tokens = client.tokens(SCOPE).await;
    write(&world, &format!("{}policy = \"listed\"\ndomains = [\"claude.ai\"]\n", host.config()));
    until("this one is believed no more", async || {
        Visitor::new(&world.base).open(&client.authorize_url(SCOPE)).await.status == StatusCode::BAD_REQUEST
    })
    .await;

    assert!(client.refresh(&tokens.refresh.unwrap()).await.is_err(), "nor what a person agreed to before");
    write(&world, "[cimd]\nallow_private = [\"10.0.0.1:443\"]\n");
    until("the slip is told", async || world.log().contains("line 2, column 1: cimd.allow_private")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn documents_can_be_switched_off() {
    let host = DocumentHost::start().await;
    let world = Setup::config(format!("{}policy = \"off\"\n", host.config())).approving("alice").start();
    let client = app(&world, &host.url()).await;

    let seen = Visitor::new(&world.base).open(&client.authorize_url(SCOPE)).await;

    assert_eq!((seen.status, seen.location, host.asked()), (StatusCode::BAD_REQUEST, None, 0));
    assert_eq!(metadata(&world).await["client_id_metadata_document_supported"], false);
}
