//! Jobs of every kind that have not ended: those that a list of all jobs starts with, and their progress.

use std::sync::LazyLock;

use super::Progress;
use crate::column::{arg, cell, cell_or_none};
use crate::{Db, DbError, Json, TenantScope};
use packshot_domain::event::EventName;
use packshot_domain::job::{JobKind, JobRef, JobState};
use packshot_domain::stream::StreamKind;
use packshot_domain::task::{QueueName, TaskState};
use packshot_domain::time::Timestamp;

/// A job that has not ended.
#[derive(Clone, Debug, PartialEq)]
pub struct LiveJob {
    /// Which one, of what kind, of which record.
    pub job: JobRef,
    /// Its state.
    pub state: JobState,
    /// How far it is.
    pub progress: Progress,
    /// When it was made.
    pub created_at: Timestamp,
}

/// The jobs of a tenant that have not ended, at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LiveJobs {
    /// The newest of them, newest first.
    pub jobs: Vec<LiveJob>,
    /// How many there are.
    pub total: u64,
    /// The number of the last event in the stream of all jobs that this includes.
    pub last_seq: i64,
}

/// Progress of a running job, from the last progress event of its own stream.
#[derive(Clone, Debug, PartialEq)]
pub struct JobProgress {
    /// Which one, of what kind, of which record.
    pub job: JobRef,
    /// The number of that event in the stream of the job.
    pub seq: i64,
    /// When it was written.
    pub at: Timestamp,
    /// The members of `job.progress`.
    pub data: Json,
}

/// One statement, so that jobs and number belong to the same moment. The kinds and states make it use an index.
static LIVE: LazyLock<String> = LazyLock::new(|| {
    let kinds = listed(JobKind::ALL.iter().map(|kind| kind.as_str()));
    let states = listed(JobState::ALL.iter().filter(|state| !state.is_terminal()).map(|state| state.as_str()));
    format!(
        "SELECT COALESCE(s.last_seq, 0), j.id, j.kind, j.record_id, j.state, j.progress_pct, j.samples_done,
            j.samples_target, j.created_at, j.total
        FROM (SELECT 1 AS one) o
        LEFT JOIN streams s ON s.tenant_id = $1 AND s.kind = '{}' AND s.id = $1
        LEFT JOIN (
            SELECT id, kind, record_id, state, progress_pct, samples_done, samples_target, created_at,
                COUNT(*) OVER () AS total
            FROM jobs WHERE tenant_id = $1 AND kind IN ({kinds}) AND state IN ({states})
            ORDER BY created_at DESC, id DESC LIMIT $2) j ON TRUE
        ORDER BY j.created_at DESC, j.id DESC",
        StreamKind::Jobs
    )
});

/// The last progress of each running job, from the attempt that runs. The kind of a stream follows from that of its
/// job.
static PROGRESS: LazyLock<String> = LazyLock::new(|| {
    let of_kind = |kind: &JobKind| {
        let (stream, progress, running) = (kind.stream()?, EventName::Progress, JobState::Running);
        Some(format!(
            "SELECT j.id, j.kind, j.record_id, e.seq, e.created_at, e.data
            FROM jobs j
            JOIN events e ON e.tenant_id = j.tenant_id AND e.kind = '{stream}' AND e.id = j.record_id
                AND e.created_at >= j.started_at AND e.seq = (
                    SELECT p.seq FROM events p
                    WHERE p.tenant_id = j.tenant_id AND p.kind = '{stream}' AND p.id = j.record_id
                        AND p.event = '{progress}'
                    ORDER BY p.seq DESC LIMIT 1)
            WHERE j.tenant_id = $1 AND j.kind = '{kind}' AND j.state = '{running}'"
        ))
    };
    JobKind::ALL.iter().filter_map(of_kind).collect::<Vec<_>>().join(" UNION ALL ")
});

/// The queues make it use an index.
static AT_WORK: LazyLock<String> = LazyLock::new(|| {
    let queues = listed(QueueName::ALL.iter().map(|queue| queue.as_str()));
    format!(
        "SELECT DISTINCT j.id, j.kind, j.record_id FROM tasks t
        JOIN jobs j ON j.tenant_id = t.tenant_id AND j.id = t.job_id
        WHERE t.queue IN ({queues}) AND t.state = '{}' AND t.tenant_id = $1
        ORDER BY j.id",
        TaskState::Running
    )
});

fn listed<'w>(words: impl Iterator<Item = &'w str>) -> String {
    words.map(|word| format!("'{word}'")).collect::<Vec<_>>().join(", ")
}

/// The jobs of a tenant that have not ended, at most `limit` of them.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn live(db: &Db, scope: TenantScope, limit: u32) -> Result<LiveJobs, DbError> {
    db.read_one(scope, (scope.tenant, limit), |tx, (tenant, limit)| {
        Box::pin(async move {
            let rows = tx.query(&LIVE, [arg(*tenant), i64::from(*limit).into()]).await?;
            let mut live = LiveJobs::default();
            for row in rows {
                live.last_seq = row.try_get_by_index(0)?;
                // Without a job there is one row, with the number alone.
                let Some(id) = cell_or_none(&row, 1)? else { continue };
                live.total = row.try_get_by_index::<i64>(9)?.unsigned_abs();
                live.jobs.push(LiveJob {
                    job: JobRef { id, kind: cell(&row, 2)?, record: row.try_get_by_index(3)? },
                    state: cell(&row, 4)?,
                    progress: Progress {
                        progress_pct: row.try_get_by_index(5)?,
                        samples_done: row.try_get_by_index(6)?,
                        samples_target: row.try_get_by_index(7)?,
                    },
                    created_at: cell(&row, 8)?,
                });
            }
            Ok(live)
        })
    })
    .await
}

/// How far each running job of a tenant is. Jobs that have not reported progress yet are left out.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn progress(db: &Db, scope: TenantScope) -> Result<Vec<JobProgress>, DbError> {
    db.read_one(scope, scope.tenant, |tx, tenant| {
        Box::pin(async move {
            let rows = tx.query(&PROGRESS, [arg(*tenant)]).await?;
            let progress = rows.iter().map(|row| {
                Ok(JobProgress {
                    job: JobRef { id: cell(row, 0)?, kind: cell(row, 1)?, record: row.try_get_by_index(2)? },
                    seq: row.try_get_by_index(3)?,
                    at: cell(row, 4)?,
                    data: cell(row, 5)?,
                })
            });
            progress.collect()
        })
    })
    .await
}

/// The jobs of a tenant of which a worker has a task now.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn at_work(db: &Db, scope: TenantScope) -> Result<Vec<JobRef>, DbError> {
    db.read_one(scope, scope.tenant, |tx, tenant| {
        Box::pin(async move {
            let rows = tx.query(&AT_WORK, [arg(*tenant)]).await?;
            let jobs = rows
                .iter()
                .map(|row| Ok(JobRef { id: cell(row, 0)?, kind: cell(row, 1)?, record: row.try_get_by_index(2)? }));
            jobs.collect()
        })
    })
    .await
}
