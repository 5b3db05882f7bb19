//! Which addresses deliveries may go to: checked when a webhook is saved, and before every attempt.

use std::net::{IpAddr, Ipv4Addr};

use reqwest::Url;

use crate::settings::InForce;
use packshot_contract::webhook::URL_CHARS_MAX;
use packshot_domain::network::Network;
use packshot_domain::webhook::is_blocked;

/// The lowest port that is not one of the system's services.
const PORT_MIN: u16 = 1024;

/// Why nothing may be delivered to an address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refused {
    #[error("it is no web address")]
    Unreadable,
    #[error("it has more than {URL_CHARS_MAX} characters")]
    TooLong,
    #[error("expected an {0} address")]
    Scheme(&'static str),
    #[error("it must not have a user name, a password or a fragment")]
    Parts,
    #[error("the port {0} is not open to webhooks: expected the usual one, or one from {PORT_MIN} on")]
    Port(u16),
    #[error("the address {0} is not one of the public Internet")]
    Blocked(IpAddr),
}

/// The address of the machine itself.
const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// What the settings in force allow.
#[derive(Clone, Debug, Default)]
pub(super) struct Rules {
    /// Whether `http` may be used.
    pub(super) allow_http: bool,
    /// Networks that are open although they are not of the public Internet.
    pub(super) allowed: Vec<Network>,
}

impl Rules {
    pub(super) fn of(in_force: &InForce) -> Self {
        Self { allow_http: in_force.webhook_allow_http, allowed: in_force.webhook_allowed_networks.clone() }
    }

    /// Checks an address. Whether the addresses that its name has are open is found by its attempts.
    pub(super) fn check(&self, text: &str) -> Result<Url, Refused> {
        if text.chars().count() > URL_CHARS_MAX {
            return Err(Refused::TooLong);
        }
        let url = Url::parse(text).map_err(|_| Refused::Unreadable)?;
        let usual = match url.scheme() {
            "https" => 443,
            "http" if self.allow_http => 80,
            _ => return Err(Refused::Scheme(if self.allow_http { "http or https" } else { "https" })),
        };
        if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
            return Err(Refused::Parts);
        }
        let port = url.port().unwrap_or(usual);
        if port != usual && port < PORT_MIN {
            return Err(Refused::Port(port));
        }
        match host_address(&url) {
            Some(address) if is_blocked(address, &self.allowed) => Err(Refused::Blocked(address)),
            None if is_this_machine(&url) && is_blocked(LOOPBACK, &self.allowed) => Err(Refused::Blocked(LOOPBACK)),
            _ if url.host_str().is_none_or(str::is_empty) => Err(Refused::Unreadable),
            _ => Ok(url),
        }
    }
}

/// Whether a host is called so that it means the machine itself (RFC 6761 section 6.3): no resolver needs to say so.
fn is_this_machine(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_end_matches('.');
    host == "localhost" || host.ends_with(".localhost")
}

/// The address that a host is, where it is no name. The WHATWG rules have been applied: decimal, octal and hexadecimal
/// forms are the address that they mean.
pub(super) fn host_address(url: &Url) -> Option<IpAddr> {
    let host = url.host_str()?;
    host.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hosts of every blocked network, and forms of such addresses.
    pub(super) const BLOCKED: [&str; 45] = [
        "0.0.0.0",
        "10.0.0.1",
        "100.64.0.1",
        "100.127.255.254",
        "127.0.0.1",
        "127.1.2.3",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.254",
        "192.0.0.8",
        "192.0.2.7",
        "192.88.99.1",
        "192.168.1.1",
        "198.18.0.1",
        "198.19.255.254",
        "198.51.100.7",
        "203.0.113.9",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
        "2130706433",
        "0x7f.1",
        "0177.0.0.1",
        "0x7f000001",
        "127.1",
        "[::]",
        "[::1]",
        "[64:ff9b:1::1]",
        "[100::1]",
        "[2001::1]",
        "[2001:db8::1]",
        "[3fff::1]",
        "[5f00::1]",
        "[fc00::1]",
        "[fd12:3456::1]",
        "[fe80::1]",
        "[fec0::1]",
        "[ff02::1]",
        "[::ffff:10.0.0.1]",
        "[::ffff:7f00:1]",
        "[::192.168.0.1]",
        "[64:ff9b::a00:1]",
        "[64:ff9b::7f00:1]",
        "[2002:a00:1::]",
    ];

    #[test]
    fn n65_addresses_that_are_not_of_the_internet_are_refused() {
        let strict = Rules::default();
        for host in BLOCKED {
            let refused = strict.check(&format!("https://{host}/hook"));
            assert!(matches!(refused, Err(Refused::Blocked(_))), "{host}: {refused:?}");
        }
        for (url, reason) in [
            ("ftp://a.example/", Refused::Scheme("https")),
            ("file:///etc/passwd", Refused::Scheme("https")),
            ("http://a.example/", Refused::Scheme("https")),
            ("https://localhost/", Refused::Blocked(LOOPBACK)),
            ("https://hooks.LOCALHOST.:8443/", Refused::Blocked(LOOPBACK)),
            ("gopher://a.example/", Refused::Scheme("https")),
            ("javascript:alert(1)", Refused::Scheme("https")),
            ("https://anna@a.example/", Refused::Parts),
            ("https://anna:secret@a.example/", Refused::Parts),
            ("https://a.example/#top", Refused::Parts),
            ("https://a.example:22/", Refused::Port(22)),
            ("https://a.example:80/", Refused::Port(80)),
            ("https://a.example:1023/", Refused::Port(1023)),
            ("https://a.example:0/", Refused::Port(0)),
            ("https://", Refused::Unreadable),
            ("a.example/hook", Refused::Unreadable),
            ("https://300.1.1.1/", Refused::Unreadable),
        ] {
            assert_eq!(strict.check(url).map(|url| url.to_string()), Err(reason), "{url}");
        }
        assert_eq!(strict.check(&format!("https://a.example/{}", "x".repeat(2_048))), Err(Refused::TooLong));
        for url in [
            "https://a.example/hook?x=1",
            "https://a.example:8443/",
            "https://93.184.216.34/",
            "https://[2606:2800::1]/",
        ] {
            assert_eq!(strict.check(url).map(|url| url.to_string()), Ok(url.to_owned()));
        }
    }

    #[test]
    fn n67_what_is_allowed_can_be_used() {
        let open = Rules { allow_http: true, allowed: vec!["127.0.0.0/8".parse().expect("a network")] };
        for url in
            ["http://127.0.0.1:8080/", "http://a.example/", "https://127.0.0.1/", "http://[::ffff:127.0.0.1]:8080/"]
        {
            assert!(open.check(url).is_ok(), "{url}");
        }
        for url in ["http://10.0.0.1/", "http://a.example:443/", "http://[::1]:8080/"] {
            assert!(open.check(url).is_err(), "{url}");
        }
    }
}
