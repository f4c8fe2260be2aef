//! Refresh tokens: rotation that is idempotent for an honest client and final for a thief.

use std::time::Duration;

use crate::scope::ScopeSet;
use crate::time::{REFRESH_IDLE, Timestamp};

/// How long a spent refresh token still gets the answer it got before.
pub const REPLAY_WINDOW: Duration = Duration::from_secs(30);

/// What a spent refresh token means, when its own client brings it again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reuse {
    /// A second process, or an answer that was lost: give the same answer again.
    SameAnswer,
    /// Two parties hold the family: revoke it. The text is the reason in the audit.
    Theft(&'static str),
}

/// Judges a spent refresh token: the same answer within [`REPLAY_WINDOW`] while the successor is unused, else theft.
///
/// An unused successor means that nobody who has it has shown it yet, so giving it to the holder of its predecessor
/// tells nobody more than they could know.
pub fn judge_reuse(used_at: Timestamp, successor_used: bool, now: Timestamp) -> Reuse {
    if successor_used {
        Reuse::Theft("reuse_successor_used")
    } else if now.since(used_at) > REPLAY_WINDOW {
        Reuse::Theft("reuse_after_window")
    } else {
        Reuse::SameAnswer
    }
}

/// The moment until which a refresh token issued `now` may lie unused: it slides, but never past `expires_at`.
pub fn idle_until(now: Timestamp, expires_at: Timestamp) -> Timestamp {
    now.after(REFRESH_IDLE).min(expires_at)
}

/// The scopes of the next access token: all that was granted, or what is asked within it (RFC 6749 §6); `None` when
/// more is asked. The refresh token itself stays as wide as it was.
pub fn narrowed(granted: &ScopeSet, asked: Option<&ScopeSet>) -> Option<ScopeSet> {
    match asked.filter(|asked| !asked.is_empty()) {
        None => Some(granted.clone()),
        Some(asked) => asked.within(granted).then(|| asked.clone()),
    }
}

#[cfg(test)]
mod tests;
