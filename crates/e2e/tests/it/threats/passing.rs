//! What a server behind is shown while its configuration changes, and when there is nothing to show (T12).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bailiwick_e2e::giver::{Giver, Humour};
use bailiwick_e2e::honeypot::Honeypot;
use bailiwick_e2e::oauth::claims;
use bailiwick_e2e::probe::{laden, leaked};
use bailiwick_e2e::{App, Mcp, Setup, World};
use http::StatusCode;
use serde_json::json;
use tempfile::TempDir;

use crate::operators::administer;
use crate::reload::{until, write};

const KEY: &str = "key-of-the-operator";

fn config(pot: &Honeypot, credential: &str) -> String {
    format!("[server.trap]\nupstream = \"{}\"\ndiscovery = {{ kind = \"none\" }}\n{credential}\n", pot.url)
}

/// A key in a file.
fn keyed(files: &TempDir) -> String {
    let file = files.path().join("key");
    std::fs::write(&file, KEY).unwrap();
    format!(
        "credential = {{ kind = \"api_key\", header = \"x-operator-key\", secret = {{ file = \"{}\" }} }}",
        file.display()
    )
}

/// Somebody who sends all they have with every call.
async fn caller(world: &World) -> Mcp {
    let trap = world.url("/mcp/trap");
    let token = App::register_for(&world.base, &trap).await.tokens("trap:read").await.access;
    laden(Mcp::new(&trap, Some(&token)))
}

/// The keys the server was shown since it forgot.
fn keys(pot: &Honeypot) -> Vec<String> {
    pot.headers().into_iter().filter(|(name, _)| name == "x-operator-key").map(|(_, value)| value).collect()
}

/// Calls that go on until told otherwise.
fn calling(client: &Mcp, enough: &Arc<AtomicBool>) -> tokio::task::JoinHandle<usize> {
    let (client, enough) = (client.clone(), Arc::clone(enough));
    tokio::spawn(async move {
        let mut made = 0;
        while !enough.load(Ordering::Relaxed) {
            let answer = client.call("look", json!({})).await;
            assert!(answer.is_result(), "{} {}", answer.status, answer.text);
            made += 1;
        }
        made
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t12_a_credential_that_is_taken_away_is_shown_no_more_and_nothing_of_the_callers_in_its_place() {
    let (pot, files) = (Honeypot::start().await, TempDir::new().unwrap());
    let with = config(&pot, &keyed(&files));
    for without in ["credential = { kind = \"none\" }", ""] {
        let world = Setup::config(with.clone()).approving("alice").start();
        let client = caller(&world).await;
        let enough = Arc::default();
        let calls = [calling(&client, &enough), calling(&client, &enough)];
        pot.forget();
        until("calls are under way", async || pot.calls() > 10).await;

        write(&world, &config(&pot, without));
        until("it is in force", async || {
            !administer(world.data(), &["config", "show"]).unwrap().contains("x-operator-key")
        })
        .await;
        // What was under way then is over.
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert!(keys(&pot).iter().all(|key| key == KEY) && leaked(&pot.headers(), &client).is_empty());
        pot.forget();
        until("calls go on", async || pot.calls() > 10).await;
        enough.store(true, Ordering::Relaxed);
        for call in calls {
            assert!(call.await.unwrap() > 10, "none of them failed");
        }

        assert_eq!(keys(&pot), Vec::<String>::new(), "{without:?}");
        let seen = leaked(&pot.headers(), &client);
        assert!(seen.is_empty(), "{without:?}: {seen:?}");
        // Without a word on it, a server this near gets a token of ours, for it alone.
        let ours = pot.shown().iter().filter(|token| claims(token)["aud"] == pot.url.as_str()).count();
        assert_eq!(ours, if without.is_empty() { pot.calls() } else { 0 });
        assert_eq!(pot.shown().len(), ours);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t12_a_configuration_whose_secret_is_gone_is_refused_and_the_one_before_stays() {
    let (pot, files) = (Honeypot::start().await, TempDir::new().unwrap());
    let with = config(&pot, &keyed(&files));
    let world = Setup::config(with.clone()).approving("alice").start();
    let client = caller(&world).await;
    pot.surveyed().await;
    let works = async || {
        pot.forget();
        let answer = client.call("look", json!({})).await;
        assert!(answer.is_result(), "{} {}", answer.status, answer.text);
        assert_eq!((keys(&pot), leaked(&pot.headers(), &client)), (vec![KEY.to_owned()], Vec::new()));
    };
    works().await;
    let refusals = || world.log().matches("stays in force").count();

    std::fs::remove_file(files.path().join("key")).unwrap();
    world.hang_up();
    until("the missing file is told", async || refusals() == 1).await;
    works().await;
    // Nor does a secret that no header can carry pass.
    std::fs::write(files.path().join("key"), "two\nlines").unwrap();
    world.hang_up();
    until("the unfit key is told", async || refusals() == 2).await;
    works().await;
    assert!(!world.log().contains("two"), "{}", world.log());

    // It was never there: nothing starts.
    std::fs::remove_file(files.path().join("key")).unwrap();
    let said = Setup::config(with).approving("alice").refused();
    assert!(said.contains("server.trap") && said.contains("key"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t12_without_its_credential_nothing_is_forwarded() {
    let (pot, giver) = (Honeypot::start().await, Giver::start().await);
    let at_giver = format!("token_url = \"{}\", scopes = [\"crm:use\"]", giver.token_url);
    let gone = format!("token_url = \"http://127.0.0.1:{}/token\"", bailiwick_e2e::world::free_port());
    giver.turn(Humour::Refusing);
    for (credential, status) in [
        (format!("{{ kind = \"exchange\", audience = \"crm\", {at_giver} }}"), StatusCode::BAD_GATEWAY),
        (format!("{{ kind = \"client_credentials\", client_id = \"us\", {at_giver} }}"), StatusCode::BAD_GATEWAY),
        (format!("{{ kind = \"jwt_bearer\", {at_giver} }}"), StatusCode::BAD_GATEWAY),
        (format!("{{ kind = \"exchange\", audience = \"crm\", {gone} }}"), StatusCode::SERVICE_UNAVAILABLE),
        // The person has left no key: the call is answered with the link to leave one.
        ("{ kind = \"api_key\", header = \"x-operator-key\", per = \"user\" }".to_owned(), StatusCode::OK),
    ] {
        pot.forget();
        let world = Setup::config(config(&pot, &format!("credential = {credential}"))).approving("alice").start();
        let client = caller(&world).await;
        pot.surveyed().await;
        pot.forget();

        let answer = client.call("look", json!({})).await;

        assert_eq!((answer.status, answer.is_result()), (status, false), "{credential}: {}", answer.text);
        assert_eq!(pot.headers(), Vec::new(), "{credential}");
    }
}
