use bailiwick_domain::entropy::Entropy;
use bailiwick_domain::scope::ScopeSet;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use url::Url;

use super::*;
use crate::authorize::Wish;
use crate::discovery::AuthorizationServer;

struct Fixed;
impl Entropy for Fixed {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(9);
    }
}

fn pending(redirect_uri: &str) -> Arc<Pending> {
    let server = AuthorizationServer {
        issuer: "https://as.example".to_owned(),
        authorization_endpoint: Url::parse("https://as.example/authorize").unwrap(),
        token_endpoint: Url::parse("https://as.example/token").unwrap(),
        registration_endpoint: None,
        revocation_endpoint: None,
        promises_iss: false,
        auth_methods: Vec::new(),
        offers_offline_access: false,
        takes_documents: false,
    };
    let wish =
        Wish { client_id: "c", redirect_uri, scope: &ScopeSet::default(), resource: Some("https://h.example/mcp") };
    Arc::new(Pending::begin(&server, wish, &Fixed))
}

async fn visit(port: u16, target: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let request = format!("GET {target} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn strangers_are_sent_away_and_the_one_answer_is_taken() {
    let loopback = Loopback::bind(None).await.unwrap();
    let port = loopback.listener.local_addr().unwrap().port();
    let pending = pending(loopback.redirect_uri());
    let state = pending.url.query_pairs().find(|(key, _)| key == "state").unwrap().1.into_owned();
    let waiting = tokio::spawn(async move { loopback.answer(pending).await });

    assert!(visit(port, "/favicon.ico").await.starts_with("HTTP/1.1 404"));
    assert!(visit(port, "/callback?code=forged&state=guess").await.starts_with("HTTP/1.1 400"));
    let page = visit(port, &format!("/callback?code=real&state={state}")).await;

    assert!(page.starts_with("HTTP/1.1 200") && page.contains("You can close this window"), "{page}");
    assert_eq!(waiting.await.unwrap().unwrap().expose(), "real");
}

#[tokio::test]
async fn an_earlier_port_that_is_taken_is_replaced() {
    let first = Loopback::bind(None).await.unwrap();
    let port = first.listener.local_addr().unwrap().port();

    let second = Loopback::bind(Some(port)).await.unwrap();

    assert_ne!(first.redirect_uri(), second.redirect_uri());
}
