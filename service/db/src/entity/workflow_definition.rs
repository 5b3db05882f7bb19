//! Workflow definitions.

use sea_orm::entity::prelude::*;

use crate::Json;
use crate::column::Col;
use packshot_domain::artifact::Label;
use packshot_domain::id::{OutputTypeId, TenantId, UserId, WorkflowId};
use packshot_domain::time::Timestamp;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "workflow_definitions")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) tenant_id: Col<TenantId>,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: Col<WorkflowId>,
    pub(crate) name: Col<Label>,
    pub(crate) output_type_id: Option<Col<OutputTypeId>>,
    pub(crate) config: Col<Json>,
    pub(crate) is_active: bool,
    pub(crate) created_by: Col<UserId>,
    pub(crate) created_at: Col<Timestamp>,
    pub(crate) updated_at: Col<Timestamp>,
    pub(crate) revision: i64,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
