//! Who may exchange: whom a token was handed to, and nobody in their name.

use bailiwick_domain::control::Control;
use serde_json::json;

use super::{Verdict, refused};
use crate::agents::{ACCESS_TOKEN, Agent, EXCHANGE};
use crate::handing::{ALL, handed_to, house, house_with};
use crate::honeypot::Honeypot;
use crate::{App, World};

/// Two agents that may both call the server, the first also the second.
const PAIR: [(&str, &str); 2] = [
    ("orchestrator", "may_call = [\"researcher\", \"notes\"]\nown_scopes = [\"notes:read\"]"),
    ("researcher", "may_call = [\"notes\"]"),
];

async fn pair(off: &[Control]) -> (Honeypot, World) {
    let upstream = Honeypot::start().await;
    let world = house(&upstream, "", &PAIR).without(off).start();
    (upstream, world)
}

/// The researcher comes by a token that the orchestrator obtained for a server, where every edge would let it act.
pub async fn token_of_another_recipient(off: &[Control]) -> Verdict {
    let (_upstream, world) = pair(off).await;
    let (_app, front) = handed_to(&world, "orchestrator", ALL).await;
    let theirs = Agent::new(&world.base, "orchestrator").exchange(&front.access, "notes").await.unwrap();

    refused(Agent::new(&world.base, "researcher").exchange(&theirs.access, "notes").await, "invalid_grant")
}

/// An app that may hand its user to two agents takes the token it holds for one to the other.
pub async fn next_turn_of_another(off: &[Control]) -> Verdict {
    let upstream = Honeypot::start().await;
    let web = format!(
        "[client.web]\nredirect_uris = [\"{}\"]\nhands_to = [\"orchestrator\", \"researcher\"]\n",
        crate::oauth::CALLBACK
    );
    let world = house_with(&upstream, "", &PAIR, &web).without(off).start();
    let mut app = App::register_for(&world.base, &world.url("/agent/orchestrator")).await;
    "web".clone_into(&mut app.client_id);
    let front = app.tokens(ALL).await;
    let mut own = app.clone();
    own.resource = world.url("/mcp/notes");
    let to = |token: String| {
        let app = app.clone();
        async move {
            app.token(&[
                ("grant_type", EXCHANGE),
                ("client_id", "web"),
                ("subject_token", &token),
                ("subject_token_type", ACCESS_TOKEN),
                ("audience", "researcher"),
            ])
            .await
        }
    };
    assert!(to(own.tokens(ALL).await.access).await.is_ok(), "its own token it may hand on");

    refused(to(front.access).await, "actor_unauthorized")
}

/// The researcher shows the orchestrator's own token as the actor's, to look like it.
pub async fn actor_token_of_another(off: &[Control]) -> Verdict {
    let (_upstream, world) = pair(off).await;
    let (_app, front) = handed_to(&world, "orchestrator", ALL).await;
    let orchestrator = Agent::new(&world.base, "orchestrator");
    let fields =
        [("grant_type", "client_credentials"), ("resource", &world.url("/mcp/notes")), ("scope", "notes:read")];
    let own = orchestrator.token(&fields).await.unwrap();
    let with = [("actor_token", own.access.as_str()), ("actor_token_type", ACCESS_TOKEN)];
    let second = orchestrator.exchange_with(&front.access, "researcher", &with).await.unwrap();
    assert_eq!(second.claims()["act"]["sub"], json!("agent:orchestrator"), "its own is welcome");

    let researcher = Agent::new(&world.base, "researcher");
    refused(researcher.exchange_with(&second.access, "notes", &with).await, "invalid_grant")
}

/// An access token that is declared to be something else.
pub async fn misdeclared_subject(off: &[Control]) -> Verdict {
    let (_upstream, world) = pair(off).await;
    let (_app, front) = handed_to(&world, "orchestrator", ALL).await;
    let orchestrator = Agent::new(&world.base, "orchestrator");
    for class in ["id_token", "jwt", "refresh_token", "saml2", "id-jag", "txn_token"] {
        let class = format!("urn:ietf:params:oauth:token-type:{class}");
        let answer =
            orchestrator.exchange_with(&front.access, "notes", &[("subject_token_type", class.as_str())]).await;
        refused(answer, "invalid_request")?;
    }
    Ok(())
}
