//! Material libraries that tenants uploaded.

use sea_orm::entity::prelude::*;

use crate::db::column::JsonColumn;
use crate::domain::hash::ContentAddress;
use crate::domain::id::{LibraryId, TenantId};
use crate::domain::time::Timestamp;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "libraries")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) tenant_id: TenantId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: LibraryId,
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) digest: String,
    pub(crate) address: ContentAddress,
    pub(crate) media_type: String,
    pub(crate) materials: i32,
    pub(crate) diagnostics: JsonColumn,
    pub(crate) public: bool,
    pub(crate) created_at: Timestamp,
    pub(crate) revision: i64,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
