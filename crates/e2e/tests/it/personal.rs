//! A hosted server that works with a secret of each person's own: in a variable, and in a file that lies on no disk.

use std::path::Path;

use bailiwick_e2e::connecting::{client, leave, link};
use bailiwick_e2e::{Mcp, Setup, Visitor, World};
use serde_json::{Value, json};
use tempfile::TempDir;

/// It tells what it was given, backwards: as it is, it would be cleared away.
const SERVER: &str = r#"
import json, os, sys
def tell():
    path = os.environ["OWN_FILE"]
    held = open(path).read()
    return {"value": os.environ["OWN_VALUE"][::-1], "path": path, "file": held[::-1], "pid": os.getpid(),
            "mode": oct(os.stat(path).st_mode), "shown": held in open("/proc/self/environ").read(), "plain": held}
for line in sys.stdin:
    asked = json.loads(line)
    if asked["method"] == "initialize":
        result = {"protocolVersion": asked["params"]["protocolVersion"], "capabilities": {"tools": {}},
                  "serverInfo": {"name": "own", "version": "1"}}
    elif asked["method"] == "tools/list":
        result = {"tools": [{"name": "look", "inputSchema": {"type": "object"}, "annotations": {"readOnlyHint": True}}]}
    elif asked["method"] == "tools/call":
        result = {"content": [{"type": "text", "text": json.dumps(tell())}]}
    else:
        continue
    print(json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": result}), flush=True)
"#;

fn config(script: &Path) -> String {
    format!(
        "[server.own]\ncommand = [\"/usr/bin/python3\", \"{}\"]\nisolate = \"user\"\n[server.own.env]\n\
         OWN_VALUE = {{ credential = \"user\" }}\nOWN_FILE = {{ credential = \"user\", as = \"file\" }}\n",
        script.display()
    )
}

/// A folder for the server alone, and the server in it.
fn script() -> (TempDir, std::path::PathBuf) {
    let folder = TempDir::new().unwrap();
    let script = folder.path().join("own.py");
    std::fs::write(&script, SERVER).unwrap();
    (folder, script)
}

async fn told(client: &Mcp) -> Value {
    let answer = client.call("look", json!({})).await;
    assert!(answer.is_result(), "{} {}", answer.status, answer.text);
    serde_json::from_str(answer.body["result"]["content"][0]["text"].as_str().unwrap()).unwrap()
}

/// Leaves both secrets, each on the page that the call is answered with.
async fn connect(world: &World, alice: &mut Visitor, secrets: [&str; 2]) -> Mcp {
    for secret in secrets {
        let client = client(world, alice, "own").await;
        let link = link(world, &client.call("look", json!({})).await);
        let done = leave(alice, &link, secret).await;
        assert!(done.body.contains("is connected"), "{}", done.body);
    }
    client(world, alice, "own").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_finds_the_secret_in_a_variable_and_in_a_file_of_its_own_world() {
    let (_folder, script) = script();
    let world = Setup::config(config(&script)).start();
    let mut alice = Visitor::new(&world.base);
    alice.set_up(&world.setup_link(), "alice", "correct horse battery").await;
    // The file's variable comes first: they are asked for in the order of their names.
    let client = connect(&world, &mut alice, ["first-in-a-file", "second-as-value"]).await;

    let told = told(&client).await;

    assert_eq!((&told["file"], &told["value"]), (&json!("elif-a-ni-tsrif"), &json!("eulav-sa-dnoces")));
    assert_eq!((&told["path"], &told["mode"]), (&json!("/run/bailiwick/OWN_FILE"), &json!("0o100400")));
    assert_eq!(told["shown"], false, "what lies in a file is not in the environment as well");
    assert_eq!(told["plain"], "[removed by bailiwick]");
    let found = std::process::Command::new("grep").args(["-rl", "first-in-a-file"]).arg(world.data()).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&found.stdout), "", "it is on a disk");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_walls_a_secret_in_a_file_is_refused_at_the_start() {
    let (_folder, script) = script();

    let said = Setup::config(config(&script)).arg("--no-sandbox").refused();

    assert!(said.contains("env.OWN_FILE") && said.contains("needs the walls"), "{said}");
}
