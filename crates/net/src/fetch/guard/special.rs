//! Addresses that are not on the public internet: the IANA special-purpose registries of IPv4 and IPv6 (RFC 6890), the
//! forms in which an IPv6 address carries an IPv4 one, and what clouds answer on besides.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What an address is to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// On the public internet.
    Global,
    /// On a network of somebody's own: only where the operator says so.
    Private,
    /// Nothing a document is ever fetched from, whatever anybody says.
    Never,
}

use Reach::{Never, Private};

/// Network, length of its prefix, what it is. Where networks overlap the first one counts.
pub(super) const V4: [(Ipv4Addr, u32, Reach); 22] = [
    (Ipv4Addr::UNSPECIFIED, 8, Never),              // "this network", RFC 791
    (Ipv4Addr::new(10, 0, 0, 0), 8, Private),       // RFC 1918
    (Ipv4Addr::new(100, 100, 100, 200), 32, Never), // metadata service of Alibaba Cloud
    (Ipv4Addr::new(100, 64, 0, 0), 10, Private),    // shared address space, RFC 6598
    (Ipv4Addr::new(127, 0, 0, 0), 8, Private),      // loopback, RFC 1122
    (Ipv4Addr::new(168, 63, 129, 16), 32, Never),   // wire server of Azure, a public address
    (Ipv4Addr::new(169, 254, 0, 0), 16, Never),     // link-local and metadata services, RFC 3927
    (Ipv4Addr::new(172, 16, 0, 0), 12, Private),    // RFC 1918
    (Ipv4Addr::new(192, 0, 0, 0), 24, Never),       // IETF protocol assignments, RFC 6890; metadata of Oracle Cloud
    (Ipv4Addr::new(192, 0, 2, 0), 24, Never),       // documentation, RFC 5737
    (Ipv4Addr::new(192, 31, 196, 0), 24, Never),    // AS112, RFC 7535
    (Ipv4Addr::new(192, 52, 193, 0), 24, Never),    // AMT, RFC 7450
    (Ipv4Addr::new(192, 88, 99, 0), 24, Never),     // 6to4 relays, RFC 7526
    (Ipv4Addr::new(192, 168, 0, 0), 16, Private),   // RFC 1918
    (Ipv4Addr::new(192, 175, 48, 0), 24, Never),    // AS112, RFC 7534
    (Ipv4Addr::new(198, 18, 0, 0), 15, Never),      // benchmarking, RFC 2544
    (Ipv4Addr::new(198, 51, 100, 0), 24, Never),    // documentation, RFC 5737
    (Ipv4Addr::new(203, 0, 113, 0), 24, Never),     // documentation, RFC 5737
    (Ipv4Addr::new(224, 0, 0, 0), 4, Never),        // multicast, RFC 1112
    (Ipv4Addr::new(233, 252, 0, 0), 24, Never),     // documentation, RFC 6676
    (Ipv4Addr::BROADCAST, 32, Never),               // broadcast, RFC 919
    (Ipv4Addr::new(240, 0, 0, 0), 4, Never),        // reserved, RFC 1112
];

/// As [`V4`]. Beyond this table only `2000::/3` is global.
pub(super) const V6: [(Ipv6Addr, u32, Reach); 20] = [
    (Ipv6Addr::LOCALHOST, 128, Private),                             // loopback, RFC 4291
    (Ipv6Addr::UNSPECIFIED, 128, Never),                             // unspecified, RFC 4291
    (Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, 0, 0), 96, Never),         // IPv4-mapped, RFC 4291
    (Ipv6Addr::UNSPECIFIED, 96, Never),                              // IPv4-compatible, RFC 4291
    (Ipv6Addr::new(0, 0, 0, 0, 0xffff, 0, 0, 0), 96, Never),         // IPv4-translated, RFC 2765
    (Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0), 96, Never),      // NAT64, RFC 6052
    (Ipv6Addr::new(0x64, 0xff9b, 1, 0, 0, 0, 0, 0), 48, Never),      // local NAT64, RFC 8215
    (Ipv6Addr::new(0x100, 0, 0, 0, 0, 0, 0, 0), 64, Never),          // discard, RFC 6666
    (Ipv6Addr::new(0x100, 0, 0, 1, 0, 0, 0, 0), 64, Never),          // dummy prefix, RFC 9780
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23, Never),         // IETF assignments and Teredo, RFC 2928, RFC 4380
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32, Never),     // documentation, RFC 3849
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16, Never),         // 6to4, RFC 3056
    (Ipv6Addr::new(0x2620, 0x4f, 0x8000, 0, 0, 0, 0, 0), 48, Never), // AS112, RFC 7534
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20, Never),         // documentation, RFC 9637
    (Ipv6Addr::new(0x5f00, 0, 0, 0, 0, 0, 0, 0), 16, Never),         // segment routing, RFC 9602
    (Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0), 32, Never),     // metadata service of AWS
    (Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0), 32, Never),      // metadata service of Google Cloud
    (Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0), 7, Private),        // unique local, RFC 4193
    (Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), 9, Never),          // link-local and site-local, RFC 4291, RFC 3879
    (Ipv6Addr::new(0xff00, 0, 0, 0, 0, 0, 0, 0), 8, Never),          // multicast, RFC 4291
];

/// What an address is to us. One that carries another inside is refused whatever it carries: some box on the way would
/// unwrap it.
pub(crate) fn reach(address: IpAddr) -> Reach {
    match address {
        IpAddr::V4(v4) => reach_v4(v4),
        IpAddr::V6(v6) => reach_v6(v6),
    }
}

fn reach_v4(address: Ipv4Addr) -> Reach {
    let bits = u128::from(address.to_bits());
    let row = V4.iter().find(|(network, length, _)| within(bits, u128::from(network.to_bits()), *length, 32));
    row.map_or(Reach::Global, |(_, _, reach)| *reach)
}

fn reach_v6(address: Ipv6Addr) -> Reach {
    let bits = address.to_bits();
    if let Some((_, _, reach)) = V6.iter().find(|(network, length, _)| within(bits, network.to_bits(), *length, 128)) {
        return *reach;
    }
    // ISATAP (RFC 5214 §6.1): an interface identifier of 00-00-5E-FE or 02-00-5E-FE and an IPv4 address, under any prefix.
    let [_, _, _, _, high, low, _, _] = address.segments();
    let isatap = matches!(high, 0 | 0x200) && low == 0x5efe;
    if bits >> 125 == 1 && !isatap { Reach::Global } else { Never }
}

fn within(address: u128, network: u128, length: u32, width: u32) -> bool {
    (address ^ network) >> (width - length) == 0
}
