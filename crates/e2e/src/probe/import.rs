//! A thief who copies the disk after an import.

use std::path::Path;
use std::process::{Command, Output};

use bailiwick_domain::control::Control;
use serde_json::json;

use super::{Verdict, beaten};
use crate::honeypot::Honeypot;
use crate::world::{Ended, binary};
use crate::{App, Mcp, Setup};

const SECRETS: [&str; 3] = ["correct-horse-battery", "9f86d081884c7d659a2feaa0c55ad015", "staple-of-the-header"];

/// `bailiwick import` of a client's file, in that data directory.
pub fn import(data: &Path, desktop: &str, args: &[&str], off: &[Control]) -> Output {
    let file = data.join("desktop.json");
    std::fs::write(&file, desktop).unwrap();
    let off: Vec<String> = off.iter().map(|control| control.name()).collect();
    let mut command = Command::new(binary());
    command.arg("import").arg(&file).arg("--data").arg(data).arg("--config").arg(data.join("imported.toml"));
    command.args(args).env("BAILIWICK_MUTANTS", off.join(","));
    command.output().unwrap()
}

/// Reads every file of the data directory but the client's own, and what was printed.
pub async fn imported_secrets_on_the_disk(off: &[Control]) -> Verdict {
    let upstream = Honeypot::start().await;
    // Once into the running process, once into the files it left.
    let running = Setup::upstream(&upstream.url).without(off).start();
    let desktop = desktop(&upstream.url);
    let first = import(running.data(), &desktop, &[], off);
    let ended = running.stop();
    let second = import(ended.data(), &desktop, &["--replace"], off);
    for output in [first, second] {
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        nothing_in("what was printed", &output.stdout)?;
        nothing_in("what was printed beside", &output.stderr)?;
    }
    for entry in std::fs::read_dir(ended.data()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() && !path.ends_with("desktop.json") {
            nothing_in(&path.display().to_string(), &std::fs::read(&path).unwrap())?;
        }
    }
    arrives(&ended, &upstream, off).await
}

fn desktop(url: &str) -> String {
    json!({ "mcpServers": {
        "Deep Notes": { "url": url, "headers": { "X-Api-Key": SECRETS[2] } },
        "local": { "command": binary(), "args": ["demo-server", format!("--notes={}", SECRETS[1])], "env": { "TOKEN": SECRETS[0] } },
    } })
    .to_string()
}

fn nothing_in(place: &str, bytes: &[u8]) -> Verdict {
    let found = SECRETS.iter().find(|secret| bytes.windows(secret.len()).any(|window| window == secret.as_bytes()));
    beaten(found.is_none(), format!("{place} holds {found:?}"))
}

/// A secret that nobody can use any more would be hidden well, too.
async fn arrives(ended: &Ended, upstream: &Honeypot, off: &[Control]) -> Verdict {
    let text = std::fs::read_to_string(ended.data().join("imported.toml")).unwrap();
    let world = Setup::config(text).approving("alice").without(off).after(ended).start();
    let app = App::register_for(&world.base, &world.url("/mcp/deep-notes")).await;
    let token = app.tokens("deep-notes:read").await.access;
    let mut client = Mcp::new(&world.url("/mcp/deep-notes"), Some(&token)).header("x-api-key", "of-the-caller");
    client.begin().await;
    assert!(client.call("look", json!({})).await.is_result());
    let keys: Vec<_> = upstream.headers().into_iter().filter(|(name, _)| name == "x-api-key").collect();
    let ours = keys.iter().all(|(_, value)| value == SECRETS[2]);
    beaten(!keys.is_empty() && ours, format!("the server behind saw {keys:?}"))
}
