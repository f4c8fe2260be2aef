//! The chain as it must look, to the letter; and chains too deep to look at.

use std::time::{Duration, Instant};

use bailiwick_e2e::agents::{ACCESS_TOKEN, EXCHANGE};
use bailiwick_e2e::handing::{ALL, along, call, handed_to, house, robbed};
use bailiwick_e2e::honeypot::Honeypot;
use bailiwick_e2e::oauth::claims;
use bailiwick_e2e::{App, Mcp, World};
use bytes::Bytes;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::chain::{FOUR, LINE, actors, agent};
use super::refused;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t7_four_hops_are_told_to_the_letter() {
    let upstream = Honeypot::start().await;
    let world = house(&upstream, "", &LINE).start();

    let held = along(&world, &FOUR, ALL).await;

    let golden = format!(
        r#"{{"iss":"{0}","sub":"agent:delta","sub_profile":"ai_agent",
            "act":{{"iss":"{0}","sub":"agent:charlie","sub_profile":"ai_agent",
              "act":{{"iss":"{0}","sub":"agent:bravo","sub_profile":"ai_agent",
                "act":{{"iss":"{0}","sub":"agent:alpha","sub_profile":"ai_agent"}}}}}}}}"#,
        world.base
    );
    let mut inner: Value = serde_json::from_str(&golden).unwrap();
    for token in held.iter().rev() {
        let claims = token.claims();
        assert_eq!(claims.get("act").unwrap_or(&Value::Null), &inner);
        assert_eq!((&claims["sub"], &claims["txn"]), (&held[0].claims()["sub"], &held[0].claims()["txn"]));
        inner = inner.get("act").cloned().unwrap_or_default();
    }
    assert_eq!(held[4].claims()["may_act"], Value::Null, "a server acts for nobody");
    assert_eq!(held[3].claims()["may_act"], json!({ "iss": world.base, "sub": "agent:delta" }));
    assert!(call(&world, &held[4].access, "look").await.is_result());
    // The server behind is told the same, and none of these tokens.
    let shown = upstream.shown();
    let told = shown.iter().map(|token| claims(token)).filter(|claims| claims["sub"] == held[4].claims()["sub"]);
    let told: Vec<Value> = told.map(|claims| claims["act"].clone()).collect();
    assert!(!told.is_empty() && told.iter().all(|act| *act == held[4].claims()["act"]), "{told:?}");
    assert!(!shown.iter().any(|token| held.iter().any(|held| held.access == *token)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t7_a_fifth_actor_is_refused_and_nobody_is_left_out_for_it() {
    let upstream = Honeypot::start().await;
    let setup = house(&upstream, "", &LINE);
    let (ended, thief) = robbed(&setup).await;
    let world = setup.after(&ended).start();
    let held = along(&world, &FOUR, ALL).await;
    let at_echo = agent(&world, "delta").exchange(&held[3].access, "echo").await.unwrap();
    assert_eq!(actors(&at_echo.claims()["act"]).len(), 4);

    refused(agent(&world, "echo").exchange(&at_echo.access, "notes").await, "invalid_request");

    // Five in a token, where it is shown and where it is exchanged.
    let mut claims = held[4].claims();
    claims["act"] = json!({ "iss": world.base, "sub": "agent:echo", "act": claims["act"] });
    assert_eq!(call(&world, &thief.sign("at+jwt", &claims), "look").await.status, 401);
    let mut claims = at_echo.claims();
    claims["act"] = json!({ "iss": world.base, "sub": "agent:zulu", "act": claims["act"] });
    refused(agent(&world, "echo").exchange(&thief.sign("at+jwt", &claims), "notes").await, "invalid_request");
    assert_eq!(upstream.calls(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t7_nobody_writes_the_chain_but_the_house() {
    let upstream = Honeypot::start().await;
    let world = house(&upstream, "", &LINE).start();
    let (_app, front) = handed_to(&world, "alpha", ALL).await;
    let plain = agent(&world, "alpha").exchange(&front.access, "notes").await.unwrap().claims()["act"].clone();
    let forged = json!({ "iss": world.base, "sub": "agent:echo" }).to_string();
    let claims = json!({ "act": { "iss": world.base, "sub": "agent:echo" }, "sub": "us_root" }).to_string();

    for (name, value) in [
        ("act", &*forged),
        ("actor", "agent:echo"),
        ("may_act", &forged),
        ("claims", &claims),
        ("txn", "tx_mine"),
        ("dlg", "{\"hop\":0}"),
        ("sub", "us_root"),
    ] {
        let next = agent(&world, "alpha").exchange_with(&front.access, "notes", &[(name, value)]).await.unwrap();
        let claims = next.claims();
        assert_eq!(claims["act"], plain, "{name}");
        assert_eq!((&claims["sub"], &claims["txn"]), (&front.claims()["sub"], &front.claims()["txn"]), "{name}");
    }
    // Under a chain's last token the caller's own words change nothing either.
    let token = agent(&world, "alpha").exchange(&front.access, "notes").await.unwrap();
    let mut client =
        Mcp::new(&world.url("/mcp/notes"), Some(&token.access)).header("act", &forged).header("x-act", &forged);
    client.begin().await;
    let params = json!({ "name": "look", "arguments": {}, "_meta": { "act": { "sub": "agent:echo" } } });
    assert!(client.request("tools/call", params).await.is_result());
    let of_call = |event: &Value| event["kind"] == "tool_called";
    let calls = super::record::events(&world, 1, of_call).await;
    assert_eq!(calls[0]["actors"], json!(["agent:alpha"]));
}

/// Resident memory of the process, in KiB.
fn memory(world: &World) -> i64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", world.process())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// `claims` with that many actors within each other.
fn deep(claims: &Value, actors: usize) -> Box<RawValue> {
    let mut claims = claims.clone();
    claims.as_object_mut().unwrap().remove("act");
    let text = claims.to_string();
    let act = format!("{}{{}}{}", r#"{"act":"#.repeat(actors - 1), "}".repeat(actors - 1));
    RawValue::from_string(format!("{},\"act\":{act}}}", text.strip_suffix('}').unwrap())).unwrap()
}

/// The time of the middle one of many refusals.
async fn middle(mut attempt: impl AsyncFnMut()) -> Duration {
    let mut times = Vec::new();
    for _ in 0..41 {
        let begun = Instant::now();
        attempt().await;
        times.push(begun.elapsed());
    }
    times.sort_unstable();
    times[times.len() / 2]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t7_ten_thousand_actors_are_refused_at_once_in_flat_memory() {
    let upstream = Honeypot::start().await;
    let setup = house(&upstream, "", &LINE);
    let (ended, thief) = robbed(&setup).await;
    let world = setup.after(&ended).start();
    let held = along(&world, &["alpha"], ALL).await;
    let (front, last) = (held[0].claims(), held[1].claims());
    let bound = Duration::from_millis(50);

    // Ten thousand are more than a token may weigh; a thousand are as many as one can carry.
    for many in [10_000, 1_000, 100, 17] {
        let subject = thief.sign("at+jwt", &deep(&front, many));
        let bearer = thief.sign("at+jwt", &deep(&last, many));
        let alpha = agent(&world, "alpha");
        // Encoded before, so that what is measured is the answer.
        let form = encoded(&subject);
        let exchange = async || {
            let (_, says) = alpha.post_encoded("/token", form.clone()).await;
            assert!(says["error"] == "invalid_grant" || says["error"] == "invalid_request", "{many}: {says}");
        };
        let client = Mcp::new(&world.url("/mcp/notes"), Some(&bearer));
        let show = async || {
            let answer = client.request("tools/list", json!({})).await;
            assert!(answer.status == 401 || answer.status == 431, "{many}: {} {}", answer.status, answer.text);
        };
        for _ in 0..10 {
            exchange().await;
            show().await;
        }
        let before = memory(&world);

        let exchanged = middle(exchange).await;
        let shown = middle(show).await;

        let grown = memory(&world) - before;
        println!("{many} actors: exchange {exchanged:?}, bearer {shown:?}, memory {grown:+} KiB");
        assert!(exchanged < bound && shown < bound, "{many}: {exchanged:?} {shown:?}");
        assert!(grown < 8 * 1024, "{many}: {grown} KiB");
    }
    assert_eq!(upstream.calls(), 0);
    assert!(call(&world, &held[1].access, "look").await.is_result(), "everybody else goes on");
}

fn encoded(subject: &str) -> Bytes {
    let fields = [
        ("grant_type", EXCHANGE),
        ("subject_token", subject),
        ("subject_token_type", ACCESS_TOKEN),
        ("audience", "notes"),
    ];
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish().into()
}

/// The front door is no way around the chain: the app stands in it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t7_an_app_that_hands_its_user_on_stands_in_the_chain() {
    let upstream = Honeypot::start().await;
    let web =
        format!("[client.web]\nredirect_uris = [\"{}\"]\nhands_to = [\"alpha\"]\n", bailiwick_e2e::oauth::CALLBACK);
    let world = bailiwick_e2e::handing::house_with(&upstream, "", &LINE, &web).start();
    let mut app = App::register_for(&world.base, &world.url("/mcp/notes")).await;
    "web".clone_into(&mut app.client_id);
    let own = app.tokens(ALL).await;
    let fields = |token: &str, to: &str| {
        [
            ("grant_type", EXCHANGE.to_owned()),
            ("client_id", "web".to_owned()),
            ("subject_token", token.to_owned()),
            ("subject_token_type", ACCESS_TOKEN.to_owned()),
            ("audience", to.to_owned()),
        ]
    };
    let ask = async |token: &str, to: &str| {
        let fields = fields(token, to);
        app.token(&fields.each_ref().map(|(name, value)| (*name, value.as_str()))).await
    };

    let handed = ask(&own.access, "alpha").await.unwrap();
    let last = agent(&world, "alpha").exchange(&handed.access, "notes").await.unwrap();

    assert_eq!(actors(&last.claims()["act"]), ["agent:alpha", "client:web"]);
    assert_eq!(last.claims()["act"]["act"]["sub_profile"], "service");
    assert!(call(&world, &last.access, "look").await.is_result());
    refused(ask(&own.access, "bravo").await, "actor_unauthorized");
    refused(ask(&own.access, "notes").await, "actor_unauthorized");
    refused(ask(&handed.access, "alpha").await, "invalid_grant");
    refused(ask(&last.access, "alpha").await, "invalid_grant");
}
