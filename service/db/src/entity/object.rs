//! Which content a tenant has stored, and when last (`stored_at`).

use sea_orm::entity::prelude::*;

use crate::column::Col;
use packshot_domain::hash::ContentAddress;
use packshot_domain::id::TenantId;
use packshot_domain::time::Timestamp;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "objects")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) tenant_id: Col<TenantId>,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) address: Col<ContentAddress>,
    pub(crate) size_bytes: i64,
    pub(crate) media_type: String,
    pub(crate) created_at: Col<Timestamp>,
    pub(crate) stored_at: Col<Timestamp>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
