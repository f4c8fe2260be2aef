//! TLS as the world sees it: cookies, certificates that change under load, certificates from an authority.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use bailiwick_e2e::pebble::Pebble;
use bailiwick_e2e::tls::{Pair, shown_at};
use bailiwick_e2e::world::free_port;
use bailiwick_e2e::{App, Mcp, Setup, Visitor, World};
use bailiwick_net::Http;
use http::{StatusCode, header};
use serde_json::json;

use crate::reload::{recorded, write};

const TOOL: &str = "list_notes";

/// Puts a pair where the configuration names it: each file in one step, but not both at once.
fn put(folder: &Path, pair: &Pair) {
    for (name, text) in [("cert.pem", &pair.cert), ("key.pem", &pair.key)] {
        let draft = folder.join(format!("{name}.draft"));
        std::fs::write(&draft, text).unwrap();
        std::fs::rename(draft, folder.join(name)).unwrap();
    }
}

fn config(port: u16, folder: &Path) -> String {
    let folder = folder.display();
    format!(
        "public_url = \"https://localhost:{port}\"\ntls = {{ cert = \"{folder}/cert.pem\", key = \"{folder}/key.pem\" }}\n"
    )
}

fn started(folder: &Path, pair: &Pair) -> Setup {
    let port = free_port();
    put(folder, pair);
    Setup::config(config(port, folder)).at(port)
}

