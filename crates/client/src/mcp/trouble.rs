//! What can come of a request besides its result.

use bailiwick_domain::mcp::reply::META_RULE;
use bailiwick_domain::text::presentable;
use bailiwick_net::HttpError;
use serde_json::Value;

use crate::challenge::Challenge;

/// Why a request has no result.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Trouble {
    /// 401.
    #[error("the server wants a login")]
    Unauthorized(Option<Challenge>),
    /// 403 for want of scope; with the rule, where the server names one.
    #[error("the token lacks a scope")]
    Scope(Challenge, Option<String>),
    /// 404 for a session.
    #[error("the server forgot the session")]
    Gone,
    /// A JSON-RPC error; with the rule, where the server names one.
    #[error("{message} ({code})")]
    Rpc { code: i64, message: String, rule: Option<String> },
    /// Another status.
    #[error("the server answered {0}")]
    Status(u16),
    /// An answer that is none.
    #[error("the server's answer cannot be used: {0}")]
    Malformed(&'static str),
    /// The network failed.
    #[error("{0}")]
    Http(#[from] HttpError),
}

impl Trouble {
    /// Reads a JSON-RPC error object.
    pub(crate) fn told(error: &Value) -> Self {
        let code = error.get("code").and_then(Value::as_i64).unwrap_or_default();
        let message = presentable(error.get("message").and_then(Value::as_str).unwrap_or("no reason given"), 500);
        Self::Rpc { code, message, rule: rule(error) }
    }

    /// Reads the body that came with a status.
    pub(crate) fn of_status(status: u16, body: &[u8]) -> Self {
        let body: Option<Value> = serde_json::from_slice(body).ok();
        let error = body.as_ref().and_then(|body| body.get("error")).filter(|error| error.is_object());
        error.map_or(Self::Status(status), Self::told)
    }

    /// The rule that a 403's body names.
    pub(crate) fn rule_in(body: &[u8]) -> Option<String> {
        let body: Value = serde_json::from_slice(body).ok()?;
        body.get("error").and_then(rule).or_else(|| rule(&body))
    }
}

/// The rule named in an error's `data`, a result's `_meta`, or the body of a refusal itself.
pub(crate) fn rule(of: &Value) -> Option<String> {
    let holder = of.get("data").or_else(|| of.get("_meta")).unwrap_or(of);
    let named = holder.get(META_RULE).or_else(|| holder.get("rule"))?;
    named.as_str().map(|rule| presentable(rule, 200))
}
