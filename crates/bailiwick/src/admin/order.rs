//! What administration can be asked to do, as it travels over the socket.

use serde::{Deserialize, Serialize};

/// One order. Whoever carries it out says what came of it, as JSON.
#[derive(Serialize, Deserialize)]
#[serde(tag = "order", rename_all = "snake_case")]
pub(crate) enum Order {
    /// List accounts.
    Users,
    /// Make an account.
    AddUser { name: String, password: String },
    /// Stop an account and everything that acts for it.
    DisableUser { name: String },
    /// Let an account be used again.
    EnableUser { name: String },
    /// Set a password.
    Password { name: String, password: String },
    /// Set the groups of an account; without any said, show them.
    Groups { name: String, groups: Option<Vec<String>> },
    /// Set what an account may do in administration.
    Role { name: String, role: String },
    /// List clients that somebody let act.
    Clients,
    /// Stop a client for everybody.
    DisableClient { client: String },
    /// Let a client act again.
    EnableClient { client: String },
    /// List servers.
    Servers,
    /// List a server's tools.
    Tools { server: Option<String> },
    /// List grants.
    Grants { user: Option<String>, limit: u32 },
    /// Show one grant.
    Grant { id: String },
    /// End a grant and everything below it.
    RevokeGrant { id: String },
    /// End one token and everything derived from it.
    RevokeToken { id: String },
    /// List agents, and what is stopped.
    Agents,
    /// Stop an agent for everybody.
    StopAgent { name: String, reason: Option<String> },
    /// Let an agent act again.
    StartAgent { name: String },
    /// Cut the step from an agent to what it calls.
    CutEdge { name: String, target: String, reason: Option<String> },
    /// Let an agent take a step again.
    MendEdge { name: String, target: String },
    /// Stop a tool for everybody.
    StopTool { server: String, tool: String, reason: Option<String> },
    /// Let a tool be called again.
    StartTool { server: String, tool: String },
    /// Read the audit.
    Audit(AuditQuery),
    /// Read on in the audit.
    FollowAudit(FollowQuery),
    /// Check the audit.
    VerifyAudit,
    /// Sign what was written since the last checkpoint.
    Checkpoint,
    /// Say who could call a tool.
    AccessReport { tool: String, server: Option<String> },
    /// Put the vault under its current key.
    RotateVault,
    /// Show the configuration in force.
    Config,
    /// Write a backup.
    Backup { file: std::path::PathBuf },
}

/// Which rows of the audit are wanted.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct AuditQuery {
    /// Not older than this (Unix milliseconds); 0 for the newest.
    pub(crate) after: i64,
    /// How many.
    pub(crate) limit: u32,
    /// For this user, by name.
    pub(crate) user: Option<String>,
    /// On this tool.
    pub(crate) tool: Option<String>,
    /// Under this grant.
    pub(crate) grant: Option<String>,
    /// Of this kind, such as `tool_refused`.
    pub(crate) kind: Option<String>,
    /// Of this request.
    pub(crate) correlation: Option<String>,
    /// In this chain of requests.
    #[serde(default)]
    pub(crate) transaction: Option<String>,
    /// Where this agent acted.
    #[serde(default)]
    pub(crate) agent: Option<String>,
    /// With this end, such as `refused`.
    #[serde(default)]
    pub(crate) outcome: Option<String>,
    /// Not before this moment, as people write it.
    #[serde(default)]
    pub(crate) since: Option<String>,
    /// Before this moment, as people write it.
    #[serde(default)]
    pub(crate) until: Option<String>,
    /// True when people and apps shall be named, not only numbered.
    #[serde(default)]
    pub(crate) named: bool,
}

/// Where to read on in the audit.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct FollowQuery {
    /// How far each writer was read.
    pub(crate) places: bailiwick_store::AuditPlaces,
    /// How many rows.
    pub(crate) limit: u32,
    /// Not before this moment, as people write it.
    pub(crate) since: Option<String>,
    /// Before this moment, as people write it.
    pub(crate) until: Option<String>,
}

/// What was found there.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Followed {
    /// The rows.
    pub(crate) rows: Vec<FollowedRow>,
    /// How far each writer is read now.
    pub(crate) places: bailiwick_store::AuditPlaces,
}

/// A row with everything its hash is made of.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct FollowedRow {
    /// Whose chain.
    pub(crate) writer: String,
    /// Its number there.
    pub(crate) seq: i64,
    /// The hash before it.
    pub(crate) prev_hash: String,
    /// Its own.
    pub(crate) hash: String,
    /// The event, in the text that was hashed.
    pub(crate) body: String,
}
