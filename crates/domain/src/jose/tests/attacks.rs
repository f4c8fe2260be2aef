//! Tokens that lie about how they were made.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{pair, set_of, token};
use crate::jose::{Alg, JwkSet, JwsError, KeyPair, MOST_BYTES, Signer, Unverified, sign_compact};
use crate::text;

fn judge(raw: &str, keys: &JwkSet) -> Result<(), JwsError> {
    Unverified::parse(raw)?.verify(keys)?.claims().map(|_| ())
}

fn unsigned(header: &Value, signature: &[u8]) -> String {
    format!("{}.{}.{}", text::encode(header.to_string().as_bytes()), text::encode(b"{}"), text::encode(signature))
}

fn hmac(alg: &str, kid: &str, key: &[u8]) -> String {
    use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign};
    let header = json!({ "alg": alg, "kid": kid, "typ": "at+jwt" }).to_string();
    let input = format!("{}.{}", text::encode(header.as_bytes()), text::encode(b"{}"));
    let tag = sign(&Key::new(HMAC_SHA256, key), input.as_bytes());
    format!("{input}.{}", text::encode(tag.as_ref()))
}

#[test]
fn algorithms_off_the_list_are_refused_whatever_they_are_signed_with() {
    let (pair, kid) = {
        let pair = pair();
        let kid = pair.kid().to_owned();
        (pair, kid)
    };
    let keys = set_of(&pair);
    let public = pair.public().to_json();
    let point: Vec<u8> =
        ["x", "y"].iter().flat_map(|member| text::decode(public[*member].as_str().unwrap()).unwrap()).collect();
    let mut tokens = vec![
        hmac("HS256", &kid, public.to_string().as_bytes()),
        hmac("HS256", &kid, &point),
        hmac("HS256", &kid, &[&[4], point.as_slice()].concat()),
        hmac("HS512", &kid, &point),
    ];
    for alg in ["none", "None", "NONE", "nOnE", "", "es256", "ES256 ", "ES256K", "ES384", "RS1", "RSA1_5", "HS256"] {
        tokens.push(unsigned(&json!({ "alg": alg, "kid": kid }), b""));
        tokens.push(token(&pair, &json!({ "alg": alg, "kid": kid }), "{}"));
    }
    for raw in tokens {
        assert_eq!(judge(&raw, &keys), Err(JwsError::Algorithm), "{raw}");
    }
}

#[test]
fn an_algorithm_fits_its_key_or_is_refused() {
    let (ec, rsa) = (pair(), KeyPair::generate(Alg::Rs256).unwrap());
    let keys = JwkSet::new(vec![ec.public(), rsa.public()]);
    let cases = [("RS256", &ec), ("EdDSA", &ec), ("PS256", &ec), ("ES256", &rsa), ("PS256", &rsa), ("EdDSA", &rsa)];

    for (alg, pair) in cases {
        let raw = token(pair, &json!({ "alg": alg, "kid": pair.kid() }), "{}");
        assert_eq!(judge(&raw, &keys), Err(JwsError::Algorithm), "{alg}");
    }
}

#[test]
fn a_header_may_not_choose_its_key_or_its_meaning() {
    let (pair, attacker) = (pair(), pair());
    let keys = set_of(&pair);
    let refused = [
        ("jwk", attacker.public().to_json()),
        ("jku", json!("https://evil.example/jwks.json")),
        ("x5u", json!("https://evil.example/chain.pem")),
        ("x5c", json!(["MIIB"])),
        ("crit", json!(["exp"])),
        ("crit", json!([])),
        ("b64", json!(false)),
        ("b64", json!(true)),
        ("zip", json!("DEF")),
        ("cty", json!("JWT")),
        ("cty", json!("application/jwt")),
    ];
    for (member, value) in refused {
        for signer in [&pair, &attacker] {
            let mut header = json!({ "alg": "ES256", "kid": pair.kid(), "typ": "at+jwt" });
            header[member] = value.clone();
            assert_eq!(judge(&token(signer, &header, "{}"), &keys), Err(JwsError::Header), "{member}");
        }
    }
}

#[test]
fn a_header_with_members_of_the_wrong_type_is_malformed() {
    let pair = pair();
    let long = "k".repeat(129);
    let headers = [
        json!([]),
        json!("ES256"),
        json!({}),
        json!({ "alg": 1 }),
        json!({ "alg": ["ES256"] }),
        json!({ "alg": null }),
        json!({ "alg": "ES256", "kid": 1 }),
        json!({ "alg": "ES256", "kid": long }),
        json!({ "alg": "ES256", "typ": {} }),
        json!({ "alg": "ES256", "cty": 1 }),
    ];
    for header in headers {
        assert_eq!(judge(&token(&pair, &header, "{}"), &set_of(&pair)), Err(JwsError::Malformed), "{header}");
    }
}

