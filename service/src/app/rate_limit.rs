//! How many requests a caller may make: a bucket of tokens for each, which fills up as time passes. A request takes one
//! token of every bucket that it draws from, or none of any.
//!
//! Tokens are counted in billionths, as whole numbers, so that limits are exact.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use packshot_domain::id::{KeyId, TenantId, UserId};
use packshot_domain::network::ClientAddress;

/// Buckets that are kept at most; when there are more, full ones are forgotten, then the fullest.
const BUCKETS_MAX: usize = 20_000;
/// One token.
const TOKEN: u64 = 1_000_000_000;

/// Whose requests are counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Subject {
    /// Requests with an API key.
    Key(KeyId),
    /// Requests of a user, with all keys and sessions.
    User(UserId),
    /// Requests of all users of a tenant.
    Tenant(TenantId),
    /// Requests from an address.
    Address(ClientAddress),
}

/// How many requests are allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limit {
    per_s: u32,
    burst: u32,
}

impl Limit {
    /// So many per second, which may come at once.
    pub(crate) const fn of_second(per_s: u32) -> Self {
        Self::with_burst(per_s, per_s)
    }

    /// So many per second, and `burst` at once after a pause.
    pub(crate) const fn with_burst(per_s: u32, burst: u32) -> Self {
        Self { per_s: if per_s == 0 { 1 } else { per_s }, burst: if burst == 0 { 1 } else { burst } }
    }

    /// The tokens of a full bucket.
    fn full(self) -> u64 {
        u64::from(self.burst) * TOKEN
    }
}

/// A bucket has no token left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Empty {
    /// Whose bucket it is.
    pub(crate) of: Subject,
    /// How many requests per second it allows.
    pub(crate) per_s: u32,
    /// How long it takes until there is a token again.
    pub(crate) wait: Duration,
}

/// A bucket for each subject.
#[derive(Debug, Default)]
pub(crate) struct RateLimiter {
    buckets: Mutex<HashMap<Subject, Bucket>>,
}

/// What was in a bucket when it was last looked at.
#[derive(Debug)]
struct Bucket {
    tokens: u64,
    limit: Limit,
    at: Instant,
}

impl RateLimiter {
    /// Takes a token from the bucket of each of these subjects, or from none when one is empty.
    ///
    /// # Errors
    /// The bucket that takes longest to have a token again.
    pub(crate) fn take(&self, of: &[(Subject, Limit)], now: Instant) -> Result<(), Empty> {
        if of.is_empty() {
            return Ok(());
        }
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        for &(subject, limit) in of {
            let bucket = buckets.entry(subject).or_insert(Bucket { tokens: limit.full(), limit, at: now });
            bucket.limit = limit;
            bucket.tokens = bucket.tokens_at(now);
            bucket.at = bucket.at.max(now);
        }
        let empty = of.iter().filter_map(|&(subject, limit)| {
            let wait = buckets.get(&subject)?.wait()?;
            Some(Empty { of: subject, per_s: limit.per_s, wait })
        });
        if let Some(empty) = empty.max_by_key(|empty| empty.wait) {
            return Err(empty);
        }
        for (subject, _) in of {
            if let Some(bucket) = buckets.get_mut(subject) {
                bucket.tokens = bucket.tokens.saturating_sub(TOKEN);
            }
        }
        if buckets.len() > BUCKETS_MAX {
            forget(&mut buckets, now);
        }
        Ok(())
    }
}

impl Bucket {
    fn tokens_at(&self, now: Instant) -> u64 {
        let passed = now.saturating_duration_since(self.at).as_nanos();
        let gained = u64::try_from(passed).unwrap_or(u64::MAX).saturating_mul(u64::from(self.limit.per_s));
        self.tokens.saturating_add(gained).min(self.limit.full())
    }

    /// How long it takes until there is a token; `None` when there is one.
    fn wait(&self) -> Option<Duration> {
        let missing = TOKEN.checked_sub(self.tokens).filter(|missing| *missing > 0)?;
        Some(Duration::from_nanos(missing.div_ceil(u64::from(self.limit.per_s))))
    }

    /// How much has been taken from it and has not come back.
    fn taken_at(&self, now: Instant) -> u64 {
        self.limit.full() - self.tokens_at(now)
    }
}

