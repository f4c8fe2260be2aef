//! What one server has, asked as a client would ask: a handshake, then its tools, page by page. A server that knows no
//! handshake any more is asked without.

use bailiwick_domain::mcp::{Revision, tool};
use bailiwick_domain::policy::ToolFacts;
use bailiwick_net::scrub::Scrubber;
use http::StatusCode;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

/// More pages than this make no sense.
const MOST_PAGES: usize = 100;
/// Nor do more tools.
const MOST_TOOLS: usize = 5_000;

/// Why a server did not say what it has.
#[derive(Debug, thiserror::Error)]
pub(super) enum Mute {
    /// It cannot be spoken to.
    #[error("{0}")]
    Unreachable(String),
    /// It does not let us in.
    #[error("it answered {0}: it wants credentials of the gateway's own")]
    Closed(StatusCode),
    /// It understood and said no, with this code.
    #[error("it answered with the error {0}")]
    Refused(i64),
}

/// A conversation with one server.
pub(super) trait Conversation {
    /// Asks, and waits for the result.
    async fn ask(&mut self, method: &str, params: Value) -> Result<Box<RawValue>, Mute>;
    /// Says something that needs no answer.
    async fn tell(&mut self, method: &str) -> Result<(), Mute>;
    /// Settles on a revision; what is said from now on is spelled in it.
    fn settle(&mut self, revision: Revision);
    /// Says farewell.
    async fn leave(&mut self);
}

/// Asks a server for its tools. What it says is cleared of what lets us in there: people read it, and so does the log.
pub(super) async fn survey(talk: &mut impl Conversation, scrubber: &Scrubber) -> Result<Vec<ToolFacts>, Mute> {
    let outcome = tools(talk).await;
    talk.leave().await;
    let clean = |text: String| scrubber.text(&text).into_owned();
    match outcome {
        Ok(found) => {
            let each = found.into_iter().map(|facts| ToolFacts {
                name: clean(facts.name),
                title: facts.title.map(clean),
                description: facts.description.map(clean),
                ..facts
            });
            Ok(each.collect())
        }
        Err(Mute::Unreachable(says)) => Err(Mute::Unreachable(clean(says))),
        Err(mute @ (Mute::Closed(_) | Mute::Refused(_))) => Err(mute),
    }
}

async fn tools(talk: &mut impl Conversation) -> Result<Vec<ToolFacts>, Mute> {
    let modern = shake_hands(talk).await?;
    let (mut found, mut cursor) = (Vec::new(), None);
    for _ in 0..MOST_PAGES {
        let result = match talk.ask("tools/list", parameters(modern, cursor.as_deref())).await {
            // It has no tools, and says so in its own way.
            Err(Mute::Refused(-32601)) if cursor.is_none() => return Ok(found),
            other => other?,
        };
        let page = tool::page(&result).ok_or_else(|| Mute::Unreachable("its listing has no tools".to_owned()))?;
        found.extend(page.tools);
        if found.len() > MOST_TOOLS {
            return Err(Mute::Unreachable(format!("it has more than {MOST_TOOLS} tools")));
        }
        match page.next {
            Some(next) => cursor = Some(next),
            None => return Ok(found),
        }
    }
    Err(Mute::Unreachable(format!("its listing has more than {MOST_PAGES} pages")))
}

/// True when the server is one where every request stands alone.
async fn shake_hands(talk: &mut impl Conversation) -> Result<bool, Mute> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Welcome {
        protocol_version: String,
    }
    let params = json!({
        "protocolVersion": Revision::NEWEST_LEGACY.as_str(),
        "capabilities": capabilities(),
        "clientInfo": { "name": "bailiwick", "version": env!("CARGO_PKG_VERSION") },
    });
    let welcome = match talk.ask("initialize", params).await {
        Ok(result) => serde_json::from_str::<Welcome>(result.get()).ok(),
        Err(Mute::Refused(_)) => {
            talk.settle(Revision::V2026_07_28);
            return Ok(true);
        }
        Err(mute) => return Err(mute),
    };
    let version = welcome.map(|welcome| welcome.protocol_version).unwrap_or_default();
    let revision = Revision::parse(&version).ok_or_else(|| {
        Mute::Unreachable(format!("it speaks a revision of the protocol that is not known: {version:?}"))
    })?;
    talk.settle(revision);
    talk.tell("notifications/initialized").await?;
    Ok(false)
}

/// Everything a client could do: some servers show certain tools only to clients that can do certain things. No tool
/// is called here, so nothing of it is made use of.
fn capabilities() -> Value {
    json!({
        "roots": { "listChanged": true },
        "sampling": { "tools": {}, "context": {} },
        "elicitation": { "form": {}, "url": {} },
        "tasks": { "requests": { "sampling": { "createMessage": {} }, "elicitation": { "create": {} } } },
    })
}

fn parameters(modern: bool, cursor: Option<&str>) -> Value {
    let mut params = json!({});
    if let Some(params) = params.as_object_mut() {
        if let Some(cursor) = cursor {
            params.insert("cursor".to_owned(), cursor.into());
        }
        if modern {
            let meta = json!({
                "io.modelcontextprotocol/protocolVersion": Revision::V2026_07_28.as_str(),
                "io.modelcontextprotocol/clientCapabilities": capabilities(),
                "io.modelcontextprotocol/clientInfo": { "name": "bailiwick", "version": env!("CARGO_PKG_VERSION") },
            });
            params.insert("_meta".to_owned(), meta);
        }
    }
    params
}

#[cfg(test)]
mod tests {
    use bailiwick_domain::mcp::Revision;
    use bailiwick_net::scrub::Scrubber;
    use serde_json::value::{RawValue, to_raw_value};
    use serde_json::{Value, json};
    use zeroize::Zeroizing;

    use super::{Conversation, Mute, survey};

    /// A server that tells whoever asks what it was shown.
    struct Telltale {
        revision: String,
    }

    impl Conversation for Telltale {
        async fn ask(&mut self, method: &str, _: Value) -> Result<Box<RawValue>, Mute> {
            let tool = json!({ "name": "read_our-own-key", "title": "Our-own-key", "description": "shown our-own-key",
                               "annotations": { "title": "our-own-key" }, "inputSchema": {} });
            let result = match method {
                "initialize" => json!({ "protocolVersion": self.revision }),
                _ => json!({ "tools": [tool] }),
            };
            Ok(to_raw_value(&result).unwrap())
        }

        async fn tell(&mut self, _: &str) -> Result<(), Mute> {
            Ok(())
        }

        fn settle(&mut self, _: Revision) {}

        async fn leave(&mut self) {}
    }

    #[tokio::test]
    async fn what_a_server_tells_of_its_tools_is_cleared_of_what_lets_us_in() {
        let scrubber = Scrubber::new([&Zeroizing::new("our-own-key".to_owned())]);
        let mut telltale = Telltale { revision: "2025-11-25".to_owned() };

        let found = survey(&mut telltale, &scrubber).await.unwrap();
        telltale.revision = "our-own-key".to_owned();
        let mute = survey(&mut telltale, &scrubber).await.unwrap_err();

        assert_eq!(found[0].name, "read_[removed by bailiwick]");
        assert!(!format!("{found:?} {mute}").contains("our-own-key"), "{found:?} {mute}");
        assert!(mute.to_string().contains("not known: \"[removed by bailiwick]\""), "{mute}");
    }
}