#[test]
fn keys_are_found_by_name_and_names_are_only_names() {
    let (ours, other) = (pair(), pair());
    let keys = set_of(&ours);
    for kid in ["", "../../etc/passwd", "' OR 1=1 --", "https://evil.example", other.kid()] {
        let raw = token(&ours, &json!({ "alg": "ES256", "kid": kid }), "{}");
        assert_eq!(judge(&raw, &keys), Err(JwsError::UnknownKey), "{kid}");
    }
    let foreign = token(&other, &json!({ "alg": "ES256", "kid": ours.kid() }), "{}");
    assert_eq!(judge(&foreign, &keys), Err(JwsError::Signature));

    let nameless = token(&ours, &json!({ "alg": "ES256" }), "{}");
    assert_eq!(judge(&nameless, &keys), Ok(()));
    assert_eq!(judge(&nameless, &JwkSet::new(vec![ours.public(), other.public()])), Err(JwsError::UnknownKey));
    assert_eq!(judge(&nameless, &JwkSet::default()), Err(JwsError::UnknownKey));
}

#[test]
fn a_token_is_three_parts_spelled_in_the_only_way() {
    let pair = pair();
    let good = sign_compact(&pair, "at+jwt", &json!({ "sub": "us_a" })).unwrap();
    let keys = set_of(&pair);
    assert_eq!(judge(&good, &keys), Ok(()));
    let parts: Vec<&str> = good.split('.').collect();
    let [header, payload, signature] = parts[..] else { panic!("three parts") };
    let bent = [
        String::new(),
        ".".to_owned(),
        "..".to_owned(),
        "bw_rt_abc".to_owned(),
        format!("{header}.{payload}"),
        format!("{good}."),
        format!("{good}.{signature}"),
        format!(".{good}"),
        format!("{header}.{payload}.{signature}="),
        format!("{header}=.{payload}.{signature}"),
        format!(" {good}"),
        format!("{good}\n"),
        format!("{header}.{payload} .{signature}"),
        format!("{header}.{payload}.{}", trailing_bits(signature)),
        format!("{header}.{payload}.+{signature}"),
    ];
    for raw in bent {
        assert_eq!(judge(&raw, &keys), Err(JwsError::Malformed), "{raw:?}");
    }
    for raw in [format!("{header}.{payload}."), format!("{header}.{payload}.AA"), format!("{header}..{signature}")] {
        assert_eq!(judge(&raw, &keys), Err(JwsError::Signature), "{raw:?}");
    }
}

/// The same bytes in another spelling: 64 bytes leave four unused bits in the last letter.
fn trailing_bits(signature: &str) -> String {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut letters = signature.as_bytes().to_vec();
    let last = letters.pop().unwrap();
    let at = alphabet.iter().position(|letter| *letter == last).unwrap();
    letters.push(alphabet[at + 1]);
    String::from_utf8(letters).unwrap()
}

#[test]
fn an_ecdsa_signature_is_never_empty_zero_or_der() {
    let pair = pair();
    let header = json!({ "alg": "ES256", "kid": pair.kid() });
    let input = format!("{}.{}", text::encode(header.to_string().as_bytes()), text::encode(b"{}"));
    let mut long = pair.sign(input.as_bytes()).unwrap();
    long.push(0);
    for signature in [vec![], vec![0; 64], vec![255; 64], vec![0x30, 6, 2, 1, 0, 2, 1, 0], long] {
        let raw = format!("{input}.{}", text::encode(&signature));
        assert_eq!(judge(&raw, &set_of(&pair)), Err(JwsError::Signature), "{signature:?}");
    }
}

#[test]
fn sizes_are_checked_before_anything_is_decoded() {
    let pair = pair();
    let long_claims = format!(r#"{{"a":"{}"}}"#, "x".repeat(7000));
    let header = json!({ "alg": "ES256", "kid": pair.kid() });
    assert_eq!(judge(&token(&pair, &header, &long_claims), &set_of(&pair)), Ok(()));

    let oversized = token(&pair, &header, &format!(r#"{{"a":"{0}","b":"{0}"}}"#, "x".repeat(7000)));
    let long_header = json!({ "alg": "ES256", "kid": pair.kid(), "x": "y".repeat(2048) });
    for raw in [oversized, token(&pair, &long_header, "{}"), ".".repeat(MOST_BYTES + 1), "a".repeat(10_000_000)] {
        assert_eq!(judge(&raw, &set_of(&pair)), Err(JwsError::Malformed));
    }
}

#[test]
fn claims_are_one_strict_object() {
    let pair = pair();
    let header = json!({ "alg": "ES256", "kid": pair.kid() });
    for claims in ["", "[]", "null", "{} {}", "{}x", r#"{"sub":"a","sub":"b"}"#, "{\"a\":\"\u{0}\"}", "\u{feff}{}"] {
        assert_eq!(judge(&token(&pair, &header, claims), &set_of(&pair)), Err(JwsError::Malformed), "{claims}");
    }
}

proptest! {
    #[test]
    fn no_letter_of_a_token_can_be_changed(at in 0_usize..200, letter in proptest::char::range('!', '~')) {
        let pair = pair();
        let good = sign_compact(&pair, "at+jwt", &json!({ "sub": "us_a", "scope": "mcp:read" })).unwrap();
        let mut letters: Vec<char> = good.chars().collect();
        let at = at % letters.len();
        prop_assume!(letters[at] != letter);
        letters[at] = letter;

        prop_assert!(judge(&letters.into_iter().collect::<String>(), &set_of(&pair)).is_err());
    }

    #[test]
    fn no_text_makes_the_reader_panic(raw in "[ -~]{0,80}\\.[A-Za-z0-9_-]{0,40}\\.[A-Za-z0-9_-]{0,90}") {
        prop_assert!(judge(&raw, &JwkSet::default()).is_err());
    }
}
