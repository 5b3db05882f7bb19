//! How fast objects are read that nobody waits for.

use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::{Instant, sleep_until};

/// How many bytes of objects may be read in a second, over all reads that share it: what is slower than the disk leaves
/// the disk to others.
#[derive(Debug)]
pub struct Pace {
    bytes_per_s: Option<f64>,
    /// When the next read may begin.
    due: Mutex<Instant>,
}

impl Pace {
    /// As fast as it goes.
    #[must_use]
    pub fn unlimited() -> Self {
        Self { bytes_per_s: None, due: Mutex::new(Instant::now()) }
    }

    /// This many millions of bytes in a second; 0 is as fast as it goes.
    #[must_use]
    pub fn of_mb_per_s(rate: u32) -> Self {
        let bytes_per_s = (rate > 0).then(|| f64::from(rate) * 1e6);
        Self { bytes_per_s, ..Self::unlimited() }
    }

    /// Waits until so many bytes may be read.
    pub(super) async fn take(&self, bytes: u64) {
        let Some(bytes_per_s) = self.bytes_per_s else { return };
        let begins = {
            let mut due = self.due.lock().await;
            let begins = (*due).max(Instant::now());
            *due = begins + Duration::from_secs_f64(bytes as f64 / bytes_per_s);
            begins
        };
        sleep_until(begins).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn reads_are_spread_over_time() {
        let (pace, began) = (Pace::of_mb_per_s(1), Instant::now());
        for expected_ms in [0, 200, 400] {
            pace.take(200_000).await;
            assert!(began.elapsed() >= Duration::from_millis(expected_ms), "{:?}", began.elapsed());
        }
        let due = *pace.due.lock().await;
        assert!(due >= began + Duration::from_millis(600), "the next one waits for this");
        for pace in [Pace::unlimited(), Pace::of_mb_per_s(0)] {
            let begun = Instant::now();
            pace.take(u64::MAX).await;
            assert!(begun.elapsed() < Duration::from_secs(10));
        }
    }

    #[tokio::test]
    async fn a_pause_is_not_made_up_for() {
        let pace = Pace::of_mb_per_s(1);
        *pace.due.lock().await = Instant::now() - Duration::from_secs(1);
        pace.take(1_000_000).await;
        assert!(*pace.due.lock().await > Instant::now() + Duration::from_millis(500));
    }
}
