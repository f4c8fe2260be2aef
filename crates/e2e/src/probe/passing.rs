//! What a caller sent, looked for on every way that leads out (T12): a server behind, an API, and whoever they send us
//! on to write down every header they are shown.

use bailiwick_domain::control::Control;
use http::{Method, StatusCode};
use serde_json::json;
use tempfile::TempDir;

use super::vault::Scene;
use super::{Verdict, beaten};
use crate::honeypot::{Honeypot, Mood};
use crate::oauth::claims;
use crate::{Answer, App, Mcp, Setup, World};

/// What a caller sends beside their token; none of it is for anybody else.
pub const CANARIES: [(&str, &str); 11] = [
    ("cookie", "bw_session=canary-of-a-session"),
    ("dpop", "canary.of.a-proof"),
    ("txn-token", "canary-of-a-transaction"),
    ("proxy-authorization", "Basic canary-for-a-proxy"),
    ("x-api-key", "canary-that-looks-like-a-key"),
    ("x-forwarded-user", "canary-root"),
    ("x-forwarded-access-token", "canary-of-a-proxy"),
    ("x-forwarded-for", "192.0.2.77"),
    ("x-forwarded-host", "canary.example"),
    ("x-real-ip", "192.0.2.78"),
    ("forwarded", "for=192.0.2.79;host=canary.example"),
];
/// A key that the operator wrote.
const KEY: &str = "key-of-the-operator";
const KEYED: &str = r#"credential = { kind = "api_key", header = "x-operator-key", secret = { env = "TRAP_KEY" } }"#;

/// A client that sends everything it has.
pub fn laden(client: Mcp) -> Mcp {
    CANARIES.into_iter().fold(client, |client, (name, value)| client.header(name, value))
}

/// What of that caller's reached a server.
pub fn leaked(seen: &[(String, String)], client: &Mcp) -> Vec<(String, String)> {
    let token = client.token.as_deref().unwrap_or("-");
    let theirs = |value: &str| value.contains(token) || CANARIES.iter().any(|(_, canary)| value.contains(canary));
    seen.iter().filter(|(_, value)| theirs(value)).cloned().collect()
}

/// A house in front of that server, and a caller.
struct Way {
    pot: Honeypot,
    world: World,
    client: Mcp,
    _files: TempDir,
}

impl Way {
    /// A way to MCP.
    async fn with(off: &[Control], credential: &str) -> Self {
        Self::through(off, |pot, _| format!("upstream = \"{}\"\n{credential}", pot.url)).await
    }

    /// A way to an API.
    async fn to_api(off: &[Control]) -> Self {
        let section = |pot: &Honeypot, files: &TempDir| {
            let file = files.path().join("api.json");
            let document = json!({
                "openapi": "3.1.0",
                "info": { "title": "Trap", "version": "1" },
                "servers": [{ "url": pot.url.replace("/mcp", "/api") }],
                "paths": { "/look": { "get": { "operationId": "look" } } },
            });
            std::fs::write(&file, document.to_string()).unwrap();
            format!("openapi = {:?}\n{KEYED}", file.display().to_string())
        };
        Self::through(off, section).await
    }

    async fn through(off: &[Control], section: impl Fn(&Honeypot, &TempDir) -> String) -> Self {
        let (pot, files) = (Honeypot::start().await, TempDir::new().unwrap());
        let config = format!("[server.trap]\n{}\n", section(&pot, &files));
        let world = Setup::config(config).env("TRAP_KEY", KEY).approving("alice").without(off).start();
        let trap = world.url("/mcp/trap");
        let token = App::register_for(&world.base, &trap).await.tokens("trap:read trap:write").await.access;
        let mut client = laden(Mcp::new(&trap, Some(&token)));
        assert!(client.begin().await.is_result());
        Self { pot, world, client, _files: files }
    }

    async fn look(&self) -> Answer {
        self.client.call("look", json!({})).await
    }

    /// Nothing of the caller's was seen.
    fn clean(&self, after: &str) -> Verdict {
        let leaked = leaked(&self.pot.headers(), &self.client);
        beaten(leaked.is_empty(), format!("{after}: the server saw {leaked:?}"))
    }

    /// How often that was asked for.
    fn asked(&self, what: &str) -> usize {
        self.pot.headers().iter().filter(|(name, value)| name == "x-method" && value == what).count()
    }
}

/// A call that is answered: a server near us, which gets a token of ours; one that gets nothing; one that gets a key.
pub async fn callers_headers(off: &[Control]) -> Verdict {
    for credential in ["", r#"credential = { kind = "none" }"#, KEYED] {
        let way = Way::with(off, credential).await;
        assert!(way.look().await.is_result());
        way.clean(credential)?;
        let seen = way.pot.headers();
        let foreign = seen.iter().find(|(name, value)| name == "authorization" && !is_ours(value, &way.pot.url));
        beaten(foreign.is_none(), format!("{credential}: the server saw {foreign:?}"))?;
    }
    Ok(())
}

/// True for a token that the gateway made for that server.
fn is_ours(authorization: &str, upstream: &str) -> bool {
    let token = authorization.strip_prefix("Bearer ").unwrap_or("");
    token.split('.').count() == 3 && claims(token)["aud"] == upstream
}

