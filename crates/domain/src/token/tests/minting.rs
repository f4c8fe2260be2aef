//! What a minted token says.

use std::time::Duration;

use serde_json::Value;

use super::{NOW, approval, issuer, judge_at, now, pair};
use crate::grant::machine_subject;
use crate::ids::{ClientId, TokenId};
use crate::jose::{SignError, Signer};
use crate::scope::ScopeSet;
use crate::token::{FrontDoor, Minted, mint};

fn at_the_door<'a>(approval: &'a crate::grant::Approval, scope: &'a ScopeSet) -> FrontDoor<'a> {
    FrontDoor { approval, scope, agent: None }
}

fn minted(front: &crate::grant::Approval, scope: &str) -> (Minted, Result<super::AccessToken, super::TokenRefusal>) {
    let pair = pair();
    let scope = ScopeSet::parse(scope).unwrap();
    let minted = mint(&pair, &issuer(), &at_the_door(front, &scope), TokenId::from_stored("at_1"), now()).unwrap();
    let judged = judge_at(&pair, &minted.raw, now());
    (minted, judged)
}

#[test]
fn a_minted_token_says_what_was_approved_and_is_believed() {
    let (minted, judged) = minted(&approval(), "notes:read");

    assert_eq!(judged.unwrap().claims(), &minted.claims);
    insta::assert_snapshot!(serde_json::to_string_pretty(&minted.claims).unwrap(), @r#"
    {
      "iss": "https://mcp.example.com",
      "sub": "us_1",
      "aud": "https://mcp.example.com/mcp/notes",
      "client_id": "bwc_1",
      "iat": 1900000000,
      "exp": 1900000300,
      "jti": "at_1",
      "scope": "notes:read",
      "txn": "tx_1",
      "dlg": {
        "gid": "gr_1",
        "hop": 0
      },
      "authorization_details": [
        {
          "type": "mcp_tools",
          "locations": [
            "https://mcp.example.com/mcp/notes"
          ],
          "tools": [
            "list_notes"
          ]
        }
      ]
    }
    "#);
    assert_eq!(format!("{minted:?}"), "Minted(at_1)");
}

#[test]
fn a_token_never_holds_more_than_its_approval() {
    let (minted, _) = minted(&approval(), "notes:read notes:destructive other:read");

    assert_eq!(minted.claims.scope, ScopeSet::parse("notes:read").unwrap());
}

#[test]
fn a_token_never_outlives_its_approval() {
    let mut front = approval();
    front.expires_at = now().after(Duration::from_millis(90_999));
    let (minted, judged) = minted(&front, "notes:read");

    assert_eq!(minted.claims.exp, NOW + 90);
    assert!(judged.is_ok());
}

#[test]
fn a_machine_acts_as_itself_under_a_name_no_person_has() {
    let mut front = approval();
    front.user = machine_subject(&ClientId::parse("us_1").unwrap());
    let (minted, judged) = minted(&front, "notes:read");

    assert!(minted.claims.sub.starts_with("mc_"));
    assert!(judged.is_ok());
}

#[test]
fn the_header_says_access_token_and_names_the_key() {
    let pair = pair();
    let scope = ScopeSet::parse("notes:read").unwrap();
    let minted =
        mint(&pair, &issuer(), &at_the_door(&approval(), &scope), TokenId::from_stored("at_1"), now()).unwrap();
    let header = crate::text::decode(minted.raw.split('.').next().unwrap()).unwrap();
    let header: Value = serde_json::from_slice(&header).unwrap();

    assert_eq!(header, serde_json::json!({ "typ": "at+jwt", "alg": "ES256", "kid": pair.kid() }));
}

#[test]
fn a_key_that_cannot_sign_mints_nothing() {
    struct Broken(crate::jose::KeyPair);
    impl Signer for Broken {
        fn alg(&self) -> crate::jose::Alg {
            self.0.alg()
        }
        fn kid(&self) -> &str {
            self.0.kid()
        }
        fn public(&self) -> crate::jose::Jwk {
            self.0.public()
        }
        fn sign(&self, _input: &[u8]) -> Result<Vec<u8>, SignError> {
            Err(SignError::Key)
        }
    }
    let front = approval();
    let minted =
        mint(&Broken(pair()), &issuer(), &at_the_door(&front, &front.scope), TokenId::from_stored("at_1"), now());

    assert_eq!(minted.unwrap_err(), SignError::Key);
}
