//! The steps five and six of a design job, which its last task does one after the other under its lease, and how the
//! sixth is taken back.

use serde_json::json;

use super::effect::{begin, made_progress};
use super::steps::Steps;
use super::{find, outputs, owed, save, telling};
use crate::artifacts::{self, WholePackage};
use crate::column::Col;
use crate::entity::{design_job, media_asset};
use crate::held::Held;
use crate::media::{gallery, of_design};
use crate::tasks::OutputFile;
use crate::tx::Tx;
use crate::{Db, DbError, TenantScope};
use packshot_domain::design_job::{DesignStep, DesignStepStatus, TURNTABLE};
use packshot_domain::id::{AssetId, DesignJobId, TenantId};
use packshot_domain::media::{AssetEvent, AssetType, FRONT, GallerySource};
use packshot_domain::task::Lease;

/// The pictures of a job, in the order of their views, and its turntable. Their bytes are in the store.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredOutputs {
    /// Their package.
    pub package: WholePackage,
    /// The pictures.
    pub views: Vec<OutputFile>,
    /// The files of the turntable.
    pub turntable: Vec<OutputFile>,
}

/// The fifth step: the pictures become assets that nobody sees yet. The sixth begins.
///
/// # Errors
///
/// [`DbError::LeaseLost`]; [`DbError::NotFound`] of a `stored file` that has to be stored again.
pub async fn store_outputs(
    db: &Db,
    scope: TenantScope,
    (lease, attempt): (Lease, i32),
    stored: StoredOutputs,
) -> Result<(), DbError> {
    db.write(scope, (scope.tenant, lease, attempt, stored), |tx, (tenant, lease, attempt, stored)| {
        Box::pin(async move {
            let (mut row, mut steps) = under(tx, *tenant, *lease).await?;
            let now = tx.now().await?;
            let has_moved = begin(&mut row, &mut steps, (DesignStep::StoreRenderOutputs, *attempt), now)?;
            let StoredOutputs { package, views, turntable } = stored;
            let files = views.iter().map(|file| (AssetType::View, file.clone()));
            let files = files.chain(turntable.iter().map(|file| (AssetType::Turntable, file.clone())));
            of_design::save(tx, &row, package, files.collect(), json!({})).await?;
            steps.end(DesignStep::StoreRenderOutputs, DesignStepStatus::Done, now);
            steps.begin(DesignStep::AssociateProductMedia, *attempt, now);
            moved(tx, row, &steps, has_moved).await?;
            artifacts::store_in(tx, *tenant, std::slice::from_ref(package)).await.map(drop)
        })
    })
    .await
}

/// The sixth step: the pictures are published, the product shows them, and one becomes its thumbnail. The seventh
/// begins.
///
/// # Errors
///
/// [`DbError::LeaseLost`]; [`DbError::NotFound`] of the product.
pub async fn associate(db: &Db, scope: TenantScope, (lease, attempt): (Lease, i32)) -> Result<(), DbError> {
    db.write(scope, (scope.tenant, lease, attempt), |tx, (tenant, lease, attempt)| {
        Box::pin(async move {
            let (mut row, mut steps) = under(tx, *tenant, *lease).await?;
            let now = tx.now().await?;
            let has_moved = begin(&mut row, &mut steps, (DesignStep::AssociateProductMedia, *attempt), now)?;
            let pictures = outputs(tx, &row).await?;
            let ids: Vec<AssetId> = pictures.iter().map(|asset| asset.id.0).collect();
            of_design::publish(tx, *tenant, &ids, AssetEvent::Publish).await?;
            let says = |name: &str| row.request.0[name].as_bool().unwrap_or(true);
            if says("associate") {
                let product = row.product_id.0;
                let shown: Vec<AssetId> =
                    pictures.iter().filter(|asset| is_shown(asset)).map(|asset| asset.id.0).collect();
                gallery::associate(tx, *tenant, product, &shown, GallerySource::DesignJob).await?;
                let front = pictures.iter().find(|asset| asset.view_name.as_deref() == Some(FRONT));
                if let Some(front) = front.filter(|_| says("set_thumbnail")) {
                    let before = of_design::become_thumbnail(tx, *tenant, (product, front.id.0)).await?;
                    row.thumbnail_before = Some(Col(before));
                }
            }
            steps.end(DesignStep::AssociateProductMedia, DesignStepStatus::Done, now);
            steps.begin(DesignStep::CompleteRenderJob, *attempt, now);
            made_progress(&mut row, DesignStep::AssociateProductMedia.progress_pct_when_done());
            moved(tx, row, &steps, has_moved).await
        })
    })
    .await
}