/// Waits for what must come within a minute.
async fn until(says: &str, mut is: impl AsyncFnMut() -> bool) {
    let mut came = false;
    for _ in 0..600 {
        came = is().await;
        if came {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(came, "it never came to this: {says}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_https_every_cookie_belongs_to_the_host_alone() {
    let (folder, pair) = (tempfile::tempdir().unwrap(), Pair::new());
    let world = started(folder.path(), &pair).start();
    assert!(world.base.starts_with("https://localhost:"), "{}", world.base);
    let mut alice = Visitor::over(Http::trusting(pair.cert.as_bytes()), &world.base);

    let page = alice.open(&world.setup_link()).await;
    let form = page.form("password").fill("name", "alice").fill("password", "correct horse battery");
    let fields = form.fields(None);
    let made = alice.once(http::Method::POST, &world.url("/setup"), Some(fields)).await;

    let set = |headers: &http::HeaderMap| -> Vec<String> {
        headers.get_all(header::SET_COOKIE).iter().map(|value| value.to_str().unwrap().to_owned()).collect()
    };
    let cookies: Vec<String> = [set(&page.headers), set(&made.headers)].concat();
    for name in ["__Host-bw_browser=", "__Host-bw_session="] {
        assert!(cookies.iter().any(|cookie| cookie.starts_with(name)), "{name} is missing in {cookies:?}");
    }
    for cookie in &cookies {
        let bound = cookie.starts_with("__Host-") && cookie.contains("; Path=/;") && cookie.contains("; Secure");
        assert!(bound && cookie.contains("; HttpOnly") && !cookie.contains("Domain"), "{cookie}");
    }
    let account = alice.open(&world.url("/account")).await;
    assert_eq!(account.status, StatusCode::OK, "and they are good for signing in");
    assert!(account.body.contains("alice"), "{}", account.body);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_certificate_changes_under_load_and_no_request_fails() {
    let folder = tempfile::tempdir().unwrap();
    let pairs = [Pair::new(), Pair::new()];
    let world = started(folder.path(), &pairs[0]).approving("alice").start();
    let both = pairs.clone().map(|pair| pair.cert).concat();
    let load = Load::begin(&world, both.as_bytes()).await;

    for turn in 1..=8 {
        let next = &pairs[turn % 2];
        put(folder.path(), next);
        // Most are told; some must be seen without a word.
        if turn % 4 != 0 {
            world.hang_up();
        }
        let new = Http::trusting(next.cert.as_bytes());
        until("the new certificate is served", async || load.served(&new).await).await;
        let (before, done) = (load.done.load(Ordering::Relaxed), Arc::clone(&load.done));
        until("the load goes on", async || done.load(Ordering::Relaxed) > before + 20).await;
    }

    let (done, failed) = load.end().await;
    println!("8 certificates, {done} requests, {} failed", failed.len());
    assert!(failed.is_empty() && done > 160, "{done} requests, of which failed: {failed:?}");
}

/// Calls until told to stop; over a new connection each time where `fresh` says what such a one trusts.
async fn work(mut client: Mcp, fresh: Option<Vec<u8>>, done: Arc<AtomicUsize>, stop: Arc<AtomicBool>) -> Vec<String> {
    let mut failed = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        if let Some(trusted) = &fresh {
            client = client.over(Http::trusting(trusted));
        }
        let answer = client.call(TOOL, json!({})).await;
        if !answer.is_result() {
            failed.push(format!("{} {}", answer.status, answer.text));
        }
        done.fetch_add(1, Ordering::Relaxed);
    }
    failed
}

/// Calls without end: some over one connection that stays, some each over a new one.
struct Load {
    url: String,
    done: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
    workers: Vec<tokio::task::JoinHandle<Vec<String>>>,
}

impl Load {
    async fn begin(world: &World, trusted: &[u8]) -> Self {
        let http = Http::trusting(trusted);
        let app = App::register_over(http.clone(), &world.base, &world.mcp()).await;
        let token = app.tokens("mcp:read").await.access;
        let (done, stop) = (Arc::<AtomicUsize>::default(), Arc::<AtomicBool>::default());
        let mut workers = Vec::new();
        for worker in 0..4 {
            let (done, stop, trusted) = (Arc::clone(&done), Arc::clone(&stop), trusted.to_vec());
            let mut client = Mcp::new(&world.mcp(), Some(&token)).over(http.clone());
            client.begin().await;
            let fresh = (worker > 0).then_some(trusted);
            workers.push(tokio::spawn(work(client, fresh, done, stop)));
        }
        Self { url: world.url("/healthz"), done, stop, workers }
    }

    /// True when this client trusts what is served now.
    async fn served(&self, http: &Http) -> bool {
        Visitor::over(http.clone(), &self.url).reaches(&self.url).await
    }

    async fn end(self) -> (usize, Vec<String>) {
        self.stop.store(true, Ordering::Relaxed);
        let mut failed = Vec::new();
        for worker in self.workers {
            failed.extend(worker.await.unwrap());
        }
        (self.done.load(Ordering::Relaxed), failed)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pair_that_does_not_fit_leaves_the_old_certificate_in_force_and_says_so() {
    let (folder, pair) = (tempfile::tempdir().unwrap(), Pair::new());
    let world = started(folder.path(), &pair).start();
    let port = world.base.rsplit(':').next().unwrap().parse().unwrap();
    let before = shown_at(port).await.expect("a certificate");

    std::fs::write(folder.path().join("cert.pem"), Pair::new().cert).unwrap();
    world.hang_up();

    until("it says that the pair does not fit", async || world.log().contains("cannot be used")).await;
    assert_eq!(shown_at(port).await, Some(before));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_configuration_names_other_files_while_it_runs() {
    let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (old, new) = (Pair::new(), Pair::new());
    let world = started(first.path(), &old).start();
    put(second.path(), &new);
    let before = shown_at(world.port()).await.expect("a certificate");

    write(&world, &config(world.port(), second.path()));
    until("the other certificate is served", async || shown_at(world.port()).await.is_some_and(|cert| cert != before))
        .await;
    let after = shown_at(world.port()).await;
    put(first.path(), &Pair::new());
    world.hang_up();
    std::fs::remove_file(first.path().join("key.pem")).unwrap();
    write(&world, &config(world.port(), first.path()));

    until("it is refused", async || world.log().contains("cannot read")).await;
    let log = world.log();
    let line = log.lines().find(|line| line.contains("cannot read")).unwrap();
    assert!(line.contains("line 2, column 1") && line.contains("stays in force"), "{line}");
    assert_eq!(shown_at(world.port()).await, after, "what nobody names any more is not looked at");
    // It goes on being watched.
    let next = Pair::new();
    put(second.path(), &next);
    let http = Http::trusting(next.cert.as_bytes());
    until("the next certificate is served", async || {
        Visitor::over(http.clone(), &world.base).reaches(&world.url("/healthz")).await
    })
    .await;
    until("it is on record", async || recorded(&world, "says=tls") == 1).await;
}

#[test]
fn what_cannot_be_served_is_refused_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let (one, other) = (Pair::new(), Pair::new());
    let say = |text: String| Setup::config(text).refused();

    put(folder.path(), &Pair { key: other.key, ..one.clone() });
    let misfit = say(config(8443, folder.path()));
    assert!(misfit.contains("does not serve the certificate"), "{misfit}");
    std::fs::remove_file(folder.path().join("key.pem")).unwrap();
    let missing = say(config(8443, folder.path()));
    assert!(missing.contains("cannot read") && missing.contains("key.pem"), "{missing}");
    put(folder.path(), &one);
    let plain = say(config(8443, folder.path()).replace("https", "http"));
    assert!(plain.contains("set `public_url` to https://"), "{plain}");
    let address = say("public_url = \"https://192.0.2.1\"\ntls = { acme = \"ops@example.com\" }".to_owned());
    assert!(address.contains("ACME gives certificates for names"), "{address}");
    let half = say("public_url = \"https://localhost\"\ntls = { cert = \"cert.pem\" }".to_owned());
    assert!(half.contains("give either `cert` and `key`, or `acme`"), "{half}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_authority_issues_and_renews_and_what_it_gave_is_kept() {
    let port = free_port();
    let Some(mut pebble) = Pebble::start(port, Duration::from_secs(36)).await else { return };
    let text = format!("public_url = \"https://localhost:{port}\"\n{}\n", pebble.line());
    let world = Setup::config(&text).at(port).start();

    until("a certificate is issued", async || shown_at(port).await.is_some()).await;
    let first = shown_at(port).await.unwrap();
    let http = Http::trusting(&pebble.root().await);
    let health = world.url("/healthz");
    let mut visitor = Visitor::over(http, &world.base);
    assert!(visitor.reaches(&health).await, "its chain leads to the authority:\n{}", pebble.log());

    // Renewed after two thirds of its life, while requests go on.
    let (mut asked, mut failed) = (0, 0);
    until("it is renewed", async || {
        asked += 1;
        failed += u32::from(!visitor.reaches(&health).await);
        shown_at(port).await.is_some_and(|cert| cert != first)
    })
    .await;
    assert_eq!(failed, 0, "of {asked} requests");
    let second = shown_at(port).await.unwrap();

    let log = pebble.log();
    pebble.end();
    let ended = world.stop();
    for file in std::fs::read_dir(ended.data().join("acme")).unwrap().map(Result::unwrap) {
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{}", file.path().display());
    }
    let _again = Setup::config(&text).after(&ended).start();
    until("the kept certificate is served", async || shown_at(port).await.is_some()).await;
    assert_eq!(shown_at(port).await, Some(second), "kept over a restart, without the authority");
    let proven = log.matches("set VALID by completed challenge").count();
    assert!(proven >= 2, "the name was proven each time, and only TLS is served to prove it with:\n{log}");
}
