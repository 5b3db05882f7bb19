//! Tasks that last as long as the process does.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt;

/// The wait before a task that panicked begins again.
const AGAIN_AFTER: Duration = Duration::from_secs(1);

/// Starts a task that only ends by itself: a panic is a defect, which is logged, and the task starts again.
pub(crate) fn spawn<F>(name: &'static str, mut begin: impl FnMut() -> F + Send + 'static)
where
    F: Future<Output = ()> + Send + 'static,
{
    tokio::spawn(async move {
        while AssertUnwindSafe(async { begin().await }).catch_unwind().await.is_err() {
            tracing::error!(task = name, "a background task of the service panicked and is restarted");
            tokio::time::sleep(AGAIN_AFTER).await;
        }
    });
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[tokio::test]
    async fn a_task_that_panics_begins_again_and_one_that_ends_does_not() {
        let begun = Arc::new(AtomicU32::new(0));
        let count = begun.clone();
        spawn("test", move || {
            let n = count.fetch_add(1, Ordering::Relaxed);
            async move { assert!(n > 0, "the first time") }
        });
        // A busy machine takes longer.
        for _ in 0..300 {
            if begun.load(Ordering::Relaxed) == 2 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        tokio::time::sleep(AGAIN_AFTER + Duration::from_millis(300)).await;
        assert_eq!(begun.load(Ordering::Relaxed), 2);
    }
}
