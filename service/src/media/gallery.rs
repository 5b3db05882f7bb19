//! Galleries of products: what they show, in order.

use super::{owner, shown};
use crate::app::{App, AppError};
use packshot_contract::media::{Gallery, GalleryItem};
use packshot_db::TenantScope;
use packshot_db::media::gallery::{self as rows, Exhibit};
use packshot_domain::id::{AssetId, ProductId};
use packshot_domain::principal::Principal;

/// What a product shows. A client sees the published ones of own orders.
///
/// # Errors
/// [`Code::ProductNotFound`](crate::app::Code::ProductNotFound).
pub async fn get(app: &App, who: &Principal, product: ProductId) -> Result<Gallery, AppError> {
    Ok(gallery(rows::of_product(&app.db, TenantScope::of(who.tenant), owner(who), product).await?))
}

/// Puts an asset into the gallery of a product: at a place, or at the end.
///
/// # Errors
/// [`Code::ProductNotFound`](crate::app::Code::ProductNotFound),
/// [`Code::AssetNotFound`](crate::app::Code::AssetNotFound),
/// [`Code::MediaAlreadyAssociated`](crate::app::Code::MediaAlreadyAssociated),
/// [`Code::AssetNotCurrent`](crate::app::Code::AssetNotCurrent).
pub async fn add(
    app: &App,
    who: &Principal,
    product: ProductId,
    asset: AssetId,
    position: Option<u32>,
) -> Result<GalleryItem, AppError> {
    Ok(item(rows::add(&app.db, TenantScope::of(who.tenant), product, asset, position).await?))
}

/// Gives the gallery of a product another order.
///
/// # Errors
/// [`Code::ProductNotFound`](crate::app::Code::ProductNotFound),
/// [`Code::MediaSetDiffers`](crate::app::Code::MediaSetDiffers).
pub async fn reorder(
    app: &App,
    who: &Principal,
    product: ProductId,
    assets: Vec<AssetId>,
) -> Result<Gallery, AppError> {
    Ok(gallery(rows::reorder(&app.db, TenantScope::of(who.tenant), product, assets).await?))
}

/// Takes an asset out of the gallery of a product. The asset stays.
///
/// # Errors
/// [`Code::ProductNotFound`](crate::app::Code::ProductNotFound),
/// [`Code::AssetNotFound`](crate::app::Code::AssetNotFound).
pub async fn remove(app: &App, who: &Principal, product: ProductId, asset: AssetId) -> Result<(), AppError> {
    Ok(rows::remove(&app.db, TenantScope::of(who.tenant), product, asset).await?)
}

fn gallery(exhibits: Vec<Exhibit>) -> Gallery {
    Gallery { items: exhibits.into_iter().map(item).collect() }
}

fn item(exhibit: Exhibit) -> GalleryItem {
    GalleryItem { position: exhibit.position, source: exhibit.source.into(), asset: shown(exhibit.asset) }
}
