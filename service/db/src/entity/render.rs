//! Renders. `event_seq` is the number of the last event of the stream.

use sea_orm::entity::prelude::*;

use crate::Json;
use crate::column::Col;
use packshot_domain::document::RenderDocument;
use packshot_domain::hash::ContentAddress;
use packshot_domain::id::{RenderId, TaskId, TenantId, UserId};
use packshot_domain::render::{RenderKind, RenderState};
use packshot_domain::time::Timestamp;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "renders")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) tenant_id: Col<TenantId>,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: Col<RenderId>,
    pub(crate) kind: Col<RenderKind>,
    pub(crate) state: Col<RenderState>,
    pub(crate) priority: i32,
    pub(crate) request: Col<Json>,
    pub(crate) metadata: Col<Json>,
    pub(crate) document: Col<RenderDocument>,
    pub(crate) result: Option<Col<Json>>,
    pub(crate) device: Option<Col<Json>>,
    pub(crate) error_code: Option<String>,
    pub(crate) error_detail: Option<String>,
    pub(crate) error_at: Option<String>,
    pub(crate) progress_pct: f64,
    pub(crate) samples_done: i32,
    pub(crate) samples_target: i32,
    pub(crate) task_id: Option<Col<TaskId>>,
    pub(crate) created_by: Col<UserId>,
    pub(crate) cache_key: Option<Col<ContentAddress>>,
    pub(crate) event_seq: i64,
    pub(crate) cancel_requested_at: Option<Col<Timestamp>>,
    pub(crate) created_at: Col<Timestamp>,
    pub(crate) started_at: Option<Col<Timestamp>>,
    pub(crate) completed_at: Option<Col<Timestamp>>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
