//! Whatever is ended, everything below it ends, in every process and at once: a chain of four agents, each with a call
//! that streams, through two processes on one PostgreSQL.

use std::time::Duration;

use bailiwick_e2e::mcp::CUT_OFF;
use bailiwick_e2e::relay::{Chain, ROW, Relay, jti};
use bailiwick_e2e::river::Flow;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::operators::administer;

/// What can be ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kill {
    Grant,
    Agent,
    User,
    Edge,
    App,
    Token,
}

impl Kill {
    const ALL: [Self; 6] = [Self::Grant, Self::Agent, Self::User, Self::Edge, Self::App, Self::Token];

    /// The order, and the one that undoes it as far as it can be undone.
    fn orders(self, relay: &Relay, chain: &Chain) -> (Value, Option<Value>) {
        let claims = chain.front.claims();
        match self {
            Self::Grant => (json!({ "order": "revoke_grant", "id": claims["dlg"]["gid"] }), None),
            Self::Agent => (
                json!({ "order": "stop_agent", "name": ROW[2], "reason": "a test" }),
                Some(json!({ "order": "start_agent", "name": ROW[2] })),
            ),
            Self::User => (
                json!({ "order": "disable_user", "name": "alice" }),
                Some(json!({ "order": "enable_user", "name": "alice" })),
            ),
            Self::Edge => (
                json!({ "order": "cut_edge", "name": ROW[1], "target": ROW[2], "reason": null }),
                Some(json!({ "order": "mend_edge", "name": ROW[1], "target": ROW[2] })),
            ),
            Self::App => (
                json!({ "order": "disable_client", "client": relay.app.client_id }),
                Some(json!({ "order": "enable_client", "client": relay.app.client_id })),
            ),
            Self::Token => (json!({ "order": "revoke_token", "id": jti(&chain.handed[2]) }), None),
        }
    }

    /// Whose calls end: those of the agents from this place in the row on.
    fn from(self) -> usize {
        match self {
            Self::Grant | Self::User | Self::App => 0,
            Self::Agent | Self::Edge | Self::Token => 2,
        }
    }

    /// True when what was ended stays so, whatever is undone.
    fn is_final(self) -> bool {
        self != Self::App
    }
}

