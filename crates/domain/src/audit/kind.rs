//! The kinds of event, and their ends.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuditKind {
    /// An account was made.
    UserCreated,
    /// Groups, e-mail address or role of an account changed.
    IdentityChanged,
    /// What is known of an account, or what it may do, was changed.
    UserChanged,
    /// An account was disabled, with everything that acts for it.
    UserDisabled,
    /// A disabled account was enabled again.
    UserEnabled,
    /// A person signed in.
    LoginSucceeded,
    /// A sign-in was refused.
    LoginFailed,
    /// A signed-in browser was signed out.
    SessionClosed,
    /// A client registered itself.
    ClientRegistered,
    /// A person approved a client.
    ConsentGiven,
    /// A person refused a client.
    ConsentDenied,
    /// A code was exchanged for tokens.
    CodeRedeemed,
    /// A code came a second time.
    CodeReplayed,
    /// A refresh token was rotated.
    TokenRefreshed,
    /// A spent refresh token came again.
    RefreshReused,
    /// A token was issued otherwise, such as to a machine.
    TokenIssued,
    /// A token was exchanged for the next one of a chain, or that was refused.
    TokenExchanged,
    /// One token was revoked.
    TokenRevoked,
    /// A grant was revoked, with everything below it.
    GrantRevoked,
    /// A tool was called.
    ToolCalled,
    /// A call of a tool was refused.
    ToolRefused,
    /// Any other request was refused.
    RequestRefused,
    /// An administrator set a password.
    PasswordReset,
    /// A client was stopped for everybody.
    ClientDisabled,
    /// A client may act again.
    ClientEnabled,
    /// The configuration was reloaded.
    ConfigChanged,
    /// The secrets of a server behind were sealed.
    SecretsSealed,
    /// A party was stopped under one grant.
    PartyStopped,
    /// An agent was stopped for everybody.
    AgentStopped,
    /// A stopped agent may act again.
    AgentStarted,
    /// A step from one party to the next was cut.
    EdgeCut,
    /// A step that was cut may be taken again.
    EdgeMended,
    /// A tool was stopped for everybody.
    ToolStopped,
    /// A stopped tool may be called again.
    ToolStarted,
    /// A login provider ended a session, or everything of somebody.
    SignalReceived,
    /// A person connected an account of theirs at a tool.
    ConnectionMade,
    /// A person, or an administrator, ended such a connection.
    ConnectionEnded,
    /// A connection was renewed without its person.
    ConnectionRefreshed,
    /// A connection can be renewed only by its person.
    ConnectionLost,
    /// A connection was not made: another person's link, a used one, or the provider's refusal.
    ConnectionRefused,
    /// What is kept of a connection does not open: it was moved or changed.
    ConnectionUnreadable,
    /// A credential was not used, or none could be had.
    CredentialRefused,
    /// What is kept of connections was sealed under another key.
    VaultRotated,
}

impl AuditKind {
    /// Every kind.
    pub const ALL: [Self; 43] = [
        Self::TokenExchanged,
        Self::IdentityChanged,
        Self::UserCreated,
        Self::UserChanged,
        Self::UserDisabled,
        Self::UserEnabled,
        Self::LoginSucceeded,
        Self::LoginFailed,
        Self::SessionClosed,
        Self::ClientRegistered,
        Self::ConsentGiven,
        Self::ConsentDenied,
        Self::CodeRedeemed,
        Self::CodeReplayed,
        Self::TokenRefreshed,
        Self::RefreshReused,
        Self::TokenIssued,
        Self::TokenRevoked,
        Self::GrantRevoked,
        Self::ToolCalled,
        Self::ToolRefused,
        Self::RequestRefused,
        Self::PasswordReset,
        Self::ClientDisabled,
        Self::ClientEnabled,
        Self::ConfigChanged,
        Self::SecretsSealed,
        Self::PartyStopped,
        Self::AgentStopped,
        Self::AgentStarted,
        Self::EdgeCut,
        Self::EdgeMended,
        Self::ToolStopped,
        Self::ToolStarted,
        Self::SignalReceived,
        Self::ConnectionMade,
        Self::ConnectionEnded,
        Self::ConnectionRefreshed,
        Self::ConnectionLost,
        Self::ConnectionRefused,
        Self::ConnectionUnreadable,
        Self::CredentialRefused,
        Self::VaultRotated,
    ];

