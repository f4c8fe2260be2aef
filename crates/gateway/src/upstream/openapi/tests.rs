//! Documents, and the requests that calls become.

mod documents;
mod requests;

use serde_json::{Value, json};

use super::Api;

/// An API of one operation, `op`, below `http://api.example/v1`.
fn api(path: &str, method: &str, operation: Value) -> Api {
    let mut operation = operation;
    operation["operationId"] = json!("op");
    let mut item = json!({});
    item[method] = operation;
    let mut paths = json!({});
    paths[path] = item;
    let document = json!({
        "openapi": "3.1.0",
        "info": { "title": "Test", "version": "1" },
        "servers": [{ "url": "http://api.example/v1" }],
        "paths": paths,
        "components": { "securitySchemes": {
            "key": { "type": "apiKey", "in": "header", "name": "X-Key" },
            "query": { "type": "apiKey", "in": "query", "name": "api key" },
            "login": { "type": "http", "scheme": "bearer" },
        } },
    });
    Api::read(document.to_string().as_bytes(), None).unwrap()
}

/// As a listing shows its tool.
fn listed(api: &Api, tool: &str) -> Value {
    serde_json::from_str(&api.operation(tool).unwrap().listed).unwrap()
}
