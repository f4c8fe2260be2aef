//! Signing in at a SAML provider, and trading in what it says.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use bailiwick_domain::audit::AuditKind;
use bailiwick_domain::testing::Seeded;
use bailiwick_domain::text::encode;
use bailiwick_domain::time::Clock as _;
use bailiwick_e2e::forge::{Now, open_store};
use bailiwick_e2e::probe::login::signed_in;
use bailiwick_e2e::saml_issuer::{GRANT, SamlIssuer, around, for_login, for_token, post, trade, trade_as};
use bailiwick_e2e::world::everything_is_there;
use bailiwick_e2e::{Visitor, World};
use bailiwick_saml::testing::Says;
use bailiwick_saml::{Minting, SigningKey, UNSPECIFIED, mint};
use bailiwick_store::AuditFilter;
use http::{Method, StatusCode};

use crate::reload::until;

async fn sign_in(world: &World, issuer: &SamlIssuer, id: &str) -> Visitor {
    let mut visitor = Visitor::new(&world.base);
    let sent = issuer.sends(world, &mut visitor).await;
    let seen = post(&mut visitor, &sent, &around(&issuer.says(&for_login(world, &sent, id, "ada")), &sent)).await;
    assert_eq!((seen.status, seen.location.as_deref()), (StatusCode::SEE_OTHER, Some("/account")), "{}", seen.body);
    visitor
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sign_in_and_a_grant_lead_to_the_same_account() {
    let issuer = SamlIssuer::new();
    let world = issuer.house(&[]).await;
    let mut ada = sign_in(&world, &issuer, "_login").await;
    assert_eq!(signed_in(&world, &mut ada).await.as_deref(), Some("corp/ada"));

    let token = world.url("/token");
    let (status, body) = trade(&world, &issuer.says(&for_token(&world, &token, "_grant", "ada"))).await;

    assert_eq!(status, StatusCode::OK, "{body}");
    assert_eq!(body["scope"], "notes:read", "nobody named them for more");
    assert!(body["refresh_token"].is_null() && body["expires_in"].as_i64().unwrap() <= 300, "{body}");
    let claims = bailiwick_e2e::oauth::claims(body["access_token"].as_str().unwrap());
    let ended = world.stop();
    let store = open_store(&ended).await;
    let user = store.user_by_name("corp/ada").await.unwrap().expect("one account");
    let identity = store.identity_of(&user.id).await.unwrap().unwrap();
    assert_eq!(claims["sub"], user.id.as_str());
    assert_eq!((identity.subject.as_str(), identity.provider.as_str()), ("ada", "corp"));
    assert_eq!((identity.groups, identity.email.as_deref()), (vec!["dev".to_owned()], Some("ada@corp.example")));
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_is_for_the_browser_that_was_sent_away_and_good_once() {
    let issuer = SamlIssuer::new();
    let world = issuer.house(&[]).await;
    let (mut thief, mut victim) = (Visitor::new(&world.base), Visitor::new(&world.base));
    victim.open(&world.url("/login")).await;
    let sent = issuer.sends(&world, &mut thief).await;
    let xml = around(&issuer.says(&for_login(&world, &sent, "_1", "mallory")), &sent);

    let seen = post(&mut victim, &sent, &xml).await;
    assert_eq!(seen.status, StatusCode::BAD_REQUEST, "begun in another browser");
    assert_eq!(signed_in(&world, &mut victim).await, None);
    let again = post(&mut thief, &sent, &xml).await;
    assert_eq!(again.status, StatusCode::BAD_REQUEST, "posted before");
    assert_eq!(signed_in(&world, &mut thief).await, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_nobody_asked_for_signs_nobody_in() {
    let issuer = SamlIssuer::new();
    let world = issuer.house(&[]).await;
    let mut visitor = Visitor::new(&world.base);
    let mut sent = issuer.sends(&world, &mut visitor).await;
    let unasked = Says { request: None, ..for_login(&world, &sent, "_1", "ada") };
    let seen = post(&mut visitor, &sent, &around(&issuer.says(&unasked), &sent)).await;
    assert_eq!(seen.status, StatusCode::FORBIDDEN, "{}", seen.body);

    let xml = around(&issuer.says(&for_login(&world, &sent, "_2", "ada")), &sent);
    sent.relay = String::new();
    assert_eq!(post(&mut visitor, &sent, &xml).await.status, StatusCode::BAD_REQUEST, "no sign-in is under way");
    let by_get = visitor.once(Method::GET, &sent.acs, None).await;
    assert_eq!(by_get.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(signed_in(&world, &mut visitor).await, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_a_named_client_trades_in_and_all_of_it_is_on_record() {
    let issuer = SamlIssuer::new();
    let world = issuer.house(&[]).await;
    let token = world.url("/token");
    let good = issuer.says(&for_token(&world, &token, "_1", "ada"));

    assert_eq!(trade_as(&world, "other", &good).await.1["error"], "unauthorized_client");
    let nobody = Says { attributes: &[], ..for_token(&world, &token, "_2", "bob") };
    assert_eq!(
        trade(&world, &issuer.says(&nobody)).await.1["error"],
        "invalid_grant",
        "allow names nobody without groups"
    );
    let another = Says { issuer: "https://other.example", ..for_token(&world, &token, "_3", "ada") };
    assert_eq!(trade(&world, &issuer.says(&another)).await.1["error"], "invalid_grant");
    let stranger = SamlIssuer::new().says(&for_token(&world, &token, "_4", "ada"));
    assert_eq!(trade(&world, &stranger).await.1["error"], "invalid_grant");
    assert_eq!(trade(&world, &good).await.0, StatusCode::OK, "what was refused did not spend it");

    let ended = world.stop();
    let store = open_store(&ended).await;
    let filter = AuditFilter { limit: 100, kind: Some(AuditKind::TokenIssued), ..AuditFilter::default() };
    let rows = store.audit_rows(&filter).await.unwrap();
    let rules: Vec<&str> = rows.iter().filter_map(|row| row.event.rule.as_deref()).collect();
    assert_eq!(rules.iter().filter(|rule| **rule == "issuer.erp").count(), 1, "{rules:?}");
    assert_eq!(rules.iter().filter(|rule| **rule == "saml_bearer").count(), 4, "{rules:?}");
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_is_told_who_we_are_and_a_client_what_we_take() {
    let issuer = SamlIssuer::new();
    let world = issuer.house(&[]).await;
    let mut visitor = Visitor::new(&world.base);

    let ours = visitor.open(&world.url("/login/corp/metadata")).await;
    let metadata = visitor.open(&world.url("/.well-known/oauth-authorization-server")).await;

    assert!(ours.body.contains(&format!("entityID=\"{}\"", world.base)), "{}", ours.body);
    assert!(ours.body.contains(&world.url("/login/corp/acs")), "{}", ours.body);
    assert!(metadata.body.contains("grant-type:saml2-bearer"), "{}", metadata.body);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_has_its_place_in_the_metadata() {
    let issuer = SamlIssuer::new();
    let world = issuer.house(&[]).await;
    let token = world.url("/token");
    let says = |id| for_token(&world, &token, id, "ada");
    assert_eq!(trade(&world, &issuer.says(&says("_3"))).await.0, StatusCode::OK);

    let rotated = issuer.rotated();

    let tries = std::sync::atomic::AtomicU32::new(4);
    until("the new key counts", async || {
        let id = format!("_{}", tries.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
        trade(&world, &rotated.says(&for_token(&world, &token, &id, "ada"))).await.0 == StatusCode::OK
    })
    .await;
    assert_eq!(trade(&world, &issuer.says(&says("_old"))).await.1["error"], "invalid_grant", "the old one is gone");
}

/// `pysaml2` as a token endpoint elsewhere.
struct Judge {
    child: Child,
    base: String,
    /// Where it tells what it took.
    said: BufReader<ChildStdout>,
}

impl Drop for Judge {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

#[expect(clippy::disallowed_methods, reason = "the test run names it in the environment")]
fn judge(certificate: &Path, audience: &str) -> Option<Judge> {
    let venv = std::env::var("INTEROP_VENV").ok();
    assert!(venv.is_some() || !everything_is_there(), "the Python of the interoperability tests is missing");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/interop/saml.py");
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut child = Command::new(Path::new(&venv?).join("bin/python"))
        .arg(script)
        .args(["token", &port.to_string()])
        .arg(certificate)
        .args(["https://us.example", audience])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut said = BufReader::new(child.stdout.take().unwrap());
    said.read_line(&mut line).unwrap();
    let base = line.trim().strip_prefix("ready ").expect("pysaml2 and xmlsec1").to_owned();
    Some(Judge { child, base, said })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pysaml2_takes_what_we_mint_and_nothing_that_was_made_of_it() {
    let pair = rcgen::KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, rcgen::RsaKeySize::_2048).unwrap();
    let pem = rcgen::CertificateParams::new(vec![]).unwrap().self_signed(&pair).unwrap().pem();
    let folder = tempfile::TempDir::new().unwrap();
    std::fs::write(folder.path().join("us.crt"), &pem).unwrap();
    let Some(mut judge) = judge(&folder.path().join("us.crt"), "erp") else { return };
    let key = SigningKey::from_pem(&pair.serialize_pem()).unwrap().certified(&pem).unwrap();
    let recipient = format!("{}/token", judge.base);
    let actors = [("actor", vec!["agent:planner".to_owned(), "agent:<writer> & co".to_owned()])];
    let minting = Minting {
        issuer: "https://us.example",
        name_id: "ada@corp.example",
        format: UNSPECIFIED,
        audience: "erp",
        recipient: &recipient,
        attributes: &actors,
        signed_in_at: None,
        lifetime: Duration::from_mins(5),
        key: &key,
    };
    let (base, entropy) = (judge.base.clone(), Seeded::default());
    let trade = async |minting: &Minting<'_>, change: fn(&str) -> String| {
        let minted = mint(minting, &entropy, Now.now()).unwrap();
        let assertion = encode(change(minted.xml()).as_bytes());
        let fields = [("grant_type", GRANT), ("assertion", &assertion)];
        bailiwick_e2e::App::at(&base).post("/token", &fields).await
    };

    let (status, body) = trade(&minting, str::to_owned).await;
    assert_eq!((status, &body["access_token"]), (StatusCode::OK, &"erp-1-ada@corp.example".into()), "{body}");
    let mut line = String::new();
    judge.said.read_line(&mut line).unwrap();
    let said: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(said["attributes"]["actor"][1], "agent:<writer> & co", "{said}");
    let refused = |(status, body): (StatusCode, serde_json::Value)| {
        assert_eq!((status, &body["error"]), (StatusCode::BAD_REQUEST, &"invalid_grant".into()), "{body}");
    };
    refused(trade(&minting, |xml| xml.replace("ada@", "bob@")).await);
    refused(trade(&Minting { audience: "crm", ..minting }, str::to_owned).await);
}
