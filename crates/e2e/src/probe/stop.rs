//! Going on after a stop: with what was derived before, and with what is derived after.

use bailiwick_domain::control::Control;
use serde_json::{Value, json};

use super::{Verdict, beaten};
use crate::agents::{self, Agent};
use crate::honeypot::Honeypot;
use crate::{App, Mcp, Setup, World, admin, relay};

/// `ada` hands on to `bea`, and both call the notes.
struct Row {
    world: World,
    _pot: Honeypot,
    /// What bea was handed.
    handed: String,
    /// What ada obtained for the notes.
    adas: String,
    /// What bea did.
    beas: String,
}

async fn row(off: &[Control]) -> Row {
    let pot = Honeypot::start().await;
    let config = format!(
        "[server.notes]\nupstream = \"{}\"\n{}{}",
        pot.url,
        agents::section("ada", "may_call = [\"bea\", \"notes\"]"),
        agents::section("bea", "may_call = [\"notes\"]")
    );
    let setup = Setup::config(config).approving("alice").without(off);
    let setup = ["ada", "bea"].iter().fold(setup, |setup, it| setup.env(&agents::variable(it), &agents::secret(it)));
    let world = setup.start();
    let app = App::register_for(&world.base, &world.url("/agent/ada")).await;
    let front = app.tokens("notes:read").await.access;
    let (ada, bea) = (Agent::new(&world.base, "ada"), Agent::new(&world.base, "bea"));
    let adas = ada.exchange(&front, "notes").await.unwrap().access;
    let handed = ada.exchange(&front, "bea").await.unwrap().access;
    let beas = bea.exchange(&handed, "notes").await.unwrap().access;
    Row { world, _pot: pot, handed, adas, beas }
}

impl Row {
    async fn look(&self, token: &str) -> crate::Answer {
        Mcp::new(&self.world.url("/mcp/notes"), Some(token)).call("look", json!({})).await
    }

    async fn order(&self, order: Value) {
        admin::order(self.world.data(), &order).await.expect("carried out");
    }

    /// Bea's token is dead, nothing comes of what she was handed, and ada goes on.
    async fn only_bea_ended(&self) -> Verdict {
        let answer = self.look(&self.beas).await;
        beaten(answer.status == 401, format!("bea goes on: {} {}", answer.status, answer.text))?;
        let again = Agent::new(&self.world.base, "bea").exchange(&self.handed, "notes").await;
        let status = match &again {
            Ok(tokens) => self.look(&tokens.access).await.status.as_u16(),
            Err(_) => 401,
        };
        beaten(status == 401, "what bea was handed still gives tokens that work")?;
        let answer = self.look(&self.adas).await;
        beaten(answer.is_result(), format!("ada was stopped as well: {}", answer.text))
    }
}

/// The tokens of an agent that is stopped.
pub async fn stopped_agent(off: &[Control]) -> Verdict {
    let row = row(off).await;
    row.order(json!({ "order": "stop_agent", "name": "bea", "reason": null })).await;
    row.only_bea_ended().await?;
    row.order(json!({ "order": "start_agent", "name": "bea" })).await;
    beaten(row.look(&row.beas).await.status == 401, "a token from before the stop came back to life")
}

/// The tokens that came along an edge that is cut.
pub async fn cut_edge(off: &[Control]) -> Verdict {
    let row = row(off).await;
    row.order(json!({ "order": "cut_edge", "name": "ada", "target": "bea", "reason": null })).await;
    row.only_bea_ended().await?;
    row.order(json!({ "order": "mend_edge", "name": "ada", "target": "bea" })).await;
    beaten(row.look(&row.beas).await.status == 401, "a token from before the cut came back to life")
}

/// What was derived from a token that is revoked.
pub async fn revoked_ancestor(off: &[Control]) -> Verdict {
    let row = row(off).await;
    row.order(json!({ "order": "revoke_token", "id": relay::jti(&row.handed) })).await;
    row.only_bea_ended().await
}

/// A tool that is stopped.
pub async fn stopped_tool(off: &[Control]) -> Verdict {
    let row = row(off).await;
    beaten(row.look(&row.beas).await.is_result(), "the tool does not answer")?;
    row.order(json!({ "order": "stop_tool", "server": "notes", "tool": "look", "reason": null })).await;
    for token in [&row.adas, &row.beas] {
        let answer = row.look(token).await;
        beaten(answer.rule() == Some("tool:stopped"), format!("a stopped tool answered {}", answer.text))?;
    }
    let listed = Mcp::new(&row.world.url("/mcp/notes"), Some(&row.adas)).tools().await;
    beaten(!listed.contains(&"look".to_owned()), "a stopped tool is listed")
}
