//! Going on under a grant after a person stopped a part of it; looking at what is not one's own.

use bailiwick_domain::control::Control;
use http::{Method, StatusCode};
use serde_json::json;

use super::{Verdict, beaten};
use crate::agents::{self, Agent};
use crate::honeypot::Honeypot;
use crate::oauth::code_of;
use crate::{App, Mcp, Setup, Visitor, World, admin};

const PASSWORD: &str = "correct horse battery";

/// Alice lets an app hand on to `ada`, who hands on to `bea`; both call the notes.
pub struct Tree {
    pub world: World,
    pub alice: Visitor,
    /// The app's token.
    pub front: String,
    /// What bea was handed.
    pub handed: String,
    /// What ada obtained for the notes.
    pub adas: String,
    /// What bea did.
    pub beas: String,
    _pot: Honeypot,
}

impl Tree {
    pub async fn grow(off: &[Control]) -> Self {
        let pot = Honeypot::start().await;
        let config = format!(
            "[server.notes]\nupstream = \"{}\"\n{}{}",
            pot.url,
            agents::section("ada", "title = \"Ada\"\nmay_call = [\"bea\", \"notes\"]"),
            agents::section("bea", "title = \"Bea\"\nmay_call = [\"notes\"]\nscopes = [\"notes:read\"]")
        );
        let setup = Setup::config(config).without(off);
        let world = ["ada", "bea"]
            .iter()
            .fold(setup, |setup, it| setup.env(&agents::variable(it), &agents::secret(it)))
            .start();
        let mut alice = Visitor::new(&world.base);
        alice.set_up(&world.setup_link(), "alice", PASSWORD).await;
        let app = App::register_for(&world.base, &world.url("/agent/ada")).await;
        let consent = alice.open(&app.authorize_url("notes:read notes:write")).await;
        let done = alice.submit(&consent, &consent.form("form_token"), Some(("decision", "allow"))).await;
        let front = app.redeem(&code_of(&done)).await.expect("tokens").access;
        let (ada, bea) = (Agent::new(&world.base, "ada"), Agent::new(&world.base, "bea"));
        let adas = ada.exchange(&front, "notes").await.unwrap().access;
        let handed = ada.exchange(&front, "bea").await.unwrap().access;
        let beas = bea.exchange(&handed, "notes").await.unwrap().access;
        Self { world, alice, front, handed, adas, beas, _pot: pot }
    }

    /// A call of that tool.
    pub async fn call(&self, token: &str, tool: &str) -> crate::Answer {
        Mcp::new(&self.world.url("/mcp/notes"), Some(token)).call(tool, json!({})).await
    }

    /// Presses the Stop of a party on the account page.
    pub async fn stop(&mut self, party: &str) {
        let page = self.alice.open(&self.world.url("/account")).await;
        let forms = crate::page::Form::all(&page.body);
        let named = |form: &&crate::page::Form| form.inputs.iter().any(|it| it.name == "party" && it.value == party);
        let form = forms.iter().find(named).unwrap_or_else(|| panic!("no Stop for {party}:\n{}", page.body)).clone();
        let done = self.alice.submit(&page, &form, None).await;
        assert_eq!(done.status, StatusCode::OK);
    }
}

/// Bea, after alice stopped her for this app.
pub async fn stopped_party(off: &[Control]) -> Verdict {
    let mut tree = Tree::grow(off).await;
    beaten(tree.call(&tree.beas, "look").await.is_result(), "bea cannot call to begin with")?;
    tree.stop("agent:bea").await;

    let answer = tree.call(&tree.beas, "look").await;
    beaten(answer.status == 401, format!("bea goes on: {} {}", answer.status, answer.text))?;
    let bea = Agent::new(&tree.world.base, "bea").exchange(&tree.handed, "notes").await;
    beaten(bea.is_err(), "bea obtains another token")?;
    let handed = Agent::new(&tree.world.base, "ada").exchange(&tree.front, "bea").await;
    beaten(handed.is_err(), "bea is handed another token")?;
    let answer = tree.call(&tree.adas, "look").await;
    beaten(answer.is_result(), format!("ada was stopped as well: {}", answer.text))
}

/// Somebody without a role, at the console of others.
pub async fn console_to_a_stranger(off: &[Control]) -> Verdict {
    let world = Setup::sample().without(off).start();
    Visitor::new(&world.base).set_up(&world.setup_link(), "alice", PASSWORD).await;
    let bob = json!({ "order": "add_user", "name": "bob", "password": PASSWORD });
    admin::order(world.data(), &bob).await.expect("carried out");
    let mut bob = Visitor::new(&world.base);
    let page = bob.open(&world.url("/login")).await;
    let own = bob.sign_in(&page, "bob", PASSWORD).await;
    let token = own.form("form_token").inputs.iter().find(|it| it.name == "form_token").unwrap().value.clone();

    for page in ["/console", "/console/people", "/console/record"] {
        let seen = bob.open(&world.url(page)).await;
        beaten(seen.status == StatusCode::FORBIDDEN, format!("{page} answered {}", seen.status))?;
    }
    let fields = [("form_token", token.as_str()), ("what", "tool"), ("id", "list_notes"), ("resource", &world.mcp())];
    let fields = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let stop = bob.once(Method::POST, &world.url("/console/stop"), Some(fields)).await;
    beaten(stop.status == StatusCode::FORBIDDEN, format!("a stop answered {}", stop.status))
}
