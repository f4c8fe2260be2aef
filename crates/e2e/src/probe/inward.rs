//! Providers that point into our own network (T25): a server behind says who guards it, and a provider says where its
//! endpoints are.

use std::time::Duration;

use bailiwick_domain::control::Control;
use bailiwick_net::Http;
use http::StatusCode;
use serde_json::json;
use url::Url;

use super::{Verdict, beaten};
use crate::connecting::{self, PASSWORD, leads};
use crate::documents::{Canary, Mouth, Tail};
use crate::honeypot::Honeypot;
use crate::{Setup, Visitor, World};

/// A house in front of a server whose people have accounts at a provider, which `credential` names or leaves to the server.
pub struct House {
    pub pot: Honeypot,
    pub world: World,
    pub alice: Visitor,
}

impl House {
    pub async fn start(off: &[Control], credential: &str) -> Self {
        let pot = Honeypot::start().await;
        let config = format!(
            "[server.crm]\nupstream = \"{}\"\ndiscovery = {{ kind = \"none\" }}\n\
             credential = {{ kind = \"user_oauth\", connection = \"crm\"{credential} }}\n",
            pot.url
        );
        let world = Setup::config(config).without(off).env("BAILIWICK_LOG", "info").start();
        // More patient than the house is with anybody.
        let browser = Http::with_patience(Duration::from_secs(5), Duration::from_mins(1));
        let mut alice = Visitor::over(browser, &world.base);
        alice.set_up(&world.setup_link(), "alice", PASSWORD).await;
        Self { pot, world, alice }
    }

    /// The link that a call of Alice's is answered with.
    pub async fn link(&self) -> String {
        let client = connecting::client(&self.world, &self.alice, "crm").await;
        connecting::link(&self.world, &client.call("look", json!({})).await)
    }

    /// True once the log says so; its lines come through a pipe.
    async fn logged(&self, says: &str) -> bool {
        for _ in 0..200 {
            if self.world.log().contains(says) {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        false
    }
}

/// A server behind names this machine as who guards it, in every spelling; a service that machines ask who they are; and
/// sends whoever wants to know there.
pub async fn provider_in_every_spelling(off: &[Control]) -> Verdict {
    let canary = Canary::start().await;
    let mut house = House::start(off, ", client_id = \"bailiwick\"").await;
    let link = house.link().await;
    let mut tries = canary.spellings();
    tries.push(format!("http://{}", canary.address));
    tries.push("https://169.254.169.254".to_owned());
    for origin in tries {
        house.pot.guarded_by(&origin);
        let (seen, there) = leads(&mut house.alice, &link).await;
        let held = there.is_none() && seen.status == StatusCode::BAD_GATEWAY && canary.touched() == 0;
        beaten(held, format!("{origin}: {} {there:?}, touched {} times", seen.status, canary.touched()))?;
    }
    let told = house.logged("169.254.169.254 is not a public address").await;
    beaten(told, format!("nobody refused the address of a service for machines:\n{}", house.world.log()))?;

    house.pot.guarded_at(&format!("http://{}/", canary.address));
    let (seen, there) = leads(&mut house.alice, &link).await;
    let held = there.is_none() && !seen.status.is_success() && canary.touched() == 0;
    beaten(held, format!("it followed: {} {there:?}, touched {} times", seen.status, canary.touched()))
}

/// What a provider says of itself.
fn metadata(origin: &str, inside: &str) -> String {
    let document = json!({
        "issuer": origin,
        "authorization_endpoint": format!("{origin}/auth"),
        "token_endpoint": format!("{inside}/token"),
        "registration_endpoint": format!("{inside}/register"),
        "code_challenge_methods_supported": ["S256"],
    });
    let (body, kind) = (document.to_string(), "content-type: application/json\r\nconnection: close");
    format!("HTTP/1.1 200 OK\r\n{kind}\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

/// A provider that the operator wrote, and what it says of itself: that its endpoints are on this machine.
async fn insider(off: &[Control], client: &str) -> (Canary, Mouth, House) {
    let canary = Canary::start().await;
    let inside = format!("https://[::ffff:127.0.0.1]:{}", canary.address.port());
    let mouth = Mouth::start(|origin| metadata(origin, &inside), Tail::Nothing).await;
    let house = House::start(off, &format!(", issuer = \"{}\"{client}", mouth.origin)).await;
    (canary, mouth, house)
}

/// The place where clients register is on this machine.
pub async fn registration_that_leads_inward(off: &[Control]) -> Verdict {
    let (canary, _mouth, mut house) = insider(off, "").await;
    let link = house.link().await;

    let (seen, there) = leads(&mut house.alice, &link).await;

    let held = !seen.status.is_success() && there.is_none() && canary.touched() == 0;
    beaten(held, format!("{} {there:?}, touched {} times", seen.status, canary.touched()))
}

/// The place where codes are shown is on this machine.
pub async fn token_endpoint_that_leads_inward(off: &[Control]) -> Verdict {
    let (canary, _mouth, mut house) = insider(off, ", client_id = \"bailiwick\"").await;
    let link = house.link().await;
    let (_, there) = leads(&mut house.alice, &link).await;
    let there = Url::parse(&there.expect("a way to the provider")).unwrap();
    let asked = |name: &str| there.query_pairs().find(|(key, _)| key == name).unwrap().1.into_owned();
    let mut back = Url::parse(&asked("redirect_uri")).unwrap();
    back.query_pairs_mut().append_pair("code", "a-code").append_pair("state", &asked("state"));

    let seen = house.alice.open(back.as_str()).await;

    let held = seen.status == StatusCode::BAD_GATEWAY && canary.touched() == 0;
    beaten(held, format!("{}, touched {} times", seen.status, canary.touched()))
}
