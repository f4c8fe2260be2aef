//! A process that cannot hear of revocations refuses rather than guesses: behind a network that falls silent, is late or
//! uneven, and after it was stopped for a while.

use std::process::Command;
use std::time::Duration;

use bailiwick_e2e::mcp::CUT_OFF;
use bailiwick_e2e::proxy::{Proxy, Weather};
use bailiwick_e2e::relay::{Chain, Relay};
use serde_json::json;
use tokio::time::{Instant, sleep};

/// How long silence is forgiven here, in seconds.
const STALENESS: u64 = 2;

/// Two processes, the second with a proxy before its database.
async fn behind_a_proxy() -> Option<(Relay, Proxy)> {
    let database = bailiwick_e2e::world::fresh_database().await?;
    let url = url::Url::parse(&database).unwrap();
    let proxy = Proxy::before(url.port().unwrap()).await;
    let through = database.replace(&format!(":{}/", url.port().unwrap()), &format!(":{}/", proxy.port));
    Some((Relay::on([&database, &through], STALENESS).await, proxy))
}

async fn revoke(relay: &Relay, chain: &Chain) {
    let grant = chain.front.claims()["dlg"]["gid"].clone();
    relay.order(0, &json!({ "order": "revoke_grant", "id": grant })).await.unwrap();
}

/// Calls without pause for a while after something was revoked; how long after, at the latest, a call was let in.
async fn longest_acceptance(relay: &Relay, token: &str, lasts: Duration) -> (Duration, Vec<u16>) {
    let revoked = Instant::now();
    let client = relay.at(1, token);
    let (mut last, mut statuses) = (Duration::ZERO, Vec::new());
    while revoked.elapsed() < lasts {
        let begun = revoked.elapsed();
        let status = client.call("look", json!({})).await.status.as_u16();
        if status == 200 {
            last = begun;
        }
        // An answer that was cut off on its way, as the process stopped trusting what it knew, is none.
        if status != CUT_OFF && statuses.last() != Some(&status) {
            statuses.push(status);
        }
        sleep(Duration::from_millis(5)).await;
    }
    (last, statuses)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_process_accepts_what_was_revoked_for_longer_than_the_bound_whatever_the_network_does() {
    let Some((relay, proxy)) = behind_a_proxy().await else { return };
    let bound = Duration::from_secs(STALENESS);
    for weather in [
        Weather::Fair,
        Weather::Silent,
        Weather::Cut,
        Weather::Late(Duration::from_millis(150)),
        Weather::Late(Duration::from_millis(1500)),
        Weather::Uneven(Duration::from_millis(400)),
        Weather::Uneven(Duration::from_millis(2500)),
    ] {
        let chain = relay.chain().await;
        let token = &chain.leaves[3];
        crate::reload::until("the second process serves", async || relay.look(1, token).await == 200).await;
        let mut flow = relay.flow(1, token).await;
        assert!(flow.flows().await);
        proxy.turn(weather);
        sleep(Duration::from_millis(200)).await;

        revoke(&relay, &chain).await;
        let (last, statuses) = longest_acceptance(&relay, token, 2 * bound).await;

        assert!(last <= bound, "{weather:?}: let in {last:?} after it was revoked ({statuses:?})");
        assert!(statuses.iter().all(|status| [200, 401, 503].contains(status)), "{weather:?}: {statuses:?}");
        assert_ne!(statuses.last(), Some(&200), "{weather:?}: {statuses:?}");
        assert!(flow.ended().is_some(), "{weather:?}: its stream goes on");
        println!("{weather:?}: let in for {last:?} at most, then {statuses:?}");
        proxy.turn(Weather::Fair);
        crate::reload::until("it hears again and refuses for good", async || relay.look(1, token).await == 401).await;
    }
}

fn signal(process: u32, name: &str) {
    assert!(Command::new("kill").args([name, &process.to_string()]).status().unwrap().success());
}

#[expect(clippy::disallowed_methods, reason = "the test run says how much of it is wanted")]
fn rounds() -> usize {
    if std::env::var("BAILIWICK_FULL").is_ok() { 20 } else { 3 }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_was_stopped_for_a_while_never_answers_from_what_it_knew() {
    let Some(database) = bailiwick_e2e::world::fresh_database().await else { return };
    let relay = Relay::on([&database, &database], STALENESS).await;
    let process = relay.worlds[1].process();
    for round in 0..rounds() {
        let chain = relay.chain().await;
        let token = chain.leaves[3].clone();
        crate::reload::until("the second process serves", async || relay.look(1, &token).await == 200).await;
        let clients: Vec<_> = (0..4).map(|_| relay.at(1, &token)).collect();
        for client in &clients {
            assert_eq!(client.call("look", json!({})).await.status, 200);
        }
        let mut flow = relay.flow(1, &token).await;
        assert!(flow.flows().await);

        signal(process, "-STOP");
        let chunks = flow.chunks();
        revoke(&relay, &chain).await;
        // Asked while it cannot answer, over connections that are open, and over new ones.
        let waiting: Vec<_> = clients
            .into_iter()
            .map(|client| tokio::spawn(async move { client.call("look", json!({})).await.status.as_u16() }))
            .collect();
        sleep(Duration::from_millis(STALENESS * 1000 + 500)).await;
        signal(process, "-CONT");

        let mut answers = vec![relay.look(1, &token).await];
        for waiting in waiting {
            answers.push(waiting.await.unwrap());
        }
        assert!(answers.iter().all(|status| [401, 503].contains(status)), "round {round}: {answers:?}");
        assert!(flow.end(Duration::from_secs(2)).await.is_some(), "round {round}: its stream goes on");
        // What its kernel had taken before may still arrive; the process itself passes nothing on.
        assert!(flow.chunks() <= chunks + 2, "round {round}: {} chunks, then {}", chunks, flow.chunks());
    }
}
