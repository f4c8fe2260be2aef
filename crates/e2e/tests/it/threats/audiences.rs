//! Audiences: a token opens the one place it is for, spelled exactly so.

use bailiwick_e2e::agents::Agent;
use bailiwick_e2e::handing::{handed_to, house_with, robbed};
use bailiwick_e2e::honeypot::Honeypot;
use bailiwick_e2e::{App, Mcp, Setup, World};
use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::Full;
use serde_json::{Value, json};

use super::chain::agent;

const AGENTS: [(&str, &str); 2] =
    [("alpha", "may_call = [\"bravo\", \"notes\", \"files\", \"ledger\"]"), ("bravo", "may_call = [\"notes\"]")];
const SCOPES: &str = "notes:read files:read ledger:read";

fn house(upstream: &Honeypot) -> Setup {
    let more = format!(
        "[server.files]\nupstream = \"{}\"\n[api.ledger]\nresource = \"http://localhost:4003/ledger\"\n\
         scopes = {{ \"ledger:read\" = {{ says = \"Read the books\", risk = \"read\" }} }}\n",
        upstream.url
    );
    house_with(upstream, "", &AGENTS, &more)
}

/// One token for each target there is.
async fn tokens(world: &World) -> Vec<(&'static str, String)> {
    let (_app, alpha) = handed_to(world, "alpha", SCOPES).await;
    let mut all = vec![("alpha", alpha.access.clone())];
    for to in ["bravo", "notes", "files", "ledger"] {
        all.push((to, agent(world, "alpha").exchange(&alpha.access, to).await.unwrap().access));
    }
    all
}

