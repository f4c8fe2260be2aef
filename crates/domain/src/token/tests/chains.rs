//! Chains of actors: kept as they came, or refused.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{judge, with};
use crate::ids::GrantId;
use crate::token::TokenRefusal;

/// A chain of that many actors, the last one outermost.
fn chain(depth: usize) -> Value {
    (0..depth).fold(Value::Null, |inner, n| {
        let mut act = json!({ "iss": "https://mcp.example.com", "sub": format!("agent-{n}") });
        if !inner.is_null() {
            act["act"] = inner;
        }
        act
    })
}

#[test]
fn a_chain_is_kept_exactly_as_it_came() {
    let mut act = chain(4);
    act["sub_profile"] = json!("ai_agent");
    let token = judge(&with("act", act.clone())).unwrap();

    let subjects: Vec<&str> = token.chain().actors().map(|actor| actor.sub.as_str()).collect();
    assert_eq!(subjects, ["agent-3", "agent-2", "agent-1", "agent-0"]);
    assert_eq!(serde_json::to_value(token.claims()).unwrap()["act"], act);
    assert_eq!(serde_json::to_value(token.chain().act()).unwrap(), act);
}

#[test]
fn a_chain_too_deep_is_refused_never_cut() {
    for depth in 5..=14 {
        assert_eq!(judge(&with("act", chain(depth))), Err(TokenRefusal::ChainTooDeep), "{depth}");
    }
    assert_eq!(judge(&with("act", chain(17))), Err(TokenRefusal::Malformed));
}

#[test]
fn ten_thousand_actors_are_refused_at_once() {
    let deep = format!("{}{{}}{}", r#"{"act":"#.repeat(10_000), "}".repeat(10_000));
    let raw = serde_json::value::RawValue::from_string(deep).unwrap();
    let pair = super::pair();
    let token = crate::jose::sign_compact(&pair, "at+jwt", &raw).unwrap();
    let fitting = token.get(..crate::jose::MOST_BYTES).unwrap();

    let begun = Instant::now();
    assert_eq!(super::judge_at(&pair, &token, super::now()), Err(TokenRefusal::Malformed));
    assert!(super::judge_at(&pair, fitting, super::now()).is_err());
    assert!(begun.elapsed() < Duration::from_millis(500));
}

#[test]
fn hops_and_ancestors_are_counted_too() {
    let dlg = |hop: u32, ancestors: usize| json!({ "gid": "gr_1", "hop": hop, "anc": vec!["gr_0"; ancestors] });

    assert!(judge(&with("dlg", dlg(4, 4))).is_ok());
    for (hop, ancestors) in [(5, 0), (u32::MAX, 0), (0, 5)] {
        assert_eq!(judge(&with("dlg", dlg(hop, ancestors))), Err(TokenRefusal::ChainTooDeep));
    }
    assert_eq!(judge(&with("dlg", json!({ "gid": "gr_1", "hop": 4_294_967_296_u64 }))), Err(TokenRefusal::Claims));
}

#[test]
fn an_actor_that_would_lose_something_is_refused() {
    let actors = [
        json!({}),
        json!({ "sub": "agent" }),
        json!({ "iss": "https://mcp.example.com" }),
        json!({ "iss": "https://mcp.example.com", "sub": 1 }),
        json!({ "iss": "https://mcp.example.com", "sub": "agent", "roles": ["admin"] }),
        json!({ "iss": "https://mcp.example.com", "sub": "agent", "sub_profile": "wizard" }),
        json!({ "iss": "https://mcp.example.com", "sub": "agent", "act": null }),
        json!({ "iss": "https://mcp.example.com", "sub": "agent", "act": [] }),
        json!([{ "iss": "https://mcp.example.com", "sub": "agent" }]),
        json!("agent"),
    ];
    for act in actors {
        assert_eq!(judge(&with("act", act.clone())), Err(TokenRefusal::Claims), "{act}");
    }
}

#[test]
fn an_actor_of_another_issuer_is_refused_wherever_it_stands() {
    for pointer in ["/iss", "/act/iss", "/act/act/iss"] {
        let mut act = chain(3);
        *act.pointer_mut(pointer).unwrap() = json!("https://login.example.com");
        assert_eq!(judge(&with("act", act)), Err(TokenRefusal::Claims), "{pointer}");
    }
}

#[test]
fn ancestors_come_after_the_grant() {
    let token =
        judge(&with("dlg", json!({ "gid": "gr_2", "anc": ["gr_1", "gr_0"], "pjti": "at_0", "hop": 1 }))).unwrap();

    let grants: Vec<&str> = token.grants().map(GrantId::as_str).collect();
    assert_eq!(grants, ["gr_2", "gr_1", "gr_0"]);
}
