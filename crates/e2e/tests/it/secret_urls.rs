//! A server whose URL lets in whoever knows it, sealed or kept elsewhere as a whole: wherever it is told, it is cleared.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use bailiwick_e2e::{App, Mcp, Setup};
use http::{HeaderMap, StatusCode};
use serde_json::json;

const KEY: &str = "ZjRmNGY0LTk4NzYtNDU2Nw";

/// A server that answers with this status, and tells where it was reached.
async fn telltale(status: Arc<AtomicU16>) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    let answer = async |State(status): State<Arc<AtomicU16>>, request: Request| -> Response {
        let status = StatusCode::from_u16(status.load(Ordering::Relaxed)).unwrap();
        let path = request.uri().path().to_owned();
        let headers = HeaderMap::from_iter([(http::header::LOCATION, format!("{path}/").parse().unwrap())]);
        if status.is_redirection() { (status, headers).into_response() } else { (status, path).into_response() }
    };
    let stop = tokio_util::sync::CancellationToken::new();
    let routes = Router::new().fallback(answer).with_state(status);
    tokio::spawn(bailiwick_net::serve(bailiwick_net::Listener::Tcp(listener), routes, stop));
    at.to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_url_that_is_a_secret_stands_in_no_answer_and_no_log() {
    let status = Arc::new(AtomicU16::new(307));
    let at = telltale(Arc::clone(&status)).await;
    let config = "[server.a]\nupstream = { env = \"SECRET_URL\" }\n[server.b]\nupstream = { env = \"GONE_URL\" }\n";
    let setup = Setup::config(config).env("SECRET_URL", &format!("http://{at}/services/{KEY}/mcp"));
    let world = setup.env("GONE_URL", "http://ada:pass-word-7@127.0.0.1:1/mcp").approving("alice").start();
    let token = App::register_for(&world.base, &world.url("/mcp/a")).await.tokens("a:read").await.access;
    let mut client = Mcp::new(&world.url("/mcp/a"), Some(&token));

    client.begin().await;
    assert!(world.log().contains("it answered 307 Temporary Redirect to /services/[removed by bailiwick]/mcp/"));
    status.store(404, Ordering::Relaxed);
    let lost = client.call("look", json!({})).await;
    let begun = client.begin().await;
    let token = App::register_for(&world.base, &world.url("/mcp/b")).await.tokens("b:read").await.access;
    Mcp::new(&world.url("/mcp/b"), Some(&token)).begin().await;

    assert_eq!(begun.text, "/services/[removed by bailiwick]/mcp", "{}", begun.status);
    let log = world.log();
    assert!(log.contains("cannot connect to 127.0.0.1:1"), "{log}");
    for secret in [KEY, "pass-word-7"] {
        assert!(!log.contains(secret) && !lost.text.contains(secret), "{log}");
    }
}
