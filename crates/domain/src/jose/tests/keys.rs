//! Keys and sets of keys: which are taken, which are passed over, which spoil the document.

use serde_json::{Value, json};

use super::pair;
use crate::jose::{Alg, Jwk, JwkError, JwkSet, KeyError, KeyPair, Signer};
use crate::text;

fn with(mut json: Value, member: &str, value: Value) -> Value {
    json[member] = value;
    json
}

fn rsa(n: &[u8], e: &[u8]) -> Value {
    json!({ "kty": "RSA", "n": text::encode(n), "e": text::encode(e) })
}

#[test]
fn a_pair_comes_back_from_its_pkcs8_form_with_the_same_name() {
    for alg in [Alg::Es256, Alg::Rs256] {
        let pair = KeyPair::generate(alg).unwrap();
        let again = KeyPair::from_pkcs8(alg, &pair.pkcs8()).unwrap();

        assert_eq!(again.kid(), pair.kid());
        assert_eq!(again.public(), pair.public());
        assert_eq!(again.kid(), pair.public().thumbprint());
        assert_eq!(format!("{pair:?}"), format!("KeyPair({})", pair.kid()));
    }
}

#[test]
fn pairs_are_made_only_of_keys_for_signing() {
    let es256 = pair().pkcs8();
    assert_eq!(KeyPair::generate(Alg::EdDsa).unwrap_err(), KeyError::Unsupported);
    assert_eq!(KeyPair::generate(Alg::Ps256).unwrap_err(), KeyError::Unsupported);
    assert_eq!(KeyPair::from_pkcs8(Alg::Rs256, &es256).unwrap_err(), KeyError::Rejected);
    assert_eq!(KeyPair::from_pkcs8(Alg::Es256, b"").unwrap_err(), KeyError::Rejected);
    assert_eq!(KeyPair::from_pkcs8(Alg::Es256, &es256[..es256.len() - 1]).unwrap_err(), KeyError::Rejected);
}

#[test]
fn a_published_key_shows_its_public_half_only() {
    let json = pair().public().to_json();
    let mut members: Vec<&str> = json.as_object().unwrap().keys().map(String::as_str).collect();
    members.sort_unstable();

    assert_eq!(members, ["alg", "crv", "kid", "kty", "use", "x", "y"]);
    assert_eq!((&json["alg"], &json["use"]), (&json!("ES256"), &json!("sig")));
}

#[test]
fn a_set_survives_its_own_document() {
    let set = JwkSet::new(vec![pair().public(), KeyPair::generate(Alg::Rs256).unwrap().public()]);
    let json = serde_json::to_vec(&set).unwrap();

    assert_eq!(JwkSet::parse(&json).unwrap(), set);
}

#[test]
fn keys_that_cannot_verify_here_are_refused_for_a_reason() {
    let good = pair().public().to_json();
    let odd = [&[0xff], [0x55_u8; 255].as_slice()].concat();
    let point = text::encode(&[1; 32]);
    let cases = [
        (json!("key"), JwkError::Malformed),
        (json!({}), JwkError::Malformed),
        (with(good.clone(), "kid", json!("")), JwkError::Malformed),
        (with(good.clone(), "kid", json!("k".repeat(129))), JwkError::Malformed),
        (with(good.clone(), "x", json!("not base64!")), JwkError::Malformed),
        (with(good.clone(), "x", json!(7)), JwkError::Malformed),
        (with(good.clone(), "d", json!("AA")), JwkError::Private),
        (json!({ "kty": "oct", "k": "AA" }), JwkError::Private),
        (with(rsa(&odd, &[1, 0, 1]), "p", json!("AA")), JwkError::Private),
        (with(good.clone(), "use", json!("enc")), JwkError::Unsupported),
        (with(good.clone(), "key_ops", json!(["sign"])), JwkError::Unsupported),
        (with(good.clone(), "alg", json!("RS256")), JwkError::Unsupported),
        (with(good.clone(), "alg", json!("ECDH-ES")), JwkError::Unsupported),
        (with(good.clone(), "alg", json!("none")), JwkError::Unsupported),
        (with(good.clone(), "crv", json!("P-384")), JwkError::Unsupported),
        (json!({ "kty": "AKP", "alg": "ML-DSA-44" }), JwkError::Unsupported),
        (with(good.clone(), "x", json!(point)), JwkError::Weak),
        (with(good.clone(), "x", json!("AQ")), JwkError::Weak),
        (rsa(&odd[..128], &[1, 0, 1]), JwkError::Weak),
        (rsa(&[odd.clone(), odd.clone(), vec![1]].concat(), &[1, 0, 1]), JwkError::Weak),
        (rsa(&[&[0], odd.as_slice()].concat(), &[1, 0, 1]), JwkError::Weak),
        (rsa(&odd, &[3]), JwkError::Weak),
        (rsa(&odd, &[1, 0, 2]), JwkError::Weak),
        (rsa(&odd, &[1, 0, 0, 0, 1]), JwkError::Weak),
    ];
    for (json, reason) in cases {
        assert_eq!(Jwk::from_json(&json).err(), Some(reason), "{json}");
    }
    assert!(Jwk::from_json(&rsa(&odd, &[1, 0, 1])).is_ok());
    assert!(Jwk::from_json(&with(good, "key_ops", json!(["verify"]))).is_ok());
}

#[test]
fn a_set_passes_over_strange_keys_and_falls_for_private_ones() {
    let good = pair().public().to_json();
    let strange = json!({ "kty": "AKP", "alg": "ML-DSA-44", "pub": "AA" });
    let parse = |keys: Value| JwkSet::parse(json!({ "keys": keys }).to_string().as_bytes());

    assert_eq!(parse(json!([strange, good])).unwrap().keys().len(), 1);
    assert_eq!(parse(json!([good, { "kty": "oct", "k": "AA" }])).unwrap_err(), JwkError::Private);
    assert_eq!(parse(json!(vec![strange; 101])).unwrap_err(), JwkError::Malformed);
    for document in ["", "[]", "{}", r#"{"keys":{}}"#, r#"{"keys":[],"keys":[]}"#] {
        assert_eq!(JwkSet::parse(document.as_bytes()).unwrap_err(), JwkError::Malformed, "{document}");
    }
    let padded = format!(r#"{{"keys":[]{}}}"#, " ".repeat(64 * 1024));
    assert_eq!(JwkSet::parse(padded.as_bytes()).unwrap_err(), JwkError::Malformed);
}

#[test]
fn a_spiffe_bundle_gives_the_keys_of_its_jwt_svids() {
    let (svid, other) = (pair(), pair());
    let key = |pair: &KeyPair, purpose: &str| {
        let mut json = pair.public().to_json();
        json["use"] = json!(purpose);
        json
    };
    let x509 = json!({ "use": "x509-svid", "kty": "EC", "crv": "P-256", "x": "AA", "y": "AA", "x5c": ["MIIB"] });
    let bundle = json!({
        "spiffe_sequence": 1, "spiffe_refresh_hint": 300,
        "keys": [x509, key(&svid, "jwt-svid"), key(&other, "sig"), other.public().to_json()]
    });

    let keys = JwkSet::parse_spiffe_bundle(bundle.to_string().as_bytes()).unwrap();

    assert_eq!(keys.keys().iter().map(Jwk::kid).collect::<Vec<_>>(), [svid.kid()]);
    assert!(
        JwkSet::parse(json!({ "keys": [key(&svid, "jwt-svid")] }).to_string().as_bytes()).unwrap().keys().is_empty()
    );
}
