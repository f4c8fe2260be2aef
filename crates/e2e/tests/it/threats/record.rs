//! What the record says, read as an operator reads it.

use bailiwick_e2e::World;
use serde_json::Value;

use crate::operators::administer;

/// Every event on record that `fits`, once at least `least` are.
pub(super) async fn events(world: &World, least: usize, fits: impl Fn(&Value) -> bool) -> Vec<Value> {
    let mut found = Vec::new();
    // What is refused is recorded behind the answer.
    for _ in 0..50 {
        let text = administer(world.data(), &["audit", "search", "-n", "2000", "--json"]).unwrap();
        let entries = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["event"].clone());
        found = entries.filter(&fits).collect();
        if found.len() >= least {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    found
}

/// The rules that refused exchanges.
pub(super) async fn refusals(world: &World, least: usize) -> Vec<String> {
    let refused = |event: &Value| event["kind"] == "token_exchanged" && event["outcome"] == "refused";
    let events = events(world, least, refused).await;
    let mut rules: Vec<String> = events.iter().map(|event| event["rule"].as_str().unwrap().to_owned()).collect();
    rules.sort_unstable();
    rules.dedup();
    rules
}
