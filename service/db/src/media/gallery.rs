//! Galleries: the assets that a product shows, in order (media.md §9).

use std::collections::HashMap;

use sea_orm::ActiveValue::{Set, Unchanged};
use sea_orm::sea_query::ExprTrait;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect};

use super::changing::MediaRefusal;
use super::{Asset, is_of, whole};
use crate::column::Col;
use crate::entity::{media_asset, product, product_media};
use crate::level::Level;
use crate::tx::Tx;
use crate::{Db, DbError, TenantScope, products};
use packshot_domain::id::{AssetId, ProductId, TenantId, UserId};
use packshot_domain::media::{AssetState, GallerySource};

/// An asset in its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Exhibit {
    /// Its place, from 0.
    pub position: u32,
    /// How it came there.
    pub source: GallerySource,
    /// The asset.
    pub asset: Asset,
}

/// What a product shows, in order. A client sees the published ones of own orders: `owner` is the client then.
///
/// # Errors
///
/// [`DbError::NotFound`] of the product.
pub async fn of_product(
    db: &Db,
    scope: TenantScope,
    owner: Option<UserId>,
    product: ProductId,
) -> Result<Vec<Exhibit>, DbError> {
    db.read(scope, (scope.tenant, owner, product), |tx, (tenant, owner, product)| {
        Box::pin(async move {
            let found = product::Entity::find_by_id((Col(*tenant), Col(*product))).one(tx.on()).await?;
            found.ok_or(DbError::NotFound("product"))?;
            shown(tx, *tenant, *owner, *product).await
        })
    })
    .await
}

/// Puts an asset into the gallery of a product: at a place, or at the end.
///
/// # Errors
///
/// [`DbError::NotFound`] of product or asset; [`MediaRefusal::AlreadyAssociated`], [`MediaRefusal::NotCurrent`].
pub async fn add(
    db: &Db,
    scope: TenantScope,
    product: ProductId,
    asset: AssetId,
    position: Option<u32>,
) -> Result<Exhibit, DbError> {
    db.write(scope, (scope.tenant, product, asset, position), |tx, (tenant, product, asset, position)| {
        Box::pin(async move {
            products::lock(tx, *tenant, *product).await?;
            tx.enter(Level::Object);
            let key = (Col(*tenant), Col(*asset));
            let row = media_asset::Entity::find_by_id(key).lock_exclusive().one(tx.on()).await?;
            let row = row.ok_or(DbError::NotFound("media asset"))?;
            let mut places = places(tx, *tenant, *product).await?;
            if places.iter().any(|place| place.asset_id.0 == *asset) {
                return Err(MediaRefusal::AlreadyAssociated.into());
            }
            if !row.state.0.is_current() {
                return Err(MediaRefusal::NotCurrent.into());
            }
            let at = position.and_then(|at| usize::try_from(at).ok()).unwrap_or(usize::MAX).min(places.len());
            let place = product_media::Model {
                tenant_id: Col(*tenant),
                product_id: Col(*product),
                asset_id: Col(*asset),
                // Until it has its place.
                position: -1,
                source: Col(source_of(&row)),
                created_at: Col(tx.now().await?),
            };
            tx.insert_all(vec![place.clone().into_active_model().reset_all()]).await?;
            places.insert(at, place);
            number(tx, &places).await?;
            let exhibits = shown(tx, *tenant, None, *product).await?;
            let added = exhibits.into_iter().find(|exhibit| exhibit.asset.id == *asset);
            added.ok_or(DbError::NotFound("media asset"))
        })
    })
    .await
}

/// Gives the assets of a gallery another order.
///
/// # Errors
///
/// [`DbError::NotFound`] of the product; [`MediaRefusal::SetDiffers`] when these are not its assets, each once.
pub async fn reorder(
    db: &Db,
    scope: TenantScope,
    product: ProductId,
    assets: Vec<AssetId>,
) -> Result<Vec<Exhibit>, DbError> {
    db.write(scope, (scope.tenant, product, assets), |tx, (tenant, product, assets)| {
        Box::pin(async move {
            products::lock(tx, *tenant, *product).await?;
            tx.enter(Level::Object);
            let mut of: HashMap<AssetId, product_media::Model> =
                places(tx, *tenant, *product).await?.into_iter().map(|place| (place.asset_id.0, place)).collect();
            let n = of.len();
            let ordered: Vec<product_media::Model> = assets.iter().filter_map(|asset| of.remove(asset)).collect();
            if ordered.len() != n || assets.len() != n {
                return Err(MediaRefusal::SetDiffers.into());
            }
            number(tx, &ordered).await?;
            shown(tx, *tenant, None, *product).await
        })
    })
    .await
}

