//! Waiting for the end of a render.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::{job, with_position};
use crate::app::failure::help;
use crate::app::{App, AppError, Code};
use packshot_contract::job::Job;
use packshot_contract::problem::Finding;
use packshot_db::TenantScope;
use packshot_db::jobs::JobError;
use packshot_db::renders::{self as rows, Render};
use packshot_domain::id::RenderId;
use packshot_domain::job::JobState;
use packshot_domain::principal::Principal;
use packshot_domain::stream::StreamId;

/// Outcome of waiting for a render.
#[derive(Debug)]
pub enum Waited {
    /// It is still going on: the time was over, or the service is shutting down.
    GoesOn(Box<Job>),
    /// It has the pictures that were asked for.
    Completed(Box<Job>),
    /// It has ended without them, for this reason.
    Failed(Box<Job>, AppError),
}

impl Waited {
    /// The job, whatever the outcome.
    pub fn job(&self) -> &Job {
        match self {
            Self::GoesOn(job) | Self::Completed(job) | Self::Failed(job, _) => job,
        }
    }
}

/// Waits for a render, at most for `wait`.
///
/// # Errors
/// [`Code::RenderNotFound`], and errors of the database.
pub async fn until_ended(app: &App, who: &Principal, id: RenderId, wait: Duration) -> Result<Waited, AppError> {
    let scope = TenantScope::of(who.tenant);
    let render = last_look(app, scope, id, wait).await?;
    match render.state {
        JobState::Pending | JobState::Queued | JobState::Running => {
            Ok(Waited::GoesOn(Box::new(with_position(app, render).await?)))
        }
        JobState::Completed => Ok(Waited::Completed(Box::new(job::job(render, None)?))),
        JobState::Failed => {
            let failure = failure(render.error.as_ref());
            Ok(Waited::Failed(Box::new(job::job(render, None)?), failure))
        }
        JobState::Cancelled => {
            let cancelled = AppError::new(Code::RenderNotCompleted, "the render was cancelled");
            Ok(Waited::Failed(Box::new(job::job(render, None)?), cancelled))
        }
    }
}

/// The render when it has ended, or as it is when the time is over or the service shuts down.
async fn last_look(app: &App, scope: TenantScope, id: RenderId, wait: Duration) -> Result<Render, AppError> {
    let deadline = Instant::now() + wait;
    let mut follower = app.hub.follow(StreamId::of_render(id));
    loop {
        let render = rows::get(&app.db, scope, id).await?;
        if render.state.is_terminal() || follower.is_closed() {
            return Ok(render);
        }
        if timeout_at(deadline, follower.news()).await.is_err() {
            return Ok(rows::get(&app.db, scope, id).await?);
        }
    }
}

/// Why a failed render has no pictures, or none that keep the rules of their preset, as an error for the waiting
/// client.
fn failure(error: Option<&JobError>) -> AppError {
    let Some(JobError { code, detail, at }) = error else {
        return AppError::of_work("internal", "the render failed");
    };
    let help = help(code).unwrap_or_default();
    let finding = || Finding::new("", code, detail).at(at.as_deref().unwrap_or_default());
    match code.as_str() {
        "unmapped_parts" | "output_too_large" => AppError::of_input(code, detail, vec![finding()]).with_help(help),
        "device_out_of_memory" => AppError::new(Code::DeviceOutOfMemory, detail),
        // The details are in the log.
        "internal_error" => AppError::new(Code::InternalError, "internal error; the service's log has the details"),
        dotted if dotted.contains('.') => AppError::of_input(dotted, detail, vec![finding()]).with_help(help),
        other => AppError::of_work(other, detail),
    }
}
