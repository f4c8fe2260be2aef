//! What others published and what another implementation makes and accepts.

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde_json::{Value, json};

use super::{pair, set_of};
use crate::jose::{Alg, Jwk, JwkSet, KeyPair, Signer, Unverified, der, sign_compact};
use crate::text;

const PAYLOAD: &str = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";

/// RFC 7515 appendix A.2.
const RSA_N: &str = "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ";
const RSA_SIGNATURE: &str = "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";

/// RFC 7638 §3.1.
const THUMBED_N: &str = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";

fn ed25519() -> Value {
    json!({ "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" })
}

fn set(key: &Value) -> JwkSet {
    JwkSet::parse(json!({ "keys": [key] }).to_string().as_bytes()).unwrap()
}

#[test]
fn the_signatures_of_the_standards_verify() {
    let p256 = json!({
        "kty": "EC", "crv": "P-256",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    });
    let rfc7515_a2 = format!("eyJhbGciOiJSUzI1NiJ9.{PAYLOAD}.{RSA_SIGNATURE}");
    let rfc7515_a3 = format!(
        "eyJhbGciOiJFUzI1NiJ9.{PAYLOAD}.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
    );
    let rfc8037_a4 = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
    let rsa = json!({ "kty": "RSA", "n": RSA_N, "e": "AQAB" });

    for (raw, key) in [(rfc7515_a2.as_str(), &rsa), (&rfc7515_a3, &p256), (rfc8037_a4, &ed25519())] {
        let token = Unverified::parse(raw).unwrap();
        assert!(token.verify(&set(key)).is_ok(), "{raw}");
    }
}

#[test]
fn thumbprints_are_those_of_the_standards() {
    let rsa =
        Jwk::from_json(&json!({ "kty": "RSA", "n": THUMBED_N, "e": "AQAB", "alg": "RS256", "kid": "2011-04-29" }));
    let okp = Jwk::from_json(&ed25519());

    assert_eq!(rsa.unwrap().thumbprint(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    assert_eq!(okp.unwrap().thumbprint(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
}

#[test]
fn another_implementation_believes_our_signatures() {
    for (alg, theirs) in [(Alg::Es256, Algorithm::ES256), (Alg::Rs256, Algorithm::RS256)] {
        let pair = KeyPair::generate(alg).unwrap();
        let raw = sign_compact(&pair, "at+jwt", &json!({ "sub": "us_a", "exp": 4_000_000_000_u64 })).unwrap();

        let key: jsonwebtoken::jwk::Jwk = serde_json::from_value(pair.public().to_json()).unwrap();
        let decoded: jsonwebtoken::TokenData<Value> =
            jsonwebtoken::decode(&raw, &DecodingKey::from_jwk(&key).unwrap(), &Validation::new(theirs)).unwrap();

        assert_eq!(decoded.claims["sub"], "us_a");
        assert_eq!(decoded.header.kid.as_deref(), Some(pair.kid()));
        assert_eq!(decoded.header.typ.as_deref(), Some("at+jwt"));
    }
}

#[test]
fn we_believe_the_signatures_of_another_implementation() {
    let (ec, rsa) = (pair(), KeyPair::generate(Alg::Rs256).unwrap());
    let rsa_key = EncodingKey::from_rsa_der(&pkcs1(&rsa.pkcs8()));
    let any_rsa = {
        let mut json = rsa.public().to_json();
        json.as_object_mut().unwrap().remove("alg");
        set(&json)
    };
    let (ed_key, ed_set) = ed25519_pair();
    let cases = [
        (Algorithm::ES256, EncodingKey::from_ec_der(&ec.pkcs8()), set_of(&ec)),
        (Algorithm::RS256, rsa_key.clone(), set_of(&rsa)),
        (Algorithm::PS256, rsa_key, any_rsa),
        (Algorithm::EdDSA, ed_key, ed_set),
    ];
    for (alg, key, set) in cases {
        let raw = jsonwebtoken::encode(&Header::new(alg), &json!({ "sub": "us_a" }), &key).unwrap();

        let verified = Unverified::parse(&raw).unwrap().verify(&set).unwrap();

        assert_eq!(verified.claims().unwrap()["sub"], "us_a", "{alg:?}");
        assert_eq!(verified.typ(), "jwt");
    }
}

fn ed25519_pair() -> (EncodingKey, JwkSet) {
    use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
    let pair = Ed25519KeyPair::generate().unwrap();
    let public = json!({ "kty": "OKP", "crv": "Ed25519", "x": text::encode(pair.public_key().as_ref()) });
    (EncodingKey::from_ed_der(pair.to_pkcs8().unwrap().as_ref()), set(&public))
}

/// The `RSAPrivateKey` inside a PKCS#8 document.
fn pkcs1(pkcs8: &[u8]) -> Vec<u8> {
    let (document, _) = der::element(pkcs8, 0x30).unwrap();
    let (_version, rest) = der::element(document, 0x02).unwrap();
    let (_algorithm, rest) = der::element(rest, 0x30).unwrap();
    der::element(rest, 0x04).unwrap().0.to_vec()
}
