//! Assets are deleted: they leave lists, galleries, their line and their product, and their bytes go where nothing else
//! needs them (media.md §3).

use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect,
};
use serde_json::json;

use super::changing::{MediaOutcome, MediaRefusal, Outcome, lock_all, note, tell};
use super::gallery;
use crate::artifacts::{self, Caller};
use crate::column::Col;
use crate::entity::{cad_file, media_asset, order_line, product};
use crate::level::Level;
use crate::tx::Tx;
use crate::{Db, DbError, Json, TenantScope};
use packshot_domain::audit::Action;
use packshot_domain::channel::ActivityType;
use packshot_domain::id::{AssetId, OrderLineId, PackageId, TenantId};

/// Deletes assets. Each is by itself: the others go though one cannot.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn delete(db: &Db, scope: TenantScope, by: Caller, ids: Vec<AssetId>) -> Result<Vec<Outcome>, DbError> {
    db.write(scope, (scope.tenant, by, ids), |tx, (tenant, by, ids)| Box::pin(delete_in(tx, *tenant, by, ids))).await
}

async fn delete_in(tx: &Tx<'_>, tenant: TenantId, by: &Caller, ids: &[AssetId]) -> Result<Vec<Outcome>, DbError> {
    let lines = lock_above(tx, tenant, ids).await?;
    delete_below(tx, tenant, by, (lines, ids)).await
}

/// Locks everything above assets that names them, and returns their lines.
pub(crate) async fn lock_above(
    tx: &Tx<'_>,
    tenant: TenantId,
    ids: &[AssetId],
) -> Result<Vec<order_line::Model>, DbError> {
    let lines = lock_lines(tx, tenant, ids).await?;
    lock_files(tx, tenant, ids).await?;
    lock_products(tx, tenant, ids).await?;
    Ok(lines)
}

/// Deletes assets; what names them is locked.
pub(crate) async fn delete_below(
    tx: &Tx<'_>,
    tenant: TenantId,
    by: &Caller,
    (mut lines, ids): (Vec<order_line::Model>, &[AssetId]),
) -> Result<Vec<Outcome>, DbError> {
    let rows = lock_all(tx, tenant, ids).await?;
    let mut outcomes = Vec::new();
    let mut going = Vec::new();
    for id in ids {
        outcomes.push((
            *id,
            match rows.iter().find(|row| row.id.0 == *id) {
                None => Err(MediaOutcome::NotFound),
                Some(row) if row.held => Err(MediaOutcome::Refused(MediaRefusal::OnHold)),
                Some(row) => {
                    going.push(row);
                    Ok(true)
                }
            },
        ));
    }
    let gone: Vec<AssetId> = going.iter().map(|row| row.id.0).collect();
    if gone.is_empty() {
        return Ok(outcomes);
    }
    let mut packages: Vec<PackageId> = going.iter().map(|row| row.package_id.0).collect();
    packages.sort_unstable();
    packages.dedup();
    clear(tx, tenant, &gone).await?;
    clear_results(tx, &mut lines, &going).await?;
    gallery::leave(tx, tenant, &gone).await?;
    use media_asset::Column as C;
    let of_them = media_asset::Entity::delete_many().filter(C::TenantId.eq(Col(tenant)));
    of_them.filter(C::Id.is_in(gone.iter().map(|id| Col(*id)))).exec(tx.on()).await?;
    artifacts::let_go(tx, tenant, &by.event, &packages).await?;
    for row in &going {
        note(tx, tenant, &by.audit, row.id.0, (Action::AssetDeleted, json!({"before": shown(row), "after": null})))
            .await?;
        tell(tx, row, ActivityType::AssetDeleted, &by.audit);
    }
    Ok(outcomes)
}

/// Locks the lines that assets are of.
async fn lock_lines(tx: &Tx<'_>, tenant: TenantId, ids: &[AssetId]) -> Result<Vec<order_line::Model>, DbError> {
    use media_asset::Column as C;
    let lines = media_asset::Entity::find().filter(C::TenantId.eq(Col(tenant)));
    let lines = lines.filter(C::Id.is_in(ids.iter().map(|id| Col(*id)))).select_only().column(C::OrderLineId);
    let lines: Vec<Option<Col<OrderLineId>>> = lines.distinct().into_tuple().all(tx.on()).await?;
    tx.enter(Level::OrderLine);
    let rows = order_line::Entity::find().filter(order_line::Column::TenantId.eq(Col(tenant)));
    let rows = rows.filter(order_line::Column::Id.is_in(lines.into_iter().flatten()));
    Ok(rows.order_by_asc(order_line::Column::Id).lock_exclusive().all(tx.on()).await?)
}

