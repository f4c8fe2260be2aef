//! An authorization server behind: it gives tokens for the gateway's, fairly or not, and remembers what it was asked.

use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use bailiwick_domain::text;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::oauth::claims;

/// What it gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Humour {
    /// What was asked for.
    Fair,
    /// A scope nobody asked for.
    Generous,
    /// The same, told only within the token.
    Whispering,
    /// A token for somebody else.
    Mistaken,
    /// Nothing.
    Refusing,
}

/// The fields of one request.
pub type Asked = Vec<(String, String)>;

/// One request: its fields, and its `Authorization`.
pub type Request = (Asked, Option<String>);

#[derive(Clone)]
struct Desk {
    humour: Arc<Mutex<Humour>>,
    asked: Arc<Mutex<Vec<Request>>>,
}

/// A running authorization server.
pub struct Giver {
    pub token_url: String,
    desk: Desk,
    stop: CancellationToken,
}

impl Giver {
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let token_url = format!("http://{}/token", listener.local_addr().unwrap());
        let desk = Desk { humour: Arc::new(Mutex::new(Humour::Fair)), asked: Arc::default() };
        let routes = Router::new().route("/token", post(give)).with_state(desk.clone());
        let stop = CancellationToken::new();
        tokio::spawn(bailiwick_net::serve(bailiwick_net::Listener::Tcp(listener), routes, stop.clone()));
        Self { token_url, desk, stop }
    }

    /// From now on.
    pub fn turn(&self, humour: Humour) {
        *self.desk.humour.lock().unwrap() = humour;
    }

    /// Every request so far.
    pub fn asked(&self) -> Vec<Request> {
        self.desk.asked.lock().unwrap().clone()
    }

    /// How many requests there were.
    pub fn count(&self) -> usize {
        self.desk.asked.lock().unwrap().len()
    }
}

impl Drop for Giver {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// The field of that name.
pub fn field<'a>(asked: &'a Asked, name: &str) -> &'a str {
    asked.iter().find(|(own, _)| own == name).map_or("", |(_, value)| value)
}

async fn give(State(desk): State<Desk>, headers: HeaderMap, body: String) -> Response {
    let asked: Asked = url::form_urlencoded::parse(body.as_bytes()).into_owned().collect();
    let authorization = headers.get("authorization").map(|value| value.to_str().unwrap().to_owned());
    let number = {
        let mut all = desk.asked.lock().unwrap();
        all.push((asked.clone(), authorization));
        all.len()
    };
    let humour = *desk.humour.lock().unwrap();
    if humour == Humour::Refusing {
        return (StatusCode::BAD_REQUEST, Json(json!({ "error": "invalid_grant" }))).into_response();
    }
    let scope = field(&asked, "scope");
    let audience = if humour == Humour::Mistaken { "https://somebody-else.example" } else { field(&asked, "audience") };
    let (inner, outer) = match humour {
        Humour::Generous => (scope.to_owned(), format!("{scope} crm:admin")),
        Humour::Whispering => (format!("{scope} crm:admin"), scope.to_owned()),
        Humour::Fair | Humour::Mistaken | Humour::Refusing => (scope.to_owned(), scope.to_owned()),
    };
    // Whose token it was given for, so that a server behind can be seen to get the right one.
    let subject =
        [field(&asked, "subject_token"), field(&asked, "assertion")].into_iter().find(|token| !token.is_empty());
    let subject = subject.map_or(Value::Null, |token| if token.contains('.') { claims(token) } else { Value::Null });
    let said = json!({ "aud": audience, "scope": inner, "sub": subject["sub"], "for": subject["dlg"]["pjti"],
        "act": subject["act"], "number": number });
    let token = format!("e30.{}.given", text::encode(said.to_string().as_bytes()));
    Json(json!({ "access_token": token, "token_type": "Bearer", "expires_in": 3600, "scope": outer,
        "issued_token_type": crate::agents::ACCESS_TOKEN }))
    .into_response()
}
