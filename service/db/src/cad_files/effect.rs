//! What tasks mean for a CAD file: those of its own job, and those with which the job of an order line converts it.

use futures_util::future::BoxFuture;
use serde_json::json;

use super::conversion::{is_converting, shown_error, wake};
use super::{CadDelivery, find, lock, save};
use crate::column::Col;
use crate::effect::{Effect, Phase, Turn};
use crate::entity::{cad_file, order_line};
use crate::level::Level;
use crate::tasks::Delivery;
use crate::tx::Tx;
use crate::{DbError, artifacts, media, products, workflows};
use packshot_domain::cad_file::{CadEvent, CadStatus, IllegalCadState};
use packshot_domain::id::{AssetId, CadFileId, JobId, TenantId};
use packshot_domain::job::{JobKind, JobRef};
use packshot_domain::media::AssetType;
use packshot_domain::step::StepName;
use packshot_domain::task::TaskKind;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect};

/// Moves a CAD file by the tasks of its own job.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CadEffect;

impl Effect for CadEffect {
    fn lock<'t>(&'t self, tx: &'t Tx<'_>, tenant: TenantId, job: JobRef) -> BoxFuture<'t, Result<(), DbError>> {
        Box::pin(async move {
            match lock(tx, tenant, CadFileId::from_uuid(job.record)).await {
                Ok(row) if row.converting_job == Some(Col(job.id)) => {
                    products::lock_of(tx, tenant, Some(row.id.0), &[], &[]).await?;
                }
                // It may have been deleted after its job had ended.
                Ok(_) | Err(DbError::NotFound(_)) => {}
                Err(error) => return Err(error),
            }
            workflows::lock_of_job(tx, tenant, job.id).await
        })
    }

    fn apply<'t>(&'t self, tx: &'t Tx<'_>, turn: Turn<'t>) -> BoxFuture<'t, Result<(), DbError>> {
        Box::pin(async move {
            let row = find(tx, turn.tenant, CadFileId::from_uuid(turn.job.record)).await?;
            // Only its newest job can be put back: another one may have taken its place.
            if matches!(turn.phase, Phase::Released) && row.job_id != Some(Col(turn.job.id)) {
                return Err(IllegalCadState { from: row.status.0, event: CadEvent::Reextract }.into());
            }
            let mut saved = None;
            match (turn.task.kind, turn.phase) {
                (TaskKind::Step(StepName::OccGlbExport | StepName::ExtractMetadata), _) => converted(tx, turn).await?,
                (TaskKind::Step(step), Phase::Completed(delivery)) => {
                    saved = made(tx, row, (turn.task.publishes, step), delivery).await?;
                }
                _ => {}
            }
            match workflows::Following::of_job(tx, turn.tenant, turn.job.id).await? {
                Some(run) => run.follow(tx, turn, saved.as_slice()).await,
                None => Ok(()),
            }
        })
    }
}

/// Keeps what a step has made of a CAD file: a thumbnail becomes its picture.
async fn made(
    tx: &Tx<'_>,
    mut row: cad_file::Model,
    (publishes, step): (bool, StepName),
    delivery: &Delivery,
) -> Result<Option<AssetId>, DbError> {
    let tenant = row.tenant_id.0;
    let saved = match AssetType::of_step(step).filter(|_| publishes) {
        Some(of) => media::save_of_file(tx, &row, of, delivery).await?,
        None => None,
    };
    if let (Some(picture), StepName::RenderThumbnail) = (saved, step) {
        row.thumbnail_asset_id = Some(Col(picture));
        save(tx, row).await?;
    }
    artifacts::store_in(tx, tenant, &delivery.packages).await?;
    Ok(saved)
}

