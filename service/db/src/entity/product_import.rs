//! Imports of products.

use sea_orm::entity::prelude::*;

use crate::column::Col;
use packshot_domain::id::{ImportId, TenantId, UserId};
use packshot_domain::time::Timestamp;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "product_imports")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) tenant_id: Col<TenantId>,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: Col<ImportId>,
    /// Products that it made.
    pub(crate) imported: i32,
    /// Products that it changed.
    pub(crate) updated: i32,
    /// Rows that it could not take.
    pub(crate) skipped: i32,
    pub(crate) created_by: Col<UserId>,
    pub(crate) created_at: Col<Timestamp>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
