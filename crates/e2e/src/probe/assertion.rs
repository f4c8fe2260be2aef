//! Attacks with what a machine signed: relayed, replayed, borrowed, kept too long, or meant for something else.

use bailiwick_domain::control::Control;
use http::StatusCode;
use serde_json::{Value, json};

use super::{Verdict, beaten};
use crate::workload::{JWT_SPIFFE, Request, Signing, claims, seconds, section};
use crate::{Setup, World};

/// A house with one machine that has a key of its own.
fn with_machine(off: &[Control]) -> (World, Signing) {
    let machine = Signing::new("sig");
    let config = section("ci", &format!("jwks_file = {:?}", machine.file()));
    (Setup::config(config).without(off).start(), machine)
}

fn refused((status, body): (StatusCode, Value)) -> Verdict {
    let right = status == StatusCode::UNAUTHORIZED && body["error"] == "invalid_client";
    beaten(right, format!("answered {status} {body}"))
}

/// Another authorization server passes on what a client signed for it.
pub async fn assertion_for_another_server(off: &[Control]) -> Verdict {
    let (world, machine) = with_machine(off);
    Request::bearer(&machine.sign("JWT", &claims("ci", &world))).token(&world).await;

    let evil = "https://evil.example";
    for aud in [json!(evil), json!([world.base, evil]), json!(format!("{evil}/token")), json!(world.mcp())] {
        let mut claims = claims("ci", &world);
        claims["aud"] = aud;
        refused(Request::bearer(&machine.sign("JWT", &claims)).send(&world).await)?;
    }
    Ok(())
}

/// Whoever saw a request sends its assertion again, many times at once.
pub async fn one_assertion_many_senders(off: &[Control]) -> Verdict {
    let (world, machine) = with_machine(off);
    let assertion = machine.sign("JWT", &claims("ci", &world));

    let answers =
        futures_util::future::join_all((0..16).map(|_| async { Request::bearer(&assertion).send(&world).await })).await;

    let fresh = answers.iter().filter(|(status, _)| *status == StatusCode::OK).count();
    beaten(fresh == 1, format!("{fresh} of 16 were let in"))?;
    refused(Request::bearer(&assertion).send(&world).await)
}

/// One workload of a trust domain shows its own, good JWT-SVID in the name of another.
pub async fn anothers_svid(off: &[Control]) -> Verdict {
    let domain = Signing::new("jwt-svid");
    let by_svid = |name: &str| {
        let entry = format!("spiffe_id = \"spiffe://corp/{name}\", bundle_file = {:?}", domain.file());
        section(name, &format!("authenticate = {{ {entry} }}"))
    };
    let world = Setup::config(format!("{}{}", by_svid("good"), by_svid("bad"))).without(off).start();
    let svid = |name: &str| {
        let claims = json!({ "sub": format!("spiffe://corp/{name}"), "aud": [world.base], "exp": seconds() + 300 });
        domain.sign("JWT", &claims)
    };
    let (good, bad) = (svid("good"), svid("bad"));
    let shows = |client_id, assertion| Request { kind: JWT_SPIFFE, client_id, assertion };
    shows(None, &good).token(&world).await;
    shows(Some("bad"), &bad).token(&world).await;

    refused(shows(Some("good"), &bad).send(&world).await)
}

/// An assertion out of an old log.
pub async fn old_assertion(off: &[Control]) -> Verdict {
    let (world, machine) = with_machine(off);
    let mut claims = claims("ci", &world);
    claims["iat"] = json!(seconds() - 90);
    claims["exp"] = json!(seconds() - 30);

    refused(Request::bearer(&machine.sign("JWT", &claims)).send(&world).await)
}

/// Something else the same key signed, and something else we signed.
pub async fn token_as_assertion(off: &[Control]) -> Verdict {
    let (world, machine) = with_machine(off);
    let token = Request::bearer(&machine.sign("JWT", &claims("ci", &world))).token(&world).await;

    refused(Request { client_id: Some("ci"), ..Request::bearer(&token) }.send(&world).await)?;
    for typ in ["at+jwt", "application/at+jwt", "dpop+jwt", "oauth-id-jag+jwt", "logout+jwt", "txntoken+jwt"] {
        refused(Request::bearer(&machine.sign(typ, &claims("ci", &world))).send(&world).await)?;
    }
    let mut id_token = claims("ci", &world);
    id_token["nonce"] = json!("n");
    refused(Request::bearer(&machine.sign("JWT", &id_token)).send(&world).await)
}
