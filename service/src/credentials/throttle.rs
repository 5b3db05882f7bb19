//! Failed sign-ins: after a few of them, further sign-ins are refused without a look at the password, so that passwords
//! cannot be guessed.
//!
//! A sign-in that is being checked may fail too. So no more are checked at the same time than may still fail, and
//! further ones wait for those: nobody is refused because of sign-ins that turn out to be right.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use packshot_domain::network::ClientAddress;
use packshot_domain::time::Timestamp;
use tokio::sync::Notify;

/// How long a failure counts.
const WINDOW: Duration = Duration::from_secs(15 * 60);
/// Failures for an e-mail address, at most.
const OF_EMAIL_MAX: usize = 10;
/// Failures from a network address, at most.
const OF_ADDRESS_MAX: usize = 100;
/// E-mail addresses that are remembered at most, and network addresses. When there are more, those with the fewest
/// failures are forgotten: so that made-up addresses do not push out the one whose password is being guessed.
const SUBJECTS_MAX: usize = 20_000;

/// An e-mail address in lower case, whether anybody has it or not: its hash, as clients may send long ones.
type Email = [u8; 32];

/// Failures of the last minutes.
#[derive(Debug)]
pub(crate) struct Throttle {
    tries: Mutex<AllTries>,
    /// A sign-in has ended.
    ended: Notify,
}

#[derive(Debug)]
struct AllTries {
    of_emails: Subjects<Email>,
    of_addresses: Subjects<ClientAddress>,
}

/// Tries of each e-mail address, or of each network address.
#[derive(Debug)]
struct Subjects<K> {
    tries: HashMap<K, Tries>,
    failures_max: usize,
}

#[derive(Debug, Default)]
struct Tries {
    /// When the failed tries were made, in no order.
    failed_at: Vec<Timestamp>,
    /// Tries that are being checked.
    in_progress: usize,
}

/// A sign-in that is being checked. It is a failure unless it says that it succeeded.
#[derive(Debug)]
pub(crate) struct Attempt<'t> {
    throttle: &'t Throttle,
    email: Email,
    address: Option<ClientAddress>,
    at: Timestamp,
    has_succeeded: bool,
}

/// Why a sign-in is not checked now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum NotNow {
    /// Too many have failed; how long until one of them no longer counts.
    TooMany(Duration),
    /// Others come first: if all of them fail, that is too many.
    OthersFirst,
}

impl Default for Throttle {
    fn default() -> Self {
        let of_emails = Subjects { tries: HashMap::new(), failures_max: OF_EMAIL_MAX };
        let of_addresses = Subjects { tries: HashMap::new(), failures_max: OF_ADDRESS_MAX };
        Self { tries: Mutex::new(AllTries { of_emails, of_addresses }), ended: Notify::new() }
    }
}

impl Throttle {
    /// Begins a sign-in, once those that come first are over.
    ///
    /// # Errors
    /// How long to wait, when too many have failed.
    pub(crate) async fn attempt(
        &self,
        email_folded: &str,
        address: Option<IpAddr>,
        now: Timestamp,
    ) -> Result<Attempt<'_>, Duration> {
        let begun = Instant::now();
        loop {
            // From here on this notices sign-ins that end, even before it is awaited.
            let ended = self.ended.notified();
            match self.begin(email_folded, address, now + begun.elapsed()) {
                Ok(attempt) => return Ok(attempt),
                Err(NotNow::TooMany(wait)) => return Err(wait),
                Err(NotNow::OthersFirst) => ended.await,
            }
        }
    }

    fn begin(&self, email_folded: &str, address: Option<IpAddr>, now: Timestamp) -> Result<Attempt<'_>, NotNow> {
        let email: Email = *blake3::hash(email_folded.as_bytes()).as_bytes();
        let address = address.map(ClientAddress::from);
        let mut tries = self.lock();
        let of_email = tries.of_emails.not_now(&email, now);
        let of_address = address.and_then(|address| tries.of_addresses.not_now(&address, now));
        match (of_email, of_address) {
            (None, None) => {}
            (Some(NotNow::TooMany(one)), Some(NotNow::TooMany(other))) => return Err(NotNow::TooMany(one.max(other))),
            (Some(too_many @ NotNow::TooMany(_)), _) | (_, Some(too_many @ NotNow::TooMany(_))) => {
                return Err(too_many);
            }
            _ => return Err(NotNow::OthersFirst),
        }
        tries.of_emails.begin(email, now);
        if let Some(address) = address {
            tries.of_addresses.begin(address, now);
        }
        Ok(Attempt { throttle: self, email, address, at: now, has_succeeded: false })
    }

    fn lock(&self) -> MutexGuard<'_, AllTries> {
        self.tries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Attempt<'_> {
    /// The password was right: this one does not count.
    pub(crate) fn succeeded(mut self) {
        self.has_succeeded = true;
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        let failed_at = (!self.has_succeeded).then_some(self.at);
        let mut tries = self.throttle.lock();
        tries.of_emails.end(&self.email, failed_at);
        if let Some(address) = self.address {
            tries.of_addresses.end(&address, failed_at);
        }
        drop(tries);
        self.throttle.ended.notify_waiters();
    }
}

