//! Claims tasks of one lane as long as there is room for them.
//!
//! Room is what the lane's limit allows, less what runs here. The runner looks when it is woken, when the database
//! announces a task or other limits, and every second.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::broadcast::error::RecvError;
use tokio::time::sleep;

use super::Workplace;
use super::supervise::Supervisor;
use packshot_db::tasks::{Claimer, LaneLimit};
use packshot_db::{AllTenants, Notice, tasks, worker_configs};
use packshot_domain::task::{Lane, QueueName};

/// The runner looks at least this often.
const POLL: Duration = Duration::from_secs(1);
/// Limits that another process changed take effect after this time.
const LIMITS_AGE_MAX: Duration = Duration::from_secs(60);

/// Runs until the queue drains.
pub(super) async fn run(place: Arc<Workplace>, lane: Lane) {
    let Some(of_lane) = place.parts.handlers.lane(&lane) else { return };
    let claimer = Claimer {
        worker: place.parts.worker,
        queue: of_lane.queue,
        lane,
        limit: of_lane.limit,
        service_deaths_max: place.parts.service_deaths_max,
    };
    let mut notices = place.parts.db.notices();
    let mut wakes = place.handle.wakes();
    let mut limits = Limits { max: 0, read: None };
    while !place.handle.is_draining() {
        limits.refresh(&place, &claimer).await;
        claim(&place, &claimer, limits.max).await;
        tokio::select! {
            // The queue keeps the sender for as long as this runs.
            _ = wakes.changed() => {}
            () = sleep(POLL) => {}
            () = news(&mut notices, &claimer, &place, &mut limits) => {}
        }
    }
}

/// Waits for something that this lane may claim, or other limits.
async fn news(
    notices: &mut tokio::sync::broadcast::Receiver<Notice>,
    claimer: &Claimer,
    place: &Workplace,
    limits: &mut Limits,
) {
    loop {
        match notices.recv().await {
            Ok(Notice::WorkerConfigs) => return limits.read = None,
            Ok(Notice::CancelRequested(task)) => place.handle.cancel(task),
            Ok(Notice::Queued(queue, lane)) if (queue, &lane) == (claimer.queue, &claimer.lane) => return,
            Ok(Notice::Queued(..) | Notice::Events { .. } | Notice::Settings) => {}
            // The missed notice may have been any.
            Ok(Notice::Any) | Err(RecvError::Lagged(_)) => return limits.read = None,
            Err(RecvError::Closed) => return sleep(POLL).await,
        }
    }
}

/// How many tasks may run, as it was read last.
struct Limits {
    max: usize,
    read: Option<Instant>,
}

impl Limits {
    async fn refresh(&mut self, place: &Workplace, claimer: &Claimer) {
        if let LaneLimit::Of(max) | LaneLimit::PerWebhook { max, .. } = claimer.limit {
            return self.max = max as usize;
        }
        if self.read.is_some_and(|read| read.elapsed() < LIMITS_AGE_MAX) {
            return;
        }
        match max_of(place, claimer.queue).await {
            Ok(max) => (self.max, self.read) = (max, Some(Instant::now())),
            Err(error) => tracing::warn!("the worker configuration cannot be read: {error}"),
        }
    }
}

async fn max_of(place: &Workplace, queue: QueueName) -> Result<usize, packshot_db::DbError> {
    let config = worker_configs::get(&place.parts.db, AllTenants::Instance, queue).await?;
    Ok(config.limits.max() as usize)
}

/// Claims as many tasks as there is room for. Abandoned works that are still running count.
async fn claim(place: &Arc<Workplace>, claimer: &Claimer, max: usize) {
    let live = place.parts.handlers.lane(&claimer.lane).map_or(0, super::handler::LaneOfHandlers::live);
    let busy = place.handle.running_in(&claimer.lane).max(live);
    let Ok(room @ 1..) = u32::try_from(max.saturating_sub(busy)) else { return };
    // One at a time, each started immediately: a lease runs from its claim.
    for _ in 0..room {
        // Held until what was claimed is registered: a drain must not end between the two.
        let Some(_claiming) = place.handle.claim() else { return };
        match tasks::claim(&place.parts.db, AllTenants::Claiming, claimer.clone(), 1).await {
            Ok(claimed) if claimed.is_empty() => return,
            Ok(claimed) => {
                for claimed in claimed {
                    let running = place.handle.begin(claimed.lease, claimer.lane.clone());
                    tokio::spawn(Supervisor::new(place.clone(), claimed, running).run());
                }
            }
            Err(error) => return tracing::warn!("cannot claim tasks: {error}"),
        }
    }
}