/// Takes an asset out of the gallery of a product.
///
/// # Errors
///
/// [`DbError::NotFound`] of the product, or of an asset that is not in its gallery.
pub async fn remove(db: &Db, scope: TenantScope, product: ProductId, asset: AssetId) -> Result<(), DbError> {
    db.write(scope, (scope.tenant, product, asset), |tx, (tenant, product, asset)| {
        Box::pin(async move {
            products::lock(tx, *tenant, *product).await?;
            tx.enter(Level::Object);
            let key = (Col(*tenant), Col(*product), Col(*asset));
            let removed = product_media::Entity::delete_by_id(key).exec(tx.on()).await?;
            if removed.rows_affected == 0 {
                return Err(DbError::NotFound("media asset"));
            }
            number(tx, &places(tx, *tenant, *product).await?).await
        })
    })
    .await
}

/// Puts assets at the end of the gallery of a locked product, those that are not in it.
pub(crate) async fn associate(
    tx: &Tx<'_>,
    tenant: TenantId,
    product: ProductId,
    assets: &[AssetId],
    source: GallerySource,
) -> Result<(), DbError> {
    tx.enter(Level::Object);
    let present = places(tx, tenant, product).await?;
    let (now, end) = (Col(tx.now().await?), i32::try_from(present.len()).unwrap_or(i32::MAX));
    let new = assets.iter().filter(|asset| present.iter().all(|place| place.asset_id.0 != **asset));
    let rows = new.zip(end..).map(|(asset, position)| {
        let place = product_media::Model {
            tenant_id: Col(tenant),
            product_id: Col(product),
            asset_id: Col(*asset),
            position,
            source: Col(source),
            created_at: now,
        };
        place.into_active_model().reset_all()
    });
    tx.insert_all(rows.collect()).await
}

/// Lets an asset take the place of another in all galleries. Where it is already, it keeps its own place.
pub(super) async fn take_place(tx: &Tx<'_>, tenant: TenantId, old: AssetId, new: AssetId) -> Result<(), DbError> {
    use product_media::Column as C;
    let of_old = product_media::Entity::find().filter(C::TenantId.eq(Col(tenant)));
    for place in of_old.filter(C::AssetId.eq(Col(old))).order_by_asc(C::ProductId).all(tx.on()).await? {
        let key = (place.tenant_id, place.product_id);
        product_media::Entity::delete_by_id((key.0, key.1, place.asset_id)).exec(tx.on()).await?;
        if product_media::Entity::find_by_id((key.0, key.1, Col(new))).one(tx.on()).await?.is_none() {
            let place = product_media::Model { asset_id: Col(new), ..place };
            tx.insert_all(vec![place.into_active_model().reset_all()]).await?;
        } else {
            number(tx, &places(tx, tenant, key.1.0).await?).await?;
        }
    }
    Ok(())
}

/// Takes assets out of all galleries. Their products are locked.
pub(super) async fn leave(tx: &Tx<'_>, tenant: TenantId, assets: &[AssetId]) -> Result<(), DbError> {
    use product_media::Column as C;
    let of_them = || {
        let places = C::AssetId.is_in(assets.iter().map(|id| Col(*id)));
        C::TenantId.eq(Col(tenant)).and(places)
    };
    let left = product_media::Entity::find().filter(of_them()).select_only().column(C::ProductId).distinct();
    let left: Vec<Col<ProductId>> = left.into_tuple().all(tx.on()).await?;
    product_media::Entity::delete_many().filter(of_them()).exec(tx.on()).await?;
    for product in left {
        number(tx, &places(tx, tenant, product.0).await?).await?;
    }
    Ok(())
}

