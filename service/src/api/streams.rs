//! How many event streams are open: each holds a connection and asks the database again and again.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use packshot_domain::access::Principal;
use packshot_domain::id::{TenantId, UserId};

/// Streams of one user at the same time.
const OF_USER_MAX: usize = 20;
/// Streams of one tenant at the same time.
const OF_TENANT_MAX: usize = 200;

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
    /// A place for one more stream; `None` when the user or the tenant has as many as they may have.
    pub(crate) fn open(&self, of: &Principal) -> Option<Place> {
        let (user, tenant) = (of.user, of.tenant);
        let mut open = self.lock();
        let count = |n: Option<&usize>| n.copied().unwrap_or(0);
        if count(open.of_user.get(&user)) >= OF_USER_MAX || count(open.of_tenant.get(&tenant)) >= OF_TENANT_MAX {
            return None;
        }
        *open.of_user.entry(user).or_default() += 1;
        *open.of_tenant.entry(tenant).or_default() += 1;
        Some(Place { streams: self.clone(), user, tenant })
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The place of one stream, free again when it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    streams: Streams,
    user: UserId,
    tenant: TenantId,
}

impl Drop for Place {
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
    use packshot_domain::access::{Authentication, Role};

    #[test]
    fn users_and_tenants_have_their_limits_and_places_come_back() {
        let streams = Streams::default();
        let tenant = TenantId::new();
        let user = |tenant| Principal {
            tenant,
            in_operating_tenant: false,
            user: UserId::new(),
            role: Role::ProjectManager,
            scopes: None,
            authentication: Authentication::Local,
        };
        let one = user(tenant);
        let mut places: Vec<Place> = (0..OF_USER_MAX).filter_map(|_| streams.open(&one)).collect();
        assert_eq!(places.len(), OF_USER_MAX);
        assert!(streams.open(&one).is_none(), "the user has all of theirs");
        while places.len() < OF_TENANT_MAX {
            places.push(streams.open(&user(tenant)).expect("the tenant has some left"));
        }
        assert!(streams.open(&user(tenant)).is_none(), "the tenant has all of its");
        assert!(streams.open(&user(TenantId::new())).is_some(), "another tenant is another matter");
        drop(places.pop());
        assert!(streams.open(&user(tenant)).is_some());
        drop(places);
        let open = streams.lock();
        assert!(open.of_user.is_empty() && open.of_tenant.is_empty(), "{open:?}");
    }
}
