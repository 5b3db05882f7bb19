//! Which content a tenant has stored. `stored_at` is when last.

use sea_orm::entity::prelude::*;

use crate::domain::hash::ContentAddress;
use crate::domain::id::TenantId;
use crate::domain::time::Timestamp;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "objects")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) tenant_id: TenantId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) address: ContentAddress,
    pub(crate) size_bytes: i64,
    pub(crate) media_type: String,
    pub(crate) created_at: Timestamp,
    pub(crate) stored_at: Timestamp,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
