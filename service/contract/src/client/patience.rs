//! How long a request is repeated, and with which pauses.

use std::time::Duration;

use tokio::time::Instant;

use super::{Client, ClientError};

/// The pause before the second attempt; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// What is left of the time for repeating a request. It begins when an attempt fails for the first time.
#[derive(Debug)]
pub(super) struct Patience {
    total: Duration,
    since: Option<Instant>,
    pause: Duration,
}

impl Patience {
    /// All of it.
    pub(super) fn new(total: Duration) -> Self {
        Self { total, since: None, pause: FIRST_PAUSE }
    }

    /// Waits until another attempt makes sense. `client` is told once that it waits, and for how long at most.
    ///
    /// # Errors
    /// The error itself, where another attempt is pointless or the time is over.
    pub(super) async fn wait(&mut self, client: &Client, error: ClientError) -> Result<(), ClientError> {
        let is_first = self.since.is_none();
        let pause = if error.may_pass() { self.next(Instant::now(), error.retry_after()) } else { None };
        let Some(pause) = pause else { return Err(error) };
        if is_first {
            client.waits(&error, self.total);
        }
        tokio::time::sleep(pause).await;
        Ok(())
    }

    /// The pause before the next attempt, the one `wanted` if there is one; `None` when the time is over.
    fn next(&mut self, now: Instant, wanted: Option<Duration>) -> Option<Duration> {
        let since = *self.since.get_or_insert(now);
        let left = self.total.saturating_sub(now.duration_since(since));
        let pause = wanted.unwrap_or(self.pause).max(FIRST_PAUSE).min(left);
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        (!pause.is_zero()).then_some(pause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pauses(total: Duration, wanted: Option<Duration>) -> Vec<u128> {
        let (mut patience, mut now) = (Patience::new(total), Instant::now());
        let next = || {
            let pause = patience.next(now, wanted)?;
            now += pause;
            Some(pause.as_millis())
        };
        std::iter::from_fn(next).collect()
    }

    #[test]
    fn pauses_grow_and_end_with_the_time() {
        assert_eq!(pauses(Duration::from_secs(20), None), [500, 1000, 2000, 4000, 8000, 4500]);
        assert!(pauses(Duration::ZERO, None).is_empty());
    }

    #[test]
    fn a_service_says_when_it_wants_to_be_asked_again() {
        assert_eq!(pauses(Duration::from_secs(5), Some(Duration::from_secs(2))), [2000, 2000, 1000]);
        assert_eq!(pauses(Duration::from_secs(1), Some(Duration::ZERO)), [500, 500], "not without a pause");
    }
}
