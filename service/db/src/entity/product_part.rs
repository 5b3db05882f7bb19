//! Materials of the parts of products, in their order.

use sea_orm::entity::prelude::*;

use crate::column::Col;
use packshot_domain::id::{AliasId, ProductId, TenantId};
use packshot_domain::product::{EntryName, FoundBy};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "product_parts")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) tenant_id: Col<TenantId>,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) product_id: Col<ProductId>,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) position: i32,
    pub(crate) part_name: Col<EntryName>,
    pub(crate) material: Col<EntryName>,
    pub(crate) found_by: Option<Col<FoundBy>>,
    pub(crate) alias_id: Option<Col<AliasId>>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
