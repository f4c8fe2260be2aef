use std::net::{Ipv4Addr, Ipv6Addr};

use super::special::{V4, V6};
use super::*;

fn of(address: &str) -> Reach {
    reach(address.parse().unwrap())
}

#[test]
fn addresses_of_the_internet_are_global() {
    for address in [
        "1.1.1.1",
        "8.8.8.8",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "126.255.255.255",
        "128.0.0.1",
        "168.63.129.15",
        "169.253.255.255",
        "169.255.0.0",
        "172.15.255.255",
        "172.32.0.0",
        "192.0.1.1",
        "192.167.255.255",
        "192.169.0.0",
        "198.17.255.255",
        "198.20.0.0",
        "203.0.112.255",
        "223.255.255.255",
        "2606:4700::1111",
        "2001:200::1",
        "2a00:1450:4001::200e",
        "2003::1",
        "2620:4f:7fff::1",
        "3ffe::1",
    ] {
        assert_eq!(of(address), Reach::Global, "{address}");
    }
}

#[test]
fn networks_of_somebodys_own_are_private() {
    for address in [
        "10.0.0.1",
        "10.255.255.255",
        "100.64.0.1",
        "100.127.255.255",
        "127.0.0.1",
        "127.255.255.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.0.1",
        "192.168.255.255",
        "::1",
        "fc00::1",
        "fdff::1",
    ] {
        assert_eq!(of(address), Reach::Private, "{address}");
    }
}

#[test]
fn nothing_is_fetched_from_the_rest_whoever_asks() {
    for address in [
        "0.0.0.0",
        "0.1.2.3",
        "169.254.169.254",
        "169.254.0.1",
        "100.100.100.200",
        "168.63.129.16",
        "192.0.0.192",
        "192.0.0.9",
        "192.0.2.1",
        "192.31.196.1",
        "192.52.193.1",
        "192.88.99.1",
        "192.175.48.1",
        "198.18.0.1",
        "198.19.255.255",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "233.252.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "fe80::1",
        "febf::1",
        "fec0::1",
        "ff02::1",
        "fd00:ec2::254",
        "fd20:ce::254",
        "2001:db8::1",
        "3fff::1",
        "5f00::1",
        "100::1",
        "100:0:0:1::1",
        "2620:4f:8000::1",
        "2001:2::1",
        "2001:10::1",
        "2001:20::1",
        "2001:1ff::1",
        "4000::1",
        "8000::1",
        "1::1",
    ] {
        assert_eq!(of(address), Reach::Never, "{address}");
    }
}

#[test]
fn an_address_inside_another_is_never_reached() {
    for inner in [[127, 0, 0, 1], [169, 254, 169, 254], [10, 0, 0, 1], [8, 8, 8, 8]] {
        let [a, b, c, d]: [u16; 4] = inner;
        let (high, low) = (a << 8 | b, c << 8 | d);
        let carried = [
            ("mapped", Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, high, low)),
            ("translated", Ipv6Addr::new(0, 0, 0, 0, 0xffff, 0, high, low)),
            ("compatible", Ipv6Addr::new(0, 0, 0, 0, 0, 0, high, low)),
            ("NAT64", Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low)),
            ("local NAT64", Ipv6Addr::new(0x64, 0xff9b, 1, 0, 0, 0, high, low)),
            ("6to4", Ipv6Addr::new(0x2002, high, low, 0, 0, 0, 0, 1)),
            ("Teredo server", Ipv6Addr::new(0x2001, 0, high, low, 0, 0, 0, 0)),
            ("Teredo client", Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, !high, !low)),
            ("ISATAP", Ipv6Addr::new(0x2a00, 1, 2, 3, 0, 0x5efe, high, low)),
            ("ISATAP, universal", Ipv6Addr::new(0x2a00, 1, 2, 3, 0x200, 0x5efe, high, low)),
        ];
        for (form, address) in carried {
            assert_eq!(reach(address.into()), Reach::Never, "{form} {address}");
        }
    }
}

/// First and last address of every network in the tables are what the table says, or what an earlier row says.
#[test]
fn every_row_holds_from_its_first_to_its_last_address() {
    for (network, length, expected) in V4 {
        let first = network.to_bits();
        let last = first | u32::MAX.checked_shr(length).unwrap_or(0);
        assert_eq!(first & u32::MAX.checked_shr(length).unwrap_or(0), 0, "{network}/{length} has host bits");
        assert_ne!(reach(Ipv4Addr::from_bits(first).into()), Reach::Global, "{network}/{length} {expected:?}");
        assert_ne!(reach(Ipv4Addr::from_bits(last).into()), Reach::Global, "{network}/{length} {expected:?}");
    }
    for (network, length, expected) in V6 {
        let first = network.to_bits();
        let hosts = u128::MAX.checked_shr(length).unwrap_or(0);
        assert_eq!(first & hosts, 0, "{network}/{length} has host bits");
        assert_ne!(reach(Ipv6Addr::from_bits(first).into()), Reach::Global, "{network}/{length} {expected:?}");
        assert_ne!(reach(Ipv6Addr::from_bits(first | hosts).into()), Reach::Global, "{network}/{length} {expected:?}");
    }
}

#[test]
fn an_exception_is_one_host_at_one_port() {
    let allowed = Private::parse("docs.internal:8443").unwrap();
    let is = |url: &str| allowed.is(&DocumentUrl::parse(url).unwrap());

    assert!(is("https://docs.internal:8443/client.json"));
    assert!(!is("https://docs.internal/client.json"));
    assert!(!is("https://sub.docs.internal:8443/client.json"));
    assert!(Private::parse("docs.internal").unwrap().is(&DocumentUrl::parse("https://docs.internal/c").unwrap()));
    for wrong in
        ["", "*", "127.0.0.1:1", "docs.internal:443", "docs.internal/x", "a@b", "https://a.b", "docs.internal:"]
    {
        assert_eq!(Private::parse(wrong), None, "{wrong}");
    }
}
