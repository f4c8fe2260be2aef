//! `bailiwick demo-server`: a small MCP server over stdio with tools of every risk, to have something to protect in
//! the first minute. It keeps a handful of notes, in memory or, with `--notes FILE`, in a file that several of it share.

mod notes;
mod tools;

use std::io::{BufRead, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use bailiwick_domain::mcp::{Envelope, Id, Message, Method, Revision, reply};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use notes::Notes;

/// `bailiwick demo-server`.
#[derive(clap::Args, Debug)]
pub(crate) struct DemoServer {
    /// Keep the notes in this file instead of in memory
    #[arg(long, value_name = "FILE")]
    notes: Option<PathBuf>,
}

/// Answers the messages on standard input, one a line, until there are no more.
pub(crate) fn run(args: &DemoServer) -> ExitCode {
    match serve(std::io::stdin().lock(), std::io::stdout().lock(), args.notes.as_deref()) {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever started this has gone; there is nobody left to complain to.
        Err(_) => ExitCode::FAILURE,
    }
}

fn serve(mut input: impl BufRead, mut output: impl Write, file: Option<&Path>) -> std::io::Result<()> {
    let mut notes = Notes::seeded();
    let mut line = Vec::new();
    while input.read_until(b'\n', &mut line)? > 0 {
        // Another sample server may have written since; what was written last is what there is.
        if let Some(kept) = file.and_then(Notes::read) {
            notes = kept;
        }
        let before = notes.clone();
        let answer = answer(&mut notes, &line);
        if let Some(file) = file.filter(|_| notes != before) {
            notes.write(file)?;
        }
        if let Some(mut answer) = answer {
            answer.push(b'\n');
            output.write_all(&answer)?;
            output.flush()?;
        }
        line.clear();
    }
    Ok(())
}

/// The answer to one message; notifications, responses and empty lines get none.
fn answer(notes: &mut Notes, line: &[u8]) -> Option<Vec<u8>> {
    if line.trim_ascii().is_empty() {
        return None;
    }
    let envelope = match Envelope::parse(line) {
        Ok(envelope) => envelope,
        Err(refusal) => return Some(reply::error_body(None, refusal.code(), &refusal.to_string())),
    };
    match envelope.message() {
        Message::Request { id, params, .. } => Some(respond(notes, &envelope, id, *params)),
        Message::Notification { .. } | Message::Response { .. } => None,
    }
}

fn respond(notes: &mut Notes, envelope: &Envelope<'_>, id: &Id, params: Option<&RawValue>) -> Vec<u8> {
    match envelope.method_name() {
        Some("initialize") => reply::result_body(id, welcome(params)),
        Some("ping") => reply::result_body(id, json!({})),
        Some("tools/list") => reply::result_body(id, json!({ "tools": tools::listing() })),
        Some("tools/call") => call(notes, envelope, id),
        Some(_) | None => reply::error_body(Some(id), -32601, "method not found"),
    }
}

/// The handshake: the revision that was asked for where it is known, else the newest there is.
fn welcome(params: Option<&RawValue>) -> Value {
    let params: Value = params.and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or_default();
    let asked = params.get("protocolVersion").and_then(Value::as_str).and_then(Revision::parse);
    let revision = asked.filter(|revision| !revision.is_modern()).unwrap_or(Revision::NEWEST_LEGACY);
    json!({
        "protocolVersion": revision.as_str(),
        "capabilities": { "tools": {} },
        "serverInfo": { "name": "bailiwick-demo", "title": "Sample notes", "version": env!("CARGO_PKG_VERSION") },
        "instructions": "A handful of notes. list_notes shows their ids.",
    })
}

fn call(notes: &mut Notes, envelope: &Envelope<'_>, id: &Id) -> Vec<u8> {
    debug_assert_eq!(envelope.method(), Method::ToolsCall, "only a call is called");
    let Some(tool) = envelope.name().and_then(tools::Tool::named) else {
        return reply::error_body(Some(id), -32602, "unknown tool");
    };
    let (text, failed) = match tool.run(notes, envelope.params().arguments) {
        Ok(text) => (text, false),
        Err(complaint) => (complaint, true),
    };
    let content = json!([{ "type": "text", "text": text }]);
    reply::result_body(id, json!({ "content": content, "isError": failed }))
}

#[cfg(test)]
mod tests;