/// A call that is made once more, after the account it was made with was not let in.
pub async fn callers_headers_once_more(off: &[Control]) -> Verdict {
    let scene = Scene::prepare(off).await;
    let world = scene.connected().await;
    let client = laden(scene.client(&world).await);
    scene.pot.forget();
    scene.pot.is_now(Mood::Closed);

    let answer = client.call("look", json!({})).await;

    let shown = scene.pot.shown();
    assert!(answer.is_result() && scene.pot.calls() == 2, "{} {}", answer.status, answer.text);
    let leaked = leaked(&scene.pot.headers(), &client);
    beaten(leaked.is_empty(), format!("the server saw {leaked:?}"))?;
    let accounts = shown.iter().all(|token| token.starts_with("canary-access-"));
    beaten(accounts && shown.len() == 2 && shown.first() != shown.last(), format!("it was shown {shown:?}"))
}

/// A call that fails: an error, and a server that sends us elsewhere.
pub async fn callers_headers_in_trouble(off: &[Control]) -> Verdict {
    let elsewhere = Honeypot::start().await;
    for (mood, status) in [
        (Mood::Broken, StatusCode::BAD_GATEWAY),
        (Mood::Closed, StatusCode::BAD_GATEWAY),
        (Mood::Moved(elsewhere.url.clone()), StatusCode::BAD_GATEWAY),
    ] {
        let way = Way::with(off, KEYED).await;
        way.pot.is_now(mood.clone());
        let answer = way.look().await;
        assert_eq!((answer.status, way.asked("tools/call")), (status, 1), "{mood:?}: {}", answer.text);
        way.clean(&format!("{mood:?}"))?;
    }
    beaten(elsewhere.headers().is_empty(), format!("elsewhere saw {:?}", elsewhere.headers()))
}

/// What flows: an answer in events, what a server says unasked, and the end of a session.
pub async fn callers_headers_in_streams(off: &[Control]) -> Verdict {
    let way = Way::with(off, KEYED).await;
    way.pot.is_now(Mood::Streaming);
    way.pot.surveyed().await;
    way.pot.forget();
    assert!(way.look().await.is_result());
    let unasked = way.client.raw(Method::GET, String::new()).await;
    assert!(unasked.text.contains("unasked"), "{} {}", unasked.status, unasked.text);
    let left = way.client.raw(Method::DELETE, String::new()).await;
    assert!(left.status.is_success(), "{} {}", left.status, left.text);

    let reached = ["tools/call", "GET", "DELETE"].map(|what| way.asked(what));
    assert!(reached.iter().all(|times| *times > 0), "each reached the server: {reached:?}");
    way.clean("streams")
}

/// An API: an answer, an error, a refusal, and one that sends us elsewhere.
pub async fn callers_headers_to_an_api(off: &[Control]) -> Verdict {
    let elsewhere = Honeypot::start().await;
    let way = Way::to_api(off).await;
    let moods = [Mood::Fair, Mood::Broken, Mood::Closed, Mood::Moved(elsewhere.url.clone())];
    for mood in moods {
        way.pot.is_now(mood.clone());
        let answer = way.look().await;
        assert_eq!(answer.is_result(), mood == Mood::Fair, "{mood:?}: {} {}", answer.status, answer.text);
        way.clean(&format!("{mood:?}"))?;
    }
    let keys = way.pot.headers().iter().filter(|(name, value)| name == "x-operator-key" && value == KEY).count();
    assert_eq!((way.asked("/api/look"), keys), (4, 4), "each reached the API, with the key");
    beaten(elsewhere.headers().is_empty(), format!("elsewhere saw {:?}", elsewhere.headers()))
}

/// Paths that lead to no server, below and beside one that is there.
pub async fn callers_headers_astray(off: &[Control]) -> Verdict {
    let way = Way::with(off, KEYED).await;
    way.pot.surveyed().await;
    let before = way.pot.headers().len();
    for path in [
        "/mcp/trap/",
        "/mcp/trap/below",
        "/mcp/trap/../trap2",
        "/mcp/trap%2fbelow",
        "/mcp/nobody",
        "/mcp",
        "/mcp//trap",
    ] {
        let mut astray = way.client.clone();
        astray.url = way.world.url(path);
        for method in [Method::POST, Method::GET, Method::DELETE, Method::PUT] {
            let call = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": { "name": "look" } });
            let answer = astray.raw(method.clone(), call.to_string()).await;
            beaten(answer.status.is_client_error(), format!("{method} {path}: {} {}", answer.status, answer.text))?;
        }
    }
    way.clean("astray")?;
    let after = way.pot.headers().len();
    beaten(after == before, format!("something was sent: {:?}", way.pot.headers().split_off(before)))
}

/// Runs the probe of that name.
pub(super) async fn run(name: &str, off: &[Control]) -> Option<Verdict> {
    Some(match name {
        "callers_headers" => callers_headers(off).await,
        "callers_headers_once_more" => callers_headers_once_more(off).await,
        "callers_headers_in_trouble" => callers_headers_in_trouble(off).await,
        "callers_headers_in_streams" => callers_headers_in_streams(off).await,
        _ => return None,
    })
}
