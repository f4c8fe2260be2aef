//! What whoever runs it is told of their configuration, though it works.

use bailiwick_e2e::Setup;

use crate::reload::{until, write};

const OPEN: &str = "[server.far]\nupstream = \"http://nowhere.invalid/mcp\"\nheaders = { X-Api-Key = { env = \"KEY\" } }\n\
                    [server.near]\nupstream = \"http://127.0.0.1:1/mcp\"\n\
                    credential = { kind = \"api_key\", query = \"k\", secret = { env = \"KEY\" } }\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_exposes_a_credential_is_told_at_start_and_at_each_reload() {
    let world = Setup::config(OPEN).env("KEY", "a-key-of-ours").start();
    let told = |what: &str| {
        world.log().lines().filter(|line| line.starts_with("bailiwick: !! ") && line.contains(what)).count()
    };
    assert_eq!((told("no TLS: what lets us in at far"), told("key in the query: near"), told("")), (1, 1, 2));

    write(&world, &format!("{OPEN}title = \"Nearby\"\n"));
    until("it is told again", async || told("no TLS: what lets us in at far") == 2).await;
    until("of each", async || told("key in the query: Nearby") == 1).await;
}