impl<K: Copy + Eq + Hash> Subjects<K> {
    /// Why no other try may begin; `None` when one may.
    fn not_now(&mut self, of: &K, now: Timestamp) -> Option<NotNow> {
        let tries = self.tries.get_mut(of)?;
        tries.forget(now);
        if tries.failed_at.len() >= self.failures_max {
            // As soon as the oldest no longer counts there is room for another.
            let oldest = tries.failed_at.iter().min()?;
            return Some(NotNow::TooMany((*oldest + WINDOW).since(now)));
        }
        (tries.failed_at.len() + tries.in_progress >= self.failures_max).then_some(NotNow::OthersFirst)
    }

    fn begin(&mut self, of: K, now: Timestamp) {
        self.tries.entry(of).or_default().in_progress += 1;
        if self.tries.len() > SUBJECTS_MAX {
            self.make_room(now);
        }
    }

    fn end(&mut self, of: &K, failed_at: Option<Timestamp>) {
        let Some(tries) = self.tries.get_mut(of) else { return };
        tries.in_progress -= 1;
        tries.failed_at.extend(failed_at);
        if tries.failed_at.is_empty() && tries.in_progress == 0 {
            self.tries.remove(of);
        }
    }

    /// Forgets what no longer counts, and then, down to half, those with the fewest failures, of these the oldest.
    fn make_room(&mut self, now: Timestamp) {
        self.tries.retain(|_, tries| {
            tries.forget(now);
            tries.in_progress > 0 || !tries.failed_at.is_empty()
        });
        let over = self.tries.iter().filter(|(_, tries)| tries.in_progress == 0);
        let mut over: Vec<(usize, Option<Timestamp>, K)> =
            over.map(|(of, tries)| (tries.failed_at.len(), tries.failed_at.iter().max().copied(), *of)).collect();
        over.sort_unstable_by_key(|(failures, last, _)| (*failures, *last));
        let excess = self.tries.len().saturating_sub(SUBJECTS_MAX / 2);
        for (.., of) in over.iter().take(excess) {
            self.tries.remove(of);
        }
    }
}

impl Tries {
    /// Forgets failures that no longer count.
    fn forget(&mut self, now: Timestamp) {
        self.failed_at.retain(|at| now.since(*at) < WINDOW);
    }
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;
    use std::task::{Context, Waker};

    use super::*;

    fn at(s: i64) -> Timestamp {
        Timestamp::from_unix_ms(s * 1000)
    }

    fn address(last: u8) -> Option<IpAddr> {
        Some(IpAddr::from([192, 0, 2, last]))
    }

    fn too_many(s: u64) -> Option<NotNow> {
        Some(NotNow::TooMany(Duration::from_secs(s)))
    }

    /// A try with a wrong password; why it was not looked at.
    fn fail(throttle: &Throttle, email: &str, from: Option<IpAddr>, now: Timestamp) -> Option<NotNow> {
        throttle.begin(email, from, now).map(drop).err()
    }

    /// Looks whether it is over.
    fn is_waiting<T>(of: &mut Pin<Box<impl Future<Output = T>>>) -> bool {
        of.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending()
    }

