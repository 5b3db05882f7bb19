//! All jobs of a tenant, of every kind.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;

use super::auth::Caller;
use super::events::{self, Beginning};
use super::media::JobsEvents;
use super::problem::ApiResult;
use super::query::Params;
use super::state::AppState;
use crate::streams::{self, LiveJob, LiveJobs};
use packshot_contract::job::{JobSource, LiveJob as WireJob, LiveJobs as WireJobs, LiveLinks, url};
use packshot_domain::stream::StreamId;

/// Follows all jobs
///
/// Without `Last-Event-ID`, the first event is `snapshot`, with the jobs that have not ended as its data. After it
/// comes each change of a job's state (`job.state`, `job.completed`, `job.failed`, `job.cancelled`) with its number as
/// `id`. A connection that names the last number it saw resumes after it, without gaps or repeats. `job.progress` is
/// passed on about once a second and has no `id`: the stream of the job has all of them. The stream does not end by
/// itself.
#[utoipa::path(
    get, path = "/api/v1/jobs/events", operation_id = "follow_jobs", tag = "renders",
    params(
        ("Last-Event-ID" = Option<i64>, Header, description = "Number of the last event that the client has seen"),
        ("after" = Option<i64>, Query, minimum = 0, description = "The same, as a query parameter"),
    ),
    responses(JobsEvents),
)]
pub(crate) async fn events(
    State(state): State<AppState>,
    caller: Caller,
    params: Params,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let LiveJobs { jobs, total, last_seq } = streams::live_jobs(&state, &caller.0).await?;
    let beginning = match events::still_numbered(events::last_seen(&headers, &params)?, last_seq) {
        Some(seq) => Beginning::After(seq),
        None => {
            let items = jobs.into_iter().map(wire).collect();
            Beginning::of_snapshot(last_seq, &WireJobs { items, total })?
        }
    };
    let stream = StreamId::of_jobs(caller.0.tenant);
    events::answer(&state, &caller, &headers, stream, beginning).await
}

fn wire(live: LiveJob) -> WireJob {
    let LiveJob { job, state, progress, created_at } = live;
    let source = JobSource::from(job.kind);
    let links = (source == JobSource::Render).then(|| {
        let own = url(job.record);
        LiveLinks { events: format!("{own}/events"), own }
    });
    WireJob {
        id: job.id.uuid(),
        source,
        state: state.into(),
        progress_pct: progress.progress_pct,
        samples_done: progress.samples_done.unsigned_abs(),
        samples_target: progress.samples_target.unsigned_abs(),
        created_at: created_at.into(),
        links,
    }
}
