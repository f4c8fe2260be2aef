//! Metadata, the front page, and what every page carries.

use super::world::*;
use http::StatusCode;
use serde_json::json;

#[tokio::test]
async fn both_documents_say_the_same() {
    let world = World::new().await;

    let first = world.get("/.well-known/oauth-authorization-server").await;
    let second = world.get("/.well-known/openid-configuration").await;

    let methods = ["none", "client_secret_basic", "client_secret_post", "private_key_jwt", "spiffe_jwt"];
    let algs = ["ES256", "RS256", "EdDSA", "PS256"];
    assert_eq!(first.body, second.body);
    assert_eq!(first.header("cache-control"), "public, max-age=300");
    assert_eq!(
        first.json(),
        json!({
            "issuer": "http://localhost:8787",
            "authorization_endpoint": "http://localhost:8787/authorize",
            "token_endpoint": "http://localhost:8787/token",
            "jwks_uri": "http://localhost:8787/jwks.json",
            "registration_endpoint": "http://localhost:8787/register",
            "revocation_endpoint": "http://localhost:8787/revoke",
            "introspection_endpoint": "http://localhost:8787/introspect",
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials",
                "urn:ietf:params:oauth:grant-type:token-exchange"],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": methods,
            "token_endpoint_auth_signing_alg_values_supported": algs,
            "revocation_endpoint_auth_methods_supported": methods,
            "revocation_endpoint_auth_signing_alg_values_supported": algs,
            "introspection_endpoint_auth_methods_supported": methods[1..],
            "introspection_endpoint_auth_signing_alg_values_supported": algs,
            "authorization_response_iss_parameter_supported": true,
            "client_id_metadata_document_supported": false,
            "scopes_supported": ["mcp:destructive", "mcp:read", "mcp:write"],
            "protected_resources": ["http://localhost:8787/mcp"],
            "service_documentation": "http://localhost:8787/",
        })
    );
}

#[tokio::test]
async fn the_published_keys_are_public() {
    let world = World::new().await;

    let seen = world.get("/jwks.json").await;

    assert_eq!(seen.header("cache-control"), "public, max-age=300");
    let key = &seen.json()["keys"][0];
    assert_eq!((word(key, "kty"), word(key, "alg")), ("EC", "ES256"));
    assert!(key.get("d").is_none());
}

#[tokio::test]
async fn the_front_page_connects_clients_and_tells_nothing_private() {
    let world = World::new().await;
    let _ = world.signed_in().await;

    let seen = world.get("/").await;

    assert_eq!(seen.status, StatusCode::OK);
    assert!(seen.body.contains("claude mcp add --transport http bailiwick http://localhost:8787/mcp"));
    assert!(!seen.body.contains("alice") && !seen.body.contains("list_notes"));
}

#[tokio::test]
async fn every_page_is_walled_in() {
    let world = World::new().await;
    let app = world.app().await;
    let mut browser = world.signed_in().await;

    for path in ["/", "/account", "/console", "/console/record", "/authorize", "/consent?request=x", &app.request(&[])]
    {
        let seen = browser.open(path).await;
        let policy = seen.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; style-src 'self';"), "{path}: {policy}");
        assert!(policy.contains("base-uri 'none'; frame-ancestors 'none'; form-action 'self'"));
        assert_eq!(seen.header("x-frame-options"), "DENY");
        assert_eq!(seen.header("x-content-type-options"), "nosniff");
        assert_eq!(seen.header("referrer-policy"), "no-referrer");
        assert_eq!(seen.header("cache-control"), "no-store");
        // The one script there is, from a file of ours, on the pages that follow what happens.
        let body = seen.body.replace(r#"<script src="/assets/live.js" defer></script>"#, "");
        for forbidden in ["<script", "style=\"", "javascript:", "https://", "onclick"] {
            assert!(!body.contains(forbidden), "{path}: {forbidden}");
        }
    }
    assert!(world.get("/assets/style.css").await.header("content-type").starts_with("text/css"));
}

#[tokio::test]
async fn the_demo_user_is_signed_in_without_a_page() {
    let world = World::approving().await;
    let mut browser = world.browser();

    let seen = browser.open("/login").await;

    assert!(seen.body.contains("Your account") && seen.body.contains("alice"));
}
