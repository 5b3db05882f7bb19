//! The installation as a whole: its devices, whether it can work, and how many tasks run at once.

pub mod bus;
pub mod readiness;
pub mod watch;
pub mod worker_configs;

use std::sync::Arc;

use metrics::gauge;

use crate::app::{App, AppError};
use crate::server::metrics::names;
use crate::settings::InForce;
use packshot_contract::device::Devices;
use packshot_db::{AllTenants, tasks};
use packshot_domain::task::{QueueName, TaskState};

/// The devices of this machine, with the one selected that renders jobs that name none.
///
/// # Errors
/// Errors of the database.
pub async fn devices(app: &App) -> Result<Arc<Devices>, AppError> {
    let requested = InForce::of_instance(&app.db, &app.settings).await?.render_device;
    app.devices.look(requested).await
}

/// Brings the gauges of tasks that wait and run up to date.
///
/// # Errors
/// Errors of the database.
pub async fn count_tasks(app: &App) -> Result<(), AppError> {
    let depths = tasks::queue_depths(&app.db, AllTenants::Instance).await?;
    for queue in QueueName::ALL {
        for (name, wanted) in [(names::QUEUE_DEPTH, TaskState::Queued), (names::TASKS_RUNNING, TaskState::Running)] {
            let of_queue = depths.iter().filter(|depth| depth.queue == *queue && depth.state == wanted);
            gauge!(name, "queue" => queue.as_str()).set(of_queue.map(|depth| depth.tasks).sum::<u64>() as f64);
        }
    }
    Ok(())
}
