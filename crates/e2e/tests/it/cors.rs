//! Browser-based clients: the operator names their origins, one server at a time.

use bailiwick_e2e::{App, Mcp, Setup};
use http::{Method, StatusCode};

const INSPECTOR: &str = "https://inspector.example.com";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_named_origin_is_let_through_its_preflight_and_reads_the_answer() {
    let upstream = bailiwick_e2e::honeypot::Honeypot::start().await;
    let config = format!(
        "[server.open]\nupstream = \"{url}\"\nallowed_origins = [\"{INSPECTOR}\"]\n[server.shut]\nupstream = \"{url}\"\n",
        url = upstream.url
    );
    let world = Setup::config(config).approving("alice").start();
    let open = world.url("/mcp/open");
    let preflight = |url: &str, origin: &str| {
        let client = Mcp::new(url, None)
            .header("origin", origin)
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "authorization,content-type,mcp-session-id,mcp-param-region");
        async move { client.raw(Method::OPTIONS, String::new()).await }
    };

    let asked = preflight(&open, INSPECTOR).await;
    assert_eq!(asked.status, StatusCode::NO_CONTENT);
    assert_eq!(asked.headers["access-control-allow-origin"], INSPECTOR);
    assert!(asked.headers["access-control-allow-methods"].to_str().unwrap().contains("POST"));
    let headers = asked.headers["access-control-allow-headers"].to_str().unwrap();
    for name in ["authorization", "content-type", "mcp-session-id", "mcp-param-region"] {
        assert!(headers.contains(name), "{name} is missing in {headers}");
    }

    let token = App::register_for(&world.base, &open).await.tokens("open:read").await.access;
    let mut inspector = Mcp::new(&open, Some(&token)).header("origin", INSPECTOR);
    let begun = inspector.begin().await;
    assert_eq!(
        (begun.status, begun.headers["access-control-allow-origin"].to_str().unwrap()),
        (StatusCode::OK, INSPECTOR)
    );
    assert!(begun.headers["access-control-expose-headers"].to_str().unwrap().contains("Mcp-Session-Id"));
    let refused = Mcp::new(&open, None).header("origin", INSPECTOR).begin().await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    assert_eq!(refused.headers["access-control-allow-origin"], INSPECTOR, "a browser must read the challenge");

    for (url, origin) in [(&open, "https://evil.example"), (&world.url("/mcp/shut"), INSPECTOR)] {
        let asked = preflight(url, origin).await;
        assert_eq!(asked.status, StatusCode::FORBIDDEN, "{url} {origin}");
        assert!(!asked.headers.contains_key("access-control-allow-origin"), "{url} {origin}");
    }
}
