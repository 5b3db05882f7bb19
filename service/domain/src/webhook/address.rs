//! Addresses that nothing is delivered to, because they are not of the public Internet: whoever names a webhook must
//! not reach what only the service's own network can (notifications.md §8).

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::network::Network;

/// Networks of IPv4: first address and length of the prefix.
const V4: [([u8; 4], u32); 15] = [
    ([0, 0, 0, 0], 8),
    ([10, 0, 0, 0], 8),
    ([100, 64, 0, 0], 10),
    ([127, 0, 0, 0], 8),
    ([169, 254, 0, 0], 16),
    ([172, 16, 0, 0], 12),
    ([192, 0, 0, 0], 24),
    ([192, 0, 2, 0], 24),
    ([192, 88, 99, 0], 24),
    ([192, 168, 0, 0], 16),
    ([198, 18, 0, 0], 15),
    ([198, 51, 100, 0], 24),
    ([203, 0, 113, 0], 24),
    ([224, 0, 0, 0], 4),
    ([240, 0, 0, 0], 4),
];

/// Networks of IPv6: the first 64 bits of the first address and the length of the prefix. The two single addresses,
/// `::` and `::1`, are looked at by themselves.
const V6: [([u16; 4], u32); 10] = [
    ([0x64, 0xff9b, 1, 0], 48),
    ([0x100, 0, 0, 0], 64),
    ([0x2001, 0, 0, 0], 23),
    ([0x2001, 0xdb8, 0, 0], 32),
    ([0x3fff, 0, 0, 0], 20),
    ([0x5f00, 0, 0, 0], 16),
    ([0xfc00, 0, 0, 0], 7),
    ([0xfe80, 0, 0, 0], 10),
    ([0xfec0, 0, 0, 0], 10),
    ([0xff00, 0, 0, 0], 8),
];

/// Whether nothing may be delivered to an address. `allowed` are networks that whoever runs the installation has
/// opened.
#[must_use]
pub fn is_blocked(address: IpAddr, allowed: &[Network]) -> bool {
    let meant = match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(of) => inner(of).map_or(address, IpAddr::V4),
    };
    let is_open = |address| allowed.iter().any(|network| network.contains(address));
    if is_open(address) || is_open(meant) {
        return false;
    }
    match meant {
        IpAddr::V4(meant) => is_reserved_v4(meant),
        IpAddr::V6(meant) => is_reserved_v6(meant),
    }
}

fn is_reserved_v4(address: Ipv4Addr) -> bool {
    let bits = address.to_bits();
    V4.iter().any(|(first, length)| (bits ^ u32::from_be_bytes(*first)) >> (32 - length) == 0)
}

fn is_reserved_v6(address: Ipv6Addr) -> bool {
    if address.is_unspecified() || address.is_loopback() {
        return true;
    }
    let bits = (address.to_bits() >> 64) as u64;
    V6.iter().any(|([a, b, c, d], length)| {
        let first = [*a, *b, *c, *d].into_iter().fold(0_u64, |bits, part| bits << 16 | u64::from(part));
        (bits ^ first) >> (64 - length) == 0
    })
}

/// The IPv4 address inside an address of IPv6: mapped (`::ffff:0:0/96`), compatible (`::/96`), translated
/// (`64:ff9b::/96`) or tunnelled (`2002::/16`).
fn inner(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let [a, b, c, d, e, f, g, h] = address.segments();
    let of = |high: u16, low: u16| Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low));
    match [a, b, c, d, e, f] {
        [0, 0, 0, 0, 0, 0] if address.is_unspecified() || address.is_loopback() => None,
        [0, 0, 0, 0, 0, 0 | 0xffff] | [0x64, 0xff9b, 0, 0, 0, 0] => Some(of(g, h)),
        [0x2002, ..] => Some(of(b, c)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blocked(text: &str) -> bool {
        is_blocked(text.parse().expect("an address"), &[])
    }

    #[test]
    fn n65_every_private_network_is_blocked_from_its_first_to_its_last_address() {
        for (first, last, after) in [
            ("0.0.0.0", "0.255.255.255", "1.0.0.0"),
            ("10.0.0.0", "10.255.255.255", "11.0.0.0"),
            ("100.64.0.0", "100.127.255.255", "100.128.0.0"),
            ("127.0.0.0", "127.255.255.255", "128.0.0.0"),
            ("169.254.0.0", "169.254.255.255", "169.255.0.0"),
            ("172.16.0.0", "172.31.255.255", "172.32.0.0"),
            ("192.0.0.0", "192.0.0.255", "192.0.1.0"),
            ("192.0.2.0", "192.0.2.255", "192.0.3.0"),
            ("192.88.99.0", "192.88.99.255", "192.88.100.0"),
            ("192.168.0.0", "192.168.255.255", "192.169.0.0"),
            ("198.18.0.0", "198.19.255.255", "198.20.0.0"),
            ("198.51.100.0", "198.51.100.255", "198.51.101.0"),
            ("203.0.113.0", "203.0.113.255", "203.0.114.0"),
            ("224.0.0.0", "255.255.255.255", "223.255.255.255"),
            ("::", "::", "::8.8.8.8"),
            ("::1", "::1", "::8.8.8.8"),
            ("64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff", "64:ff9b:2::"),
            ("100::", "100::ffff:ffff:ffff:ffff", "100:0:0:1::"),
            ("2001::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff", "2001:200::"),
            ("2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db9::"),
            ("3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff", "3fff:1000::"),
            ("5f00::", "5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "5f01::"),
            ("fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "fbff::"),
            ("fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "fe7f::"),
            ("fec0::", "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "fe7f::"),
            ("ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2600::"),
            ("::ffff:10.0.0.0", "::ffff:10.255.255.255", "::ffff:11.0.0.0"),
            ("::10.0.0.1", "::192.168.0.1", "::1.1.1.1"),
            ("64:ff9b::a00:1", "64:ff9b::127.0.0.1", "64:ff9b::1.1.1.1"),
            ("2002:a00:1::", "2002:7f00:1::1", "2002:101:101::"),
        ] {
            assert!(blocked(first) && blocked(last), "{first} to {last}");
            assert!(!blocked(after), "{after}");
        }
    }

    #[test]
    fn n67_a_network_can_be_opened() {
        let open: Vec<Network> = ["127.0.0.0/8", "fd00::/8"].map(|text| text.parse().expect("a network")).into();
        for (address, is) in [
            ("127.0.0.1", false),
            ("::ffff:127.0.0.1", false),
            ("64:ff9b::7f00:1", false),
            ("fd00::7", false),
            ("10.0.0.1", true),
            ("fc00::7", true),
            ("::1", true),
        ] {
            assert_eq!(is_blocked(address.parse().expect("an address"), &open), is, "{address}");
        }
    }
}
