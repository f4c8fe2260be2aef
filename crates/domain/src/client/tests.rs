use super::*;
use crate::uri::Issuer;

const KEY: [u8; 32] = [3; 32];

fn judge(client: &Client, presented: &Presented, key: &[u8; 32]) -> Result<Option<Once>, CredentialError> {
    let issuer = Issuer::parse("https://mcp.example.com").unwrap();
    client.authenticate(presented, key, &Place { issuer: &issuer, now: Timestamp::from_seconds(1_800_000_000) })
}

fn client(source: ClientSource, auth: AuthMethod) -> Client {
    Client {
        id: ClientId::parse("app").unwrap(),
        name: "App".to_owned(),
        source,
        redirect_uris: vec![
            RedirectUri::register("https://app.example/cb").unwrap(),
            RedirectUri::register("http://127.0.0.1/cb").unwrap(),
        ],
        grant_types: vec![GrantType::AuthorizationCode],
        auth,
        scope: None,
        uri: None,
        secret: Some(secret_digest("operator's secret")),
        assertion: None,
        issued_at: Timestamp::from_seconds(1),
    }
}

fn secret_of(client: &Client) -> String {
    match client.source {
        ClientSource::Static | ClientSource::Agent => "operator's secret".to_owned(),
        ClientSource::Registered | ClientSource::Document => derived_secret(&KEY, &client.id).expose().to_string(),
    }
}

/// The three ways to show `secret`; the first shows none.
fn ways(id: &str, secret: &str) -> [(AuthMethod, Presented); 3] {
    let id = ClientId::parse(id).unwrap();
    let secret = zeroize::Zeroizing::new(secret.to_owned());
    [
        (AuthMethod::None, Presented::None { id: id.clone() }),
        (AuthMethod::ClientSecretBasic, Presented::Basic { id: id.clone(), secret: secret.clone() }),
        (AuthMethod::ClientSecretPost, Presented::Post { id, secret }),
    ]
}

#[test]
fn a_client_authenticates_by_its_registered_method_only() {
    for source in [ClientSource::Static, ClientSource::Registered] {
        for auth in AuthMethod::ALL {
            let client = client(source, auth);
            for (method, presented) in ways("app", &secret_of(&client)) {
                let expected = if method == auth { Ok(None) } else { Err(CredentialError::Method(auth)) };
                assert_eq!(judge(&client, &presented, &KEY), expected, "{source:?} {auth} by {method}");
            }
        }
    }
}

#[test]
fn a_wrong_secret_another_key_and_another_client_are_refused() {
    for source in [ClientSource::Static, ClientSource::Registered] {
        let client = client(source, AuthMethod::ClientSecretPost);
        let [_, _, (_, wrong)] = ways("app", "wrong");
        let [_, _, (_, foreign)] = ways("other", &secret_of(&client));

        assert_eq!(judge(&client, &wrong, &KEY), Err(CredentialError::Secret));
        assert_eq!(judge(&client, &foreign, &KEY), Err(CredentialError::Client));
    }
    let registered = client(ClientSource::Registered, AuthMethod::ClientSecretPost);
    let [_, _, (_, right)] = ways("app", &secret_of(&registered));
    assert_eq!(judge(&registered, &right, &[4; 32]), Err(CredentialError::Secret));
}

#[test]
fn a_client_of_the_operator_without_a_secret_has_none_to_show() {
    let bare = Client { secret: None, ..client(ClientSource::Static, AuthMethod::ClientSecretPost) };

    for guess in ["", "operator's secret", derived_secret(&KEY, &bare.id).expose().as_str()] {
        let [_, _, (_, presented)] = ways("app", guess);
        assert_eq!(judge(&bare, &presented, &KEY), Err(CredentialError::Secret));
    }
}

#[test]
fn a_redirect_uri_must_be_one_of_the_registered() {
    let client = client(ClientSource::Static, AuthMethod::None);
    let accepted = |presented| client.accepts_redirect(presented).map(RedirectUri::as_str);

    assert_eq!(accepted("https://app.example/cb"), Some("https://app.example/cb"));
    assert_eq!(accepted("http://127.0.0.1:9999/cb"), Some("http://127.0.0.1/cb"));
    assert_eq!(accepted("https://app.example/cb?x"), None);
    assert_eq!(accepted(""), None);
}

#[test]
fn consent_is_asked_again_when_what_was_shown_changes() {
    let known = client(ClientSource::Registered, AuthMethod::None);
    let later = Client { issued_at: Timestamp::from_seconds(2), ..known.clone() };
    let renamed = Client { name: "Bank".to_owned(), ..known.clone() };
    let moved = Client { redirect_uris: Vec::new(), ..known.clone() };
    let homed = Client { uri: Some("https://bank.example".to_owned()), ..known.clone() };

    assert_eq!(later.metadata_hash(), known.metadata_hash());
    for other in [renamed, moved, homed] {
        assert_ne!(other.metadata_hash(), known.metadata_hash());
    }
}

#[test]
fn the_names_on_the_wire_are_the_names_in_rows() {
    for method in AuthMethod::ALL {
        assert_eq!(serde_json::to_value(method).unwrap(), method.as_str());
        assert_eq!(AuthMethod::named(method.as_str()), Some(method));
    }
    for grant in GrantType::ALL {
        assert_eq!(serde_json::to_value(grant).unwrap(), grant.as_str());
        assert_eq!(GrantType::named(grant.as_str()), Some(grant));
    }
    let client = client(ClientSource::Static, AuthMethod::ClientSecretBasic);
    let row = serde_json::to_string(&client).unwrap();
    assert_eq!(serde_json::from_str::<Client>(&row).unwrap(), client);
}
