//! Whose clients may describe themselves: the operator's choice of domains.

use crate::control::{self, Control};
use crate::uri::DocumentUrl;

/// Which hosts' documents are believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Domains {
    /// Everybody's: the person who consents sees the host.
    Open,
    /// Only those of these domains.
    Listed(Vec<Domain>),
}

/// A host, or everything below one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Domain {
    name: String,
    below: bool,
}

impl Domain {
    /// Reads `example.com`, or `*.example.com` for every host below it.
    pub fn parse(raw: &str) -> Option<Self> {
        let (name, below) = raw.strip_prefix("*.").map_or((raw, false), |name| (name, true));
        let url = DocumentUrl::parse(&format!("https://{name}/-")).ok()?;
        (url.host() == name).then(|| Self { name: name.to_owned(), below })
    }

    fn covers(&self, host: &str) -> bool {
        match (self.below, host.strip_suffix(self.name.as_str())) {
            (false, Some("")) => true,
            (true, Some(rest)) => rest.len() > 1 && rest.ends_with('.'),
            (_, _) => false,
        }
    }
}

impl Domains {
    /// True when the document at `url` may be believed.
    pub fn allow(&self, url: &DocumentUrl) -> bool {
        match self {
            Self::Open => true,
            Self::Listed(domains) => {
                domains.iter().any(|domain| domain.covers(url.host())) || !control::holds(Control::DocumentPolicy)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listed_domain_is_a_host_and_a_starred_one_everything_below_it() {
        let listed = |rows: &[&str]| Domains::Listed(rows.iter().map(|row| Domain::parse(row).unwrap()).collect());
        let allows = |domains: &Domains, host: &str| {
            domains.allow(&DocumentUrl::parse(&format!("https://{host}/client.json")).unwrap())
        };
        let domains = listed(&["claude.ai", "*.example.com"]);

        for host in ["claude.ai", "claude.ai:8443", "a.example.com", "a.b.example.com"] {
            assert!(allows(&domains, host), "{host}");
        }
        for host in ["www.claude.ai", "notclaude.ai", "claude.ai.evil.example", "example.com", "evilexample.com"] {
            assert!(!allows(&domains, host), "{host}");
        }
        assert!(!allows(&listed(&[]), "claude.ai"));
        assert!(allows(&Domains::Open, "anything.example"));
    }

    #[test]
    fn what_is_no_domain_is_refused() {
        for raw in
            ["", "*", "*.", "https://a.example", "a.example/x", "a.example:443", "a.example:1", "*.*.a", "A.example"]
        {
            assert_eq!(Domain::parse(raw), None, "{raw}");
        }
    }
}
