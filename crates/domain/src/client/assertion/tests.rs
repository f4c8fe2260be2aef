use serde_json::{Value, json};

use super::*;
use crate::client::{Client, ClientSource, CredentialError, Presented};
use crate::jose::{Alg, JwsError, KeyPair, Signer as _, sign_compact};
use crate::text;

const NOW: i64 = 1_800_000_000;
const ISSUER: &str = "https://mcp.example.com";
const CLUSTER: &str = "https://k8s.example.com";
const ACCOUNT: &str = "system:serviceaccount:agents:researcher";
const SPIFFE: &str = "spiffe://corp/agents/researcher";

/// A client, and whoever signs for it.
struct Scene {
    key: KeyPair,
    client: Client,
}

impl Scene {
    fn new(trust: impl FnOnce(Arc<JwkSet>) -> AssertionTrust) -> Self {
        let key = KeyPair::generate(Alg::Es256).unwrap();
        let trust = trust(Arc::new(JwkSet::new(vec![key.public()])));
        let client = Client {
            id: ClientId::parse("researcher").unwrap(),
            name: "Researcher".to_owned(),
            source: ClientSource::Static,
            redirect_uris: Vec::new(),
            grant_types: Vec::new(),
            auth: trust.method(),
            scope: None,
            uri: None,
            secret: None,
            assertion: Some(trust),
            issued_at: Timestamp::default(),
        };
        Self { key, client }
    }

    fn private_key() -> Self {
        Self::new(AssertionTrust::PrivateKey)
    }

    fn spiffe() -> Self {
        Self::new(|bundle| AssertionTrust::Spiffe { id: SpiffeId::parse(SPIFFE).unwrap(), bundle })
    }

    fn kubernetes() -> Self {
        Self::new(|keys| AssertionTrust::Kubernetes { issuer: CLUSTER.to_owned(), subject: ACCOUNT.to_owned(), keys })
    }

    fn kind(&self) -> AssertionType {
        self.client.assertion.as_ref().unwrap().kind()
    }

    /// What the right workload says.
    fn claims(&self) -> Value {
        match self.client.auth {
            AuthMethod::SpiffeJwt => json!({ "sub": SPIFFE, "aud": [ISSUER], "exp": NOW + 3600 }),
            AuthMethod::KubernetesToken => json!({
                "iss": CLUSTER, "sub": ACCOUNT, "aud": [ISSUER, "https://other.example"], "exp": NOW + 3600, "iat": NOW - 60,
                "nbf": NOW - 60, "kubernetes.io": { "namespace": "agents", "serviceaccount": { "name": "researcher" } }
            }),
            AuthMethod::None
            | AuthMethod::ClientSecretBasic
            | AuthMethod::ClientSecretPost
            | AuthMethod::PrivateKeyJwt => json!({
                "iss": "researcher", "sub": "researcher", "aud": ISSUER, "exp": NOW + 60, "iat": NOW, "jti": "one"
            }),
        }
    }

    fn judge(&self, kind: AssertionType, raw: &str) -> Result<Option<Once>, CredentialError> {
        let issuer = Issuer::parse(ISSUER).unwrap();
        let presented = Presented::Assertion { id: None, assertion: Assertion::new(kind, raw) };
        let place = Place { issuer: &issuer, now: Timestamp::from_seconds(NOW) };
        self.client.authenticate(&presented, &[0; 32], &place)
    }

    fn says(&self, typ: &str, change: impl FnOnce(&mut Value)) -> Result<Option<Once>, AssertionError> {
        let mut claims = self.claims();
        change(&mut claims);
        match self.judge(self.kind(), &sign_compact(&self.key, typ, &claims).unwrap()) {
            Ok(once) => Ok(once),
            Err(CredentialError::Assertion(error)) => Err(error),
            Err(other) => panic!("{other}"),
        }
    }

    fn refuses(&self, cases: &[(&str, Value, AssertionError)]) {
        for (claim, value, error) in cases {
            let judged = self.says("JWT", |claims| {
                if value.is_null() {
                    claims.as_object_mut().unwrap().remove(*claim);
                } else {
                    claims[*claim] = value.clone();
                }
            });
            assert_eq!(judged, Err(*error), "{claim} {value}");
        }
    }
}

