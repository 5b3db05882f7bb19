//! How many event streams are open: each holds a connection and queries the database regularly.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::streams::Limits;
use packshot_domain::id::{TenantId, UserId};
use packshot_domain::principal::Principal;

/// There is no room for another stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TooManyStreams {
    /// The user has reached the limit.
    #[error("this user has {0} event streams open, as many as `max_event_streams_per_user` allows: close one")]
    OfUser(usize),
    /// The tenant has reached the limit.
    #[error("{0} event streams are open, as many as `max_event_streams_per_tenant` allows: close one")]
    OfTenant(usize),
}

/// The streams that are open.
#[derive(Clone, Debug, Default)]
pub(crate) struct Streams {
    open: Arc<Mutex<Open>>,
}

#[derive(Debug, Default)]
struct Open {
    of_user: HashMap<UserId, usize>,
    of_tenant: HashMap<TenantId, usize>,
}

impl Streams {
    /// A place for one more stream.
    ///
    /// # Errors
    /// The user or the tenant has reached the limit.
    pub(crate) fn open(&self, of: &Principal, limits: Limits) -> Result<StreamPermit, TooManyStreams> {
        let (user, tenant) = (of.user, of.tenant);
        let mut open = self.lock();
        let count = |n: Option<&usize>| n.copied().unwrap_or(0);
        let (of_user, of_tenant) = (count(open.of_user.get(&user)), count(open.of_tenant.get(&tenant)));
        if of_user >= limits.of_user {
            return Err(TooManyStreams::OfUser(of_user));
        }
        if of_tenant >= limits.of_tenant {
            return Err(TooManyStreams::OfTenant(of_tenant));
        }
        *open.of_user.entry(user).or_default() += 1;
        *open.of_tenant.entry(tenant).or_default() += 1;
        Ok(StreamPermit { streams: self.clone(), user, tenant })
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The place of one stream, free again when it is dropped.
#[derive(Debug)]
pub(crate) struct StreamPermit {
    streams: Streams,
    user: UserId,
    tenant: TenantId,
}

impl Drop for StreamPermit {
    fn drop(&mut self) {
        let mut open = self.streams.lock();
        leave(&mut open.of_user, self.user);
        leave(&mut open.of_tenant, self.tenant);
    }
}

fn leave<K: Eq + Hash>(counts: &mut HashMap<K, usize>, key: K) {
    if let Some(count) = counts.get_mut(&key) {
        *count -= 1;
        if *count == 0 {
            counts.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use packshot_domain::access::Role;
    use packshot_domain::principal::{Authentication, Origin};

    #[test]
    fn users_and_tenants_have_their_limits_and_places_come_back() {
        let streams = Streams::default();
        let tenant = TenantId::new();
        let user = |tenant| Principal {
            tenant,
            home: tenant,
            in_operating_tenant: false,
            user: UserId::new(),
            role: Role::ProjectManager,
            name: "Anna".to_owned(),
            must_change_password: false,
            scopes: None,
            authentication: Authentication::Local,
            origin: Origin::default(),
        };
        let (one, limits) = (user(tenant), Limits { of_user: 3, of_tenant: 7 });
        let mut permits: Vec<StreamPermit> =
            (0..3).map(|_| streams.open(&one, limits).expect("there is room")).collect();
        assert_eq!(streams.open(&one, limits).err(), Some(TooManyStreams::OfUser(3)));
        while permits.len() < 7 {
            permits.push(streams.open(&user(tenant), limits).expect("the tenant has some left"));
        }
        assert_eq!(streams.open(&user(tenant), limits).err(), Some(TooManyStreams::OfTenant(7)));
        assert!(streams.open(&user(TenantId::new()), limits).is_ok(), "another tenant has a limit of its own");
        drop(permits.pop());
        assert!(streams.open(&user(tenant), limits).is_ok());
        drop(permits);
        let open = streams.lock();
        assert!(open.of_user.is_empty() && open.of_tenant.is_empty(), "{open:?}");
    }
}
