//! The interface of the queue for the rest of the process.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

use super::handler::StopReason;
use packshot_domain::id::TaskId;
use packshot_domain::task::{Lane, Lease};

/// The way to the queue of this process. Clones share it. Nothing here is needed for correctness: without it, polling
/// finds the same a second later.
#[derive(Clone, Debug, Default)]
pub struct QueueHandle {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    /// How often a task ended here, or the queue began to drain: every runner sees each change, even one that came
    /// while it was claiming.
    wakes: watch::Sender<u64>,
    tasks: Mutex<Tasks>,
    /// What the queue must still finish before it has drained: running tasks and claims in progress. Changes with every
    /// change of `tasks`.
    n_busy: watch::Sender<usize>,
}

#[derive(Debug, Default)]
struct Tasks {
    /// The attempts that run here, with the way to stop each. One that lost its lease may still be there beside the
    /// next one.
    running: HashMap<Lease, (Lane, watch::Sender<Stop>)>,
    /// Claims that were begun and whose tasks are not in `running` yet.
    n_claims: usize,
    is_draining: bool,
    /// What a new task is told.
    first_word: Stop,
}

impl Tasks {
    fn n_busy(&self) -> usize {
        self.running.len() + self.n_claims
    }
}

/// Why a running task is to stop. A later reason replaces an earlier one only if it is greater.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stop {
    /// It may go on.
    #[default]
    No,
    /// The process ends: the task goes back to the queue.
    Drain,
    /// It was cancelled.
    Cancel,
    /// It has stalled.
    Stalled {
        /// For this long, by the database's clock.
        minutes: u64,
    },
}

impl Stop {
    /// Why the work is to stop, if it is.
    pub(super) const fn of_work(self) -> Option<StopReason> {
        match self {
            Self::No => None,
            Self::Drain => Some(StopReason::GivenBack),
            Self::Cancel => Some(StopReason::Cancelled),
            Self::Stalled { .. } => Some(StopReason::Stalled),
        }
    }
}

impl QueueHandle {
    /// Announces that there is room for a task, or that no more are to be started: every lane looks immediately.
    fn wake(&self) {
        self.shared.wakes.send_modify(|n| *n = n.wrapping_add(1));
    }

    /// Announces that a cancel mark was committed for a task. No effect if the task does not run in this process.
    pub fn cancel(&self, task: TaskId) {
        for (lease, (_, stop)) in &self.lock().running {
            if lease.task == task {
                _ = raise(stop, Stop::Cancel);
            }
        }
    }

    /// How many tasks run in this process.
    pub fn running(&self) -> usize {
        self.lock().running.len()
    }

    /// How many tasks of a lane run in this process.
    pub(super) fn running_in(&self, lane: &Lane) -> usize {
        self.lock().running.values().filter(|(of, _)| of == lane).count()
    }

    /// Starts no more tasks, lets those that run go on for `grace`, then gives them back to the queue with their
    /// attempt. Returns when none is left.
    pub async fn drain(&self, grace: Duration) {
        self.lock().is_draining = true;
        self.wake();
        let mut n_busy = self.shared.n_busy.subscribe();
        if timeout(grace, n_busy.wait_for(|&n| n == 0)).await.is_err() {
            {
                let mut tasks = self.lock();
                // A claim in progress may still bring tasks.
                tasks.first_word = Stop::Drain;
                tasks.running.values().for_each(|(_, stop)| _ = raise(stop, Stop::Drain));
            }
            // The sender lives in `self`, so waiting only ends at 0.
            let _ = n_busy.wait_for(|&n| n == 0).await;
        }
    }

    /// Whether [`drain`](Self::drain) was called.
    pub fn is_draining(&self) -> bool {
        self.lock().is_draining
    }

    /// Changes when the queue is woken.
    pub(super) fn wakes(&self) -> watch::Receiver<u64> {
        self.shared.wakes.subscribe()
    }

    /// Announces that tasks are about to be claimed, so that a drain waits for them; `None` if it is already draining.
    pub(super) fn claim(&self) -> Option<Claiming> {
        let is_draining = self.change(|tasks| {
            tasks.n_claims += usize::from(!tasks.is_draining);
            tasks.is_draining
        });
        (!is_draining).then(|| Claiming { queue: self.clone() })
    }

    /// Registers an attempt that begins to run here.
    pub(super) fn begin(&self, lease: Lease, lane: Lane) -> Running {
        let stop = self.change(|tasks| {
            let (sender, stop) = watch::channel(tasks.first_word);
            tasks.running.insert(lease, (lane, sender));
            stop
        });
        Running { queue: self.clone(), lease, stop }
    }

