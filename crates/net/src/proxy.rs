//! Who is at the other end when a proxy stands in between: what `X-Forwarded-For` says, but only from proxies the operator
//! named. From anybody else it is a claim about oneself.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use bailiwick_domain::control::{Control, holds};
use http::{HeaderMap, HeaderName};

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The proxies whose word is taken; none by default.
#[derive(Clone, Debug, Default)]
pub struct Proxies(Arc<[Network]>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Network {
    address: u128,
    bits: u32,
}

impl Proxies {
    /// Reads addresses (`10.1.2.3`) and networks (`10.0.0.0/8`, `fd00::/8`).
    ///
    /// # Errors
    /// A sentence that names the one that is neither.
    pub fn parse<T: AsRef<str>>(list: &[T]) -> Result<Self, String> {
        let read = |raw: &T| {
            Network::parse(raw.as_ref())
                .ok_or_else(|| format!("{:?} is no address or network, such as 10.0.0.0/8", raw.as_ref()))
        };
        list.iter().map(read).collect::<Result<Vec<_>, _>>().map(|networks| Self(networks.into()))
    }

    /// True when there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Who a request comes from: walking from the nearest proxy outwards, the first address that is none of ours.
    pub(crate) fn origin(&self, peer: SocketAddr, headers: &HeaderMap) -> SocketAddr {
        if !self.hold(peer.ip()) && holds(Control::ForwardedFor) {
            return peer;
        }
        let said = headers.get_all(FORWARDED_FOR).iter().filter_map(|value| value.to_str().ok());
        let hops: Vec<&str> = said.flat_map(|value| value.split(',')).collect();
        let mut origin = peer;
        for hop in hops.iter().rev() {
            // What nobody can read, nobody of ours has written: everything before it is hearsay.
            let Some(ip) = address(hop.trim()) else { break };
            origin = SocketAddr::new(ip, 0);
            if !self.hold(ip) {
                break;
            }
        }
        origin
    }

    fn hold(&self, ip: IpAddr) -> bool {
        self.0.iter().any(|network| network.holds(ip))
    }
}

impl Network {
    fn parse(raw: &str) -> Option<Self> {
        let (address, bits) = raw.split_once('/').map_or((raw, None), |(address, bits)| (address, Some(bits)));
        let ip: IpAddr = address.parse().ok()?;
        let (most, before) = if ip.is_ipv4() { (32, 96) } else { (128, 0) };
        let bits = bits.map_or(Some(most), |bits| bits.parse().ok()).filter(|bits| *bits <= most)?;
        Some(Self { address: wide(ip), bits: bits + before })
    }

    fn holds(&self, ip: IpAddr) -> bool {
        let differ = self.address ^ wide(ip);
        self.bits == 0 || differ.leading_zeros() >= self.bits
    }
}

/// Both families in one: IPv4 as its mapped IPv6 address (RFC 4291 §2.5.5.2).
fn wide(ip: IpAddr) -> u128 {
    match ip {
        IpAddr::V4(ip) => ip.to_ipv6_mapped().to_bits(),
        IpAddr::V6(ip) => ip.to_bits(),
    }
}

/// An address as proxies write it: alone, or with a port.
fn address(raw: &str) -> Option<IpAddr> {
    let bare = raw.strip_prefix('[').and_then(|raw| raw.strip_suffix(']')).unwrap_or(raw);
    let alone = bare.parse::<IpAddr>().ok();
    alone.or_else(|| raw.parse::<SocketAddr>().ok().map(|address| address.ip())).map(|ip| ip.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(trusted: &[&str], peer: &str, headers: &[&str]) -> String {
        let mut map = HeaderMap::new();
        for header in headers {
            map.append(FORWARDED_FOR, header.parse().unwrap());
        }
        let peer = SocketAddr::new(peer.parse().unwrap(), 4711);
        Proxies::parse(trusted).unwrap().origin(peer, &map).ip().to_string()
    }

    #[test]
    fn only_a_named_proxy_is_believed() {
        assert_eq!(origin(&[], "10.0.0.1", &["203.0.113.9"]), "10.0.0.1");
        assert_eq!(origin(&["10.0.0.0/8"], "192.0.2.1", &["203.0.113.9"]), "192.0.2.1");
        assert_eq!(origin(&["10.0.0.0/8"], "10.9.9.9", &["203.0.113.9"]), "203.0.113.9");
        assert_eq!(origin(&["10.0.0.0/8"], "::ffff:10.9.9.9", &["203.0.113.9"]), "203.0.113.9");
        assert_eq!(origin(&["fd00::/8"], "fd12::1", &["[2001:db8::7]:443"]), "2001:db8::7");
        assert_eq!(origin(&["10.0.0.0/8"], "10.9.9.9", &[]), "10.9.9.9");
    }

    #[test]
    fn what_a_client_wrote_itself_before_the_nearest_stranger_counts_for_nothing() {
        let trusted = &["10.0.0.0/8"];

        assert_eq!(origin(trusted, "10.0.0.1", &["127.0.0.1, 203.0.113.9"]), "203.0.113.9");
        assert_eq!(origin(trusted, "10.0.0.1", &["127.0.0.1", "203.0.113.9, 10.0.0.2"]), "203.0.113.9");
        assert_eq!(origin(trusted, "10.0.0.1", &["127.0.0.1, unknown, 10.0.0.2"]), "10.0.0.2");
        assert_eq!(origin(trusted, "10.0.0.1", &["198.51.100.7:1234"]), "198.51.100.7");
    }

    #[test]
    fn a_network_is_an_address_and_a_length() {
        for raw in ["10.0.0.0/33", "10.0.0/8", "::/129", "localhost", "", "10.0.0.0/-1"] {
            assert!(Proxies::parse(&[raw]).is_err(), "{raw}");
        }
        assert_eq!(origin(&["0.0.0.0/0"], "192.0.2.1", &["203.0.113.9"]), "203.0.113.9");
        assert_eq!(origin(&["192.0.2.1"], "192.0.2.2", &["203.0.113.9"]), "192.0.2.2");
    }
}
