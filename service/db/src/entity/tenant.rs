//! Tenants. The row of a deleted one stays, so that its slug stays taken.

use sea_orm::entity::prelude::*;

use crate::Json;
use crate::column::Col;
use packshot_domain::id::TenantId;
use packshot_domain::tenant::{TenantSlug, TenantStatus};
use packshot_domain::time::Timestamp;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "tenants")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: Col<TenantId>,
    pub(crate) slug: Col<TenantSlug>,
    pub(crate) name: String,
    pub(crate) status: Col<TenantStatus>,
    pub(crate) created_at: Col<Timestamp>,
    pub(crate) updated_at: Col<Timestamp>,
    pub(crate) deactivated_at: Option<Col<Timestamp>>,
    /// From then on it may be purged.
    pub(crate) delete_after: Option<Col<Timestamp>>,
    pub(crate) deleted_at: Option<Col<Timestamp>>,
    /// How many rows of each table were removed so far.
    pub(crate) purged: Option<Col<Json>>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
