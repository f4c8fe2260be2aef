//! Asking a server that runs as a child: one is started for the question alone.

use std::sync::Arc;
use std::time::Duration;

use bailiwick_domain::mcp::{Envelope, Id, Message, Revision, reply};
use bailiwick_domain::time::Timestamp;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::http::result;
use super::survey::{Conversation, Mute};
use crate::session::Owner;
use crate::upstream::stdio::{Birth, Child, Own, Program};

/// How long an answer may take: the first start of a child may download it.
const PATIENCE: Duration = Duration::from_mins(2);

/// A conversation with a child of our own.
pub(super) struct Talk {
    child: Arc<Child>,
}

impl Talk {
    /// Starts a child to talk to.
    pub(super) fn to(program: &Program, now: Timestamp) -> Result<Self, Mute> {
        let owner = Owner { subject: String::new(), client: String::new() };
        let own = Own::placeholders(program);
        // That its tools change while it starts is what it is asked for anyway.
        let birth = Birth { id: "discovery".to_owned(), owner, caller: None, own, now, changed: Arc::default() };
        let child = Child::start(program, birth)
            .map_err(|error| Mute::Unreachable(format!("cannot start {}: {error}", program.executable)))?;
        tokio::spawn(decline(Arc::clone(&child)));
        Ok(Self { child })
    }

    fn lost(&self, says: &str) -> Mute {
        let last_words = self.child.last_words();
        Mute::Unreachable(if last_words.is_empty() {
            says.to_owned()
        } else {
            format!("{says}; it last said: {last_words}")
        })
    }
}

/// Declines what the child asks, for it may wait for an answer before it goes on.
async fn decline(child: Arc<Child>) {
    let Some(mut listening) = child.listen() else { return };
    while let Some(message) = listening.messages.recv().await {
        let asked = Envelope::parse(message.as_bytes()).ok();
        let Some(Message::Request { id, .. }) = asked.as_ref().map(Envelope::message) else { continue };
        let declined = reply::error_body(Some(id), -32601, "only tools are listed here");
        drop(child.write(String::from_utf8(declined).unwrap_or_default()).await);
    }
}

impl Conversation for Talk {
    async fn ask(&mut self, method: &str, params: Value) -> Result<Box<RawValue>, Mute> {
        let request = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }).to_string();
        let placed = self.child.ask(&request, false).await.map_err(|hung| self.lost(&hung.to_string()))?;
        match timeout(PATIENCE, placed.answer).await {
            Ok(Ok(answer)) => result(answer.as_bytes(), &Id::number(1))
                .unwrap_or_else(|| Err(self.lost("it gave an answer that makes no sense"))),
            Ok(Err(_)) => Err(self.lost("the child process has ended")),
            Err(_) => Err(self.lost("the child process did not answer in time")),
        }
    }

    async fn tell(&mut self, method: &str) -> Result<(), Mute> {
        let line = json!({ "jsonrpc": "2.0", "method": method }).to_string();
        self.child.write(line).await.map_err(|hung| self.lost(&hung.to_string()))
    }

    fn settle(&mut self, _revision: Revision) {}

    async fn leave(&mut self) {
        self.child.end();
        self.child.gone().await;
    }
}

impl Drop for Talk {
    fn drop(&mut self) {
        self.child.end();
    }
}
