//! What the command prints: the client's new entry on standard output, everything else on standard error.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::{Map, Value, json};

use super::desktop::Shape;
use super::moving::Moving;

/// The replacement for a client's file.
pub(super) fn entry(shape: Shape, origin: &str, moved: &[Moving]) -> Value {
    let server = |moving: &Moving| {
        let url = format!("{origin}/mcp/{}", moving.name);
        let entry = match shape {
            Shape::Common => json!({ "url": url }),
            Shape::Windsurf => json!({ "serverUrl": url }),
            Shape::VsCode => json!({ "type": "http", "url": url }),
        };
        (moving.label.clone(), entry)
    };
    let servers: Map<String, Value> = moved.iter().map(server).collect();
    match shape {
        Shape::Common | Shape::Windsurf => json!({ "mcpServers": servers }),
        Shape::VsCode => json!({ "servers": servers }),
    }
}

/// What became of each server.
pub(super) fn account(moved: &[Moving], left: &[(String, String)]) -> String {
    let mut text = String::new();
    for moving in moved {
        let what = |taken: &super::moving::Taken| taken.name.split_once('/').map_or("", |(_, what)| what).to_owned();
        let sealed: Vec<_> = moving.secrets.iter().map(what).collect();
        let sealed = if sealed.is_empty() { "no secrets".to_owned() } else { format!("sealed: {}", sealed.join(", ")) };
        // Writing to a string cannot fail.
        writeln!(text, "  move   {:<24} [server.{}]  {sealed}", format!("{:?}", moving.label), moving.name).ok();
    }
    for (label, reason) in left {
        writeln!(text, "  leave  {:<24} {reason}", format!("{label:?}")).ok();
    }
    text
}

/// What to do with the entry.
pub(super) fn instead(file: &Path) -> String {
    let file = file.display();
    format!("\nPut this in place of those servers in {file}; the secrets are in that file until you do:\n")
}

/// What to do after that.
pub(super) fn after(config: &Path, data: Option<&Path>, moved: &[Moving]) -> String {
    let data = data.map_or_else(String::new, |data| format!(" --data {}", data.display()));
    let config = config.display();
    let mut text =
        format!("\nThen start the gateway, or restart it if it runs:\n  bailiwick serve --config {config}{data}\n");
    let mut wanted: Vec<_> = moved.iter().flat_map(|moving| &moving.wanted).map(String::as_str).collect();
    wanted.sort_unstable();
    wanted.dedup();
    if !wanted.is_empty() {
        writeln!(text, "with these variables set: {}", wanted.join(", ")).ok();
    }
    text
}
