//! What follows for assets, and from assets, when something above them changes: what stands for a product, and what
//! goes while they stay.

use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect};

use super::search;
use crate::DbError;
use crate::column::Col;
use crate::entity::{media_asset, product_media};
use crate::level::Level;
use crate::tx::Tx;
use packshot_domain::id::{AssetId, OrderId, OrderLineId, OutputTypeId, ProductId, TenantId};

/// Checks that an asset can stand for a locked product.
///
/// # Errors
///
/// [`DbError::Thumbnail`].
pub(crate) async fn check_thumbnail(
    tx: &Tx<'_>,
    tenant: TenantId,
    product: ProductId,
    id: AssetId,
) -> Result<(), DbError> {
    tx.enter(Level::Object);
    // Locked, so that it does not expire meanwhile.
    let mut row = media_asset::Entity::find_by_id((Col(tenant), Col(id))).lock_exclusive().one(tx.on()).await?;
    if let Some(found) = &row
        && found.product_id != Some(Col(product))
    {
        let place = product_media::Entity::find_by_id((Col(tenant), Col(product), Col(id))).one(tx.on()).await?;
        row = row.filter(|_| place.is_some());
    }
    let row = row.ok_or(DbError::Thumbnail(UnfitThumbnail::OfAnotherProduct))?;
    if !row.asset_type.0.is_picture() || !row.media_type.starts_with("image/") {
        return Err(DbError::Thumbnail(UnfitThumbnail::NoPicture));
    }
    if !row.state.0.is_current() {
        return Err(DbError::Thumbnail(UnfitThumbnail::NotCurrent));
    }
    Ok(())
}

/// Why an asset cannot stand for a product.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnfitThumbnail {
    /// It shows another product and is not in the gallery of this one, or there is no such asset.
    #[error("the product has no such media asset")]
    OfAnotherProduct,
    /// It is no picture.
    #[error("the media asset is no picture")]
    NoPicture,
    /// There is a newer version, or its bytes are gone.
    #[error("the media asset is not current: there is a newer version, or its bytes are gone")]
    NotCurrent,
}

/// What is about to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Going {
    /// A line of an order.
    Line(OrderLineId),
    /// An order with its lines.
    Order(OrderId),
    /// A product.
    Product(ProductId),
    /// An output type.
    OutputType(OutputTypeId),
}

/// Assets outlive what they were made for: they no longer name what is about to go.
pub(crate) async fn outlive(tx: &Tx<'_>, tenant: TenantId, going: Going) -> Result<(), DbError> {
    use media_asset::Column as C;
    let none: media_asset::ActiveModel = Default::default();
    let (cleared, of_it) = match going {
        Going::Line(id) => {
            let cleared = media_asset::ActiveModel {
                order_line_id: Set(None),
                workflow_run_id: Set(None),
                render_status: Set(None),
                ..none
            };
            (cleared, C::OrderLineId.eq(Col(id)))
        }
        Going::Order(id) => {
            let cleared = media_asset::ActiveModel {
                order_line_id: Set(None),
                order_id: Set(None),
                workflow_run_id: Set(None),
                render_status: Set(None),
                ..none
            };
            (cleared, C::OrderId.eq(Col(id)))
        }
        Going::Product(id) => (media_asset::ActiveModel { product_id: Set(None), ..none }, C::ProductId.eq(Col(id))),
        Going::OutputType(id) => {
            (media_asset::ActiveModel { output_type_id: Set(None), ..none }, C::OutputTypeId.eq(Col(id)))
        }
    };
    tx.enter(Level::Object);
    // They are no longer found by its words.
    let told = match going {
        Going::Order(_) | Going::Product(_) => {
            let of_it = media_asset::Entity::find().filter(C::TenantId.eq(Col(tenant))).filter(of_it.clone());
            of_it.select_only().column(C::Id).into_tuple::<Col<AssetId>>().all(tx.on()).await?
        }
        Going::Line(_) | Going::OutputType(_) => Vec::new(),
    };
    let of_tenant = media_asset::Entity::update_many().set(cleared).filter(C::TenantId.eq(Col(tenant)));
    of_tenant.filter(of_it).exec(tx.on()).await?;
    search::renew_these(tx, tenant, told.into_iter().map(Col::value)).await
}