    fn is_empty(throttle: &Throttle) -> bool {
        let tries = throttle.lock();
        tries.of_emails.tries.is_empty() && tries.of_addresses.tries.is_empty()
    }

    #[test]
    fn t19_the_eleventh_try_waits_until_the_first_has_aged() {
        let throttle = Throttle::default();
        for s in 0..10 {
            assert_eq!(fail(&throttle, "a@b", address(1), at(s)), None);
        }
        assert_eq!(fail(&throttle, "a@b", address(2), at(10)), too_many(890));
        assert_eq!(fail(&throttle, "c@d", address(1), at(10)), None, "another address has a limit of its own");
        assert_eq!(fail(&throttle, "a@b", address(1), at(899)), too_many(1));
        assert_eq!(fail(&throttle, "a@b", address(1), at(900)), None);
        assert_eq!(fail(&throttle, "a@b", address(1), at(900)), too_many(1), "the next one has aged in a second");
    }

    #[test]
    fn t19_an_address_may_not_try_everyone() {
        let throttle = Throttle::default();
        for i in 0..100 {
            assert_eq!(fail(&throttle, &format!("{i}@b"), address(1), at(0)), None);
        }
        assert_eq!(fail(&throttle, "x@b", address(1), at(1)), too_many(899));
        assert_eq!(fail(&throttle, "x@b", address(2), at(1)), None);
        assert_eq!(fail(&throttle, "x@b", None, at(1)), None);
        let of_ipv6 = |last: u16| Some(IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, last]));
        for i in 0..100 {
            assert_eq!(fail(&throttle, &format!("{i}@c"), of_ipv6(i), at(0)), None);
        }
        assert_eq!(fail(&throttle, "y@c", of_ipv6(1000), at(1)), too_many(899), "a client has many of these addresses");
    }

    #[test]
    fn successes_do_not_count_and_leave_nothing() {
        let throttle = Throttle::default();
        for _ in 0..50 {
            throttle.begin("a@b", address(1), at(0)).expect("room").succeeded();
        }
        assert!(is_empty(&throttle));
    }

    #[tokio::test]
    async fn t19_those_that_come_together_wait_for_each_other() {
        let throttle = Throttle::default();
        let mut first: Vec<Attempt<'_>> =
            (0..10).map(|_| throttle.begin("a@b", address(1), at(0)).expect("room")).collect();
        assert_eq!(throttle.begin("a@b", address(1), at(0)).err(), Some(NotNow::OthersFirst));
        let mut eleventh = Box::pin(throttle.attempt("a@b", address(1), at(0)));
        assert!(is_waiting(&mut eleventh));
        first.pop().expect("ten").succeeded();
        let eleventh = eleventh.await.expect("one of ten was right");
        let mut twelfth = Box::pin(throttle.attempt("a@b", address(1), at(0)));
        assert!(is_waiting(&mut twelfth));
        drop(first);
        assert!(is_waiting(&mut twelfth), "nine have failed, and one is not over");
        drop(eleventh);
        let wait = twelfth.await.expect_err("ten have failed");
        assert!((890..=900).contains(&wait.as_secs()), "{wait:?}");
    }

    #[test]
    fn memory_has_a_limit_and_keeps_addresses_under_attack() {
        let throttle = Throttle::default();
        for _ in 0..10 {
            assert_eq!(fail(&throttle, "victim@b", address(1), at(0)), None);
        }
        // Very long ones count as little as others.
        let rest = "x".repeat(10_000);
        for i in 0..50_000_u32 {
            let from = IpAddr::from(i.to_be_bytes());
            // All in the same millisecond.
            assert_eq!(fail(&throttle, &format!("{i}@{}", &rest[..(i % 7) as usize * 1000]), Some(from), at(1)), None);
            let tries = throttle.lock();
            assert!(tries.of_emails.tries.len() <= SUBJECTS_MAX && tries.of_addresses.tries.len() <= SUBJECTS_MAX);
        }
        assert_eq!(fail(&throttle, "victim@b", address(2), at(2)), too_many(898));
    }
}
