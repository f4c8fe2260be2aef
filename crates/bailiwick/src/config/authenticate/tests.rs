use bailiwick_domain::jose::{Alg, KeyPair, Signer as _};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;

struct Desk(TempDir);

impl Desk {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// A file with that in it; its path as TOML writes it.
    fn file(&self, name: &str, json: &Value) -> String {
        let path = self.0.path().join(name);
        std::fs::write(&path, json.to_string()).unwrap();
        format!("{path:?}")
    }
}

fn public(purpose: &str) -> Value {
    let mut key = KeyPair::generate(Alg::Es256).unwrap().public().to_json();
    key["use"] = json!(purpose);
    json!({ "keys": [key] })
}

fn proof(toml: &str) -> Result<Proof, String> {
    let entry: AuthenticateEntry = toml::from_str(toml).map_err(|error| error.message().to_owned())?;
    entry.proof("agent.x.authenticate").map_err(|error| error.to_string())
}

#[test]
fn each_of_the_four_ways_is_read() {
    let desk = Desk::new();
    let (jwks, bundle) = (desk.file("k.jwks", &public("sig")), desk.file("bundle.json", &public("jwt-svid")));
    let kubernetes = format!(
        "kubernetes = {{ issuer = \"https://k8s.example\", jwks_file = {jwks}, namespace = \"a\", service_account = \"x.y\" }}"
    );

    for (toml, auth) in [
        ("client_secret = { command = [\"echo\", \"s\"] }".to_owned(), AuthMethod::ClientSecretBasic),
        (
            "client_secret = { command = [\"echo\", \"s\"] }\ntoken_endpoint_auth_method = \"client_secret_post\""
                .to_owned(),
            AuthMethod::ClientSecretPost,
        ),
        (format!("jwks_file = {jwks}"), AuthMethod::PrivateKeyJwt),
        (format!("spiffe_id = \"spiffe://corp/x\"\nbundle_file = {bundle}"), AuthMethod::SpiffeJwt),
        (kubernetes, AuthMethod::KubernetesToken),
    ] {
        let proof = proof(&toml).unwrap();

        assert_eq!(proof.auth, auth);
        assert_eq!(proof.assertion.as_ref().map(AssertionTrust::method), Some(auth).filter(|auth| auth.is_assertion()));
        assert_eq!(proof.secret.is_some(), proof.assertion.is_none());
    }
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    let desk = Desk::new();
    let jwks = desk.file("k.jwks", &public("sig"));
    let svid = desk.file("svid.json", &public("jwt-svid"));
    let private = desk.file("private.jwks", &json!({ "keys": [{ "kty": "EC", "crv": "P-256", "d": "AA" }] }));
    let single = desk.file("key.json", &public("sig")["keys"][0]);
    let kubernetes = |issuer: &str, account: &str| {
        format!(
            "kubernetes = {{ issuer = {issuer:?}, jwks_file = {jwks}, namespace = \"a\", service_account = {account:?} }}"
        )
    };

    for (toml, says) in [
        (String::new(), "agent.x.authenticate: give one of"),
        (format!("jwks_file = {jwks}\nclient_secret = {{ env = \"X\" }}"), "agent.x.authenticate: give one of"),
        ("spiffe_id = \"spiffe://corp/x\"".to_owned(), "agent.x.authenticate: spiffe_id needs the bundle_file"),
        (format!("bundle_file = {svid}"), "agent.x.authenticate: bundle_file needs the spiffe_id"),
        (format!("spiffe_id = \"corp/x\"\nbundle_file = {svid}"), "agent.x.authenticate.spiffe_id: \"corp/x\" is not"),
        (format!("spiffe_id = \"spiffe://corp/x\"\nbundle_file = {jwks}"), "no key in it can verify"),
        (format!("jwks_file = {svid}"), "no key in it can verify"),
        ("jwks_file = \"/nowhere.jwks\"".to_owned(), "agent.x.authenticate.jwks_file: cannot read /nowhere.jwks"),
        (format!("jwks_file = {private}"), "holds a private key"),
        (format!("jwks_file = {single}"), "not a JSON Web Key Set"),
        (kubernetes("http://k8s.example", "x"), "agent.x.authenticate.kubernetes.issuer: "),
        (kubernetes("https://k8s.example", "a:b"), "agent.x.authenticate.kubernetes.service_account: \"a:b\" is not"),
        (format!("jwks_file = {jwks}\ntoken_endpoint_auth_method = \"none\""), "goes with client_secret"),
        (
            "client_secret = { env = \"X\" }\ntoken_endpoint_auth_method = \"private_key_jwt\"".to_owned(),
            "is not a way to send a client_secret",
        ),
        ("jwks = \"x\"".to_owned(), "unknown field `jwks`"),
    ] {
        let refused = proof(&toml).unwrap_err();
        assert!(refused.contains(says), "{toml}: {refused}");
    }
}
