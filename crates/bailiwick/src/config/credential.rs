//! `credential`: what a server over HTTP is shown to let us in.

use bailiwick_gateway::Credential;
use schemars::JsonSchema;
use serde::Deserialize;
use url::{Host, Url};

use super::ConfigError;

/// What the file says.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum CredentialEntry {
    /// Nothing.
    None {},
    /// A short token that we sign.
    SignedJwt {
        /// The audience the server knows itself by; by default its URL as written in `upstream`.
        audience: Option<String>,
    },
}

impl CredentialEntry {
    /// What the server at `raw` is shown: what the file says, else a token of ours where nobody but us should be near
    /// enough to call it.
    pub(crate) fn settings(entry: Option<&Self>, label: &str, raw: &str, url: &Url) -> Result<Credential, ConfigError> {
        let signed = |audience: &str| Credential::SignedJwt { audience: audience.to_owned() };
        match entry {
            None if is_near(url) => Ok(signed(raw)),
            None | Some(Self::None {}) => Ok(Credential::None),
            Some(Self::SignedJwt { audience: None }) => Ok(signed(raw)),
            Some(Self::SignedJwt { audience: Some(audience) }) if !audience.is_empty() => Ok(signed(audience)),
            Some(Self::SignedJwt { .. }) => {
                Err(ConfigError::Value(format!("{label}.credential: `audience` is empty; leave it out to use the URL")))
            }
        }
    }
}

/// True for this machine and private networks: addresses, and names that no public DNS knows.
fn is_near(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback() || ip.is_private(),
        Some(Host::Ipv6(ip)) => {
            let four = ip.to_ipv4_mapped();
            ip.is_loopback() || ip.is_unique_local() || four.is_some_and(|ip| ip.is_loopback() || ip.is_private())
        }
        Some(Host::Domain(name)) => {
            let last = name.trim_end_matches('.').rsplit('.').next().unwrap_or("");
            last == name || ["localhost", "internal", "local"].contains(&last)
        }
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(entry: Option<&CredentialEntry>, raw: &str) -> Credential {
        CredentialEntry::settings(entry, "server.x", raw, &Url::parse(raw).unwrap()).unwrap()
    }

    #[test]
    fn a_server_nearby_is_shown_a_token_by_default_and_no_other() {
        let near = ["http://localhost:3000/mcp", "http://127.0.0.1", "http://10.1.2.3/mcp", "https://192.168.0.9/mcp"];
        let near = near.into_iter().chain(["http://[::1]:3000/mcp", "http://[fd00::1]/mcp", "http://notes:3000/mcp"]);
        for raw in near.chain(["http://notes.svc.internal/mcp"]) {
            assert_eq!(settings(None, raw), Credential::SignedJwt { audience: raw.to_owned() }, "{raw}");
        }
        let far =
            ["https://api.example.com/mcp", "http://8.8.8.8/mcp", "http://169.254.169.254/", "http://[2001:db8::1]/"];
        for raw in far {
            assert_eq!(settings(None, raw), Credential::None, "{raw}");
        }
    }

    #[test]
    fn the_file_has_the_last_word() {
        let (far, near) = ("https://api.example.com/mcp", "http://localhost:3000/mcp");
        let named = CredentialEntry::SignedJwt { audience: Some("notes".to_owned()) };

        assert_eq!(settings(Some(&CredentialEntry::None {}), near), Credential::None);
        assert_eq!(settings(Some(&named), far), Credential::SignedJwt { audience: "notes".to_owned() });
        let own = CredentialEntry::SignedJwt { audience: None };
        assert_eq!(settings(Some(&own), far), Credential::SignedJwt { audience: far.to_owned() });
    }
}
