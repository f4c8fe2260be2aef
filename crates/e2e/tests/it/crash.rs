//! `kill -9` in the middle of logins and refreshes: every client goes on, or is told cleanly to log in again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bailiwick_e2e::{App, Mcp, Setup, World};
use http::StatusCode;

const CLIENTS: usize = 12;

/// What a client held when the house fell.
enum Held {
    /// A refresh token whose answer it had received, or was waiting for.
    Refresh(String),
    /// A code it had sent off; the answer may be lost.
    Code(String),
    /// Nothing yet.
    Nothing,
}

/// Logs in, then refreshes until the house is gone.
async fn live(app: App, gone: Arc<AtomicBool>) -> Held {
    let held = log_in(&app).await;
    let Held::Refresh(mut refresh) = held else { return held };
    while !gone.load(Ordering::Relaxed) {
        match app.refresh(&refresh).await {
            Ok(tokens) => refresh = tokens.refresh.expect("a refresh token"),
            Err(error) => {
                assert_eq!(error["error"], "gone", "a refresh failed before the fall: {error}");
                break;
            }
        }
    }
    Held::Refresh(refresh)
}

async fn log_in(app: &App) -> Held {
    let visit = tokio::spawn({
        let app = app.clone();
        async move { app.code("mcp:read").await }
    });
    let Ok(code) = visit.await else { return Held::Nothing };
    match app.redeem(&code).await {
        Ok(tokens) => Held::Refresh(tokens.refresh.expect("a refresh token")),
        Err(_) => Held::Code(code),
    }
}

/// After the restart: goes on, or gets a clean `invalid_grant` where only an answer to a code was lost.
async fn resume(world: &World, app: &App, held: Held) {
    let tokens = match held {
        Held::Refresh(refresh) => app.refresh(&refresh).await.expect("a refresh token outlives the fall"),
        Held::Code(code) => match app.redeem(&code).await {
            Ok(tokens) => tokens,
            Err(error) => {
                assert_eq!(error["error"], "invalid_grant");
                return;
            }
        },
        Held::Nothing => app.tokens("mcp:read").await,
    };
    let answer = Mcp::new(&world.mcp(), Some(&tokens.access)).begin().await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
}

async fn falls_and_stands_up(setup: Setup, rounds: u64) {
    let mut world = setup.clone().approving("alice").start();
    for round in 0..rounds {
        let gone = Arc::new(AtomicBool::new(false));
        let mut apps = Vec::new();
        for _ in 0..CLIENTS {
            apps.push(App::register(&world.base).await);
        }
        let lives: Vec<_> = apps.iter().map(|app| tokio::spawn(live(app.clone(), Arc::clone(&gone)))).collect();
        tokio::time::sleep(Duration::from_millis(300 + 137 * round % 900)).await;
        let ended = world.kill();
        gone.store(true, Ordering::Relaxed);
        world = setup.clone().approving("alice").after(&ended).start();
        for (app, life) in apps.iter().zip(lives) {
            let held = life.await.expect("no client saw anything but the fall");
            resume(&world, app, held).await;
        }
    }
}

fn rounds() -> u64 {
    #[expect(clippy::disallowed_methods, reason = "the size of the run comes from ./test --full")]
    std::env::var("BAILIWICK_FULL").map_or(2, |_| 20)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_go_on_after_kill_9_on_sqlite() {
    falls_and_stands_up(Setup::sample(), rounds()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_go_on_after_kill_9_on_postgresql() {
    let Some(url) = bailiwick_e2e::world::fresh_database().await else { return };
    falls_and_stands_up(Setup::config(format!("database = \"{url}\"\n")), rounds()).await;
}
