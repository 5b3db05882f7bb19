//! Where a request comes from: the other end of the connection, or, if that is a proxy that the settings trust, the
//! client that it names in `X-Forwarded-For`. From anybody else that header is ignored: it may say anything.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use axum::extract::{ConnectInfo, Request, State};
use axum::http::HeaderMap;
use axum::http::header::HeaderName;
use axum::middleware::Next;
use axum::response::Response;

use super::state::AppState;

/// The header to which each proxy appends where it got the request from.
const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The client's address, for limits and for the audit log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ClientIp(pub(crate) IpAddr);

/// The middleware: notes the address for all that look at the request.
pub(crate) async fn find(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer.ip());
    if let Some(peer) = peer {
        // Most requests have no such header: their address is known without the settings.
        let is_forwarded = request.headers().contains_key(X_FORWARDED_FOR);
        let client = match is_forwarded {
            true => {
                let in_force = state.in_force().await;
                client(peer, request.headers(), |address| in_force.trusted_proxies.contain(address))
            }
            false => peer.to_canonical(),
        };
        request.extensions_mut().insert(ClientIp(client));
    }
    next.run(request).await
}

/// Follows the proxies back, from the last one: the first address that is not one of theirs is the client's. If a
/// proxy names no address, the proxy itself counts as the client.
fn client(peer: IpAddr, headers: &HeaderMap, is_proxy: impl Fn(IpAddr) -> bool) -> IpAddr {
    let lines = headers.get_all(X_FORWARDED_FOR).iter().rev();
    let mut entries = lines.flat_map(|line| str::from_utf8(line.as_bytes()).unwrap_or_default().rsplit(','));
    let mut client = peer.to_canonical();
    while is_proxy(client) {
        match entries.next().and_then(address) {
            Some(address) => client = address,
            None => break,
        }
    }
    client
}

/// An address as proxies write it: some add the port.
fn address(entry: &str) -> Option<IpAddr> {
    let entry = entry.trim();
    let in_brackets = || entry.strip_prefix('[')?.strip_suffix(']')?.parse::<Ipv6Addr>().ok();
    let address = entry.parse::<IpAddr>().ok();
    let address = address.or_else(|| entry.parse::<SocketAddr>().ok().map(|address| address.ip()));
    address.or_else(|| in_brackets().map(IpAddr::V6)).map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    /// The client of a request from `peer` with these lines, where 10.0.0.0/8 and ::1 are proxies.
    fn of(peer: &str, lines: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(X_FORWARDED_FOR, HeaderValue::from_bytes(line.as_bytes()).expect("a value"));
        }
        let is_proxy = |address: IpAddr| match address {
            IpAddr::V4(address) => address.octets()[0] == 10,
            IpAddr::V6(address) => address.is_loopback(),
        };
        client(peer.parse().expect("an address"), &headers, is_proxy).to_string()
    }

    #[test]
    fn only_proxies_that_are_trusted_are_believed() {
        assert_eq!(of("203.0.113.9", &[]), "203.0.113.9");
        assert_eq!(of("203.0.113.9", &["192.0.2.1"]), "203.0.113.9");
        assert_eq!(of("10.0.0.1", &[]), "10.0.0.1");
        assert_eq!(of("10.0.0.1", &["192.0.2.1"]), "192.0.2.1");
        assert_eq!(of("::ffff:10.0.0.1", &["192.0.2.1"]), "192.0.2.1");
        assert_eq!(of("::1", &["::ffff:192.0.2.1"]), "192.0.2.1");
    }

    #[test]
    fn the_rightmost_address_that_is_no_proxy_is_the_client() {
        assert_eq!(of("10.0.0.1", &["192.0.2.1, 192.0.2.2"]), "192.0.2.2", "the client wrote the first one itself");
        assert_eq!(of("10.0.0.1", &["192.0.2.1, 192.0.2.2, 10.0.0.3,10.0.0.2"]), "192.0.2.2");
        assert_eq!(
            of("10.0.0.1", &["192.0.2.1", "192.0.2.2, 10.0.0.3", "10.0.0.2"]),
            "192.0.2.2",
            "lines are one list"
        );
        assert_eq!(of("10.0.0.1", &["10.0.0.3, 10.0.0.2"]), "10.0.0.3", "a client among the proxies");
    }

    #[test]
    fn what_is_no_address_ends_the_search() {
        for entry in ["unknown", "", "_hidden", "192.0.2", "192.0.2.1 192.0.2.2", "fe80::1%eth0", "\u{e9}"] {
            assert_eq!(of("10.0.0.1", &[&format!("192.0.2.9, {entry}, 10.0.0.2")]), "10.0.0.2", "{entry}");
        }
        assert_eq!(of("10.0.0.1", &["192.0.2.1:4711"]), "192.0.2.1");
        assert_eq!(of("10.0.0.1", &["[2001:db8::1]:4711"]), "2001:db8::1");
        assert_eq!(of("10.0.0.1", &["[2001:db8::1]"]), "2001:db8::1");
        assert_eq!(of("10.0.0.1", &[" 2001:db8::1 "]), "2001:db8::1");
    }
}
