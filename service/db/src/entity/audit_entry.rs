//! Entries of the audit log.

use sea_orm::entity::prelude::*;

use crate::Json;
use crate::column::Col;
use packshot_domain::audit::{Action, ActorKind};
use packshot_domain::id::TenantId;
use packshot_domain::time::Timestamp;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "audit_log")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) tenant_id: Col<TenantId>,
    /// Counts the entries of the tenant.
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: i64,
    pub(crate) at: Col<Timestamp>,
    pub(crate) actor_kind: Col<ActorKind>,
    pub(crate) actor_id: Option<Uuid>,
    pub(crate) actor_name: String,
    pub(crate) action: Col<Action>,
    pub(crate) object_type: Option<String>,
    pub(crate) object_id: Option<String>,
    pub(crate) detail: Col<Json>,
    pub(crate) reason: Option<String>,
    pub(crate) acting_tenant: Option<Col<TenantId>>,
    pub(crate) ip: Option<String>,
    pub(crate) request_id: Option<String>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
