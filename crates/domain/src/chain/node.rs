//! The place of a token in the tree of grants: the `dlg` claim and the columns of its row.

use serde::{Deserialize, Serialize};

use super::{Assurance, JobBounds};
use crate::ids::{ClientId, GrantId, TokenId};

/// The deepest chain of actors accepted, at mint and at validation.
pub const MOST_HOPS: usize = 4;

/// Where a token hangs (`dlg` claim): its grant, the tokens above it, and how many hops lie behind it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delegation {
    /// The grant in which liveness lives.
    #[serde(rename = "gid")]
    pub grant: GrantId,
    /// Grants above it, nearest first; revoking any of them ends this token.
    #[serde(rename = "anc", default, skip_serializing_if = "Vec::is_empty")]
    pub ancestors: Vec<GrantId>,
    /// The token it was derived from, if any.
    #[serde(rename = "pjti", default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<TokenId>,
    /// The tokens above that one, nearest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub above: Vec<TokenId>,
    /// The client that got the first token of the chain, in every token after it.
    #[serde(rename = "cid", default, skip_serializing_if = "Option::is_none")]
    pub door: Option<ClientId>,
    /// Hops from the front door: 0 for a token a client got itself.
    pub hop: u32,
    /// The weakest proof of identity of anybody who acted so far.
    #[serde(rename = "asr", default, skip_serializing_if = "Option::is_none")]
    pub weakest: Option<Assurance>,
    /// The bounds of the job, where the grant is one for a long job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<JobBounds>,
}

impl Delegation {
    /// A token at the front door of `grant`.
    pub fn front_door(grant: GrantId) -> Self {
        let (ancestors, above) = (Vec::new(), Vec::new());
        Self { grant, ancestors, parent: None, above, door: None, hop: 0, weakest: None, job: None }
    }

    /// The place below the token `parent` of `client`, which hangs here, for an actor that proved itself by `assurance`.
    #[must_use]
    pub fn below(&self, parent: &TokenId, client: &ClientId, assurance: Assurance) -> Self {
        Self {
            door: Some(self.door.clone().unwrap_or_else(|| client.clone())),
            hop: self.hop.saturating_add(1),
            weakest: Some(self.weakest.map_or(assurance, |before| before.min(assurance))),
            ..self.beside(parent)
        }
    }

    /// The place of what says the same as the token `parent`, for another audience: nobody acted in between.
    #[must_use]
    pub fn beside(&self, parent: &TokenId) -> Self {
        Self {
            parent: Some(parent.clone()),
            above: self.parent.iter().chain(&self.above).cloned().collect(),
            ..self.clone()
        }
    }
}