async fn streams(relay: &Relay, chain: &Chain) -> Vec<(usize, usize, Flow)> {
    let mut open = Vec::new();
    for which in 0..2 {
        for (n, leaf) in chain.leaves.iter().enumerate() {
            let mut flow = relay.flow(which, leaf).await;
            assert!(flow.status == 200 && flow.flows().await, "the stream of {} flows", ROW[n]);
            open.push((which, n, flow));
        }
    }
    open
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_kill_ends_every_descendant_and_every_stream_in_both_processes() {
    let Some(relay) = Relay::start().await else { return };
    for (turn, kill) in Kill::ALL.into_iter().enumerate() {
        let chain = relay.chain().await;
        let open = streams(&relay, &chain).await;
        let (order, undo) = kill.orders(&relay, &chain);

        let told = relay.order(turn % 2, &order).await.unwrap();
        let killed = Instant::now();

        for (which, n, mut flow) in open {
            if n >= kill.from() {
                let ended = flow.end(Duration::from_secs(1)).await;
                assert!(ended.is_some(), "{kill:?}: the stream of {} in process {which} goes on", ROW[n]);
                assert_eq!(relay.look(which, &chain.leaves[n]).await, 401, "{kill:?}: {} in {which}", ROW[n]);
            } else {
                assert!(flow.flows().await, "{kill:?}: the stream of {} in {which} was cut as well", ROW[n]);
                assert_eq!(relay.look(which, &chain.leaves[n]).await, 200, "{kill:?}: {} in {which}", ROW[n]);
            }
        }
        println!("{kill:?}: everything below ended within {:?}; {told}", killed.elapsed());
        nothing_more_is_derived(&relay, &chain, kill).await;
        if let Some(undo) = undo {
            relay.order(turn % 2, &undo).await.unwrap();
        }
        if kill.is_final() {
            for which in 0..2 {
                assert_eq!(relay.look(which, &chain.leaves[3]).await, 401, "{kill:?}: what died stays dead");
            }
            nothing_more_is_derived(&relay, &chain, kill).await;
        }
    }
}

/// A delegation token from before, exchanged again and again, gives nothing that works any more.
async fn nothing_more_is_derived(relay: &Relay, chain: &Chain, kill: Kill) {
    for (name, handed) in ROW.iter().zip(&chain.handed).skip(kill.from().max(1)) {
        let again = relay.agent(name).exchange(handed, "notes").await;
        let refused = again.err().unwrap_or_else(|| panic!("{kill:?}: {name} still obtains tokens"));
        assert_eq!(refused["error"], "invalid_grant", "{kill:?}: {refused}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopped_tool_is_called_by_nobody_and_its_streams_are_cut() {
    let Some(relay) = Relay::start().await else { return };
    let chain = relay.chain().await;
    let open = streams(&relay, &chain).await;

    let said = administer(relay.worlds[1].data(), &["servers", "tools", "notes", "stop", "flow"]).unwrap();

    assert!(said.contains("flow is stopped") && said.contains("died") && said.contains("lives"), "{said}");
    for (which, n, mut flow) in open {
        assert!(flow.end(Duration::from_secs(1)).await.is_some(), "{n} in {which}");
        let client = relay.at(which, &chain.leaves[n]);
        assert_eq!(client.call("flow", json!({})).await.rule(), Some("tool:stopped"));
        assert!(client.call("look", json!({})).await.is_result(), "other tools go on");
        assert_eq!(client.tools().await, ["look"]);
    }
    administer(relay.worlds[0].data(), &["servers", "tools", "notes", "start", "flow"]).unwrap();
    let mut again = relay.flow(0, &chain.leaves[0]).await;
    assert!(again.flows().await);
    assert!(administer(relay.worlds[0].data(), &["servers", "tools", "notes", "start", "flow"]).is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commands_say_what_died_and_what_lives_until_when() {
    let Some(mut relay) = Relay::start().await else { return };
    let data = |which: usize, relay: &Relay| relay.worlds[which].data().to_owned();
    let chain = relay.chain().await;
    let listed = administer(&data(0, &relay), &["agents"]).unwrap();
    assert!(listed.contains("may act") && listed.contains("bea, notes"), "{listed}");

    let stopped = administer(&data(0, &relay), &["agents", "stop", "cyd", "--reason", "it went astray"]).unwrap();
    assert!(stopped.starts_with("cyd is stopped\n  died   3 live tokens"), "{stopped}");
    assert!(stopped.contains("until 20") && stopped.contains("checks only signatures"), "{stopped}");
    assert!(administer(&data(1, &relay), &["agents", "stop", "cyd"]).unwrap_err().contains("agents start cyd"));
    assert!(administer(&data(1, &relay), &["agents", "stop", "nobody"]).unwrap_err().contains("ada, bea, cyd, dot"));
    let cut = administer(&data(1, &relay), &["agents", "cut", "ada", "bea"]).unwrap();
    assert!(cut.contains("from ada to bea is cut"), "{cut}");
    assert!(administer(&data(1, &relay), &["agents", "cut", "ada", "nothing"]).is_err());
    let listed = administer(&data(1, &relay), &["agents", "list"]).unwrap();
    assert!(listed.contains("bea (cut), notes") && listed.contains("stopped"), "{listed}");
    let token = administer(&data(0, &relay), &["grants", "token", &jti(&chain.handed[0]), "revoke"]).unwrap();
    assert!(token.contains("is revoked") && token.contains("everything derived from it"), "{token}");
    assert!(administer(&data(0, &relay), &["grants", "token", &jti(&chain.handed[0]), "revoke"]).is_err());

    // A stop is kept where the grants are: each process that starts knows it before it serves anybody.
    for which in 0..2 {
        relay.restart(which).await;
        assert_eq!(relay.look(which, &chain.leaves[3]).await, 401);
        assert_eq!(relay.look(which, &chain.leaves[0]).await, 401);
    }
    let front = relay.app.tokens("notes:read").await.access;
    let own = relay.agent("ada").exchange(&front, "notes").await.unwrap().access;
    assert_eq!(relay.look(1, &own).await, 200, "ada itself goes on");
    assert_eq!(relay.agent("ada").exchange(&front, "bea").await.unwrap_err()["error"], "invalid_grant");
    administer(&data(0, &relay), &["agents", "mend", "ada", "bea"]).unwrap();
    administer(&data(0, &relay), &["agents", "start", "cyd"]).unwrap();
    let anew = relay.chain().await;
    assert_eq!(relay.look(1, &anew.leaves[3]).await, 200);
    assert_eq!(relay.look(1, &chain.leaves[3]).await, 401);
}

/// One process as somebody sees it who calls without pause.
struct Watch {
    /// When the last call began that was answered.
    accepted: Option<Instant>,
    /// When the first refusal was there.
    refused: Instant,
}

async fn call_until_refused(client: bailiwick_e2e::Mcp) -> Watch {
    let mut accepted = None;
    loop {
        let begun = Instant::now();
        match client.call("look", json!({})).await.status.as_u16() {
            200 => accepted = Some(begun),
            401 => return Watch { accepted, refused: Instant::now() },
            // An answer that was cut off on its way is none.
            CUT_OFF => {}
            other => panic!("answered {other}"),
        }
    }
}

/// Milliseconds from `from` to `to`; none where that lies before.
fn after(from: Instant, to: Instant) -> f64 {
    to.saturating_duration_since(from).as_secs_f64() * 1000.0
}

fn percentiles(what: &str, times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    let at = |percent: usize| times[(times.len() - 1) * percent / 100];
    println!("{what:<58} p50 {:>7.2} ms   p99 {:>7.2} ms   most {:>7.2} ms", at(50), at(99), at(100));
    at(99)
}

#[expect(clippy::disallowed_methods, reason = "the test run says how much of it is wanted")]
fn runs() -> usize {
    if std::env::var("BAILIWICK_FULL").is_ok() { 200 } else { 10 }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commit_to_refusal_is_measured() {
    let Some(relay) = Relay::start().await else { return };
    let kinds = [Kill::Grant, Kill::Agent, Kill::User, Kill::Edge, Kill::App];
    let (mut refused, mut passed, mut cut) = ([vec![], vec![]], [vec![], vec![]], [vec![], vec![]]);
    for run in 0..runs() {
        let chain = relay.chain().await;
        let leaf = &chain.leaves[3];
        let (order, undo) = kinds[run % kinds.len()].orders(&relay, &chain);
        let mut flows = [relay.flow(0, leaf).await, relay.flow(1, leaf).await];
        for flow in &mut flows {
            assert!(flow.flows().await);
        }
        let watches = [0, 1].map(|which| tokio::spawn(call_until_refused(relay.at(which, leaf))));
        tokio::time::sleep(Duration::from_millis(30)).await;

        relay.order(0, &order).await.unwrap();
        let committed = Instant::now();

        for (which, watch) in watches.into_iter().enumerate() {
            let watch = watch.await.unwrap();
            refused[which].push(after(committed, watch.refused));
            passed[which].push(watch.accepted.map_or(0.0, |begun| after(committed, begun)));
            let ended = flows[which].end(Duration::from_secs(5)).await.expect("the stream is cut");
            cut[which].push(after(committed, ended));
        }
        if let Some(undo) = undo {
            relay.order(0, &undo).await.unwrap();
        }
    }
    println!("{} runs: grant, agent, user, edge, app in turn; a chain of four hops, streaming", runs());
    for (which, place) in ["in the same process", "in the other process"].into_iter().enumerate() {
        percentiles(&format!("first refusal after the commit was answered, {place}"), &mut refused[which]);
        percentiles(&format!("a call still let in began so long after, {place}"), &mut passed[which]);
        let streams = percentiles(&format!("stream closed, {place}"), &mut cut[which]);
        // Shared machines are slow at times; the figures are the point, and a second is the promise.
        assert!(streams < 1000.0 && passed[which].iter().all(|late| *late < 1000.0));
    }
    assert!(passed[0].iter().all(|late| *late == 0.0), "in one process a commit is known before it is answered");
}
