//! Claims tasks as long as there is room for them.
//!
//! Room is what the queue's worker configuration allows, less what runs here. The runner looks when it is woken, when the
//! database announces a task or other limits, and every second.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::broadcast::error::RecvError;
use tokio::time::sleep;

use super::Workplace;
use super::supervise::Supervisor;
use packshot_db::{AllTenants, Notice, tasks, worker_configs};
use packshot_domain::task::QueueName;

/// The runner looks at least so often.
const POLL: Duration = Duration::from_secs(1);
/// Limits that another process changed count after so long.
const LIMITS_AGE_MAX: Duration = Duration::from_secs(60);

/// Runs until the queue drains.
pub(super) async fn run(place: Arc<Workplace>) {
    let mut notices = place.db.notices();
    let mut limits = Limits { max: 0, read: None };
    while !place.handle.is_draining() {
        limits.refresh(&place).await;
        claim(&place, limits.max).await;
        tokio::select! {
            () = place.handle.woken() => {}
            () = sleep(POLL) => {}
            notice = notices.recv() => match notice {
                Ok(Notice::WorkerConfigs) => limits.read = None,
                Ok(Notice::CancelRequested(task)) => place.handle.cancel(task),
                Ok(Notice::Queued(_) | Notice::Events { .. } | Notice::Settings) => {}
                // What was missed may have been anything.
                Err(RecvError::Lagged(_)) => limits.read = None,
                Err(RecvError::Closed) => sleep(POLL).await,
            },
        }
    }
}

/// How many tasks may run, as it was read last.
struct Limits {
    max: usize,
    read: Option<Instant>,
}

impl Limits {
    async fn refresh(&mut self, place: &Workplace) {
        if self.read.is_some_and(|read| read.elapsed() < LIMITS_AGE_MAX) {
            return;
        }
        match worker_configs::get(&place.db, AllTenants::Instance, QueueName::Render).await {
            Ok(config) => {
                self.max = config.limits.max() as usize;
                self.read = Some(Instant::now());
            }
            Err(error) => tracing::warn!("the worker configuration cannot be read: {error}"),
        }
    }
}

/// Claims what there is room for. Works that were given up and have not noticed yet still count.
async fn claim(place: &Arc<Workplace>, max: usize) {
    let busy = place.handle.running().max(place.executor.live());
    let Ok(room @ 1..) = u32::try_from(max.saturating_sub(busy)) else { return };
    // Held until what was claimed is registered: a drain must not end between the two.
    let Some(_claiming) = place.handle.claim() else { return };
    match tasks::claim(&place.db, AllTenants::Claiming, place.worker, QueueName::Render, room).await {
        Ok(claimed) => {
            for claimed in claimed {
                let running = place.handle.begin(claimed.lease);
                tokio::spawn(Supervisor::new(place.clone(), claimed, running).run());
            }
        }
        Err(error) => tracing::warn!("no task can be claimed: {error}"),
    }
}