/// Whether a gallery shows it: the views, and of a turntable what is one file of all frames.
fn is_shown(asset: &media_asset::Model) -> bool {
    asset.asset_type.0 == AssetType::View || asset.view_name.as_deref() == Some(TURNTABLE)
}

/// Takes the sixth step back while the last task runs: the pictures leave the gallery, are hidden again, and the
/// former thumbnail is put back, unless somebody has chosen another one meanwhile. What was taken back stays so.
///
/// # Errors
///
/// [`DbError::LeaseLost`].
pub async fn take_back(db: &Db, scope: TenantScope, lease: Lease) -> Result<(), DbError> {
    db.write(scope, (scope.tenant, lease), |tx, (tenant, lease)| {
        Box::pin(async move {
            let (row, steps) = under(tx, *tenant, *lease).await?;
            match steps.is_done(DesignStep::AssociateProductMedia) {
                true => take_back_in(tx, row, steps).await,
                false => Ok(()),
            }
        })
    })
    .await
}

/// The same for a job that has ended with this step still done. Returns whether there was something to take back.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn settle(db: &Db, scope: TenantScope, id: DesignJobId) -> Result<bool, DbError> {
    db.write(scope, (scope.tenant, id), |tx, (tenant, id)| {
        Box::pin(async move {
            let row = match super::lock(tx, *tenant, *id).await {
                Ok(row) => row,
                Err(DbError::NotFound(_)) => return Ok(false),
                Err(error) => return Err(error),
            };
            let steps = Steps::of(&row)?;
            if owed(row.status.0, &steps).is_empty() {
                return Ok(false);
            }
            take_back_in(tx, row, steps).await?;
            Ok(true)
        })
    })
    .await
}

/// Takes the sixth step of a locked job back, whose product is locked too.
pub(super) async fn take_back_in(tx: &Tx<'_>, mut row: design_job::Model, mut steps: Steps) -> Result<(), DbError> {
    let (tenant, product) = (row.tenant_id.0, row.product_id.0);
    let ids: Vec<AssetId> = outputs(tx, &row).await?.iter().map(|asset| asset.id.0).collect();
    gallery::withdraw(tx, tenant, product, &ids).await?;
    of_design::publish(tx, tenant, &ids, AssetEvent::Unpublish).await?;
    if let Some(before) = row.thumbnail_before.take() {
        of_design::restore_thumbnail(tx, tenant, product, &ids, &before.0).await?;
    }
    steps.set(DesignStep::AssociateProductMedia, DesignStepStatus::Undone);
    save(tx, row, &steps).await.map(drop)
}

async fn moved(tx: &Tx<'_>, row: design_job::Model, steps: &Steps, has_moved: bool) -> Result<(), DbError> {
    let row = save(tx, row, steps).await?;
    if has_moved {
        telling::moved(tx, &row, steps).await?;
    }
    Ok(())
}

/// A job whose task somebody holds, with its product locked.
async fn under(tx: &Tx<'_>, tenant: TenantId, lease: Lease) -> Result<(design_job::Model, Steps), DbError> {
    Held::under(tx, tenant, lease).await?;
    let job = lease.job.ok_or(DbError::LeaseLost(lease.task))?;
    let row = find(tx, tenant, DesignJobId::from_uuid(job.record)).await?;
    let steps = Steps::of(&row)?;
    Ok((row, steps))
}
