//! What an access token says (RFC 9068 §2.2): whose authority, through whom, at which server, for what, how long.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::chain::{Actor, Delegation, agent_name, edge_ids};
use crate::ids::{ClientId, TokenId, TransactionId};
use crate::scope::ScopeSet;
use crate::uri::Resource;

/// The claims of an access token; times are seconds since the epoch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AccessClaims {
    /// Who issued it.
    pub iss: String,
    /// Whose authority it carries: a user, or a machine client acting for itself.
    pub sub: String,
    /// The one server it is for.
    #[serde(deserialize_with = "one_audience")]
    pub aud: String,
    /// The client it was issued to.
    pub client_id: ClientId,
    /// Issued at.
    pub iat: i64,
    /// Expires at.
    pub exp: i64,
    /// Its own identifier.
    pub jti: TokenId,
    /// What it opens.
    pub scope: ScopeSet,
    /// The transaction it belongs to, constant along a chain.
    pub txn: TransactionId,
    /// Where it hangs in the tree of grants.
    pub dlg: Delegation,
    /// Who acts for the subject (RFC 8693 §4.1); absent at the front door.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub act: Option<Box<Actor>>,
    /// Who alone may act for the subject next (RFC 8693 §4.4); absent where that is not decided yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub may_act: Option<MayAct>,
    /// Tools chosen one by one (RFC 9396).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub authorization_details: Vec<ToolsDetail>,
    /// The key it is bound to (RFC 7800).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cnf: Option<Value>,
    /// When the user proved who they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_time: Option<i64>,
    /// How well they proved it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acr: Option<String>,
}

impl AccessClaims {
    /// The names of the agents that act in it, or hold it on their own account.
    pub fn agents(&self) -> impl Iterator<Item = &str> {
        let actors = self.act.iter().flat_map(|actor| actor.line()).map(|actor| actor.sub.as_str());
        actors.chain(std::iter::once(self.sub.as_str())).filter_map(agent_name)
    }

    /// The steps of its chain, last one first; see [`edge_ids`].
    pub fn edges(&self) -> impl Iterator<Item = String> {
        let actors = self.act.iter().flat_map(|actor| actor.line()).map(|actor| actor.sub.as_str());
        edge_ids(actors, &self.aud)
    }
}

/// The one party that may act next (RFC 8693 §4.4).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MayAct {
    /// Who vouches for `sub`.
    pub iss: String,
    /// The party.
    pub sub: String,
}

/// An authorization detail (RFC 9396 §2) that names the only tools a token may call at some servers. An unknown member
/// is refused: it might narrow what we would then grant in full.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ToolsDetail {
    /// Always `mcp_tools`.
    pub r#type: DetailType,
    /// The servers.
    pub locations: Vec<Resource>,
    /// The tools.
    pub tools: Vec<String>,
}

/// The one type of authorization detail there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum DetailType {
    /// Tools of MCP servers.
    #[default]
    #[serde(rename = "mcp_tools")]
    McpTools,
}

impl ToolsDetail {
    /// The detail that leaves only `tools` at `resource`.
    pub fn only(resource: Resource, tools: Vec<String>) -> Self {
        Self { r#type: DetailType::McpTools, locations: vec![resource], tools }
    }

    /// True when it speaks of that server.
    pub fn concerns(&self, resource: &Resource) -> bool {
        self.locations.contains(resource)
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Listed([String; 1]),
}

fn one_audience<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(match Audience::deserialize(deserializer)? {
        Audience::One(aud) | Audience::Listed([aud]) => aud,
    })
}
