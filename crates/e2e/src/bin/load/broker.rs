//! What each kind of credential adds to a call once it is kept: one house, one server behind, every kind in turn.

use std::path::Path;
use std::time::{Duration, Instant};

use bailiwick_domain::time::Clock as _;
use bailiwick_e2e::account_provider::{AccountProvider, CLIENT, shown_at};
use bailiwick_e2e::forge::{Now, open_store};
use bailiwick_e2e::gate::Gate;
use bailiwick_e2e::giver::Giver;
use bailiwick_e2e::honeypot::Honeypot;
use bailiwick_e2e::world::Ended;
use bailiwick_e2e::{App, Mcp, Setup, World};
use serde_json::json;
use tempfile::TempDir;
use url::Url;

use crate::crowd::{crowd, keep, keep_key};
use crate::percentile;

/// Calls of each kind for which one token is used: it must not end while they are timed.
const BLOCK: usize = 250;
const SECRET: &str = "a secret of this run";

/// Each kind: its server's name, what it is called in the figures, and its `credential`. Without any, twice: how far the
/// two are apart is how little a difference means.
fn kinds(giver: &Giver, accounts: &AccountProvider, shelf: &Path) -> [(&'static str, &'static str, String); 13] {
    let secret = "{ env = \"LOAD_SECRET\" }";
    let asking = |kind: &str, more: &str| {
        let url = &giver.token_url;
        format!("{{ kind = \"{kind}\", token_url = \"{url}\", client_id = \"us\", scopes = [\"crm:use\"], {more} }}")
    };
    let none = "{ kind = \"none\" }".to_owned();
    let header = "kind = \"api_key\", header = \"x-api-key\"";
    let basic = format!("{{ kind = \"basic\", username = \"us\", password = {secret} }}");
    let audience = "audience = \"https://crm.example\"";
    let entra = format!(
        "{{ kind = \"entra_obo\", authority = \"{}\", client_id = \"{CLIENT}\", client_secret = {secret}, \
         scopes = [\"crm:use\"] }}",
        giver.token_url.trim_end_matches("/token")
    );
    let file = |name: &str| shelf.join(name).display().to_string();
    let mtls = format!(
        "{{ kind = \"mtls\", cert = \"{}\", key = {{ file = \"{}\" }}, ca_file = \"{}\" }}",
        file("gateway.crt"),
        file("gateway.key"),
        file("crm-ca.crt")
    );
    [
        ("none", "none", none.clone()),
        ("signed", "signed_jwt", "{ kind = \"signed_jwt\", audience = \"crm\" }".to_owned()),
        ("shared", "api_key, shared", format!("{{ {header}, secret = {secret} }}")),
        ("own", "api_key, per user", format!("{{ {header}, per = \"user\" }}")),
        ("basic", "basic", basic),
        ("machine", "client_credentials", asking("client_credentials", &format!("client_secret = {secret}"))),
        ("exchange", "exchange", asking("exchange", audience)),
        ("assertion", "jwt_bearer", asking("jwt_bearer", audience)),
        ("saml", "saml_bearer", asking("saml_bearer", &format!("{audience}, key = {{ env = \"SAML_KEY\" }}"))),
        ("account", "user_oauth", accounts.credential()),
        ("entra", "entra_obo", entra),
        ("mtls", "mtls", mtls),
        ("again", "none, again", none),
    ]
}

/// Connects what is Alice's own.
async fn connect(ended: &Ended, (giver, accounts): (&Giver, &AccountProvider), upstream: &str) {
    let store = open_store(ended).await;
    let alice = store.user_by_name("alice").await.unwrap().expect("alice").id;
    keep_key(&store, &alice, ("own", upstream)).await;
    let registration = json!({ "client_id": CLIENT, "client_secret": null, "method": "none", "redirect_uri": null,
        "scope": "", "expires_at": null });
    let issuer = giver.token_url.trim_end_matches("/token");
    let entra = json!({ "kind": "oauth", "issuer": issuer, "endpoint": giver.token_url, "access": "what Entra gave", "refresh": null,
        "registration": registration, "to": shown_at(upstream) });
    keep(&store, &alice, "entra", entra).await;
    accounts.connect(&store, (&alice, upstream), Now.now().after(Duration::from_hours(6))).await;
    store.close().await;
}

