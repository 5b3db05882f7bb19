//! Renders. `event_seq` is the number of the last event of the stream.

use sea_orm::entity::prelude::*;

use crate::db::column::{DocumentColumn, JsonColumn};
use crate::domain::hash::ContentAddress;
use crate::domain::id::{RenderId, TaskId, TenantId, UserId};
use crate::domain::render::{RenderKind, RenderState};
use crate::domain::time::Timestamp;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "renders")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) tenant_id: TenantId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: RenderId,
    pub(crate) kind: RenderKind,
    pub(crate) state: RenderState,
    pub(crate) priority: i32,
    pub(crate) request: JsonColumn,
    pub(crate) metadata: JsonColumn,
    pub(crate) document: DocumentColumn,
    pub(crate) result: Option<JsonColumn>,
    pub(crate) device: Option<JsonColumn>,
    pub(crate) error_code: Option<String>,
    pub(crate) error_detail: Option<String>,
    pub(crate) error_at: Option<String>,
    pub(crate) progress_pct: f64,
    pub(crate) samples_done: i32,
    pub(crate) samples_target: i32,
    pub(crate) task_id: Option<TaskId>,
    pub(crate) created_by: UserId,
    pub(crate) cache_key: Option<ContentAddress>,
    pub(crate) event_seq: i64,
    pub(crate) cancel_requested_at: Option<Timestamp>,
    pub(crate) created_at: Timestamp,
    pub(crate) started_at: Option<Timestamp>,
    pub(crate) completed_at: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
