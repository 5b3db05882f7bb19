//! Waiting for the end of a design job.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::shown;
use crate::app::{App, AppError};
use packshot_contract::design::DesignJob;
use packshot_db::TenantScope;
use packshot_db::designs as rows;
use packshot_domain::id::DesignJobId;
use packshot_domain::principal::Principal;
use packshot_domain::stream::StreamId;

/// The job when it has ended, or as it is when the time is over or the service shuts down; and whether it has ended.
///
/// # Errors
/// `render_job_not_found`, and errors of the database.
pub async fn until_ended(
    app: &App,
    who: &Principal,
    id: DesignJobId,
    wait: Duration,
) -> Result<(DesignJob, bool), AppError> {
    let scope = TenantScope::of(who.tenant);
    let deadline = Instant::now() + wait;
    let mut follower = app.hub.follow(StreamId::of_design(id));
    loop {
        let job = rows::get(&app.db, scope, id).await?;
        let has_ended = job.status.is_terminal();
        if has_ended || follower.is_closed() {
            return Ok((shown::job(job), has_ended));
        }
        if timeout_at(deadline, follower.news()).await.is_err() {
            let job = rows::get(&app.db, scope, id).await?;
            let has_ended = job.status.is_terminal();
            return Ok((shown::job(job), has_ended));
        }
    }
}
