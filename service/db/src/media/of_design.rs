//! Media assets of design jobs: the design, its texture, and the pictures, which are published when the product shows
//! them.

use sea_orm::ActiveValue::Set;
use sea_orm::{ActiveModelTrait, EntityTrait, IntoActiveModel};

use super::saving::{Kept, row, save_thumbnail};
use super::{Asset, changing, search, whole, whole_of};
use crate::artifacts::WholePackage;
use crate::column::Col;
use crate::entity::{design_job, media_asset, product};
use crate::level::Level;
use crate::tasks::OutputFile;
use crate::tx::Tx;
use crate::{DbError, Json};
use packshot_domain::id::{AssetId, ProductId, TenantId};
use packshot_domain::media::{AssetEvent, AssetState, AssetType, ThumbnailSource};
use serde_json::json;

/// An asset, if it is still there.
pub(crate) async fn find(tx: &Tx<'_>, tenant: TenantId, id: Option<AssetId>) -> Result<Option<Asset>, DbError> {
    let Some(id) = id else { return Ok(None) };
    match media_asset::Entity::find_by_id((Col(tenant), Col(id))).one(tx.on()).await? {
        Some(row) => Ok(Some(whole_of(tx, row).await?)),
        None => Ok(None),
    }
}

/// Assets as they are shown.
pub(crate) async fn shown(tx: &Tx<'_>, rows: Vec<media_asset::Model>) -> Result<Vec<Asset>, DbError> {
    whole(tx, rows).await
}

/// Saves files of a locked job, each with what it is. Pictures are not published yet; a design and its texture are not
/// for clients to see.
pub(crate) async fn save(
    tx: &Tx<'_>,
    job: &design_job::Model,
    whole: &WholePackage,
    files: Vec<(AssetType, OutputFile)>,
    metadata: Json,
) -> Result<Vec<AssetId>, DbError> {
    let tenant = job.tenant_id.0;
    let product = product::Entity::find_by_id((job.tenant_id, job.product_id)).one(tx.on()).await?;
    let kept = Kept::of(tx, tenant, whole).await?;
    tx.enter(Level::Object);
    let mut rows = Vec::with_capacity(files.len());
    for (position, (of, file)) in (0..).zip(files) {
        let new = row(tx, tenant, (of, kept), position, &file).await?;
        rows.push(media_asset::Model {
            product_id: product.as_ref().map(|product| product.id),
            design_job_id: Some(job.id.0.uuid()),
            view_name: new.view_name.clone().filter(|_| matches!(of, AssetType::View | AssetType::Turntable)),
            state: Col(AssetState::Unpublished),
            published_at: None,
            metadata: Col(metadata.clone()),
            ..new
        });
    }
    search::describe(tx, tenant, &mut rows).await?;
    let saved = rows.iter().map(|row| row.id.0).collect();
    tx.insert_all(rows.into_iter().map(|row| row.into_active_model().reset_all()).collect()).await?;
    Ok(saved)
}

/// Publishes assets of a locked job, or hides them again. Those that have another state by now stay as they are.
pub(crate) async fn publish(tx: &Tx<'_>, tenant: TenantId, ids: &[AssetId], event: AssetEvent) -> Result<(), DbError> {
    let now = Col(tx.now().await?);
    for row in changing::lock_all(tx, tenant, ids).await? {
        let Ok(state) = row.state.0.next(event) else { continue };
        if state == row.state.0 {
            continue;
        }
        let changed = media_asset::ActiveModel {
            state: Set(Col(state)),
            published_at: Set((state == AssetState::Published).then_some(now)),
            updated_at: Set(now),
            revision: Set(row.revision + 1),
            ..row.into_active_model()
        };
        changed.update_without_returning(tx.on()).await?;
    }
    Ok(())
}

/// Makes an asset the thumbnail of its locked product; returns what it was before, to be put back.
pub(crate) async fn become_thumbnail(
    tx: &Tx<'_>,
    tenant: TenantId,
    (id, asset): (ProductId, AssetId),
) -> Result<Json, DbError> {
    let row = product::Entity::find_by_id((Col(tenant), Col(id))).one(tx.on()).await?;
    let mut row = row.ok_or(DbError::NotFound("product"))?;
    let before = json!({
        "asset_id": row.thumbnail_asset_id.map(|id| id.0.to_string()),
        "source": row.thumbnail_source.map(|source| source.0.as_str()),
    });
    (row.thumbnail_asset_id, row.thumbnail_source) = (Some(Col(asset)), Some(Col(ThumbnailSource::Automatic)));
    save_thumbnail(tx, row).await?;
    Ok(before)
}

/// Puts the former thumbnail of a locked product back, unless somebody has chosen another one meanwhile.
pub(crate) async fn restore_thumbnail(
    tx: &Tx<'_>,
    tenant: TenantId,
    id: ProductId,
    ours: &[AssetId],
    before: &Json,
) -> Result<(), DbError> {
    let Some(mut row) = product::Entity::find_by_id((Col(tenant), Col(id))).one(tx.on()).await? else { return Ok(()) };
    if !row.thumbnail_asset_id.is_some_and(|present| ours.contains(&present.0)) {
        return Ok(());
    }
    let former = before["asset_id"].as_str().and_then(|text| text.parse::<AssetId>().ok());
    // It may have been deleted meanwhile.
    let former = match former {
        Some(id) => media_asset::Entity::find_by_id((Col(tenant), Col(id))).one(tx.on()).await?.map(|row| row.id),
        None => None,
    };
    let source = before["source"].as_str().and_then(|text| text.parse::<ThumbnailSource>().ok());
    (row.thumbnail_asset_id, row.thumbnail_source) = (former, former.and(source).map(Col));
    save_thumbnail(tx, row).await
}
