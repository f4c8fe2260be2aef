//! Every claim, wrong in every way it was ever got wrong.

use std::time::Duration;

use serde_json::{Value, json};

use super::{NOW, claims, issuer, judge, judge_at, notes, now, pair, set_of, with};
use crate::ids::GrantId;
use crate::jose::sign_compact;
use crate::time::Timestamp;
use crate::token::{TokenRefusal, verify_issued};

fn without(member: &str) -> Value {
    let mut claims = claims();
    claims.as_object_mut().unwrap().remove(member);
    claims
}

#[test]
fn a_good_token_is_believed() {
    let token = judge(&claims()).unwrap();

    assert_eq!(token.claims().sub, "us_1");
    assert_eq!(token.grants().map(GrantId::as_str).collect::<Vec<_>>(), ["gr_1"]);
    assert_eq!(token.chain().depth(), 0);
}

#[test]
fn only_access_tokens_are_access_tokens() {
    let pair = pair();
    let classes = [
        "JWT",
        "jwt",
        "",
        "at",
        "at+jwt ",
        "dpop+jwt",
        "oauth-id-jag+jwt",
        "txntoken+jwt",
        "logout+jwt",
        "client-authentication+jwt",
        "token-introspection+jwt",
        "application/json",
        "text/at+jwt",
    ];
    for typ in classes {
        let raw = sign_compact(&pair, typ, &claims()).unwrap();
        assert_eq!(judge_at(&pair, &raw, now()), Err(TokenRefusal::TokenType), "{typ}");
    }
    for typ in ["at+jwt", "AT+JWT", "application/at+jwt"] {
        let raw = sign_compact(&pair, typ, &claims()).unwrap();
        assert!(judge_at(&pair, &raw, now()).is_ok(), "{typ}");
    }
}

#[test]
fn an_id_token_is_refused_even_when_it_says_everything_else() {
    let pair = pair();
    let mut id_token = claims();
    id_token["nonce"] = json!("n");
    id_token["aud"] = json!("bwc_1");
    let raw = sign_compact(&pair, "JWT", &id_token).unwrap();

    assert_eq!(judge_at(&pair, &raw, now()), Err(TokenRefusal::TokenType));
}

#[test]
fn a_token_is_for_exactly_one_server() {
    let ours = "https://mcp.example.com/mcp/notes";
    let refused = [
        json!("https://mcp.example.com/mcp/other"),
        json!("https://mcp.example.com/mcp/notes/"),
        json!("https://mcp.example.com/mcp"),
        json!("https://mcp.example.com"),
        json!("HTTPS://mcp.example.com/mcp/notes"),
        json!(""),
        json!([]),
        json!([ours, "https://mcp.example.com/mcp/other"]),
        json!([ours, ours]),
        json!(["https://mcp.example.com/mcp/other"]),
    ];
    for aud in refused {
        assert_eq!(judge(&with("aud", aud.clone())), Err(TokenRefusal::Audience), "{aud}");
    }
    assert!(judge(&with("aud", json!([ours]))).is_ok());
}

#[test]
fn a_token_is_from_exactly_one_issuer() {
    for iss in ["https://mcp.example.com/", "https://MCP.example.com", "https://evil.example", ""] {
        assert_eq!(judge(&with("iss", json!(iss))), Err(TokenRefusal::Issuer), "{iss}");
    }
    assert_eq!(judge(&with("iss", json!(["https://mcp.example.com"]))), Err(TokenRefusal::Issuer));
    assert_eq!(judge(&without("iss")), Err(TokenRefusal::Issuer));
}

#[test]
fn every_claim_is_there_and_of_its_type() {
    for member in ["sub", "aud", "client_id", "iat", "exp", "jti", "scope", "txn", "dlg"] {
        assert_eq!(judge(&without(member)), Err(TokenRefusal::Claims), "{member}");
        for value in [json!(null), json!(true), json!({}), json!([1])] {
            assert_eq!(judge(&with(member, value.clone())), Err(TokenRefusal::Claims), "{member} {value}");
        }
    }
    let malformed = [
        ("sub", json!("")),
        ("aud", json!(7)),
        ("scope", json!("a\"b")),
        ("scope", json!(["notes:read"])),
        ("dlg", json!({ "gid": "gr_1" })),
        ("dlg", json!({ "gid": "gr_1", "hop": -1 })),
        ("dlg", json!({ "gid": "gr_1", "hop": 0.5 })),
        ("authorization_details", json!([{ "type": "payment" }])),
        ("authorization_details", json!([{ "type": "mcp_tools", "locations": [], "tools": [], "not_after": 1 }])),
    ];
    for (member, value) in malformed {
        assert_eq!(judge(&with(member, value.clone())), Err(TokenRefusal::Claims), "{member} {value}");
    }
}