/// What lets a token in: the servers, and the agents that may exchange it. Of an API's tokens nothing here lets one in.
async fn lets_in(world: &World, place: &str, token: &str) -> bool {
    match place {
        "notes" | "files" => Mcp::new(&world.url(&format!("/mcp/{place}")), Some(token)).begin().await.status == 200,
        name => match Agent::new(&world.base, name).exchange(token, "notes").await {
            Ok(_) => true,
            Err(says) => {
                assert_eq!(says["error"], "invalid_grant", "{says}");
                false
            }
        },
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t10_each_token_opens_its_own_place_and_no_other() {
    let upstream = Honeypot::start().await;
    let world = house(&upstream).start();
    let tokens = tokens(&world).await;

    for (audience, token) in &tokens {
        for place in ["alpha", "bravo", "notes", "files"] {
            assert_eq!(lets_in(&world, place, token).await, place == *audience, "a token for {audience} at {place}");
        }
    }
    assert_eq!(upstream.calls(), 0);
}

/// A request with a bearer token and nothing else.
async fn bearing(url: &str, method: &str, token: &str, form: &str) -> (StatusCode, String) {
    let request = Request::builder()
        .method(method)
        .uri(url)
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Full::new(Bytes::from(form.to_owned())))
        .unwrap();
    let (parts, body) = bailiwick_net::Http::new().fetch(request, 1 << 20).await.unwrap();
    (parts.status, String::from_utf8_lossy(&body).into_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t10_no_token_is_a_key_to_the_house_itself() {
    let upstream = Honeypot::start().await;
    let world = house(&upstream).start();
    let tokens = tokens(&world).await;

    for (audience, token) in &tokens {
        let body = format!("token={token}&subject_token={token}&grant_type=client_credentials");
        for path in ["/token", "/introspect", "/revoke"] {
            let (status, says) = bearing(&world.url(path), "POST", token, &body).await;
            assert!(status == 401 || status == 400, "a token for {audience} at {path}: {status} {says}");
            assert!(!says.contains("access_token") && !says.contains("active"), "{path}: {says}");
        }
        for path in ["/account", "/console", "/admin", "/metrics", "/grants", "/users"] {
            let (status, says) = bearing(&world.url(path), "GET", token, "").await;
            assert!(
                !status.is_success() || says.contains("type=\"password\""),
                "{audience} at {path}: {status} {says}"
            );
            assert!(!says.contains("alice"), "{audience} at {path}: {says}");
        }
        // It was not ended by asking, either.
        let place = if *audience == "ledger" { continue } else { audience };
        assert!(lets_in(&world, place, token).await, "{audience}");
    }
}

/// Every way to spell an audience that is not the way it is spelled.
fn misspelt(aud: &str) -> Vec<Value> {
    let (scheme, rest) = aud.split_once("://").unwrap();
    let (authority, path) = rest.split_once('/').unwrap();
    let (host, port) = authority.split_once(':').unwrap();
    let mut all: Vec<String> = vec![
        format!("{aud}/"),
        format!("{aud}?"),
        format!("{aud}#"),
        format!("{aud}/x"),
        format!("{aud}%2F"),
        format!("{aud} "),
        format!(" {aud}"),
        format!("{scheme}://{authority}"),
        format!("{scheme}://{authority}/"),
        format!("{scheme}://{authority}//{path}"),
        format!("{scheme}://{authority}/./{path}"),
        format!("{scheme}://{authority}/{path}/../{path}"),
        format!("{scheme}://{}:{port}/{path}", host.to_uppercase()),
        format!("{}://{authority}/{path}", scheme.to_uppercase()),
        format!("{scheme}://{authority}/{}", path.to_uppercase()),
        format!("{scheme}://{host}/{path}"),
        format!("{scheme}://{host}:1/{path}"),
        format!("{scheme}://{host}:0{port}/{path}"),
        format!("{scheme}://{host}.:{port}/{path}"),
        format!("{scheme}://127.0.0.1:{port}/{path}"),
        format!("{scheme}://user@{authority}/{path}"),
        format!("https://{authority}/{path}"),
        path.to_owned(),
        "*".to_owned(),
        String::new(),
    ];
    all.push(aud.get(..aud.len() - 1).unwrap().to_owned());
    let mut values: Vec<Value> = all.into_iter().map(Value::String).collect();
    values.extend([json!([aud, "http://elsewhere.example"]), json!(["http://elsewhere.example", aud]), json!([])]);
    values.extend([json!(null), json!(1), json!({ "aud": aud }), json!([[aud]])]);
    values
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t10_an_audience_is_spelled_one_way() {
    let upstream = Honeypot::start().await;
    let setup = house(&upstream);
    let (ended, thief) = robbed(&setup).await;
    let world = setup.after(&ended).start();
    let tokens = tokens(&world).await;

    for (place, token) in tokens.iter().filter(|(place, _)| ["notes", "alpha"].contains(place)) {
        let mut claims = bailiwick_e2e::oauth::claims(token);
        let aud = claims["aud"].as_str().unwrap().to_owned();
        for other in misspelt(&aud) {
            claims["aud"] = other.clone();
            assert!(!lets_in(&world, place, &thief.sign("at+jwt", &claims)).await, "{other} at {place}");
        }
        claims["aud"] = json!([aud]);
        assert!(lets_in(&world, place, &thief.sign("at+jwt", &claims)).await, "a list of one is that one (RFC 7519)");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t10_whatever_a_target_is_called_the_token_is_for_exactly_one() {
    let upstream = Honeypot::start().await;
    let world = house(&upstream).start();
    let (_app, front) = handed_to(&world, "alpha", SCOPES).await;
    let (notes, files) = (world.url("/mcp/notes"), world.url("/mcp/files"));
    let ask = async |targets: &[(&str, &str)]| {
        let mut fields = vec![
            ("grant_type", bailiwick_e2e::agents::EXCHANGE),
            ("subject_token", front.access.as_str()),
            ("subject_token_type", bailiwick_e2e::agents::ACCESS_TOKEN),
        ];
        fields.extend_from_slice(targets);
        agent(&world, "alpha").token(&fields).await
    };

    for targets in [
        &[("resource", &*notes)][..],
        &[("audience", "notes")],
        &[("audience", &*notes)],
        &[("resource", &*notes), ("audience", "notes")],
    ] {
        assert_eq!(ask(targets).await.unwrap().claims()["aud"], notes.as_str(), "{targets:?}");
    }
    for targets in [
        &[][..],
        &[("resource", &*notes), ("resource", &*files)],
        &[("audience", "notes"), ("audience", "files")],
        &[("resource", &*notes), ("audience", "files")],
        &[("resource", &*notes), ("resource", &*notes)],
        &[("resource", "notes")],
        &[("audience", "NOTES")],
        &[("audience", "notes ")],
        &[("audience", "*")],
        &[("resource", &*world.base)],
        &[("audience", "http://elsewhere.example/mcp/notes")],
    ] {
        super::refused(ask(targets).await, "invalid_target");
    }
    // Spelled otherwise it is the same place or none; the token says it as it is.
    for other in misspelt(&notes).iter().filter_map(Value::as_str).filter(|other| !other.is_empty()) {
        match ask(&[("resource", other)]).await {
            Ok(tokens) => assert_eq!(tokens.claims()["aud"], notes.as_str(), "{other}"),
            Err(says) => assert_eq!(says["error"], "invalid_target", "{other}"),
        }
    }
    // The same at the front door.
    let mut app = App::register_for(&world.base, &format!("{notes}/")).await;
    if app.resource != notes {
        app.resource = world.url("/mcp");
        let seen = bailiwick_e2e::Visitor::new(&world.base).open(&app.authorize_url("notes:read")).await;
        assert!(bailiwick_e2e::oauth::parameter(&seen, "code").is_none());
    }
}
