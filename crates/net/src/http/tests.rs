use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::{Http, HttpError};

/// A peer that answers each connection with these bytes and then keeps it open.
async fn peer(answer: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let mut kept = Vec::new();
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut request = [0; 1024];
            let _ = socket.read(&mut request).await;
            let _ = socket.write_all(answer).await;
            kept.push(socket);
        }
    });
    format!("http://{at}/")
}

fn get(url: &str) -> Request<Full<Bytes>> {
    Request::get(url).body(Full::default()).unwrap()
}

#[tokio::test]
async fn a_redirect_is_an_answer_like_any_other() {
    let url = peer(b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n").await;

    let response = Http::new().send(get(&url)).await.unwrap();

    assert_eq!(response.status(), 302);
}

#[tokio::test]
async fn nobody_listening_is_a_failed_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);

    let error = Http::new().send(get(&url)).await.unwrap_err();

    assert!(matches!(error, HttpError::Connect { .. }), "{error}");
}

#[tokio::test]
async fn what_went_wrong_names_no_password() {
    let error = Http::new().send(get("http://ada:pass-word@127.0.0.1:1/mcp")).await.unwrap_err();

    assert!(error.to_string().starts_with("cannot connect to 127.0.0.1:1: "), "{error}");
}

#[tokio::test]
async fn silence_is_slow() {
    let url = peer(b"").await;

    let error =
        Http::with_patience(Duration::from_secs(5), Duration::from_millis(50)).send(get(&url)).await.unwrap_err();

    assert!(matches!(error, HttpError::Slow { .. }), "{error}");
}

#[tokio::test]
async fn a_long_answer_is_not_read_to_its_end() {
    let url = peer(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n0123456789").await;

    let error = Http::new().fetch(get(&url), 9).await.unwrap_err();

    assert!(matches!(error, HttpError::TooBig { most: 9, .. }), "{error}");
}

#[tokio::test]
async fn where_somebody_else_pointed_lies_on_the_public_internet() {
    let http = Http::outward();
    for (url, says) in [
        ("https://127.0.0.1:1/", "not a public address"),
        ("https://[::1]:1/", "not a public address"),
        ("https://[::ffff:169.254.169.254]/", "not a public address"),
        ("https://10.0.0.1/", "not a public address"),
        ("https://169.254.169.254/latest/meta-data", "not a public address"),
        ("https://localhost:1/", "not a public address"),
        ("http://example.com/", "only https"),
    ] {
        let request = Request::get(url).body(Full::new(Bytes::new())).unwrap();

        let refused = http.send(request).await.unwrap_err().to_string();

        assert!(refused.contains(says), "{url}: {refused}");
    }
}
