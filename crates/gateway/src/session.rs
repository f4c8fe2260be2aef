//! Session ids: what a client gets in `Mcp-Session-Id` is sealed, says whose it is and what stands behind it, and is
//! kept nowhere, so that a session with an HTTP server outlives this process.

use std::sync::Arc;

use bailiwick_domain::control::{Control, holds};
use bailiwick_domain::entropy::Entropy;
use bailiwick_domain::seal::Sealer;
use bailiwick_domain::uri::Resource;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// What the seal is bound to.
const CONTEXT: &str = "mcp-session-id";
/// The same for what comes back with a call.
const STATE: &str = "mcp-request-state";
/// The longest id a server behind may give; ours is about four thirds of it, and must fit into a header.
const MOST_INNER: usize = 1024;

/// Whose a session is: one person through one client.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Owner {
    /// The `sub` of its tokens.
    #[serde(rename = "s")]
    pub(crate) subject: String,
    /// The digest of the client's id, which itself may be too long for a header.
    #[serde(rename = "c")]
    pub(crate) client: String,
}

/// A session that was opened: it belongs to who presented it.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    /// As the client spells it.
    pub(crate) outward: String,
    /// The id the server behind knows it by, or the child's; empty where it knows none.
    pub(crate) inner: String,
    /// True when its client said that it leads its user to URLs.
    pub(crate) opens_urls: bool,
}

#[derive(Serialize, Deserialize)]
struct Sealed {
    #[serde(rename = "r")]
    server: Resource,
    #[serde(flatten)]
    owner: Owner,
    #[serde(rename = "i")]
    inner: String,
    #[serde(rename = "u", default, skip_serializing_if = "std::ops::Not::not")]
    opens_urls: bool,
}

/// Makes and opens session ids.
pub(crate) struct Sessions {
    sealer: Sealer,
    entropy: Arc<dyn Entropy>,
}

impl Sessions {
    pub(crate) fn new(sealer: Sealer, entropy: Arc<dyn Entropy>) -> Self {
        Self { sealer, entropy }
    }

    /// Seals the id of a session, and whether its client leads its user to URLs; nothing where it is too long to fit.
    pub(crate) fn seal(&self, server: &Resource, owner: &Owner, (inner, opens_urls): (&str, bool)) -> Option<String> {
        if inner.len() > MOST_INNER {
            return None;
        }
        let sealed = Sealed { server: server.clone(), owner: owner.clone(), inner: inner.to_owned(), opens_urls };
        let plain = serde_json::to_vec(&sealed).ok()?;
        Some(self.sealer.seal(self.entropy.as_ref(), CONTEXT, &plain))
    }

    /// Opens what was presented; nothing where it is not ours, not of this server or not this owner's.
    pub(crate) fn open(&self, server: &Resource, owner: &Owner, presented: &str) -> Option<Session> {
        let plain = self.sealer.open(CONTEXT, presented)?;
        let sealed: Sealed = serde_json::from_slice(&plain).ok()?;
        if sealed.server != *server || (sealed.owner != *owner && holds(Control::SessionOwner)) {
            return None;
        }
        Some(Session { outward: presented.to_owned(), inner: sealed.inner, opens_urls: sealed.opens_urls })
    }

    /// Seals what a client is to bring back with a call.
    pub(crate) fn seal_state(&self, plain: &[u8]) -> String {
        self.sealer.seal(self.entropy.as_ref(), STATE, plain)
    }

    /// Opens what [`Self::seal_state`] made.
    pub(crate) fn open_state(&self, presented: &str) -> Option<Zeroizing<Vec<u8>>> {
        self.sealer.open(STATE, presented)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bailiwick_domain::seal::MasterKey;
    use bailiwick_domain::uri::{Issuer, Resource, ServerName};

    use super::{Owner, Sessions};
    use crate::testing::Dice;

    fn sessions() -> Sessions {
        Sessions::new(MasterKey::new([7; 32]).sealer("gateway session"), Arc::new(Dice))
    }

    fn notes() -> Resource {
        Issuer::parse("http://localhost:8787").unwrap().resource(ServerName::parse("notes").as_ref())
    }

    fn owner(subject: &str, client: &str) -> Owner {
        Owner { subject: subject.to_owned(), client: client.to_owned() }
    }

    #[test]
    fn a_session_opens_for_its_owner_after_a_restart() {
        let id = sessions().seal(&notes(), &owner("alice", "app"), ("upstream-1", true)).unwrap();

        let session = sessions().open(&notes(), &owner("alice", "app"), &id).unwrap();
        assert!(session.inner == "upstream-1" && session.opens_urls);
        assert!(id.bytes().all(|b| (0x21..=0x7e).contains(&b)));
    }

    #[test]
    fn a_session_opens_for_nobody_else_and_nowhere_else() {
        let id = sessions().seal(&notes(), &owner("alice", "app"), ("upstream-1", false)).unwrap();
        let unnamed = Issuer::parse("http://localhost:8787").unwrap().resource(None);

        assert!(sessions().open(&notes(), &owner("mallory", "app"), &id).is_none());
        assert!(sessions().open(&notes(), &owner("alice", "other"), &id).is_none());
        assert!(sessions().open(&unnamed, &owner("alice", "app"), &id).is_none());
        assert!(sessions().open(&notes(), &owner("alice", "app"), "garbage").is_none());
    }

    #[test]
    fn an_id_too_long_for_a_header_is_not_sealed() {
        assert!(sessions().seal(&notes(), &owner("alice", "app"), (&"x".repeat(1025), false)).is_none());
    }
}
