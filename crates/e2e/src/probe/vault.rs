//! Attacks on what people connected: the rows it lies in, and its renewal.

use std::time::Duration;

use bailiwick_domain::control::Control;
use bailiwick_domain::ids::UserId;
use bailiwick_domain::time::Clock as _;
use serde_json::json;

use super::{Verdict, beaten};
use crate::account_provider::{AccountProvider, Mood};
use crate::forge::{Now, open_store};
use crate::honeypot::Honeypot;
use crate::world::Ended;
use crate::{App, Mcp, Setup, World, record};

/// A server whose people have accounts elsewhere.
pub(super) struct Scene {
    pub(super) pot: Honeypot,
    pub(super) provider: AccountProvider,
    plain: Setup,
    setup: Setup,
}

impl Scene {
    pub(super) async fn prepare(off: &[Control]) -> Self {
        let (pot, provider) = (Honeypot::start().await, AccountProvider::start().await);
        let credential = provider.credential();
        let text = format!("[server.crm]\nupstream = \"{}\"\ncredential = {credential}\n", pot.url);
        let plain = Setup::config(text).without(off);
        let setup = plain.clone().approving("alice");
        Self { pot, provider, plain, setup }
    }

    /// A house that ended, in which Alice has an account.
    async fn ended(&self) -> (Ended, UserId) {
        let world = self.setup.clone().start();
        App::register_for(&world.base, &world.url("/mcp/crm")).await.tokens("crm:read").await;
        let ended = world.stop();
        let alice = record::read(ended.data(), "SELECT id FROM users WHERE name = 'alice'").await;
        (ended, UserId::from_stored(alice))
    }

    /// A house in which Alice is connected, for a while.
    pub(super) async fn connected(&self) -> World {
        let (ended, alice) = self.ended().await;
        let store = open_store(&ended).await;
        self.provider.connect(&store, (&alice, &self.pot.url), Now.now().after(Duration::from_hours(1))).await;
        store.close().await;
        self.setup.clone().after(&ended).start()
    }

    /// Whoever is signed in there.
    pub(super) async fn client(&self, world: &World) -> Mcp {
        let url = world.url("/mcp/crm");
        let token = App::register_for(&world.base, &url).await.tokens("crm:read").await.access;
        let mut client = Mcp::new(&url, Some(&token));
        client.begin().await;
        client
    }
}

/// What one person connected, moved by hand to the row of another (T27).
pub async fn anothers_row_of_the_vault(off: &[Control]) -> Verdict {
    let scene = Scene::prepare(off).await;
    let (ended, alice) = scene.ended().await;
    let store = open_store(&ended).await;
    scene.provider.connect(&store, (&alice, &scene.pot.url), Now.now()).await;
    store.close().await;
    let world = scene.setup.clone().after(&ended).start();
    // Renewed, and so sealed by the house itself.
    assert!(scene.client(&world).await.call("look", json!({})).await.is_result(), "her own account works");
    let hers = scene.pot.shown().last().cloned().expect("a token");
    let ended = world.stop();
    let world = scene.plain.clone().approving("mallory").after(&ended).start();
    scene.client(&world).await;
    let ended = world.stop();
    let to = "(SELECT id FROM users WHERE name = 'mallory')";
    record::tamper(ended.data(), &[&format!("UPDATE connections SET user_id = {to}")]).await;
    let world = scene.plain.clone().approving("mallory").after(&ended).start();
    let before = scene.pot.shown().iter().filter(|shown| **shown == hers).count();

    let answer = scene.client(&world).await.call("look", json!({})).await;

    let leaked = scene.pot.shown().iter().filter(|shown| **shown == hers).count() > before;
    let ended = world.stop();
    let alerts = "SELECT CAST(COUNT(*) AS TEXT) FROM audit WHERE kind = 'connection_unreadable'";
    let alerts = record::read(ended.data(), alerts).await;
    beaten(
        !leaked && !answer.is_result() && alerts == "1",
        format!("answered {} {}, {alerts} alerts", answer.status, answer.text),
    )
}

/// A refresh token that was shown to its provider already, shown again after a fall (T28).
pub async fn refresh_after_a_fall(off: &[Control]) -> Verdict {
    let scene = Scene::prepare(off).await;
    let (ended, alice) = scene.ended().await;
    let store = open_store(&ended).await;
    let life = Duration::from_secs(10);
    scene.provider.connect(&store, (&alice, &scene.pot.url), Now.now().after(life)).await;
    store.close().await;
    let world = scene.setup.clone().after(&ended).start();
    let client = scene.client(&world).await;
    assert!(client.call("look", json!({})).await.is_result(), "it works while it is fresh");
    tokio::time::sleep(life).await;
    scene.provider.is_now(Mood::Silent);
    let call = tokio::spawn(async move { client.call("look", json!({})).await });
    scene.provider.asked().await;
    let ended = world.kill();
    call.abort();
    scene.provider.is_now(Mood::Honest(Duration::ZERO));
    let world = scene.setup.clone().after(&ended).start();
    let url = world.url("/mcp/crm");
    let token = App::register_for(&world.base, &url).await.tokens("crm:read").await.access;

    let call = Mcp::new(&url, Some(&token));
    let answer = tokio::time::timeout(Duration::from_secs(5), call.call("look", json!({}))).await;

    let (refreshes, reuses) = scene.provider.refreshes();
    assert!(refreshes > 0, "the provider was asked before the fall");
    beaten(reuses == 0, format!("the provider saw a refresh token {reuses} more times; {:?}", answer.map(|a| a.status)))
}

/// A server behind that names an authorization server inside our own network (T25).
pub async fn provider_that_points_inward(off: &[Control]) -> Verdict {
    let (pot, inside) = (Honeypot::start().await, Honeypot::start().await);
    let provider = AccountProvider::start().await;
    pot.guarded_by(inside.url.trim_end_matches("/mcp"));
    let credential = "{ kind = \"user_oauth\", client_id = \"bailiwick\", connection = \"crm\" }";
    let text = format!("[server.crm]\nupstream = \"{}\"\ncredential = {credential}\n", pot.url);
    let plain = Setup::config(text).without(off);
    let scene = Scene { pot, provider, setup: plain.clone().approving("alice"), plain };
    let (ended, alice) = scene.ended().await;
    let store = open_store(&ended).await;
    // To be renewed, and so to be looked for.
    scene.provider.connect(&store, (&alice, &scene.pot.url), Now.now()).await;
    store.close().await;
    let world = scene.setup.clone().after(&ended).start();

    let answer = scene.client(&world).await.call("look", json!({})).await;

    let touched = inside.touched();
    let asked = scene.pot.touched() > 0;
    beaten(asked && touched == 0 && !answer.is_result(), format!("asked: {asked}, inside touched {touched} times"))
}