    /// Its name in rows and on the terminal.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UserCreated => "user_created",
            Self::IdentityChanged => "identity_changed",
            Self::UserChanged => "user_changed",
            Self::UserDisabled => "user_disabled",
            Self::UserEnabled => "user_enabled",
            Self::LoginSucceeded => "login_succeeded",
            Self::LoginFailed => "login_failed",
            Self::SessionClosed => "session_closed",
            Self::ClientRegistered => "client_registered",
            Self::ConsentGiven => "consent_given",
            Self::ConsentDenied => "consent_denied",
            Self::CodeRedeemed => "code_redeemed",
            Self::CodeReplayed => "code_replayed",
            Self::TokenRefreshed => "token_refreshed",
            Self::RefreshReused => "refresh_reused",
            Self::TokenIssued => "token_issued",
            Self::TokenExchanged => "token_exchanged",
            Self::TokenRevoked => "token_revoked",
            Self::GrantRevoked => "grant_revoked",
            Self::ToolCalled => "tool_called",
            Self::ToolRefused => "tool_refused",
            Self::RequestRefused => "request_refused",
            Self::PasswordReset => "password_reset",
            Self::ClientDisabled => "client_disabled",
            Self::ClientEnabled => "client_enabled",
            Self::ConfigChanged => "config_changed",
            Self::SecretsSealed => "secrets_sealed",
            Self::PartyStopped => "party_stopped",
            Self::AgentStopped => "agent_stopped",
            Self::AgentStarted => "agent_started",
            Self::EdgeCut => "edge_cut",
            Self::EdgeMended => "edge_mended",
            Self::ToolStopped => "tool_stopped",
            Self::ToolStarted => "tool_started",
            Self::SignalReceived => "signal_received",
            Self::ConnectionMade => "connection_made",
            Self::ConnectionEnded => "connection_ended",
            Self::ConnectionRefreshed => "connection_refreshed",
            Self::ConnectionLost => "connection_lost",
            Self::ConnectionRefused => "connection_refused",
            Self::ConnectionUnreadable => "connection_unreadable",
            Self::CredentialRefused => "credential_refused",
            Self::VaultRotated => "vault_rotated",
        }
    }

    /// The kind of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// How an event of this kind ends unless it says otherwise.
    pub const fn outcome(self) -> Outcome {
        match self {
            Self::LoginFailed
            | Self::ConsentDenied
            | Self::CodeReplayed
            | Self::RefreshReused
            | Self::ToolRefused
            | Self::RequestRefused
            | Self::ConnectionRefused
            | Self::CredentialRefused => Outcome::Refused,
            Self::ConnectionLost | Self::ConnectionUnreadable => Outcome::Failed,
            Self::UserCreated
            | Self::IdentityChanged
            | Self::UserChanged
            | Self::UserDisabled
            | Self::UserEnabled
            | Self::LoginSucceeded
            | Self::SessionClosed
            | Self::ClientRegistered
            | Self::ConsentGiven
            | Self::CodeRedeemed
            | Self::TokenRefreshed
            | Self::TokenIssued
            | Self::TokenExchanged
            | Self::TokenRevoked
            | Self::GrantRevoked
            | Self::ToolCalled
            | Self::PasswordReset
            | Self::ClientDisabled
            | Self::ClientEnabled
            | Self::ConfigChanged
            | Self::SecretsSealed
            | Self::PartyStopped
            | Self::AgentStopped
            | Self::AgentStarted
            | Self::EdgeCut
            | Self::EdgeMended
            | Self::ToolStopped
            | Self::ToolStarted
            | Self::SignalReceived
            | Self::ConnectionMade
            | Self::ConnectionEnded
            | Self::ConnectionRefreshed
            | Self::VaultRotated => Outcome::Allowed,
        }
    }
}

impl fmt::Display for AuditKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It was done.
    Allowed,
    /// A rule said no.
    Refused,
    /// Nobody said no, and it did not work.
    Failed,
}

impl Outcome {
    /// Its name in rows and on the terminal.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }

    /// The outcome of that name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Allowed, Self::Refused, Self::Failed].into_iter().find(|outcome| outcome.as_str() == name)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
