mod chains;
mod minting;
mod refusals;
mod upstream;

use serde_json::{Value, json};

use super::{AccessToken, Expect, TokenRefusal, verify_access};
use crate::grant::Approval;
use crate::ids::{ClientId, GrantId, TransactionId, UserId};
use crate::jose::{Alg, JwkSet, KeyPair, Signer, sign_compact};
use crate::scope::ScopeSet;
use crate::time::{REFRESH_LIFE, Timestamp};
use crate::token::ToolsDetail;
use crate::uri::{Issuer, Resource};

const NOW: i64 = 1_900_000_000;

fn now() -> Timestamp {
    Timestamp::from_seconds(NOW)
}

fn issuer() -> Issuer {
    Issuer::parse("https://mcp.example.com").unwrap()
}

fn notes() -> Resource {
    Resource::parse("https://mcp.example.com/mcp/notes").unwrap()
}

fn pair() -> KeyPair {
    KeyPair::generate(Alg::Es256).unwrap()
}

fn set_of(pair: &KeyPair) -> JwkSet {
    JwkSet::new(vec![pair.public()])
}

fn approval() -> Approval {
    Approval {
        grant: GrantId::from_stored("gr_1"),
        user: UserId::from_stored("us_1"),
        client: ClientId::parse("bwc_1").unwrap(),
        client_name: "Inspector".to_owned(),
        resource: notes(),
        scope: ScopeSet::parse("notes:read notes:write").unwrap(),
        details: vec![ToolsDetail::only(notes(), vec!["list_notes".to_owned()])],
        transaction: TransactionId::from_stored("tx_1"),
        created_at: now(),
        expires_at: now().after(REFRESH_LIFE),
        job: None,
    }
}

/// The claims of a good token.
fn claims() -> Value {
    json!({
        "iss": "https://mcp.example.com",
        "sub": "us_1",
        "aud": "https://mcp.example.com/mcp/notes",
        "client_id": "bwc_1",
        "iat": NOW,
        "exp": NOW + 300,
        "jti": "at_1",
        "scope": "notes:read",
        "txn": "tx_1",
        "dlg": { "gid": "gr_1", "hop": 0 },
    })
}

fn with(member: &str, value: Value) -> Value {
    let mut claims = claims();
    claims[member] = value;
    claims
}

fn judge_at(pair: &KeyPair, raw: &str, now: Timestamp) -> Result<AccessToken, TokenRefusal> {
    verify_access(raw, &set_of(pair), &Expect { issuer: &issuer(), resource: &notes(), now })
}

/// What becomes of properly signed claims.
fn judge(claims: &Value) -> Result<AccessToken, TokenRefusal> {
    let pair = pair();
    judge_at(&pair, &sign_compact(&pair, "at+jwt", claims).unwrap(), now())
}
