//! Reviews for those who follow their streams.

use super::applying::job_state;
use super::{Review, find, ids_of, whole};
use crate::column::{arg, cell};
use crate::effect::{Phase, Turn};
use crate::tx::Tx;
use crate::{Db, DbError, TenantScope, streams};
use packshot_domain::id::{OrderLineId, ReviewId};
use packshot_domain::job::{JobKind, JobState};
use packshot_domain::review::ReviewStatus;
use packshot_domain::stream::StreamId;

/// A review, with the number of the last event of its stream that this contains.
///
/// # Errors
///
/// [`DbError::NotFound`].
pub async fn follow(db: &Db, scope: TenantScope, id: ReviewId) -> Result<(Review, i64), DbError> {
    db.read_snapshot(scope, (scope.tenant, id), |tx, (tenant, id)| {
        Box::pin(async move {
            let review = whole(tx, find(tx, *tenant, *id).await?).await?;
            Ok((review, streams::last_seq_in(tx, *tenant, StreamId::of_review(*id)).await?))
        })
    })
    .await
}

/// Whether events may follow number `after` of a review's stream: it is open, its line or what was made anew for it has
/// a live job, or there are more already.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn is_followed(db: &Db, scope: TenantScope, id: ReviewId, after: i64) -> Result<bool, DbError> {
    db.read_snapshot(scope, (scope.tenant, id, after), |tx, (tenant, id, after)| {
        Box::pin(async move {
            let row = match find(tx, *tenant, *id).await {
                Ok(row) => row,
                Err(DbError::NotFound(_)) => return Ok(false),
                Err(error) => return Err(error),
            };
            if row.status.0 == ReviewStatus::Open {
                return Ok(true);
            }
            let ended = JobState::ALL.iter().filter(|state| state.is_terminal()).map(|state| format!("'{state}'"));
            let sql = format!(
                "SELECT COUNT(*) FROM jobs j WHERE j.tenant_id = $1 AND j.state NOT IN ({}) AND (j.id IN \
                 (SELECT l.job_id FROM order_lines l WHERE l.tenant_id = $1 AND l.id = $2) OR j.id = $3 OR j.id IN \
                 (SELECT d.job_id FROM design_jobs d WHERE d.tenant_id = $1 AND d.id = $3))",
                ended.collect::<Vec<_>>().join(", ")
            );
            let nothing = uuid::Uuid::nil();
            let line = row.order_line_id.map_or(nothing, |line| line.0.uuid());
            let again = row.again_id.unwrap_or(nothing);
            let rows = tx.query(&sql, [arg(*tenant), line.into(), again.into()]).await?;
            let n_live: i64 = rows.first().map_or(Ok(0), |row| row.try_get_by_index(0))?;
            Ok(n_live > 0 || streams::last_seq_in(tx, *tenant, StreamId::of_review(*id)).await? > *after)
        })
    })
    .await
}

/// Says in the stream of a review that a job of its line, or what was made anew for it, has begun or ended.
pub(crate) async fn job_moved(tx: &Tx<'_>, turn: Turn<'_>) -> Result<(), DbError> {
    // What a short render reports first may be its end.
    let state = match turn.phase {
        Phase::Began => JobState::Running,
        Phase::Released => turn.state,
        _ if turn.state.is_terminal() => turn.state,
        _ => return Ok(()),
    };
    let (line, reviews) = match turn.job.kind {
        JobKind::Line => {
            let line = OrderLineId::from_uuid(turn.job.record);
            (Some(line), ids_of(tx, turn.tenant, &[line], &[]).await?)
        }
        JobKind::Render | JobKind::Design => {
            let sql = "SELECT id FROM material_reviews WHERE tenant_id = $1 AND again_id = $2";
            let rows = tx.query(sql, [arg(turn.tenant), turn.job.record.into()]).await?;
            (None, rows.iter().map(|row| cell(row, 0)).collect::<Result<Vec<ReviewId>, _>>()?)
        }
        _ => return Ok(()),
    };
    reviews.into_iter().for_each(|review| job_state(tx, turn.tenant, review, state, line));
    Ok(())
}
