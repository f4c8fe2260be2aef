//! The answer of the token endpoint (RFC 6749 §5.1, RFC 9396 §7), and its sealed copy for a client that asks again.

use bailiwick_domain::entropy::Entropy;
use bailiwick_domain::grant::ACCESS_TOKEN;
use bailiwick_domain::opaque::{Opaque, Refresh};
use bailiwick_domain::scope::ScopeSet;
use bailiwick_domain::seal::Sealer;
use bailiwick_domain::time::Timestamp;
use bailiwick_domain::token::{Minted, ToolsDetail};
use bailiwick_store::TokenRow;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroizing;

const PURPOSE: &str = "refresh answer";

/// What a client gets.
#[derive(Serialize, Deserialize)]
pub(super) struct Answer {
    access_token: Wire,
    token_type: Bearer,
    expires_in: i64,
    scope: ScopeSet,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    refresh_token: Option<Wire>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    authorization_details: Vec<ToolsDetail>,
    /// Of an exchange (RFC 8693 §2.2.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    issued_token_type: Option<String>,
}

#[derive(Serialize, Deserialize)]
enum Bearer {
    Bearer,
}

/// A secret on its way to its owner.
struct Wire(Zeroizing<String>);

impl Serialize for Wire {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Wire {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(Zeroizing::new(text)))
    }
}

impl Answer {
    /// The answer that carries `minted` and, where the client may refresh, `refresh`.
    pub(super) fn new(minted: Minted, refresh: Option<&Opaque<Refresh>>, now: Timestamp) -> Self {
        Self {
            token_type: Bearer::Bearer,
            expires_in: minted.claims.exp.saturating_sub(now.seconds()).max(0),
            scope: minted.claims.scope,
            refresh_token: refresh.map(|secret| Wire(secret.expose())),
            authorization_details: minted.claims.authorization_details,
            access_token: Wire(minted.raw),
            issued_token_type: None,
        }
    }

    /// The answer of an exchange.
    pub(super) fn exchanged(minted: Minted, now: Timestamp) -> Self {
        Self { issued_token_type: Some(ACCESS_TOKEN.to_owned()), ..Self::new(minted, None, now) }
    }

    /// The scopes of its access token.
    pub(super) fn scope(&self) -> &ScopeSet {
        &self.scope
    }

    /// Seals the answer so that only the holder of `old` can open it: not even a copy of the database with our key.
    pub(super) fn seal(&self, old: &Opaque<Refresh>, entropy: &dyn Entropy) -> String {
        // Text, numbers and lists always serialise.
        let plain = Zeroizing::new(serde_json::to_vec(self).unwrap_or_default());
        sealer(old).seal(entropy, old.digest().as_str(), &plain)
    }

    /// Opens a sealed answer, `issued_at` some time ago: what is left of its life is said anew.
    pub(super) fn open(sealed: &str, old: &Opaque<Refresh>, issued_at: Timestamp, now: Timestamp) -> Option<Self> {
        let plain = sealer(old).open(old.digest().as_str(), sealed)?;
        let mut answer: Self = serde_json::from_slice(&plain).ok()?;
        answer.expires_in = answer.expires_in.saturating_sub(now.seconds() - issued_at.seconds()).max(0);
        Some(answer)
    }
}

fn sealer(old: &Opaque<Refresh>) -> Sealer {
    Sealer::derive(old.key_material(), PURPOSE)
}

/// The row under which a token can be revoked and found again.
pub(super) fn row(minted: &Minted, now: Timestamp) -> TokenRow {
    let claims = &minted.claims;
    TokenRow {
        jti: claims.jti.clone(),
        grant: claims.dlg.grant.clone(),
        parent: claims.dlg.parent.clone(),
        hop: claims.dlg.hop,
        actor: claims.act.as_ref().map(|actor| actor.sub.clone()),
        audience: bailiwick_domain::uri::Resource::from_stored(claims.aud.clone()),
        scope: claims.scope.clone(),
        issued_at: now,
        expires_at: Timestamp::from_seconds(claims.exp),
    }
}
