//! Addresses of the Internet: the networks that they are in, and which of them are one client.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::fmt;
use std::str::FromStr;

/// The bits of an IPv6 address that a provider gives to one client (RFC 6177).
const CLIENT_BITS: u8 = 64;

/// A network: all addresses that begin with the same bits. One address is a network of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Network {
    /// The first address: all bits after the prefix are 0.
    first: IpAddr,
    /// The length of the prefix.
    bits: u8,
}

/// Text that is not a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidNetwork {
    /// It cannot be read as one.
    #[error("expected an address or a network, such as 192.0.2.7 or 10.0.0.0/8")]
    Unreadable,
    /// It is an address inside the network, so it may be a typing error.
    #[error("it has bits after its prefix: for the whole network write {0}")]
    NotFirst(Network),
}

impl Network {
    /// Whether an address is in it. An IPv4 address in IPv6 notation is the same address.
    #[must_use]
    pub fn contains(self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        address.is_ipv4() == self.first.is_ipv4() && masked(address, self.bits) == self.first
    }
}

/// The bits that an address has.
const fn length(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

/// An address whose bits after the first `bits` are 0.
fn masked(address: IpAddr, bits: u8) -> IpAddr {
    let rest = u32::from(length(address).saturating_sub(bits));
    match address {
        IpAddr::V4(address) => Ipv4Addr::from_bits(address.to_bits() & u32::MAX.checked_shl(rest).unwrap_or(0)).into(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & u128::MAX.checked_shl(rest).unwrap_or(0)).into(),
    }
}

impl FromStr for Network {
    type Err = InvalidNetwork;

    fn from_str(text: &str) -> Result<Self, InvalidNetwork> {
        let unreadable = InvalidNetwork::Unreadable;
        let Some((address, bits)) = text.split_once('/') else {
            let first = text.parse::<IpAddr>().map_err(|_| unreadable)?.to_canonical();
            return Ok(Self { first, bits: length(first) });
        };
        let address: IpAddr = address.parse().map_err(|_| unreadable)?;
        let is_plain = !bits.is_empty() && bits.bytes().all(|byte| byte.is_ascii_digit());
        let bits: u8 = bits.parse().ok().filter(|_| is_plain).ok_or(unreadable)?;
        // The prefix of an IPv4 address in IPv6 notation counts other bits.
        if bits > length(address) || address != address.to_canonical() {
            return Err(unreadable);
        }
        let network = Self { first: masked(address, bits), bits };
        if network.first == address { Ok(network) } else { Err(InvalidNetwork::NotFirst(network)) }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.bits == length(self.first) {
            true => write!(f, "{}", self.first),
            false => write!(f, "{}/{}", self.first, self.bits),
        }
    }
}

/// What counts as one client: an address of IPv4, or the first 64 bits of one of IPv6, as a client that has one of
/// these addresses has all 2⁶⁴ of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClientAddress(IpAddr);

impl From<IpAddr> for ClientAddress {
    fn from(address: IpAddr) -> Self {
        match address.to_canonical() {
            address @ IpAddr::V4(_) => Self(address),
            address @ IpAddr::V6(_) => Self(masked(address, CLIENT_BITS)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn networks_hold_the_addresses_of_their_prefix() {
        for (network, inside, outside) in [
            ("192.0.2.7", "192.0.2.7", "192.0.2.8"),
            ("10.0.0.0/8", "10.255.0.1", "11.0.0.0"),
            ("10.0.0.0/8", "::ffff:10.1.2.3", "::10.1.2.3"),
            ("192.0.2.128/25", "192.0.2.255", "192.0.2.127"),
            ("0.0.0.0/0", "203.0.113.9", "::1"),
            ("::1", "::1", "::2"),
            ("fd00::/8", "fdff::1", "fe00::1"),
            ("::/0", "2001:db8::1", "192.0.2.1"),
        ] {
            let read: Network = network.parse().expect("a network");
            assert!(read.contains(address(inside)) && !read.contains(address(outside)), "{network}");
            assert_eq!(read.to_string(), network);
        }
        assert_eq!("::ffff:192.0.2.7".parse::<Network>().map(|read| read.to_string()), Ok("192.0.2.7".to_owned()));
    }

    #[test]
    fn text_that_is_no_network_is_refused() {
        let unreadable =
            ["", "proxy.example", "10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0.0/+8", "10/8", "::ffff:10.0.0.0/104"];
        for text in unreadable {
            assert_eq!(text.parse::<Network>(), Err(InvalidNetwork::Unreadable), "{text}");
        }
        let typing_error = "10.0.0.1/8".parse::<Network>().expect_err("bits after the prefix");
        assert!(typing_error.to_string().ends_with("write 10.0.0.0/8"), "{typing_error}");
    }

    #[test]
    fn one_client_has_one_address_or_64_bits_of_addresses() {
        let client = |text: &str| ClientAddress::from(address(text));
        assert_eq!(client("192.0.2.1"), client("::ffff:192.0.2.1"));
        assert_ne!(client("192.0.2.1"), client("192.0.2.2"));
        assert_eq!(client("2001:db8::1"), client("2001:db8::ffff:2"));
        assert_ne!(client("2001:db8::1"), client("2001:db8:0:1::1"));
    }
}
