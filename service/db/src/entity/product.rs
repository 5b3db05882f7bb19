//! Products.

use sea_orm::entity::prelude::*;

use crate::column::Col;
use packshot_domain::artifact::Label;
use packshot_domain::id::{AssetId, CadFileId, ImportId, ProductId, TenantId};
use packshot_domain::media::ThumbnailSource;
use packshot_domain::time::Timestamp;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "products")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) tenant_id: Col<TenantId>,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: Col<ProductId>,
    pub(crate) pim_id: Col<Label>,
    pub(crate) name: Col<Label>,
    /// `pim_id` and `name` in lower case, a line each.
    pub(crate) searched: String,
    pub(crate) category_key: Option<Col<Label>>,
    pub(crate) lagertyp: Option<Col<Label>>,
    pub(crate) cad_file_id: Option<Col<CadFileId>>,
    /// The newest import that made or changed it.
    pub(crate) import_id: Option<Col<ImportId>>,
    /// The asset that is its picture in lists.
    pub(crate) thumbnail_asset_id: Option<Col<AssetId>>,
    /// Who chose that.
    pub(crate) thumbnail_source: Option<Col<ThumbnailSource>>,
    pub(crate) created_at: Col<Timestamp>,
    pub(crate) updated_at: Col<Timestamp>,
    pub(crate) revision: i64,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
