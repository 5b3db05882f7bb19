//! Design jobs with the same texture and pictures: what one of them has stored serves the others.

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::{DesignJob, find, whole};
use crate::entity::design_job;
use crate::{Db, DbError, TenantScope};
use packshot_domain::id::DesignJobId;

/// Jobs that are looked at, at most: the newest have most.
const AT_ONCE: u64 = 8;

/// Other jobs of the tenant that have composed the texture that this one needs, those that have ended with their
/// pictures first, each kind newest first.
///
/// # Errors
///
/// [`DbError::NotFound`] of the job.
pub async fn others(db: &Db, scope: TenantScope, id: DesignJobId) -> Result<Vec<DesignJob>, DbError> {
    use design_job::Column as C;
    db.read_snapshot(scope, (scope.tenant, id), |tx, (tenant, id)| {
        Box::pin(async move {
            let own = find(tx, *tenant, *id).await?;
            let equal = design_job::Entity::find()
                .filter(C::TenantId.eq(own.tenant_id))
                .filter(C::WorkKey.eq(own.work_key))
                .filter(C::Id.ne(own.id))
                .filter(C::TextureAssetId.is_not_null());
            let rows = equal.order_by_desc(C::CreatedAt).order_by_desc(C::Id).limit(AT_ONCE).all(tx.on()).await?;
            let mut found = Vec::with_capacity(rows.len());
            for row in rows {
                found.push(whole(tx, row).await?);
            }
            // A stable order: the newest stay first among equals.
            found.sort_by_key(|job| !job.has_all_outputs());
            Ok(found)
        })
    })
    .await
}
