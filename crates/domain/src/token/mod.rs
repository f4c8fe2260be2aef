//! Access tokens (RFC 9068): their claims, how they are minted under a grant, and what must hold before one is believed.

mod claims;
mod mint;
mod refusal;
mod upstream;
mod verify;

pub use claims::{AccessClaims, DetailType, MayAct, ToolsDetail};
pub use mint::{FrontDoor, Handover, Minted, TYP, mint, mint_handover};
pub use refusal::TokenRefusal;
pub use upstream::{ForUpstream, mint_for_upstream};
pub use verify::{AccessToken, Expect, IssuedToken, verify_access, verify_issued};

/// How a token's grant stands right now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nothing above it was revoked.
    Live,
    /// The token, its grant or something above was revoked.
    Revoked,
    /// Nobody knows: the news of revocations is too old.
    Stale,
}

#[cfg(test)]
mod tests;
