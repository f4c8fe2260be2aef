use super::*;
use crate::grant::sample_approval;

/// The example of RFC 7636 appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const REDIRECT: &str = "http://127.0.0.1:4711/cb";
const NOW: Timestamp = Timestamp::from_seconds(1_000);

fn code() -> CodeGrant {
    CodeGrant {
        approval: sample_approval(),
        redirect_uri: REDIRECT.to_owned(),
        challenge: Challenge::parse(CHALLENGE).unwrap(),
        expires_at: NOW.after(Duration::from_mins(1)),
    }
}

/// A claim's parts as a client sends them.
struct Sent {
    client: &'static str,
    redirect_uri: Option<&'static str>,
    verifier: &'static str,
    resource: Option<&'static str>,
}

const RIGHT: Sent = Sent {
    client: "app",
    redirect_uri: Some(REDIRECT),
    verifier: VERIFIER,
    resource: Some("https://mcp.example.com/mcp"),
};

fn claim(sent: &Sent, now: Timestamp) -> Result<Approval, ClaimError> {
    let verifier = Verifier::parse(sent.verifier).unwrap();
    let client = ClientId::parse(sent.client).unwrap();
    let resource = sent.resource.map(|raw| Resource::parse(raw).unwrap());
    let redirect_uri = sent.redirect_uri;
    let claim = CodeClaim { client: &client, redirect_uri, verifier: &verifier, resource: resource.as_ref() };
    code().claim(&claim, now).map(Approved::into_approval)
}

#[test]
fn a_claim_that_matches_is_approved() {
    assert_eq!(claim(&RIGHT, NOW), Ok(sample_approval()));
    assert_eq!(claim(&Sent { redirect_uri: None, resource: None, ..RIGHT }, NOW), Ok(sample_approval()));
}

#[test]
fn a_claim_that_differs_in_anything_is_refused() {
    let other_verifier = "aBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    let refused = [
        (Sent { client: "other", ..RIGHT }, ClaimError::Client),
        (Sent { client: "App", ..RIGHT }, ClaimError::Client),
        (Sent { redirect_uri: Some("http://127.0.0.1:4712/cb"), ..RIGHT }, ClaimError::Redirect),
        (Sent { redirect_uri: Some(""), ..RIGHT }, ClaimError::Redirect),
        (Sent { verifier: other_verifier, ..RIGHT }, ClaimError::Verifier),
        (Sent { verifier: CHALLENGE, ..RIGHT }, ClaimError::Verifier),
        (Sent { resource: Some("https://mcp.example.com/mcp/notes"), ..RIGHT }, ClaimError::Resource),
        // A thief learns from the first refusal that the code is another's, and nothing else.
        (Sent { client: "other", verifier: other_verifier, redirect_uri: Some("x"), ..RIGHT }, ClaimError::Client),
    ];

    for (sent, why) in refused {
        assert_eq!(claim(&sent, NOW), Err(why));
    }
}

#[test]
fn a_code_ends_with_its_minute_or_with_its_approval() {
    let last = NOW.after(Duration::from_millis(59_999));
    assert!(claim(&RIGHT, last).is_ok());
    assert_eq!(claim(&RIGHT, NOW.after(Duration::from_mins(1))), Err(ClaimError::Expired));

    let mut short = code();
    short.approval.expires_at = NOW;
    let verifier = Verifier::parse(VERIFIER).unwrap();
    let client = ClientId::parse("app").unwrap();
    let claim = CodeClaim { client: &client, redirect_uri: None, verifier: &verifier, resource: None };
    assert_eq!(short.claim(&claim, NOW).unwrap_err(), ClaimError::Expired);
}

#[test]
fn an_agent_at_an_origin_is_named_with_and_without_its_slash() {
    let mut code = code();
    code.approval.resource = Resource::verbatim("http://localhost:4001").unwrap();
    let (verifier, client) = (Verifier::parse(VERIFIER).unwrap(), ClientId::parse("app").unwrap());
    let sent = Resource::parse("http://localhost:4001").unwrap();
    let claim = CodeClaim { client: &client, redirect_uri: None, verifier: &verifier, resource: Some(&sent) };

    assert!(code.claim(&claim, NOW).is_ok());
}

#[test]
fn only_a_wrong_server_is_more_than_a_bad_grant() {
    assert_eq!(ClaimError::Resource.code(), ErrorCode::InvalidTarget);
    for error in [ClaimError::Client, ClaimError::Expired, ClaimError::Redirect, ClaimError::Verifier] {
        assert_eq!(error.code(), ErrorCode::InvalidGrant);
    }
}

#[test]
fn a_code_that_comes_again_is_a_lost_race_for_ten_seconds() {
    let table = [
        (-5_000, CodeReplay::JustLost),
        (0, CodeReplay::JustLost),
        (10_000, CodeReplay::JustLost),
        (10_001, CodeReplay::RevokeGrant),
        (3_600_000, CodeReplay::RevokeGrant),
    ];

    for (after, verdict) in table {
        let now = Timestamp::from_millis(NOW.millis() + after);
        assert_eq!(judge_replay(NOW, now), verdict, "{after} ms");
    }
}

#[test]
fn a_code_grant_comes_back_from_its_row_and_never_without_a_challenge() {
    let row = serde_json::to_value(code()).unwrap();
    let mut bare = row.clone();
    bare.as_object_mut().unwrap().remove("challenge");

    assert_eq!(serde_json::from_value::<CodeGrant>(row).unwrap(), code());
    assert!(serde_json::from_value::<CodeGrant>(bare).is_err());
}
