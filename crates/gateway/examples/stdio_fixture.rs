//! An MCP server over stdio for the tests of the gateway: small, and able to misbehave on request.
#![expect(clippy::unwrap_used, reason = "a fixture that cannot speak has failed")]

use std::io::{BufRead as _, Write as _};

use serde_json::{Value, json};

fn main() {
    println!("fixture ready: this line is no message");
    eprintln!("fixture complains on standard error");
    for line in std::io::stdin().lock().lines() {
        let message: Value = serde_json::from_str(&line.unwrap()).unwrap();
        let method = message.get("method").and_then(Value::as_str).unwrap_or("").to_owned();
        match (method.as_str(), message.get("id").cloned()) {
            ("", Some(id)) => answer(&json!("waiting"), &json!({ "content": [{ "type": "text", "text": id }] })),
            (method, Some(id)) => serve(method, &id, &message),
            _ => {}
        }
    }
}

fn serve(method: &str, id: &Value, message: &Value) {
    let param = |name: &str| message.pointer(&format!("/params/{name}")).cloned().unwrap_or_default();
    match (method, param("name").as_str()) {
        ("initialize", _) => answer(
            id,
            &json!({ "protocolVersion": param("protocolVersion"), "capabilities": { "tools": {} },
                     "serverInfo": { "name": "fixture", "version": "1" } }),
        ),
        ("tools/list", _) => answer(id, &json!({ "tools": tools() })),
        ("tools/call", Some("read_env")) => text(id, &environment()),
        // Backwards, so that whoever looks for the secret in the answer does not find it.
        ("tools/call", Some("read_own")) => {
            let own = std::env::var_os("OWN_TOKEN").unwrap_or_default();
            text(id, &own.to_string_lossy().chars().rev().collect::<String>());
        }
        ("tools/call", Some("read_plain")) => {
            text(id, &std::env::var_os("OWN_TOKEN").unwrap_or_default().to_string_lossy());
        }
        ("tools/call", Some("read_progress")) => {
            let token = param("_meta").get("progressToken").cloned().unwrap_or_default();
            say(&json!({ "jsonrpc": "2.0", "method": "notifications/progress",
                         "params": { "progressToken": token, "progress": 1 } }));
            text(id, &format!("called as {id}"));
        }
        ("tools/call", Some("read_die")) => std::process::exit(3),
        ("tools/call", Some("read_ask")) => {
            // The answer to this question is echoed back; the call itself is never answered.
            say(&json!({ "jsonrpc": "2.0", "id": "question-1", "method": "roots/list" }));
            say(&json!({ "jsonrpc": "2.0", "id": id, "result": { "content": [] } }));
        }
        ("tools/call", Some(tool)) => text(id, &format!("{tool} done")),
        _ => answer(id, &json!({})),
    }
}

fn tools() -> Value {
    let tool = |name: &str, annotations: Value| json!({ "name": name, "inputSchema": { "type": "object" }, "annotations": annotations });
    let read = json!({ "readOnlyHint": true });
    json!([
        tool("read_env", read.clone()),
        tool("read_own", read.clone()),
        tool("read_plain", read.clone()),
        tool("read_progress", read.clone()),
        tool("read_die", read.clone()),
        tool("read_ask", read),
        tool("write_note", json!({})),
        tool("delete_note", json!({ "destructiveHint": true })),
    ])
}

fn environment() -> String {
    let mut names: Vec<String> = std::env::vars_os().map(|(name, _)| name.to_string_lossy().into_owned()).collect();
    names.sort();
    names.join(" ")
}

fn text(id: &Value, text: &str) {
    answer(id, &json!({ "content": [{ "type": "text", "text": text }] }));
}

fn answer(id: &Value, result: &Value) {
    say(&json!({ "jsonrpc": "2.0", "id": id, "result": result }));
}

fn say(message: &Value) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{message}").unwrap();
    out.flush().unwrap();
}
