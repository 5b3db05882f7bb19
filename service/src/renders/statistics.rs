//! Figures about renders.

use crate::app::{App, AppError};
use packshot_contract::analytics::{OutputTypeAnalytics, RenderAnalytics};
use packshot_db::TenantScope;
use packshot_db::renders::{self as rows, Statistics};
use packshot_domain::principal::Principal;
use packshot_domain::time::Timestamp;

/// Figures over the tenant's renders that were accepted from `from` (inclusive) to `to` (exclusive).
///
/// # Errors
/// Errors of the database.
pub async fn statistics(
    app: &App,
    who: &Principal,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
) -> Result<RenderAnalytics, AppError> {
    Ok(convert(rows::statistics(&app.db, TenantScope::of(who.tenant), from, to).await?))
}

fn convert(figures: Statistics) -> RenderAnalytics {
    let Statistics { renders_total, completed, failed, cancelled, avg_render_s, p95_render_s, avg_queue_s } = figures;
    // Every render there is was asked for directly, so there is one group at most, and no CAD file was converted for
    // it.
    let direct = OutputTypeAnalytics { output_type_id: None, completed, avg_render_s };
    RenderAnalytics {
        renders_total,
        completed,
        failed,
        cancelled,
        avg_render_s,
        p95_render_s,
        avg_glb_s: None,
        avg_queue_s,
        by_output_type: if completed > 0 { vec![direct] } else { Vec::new() },
    }
}