/// Locks the CAD files that have one of these assets for their thumbnail.
async fn lock_files(tx: &Tx<'_>, tenant: TenantId, ids: &[AssetId]) -> Result<(), DbError> {
    use cad_file::Column as C;
    tx.enter(Level::CadFile);
    let rows = cad_file::Entity::find().filter(C::TenantId.eq(Col(tenant)));
    let rows = rows.filter(C::ThumbnailAssetId.is_in(ids.iter().map(|id| Col(*id))));
    rows.order_by_asc(C::Id).lock_exclusive().all(tx.on()).await?;
    Ok(())
}

/// Locks the products that have one of these assets for their thumbnail, or in their gallery.
async fn lock_products(tx: &Tx<'_>, tenant: TenantId, ids: &[AssetId]) -> Result<(), DbError> {
    use product::Column as C;
    let showing = gallery::products_of(tx, tenant, ids).await?;
    tx.enter(Level::Product);
    let any = Condition::any()
        .add(C::ThumbnailAssetId.is_in(ids.iter().map(|id| Col(*id))))
        .add(C::Id.is_in(showing.into_iter().map(Col)));
    let rows = product::Entity::find().filter(C::TenantId.eq(Col(tenant))).filter(any);
    rows.order_by_asc(C::Id).lock_exclusive().all(tx.on()).await?;
    Ok(())
}

/// Products and CAD files lose these thumbnails.
async fn clear(tx: &Tx<'_>, tenant: TenantId, gone: &[AssetId]) -> Result<(), DbError> {
    let these = || gone.iter().map(|id| Col(*id));
    let now = Col(tx.now().await?);
    let products = product::Entity::update_many()
        .set(product::ActiveModel { thumbnail_asset_id: Set(None), thumbnail_source: Set(None), ..Default::default() })
        .col_expr(product::Column::Revision, Expr::col(product::Column::Revision).add(1))
        .col_expr(product::Column::UpdatedAt, Expr::value(now))
        .filter(product::Column::TenantId.eq(Col(tenant)))
        .filter(product::Column::ThumbnailAssetId.is_in(these()));
    products.exec(tx.on()).await?;
    let files = cad_file::Entity::update_many()
        .set(cad_file::ActiveModel { thumbnail_asset_id: Set(None), ..Default::default() })
        .filter(cad_file::Column::TenantId.eq(Col(tenant)))
        .filter(cad_file::Column::ThumbnailAssetId.is_in(these()));
    files.exec(tx.on()).await?;
    Ok(())
}

/// Lines lose the results that these assets were. Versions before the newest are no result any more, though their bytes
/// may be the same.
async fn clear_results(
    tx: &Tx<'_>,
    lines: &mut [order_line::Model],
    going: &[&media_asset::Model],
) -> Result<(), DbError> {
    for line in lines {
        let is_result = going.iter().any(|row| {
            row.order_line_id == Some(line.id)
                && row.superseded_by.is_none()
                && line.result_address == Some(row.address)
        });
        if is_result {
            let changed = order_line::ActiveModel {
                result_path: Set(None),
                result_address: Set(None),
                ..line.clone().into_active_model()
            };
            changed.update_without_returning(tx.on()).await?;
        }
    }
    Ok(())
}

/// What the audit log shows of an asset that is deleted.
fn shown(row: &media_asset::Model) -> Json {
    json!({
        "asset_type": row.asset_type.0.as_str(),
        "media_type": row.media_type,
        "file_name": row.file_name,
        "file_hash": row.address.0.to_string(),
        "version": row.version,
        "state": row.state.0.as_str(),
        "product_id": row.product_id.map(|id| id.0.to_string()),
        "order_id": row.order_id.map(|id| id.0.to_string()),
    })
}