#[test]
fn an_assertion_of_the_clients_own_key_lets_it_in_once() {
    let scene = Scene::private_key();

    let once = scene.says("JWT", |_| {}).unwrap().unwrap();

    assert_eq!(once.until, Timestamp::from_seconds(NOW + 60).after(SKEW));
    for typ in ["", "client-authentication+jwt", "application/jwt"] {
        assert_eq!(scene.says(typ, |_| {}).unwrap().unwrap(), once, "{typ}");
    }
    assert!(scene.says("JWT", |it| it["aud"] = json!([ISSUER])).is_ok());
    let other = scene.says("JWT", |it| it["jti"] = json!("two")).unwrap().unwrap();
    assert_ne!(other.key, once.key);
}

#[test]
fn what_a_key_says_of_itself_must_be_right_in_every_claim() {
    use AssertionError::{Audience, Claims, Class, Expired, Issuer, NotYet, Subject, TooLong};
    Scene::private_key().refuses(&[
        ("iss", json!("other"), Issuer),
        ("iss", json!(null), Issuer),
        ("sub", json!("other"), Subject),
        ("sub", json!(null), Subject),
        ("aud", json!(null), Audience),
        ("aud", json!([]), Audience),
        ("aud", json!("https://other.example"), Audience),
        ("aud", json!("https://mcp.example.com/"), Audience),
        ("aud", json!("https://mcp.example.com/mcp"), Audience),
        ("aud", json!([ISSUER, "https://other.example"]), Audience),
        ("aud", json!([ISSUER, "https://mcp.example.com/token"]), Audience),
        ("aud", json!("https://mcp.example.com/token"), Audience),
        ("aud", json!([ISSUER, 7]), Audience),
        ("exp", json!(null), Claims),
        ("exp", json!("1800000060"), Claims),
        ("exp", json!(1_800_000_060.5), Claims),
        ("exp", json!(-1), Claims),
        ("exp", json!(NOW), Expired),
        ("exp", json!(NOW + 301), TooLong),
        ("exp", json!(i64::MAX), TooLong),
        ("iat", json!(NOW + 61), NotYet),
        ("iat", json!(NOW - 241), TooLong),
        ("iat", json!("now"), Claims),
        ("nbf", json!(NOW + 61), NotYet),
        ("jti", json!(null), Claims),
        ("jti", json!(""), Claims),
        ("jti", json!(7), Claims),
        ("jti", json!("x".repeat(257)), Claims),
        ("nonce", json!("n"), Class),
        ("at_hash", json!("h"), Class),
        ("events", json!({}), Class),
    ]);
}

#[test]
fn no_other_class_of_token_stands_for_a_client() {
    for scene in [Scene::private_key(), Scene::spiffe(), Scene::kubernetes()] {
        for typ in ["at+jwt", "application/at+jwt", "dpop+jwt", "oauth-id-jag+jwt", "logout+jwt", "secevent+jwt"] {
            assert_eq!(scene.says(typ, |_| {}), Err(AssertionError::Class), "{typ}");
        }
    }
}

#[test]
fn an_assertion_without_iat_is_still_a_short_one() {
    let scene = Scene::private_key();
    let lives = |seconds: i64| {
        scene.says("JWT", |it| {
            it["exp"] = json!(NOW + seconds);
            it.as_object_mut().unwrap().remove("iat");
        })
    };

    assert!(lives(300).is_ok() && lives(360).is_ok());
    assert_eq!(lives(361), Err(AssertionError::TooLong));
}

#[test]
fn a_workload_shows_its_svid_for_us_alone() {
    use AssertionError::{Audience, Claims, Expired, NotYet, Subject};
    let scene = Scene::spiffe();

    assert_eq!(scene.says("JWT", |_| {}), Ok(None));
    assert_eq!(scene.says("JOSE", |it| it["iss"] = json!("https://spire.example")), Ok(None));
    scene.refuses(&[
        ("sub", json!("spiffe://corp/agents/researcher/"), Subject),
        ("sub", json!("spiffe://corp/agents/other"), Subject),
        ("sub", json!(null), Subject),
        ("aud", json!([ISSUER, "https://other.example"]), Audience),
        ("aud", json!("https://mcp.example.com/token"), Audience),
        ("exp", json!(null), Claims),
        ("exp", json!(NOW - 1), Expired),
        ("iat", json!(NOW + 61), NotYet),
    ]);
}

#[test]
fn a_pod_shows_the_token_of_its_service_account() {
    use AssertionError::{Audience, Claims, Expired, Issuer, NotYet, Subject};
    let scene = Scene::kubernetes();

    assert_eq!(scene.says("", |_| {}), Ok(None));
    scene.refuses(&[
        ("iss", json!("https://other.example"), Issuer),
        ("sub", json!("system:serviceaccount:agents:other"), Subject),
        ("sub", json!("system:serviceaccount:default:researcher"), Subject),
        ("aud", json!(["https://kubernetes.default.svc"]), Audience),
        ("exp", json!(null), Claims),
        ("exp", json!(NOW), Expired),
        ("nbf", json!(NOW + 61), NotYet),
    ]);
}