/// Takes assets out of the gallery of a locked product.
pub(crate) async fn withdraw(
    tx: &Tx<'_>,
    tenant: TenantId,
    product: ProductId,
    assets: &[AssetId],
) -> Result<(), DbError> {
    use product_media::Column as C;
    tx.enter(Level::Object);
    let of_product = product_media::Entity::delete_many().filter(C::TenantId.eq(Col(tenant)));
    let of_product = of_product.filter(C::ProductId.eq(Col(product)));
    of_product.filter(C::AssetId.is_in(assets.iter().map(|id| Col(*id)))).exec(tx.on()).await?;
    number(tx, &places(tx, tenant, product).await?).await
}

/// Those of these assets that are in no gallery.
pub(crate) async fn in_none(tx: &Tx<'_>, tenant: TenantId, assets: &[AssetId]) -> Result<Vec<AssetId>, DbError> {
    use product_media::Column as C;
    let of_them = product_media::Entity::find().filter(C::TenantId.eq(Col(tenant)));
    let of_them = of_them.filter(C::AssetId.is_in(assets.iter().map(|id| Col(*id)))).select_only();
    let shown: Vec<Col<AssetId>> = of_them.column(C::AssetId).distinct().into_tuple().all(tx.on()).await?;
    Ok(assets.iter().copied().filter(|asset| !shown.contains(&Col(*asset))).collect())
}

/// The products in whose galleries these assets are.
pub(crate) async fn products_of(tx: &Tx<'_>, tenant: TenantId, assets: &[AssetId]) -> Result<Vec<ProductId>, DbError> {
    use product_media::Column as C;
    let of_them = product_media::Entity::find().filter(C::TenantId.eq(Col(tenant)));
    let of_them = of_them.filter(C::AssetId.is_in(assets.iter().map(|id| Col(*id)))).select_only();
    let of_them: Vec<Col<ProductId>> = of_them.column(C::ProductId).distinct().into_tuple().all(tx.on()).await?;
    Ok(of_them.into_iter().map(Col::value).collect())
}

/// How an asset came to a product.
fn source_of(row: &media_asset::Model) -> GallerySource {
    match (row.order_line_id, row.design_job_id) {
        (Some(_), _) => GallerySource::OrderLine,
        (None, Some(_)) => GallerySource::DesignJob,
        (None, None) => GallerySource::Upload,
    }
}

/// The places of a gallery, in order.
async fn places(tx: &Tx<'_>, tenant: TenantId, product: ProductId) -> Result<Vec<product_media::Model>, DbError> {
    use product_media::Column as C;
    let of_it = product_media::Entity::find().filter(C::TenantId.eq(Col(tenant)));
    let of_it = of_it.filter(C::ProductId.eq(Col(product))).order_by_asc(C::Position).order_by_asc(C::AssetId);
    Ok(of_it.all(tx.on()).await?)
}

/// Numbers places in this order, from 0.
async fn number(tx: &Tx<'_>, ordered: &[product_media::Model]) -> Result<(), DbError> {
    for (position, place) in (0..).zip(ordered) {
        if place.position == position {
            continue;
        }
        let moved = product_media::ActiveModel {
            tenant_id: Unchanged(place.tenant_id),
            product_id: Unchanged(place.product_id),
            asset_id: Unchanged(place.asset_id),
            position: Set(position),
            ..Default::default()
        };
        moved.update_without_returning(tx.on()).await?;
    }
    Ok(())
}

async fn shown(
    tx: &Tx<'_>,
    tenant: TenantId,
    owner: Option<UserId>,
    product: ProductId,
) -> Result<Vec<Exhibit>, DbError> {
    let places = places(tx, tenant, product).await?;
    let rows = media_asset::Entity::find()
        .filter(media_asset::Column::TenantId.eq(Col(tenant)))
        .filter(media_asset::Column::Id.is_in(places.iter().map(|place| place.asset_id)));
    let mut seen = Vec::new();
    for row in rows.all(tx.on()).await? {
        let is_seen = match owner {
            Some(owner) => row.state.0 == AssetState::Published && is_of(tx, &row, owner).await?,
            None => true,
        };
        seen.extend(is_seen.then_some(row));
    }
    let mut assets: HashMap<AssetId, Asset> =
        whole(tx, seen).await?.into_iter().map(|asset| (asset.id, asset)).collect();
    let exhibit = |place: product_media::Model| {
        let asset = assets.remove(&place.asset_id.0)?;
        Some(Exhibit { position: place.position.unsigned_abs(), source: place.source.0, asset })
    };
    Ok(places.into_iter().filter_map(exhibit).collect())
}
