//! How many tasks of each queue run at once.

use crate::app::{App, AppError};
use packshot_contract::problem::Invalid;
use packshot_contract::worker_config::{WorkerConfig, WorkerConfigChange};
use packshot_db::{AllTenants, worker_configs};
use packshot_domain::concurrency::Concurrency;
use packshot_domain::principal::Principal;
use packshot_domain::task::QueueName;

fn convert(config: worker_configs::WorkerConfig) -> WorkerConfig {
    let worker_configs::WorkerConfig { queue, limits, updated_at, revision } = config;
    WorkerConfig {
        queue_name: queue.into(),
        max_concurrency: limits.max().unsigned_abs(),
        min_concurrency: limits.min().unsigned_abs(),
        revision: revision.unsigned_abs(),
        updated_at: updated_at.into(),
    }
}

/// The limits of all queues.
///
/// # Errors
/// Errors of the database.
pub async fn list(app: &App) -> Result<Vec<WorkerConfig>, AppError> {
    let configs = worker_configs::list(&app.db, AllTenants::Instance).await?;
    Ok(configs.into_iter().map(convert).collect())
}

/// The limits of a queue.
///
/// # Errors
/// Errors of the database.
pub async fn get(app: &App, queue: QueueName) -> Result<WorkerConfig, AppError> {
    Ok(convert(worker_configs::get(&app.db, AllTenants::Instance, queue).await?))
}

/// Limits that are consistent.
///
/// # Errors
/// `invalid_concurrency`.
pub fn limits(change: WorkerConfigChange) -> Result<Concurrency, AppError> {
    let limits = Concurrency::new(change.max_concurrency.into(), change.min_concurrency.into());
    Ok(limits.map_err(|error| Invalid::one("", "invalid_concurrency", error.to_string()))?)
}

/// Sets the limits of a queue; with `expected`, only if that is the current revision. Running tasks are not stopped.
/// What changes nothing is not counted.
///
/// # Errors
/// [`Code::PreconditionFailed`](crate::app::Code::PreconditionFailed).
pub async fn put(
    app: &App,
    who: &Principal,
    queue: QueueName,
    limits: Concurrency,
    expected: Option<i64>,
) -> Result<WorkerConfig, AppError> {
    let put = worker_configs::put(&app.db, AllTenants::Instance, who.actor(), queue, limits, expected);
    Ok(convert(put.await?))
}