/// Locks the CAD file that the job of an order line converts, with its products, the product of the line, and those
/// that show its pictures: newer ones take their place.
pub(crate) async fn lock_of_line(
    tx: &Tx<'_>,
    tenant: TenantId,
    job: JobId,
    line: &order_line::Model,
) -> Result<(), DbError> {
    let id = line.id.0;
    let shown = media::current_of_lines(tx, tenant, [id]).await?.remove(&id).unwrap_or_default();
    let mut locked = media::gallery::products_of(tx, tenant, &shown).await?;
    locked.push(line.product_id.0);
    tx.enter(Level::CadFile);
    let of_job = cad_file::Entity::find()
        .filter(cad_file::Column::TenantId.eq(Col(tenant)))
        .filter(cad_file::Column::ConvertingJob.eq(Col(job)))
        .lock_exclusive();
    let file = of_job.one(tx.on()).await?.map(|row| row.id.0);
    products::lock_of(tx, tenant, file, &locked, &shown).await
}

/// What a task that converts or reads means for its CAD file. The file that it has begun is locked, with its products.
pub(crate) async fn converted(tx: &Tx<'_>, turn: Turn<'_>) -> Result<(), DbError> {
    if matches!(turn.phase, Phase::Began) {
        return Ok(());
    }
    let of_job = cad_file::Entity::find()
        .filter(cad_file::Column::TenantId.eq(Col(turn.tenant)))
        .filter(cad_file::Column::ConvertingJob.eq(Col(turn.job.id)));
    let own = of_job.one(tx.on()).await?.filter(|row| row.converting_task == Some(Col(turn.task.id)));
    let Some(mut row) = own else { return failed_before(tx, turn).await };
    // Tasks are locked before objects.
    wake(tx, turn.tenant).await?;
    (row.converting_job, row.converting_task, row.processing_since) = (None, None, None);
    match turn.phase {
        Phase::Completed(delivery) => done(tx, row, delivery).await,
        Phase::Failed | Phase::Rejected(_) => fail(tx, row, turn).await,
        Phase::Began | Phase::Released | Phase::Cancelled => {
            row.status = Col(row.status.0.next(CadEvent::GiveBack)?);
            save(tx, row).await.map(drop)
        }
    }
}

/// A task of a file's own job failed before it began. While another task converts the file, that one decides.
async fn failed_before(tx: &Tx<'_>, turn: Turn<'_>) -> Result<(), DbError> {
    if turn.job.kind != JobKind::Cad || !matches!(turn.phase, Phase::Failed) {
        return Ok(());
    }
    let row = find(tx, turn.tenant, CadFileId::from_uuid(turn.job.record)).await?;
    let is_done = matches!(row.status.0, CadStatus::Failed | CadStatus::Processing);
    if is_done || is_converting(tx, &row).await?.is_some() {
        return Ok(());
    }
    fail(tx, row, turn).await
}

async fn fail(tx: &Tx<'_>, mut row: cad_file::Model, turn: Turn<'_>) -> Result<(), DbError> {
    row.status = Col(row.status.0.next(CadEvent::Fail)?);
    row.error = turn.task.error.as_ref().map(|error| Col(shown_error(error)));
    row.settled_at = Some(Col(tx.now().await?));
    save(tx, row).await.map(drop)
}

/// What was read takes the place of what was known, and products of the file get what their parts lead to.
async fn done(tx: &Tx<'_>, mut row: cad_file::Model, delivery: &Delivery) -> Result<(), DbError> {
    let Some(CadDelivery { file, read, found }) = delivery.cad.as_deref() else {
        return Err(DbError::Unsupported("a task that reads a CAD file has left nothing of it".to_owned()));
    };
    let tenant = row.tenant_id.0;
    row.status = Col(row.status.0.next(CadEvent::Read)?);
    (row.parts, row.size_mm) = (Col(json!(read.parts)), read.size_mm.map(|size_mm| Col(json!(size_mm))));
    row.glb_address = read.glb.map(Col);
    (row.error, row.stalls, row.settled_at) = (None, 0, Some(Col(tx.now().await?)));
    save(tx, row).await?;
    // Aliases are locked before objects, and these before the streams in which products are told of.
    let found = products::by_active_aliases(tx, tenant, found).await?;
    artifacts::store_in(tx, tenant, &delivery.packages).await?;
    products::fill(tx, tenant, *file, &found).await
}
