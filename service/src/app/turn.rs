//! Turns: how many uploads are checked at the same time, each on a thread like those of renders.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::AppError;
use packshot_worker::inline;

/// Permission to hold an upload in memory and to check it.
#[derive(Debug)]
pub(crate) struct Turn {
    _permit: OwnedSemaphorePermit,
}

impl Turn {
    /// Waits for one of these turns.
    pub(super) async fn of(turns: &Arc<Semaphore>) -> Result<Self, AppError> {
        let permit = Arc::clone(turns).acquire_owned().await.map_err(AppError::internal)?;
        Ok(Self { _permit: permit })
    }

    /// Does work on a thread like those of renders. The turn is over when the work is, even if the caller leaves
    /// earlier.
    ///
    /// # Errors
    /// An internal error when the work panicked, or no thread could be started.
    pub(crate) async fn run<T: Send + 'static>(self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, AppError> {
        let (sender, done) = oneshot::channel();
        let thread = inline::spawn("packshot-look".to_owned(), move || {
            let done = work();
            drop(self);
            // A caller who has left does not get the result.
            sender.send(done).ok();
        });
        thread.map_err(AppError::internal)?;
        done.await.map_err(AppError::internal)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// Takes 4 KiB of stack for each level, and gives the depth.
    fn deep(levels: usize) -> usize {
        let room = std::hint::black_box([0_u8; 4096]);
        if levels == 0 { room.len() - 4096 } else { 1 + deep(levels - 1) }
    }

    #[tokio::test]
    async fn a_turn_has_the_stack_of_a_render_and_a_panic_ends_it_alone() {
        let turns = Arc::new(Semaphore::new(1));
        let turn = async || Turn::of(&turns).await.expect("open");
        assert_eq!(turn().await.run(|| deep(1000)).await.ok(), Some(1000), "twice the stack of a usual thread");
        let panicked = turn().await.run(|| -> u8 { panic!("a defect") }).await;
        assert_eq!(panicked.map_err(|error| error.code().to_owned()), Err("internal_error".to_owned()));
        let next = tokio::time::timeout(Duration::from_secs(10), turn()).await.expect("its turn is over");
        assert_eq!(next.run(|| 7).await.ok(), Some(7));
    }
}
