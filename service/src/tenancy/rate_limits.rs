//! How many requests callers and visitors may make (tenancy.md §10). Each process counts for itself.

use std::net::IpAddr;
use std::time::Instant;

use crate::app::rate_limit::{Empty, Limit, Subject};
use crate::app::{App, AppError, Code};
use packshot_db::{TenantScope, tenant_configs};
use packshot_domain::id::TenantId;
use packshot_domain::network::ClientAddress;
use packshot_domain::principal::{Authentication, Principal};

/// Requests to open routes, for each address.
const OF_VISITORS: Limit = Limit::of_second(20);

/// Counts a request of a caller, whose key may have a limit of its own: for the key, the user and the tenant, whichever
/// is at its limit first.
///
/// # Errors
/// [`Code::RateLimited`].
pub(super) async fn count_caller(app: &App, who: &Principal, of_key: Option<u32>) -> Result<(), AppError> {
    let of_key = match who.authentication {
        Authentication::Key(key) => of_key.map(|per_s| (Subject::Key(key), Limit::of_second(per_s))),
        Authentication::Session(_) | Authentication::Local => None,
    };
    let in_force = app.in_force().await;
    let of_user = of_each_user(in_force.rate_limit_per_s, in_force.rate_limit_burst)
        .map(|limit| (Subject::User(who.user), limit));
    let of_tenant = of_tenant(app, who.home).await?;
    let of_tenant = of_tenant.map(|per_s| (Subject::Tenant(who.home), Limit::of_second(per_s)));
    let of: Vec<(Subject, Limit)> = [of_key, of_user, of_tenant].into_iter().flatten().collect();
    app.rates.take(&of, Instant::now()).map_err(refused)
}

/// Counts a request to an open route.
///
/// # Errors
/// [`Code::RateLimited`].
pub fn count_visitor(app: &App, from: Option<IpAddr>) -> Result<(), AppError> {
    let of = from.map(|address| (Subject::Address(ClientAddress::from(address)), OF_VISITORS));
    app.visitor_rates.take(of.as_slice(), Instant::now()).map_err(refused)
}

/// What the settings allow each user; `None`: there is no limit.
fn of_each_user(per_s: Option<u32>, burst: Option<u32>) -> Option<Limit> {
    let per_s = per_s?;
    Some(Limit::with_burst(per_s, burst.unwrap_or(per_s.saturating_mul(2))))
}

/// The tenant's own limit, in requests a second: `rate_limit_per_s` of its configuration.
async fn of_tenant(app: &App, tenant: TenantId) -> Result<Option<u32>, AppError> {
    let stored = tenant_configs::get(&app.db, TenantScope::of(tenant)).await?;
    Ok(stored.config.rate_limit_per_s.map(i32::unsigned_abs))
}

fn refused(Empty { of, per_s, wait }: Empty) -> AppError {
    let detail = match of {
        Subject::Key(_) => format!("more than {per_s} requests per second with this key"),
        Subject::User(_) => format!("more than {per_s} requests per second of this user"),
        Subject::Tenant(_) => format!("more than {per_s} requests per second of this tenant"),
        Subject::Address(_) => format!("more than {per_s} requests per second from this address, without a key"),
    };
    AppError::new(Code::RateLimited, detail).retry_after(wait)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use packshot_domain::id::UserId;

    #[test]
    fn users_have_a_limit_where_the_settings_say_so() {
        assert_eq!(of_each_user(None, None), None);
        assert_eq!(of_each_user(None, Some(5)), None);
        assert_eq!(of_each_user(Some(10), None), Some(Limit::with_burst(10, 20)), "twice the limit at once");
        assert_eq!(of_each_user(Some(10), Some(5)), Some(Limit::with_burst(10, 5)));
    }

    #[test]
    fn a_refusal_says_whose_limit_it_is_and_when_to_come_back() {
        let of = Subject::User(UserId::new());
        let told = |wait| refused(Empty { of, per_s: 3, wait });
        assert_eq!(told(Duration::from_millis(1)).detail(), "more than 3 requests per second of this user");
        for (wait_ms, seconds) in [(0, 1), (1, 1), (1000, 1), (1001, 2), (5000, 5)] {
            let wait = told(Duration::from_millis(wait_ms)).wait();
            assert_eq!(wait, Some(Duration::from_secs(seconds)), "{wait_ms}");
        }
    }
}
