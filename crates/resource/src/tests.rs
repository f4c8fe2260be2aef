use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use bailiwick_domain::jose::{Alg, JwkSet, KeyPair, Signer, sign_compact};
use bailiwick_domain::time::Timestamp;
use bailiwick_domain::token::{AccessToken, Standing, TokenRefusal};
use bailiwick_domain::uri::{Issuer, Resource};
use serde_json::{Value, json};

use crate::{AdmitError, Caller, Liveness, Verifier};

const NOW: i64 = 1_900_000_000;

/// Answers always the same, and counts how often it was asked.
struct Always(Standing, AtomicUsize);

impl Liveness for Always {
    fn standing(&self, _token: &AccessToken, _now: Timestamp) -> Standing {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0
    }
}

fn always(standing: Standing) -> Always {
    Always(standing, AtomicUsize::new(0))
}

struct World {
    pair: KeyPair,
    keys: Arc<ArcSwap<JwkSet>>,
    verifier: Verifier,
    resource: Resource,
}

fn world() -> World {
    let issuer = Issuer::parse("https://mcp.example.com").unwrap();
    let pair = KeyPair::generate(Alg::Es256).unwrap();
    let keys = Arc::new(ArcSwap::from_pointee(JwkSet::new(vec![pair.public()])));
    let resource = issuer.resource(None);
    World { verifier: Verifier::new(issuer, Arc::clone(&keys)), pair, keys, resource }
}

impl World {
    fn bearer(&self, change: (&str, Value)) -> String {
        let mut claims = json!({
            "iss": "https://mcp.example.com", "sub": "us_1", "aud": "https://mcp.example.com/mcp", "client_id": "bwc_1",
            "iat": NOW, "exp": NOW + 300, "jti": "at_1", "scope": "mcp:read", "txn": "tx_1",
            "dlg": { "gid": "gr_1", "hop": 0 },
        });
        claims[change.0] = change.1;
        format!("Bearer {}", sign_compact(&self.pair, "at+jwt", &claims).unwrap())
    }

    fn admit(&self, header: &str, liveness: &dyn Liveness, after: u64) -> Result<Caller, AdmitError> {
        let now = Timestamp::from_seconds(NOW).after(Duration::from_secs(after));
        self.verifier.admit(Some(header), &self.resource, liveness, now)
    }
}

#[test]
fn a_caller_is_who_the_token_says() {
    let world = world();
    let header = world.bearer(("authorization_details", json!([])));
    let caller = world.admit(&header, &always(Standing::Live), 0).unwrap();

    assert_eq!((caller.subject(), caller.client().as_str()), ("us_1", "bwc_1"));
    assert_eq!(
        (caller.grant().as_str(), caller.jti().as_str(), caller.transaction().as_str()),
        ("gr_1", "at_1", "tx_1")
    );
    assert_eq!(
        (caller.scope().to_string().as_str(), caller.details().len(), caller.chain().depth()),
        ("mcp:read", 0, 0)
    );
    assert_eq!(caller.expires_at(), Timestamp::from_seconds(NOW + 300));
}

#[test]
fn without_a_token_the_challenge_names_no_error() {
    let world = world();
    for header in [None, Some(""), Some("Basic dXM6cHc="), Some("DPoP a.b.c")] {
        let refused = world.verifier.admit(header, &world.resource, &always(Standing::Live), Timestamp::default());
        let error = refused.unwrap_err();
        assert_eq!((error, error.status(), error.challenge()), (AdmitError::NoToken, 401, None), "{header:?}");
    }
}

#[test]
fn a_bad_token_is_401_and_says_why() {
    let world = world();
    let cases = [
        ("Bearer".to_owned(), TokenRefusal::Malformed),
        ("Bearer bw_rt_abc".to_owned(), TokenRefusal::Malformed),
        (format!("Bearer {}", "a".repeat(20_000)), TokenRefusal::Malformed),
        (world.bearer(("exp", json!(NOW))), TokenRefusal::Expired),
        (world.bearer(("aud", json!("https://mcp.example.com/mcp/other"))), TokenRefusal::Audience),
        (world.bearer(("iss", json!("https://evil.example"))), TokenRefusal::Issuer),
        (world.bearer(("cnf", json!({ "jkt": "x" }))), TokenRefusal::Bound),
    ];
    for (header, refusal) in cases {
        let error = world.admit(&header, &always(Standing::Live), 0).unwrap_err();
        assert_eq!((error, error.status()), (AdmitError::Invalid(refusal), 401));
        assert!(error.challenge().is_some());
    }
}

#[test]
fn revoked_is_401_and_unknown_is_503() {
    let world = world();
    let header = world.bearer(("sub", json!("us_1")));

    for _remembered in [false, true] {
        let revoked = world.admit(&header, &always(Standing::Revoked), 0).unwrap_err();
        let stale = world.admit(&header, &always(Standing::Stale), 0).unwrap_err();
        assert_eq!((revoked, revoked.status()), (AdmitError::Revoked, 401));
        assert_eq!((stale, stale.status()), (AdmitError::Stale, 503));
    }
}

#[test]
fn a_remembered_token_is_asked_about_again_each_time() {
    let world = world();
    let live = always(Standing::Live);
    let header = world.bearer(("sub", json!("us_1")));
    for _ in 0..3 {
        world.admit(&header, &live, 0).unwrap();
    }

    assert_eq!((world.verifier.remembered(), live.1.load(Ordering::Relaxed)), (1, 3));
    assert_eq!(world.admit(&header, &live, 300).unwrap_err(), TokenRefusal::Expired.into());
    let elsewhere = Resource::parse("https://mcp.example.com/mcp/other").unwrap();
    let refused = world.verifier.admit(Some(&header), &elsewhere, &live, Timestamp::from_seconds(NOW));
    assert_eq!(refused.unwrap_err(), TokenRefusal::Audience.into());
}

#[test]
fn a_key_taken_out_takes_its_remembered_tokens_with_it() {
    let world = world();
    let header = world.bearer(("sub", json!("us_1")));
    world.admit(&header, &always(Standing::Live), 0).unwrap();
    world.keys.store(Arc::new(JwkSet::default()));

    assert_eq!(world.admit(&header, &always(Standing::Live), 0).unwrap_err(), TokenRefusal::UnknownKey.into());

    world.keys.store(Arc::new(JwkSet::new(vec![world.pair.public()])));
    assert!(world.admit(&header, &always(Standing::Live), 0).is_ok());
}

#[test]
fn refused_tokens_are_not_remembered() {
    let world = world();
    let header = world.bearer(("exp", json!(NOW)));
    assert!(world.admit(&header, &always(Standing::Live), 0).is_err());
    assert!(world.admit(&format!("{header}x"), &always(Standing::Live), 0).is_err());

    assert_eq!(world.verifier.remembered(), 0);
}

#[test]
fn what_is_remembered_is_bounded() {
    let world = world();
    let header = world.bearer(("sub", json!("us_1")));
    let token = Arc::new(world.admit(&header, &always(Standing::Live), 0).unwrap().token().clone());
    let keys = world.keys.load_full();
    let cache = crate::cache::Cache::new(8);
    for n in 0..100_u8 {
        cache.keep(&keys, [n; 32], Arc::clone(&token));
        assert!(cache.len() <= 8);
        assert!(cache.find(&keys, &[n; 32]).is_some());
    }
    assert!(cache.find(&keys, &[0; 32]).is_none());
    assert!(cache.find(&Arc::new(JwkSet::default()), &[99; 32]).is_none());
}
