//! Outcomes that a check of pictures suggests, without pictures.

use crate::column::arg;
use crate::{Db, DbError, TenantScope};
use packshot_domain::fix::Verdict;
use packshot_domain::id::FixId;

/// Suggests the outcome of a fix.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn suggest_outcome(db: &Db, scope: TenantScope, fix: FixId, reason: &str) -> Result<(), DbError> {
    db.write(scope, (scope.tenant, fix, reason.to_owned()), |tx, (tenant, fix, reason)| {
        Box::pin(async move {
            let sql = "UPDATE suggested_fixes SET verdict = $3, verdict_reason = $4 \
                       WHERE tenant_id = $1 AND id = $2 RETURNING id";
            tx.query(sql, [arg(*tenant), arg(*fix), arg(Verdict::Success), reason.as_str().into()]).await?;
            Ok(())
        })
    })
    .await
}
