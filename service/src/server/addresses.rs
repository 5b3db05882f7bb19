//! How many connections each address has: one client must not use up the connections of all others.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use packshot_domain::network::ClientAddress;

/// Connections by address.
#[derive(Clone, Debug)]
pub(super) struct Addresses {
    max: usize,
    open: Arc<Mutex<HashMap<ClientAddress, usize>>>,
}

impl Addresses {
    /// With so many connections for each address, at most.
    pub(super) fn new(max: usize) -> Self {
        Self { max, open: Arc::default() }
    }

    /// A place for one more connection of an address; `None` when it has as many as it may have.
    pub(super) fn seat(&self, address: IpAddr) -> Option<Seat> {
        let client = ClientAddress::from(address);
        let mut open = self.lock();
        let count = open.entry(client).or_default();
        if *count >= self.max {
            return None;
        }
        *count += 1;
        Some(Seat { of: self.clone(), client })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ClientAddress, usize>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The place of one connection, free again when it is dropped.
#[derive(Debug)]
pub(super) struct Seat {
    of: Addresses,
    client: ClientAddress,
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut open = self.of.lock();
        if let Some(count) = open.get_mut(&self.client) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.client);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_its_places_and_leaves_nothing_behind() {
        let addresses = Addresses::new(2);
        let seat = |text: &str| addresses.seat(text.parse().expect("an address"));
        let first = (seat("192.0.2.1"), seat("::ffff:192.0.2.1"));
        assert!(first.0.is_some() && first.1.is_some() && seat("192.0.2.1").is_none(), "mapped or not, it is the same");
        let second = (seat("2001:db8::1"), seat("2001:db8::ffff:2"));
        assert!(second.0.is_some() && second.1.is_some() && seat("2001:db8::3").is_none(), "one /64 is one client");
        let others = (seat("192.0.2.2"), seat("2001:db8:0:1::1"));
        assert!(others.0.is_some() && others.1.is_some());
        drop(first.0);
        assert!(seat("192.0.2.1").is_some(), "a place is free again");
        drop((first.1, second, others));
        assert!(addresses.lock().is_empty());
    }
}
