//! An API behind the gateway that knows nothing of MCP, and its OpenAPI document. It answers with what reached it, and
//! misbehaves on request.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use bailiwick_gateway::Api;
use serde_json::{Value, json};

use crate::behind::Behind;

/// The document of the API at that origin.
pub(crate) fn described(origin: &str) -> Api {
    let text = json!({ "name": "q", "in": "query", "schema": { "type": "string" } });
    let note = json!({ "name": "id", "in": "path", "required": true, "schema": { "type": "string" } });
    let trace = json!({ "name": "X-Trace", "in": "header", "schema": { "type": "string" } });
    let promise = json!({ "type": "object", "properties": { "method": { "type": "string" } }, "required": ["method"] });
    let promised = json!({ "200": { "description": "", "content": { "application/json": { "schema": promise } } } });
    let plain = |id: &str| json!({ "get": { "operationId": id } });
    let document = json!({
        "openapi": "3.1.0",
        "info": { "title": "Notes over HTTP", "version": 2, "description": "Keeps notes." },
        "servers": [{ "url": format!("{origin}/api") }],
        "paths": {
            "/notes/{id}": {
                "parameters": [note],
                "get": { "operationId": "getNote", "summary": "One note", "parameters": [text, trace], "responses": promised },
                "put": { "operationId": "putNote", "requestBody": { "content": { "application/json": { "schema": { "type": "object" } } } } },
                "delete": { "operationId": "deleteNote" },
            },
            "/list": { "get": { "operationId": "list", "responses": promised } },
            "/moved": plain("moved"),
            "/big": plain("big"),
            "/refuses": plain("refuses"),
            "/wants-us-to-log-in": plain("login"),
            "/locked": plain("locked"),
            "/image": plain("image"),
            "/hangs-up": plain("hangup"),
        },
    });
    Api::read(document.to_string().as_bytes(), None).unwrap()
}

pub(crate) async fn answer(State(behind): State<Behind>, request: Request) -> Response {
    let (uri, path) = (request.uri().to_string(), request.uri().path().to_owned());
    let reached = behind.note(request).await;
    let json = |value: Value| (200, "application/json", value.to_string());
    let (status, kind, body) = match path.as_str() {
        "/api/list" => json(json!([1, 2])),
        "/api/moved" => (302, "text/plain", String::new()),
        "/api/big" => (200, "text/plain", "x".repeat(5 << 20)),
        "/api/refuses" => (422, "text/plain", "no ".repeat(5_000)),
        "/api/wants-us-to-log-in" | "/api/locked" => {
            (401, "application/json", r#"{"error":"who are you?"}"#.to_owned())
        }
        "/api/image" => (200, "image/png", "\u{89}PNG".to_owned()),
        "/api/hangs-up" => (500, "text/plain", "stack trace".to_owned()),
        _ => {
            let said: Value = serde_json::from_slice(&reached.body).unwrap_or_default();
            json(json!({ "method": reached.method.as_str(), "uri": uri, "said": said }))
        }
    };
    let mut response = Response::builder().status(status).header("content-type", kind);
    if status == 302 {
        response = response.header("location", format!("{}/json", behind.origin));
    }
    response.header("set-cookie", "their=session").body(Body::from(body)).unwrap()
}
