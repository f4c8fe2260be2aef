//! Where a token stands: everything whose end would be its own.

use bailiwick_domain::ids::{ClientId, GrantId, TokenId};
use bailiwick_domain::time::Timestamp;
use bailiwick_domain::token::AccessToken;

/// Everything that a token hangs from.
#[derive(Clone, Debug)]
pub struct Coordinates<'a> {
    /// Its grant, and those above.
    pub grants: Vec<&'a GrantId>,
    /// Itself, and the tokens above.
    pub tokens: Vec<&'a TokenId>,
    /// Whose authority it carries.
    pub user: &'a str,
    /// To whom it was issued, and who stands at the front door.
    pub clients: Vec<&'a ClientId>,
    /// The agents that act, or acted, with that authority.
    pub agents: Vec<&'a str>,
    /// The edges it came along.
    pub edges: Vec<String>,
    /// The same parties as their grant knows them: who acts or acted, by `sub`, and who is called, by audience.
    pub parties: Vec<&'a str>,
    /// When it was issued.
    pub issued_at: Timestamp,
}

impl<'a> Coordinates<'a> {
    /// Those of a token.
    pub fn of(token: &'a AccessToken) -> Self {
        let claims = token.claims();
        let actors = token.chain().actors().map(|actor| actor.sub.as_str());
        Self {
            grants: token.grants().collect(),
            tokens: token.tokens().collect(),
            user: &claims.sub,
            clients: token.clients().collect(),
            agents: token.agents().collect(),
            edges: token.edges().collect(),
            parties: actors.chain(std::iter::once(claims.aud.as_str())).collect(),
            issued_at: Timestamp::from_seconds(claims.iat),
        }
    }

    /// Those of a token that nobody but its client ever held.
    pub fn front_door(grant: &'a GrantId, token: &'a TokenId, user: &'a str, client: &'a ClientId) -> Self {
        Self {
            grants: vec![grant],
            tokens: vec![token],
            user,
            clients: vec![client],
            agents: Vec::new(),
            edges: Vec::new(),
            parties: Vec::new(),
            issued_at: Timestamp::default(),
        }
    }
}
