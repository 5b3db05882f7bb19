//! Output types.

use sea_orm::entity::prelude::*;

use crate::Json;
use crate::column::Col;
use packshot_domain::artifact::Label;
use packshot_domain::id::{OutputTypeId, TenantId, WorkflowId};
use packshot_domain::output_type::{GateMetric, OutputKind, RenderBackend};
use packshot_domain::task::Lane;
use packshot_domain::time::Timestamp;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "output_types")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) tenant_id: Col<TenantId>,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: Col<OutputTypeId>,
    pub(crate) name: Col<Label>,
    pub(crate) kind: Col<OutputKind>,
    pub(crate) render_backend: Col<RenderBackend>,
    pub(crate) legacy_executor: Option<Col<Lane>>,
    pub(crate) render_settings: Col<Json>,
    pub(crate) gate_metric: Col<GateMetric>,
    pub(crate) gate_pass_max: f64,
    pub(crate) gate_warn_max: f64,
    pub(crate) max_unmapped: Option<i32>,
    /// The workflow that makes it.
    pub(crate) workflow_definition_id: Option<Col<WorkflowId>>,
    pub(crate) created_at: Col<Timestamp>,
    pub(crate) updated_at: Col<Timestamp>,
    pub(crate) revision: i64,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
