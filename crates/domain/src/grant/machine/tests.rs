use super::*;
use crate::client::{ClientSource, secret_digest};

struct Sevens;

impl Entropy for Sevens {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(7);
    }
}

const NOW: Timestamp = Timestamp::from_seconds(1_000);

fn machine() -> Client {
    Client {
        id: ClientId::parse("ci").unwrap(),
        name: "CI".to_owned(),
        source: ClientSource::Static,
        redirect_uris: Vec::new(),
        grant_types: vec![GrantType::ClientCredentials],
        auth: AuthMethod::ClientSecretBasic,
        scope: ScopeSet::parse("mcp:read mcp:write"),
        uri: None,
        secret: Some(secret_digest("secret")),
        assertion: None,
        issued_at: NOW,
    }
}

fn ask(client: &Client, scope: &str) -> Result<Approval, MachineError> {
    let resource = Resource::parse("https://mcp.example.com/mcp").unwrap();
    MachineRequest { resource, scope: ScopeSet::parse(scope).unwrap() }.approve(client, &Sevens, NOW)
}

#[test]
fn a_machine_gets_its_ceiling_or_less_for_one_token() {
    for (asked, granted) in [("", "mcp:read mcp:write"), ("mcp:read", "mcp:read")] {
        let approval = ask(&machine(), asked).unwrap();

        assert_eq!(approval.scope.to_string(), granted);
        assert_eq!(approval.expires_at, NOW.after(ACCESS_LIFE));
        assert_eq!(approval.client.as_str(), "ci");
    }
}

#[test]
fn a_machine_gets_no_more_than_the_operator_allows() {
    let public = Client { auth: AuthMethod::None, ..machine() };
    let unbounded = Client { scope: None, ..machine() };
    let other = Client { grant_types: vec![GrantType::AuthorizationCode], ..machine() };
    let empty = Client { scope: Some(ScopeSet::default()), ..machine() };
    let refused = [
        (machine(), "mcp:destructive", MachineError::Scope),
        (machine(), "mcp:read mcp:destructive", MachineError::Scope),
        (empty, "", MachineError::Scope),
        (public, "mcp:read", MachineError::NotAllowed),
        (unbounded, "mcp:read", MachineError::NotAllowed),
        (other, "mcp:read", MachineError::NotAllowed),
    ];

    for (client, asked, why) in refused {
        assert_eq!(ask(&client, asked), Err(why));
    }
    assert_eq!(MachineError::Scope.code(), ErrorCode::InvalidScope);
    assert_eq!(MachineError::NotAllowed.code(), ErrorCode::UnauthorizedClient);
}

#[test]
fn no_person_can_have_a_machines_name() {
    let mischief = ClientId::parse("us_alice").unwrap();

    assert!(is_machine(machine_subject(&mischief).as_str()));
    assert!(UserId::draw(&Sevens).as_str().starts_with("us_"));
    assert_ne!(machine_subject(&mischief), machine_subject(&ClientId::parse("us_bob").unwrap()));
}
