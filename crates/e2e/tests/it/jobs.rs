//! Long jobs: said once by a person, done by agents on tokens of minutes.

use bailiwick_e2e::honeypot::Honeypot;
use bailiwick_e2e::jobs::{alice, give, house, mint, page};
use bailiwick_e2e::{Mcp, World};
use http::StatusCode;
use serde_json::json;
use sqlx::{Connection as _, Executor as _};

async fn notes(world: &World, token: &str) -> Mcp {
    let mut client = Mcp::new(&world.url("/mcp/notes"), Some(token));
    client.begin().await;
    client
}

#[tokio::test]
async fn the_call_after_the_last_is_refused_until_the_person_gives_more() {
    let upstream = Honeypot::start().await;
    let world = house(&upstream).start();
    let mut alice = alice(&world).await;
    let grant = give(&mut alice, &world, "20", |form| form).await;
    let client = notes(&world, &mint(&world, "orchestrator", &grant, "notes").await.unwrap().access).await;
    let before = upstream.calls();
    for _ in 0..20 {
        assert!(client.call("look", json!({})).await.is_result());
    }
    assert_eq!(client.tools().await, ["look", "change", "amend"], "a listing is no call");

    let refused = client.call("look", json!({})).await;

    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!((&refused.body["id"], &refused.body["error"]["data"]["rule"]), (&json!(7), &json!("job:budget")));
    let says = refused.body["error"]["message"].as_str().unwrap();
    assert!(says.contains("20 calls") && says.contains(&world.url(&format!("/account/job/{grant}"))), "{says}");
    assert!(refused.headers.get("retry-after").is_none(), "waiting does not help");
    assert_eq!(upstream.calls() - before, 20, "the server behind did not hear of it");

    let shown = page(&mut alice, &world, &grant).await;
    assert!(shown.body.contains("20 of 20 made"), "{}", shown.body);
    alice.submit(&shown, &shown.form("calls").fill("calls", "21"), None).await;
    assert!(client.call("look", json!({})).await.is_result());
    assert_eq!(client.call("look", json!({})).await.status, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn a_job_outlives_the_process_and_not_its_stop() {
    let upstream = Honeypot::start().await;
    let world = house(&upstream).start();
    let mut alice = alice(&world).await;
    let grant = give(&mut alice, &world, "3", |form| form.untick("notes/change")).await;
    let token = mint(&world, "orchestrator", &grant, "notes").await.unwrap();
    assert_eq!(token.claims()["authorization_details"][0]["tools"], json!(["look", "amend"]));
    let client = notes(&world, &token.access).await;
    assert!(client.call("look", json!({})).await.is_result());
    assert_eq!(client.call("change", json!({})).await.rule(), Some("consent:left-out"));

    let ended = world.kill();
    let world = house(&upstream).after(&ended).start();

    let fresh = mint(&world, "orchestrator", &grant, "notes").await.unwrap();
    assert_ne!(fresh.claims()["jti"], token.claims()["jti"]);
    let client = notes(&world, &fresh.access).await;
    assert!(client.call("look", json!({})).await.is_result());
    let shown = page(&mut alice, &world, &grant).await;
    assert!(shown.body.contains("2 of 3 made"), "what was refused for another reason costs nothing: {}", shown.body);

    alice.submit(&shown, &shown.form("grant"), None).await;

    assert_eq!(client.call("look", json!({})).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(mint(&world, "orchestrator", &grant, "notes").await.unwrap_err()["error"], "invalid_grant");
}

#[tokio::test]
async fn what_cannot_be_counted_is_not_done_and_what_need_not_be_goes_on() {
    let upstream = Honeypot::start().await;
    let world = house(&upstream).start();
    let mut alice = alice(&world).await;
    let mut clients = Vec::new();
    let counted = give(&mut alice, &world, "20", |form| form).await;
    let free = give(&mut alice, &world, "", |form| form).await;
    for grant in [&counted, &free] {
        let client = notes(&world, &mint(&world, "orchestrator", grant, "notes").await.unwrap().access).await;
        assert!(client.call("look", json!({})).await.is_result());
        clients.push(client);
    }
    let file = format!("sqlite://{}", world.data().join("bailiwick.db").display());
    let mut lock = sqlx::SqliteConnection::connect(&file).await.unwrap();
    lock.execute("BEGIN IMMEDIATE").await.unwrap();
    let before = upstream.calls();

    assert!(clients[1].call("look", json!({})).await.is_result(), "a reading call without a budget writes nothing");
    assert_eq!(clients[0].call("look", json!({})).await.status, StatusCode::SERVICE_UNAVAILABLE);

    assert_eq!(upstream.calls() - before, 1);
    lock.execute("ROLLBACK").await.unwrap();
    assert!(clients[0].call("look", json!({})).await.is_result());
    assert!(page(&mut alice, &world, &counted).await.body.contains("2 of 20 made"));
}
