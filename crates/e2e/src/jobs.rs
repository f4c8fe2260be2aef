//! Alice lets an agent work for her: the house with its agents, and the pages on which she says so.

use crate::agents::{self, Agent};
use crate::honeypot::Honeypot;
use crate::page::Form;
use crate::visitor::{Seen, Visitor};
use crate::{Setup, Tokens, World};
use serde_json::Value;

/// The class of grants for long jobs.
pub const GRANT: &str = "urn:bailiwick:params:oauth:token-type:grant";

/// An orchestrator that may ask a researcher, and both may call `notes`.
pub fn house(upstream: &Honeypot) -> Setup {
    let config = format!(
        "[server.notes]\nupstream = \"{}\"\n{}{}",
        upstream.url,
        agents::section("orchestrator", "may_call = [\"notes\", \"researcher\"]"),
        agents::section("researcher", "may_call = [\"notes\"]"),
    );
    let names = ["orchestrator", "researcher"];
    names
        .into_iter()
        .fold(Setup::config(config), |setup, name| setup.env(&agents::variable(name), &agents::secret(name)))
}

/// Alice with an account, signed in.
pub async fn alice(world: &World) -> Visitor {
    let mut alice = Visitor::new(&world.base);
    alice.set_up(&world.setup_link(), "alice", "correct horse battery").await;
    alice
}

/// Alice gives the orchestrator a job of that many calls, on a form that `fill` goes over; answers the grant's id.
pub async fn give(alice: &mut Visitor, world: &World, calls: &str, fill: impl Fn(Form) -> Form) -> String {
    let page = alice.open(&world.url("/account/job?agent=orchestrator")).await;
    let form = fill(page.form("reason").fill("reason", "Look after the notes").fill("budget", calls));
    let given = alice.submit(&page, &form, None).await;
    let (_, grant) = given.url.rsplit_once("/job/").unwrap_or_else(|| panic!("no job: {}\n{}", given.url, given.body));
    grant.to_owned()
}

/// The page of a job.
pub async fn page(alice: &mut Visitor, world: &World, grant: &str) -> Seen {
    alice.open(&world.url(&format!("/account/job/{grant}"))).await
}

/// What an agent obtains for a job.
pub async fn mint(world: &World, who: &str, grant: &str, to: &str) -> Result<Tokens, Value> {
    Agent::new(&world.base, who).exchange_with(grant, to, &[("subject_token_type", GRANT)]).await
}
