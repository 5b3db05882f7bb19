//! Galleries: the media assets that a product shows, in order.

use sea_orm::entity::prelude::*;

use crate::column::Col;
use packshot_domain::id::{AssetId, ProductId, TenantId};
use packshot_domain::media::GallerySource;
use packshot_domain::time::Timestamp;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "product_media")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) tenant_id: Col<TenantId>,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) product_id: Col<ProductId>,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) asset_id: Col<AssetId>,
    /// From 0, without gaps.
    pub(crate) position: i32,
    pub(crate) source: Col<GallerySource>,
    pub(crate) created_at: Col<Timestamp>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
