//! How many requests a key may make: a bucket of tokens for each.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use packshot_domain::id::KeyId;

/// Buckets that are kept; full ones are forgotten first.
const BUCKETS_MAX: usize = 10_000;

/// A bucket of tokens per key. It holds as many as a second brings.
#[derive(Debug, Default)]
pub(crate) struct RateLimiter {
    buckets: Mutex<HashMap<KeyId, Bucket>>,
}

#[derive(Debug)]
struct Bucket {
    tokens: f64,
    filled_at: Instant,
}

impl RateLimiter {
    /// Takes a token of a key that may make `per_s` requests a second.
    ///
    /// # Errors
    /// How long it takes until there is one.
    pub(crate) fn take(&self, key: KeyId, per_s: u32, now: Instant) -> Result<(), Duration> {
        let per_s = f64::from(per_s.max(1));
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= BUCKETS_MAX {
            buckets.retain(|_, bucket| now.saturating_duration_since(bucket.filled_at) < Duration::from_secs(1));
        }
        let bucket = buckets.entry(key).or_insert(Bucket { tokens: per_s, filled_at: now });
        let passed = now.saturating_duration_since(bucket.filled_at);
        bucket.tokens = (bucket.tokens + passed.as_secs_f64() * per_s).min(per_s);
        bucket.filled_at = now;
        if bucket.tokens < 1.0 {
            return Err(Duration::from_secs_f64((1.0 - bucket.tokens) / per_s));
        }
        bucket.tokens -= 1.0;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c32_the_sixth_of_five_waits_and_others_do_not() {
        let (rates, [key, other], now) = (RateLimiter::default(), [KeyId::new(), KeyId::new()], Instant::now());
        for _ in 0..5 {
            assert_eq!(rates.take(key, 5, now), Ok(()));
        }
        assert_eq!(rates.take(key, 5, now), Err(Duration::from_millis(200)));
        assert_eq!(rates.take(other, 5, now), Ok(()));
        assert_eq!(rates.take(key, 5, now + Duration::from_millis(200)), Ok(()));
        assert!(rates.take(key, 5, now + Duration::from_millis(200)).is_err());
        for _ in 0..5 {
            assert_eq!(rates.take(key, 5, now + Duration::from_secs(60)), Ok(()), "a pause fills the bucket, not more");
        }
        assert!(rates.take(key, 5, now + Duration::from_secs(60)).is_err());
    }
}
