use super::*;

fn shown(entry: Option<&str>, raw: &str) -> Result<Credentials, String> {
    let entry: Option<CredentialEntry> = entry.map(|text| toml::from_str(text).unwrap());
    let url = Url::parse(raw).unwrap();
    let place = Place { label: "server.x", connection: "x", url: Some((raw, &url)), hidden: false };
    credentials((entry.as_ref(), &[]), place, |_| true).map_err(|error| error.to_string())
}

fn signed(audience: &str) -> Credentials {
    Credentials::only(Credential::SignedJwt(SignedJwt { audience: audience.to_owned() }))
}

#[test]
fn a_server_nearby_is_shown_a_token_by_default_and_no_other() {
    let near = ["http://localhost:3000/mcp", "http://127.0.0.1", "http://10.1.2.3/mcp", "https://192.168.0.9/mcp"];
    let near = near.into_iter().chain(["http://[::1]:3000/mcp", "http://[fd00::1]/mcp", "http://notes:3000/mcp"]);
    for raw in near.chain(["http://notes.svc.internal/mcp"]) {
        assert_eq!(shown(None, raw).unwrap(), signed(raw), "{raw}");
    }
    let far = ["https://api.example.com/mcp", "http://8.8.8.8/mcp", "http://169.254.169.254/", "http://[2001:db8::1]/"];
    for raw in far {
        assert_eq!(shown(None, raw).unwrap(), Credentials::default(), "{raw}");
    }
}

#[test]
fn the_file_has_the_last_word() {
    let (far, near) = ("https://api.example.com/mcp", "http://localhost:3000/mcp");

    assert_eq!(shown(Some("kind = \"none\""), near).unwrap(), Credentials::default());
    assert_eq!(shown(Some("kind = \"signed_jwt\"\naudience = \"notes\""), far).unwrap(), signed("notes"));
    assert_eq!(shown(Some("kind = \"signed_jwt\""), far).unwrap(), signed(far));
}

#[test]
fn what_cannot_work_is_refused_with_what_to_do() {
    let key = "secret = { command = [\"echo\", \"k\"] }";
    let cases = [
        (format!("kind = \"api_key\"\n{key}"), "say where the key goes"),
        (format!("kind = \"api_key\"\nheader = \"x key\"\n{key}"), "this is not the name of a header"),
        ("kind = \"api_key\"\nquery = \"k\"".to_owned(), "give `secret`, which all share"),
        ("kind = \"exchange\"\ntoken_url = \"https://as/token\"".to_owned(), "`audience` is missing"),
        ("kind = \"client_credentials\"\ntoken_url = \"http://as/token\"".to_owned(), "is not an https URL"),
        (
            "kind = \"client_credentials\"\ntoken_url = \"https://as/token\"\nsubject = \"name\"".to_owned(),
            "`subject` means nothing",
        ),
        ("kind = \"basic\"\nusername = \"a:b\"\npassword = { command = [\"echo\", \"k\"] }".to_owned(), "colon"),
    ];
    for (text, says) in cases {
        let refused = shown(Some(&text), "https://x/mcp").unwrap_err();
        assert!(refused.contains(says), "{text}: {refused}");
    }
    let unknown = toml::from_str::<CredentialEntry>("kind = \"exchange\"\ntoken_ulr = \"x\"").unwrap_err();
    assert!(unknown.to_string().contains("token_ulr"), "{unknown}");
}

#[test]
fn tiers_name_scopes_that_are_there() {
    let text = "scopes = [\"x:read\"]\ncredential = { kind = \"none\" }";
    let tier: TierEntry = toml::from_str(text).unwrap();
    let place = Place { label: "server.x", connection: "x", url: None, hidden: false };
    let of = |known: bool| credentials((None, std::slice::from_ref(&tier)), place, |_| known);

    assert_eq!(of(true).unwrap().0.len(), 1);
    assert_eq!(of(false).unwrap_err().to_string(), "server.x.tiers: \"x:read\" is not a scope of this server");
}