#[test]
fn keys_and_algorithms_are_the_operators_choice() {
    let scene = Scene::private_key();
    let stranger = KeyPair::generate(Alg::Es256).unwrap();
    let part = |value: &Value| text::encode(value.to_string().as_bytes());
    let judge = |raw: &str| scene.judge(AssertionType::JwtBearer, raw).unwrap_err();
    let signature = |error: JwsError| CredentialError::Assertion(error.into());

    for alg in ["none", "HS256"] {
        let raw =
            format!("{}.{}.{}", part(&json!({ "alg": alg, "kid": scene.key.kid() })), part(&scene.claims()), "AA");
        assert_eq!(judge(&raw), signature(JwsError::Algorithm), "{alg}");
    }
    for (member, value) in [("jwk", stranger.public().to_json()), ("jku", json!("https://evil.example/jwks.json"))] {
        let header = json!({ "alg": "ES256", "kid": stranger.kid(), member: value });
        let input = format!("{}.{}", part(&header), part(&scene.claims()));
        let raw = format!("{input}.{}", text::encode(&stranger.sign(input.as_bytes()).unwrap()));
        assert_eq!(judge(&raw), signature(JwsError::Header), "{member}");
    }
    let foreign = sign_compact(&stranger, "JWT", &scene.claims()).unwrap();
    assert_eq!(judge(&foreign), signature(JwsError::UnknownKey));
    assert_eq!(judge("nonsense"), signature(JwsError::Malformed));
}

#[test]
fn each_kind_of_assertion_comes_under_its_own_type() {
    for scene in [Scene::private_key(), Scene::spiffe(), Scene::kubernetes()] {
        let raw = sign_compact(&scene.key, "JWT", &scene.claims()).unwrap();
        for kind in [AssertionType::JwtBearer, AssertionType::JwtSpiffe] {
            let judged = scene.judge(kind, &raw);
            assert_eq!(judged.is_ok(), kind == scene.kind(), "{:?}", scene.client.auth);
        }
    }
}

#[test]
fn an_assertion_is_no_way_in_for_a_client_of_another_method() {
    let scene = Scene::private_key();
    let raw = sign_compact(&scene.key, "JWT", &scene.claims()).unwrap();

    for auth in AuthMethod::ALL.into_iter().filter(|auth| *auth != AuthMethod::PrivateKeyJwt) {
        let other =
            Scene { key: KeyPair::generate(Alg::Es256).unwrap(), client: Client { auth, ..scene.client.clone() } };
        assert_eq!(other.judge(AssertionType::JwtBearer, &raw), Err(CredentialError::Method(auth)));
    }
    let bare = Scene { client: Client { assertion: None, ..scene.client.clone() }, key: scene.key };
    let refused = bare.judge(AssertionType::JwtBearer, &raw);
    assert_eq!(refused, Err(CredentialError::Method(AuthMethod::PrivateKeyJwt)));
}

#[test]
fn a_client_is_found_by_what_its_assertion_says_and_no_other() {
    let scenes = [Scene::private_key(), Scene::spiffe(), Scene::kubernetes()];
    for (n, scene) in scenes.iter().enumerate() {
        let raw = sign_compact(&scene.key, "JWT", &scene.claims()).unwrap();
        let claimed = Assertion::new(scene.kind(), &raw).claimed().unwrap();

        let found: Vec<usize> = (0..3).filter(|m| scenes[*m].client.is_claimed(&claimed)).collect();

        assert_eq!(found, [n]);
    }
    assert!(Assertion::new(AssertionType::JwtBearer, "nonsense").claimed().is_none());
}

#[test]
fn two_clients_may_draw_the_same_jti() {
    let scene = Scene::private_key();
    let twin = Client { id: ClientId::parse("twin").unwrap(), ..scene.client.clone() };
    let twin = Scene { client: twin, key: KeyPair::from_pkcs8(Alg::Es256, &scene.key.pkcs8()).unwrap() };

    let one = scene.says("JWT", |_| {}).unwrap().unwrap();
    let other = twin.says("JWT", |it| {
        it["iss"] = json!("twin");
        it["sub"] = json!("twin");
    });

    assert_ne!(other.unwrap().unwrap().key, one.key);
}
