//! What a server behind is shown instead of the caller's token.

use serde_json::{Value, json};

use super::{NOW, claims, issuer, judge_at, notes, now, pair, set_of};
use crate::ids::TokenId;
use crate::jose::{KeyPair, Unverified};
use crate::time::Timestamp;
use crate::token::{AccessClaims, ForUpstream, TokenRefusal, mint_for_upstream};

const UPSTREAM: &str = "http://localhost:3000/mcp";

fn caller(change: &Value) -> AccessClaims {
    let mut said = claims();
    for (member, value) in change.as_object().unwrap() {
        said[member] = value.clone();
    }
    serde_json::from_value(said).unwrap()
}

fn minted(pair: &KeyPair, caller: Option<&AccessClaims>, now: Timestamp) -> ForUpstream {
    mint_for_upstream(pair, &issuer(), UPSTREAM, caller, (TokenId::from_stored("at_2"), now)).unwrap()
}

fn said(pair: &KeyPair, token: &ForUpstream) -> Value {
    let verified = Unverified::parse(&token.raw).unwrap().verify(&set_of(pair)).unwrap();
    assert_eq!(verified.typ(), "at+jwt");
    Value::Object(verified.claims().unwrap())
}

#[test]
fn it_names_the_caller_and_everyone_between_for_that_server_alone() {
    let act = json!({ "iss": "https://id.example", "sub": "agent" });
    let ticked = json!([{ "type": "mcp_tools", "locations": [notes().as_str()], "tools": ["list"] }]);
    let dlg = json!({ "gid": "gr_1", "hop": 1, "pjti": "at_0" });
    let caller = caller(&json!({ "act": act, "dlg": dlg, "authorization_details": ticked }));
    let pair = pair();

    let token = minted(&pair, Some(&caller), now());

    let expected = json!({
        "iss": "https://mcp.example.com", "sub": "us_1", "aud": UPSTREAM, "client_id": "bwc_1", "iat": NOW,
        "exp": NOW + 300, "jti": "at_2", "scope": "notes:read", "txn": "tx_1",
        "dlg": { "gid": "gr_1", "pjti": "at_1", "above": ["at_0"], "hop": 1 }, "act": act,
        "authorization_details": ticked,
    });
    assert_eq!(said(&pair, &token), expected);
}

#[test]
fn it_is_worth_nothing_here() {
    let pair = pair();
    let token = minted(&pair, Some(&caller(&json!({}))), now());

    assert_eq!(judge_at(&pair, &token.raw, now()).unwrap_err(), TokenRefusal::Audience);
    assert!(!token.raw.contains(notes().as_str()));
}

#[test]
fn it_never_outlives_the_callers_token_nor_five_minutes() {
    let pair = pair();
    for (callers, own) in [(NOW + 90, NOW + 90), (NOW + 300, NOW + 300), (NOW + 900, NOW + 300)] {
        let token = minted(&pair, Some(&caller(&json!({ "exp": callers }))), now());

        assert_eq!((&said(&pair, &token)["exp"], token.expires_at), (&json!(own), Timestamp::from_seconds(own)));
    }
}

#[test]
fn where_the_gateway_asks_for_itself_it_says_so_and_opens_nothing() {
    let pair = pair();
    let token = minted(&pair, None, now());

    let us = "https://mcp.example.com";
    let expected = json!({
        "iss": us, "sub": us, "aud": UPSTREAM, "client_id": us, "iat": NOW, "exp": NOW + 300, "jti": "at_2",
    });
    assert_eq!(said(&pair, &token), expected);
}
