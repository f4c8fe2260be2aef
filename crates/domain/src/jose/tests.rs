mod attacks;
mod keys;
mod strict;
mod vectors;

use serde_json::Value;

use super::{Alg, JwkSet, KeyPair, Signer};
use crate::text;

fn pair() -> KeyPair {
    KeyPair::generate(Alg::Es256).unwrap()
}

fn set_of(pair: &KeyPair) -> JwkSet {
    JwkSet::new(vec![pair.public()])
}

/// A token with any header at all, properly signed.
fn token(pair: &KeyPair, header: &Value, claims: &str) -> String {
    let input = format!("{}.{}", text::encode(header.to_string().as_bytes()), text::encode(claims.as_bytes()));
    let signature = pair.sign(input.as_bytes()).unwrap();
    format!("{input}.{}", text::encode(&signature))
}
