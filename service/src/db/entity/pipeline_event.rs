//! The log of process steps.

use sea_orm::entity::prelude::*;

use crate::db::column::JsonColumn;
use crate::domain::event::LogLevel;
use crate::domain::id::{TaskId, TenantId};
use crate::domain::step::StepName;
use crate::domain::time::Timestamp;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "pipeline_events")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) tenant_id: TenantId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) task_id: TaskId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) seq: i64,
    pub(crate) step_name: StepName,
    pub(crate) level: LogLevel,
    pub(crate) message: String,
    pub(crate) duration_s: Option<f64>,
    pub(crate) context: JsonColumn,
    pub(crate) created_at: Timestamp,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
