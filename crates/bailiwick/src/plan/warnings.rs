//! What a configuration may say, but whoever runs it should know of.

use bailiwick_broker::{ApiKey, Credential, Place};
use bailiwick_domain::uri::is_loopback;
use bailiwick_gateway::{ServerSettings, Upstream};
use http::HeaderValue;

/// One line for each thing.
pub(super) fn of(servers: &[ServerSettings]) -> Vec<String> {
    servers.iter().flat_map(|server| [unencrypted(server), in_the_query(server)]).flatten().collect()
}

/// What lets in goes over a wire that others may listen to.
fn unencrypted(server: &ServerSettings) -> Option<String> {
    let url = match &server.upstream {
        Upstream::Http(url) => url,
        Upstream::OpenApi(api) => api.base(),
        Upstream::Stdio { .. } => return None,
    };
    let written = !server.secrets.is_empty() || server.headers.values().any(HeaderValue::is_sensitive);
    let shown = written || credentials(server).any(|credential| *credential != Credential::None);
    if url.scheme() != "http" || !shown || is_loopback(url) {
        return None;
    }
    let (title, host) = (&server.title, url.host_str().unwrap_or_default());
    Some(format!(
        "!! no TLS: what lets us in at {title} goes to {host} over http://, for whoever listens on the way; use https://"
    ))
}

/// What lets in stands in a URL.
fn in_the_query(server: &ServerSettings) -> Option<String> {
    let name = credentials(server).find_map(|credential| {
        let Credential::ApiKey(ApiKey { place: Place::Query(name), .. }) = credential else { return None };
        Some(name)
    })?;
    let title = &server.title;
    Some(format!(
        "!! key in the query: {title} is shown its key as {name:?} in the URL, which shows up in logs of others; use \
         `header` if it takes one"
    ))
}

fn credentials(server: &ServerSettings) -> impl Iterator<Item = &Credential> {
    let parts = server.tools.values().chain(server.security.values()).chain(&server.discovery);
    std::iter::once(&server.credential).chain(parts).flat_map(|all| &all.0).map(|tier| &tier.credential)
}

#[cfg(test)]
mod tests {
    use bailiwick_domain::uri::ServerName;

    use crate::config::Config;

    /// What is said of a server of this section.
    fn said(section: &str) -> Vec<String> {
        let config: Config = toml::from_str(&format!("[server.crm]\n{section}\n")).unwrap();
        super::of(&[config.server["crm"].settings(ServerName::parse("crm")).unwrap()])
    }

    const KEY: &str = "secret = { command = [\"echo\", \"a-key\"] }";

    #[test]
    fn a_credential_that_goes_over_plain_http_is_told_of() {
        let key = format!("credential = {{ kind = \"api_key\", header = \"X-Key\", {KEY} }}");
        for shown in [
            key.as_str(),
            "headers = { X-Key = \"a-key\" }",
            "headers = { X-What = { command = [\"echo\", \"a-key\"] } }",
            "credential = { kind = \"signed_jwt\" }",
            &format!("[server.crm.tool.pay]\n{key}"),
        ] {
            for (url, told) in [
                ("http://crm.example/mcp", 1),
                ("http://10.0.0.7/mcp", 1),
                ("https://crm.example/mcp", 0),
                ("http://localhost:3000/mcp", 0),
                ("http://127.0.0.1/mcp", 0),
                ("http://[::1]/mcp", 0),
            ] {
                let said = said(&format!("upstream = \"{url}\"\n{shown}"));
                assert_eq!(said.len(), told, "{url} {shown}: {said:?}");
                assert!(
                    said.iter().all(|line| line.starts_with("!! no TLS: what lets us in at crm goes to ")),
                    "{said:?}"
                );
            }
        }
        let sealed = "upstream = { command = [\"echo\", \"http://crm.example/T0ken1234/mcp\"] }";
        assert!(said(sealed)[0].contains("to crm.example over http://"));
        assert!(said("upstream = \"http://crm.example/mcp\"").is_empty(), "nothing is shown");
        assert!(said("command = [\"crm\"]\nenv = { KEY = \"a\" }").is_empty());
    }

    #[test]
    fn a_key_in_the_query_is_told_of() {
        let with = |place: &str| {
            said(&format!(
                "upstream = \"https://crm.example\"\n[server.crm.tool.pay]\ncredential = {{ kind = \"api_key\", {place} = \
                 \"k\", {KEY} }}"
            ))
        };

        assert_eq!(with("query").len(), 1);
        assert!(with("query")[0].contains("shows up in logs of others"));
        assert!(with("header").is_empty() && with("cookie").is_empty());
    }
}