/// Makes room for as many again: a bucket that is full says nothing, and of the others those say least from which least
/// was taken.
fn forget(buckets: &mut HashMap<Subject, Bucket>, now: Instant) {
    buckets.retain(|_, bucket| bucket.taken_at(now) > 0);
    let mut taken: Vec<(u64, Subject)> =
        buckets.iter().map(|(subject, bucket)| (bucket.taken_at(now), *subject)).collect();
    taken.sort_unstable_by_key(|(taken, _)| *taken);
    for (_, subject) in &taken[..taken.len().saturating_sub(BUCKETS_MAX / 2)] {
        buckets.remove(subject);
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::*;

    fn key() -> Subject {
        Subject::Key(KeyId::new())
    }

    fn tenant() -> Subject {
        Subject::Tenant(TenantId::new())
    }

    fn address(number: u32) -> Subject {
        Subject::Address(ClientAddress::from(IpAddr::V4(Ipv4Addr::from_bits(number))))
    }

    #[test]
    fn c32_the_sixth_of_five_waits_and_others_do_not() {
        let (rates, now) = (RateLimiter::default(), Instant::now());
        let limit = Limit::of_second(5);
        let ([key, other], later) = ([(key(), limit), (key(), limit)], now + Duration::from_millis(200));
        for _ in 0..5 {
            assert_eq!(rates.take(&[key], now), Ok(()));
        }
        let wait = Duration::from_millis(200);
        assert_eq!(rates.take(&[key], now), Err(Empty { of: key.0, per_s: 5, wait }));
        assert_eq!(rates.take(&[other], now), Ok(()));
        assert!(rates.take(&[key], later - Duration::from_nanos(1)).is_err());
        assert_eq!(rates.take(&[key], later), Ok(()));
        assert!(rates.take(&[key], later).is_err());
        assert!(rates.take(&[key], now).is_err(), "a request that was late to look does not fill it twice");
        for _ in 0..5 {
            assert_eq!(rates.take(&[key], now + Duration::from_secs(60)), Ok(()), "a pause fills the bucket, not more");
        }
        assert!(rates.take(&[key], now + Duration::from_secs(60)).is_err());
    }

    #[test]
    fn t79_two_keys_share_the_limit_of_their_tenant() {
        let (rates, now) = (RateLimiter::default(), Instant::now());
        let (alpha, beta) = ((tenant(), Limit::of_second(10)), (tenant(), Limit::of_second(10)));
        let keys = [(key(), Limit::of_second(7)), (key(), Limit::of_second(100))];
        for i in 0..10 {
            assert_eq!(rates.take(&[keys[i % 2], alpha], now), Ok(()), "{i}");
        }
        let refused = rates.take(&[keys[0], alpha], now).expect_err("the eleventh of both");
        assert_eq!((refused.of, refused.wait), (alpha.0, Duration::from_millis(100)));
        assert_eq!(rates.take(&[keys[1], beta], now), Ok(()), "another tenant has a limit of its own");
        for _ in 0..2 {
            assert_eq!(rates.take(&[keys[0]], now), Ok(()), "what is refused takes nothing from other buckets");
        }
        assert!(rates.take(&[keys[0]], now).is_err());
    }

    #[test]
    fn whichever_is_empty_first_decides() {
        let (rates, now) = (RateLimiter::default(), Instant::now());
        let [key, user] = [(key(), Limit::of_second(2)), (Subject::User(UserId::new()), Limit::with_burst(1, 3))];
        assert!((0..2).all(|_| rates.take(&[key, user], now).is_ok()));
        assert_eq!(rates.take(&[key, user], now).expect_err("empty").of, key.0);
        let later = now + Duration::from_secs(1);
        assert!((0..2).all(|_| rates.take(&[key, user], later).is_ok()));
        let refused = rates.take(&[key, user], later).expect_err("both are empty");
        assert_eq!((refused.of, refused.wait), (user.0, Duration::from_secs(1)), "the one that takes longer");
    }

    #[test]
    fn whoever_keeps_to_the_limit_is_never_refused() {
        let (rates, begun) = (RateLimiter::default(), Instant::now());
        let of = [(key(), Limit::of_second(3))];
        for i in 0..3_000 {
            // A third of a second each, rounded up to a nanosecond.
            let now = begun + Duration::from_nanos((i * 1_000_000_000_u64).div_ceil(3));
            assert_eq!(rates.take(&of, now), Ok(()), "{i}");
        }
    }

    #[test]
    fn the_limit_is_exact_when_many_come_at_once() {
        let (rates, now) = (RateLimiter::default(), Instant::now());
        let of = [(tenant(), Limit::of_second(100))];
        let taken: usize = std::thread::scope(|scope| {
            let threads: Vec<_> =
                (0..8).map(|_| scope.spawn(|| (0..50).filter(|_| rates.take(&of, now).is_ok()).count())).collect();
            threads.into_iter().map(|thread| thread.join().expect("no panic")).sum()
        });
        assert_eq!(taken, 100);
    }

    #[test]
    fn memory_has_a_limit_and_keeps_who_took_most() {
        let (rates, now) = (RateLimiter::default(), Instant::now());
        let limit = Limit::of_second(20);
        let greedy = [(address(u32::MAX), limit)];
        while rates.take(&greedy, now).is_ok() {}
        for number in 0..60_000 {
            assert_eq!(rates.take(&[(address(number), limit)], now), Ok(()));
            assert!(rates.buckets.lock().expect("no panic").len() <= BUCKETS_MAX);
        }
        assert!(rates.take(&greedy, now).is_err(), "it is not forgotten for all of these");
    }
}
