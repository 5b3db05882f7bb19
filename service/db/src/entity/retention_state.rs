//! How long finalised packages are kept.

use sea_orm::entity::prelude::*;

use crate::column::Col;
use packshot_domain::artifact::{Reason, RetentionClass};
use packshot_domain::id::{PackageId, TenantId};
use packshot_domain::time::Timestamp;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "retention_state")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) tenant_id: Col<TenantId>,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) package_id: Col<PackageId>,
    pub(crate) retention_class: Col<RetentionClass>,
    pub(crate) retention_ttl_s: Option<i64>,
    pub(crate) expires_at: Option<Col<Timestamp>>,
    pub(crate) held: bool,
    pub(crate) hold_reason: Option<Col<Reason>>,
    pub(crate) updated_at: Col<Timestamp>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
