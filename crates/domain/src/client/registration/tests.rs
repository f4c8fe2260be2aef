use super::*;
use crate::client::{Client, ClientSource, open_client};

struct Sevens;

impl Entropy for Sevens {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(7);
    }
}

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

/// What the official clients send.
const BODIES: [(&str, &str); 6] = [
    (
        "Claude Code",
        r#"{"client_name":"Claude Code (notes)","redirect_uris":["http://localhost:54545/callback"],
            "grant_types":["authorization_code","refresh_token"],"response_types":["code"],
            "token_endpoint_auth_method":"none","scope":"mcp:read mcp:write"}"#,
    ),
    (
        "Claude",
        r#"{"client_name":"Claude","redirect_uris":["https://claude.ai/api/mcp/auth_callback"],
            "grant_types":["authorization_code","refresh_token","urn:ietf:params:oauth:grant-type:jwt-bearer"],
            "response_types":["code"],"token_endpoint_auth_method":"client_secret_post","scope":"claudeai",
            "logo_uri":"https://claude.ai/images/claude_app_icon.png","resource":"http://localhost:8787/mcp"}"#,
    ),
    (
        "VS Code",
        r#"{"client_name":"Visual Studio Code","client_uri":"https://code.visualstudio.com",
            "grant_types":["authorization_code","refresh_token","urn:ietf:params:oauth:grant-type:device_code"],
            "response_types":["code"],"redirect_uris":["https://insiders.vscode.dev/redirect",
            "https://vscode.dev/redirect","http://localhost/","http://127.0.0.1/","http://localhost:33418/",
            "http://127.0.0.1:33418/"],"token_endpoint_auth_method":"none","application_type":"native"}"#,
    ),
    (
        "Cursor",
        r#"{"client_name":"Cursor","redirect_uris":["cursor://anysphere.cursor-mcp/oauth/callback",
            "https://www.cursor.com/agents/mcp/oauth/callback","http://localhost:8787/callback"],
            "grant_types":["authorization_code","refresh_token"],"response_types":["code"],
            "token_endpoint_auth_method":"none","application_type":"native"}"#,
    ),
    (
        "MCP Inspector",
        r#"{"redirect_uris":["http://localhost:6274/oauth/callback/debug","http://localhost:6274/oauth/callback"],
            "token_endpoint_auth_method":"none","grant_types":["authorization_code","refresh_token"],
            "response_types":["code"],"client_name":"MCP Inspector",
            "client_uri":"https://github.com/modelcontextprotocol/inspector","scope":"mcp:read"}"#,
    ),
    (
        "Python SDK",
        r#"{"redirect_uris":["http://localhost:3030/callback"],"token_endpoint_auth_method":"client_secret_post",
            "grant_types":["authorization_code","refresh_token"],"response_types":["code"],"scope":null,
            "client_name":"Simple Auth Client","client_uri":null,"logo_uri":null,"contacts":null,"jwks":null}"#,
    ),
];

fn sealer() -> Sealer {
    Sealer::derive(&[1; 32], "client ids")
}

fn opened(body: &str) -> (ClientId, Client) {
    let registration = Registration::parse(body.as_bytes()).expect(body);
    let id = registration.seal(&sealer(), &Sevens, NOW).expect(body);
    let client = open_client(&sealer(), &id).expect("what was sealed opens");
    (id, client)
}

#[test]
fn the_official_clients_register_and_come_back_out_of_their_id() {
    for (who, body) in BODIES {
        let asked: Value = serde_json::from_str(body).expect(who);

        let (id, client) = opened(body);

        assert!(id.as_str().len() <= ClientId::MOST, "{who}: {}", id.as_str().len());
        assert!(id.as_str().bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b)), "{who}");
        assert_eq!(serde_json::to_value(&client.redirect_uris).unwrap(), asked["redirect_uris"], "{who}");
        assert_eq!(client.auth.as_str(), asked["token_endpoint_auth_method"], "{who}");
        assert_eq!(client.name, asked["client_name"], "{who}");
        assert_eq!(client.uri.as_deref(), asked["client_uri"].as_str(), "{who}");
        assert_eq!(client.grant_types, [GrantType::AuthorizationCode, GrantType::RefreshToken], "{who}");
        assert_eq!((client.source, client.issued_at), (ClientSource::Registered, NOW), "{who}");
        assert_eq!((client.scope, client.secret), (None, None), "{who}");
    }
}

#[test]
fn the_answer_says_what_was_registered() {
    let registration = Registration::parse(BODIES[1].1.as_bytes()).unwrap();
    let id = ClientId::parse("bwc_x").unwrap();

    assert_eq!(
        registration.response(&id, Some("bw_cs_x"), NOW),
        json!({
            "client_id": "bwc_x",
            "client_id_issued_at": 1_800_000_000,
            "client_name": "Claude",
            "client_secret": "bw_cs_x",
            "client_secret_expires_at": 0,
            "grant_types": ["authorization_code", "refresh_token"],
            "redirect_uris": ["https://claude.ai/api/mcp/auth_callback"],
            "response_types": ["code"],
            "token_endpoint_auth_method": "client_secret_post",
        })
    );
}

