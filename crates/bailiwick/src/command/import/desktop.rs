//! A desktop client's list of servers, whoever wrote it: `mcpServers` (Claude, Cursor, Windsurf and most others),
//! `servers` (VS Code's `mcp.json`), or `mcp.servers` (VS Code's settings).

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use url::Url;

use super::lenient;

/// What a file lists, and how its client wants it back.
#[derive(Debug)]
pub(super) struct Desktop {
    pub(super) shape: Shape,
    pub(super) servers: Vec<Found>,
}

/// How a client writes a remote server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// `{"mcpServers": {NAME: {"url": …}}}`
    Common,
    /// `{"mcpServers": {NAME: {"serverUrl": …}}}`
    Windsurf,
    /// `{"servers": {NAME: {"type": "http", "url": …}}}`
    VsCode,
}

/// One server of the list.
#[derive(Debug)]
pub(super) struct Found {
    /// What the person calls it.
    pub(super) label: String,
    /// How it is reached; or why it cannot be moved.
    pub(super) how: Result<How, String>,
}

/// How a server is reached.
#[derive(Debug)]
pub(super) enum How {
    /// A program that speaks stdio.
    Program { words: Vec<String>, env: BTreeMap<String, String>, directory: Option<String> },
    /// A server over HTTP.
    Remote { url: Url, headers: BTreeMap<String, String> },
}

impl Desktop {
    /// Reads a client's file.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let value: Value = serde_json::from_str(&lenient::strict(text)).map_err(|error| {
            // The parser's own words could quote the file.
            format!("not JSON at line {}, column {}", error.line(), error.column())
        })?;
        let places = [("/mcpServers", Shape::Common), ("/servers", Shape::VsCode), ("/mcp/servers", Shape::VsCode)];
        let found = places.into_iter().find_map(|(place, shape)| Some((value.pointer(place)?.as_object()?, shape)));
        let Some((listed, shape)) = found else {
            return Err("no MCP servers: neither `mcpServers` nor `servers` is in it".to_owned());
        };
        let windsurf = listed.values().any(|entry| entry.get("serverUrl").is_some());
        let servers = listed.iter().map(|(label, entry)| Found { label: label.clone(), how: how(entry) }).collect();
        Ok(Self { shape: if windsurf { Shape::Windsurf } else { shape }, servers })
    }
}

fn how(entry: &Value) -> Result<How, String> {
    let Some(entry) = entry.as_object() else { return Err("this is not a server".to_owned()) };
    if entry.get("disabled") == Some(&Value::Bool(true)) {
        return Err("it is disabled".to_owned());
    }
    if let Some(raw) = ["url", "serverUrl", "httpUrl"].iter().find_map(|name| entry.get(*name)?.as_str()) {
        return remote(entry, raw);
    }
    let program = entry.get("command").and_then(Value::as_str).filter(|program| !program.is_empty());
    let program = program.ok_or("it has neither a `command` nor a `url`")?;
    if entry.contains_key("envFile") {
        return Err("it reads an `envFile`: put those variables into its `env`, then import again".to_owned());
    }
    let args = entry.get("args").and_then(Value::as_array).into_iter().flatten();
    let args = args.map(|word| plain(word).ok_or("an argument is not a text")).collect::<Result<Vec<_>, _>>()?;
    let directory = entry.get("cwd").and_then(Value::as_str).map(str::to_owned);
    let words = std::iter::once(program.to_owned()).chain(args).collect();
    Ok(How::Program { words, env: texts(entry, "env")?, directory })
}

fn remote(entry: &Map<String, Value>, raw: &str) -> Result<How, String> {
    if entry.get("type").and_then(Value::as_str) == Some("sse") || raw.trim_end_matches('/').ends_with("/sse") {
        return Err("it speaks the old HTTP+SSE transport; give the server's streamable HTTP URL".to_owned());
    }
    match Url::parse(raw) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => {
            Ok(How::Remote { url, headers: texts(entry, "headers")? })
        }
        Ok(_) | Err(_) => Err("its URL is not one of http or https".to_owned()),
    }
}

/// A member that maps names to texts; numbers and truth values count as written, null as absent.
fn texts(entry: &Map<String, Value>, member: &str) -> Result<BTreeMap<String, String>, String> {
    let named = entry.get(member).and_then(Value::as_object).into_iter().flatten();
    let text = |(name, value): (&String, &Value)| {
        let text = plain(value).ok_or_else(|| format!("{member}.{name} is not a text"))?;
        Ok((name.clone(), text))
    };
    named.filter(|(_, value)| !value.is_null()).map(text).collect()
}

fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(fact) => Some(fact.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}
