//! Which servers nobody but us should be near enough to call.

use url::{Host, Url};

/// True for this machine and private networks: addresses, and names that no public DNS knows.
pub(super) fn is_near(url: &Url) -> bool {
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
