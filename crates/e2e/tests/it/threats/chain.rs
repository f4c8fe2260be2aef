//! Chains of agents: who hands on, for how long, along which edges, and that nobody gets out of the story.

use std::time::Duration;

use bailiwick_e2e::World;
use bailiwick_e2e::agents::{ACCESS_TOKEN, Agent};
use bailiwick_e2e::handing::{ALL, along, call, handed_to, house, robbed};
use bailiwick_e2e::honeypot::Honeypot;
use serde_json::{Value, json};

use super::refused;

/// Each calls the next, and the server.
pub(super) const LINE: [(&str, &str); 5] = [
    ("alpha", "may_call = [\"bravo\", \"notes\"]"),
    ("bravo", "may_call = [\"charlie\", \"notes\"]"),
    ("charlie", "may_call = [\"delta\", \"notes\"]"),
    ("delta", "may_call = [\"echo\", \"notes\"]"),
    ("echo", "may_call = [\"notes\"]"),
];
pub(super) const FOUR: [&str; 4] = ["alpha", "bravo", "charlie", "delta"];

pub(super) fn agent(world: &World, name: &str) -> Agent {
    Agent::new(&world.base, name)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t3_details_that_nobody_understands_are_refused() {
    let upstream = Honeypot::start().await;
    let world = house(&upstream, "", &LINE).start();
    let (_app, front) = handed_to(&world, "alpha", ALL).await;
    let at = world.url("/mcp/notes");
    for details in [
        json!([{ "type": "mcp_tools", "locations": [at], "tools": ["look"], "until": "tomorrow" }]),
        json!([{ "type": "mcp_tools", "locations": [at], "tools": ["look"], "act": { "sub": "agent:bravo" } }]),
        json!([{ "type": "payment", "locations": [at], "tools": ["look"] }]),
        json!([{ "type": "mcp_tools", "tools": ["look"] }]),
        json!({ "type": "mcp_tools" }),
        json!("everything"),
    ] {
        let raw = details.to_string();
        let details = [("authorization_details", raw.as_str())];
        let answer = agent(&world, "alpha").exchange_with(&front.access, "notes", &details).await;
        refused(answer, "invalid_authorization_details");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t4_no_hop_outlives_the_token_it_comes_from() {
    let upstream = Honeypot::start().await;
    let setup = house(&upstream, "", &LINE);
    let (ended, thief) = robbed(&setup).await;
    let world = setup.after(&ended).start();
    let (_app, front) = handed_to(&world, "alpha", ALL).await;
    let ending = |seconds: i64| {
        let mut claims = front.claims();
        let last = claims["iat"].as_i64().unwrap() + seconds;
        claims["exp"] = json!(last);
        (thief.sign("at+jwt", &claims), last)
    };

    let (mut held, last) = ending(40);
    for (name, to) in FOUR.iter().zip(["bravo", "charlie", "delta", "notes"]) {
        let next = agent(&world, name).exchange(&held, to).await.unwrap();
        assert!(next.claims()["exp"].as_i64().unwrap() <= last, "{name}");
        assert!(next.body["expires_in"].as_i64().unwrap() <= 40, "{name}");
        held = next.access;
    }
    assert!(call(&world, &held, "look").await.is_result());

    // One that ends in between is good before and nothing after, warm or not.
    let (short, _) = ending(4);
    let warm = agent(&world, "alpha").exchange(&short, "notes").await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    refused(agent(&world, "alpha").exchange(&short, "notes").await, "invalid_grant");
    if let Ok(warm) = warm {
        assert_eq!(call(&world, &warm.access, "look").await.status, 401);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t5_chains_are_not_spliced() {
    let upstream = Honeypot::start().await;
    let world = house(&upstream, "", &LINE).start();
    let (_app, front) = handed_to(&world, "alpha", ALL).await;
    let second = agent(&world, "alpha").exchange(&front.access, "bravo").await.unwrap();
    let last = agent(&world, "alpha").exchange(&front.access, "notes").await.unwrap();

    // The user's token for alpha, in the hands of bravo, whom alpha may call.
    refused(agent(&world, "bravo").exchange(&front.access, "notes").await, "invalid_grant");
    // A token that alpha obtained for bravo, exchanged by alpha that holds it.
    refused(agent(&world, "alpha").exchange(&second.access, "notes").await, "invalid_grant");
    // A token for the server, exchanged by an agent that may call the server.
    refused(agent(&world, "bravo").exchange(&last.access, "notes").await, "invalid_grant");
    // Alpha's history under bravo's request.
    let with = [("actor_token", &*last.access), ("actor_token_type", ACCESS_TOKEN)];
    refused(agent(&world, "bravo").exchange_with(&second.access, "notes", &with).await, "invalid_grant");
    assert_eq!(upstream.calls(), 0);
    assert!(agent(&world, "bravo").exchange(&second.access, "notes").await.is_ok(), "its recipient may");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t6_no_request_gets_an_actor_out_of_the_chain() {
    let upstream = Honeypot::start().await;
    let agents = [LINE[0], ("bravo", "may_call = [\"notes\"]\nown_scopes = [\"notes:read\"]")];
    let setup = house(&upstream, "", &agents);
    let (ended, thief) = robbed(&setup).await;
    let world = setup.after(&ended).start();
    let second = along(&world, &["alpha"], ALL).await[0].clone();
    let second = agent(&world, "alpha").exchange(&second.access, "bravo").await.unwrap();
    let bravo = agent(&world, "bravo");
    let fields = [("grant_type", "client_credentials"), ("resource", &*world.url("/mcp/notes"))];
    let own = bravo.token(&fields).await.unwrap();
    let actor = [("actor_token", &*own.access), ("actor_token_type", ACCESS_TOKEN)];
    let wanted = [("requested_token_type", ACCESS_TOKEN)];

    for more in [&[][..], &actor[..], &wanted[..], &[actor[0], actor[1], wanted[0]][..]] {
        let act = bravo.exchange_with(&second.access, "notes", more).await.unwrap().claims()["act"].clone();
        let subs = [&act["sub"], &act["act"]["sub"]];
        assert_eq!(subs, ["agent:bravo", "agent:alpha"], "{more:?}");
        assert_eq!(act["act"], second.claims()["act"], "{more:?}");
    }
    for class in ["jwt", "id_token", "refresh_token", "saml2", "saml1", "id-jag", "txn_token", "ACCESS_TOKEN"] {
        let class = format!("urn:ietf:params:oauth:token-type:{class}");
        refused(
            bravo.exchange_with(&second.access, "notes", &[("requested_token_type", &class)]).await,
            "invalid_request",
        );
    }
    // The right recipient, but the token lets somebody else act next.
    let mut claims = second.claims();
    claims["may_act"]["sub"] = json!("agent:alpha");
    refused(bravo.exchange(&thief.sign("at+jwt", &claims), "notes").await, "actor_unauthorized");
    // Under other grant types a subject token is just noise: what comes out is the agent's own, or nothing.
    let noise = [fields[0], fields[1], ("subject_token", &*second.access), ("subject_token_type", ACCESS_TOKEN)];
    assert_eq!(bravo.token(&noise).await.unwrap().claims()["sub"], "agent:bravo");
    refused(
        bravo.token(&[("grant_type", "refresh_token"), ("refresh_token", &second.access)]).await,
        "unauthorized_client",
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t8_nobody_comes_round_again_unless_an_edge_says_so() {
    let upstream = Honeypot::start().await;
    let round = [
        ("alpha", "may_call = [\"bravo\", \"notes\", \"alpha\"]"),
        ("bravo", "may_call = [\"charlie\", \"alpha\"]"),
        ("charlie", "may_call = [\"notes\"]\n[[agent.charlie.edge]]\nto = \"alpha\"\nreentrant = true"),
    ];
    let world = house(&upstream, "", &round).start();
    let (_app, front) = handed_to(&world, "alpha", ALL).await;
    let at_bravo = agent(&world, "alpha").exchange(&front.access, "bravo").await.unwrap();

    refused(agent(&world, "alpha").exchange(&front.access, "alpha").await, "invalid_request");
    refused(agent(&world, "bravo").exchange(&at_bravo.access, "alpha").await, "invalid_request");
    // The way back that the operator opened still ends where every chain does.
    let at_charlie = agent(&world, "bravo").exchange(&at_bravo.access, "charlie").await.unwrap();
    let back = agent(&world, "charlie").exchange(&at_charlie.access, "alpha").await.unwrap();
    let around = agent(&world, "alpha").exchange(&back.access, "notes").await.unwrap();
    let subs: Vec<Value> = actors(&around.claims()["act"]);
    assert_eq!(subs, ["agent:alpha", "agent:charlie", "agent:bravo", "agent:alpha"]);
    refused(agent(&world, "alpha").exchange(&back.access, "bravo").await, "invalid_request");
}

pub(super) fn actors(act: &Value) -> Vec<Value> {
    std::iter::successors(Some(act), |act| act.get("act")).map(|act| act["sub"].clone()).collect()
}