#[test]
fn times_are_whole_and_not_negative() {
    for member in ["exp", "iat", "nbf"] {
        let odd = [
            json!(-1),
            json!(1_900_000_000.0),
            json!(1_900_000_000.5),
            json!(1e300),
            json!("1900000000"),
            json!(null),
            json!(i64::MIN),
            json!(u64::MAX),
            json!(-0.0),
            json!([NOW]),
        ];
        for value in odd {
            assert_eq!(judge(&with(member, value.clone())), Err(TokenRefusal::Claims), "{member} {value}");
        }
    }
}

#[test]
fn a_token_lives_from_its_issue_to_its_expiry_and_not_for_long() {
    let cases = [
        ("exp", NOW, TokenRefusal::Expired),
        ("exp", NOW - 1, TokenRefusal::Expired),
        ("exp", 0, TokenRefusal::Expired),
        ("exp", NOW + 901, TokenRefusal::TooLong),
        ("exp", i64::MAX, TokenRefusal::TooLong),
        ("iat", 0, TokenRefusal::TooLong),
        ("iat", NOW + 61, TokenRefusal::NotYet),
        ("iat", i64::MAX, TokenRefusal::NotYet),
        ("nbf", NOW + 61, TokenRefusal::NotYet),
        ("nbf", i64::MAX, TokenRefusal::NotYet),
    ];
    for (member, seconds, refusal) in cases {
        assert_eq!(judge(&with(member, json!(seconds))), Err(refusal), "{member} {seconds}");
    }
    for (member, seconds) in [("exp", NOW + 1), ("exp", NOW + 900), ("iat", NOW + 60), ("nbf", NOW + 60), ("nbf", 0)] {
        assert!(judge(&with(member, json!(seconds))).is_ok(), "{member} {seconds}");
    }
}

#[test]
fn expiry_is_exact_to_the_millisecond() {
    let pair = pair();
    let raw = sign_compact(&pair, "at+jwt", &claims()).unwrap();
    let end = Timestamp::from_seconds(NOW + 300);

    assert!(judge_at(&pair, &raw, end.before(Duration::from_millis(1))).is_ok());
    assert_eq!(judge_at(&pair, &raw, end), Err(TokenRefusal::Expired));
}

#[test]
fn nothing_is_said_about_claims_before_the_signature_is_right() {
    let (ours, theirs) = (pair(), pair());
    let raw = sign_compact(&theirs, "JWT", &with("exp", json!(0))).unwrap();

    assert_eq!(judge_at(&ours, &raw, now()), Err(TokenRefusal::UnknownKey));
    assert_eq!(judge_at(&ours, "bw_rt_notajwt", now()), Err(TokenRefusal::Malformed));
}

#[test]
fn where_it_was_issued_a_token_is_known_for_any_server() {
    let pair = pair();
    let elsewhere = with("aud", json!("https://mcp.example.com/mcp/other"));
    let issued = |claims: &Value, typ: &str| {
        let raw = sign_compact(&pair, typ, claims).unwrap();
        verify_issued(&raw, &set_of(&pair), &issuer(), now()).map(|token| token.claims().aud.clone())
    };

    assert_eq!(issued(&elsewhere, "at+jwt").as_deref(), Ok("https://mcp.example.com/mcp/other"));
    assert_eq!(issued(&claims(), "at+jwt").as_deref(), Ok(notes().as_str()));
    assert_eq!(issued(&claims(), "JWT"), Err(TokenRefusal::TokenType));
    assert_eq!(issued(&with("exp", json!(NOW)), "at+jwt"), Err(TokenRefusal::Expired));
    assert_eq!(issued(&with("iss", json!("https://evil.example")), "at+jwt"), Err(TokenRefusal::Issuer));
}