    /// Stops an attempt if it runs here; `false` when it does not, or is being stopped for such a reason already.
    pub(super) fn stop(&self, lease: Lease, reason: Stop) -> bool {
        self.lock().running.get(&lease).is_some_and(|(_, stop)| raise(stop, reason))
    }

    /// The leases of all attempts that run here.
    pub(super) fn leases(&self) -> Vec<Lease> {
        self.lock().running.keys().copied().collect()
    }

    fn change<T>(&self, change: impl FnOnce(&mut Tasks) -> T) -> T {
        let mut tasks = self.lock();
        let value = change(&mut tasks);
        // Under the lock, so that the last number is the last one sent.
        self.shared.n_busy.send_replace(tasks.n_busy());
        value
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Tasks> {
        self.shared.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns whether that is new.
fn raise(stop: &watch::Sender<Stop>, reason: Stop) -> bool {
    stop.send_if_modified(|current| {
        let rises = reason > *current;
        *current = reason.max(*current);
        rises
    })
}

/// A claim in progress, until this is dropped.
#[derive(Debug)]
pub(super) struct Claiming {
    queue: QueueHandle,
}

impl Drop for Claiming {
    fn drop(&mut self) {
        self.queue.change(|tasks| tasks.n_claims -= 1);
    }
}

/// An attempt that runs here, until this is dropped.
#[derive(Debug)]
pub(super) struct Running {
    queue: QueueHandle,
    lease: Lease,
    stop: watch::Receiver<Stop>,
}

impl Running {
    /// Waits until there is a reason to stop beyond `known`.
    pub(super) async fn stopped(&mut self, known: Stop) -> Stop {
        let stop = self.stop.wait_for(|&stop| stop > known).await.map(|stop| *stop);
        match stop {
            Ok(stop) => stop,
            // The queue keeps the sender for as long as this lives.
            Err(_) => std::future::pending().await,
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.queue.change(|tasks| tasks.running.remove(&self.lease));
        self.queue.wake();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use packshot_domain::task::LeaseToken;

    fn lease() -> Lease {
        Lease { task: TaskId::new(), job: None, token: LeaseToken::random() }
    }

    #[tokio::test]
    async fn a_greater_reason_replaces_a_lesser_one() {
        let queue = QueueHandle::default();
        let lease = lease();
        let mut running = queue.begin(lease, Lane::builtin());
        queue.cancel(lease.task);
        queue.stop(lease, Stop::Drain);
        assert_eq!(running.stopped(Stop::No).await, Stop::Cancel);
        queue.stop(lease, Stop::Stalled { minutes: 121 });
        assert_eq!(running.stopped(Stop::Cancel).await, Stop::Stalled { minutes: 121 });
    }

    #[tokio::test]
    async fn draining_waits_then_stops() {
        let queue = QueueHandle::default();
        let mut running = queue.begin(lease(), Lane::builtin());
        let drained = tokio::spawn({
            let queue = queue.clone();
            async move { queue.drain(Duration::from_millis(20)).await }
        });
        assert_eq!(running.stopped(Stop::No).await, Stop::Drain);
        assert!(queue.is_draining());
        assert_eq!(queue.running(), 1);
        drop(running);
        drained.await.expect("drained");
        assert_eq!(queue.running(), 0);
    }

    #[tokio::test]
    async fn draining_waits_for_a_claim_and_gives_back_what_it_brings() {
        let queue = QueueHandle::default();
        let claiming = queue.claim().expect("it does not drain yet");
        let drained = tokio::spawn({
            let queue = queue.clone();
            async move { queue.drain(Duration::from_millis(20)).await }
        });
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert!(!drained.is_finished() && queue.claim().is_none());
        let mut running = queue.begin(lease(), Lane::builtin());
        drop(claiming);
        assert_eq!(running.stopped(Stop::No).await, Stop::Drain);
        drop(running);
        drained.await.expect("drained");
    }

    #[test]
    fn an_attempt_that_ends_leaves_the_next_one_alone() {
        let queue = QueueHandle::default();
        let first = lease();
        let second = Lease { token: LeaseToken::random(), ..first };
        let (lost, running) = (queue.begin(first, Lane::builtin()), queue.begin(second, Lane::builtin()));
        drop(lost);
        assert!(queue.stop(second, Stop::Cancel) && !queue.stop(first, Stop::Cancel));
        drop(running);
        assert_eq!(queue.leases(), []);
    }
}
