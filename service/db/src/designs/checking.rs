//! Design jobs that the service looks after by itself: effects that were to be taken back and were not, and jobs whose
//! design nobody stores any more.

use std::time::Duration;

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::steps::StepError;
use super::{find, lock_alone, starting};
use crate::column::Col;
use crate::entity::design_job;
use crate::{AllTenants, Db, DbError, TenantScope};
use packshot_domain::design_job::DesignStatus;
use packshot_domain::id::{DesignJobId, TenantId};

/// Jobs that are looked at in one transaction, at most.
const AT_ONCE: u64 = 500;

/// A design job of a tenant.
pub type JobOfTenant = (TenantId, DesignJobId);

/// The jobs that have ended without their pictures and whose sixth step was not taken back.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn owing(db: &Db, all: AllTenants) -> Result<Vec<JobOfTenant>, DbError> {
    use design_job::Column as C;
    db.read(all, (), |tx, ()| {
        Box::pin(async move {
            let rows = design_job::Entity::find()
                .select_only()
                .columns([C::TenantId, C::Id])
                .filter(C::IsOwed.eq(true))
                .order_by_asc(C::UpdatedAt)
                .limit(AT_ONCE);
            let rows: Vec<(Col<TenantId>, Col<DesignJobId>)> = rows.into_tuple().all(tx.on()).await?;
            Ok(rows.into_iter().map(|(tenant, id)| (tenant.0, id.0)).collect())
        })
    })
    .await
}

/// Those of these jobs that have not ended.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn live(db: &Db, all: AllTenants, ids: &[DesignJobId]) -> Result<Vec<DesignJobId>, DbError> {
    use design_job::Column as C;
    db.read(all, ids.to_vec(), |tx, ids| {
        Box::pin(async move {
            let ended = DesignStatus::ALL.iter().filter(|status| status.is_terminal()).map(|status| Col(*status));
            let rows = design_job::Entity::find()
                .select_only()
                .column(C::Id)
                .filter(C::Id.is_in(ids.iter().map(|id| Col(*id))))
                .filter(C::Status.is_not_in(ended));
            let live: Vec<Col<DesignJobId>> = rows.into_tuple().all(tx.on()).await?;
            Ok(live.into_iter().map(Col::value).collect())
        })
    })
    .await
}

/// Ends the jobs whose design should have been stored this long ago: the request that did it is gone. Returns how many.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn abandon(db: &Db, all: AllTenants, age: Duration) -> Result<u64, DbError> {
    use design_job::Column as C;
    let found: Vec<JobOfTenant> = db
        .read(all, age, |tx, age| {
            Box::pin(async move {
                let before = tx.now().await? - *age;
                let rows = design_job::Entity::find()
                    .select_only()
                    .columns([C::TenantId, C::Id])
                    .filter(C::Status.eq(Col(DesignStatus::Pending)))
                    .filter(C::JobId.is_null())
                    .filter(C::UpdatedAt.lt(Col(before)))
                    .limit(AT_ONCE);
                let rows: Vec<(Col<TenantId>, Col<DesignJobId>)> = rows.into_tuple().all(tx.on()).await?;
                Ok(rows.into_iter().map(|(tenant, id)| (tenant.0, id.0)).collect())
            })
        })
        .await?;
    let mut n = 0;
    for (tenant, id) in found {
        let scope = TenantScope::of(tenant);
        let ended = db.write(scope, (tenant, id), |tx, (tenant, id)| {
            Box::pin(async move {
                let row = lock_alone(tx, *tenant, *id).await?;
                if row.status.0 != DesignStatus::Pending || row.job_id.is_some() {
                    return Ok(0);
                }
                let detail = "the service stopped while it stored the design: start a new job with it".to_owned();
                starting::end_unstored(tx, row, StepError { code: "upload_interrupted".to_owned(), detail }).await?;
                Ok(1)
            })
        });
        n += ended.await?;
    }
    Ok(n)
}

/// Whether something of a job was to be taken back and was not. A job that is gone has nothing.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn is_owing(db: &Db, scope: TenantScope, id: DesignJobId) -> Result<bool, DbError> {
    db.read(scope, (scope.tenant, id), |tx, (tenant, id)| {
        Box::pin(async move {
            match find(tx, *tenant, *id).await {
                Ok(row) => Ok(row.is_owed),
                Err(DbError::NotFound(_)) => Ok(false),
                Err(error) => Err(error),
            }
        })
    })
    .await
}
