//! Figures over renders.

use super::Statistics;
use crate::DbError;
use crate::column::arg;
use crate::tx::Tx;
use packshot_domain::id::TenantId;
use packshot_domain::time::Timestamp;

/// What was rendered: completed, and not taken from another render.
const RENDERED: &str = "tenant_id = $1 AND kind = 'render' AND created_at >= $2 AND created_at < $3 \
                        AND state = 'completed' AND started_at IS NOT NULL";

pub(super) async fn within(
    tx: &Tx<'_>,
    tenant: TenantId,
    from: Timestamp,
    to: Timestamp,
) -> Result<Statistics, DbError> {
    let counts = "
        SELECT COUNT(*),
            COUNT(CASE WHEN state = 'completed' THEN 1 END),
            COUNT(CASE WHEN state = 'failed' THEN 1 END),
            COUNT(CASE WHEN state = 'cancelled' THEN 1 END),
            AVG(CAST(started_at - created_at AS DOUBLE PRECISION))
        FROM jobs WHERE tenant_id = $1 AND kind = 'render' AND created_at >= $2 AND created_at < $3";
    let bounds = || [arg(tenant), arg(from), arg(to)];
    let rows = tx.query(counts, bounds()).await?;
    let Some(row) = rows.first() else { return Ok(Statistics::default()) };
    let count = |index| row.try_get_by_index(index).map(i64::unsigned_abs);
    let seconds = |ms: Option<f64>| ms.map(|ms| ms / 1000.0);
    let mut statistics = Statistics {
        renders_total: count(0)?,
        completed: count(1)?,
        failed: count(2)?,
        cancelled: count(3)?,
        avg_queue_s: seconds(row.try_get_by_index(4)?),
        ..Statistics::default()
    };
    let durations =
        format!("SELECT COUNT(*), AVG(CAST(completed_at - started_at AS DOUBLE PRECISION)) FROM jobs WHERE {RENDERED}");
    let rows = tx.query(&durations, bounds()).await?;
    let Some(row) = rows.first() else { return Ok(statistics) };
    let rendered: i64 = row.try_get_by_index(0)?;
    statistics.avg_render_s = seconds(row.try_get_by_index(1)?);
    // The nearest rank: the smallest duration that 95 % do not exceed.
    let rank = (rendered * 95).div_euclid(100) + i64::from(rendered * 95 % 100 != 0) - 1;
    let slowest = format!(
        "SELECT CAST(completed_at - started_at AS DOUBLE PRECISION) FROM jobs WHERE {RENDERED} \
         ORDER BY completed_at - started_at LIMIT 1 OFFSET $4"
    );
    let [tenant, from, to] = bounds();
    let rows = tx.query(&slowest, [tenant, from, to, rank.max(0).into()]).await?;
    statistics.p95_render_s = seconds(rows.first().map(|row| row.try_get_by_index(0)).transpose()?);
    Ok(statistics)
}
