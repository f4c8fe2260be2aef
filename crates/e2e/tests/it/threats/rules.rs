//! Rules that a threat alone does not show: edges, rows and grants.

use bailiwick_e2e::App;
use bailiwick_e2e::forge::open_store;
use bailiwick_e2e::handing::{ALL, along, handed_to, house};
use bailiwick_e2e::honeypot::Honeypot;
use serde_json::json;

use super::chain::{FOUR, LINE, agent};
use super::refused;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r10_an_edge_is_for_those_it_names_after_those_it_names_and_no_further() {
    let upstream = Honeypot::start().await;
    let edge = |rest: &str| format!("[[agent.bravo.edge]]\nto = \"notes\"\n{rest}");
    for (bounds, error) in [
        (String::new(), Some("actor_unauthorized")),
        (edge("acts_for = [\"user:bob\"]"), Some("actor_unauthorized")),
        (edge("acts_for = [\"group:dev\"]"), Some("actor_unauthorized")),
        (edge("after = [\"charlie\"]"), Some("actor_unauthorized")),
        (edge("max_depth = 1"), Some("invalid_request")),
        (edge("scopes = [\"notes:write\"]"), Some("invalid_scope")),
        (edge("acts_for = [\"user:alice\"]\nafter = [\"alpha\"]\nscopes = [\"notes:read\"]\nmax_depth = 2"), None),
    ] {
        let agents = [LINE[0], ("bravo", &*format!("scopes = [\"notes:read\", \"notes:write\"]\n{bounds}")), LINE[4]];
        let agents = [agents[0], agents[1], ("charlie", agents[2].1)];
        let world = house(&upstream, "", &agents).start();
        let (_app, front) = handed_to(&world, "alpha", ALL).await;
        let second =
            match agent(&world, "alpha").exchange_with(&front.access, "bravo", &[("scope", "notes:read")]).await {
                Ok(second) => second,
                // Where nothing lies beyond bravo, nothing is handed to it either.
                Err(says) => {
                    assert!(error.is_some() && says["error"] == "invalid_scope", "{bounds}: {says}");
                    continue;
                }
            };
        let answer = agent(&world, "bravo").exchange(&second.access, "notes").await;
        match error {
            Some(error) => refused(answer, error),
            None => assert_eq!(answer.unwrap().claims()["scope"], "notes:read"),
        }
        assert_eq!(upstream.calls(), 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r12_every_token_is_a_row_below_the_one_it_comes_from() {
    let upstream = Honeypot::start().await;
    let world = house(&upstream, "", &LINE).start();
    let held = along(&world, &FOUR, ALL).await;
    let ended = world.stop();
    let store = open_store(&ended).await;

    let mut parent: Option<String> = None;
    for (hop, token) in held.iter().enumerate() {
        let claims = token.claims();
        let jti = claims["jti"].as_str().unwrap();
        let row = store.token(&bailiwick_domain::ids::TokenId::from_stored(jti)).await.unwrap().expect(jti).row;
        assert_eq!(row.parent.as_ref().map(|jti| jti.as_str().to_owned()), parent);
        assert_eq!((u64::from(row.hop), &json!(hop)), (hop as u64, &claims["dlg"]["hop"]));
        assert_eq!(row.grant.as_str(), held[0].claims()["dlg"]["gid"]);
        assert_eq!(
            (json!(row.actor), json!(row.audience.as_str())),
            (claims["act"]["sub"].clone(), claims["aud"].clone())
        );
        assert_eq!(
            (json!(row.scope.to_string()), json!(row.expires_at.seconds())),
            (claims["scope"].clone(), claims["exp"].clone())
        );
        assert_eq!(claims["txn"], held[0].claims()["txn"]);
        parent = Some(jti.to_owned());
    }
    store.close().await;
}

/// An app at the front door may have no secret, and the id of its grant stands in every token it holds: whoever finds
/// one must not live off the grant.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r13_the_id_of_a_grant_is_worth_nothing_to_an_app_at_the_front_door() {
    let upstream = Honeypot::start().await;
    let web =
        format!("[client.web]\nredirect_uris = [\"{}\"]\nhands_to = [\"alpha\"]\n", bailiwick_e2e::oauth::CALLBACK);
    let world = bailiwick_e2e::handing::house_with(&upstream, "", &LINE, &web).start();
    let mut app = App::register_for(&world.base, &world.url("/mcp/notes")).await;
    "web".clone_into(&mut app.client_id);
    let claims = app.tokens(ALL).await.claims();

    let answer = app
        .token(&[
            ("grant_type", bailiwick_e2e::agents::EXCHANGE),
            ("client_id", "web"),
            ("subject_token", claims["dlg"]["gid"].as_str().unwrap()),
            ("subject_token_type", "urn:bailiwick:params:oauth:token-type:grant"),
            ("audience", "alpha"),
        ])
        .await;

    refused(answer, "invalid_grant");
}
