//! Aliases of tenants: names that they gave to materials.

use sea_orm::entity::prelude::*;

use crate::column::Col;
use packshot_domain::id::{AliasId, FixId, TenantId, UserId};
use packshot_domain::material_alias::{AliasKey, AliasScope, AliasSource, AliasStatus};
use packshot_domain::product::EntryName;
use packshot_domain::time::Timestamp;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "material_aliases")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) tenant_id: Col<TenantId>,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: Col<AliasId>,
    pub(crate) alias: Col<EntryName>,
    pub(crate) key: Col<AliasKey>,
    /// The key while the alias is active: a name is taken once in each scope.
    pub(crate) active_key: Option<Col<AliasKey>>,
    pub(crate) searched: String,
    pub(crate) scope: Col<AliasScope>,
    pub(crate) material: Col<EntryName>,
    pub(crate) source: Col<AliasSource>,
    /// The suggested fix that wrote it.
    pub(crate) fix_id: Option<Col<FixId>>,
    pub(crate) status: Col<AliasStatus>,
    pub(crate) created_by: Col<UserId>,
    pub(crate) created_at: Col<Timestamp>,
    pub(crate) withdrawn_at: Option<Col<Timestamp>>,
    pub(crate) revision: i64,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
