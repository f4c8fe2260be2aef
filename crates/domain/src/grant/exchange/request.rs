//! The request of an exchange (RFC 8693 §2.1), read strictly: what a token is declared to be must be what is exchanged
//! here.

use super::ExchangeError;
use crate::control::{Control, holds};
use crate::ids::GrantId;
use crate::scope::ScopeSet;
use crate::token::ToolsDetail;

/// The class of access tokens (RFC 8693 §3).
pub const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
/// The class of grants for long jobs: an id is no secret, the agent proves itself.
pub const GRANT: &str = "urn:bailiwick:params:oauth:token-type:grant";

/// The form fields of a request.
#[derive(Clone, Debug, Default)]
pub struct ExchangeFields<'a> {
    /// `subject_token`.
    pub subject_token: Option<&'a str>,
    /// `subject_token_type`.
    pub subject_token_type: Option<&'a str>,
    /// `actor_token`.
    pub actor_token: Option<&'a str>,
    /// `actor_token_type`.
    pub actor_token_type: Option<&'a str>,
    /// `requested_token_type`.
    pub requested_token_type: Option<&'a str>,
    /// Every `resource`.
    pub resources: Vec<&'a str>,
    /// Every `audience`.
    pub audiences: Vec<&'a str>,
    /// `scope`.
    pub scope: Option<&'a str>,
    /// `authorization_details`.
    pub details: Option<&'a str>,
}

/// What is to be exchanged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject<'a> {
    /// A token that was handed over.
    Token(&'a str),
    /// A grant for a long job.
    Grant(GrantId),
}

/// A request that makes sense by itself.
#[derive(Clone, Debug)]
pub struct ExchangeRequest<'a> {
    /// What is to be exchanged.
    pub subject: Subject<'a>,
    /// The actor's own token, where one was sent.
    pub actor: Option<&'a str>,
    /// The target, as `resource` names it.
    pub resource: Option<&'a str>,
    /// The target, as `audience` names it.
    pub audience: Option<&'a str>,
    /// What is asked for.
    pub scope: Option<ScopeSet>,
    /// For which tools.
    pub details: Option<Vec<ToolsDetail>>,
}

impl<'a> ExchangeRequest<'a> {
    /// Reads the fields.
    ///
    /// # Errors
    /// [`ExchangeError`].
    pub fn read(fields: &ExchangeFields<'a>) -> Result<Self, ExchangeError> {
        let token = fields.subject_token.ok_or(ExchangeError::Missing("subject_token"))?;
        let class = fields.subject_token_type.ok_or(ExchangeError::Missing("subject_token_type"))?;
        let subject = match class {
            GRANT => Subject::Grant(GrantId::from_stored(token)),
            ACCESS_TOKEN => Subject::Token(token),
            _ if !holds(Control::SubjectClass) => Subject::Token(token),
            _ => return Err(ExchangeError::Class),
        };
        if fields.requested_token_type.is_some_and(|wanted| wanted != ACCESS_TOKEN) {
            return Err(ExchangeError::Wanted);
        }
        Ok(Self {
            subject,
            actor: actor(fields)?,
            resource: one(&fields.resources)?,
            audience: one(&fields.audiences)?,
            scope: fields.scope.map(|raw| ScopeSet::parse(raw).ok_or(ExchangeError::Scope)).transpose()?,
            details: fields
                .details
                .map(|raw| serde_json::from_str(raw).map_err(|_| ExchangeError::Details))
                .transpose()?,
        })
    }
}

/// `actor_token`, which never comes without its type, nor the type without it.
fn actor<'a>(fields: &ExchangeFields<'a>) -> Result<Option<&'a str>, ExchangeError> {
    match (fields.actor_token, fields.actor_token_type) {
        (None, None) => Ok(None),
        (Some(token), Some(ACCESS_TOKEN)) => Ok(Some(token)),
        (Some(_), Some(_)) => Err(ExchangeError::ActorToken),
        (Some(_), None) => Err(ExchangeError::Missing("actor_token_type")),
        (None, Some(_)) => Err(ExchangeError::Missing("actor_token")),
    }
}

fn one<'a>(named: &[&'a str]) -> Result<Option<&'a str>, ExchangeError> {
    match *named {
        [] => Ok(None),
        [one] => Ok(Some(one)),
        _ => Err(ExchangeError::Target),
    }
}