#[test]
fn what_is_left_out_gets_the_defaults_of_the_rfc() {
    let (_, client) = opened(r#"{"redirect_uris":["https://agent.example/cb","https://agent.example/cb"]}"#);

    assert_eq!(client.name, "agent.example");
    assert_eq!(client.auth, AuthMethod::ClientSecretBasic);
    assert_eq!(client.grant_types, [GrantType::AuthorizationCode]);
    assert_eq!(client.redirect_uris.len(), 1);
}

#[test]
fn bad_metadata_is_refused_with_its_reason() {
    let many = format!(r#"{{"redirect_uris":[{}"https://a.example/"]}}"#, r#""https://a.example/","#.repeat(20));
    let long: Vec<_> = (0..20).map(|n| format!("\"https://{}.example/{n}\"", "a".repeat(40))).collect();
    let long = format!(r#"{{"redirect_uris":[{}]}}"#, long.join(","));
    let with = |member: &str| format!(r#"{{"redirect_uris":["https://a.example/"],{member}}}"#);
    let metadata = ErrorCode::InvalidClientMetadata;
    let redirect = ErrorCode::InvalidRedirectUri;
    let refused = [
        (String::new(), metadata),
        ("[]".to_owned(), metadata),
        (r#"[["https://a.example/"],"none",null,null,null,null,null]"#.to_owned(), metadata),
        (r#"{"redirect_uris":"https://a.example/"}"#.to_owned(), metadata),
        (r#"{"redirect_uris":["https://a.example/"],"redirect_uris":["https://b.example/"]}"#.to_owned(), metadata),
        ("{}".to_owned(), redirect),
        (r#"{"redirect_uris":[]}"#.to_owned(), redirect),
        (r#"{"redirect_uris":["https://a.example/","javascript:alert(1)"]}"#.to_owned(), redirect),
        (many, redirect),
        (long, metadata),
        (with(r#""token_endpoint_auth_method":"private_key_jwt""#), metadata),
        (with(r#""grant_types":["client_credentials"]"#), metadata),
        (with(r#""grant_types":[]"#), metadata),
        (with(r#""response_types":["token"]"#), metadata),
    ];

    for (body, code) in refused {
        assert_eq!(Registration::parse(body.as_bytes()).map_err(|e| e.code()), Err(code), "{body}");
    }
}

#[test]
fn a_client_cannot_grant_itself_authority_of_its_own() {
    let (_, client) = opened(
        r#"{"redirect_uris":["https://a.example/"],"grant_types":["authorization_code","client_credentials"],
            "scope":"mcp:destructive"}"#,
    );

    assert!(!client.may_use(GrantType::ClientCredentials));
    assert_eq!(client.scope, None);
}

#[test]
fn the_home_page_gives_way_to_redirect_uris_and_the_answer_says_so() {
    let uris: Vec<_> = (0..8).map(|n| format!("\"https://{}.example/{n}\"", "a".repeat(50))).collect();
    let home = format!("https://home.example/{}", "h".repeat(150));
    let body = format!(r#"{{"redirect_uris":[{}],"client_uri":"{home}"}}"#, uris.join(","));

    let (id, client) = opened(&body);

    assert_eq!((client.redirect_uris.len(), client.uri), (8, None));
    let answer = Registration::parse(body.as_bytes()).unwrap().response(&id, None, NOW);
    assert_eq!(answer.get("client_uri"), None);
}

#[test]
fn a_name_is_made_presentable_and_a_home_page_is_a_web_page() {
    let (_, client) = opened(
        "{\"redirect_uris\":[\"https://a.example/\"],\"client_name\":\" \\u202eedoC\\n\\u0000 \",
            \"client_uri\":\"javascript:alert(1)\"}",
    );

    assert_eq!((client.name.as_str(), client.uri), ("edoC", None));
}

#[test]
fn only_an_id_that_was_sealed_here_opens() {
    let (id, _) = opened(BODIES[0].1);
    let text = id.as_str();
    let longer = text.replacen("bwc_", "bwc_A", 1);
    let shorter: String = text.chars().take(text.len() - 4).collect();
    let swapped: String = text.chars().map(|c| if c == 'a' { 'b' } else { c }).collect();
    let bare = text.trim_start_matches("bwc_");
    let forged = [&longer, &shorter, &swapped, bare, "bwc_", "bwc_AAAA", "https://a.example/client"];

    for raw in forged {
        assert!(open_client(&sealer(), &ClientId::parse(raw).unwrap()).is_none(), "{raw}");
    }
    assert!(open_client(&Sealer::derive(&[2; 32], "client ids"), &id).is_none());
}