/// A client of that server with a token of its own, for which everything lies ready: its second call is like any other.
async fn ready(app: &App, name: &str, upstream: &Honeypot) -> Mcp {
    let token = app.tokens(&format!("{name}:read")).await.access;
    let mut client = Mcp::new(&app.resource, Some(&token));
    client.begin().await;
    upstream.forget();
    let answer = client.call("look", json!({})).await;
    assert!(answer.is_result(), "{name}: {} {}", answer.status, answer.text);
    let shown = upstream.headers().iter().any(|(name, _)| ["authorization", "x-api-key"].contains(&name.as_str()));
    assert_eq!(shown, !["none", "mtls", "again"].contains(&name), "{name}: what was shown");
    client
}

/// Times `count` calls of each kind.
async fn in_turn(
    world: &World,
    names: &[&str],
    count: usize,
    (upstream, giver): (&Honeypot, &Giver),
) -> Vec<Vec<Duration>> {
    let mut apps = Vec::new();
    for name in names {
        apps.push(App::register_for(&world.base, &world.url(&format!("/mcp/{name}"))).await);
    }
    let mut times = vec![Vec::with_capacity(count); names.len()];
    for done in (0..count).step_by(BLOCK) {
        let mut clients = Vec::new();
        for (app, name) in apps.iter().zip(names) {
            clients.push(ready(app, name, upstream).await);
        }
        let asked = giver.count();
        for _ in done..count.min(done + BLOCK) {
            for (client, times) in clients.iter().zip(&mut times) {
                let begun = Instant::now();
                let answer = client.call("look", json!({})).await;
                times.push(begun.elapsed());
                assert!(answer.is_result(), "{} {}", answer.status, answer.text);
            }
        }
        assert_eq!(giver.count(), asked, "nobody was asked for anything while it was timed");
    }
    times
}

/// Measures `count / 4` calls of each kind, then a crowd of `count / 2`.
pub(crate) async fn broker(count: usize) {
    let (upstream, giver, accounts) = (Honeypot::start().await, Giver::start().await, AccountProvider::start().await);
    let shelf = TempDir::new().unwrap();
    let behind = upstream.url.parse::<Url>().unwrap().socket_addrs(|| None).unwrap();
    let gate = Gate::start(behind[0], shelf.path()).await;
    let kinds = kinds(&giver, &accounts, shelf.path());
    let section = |(name, _, credential): &(&str, &str, String)| {
        let (through, none) = (format!("{}/mcp", gate.origin), "discovery = { kind = \"none\" }");
        // Without its certificate the gateway would not even be told which tools there are.
        let (url, none) = if *name == "mtls" { (&through, "") } else { (&upstream.url, none) };
        format!("[server.{name}]\nupstream = \"{url}\"\n{none}\ncredential = {credential}\n")
    };
    let key = rcgen::KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, rcgen::RsaKeySize::_2048).unwrap();
    let setup = Setup::config(kinds.iter().map(section).collect::<String>())
        .env("LOAD_SECRET", SECRET)
        .env("SAML_KEY", &key.serialize_pem())
        .approving("alice");
    let first = setup.clone().start();
    App::register_for(&first.base, &first.url("/mcp/none")).await.tokens("none:read").await;
    let ended = first.stop();
    connect(&ended, (&giver, &accounts), &upstream.url).await;
    let world = setup.after(&ended).start();
    let names = kinds.each_ref().map(|(name, ..)| *name);
    let mut times = in_turn(&world, &names, count / 4, (&upstream, &giver)).await;
    assert_eq!(accounts.refreshes(), (0, 0), "no account was renewed");
    for times in &mut times {
        times.sort();
    }
    let none = [50, 99].map(|percent| percentile(&times[0], percent));
    for ((_, what, _), times) in kinds.iter().zip(&times) {
        let [p50, p99] = [50, 99].map(|percent| percentile(times, percent));
        let (more50, more99) = (p50 - none[0], p99 - none[1]);
        println!("{what:<44} p50 {p50:>7.3} ms ({more50:+.3})   p99 {p99:>7.3} ms ({more99:+.3})");
    }
    drop(world);
    crowd(count / 2).await;
}
