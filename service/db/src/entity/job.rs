//! Jobs.

use sea_orm::entity::prelude::*;

use crate::Json;
use crate::column::Col;
use packshot_domain::document::JobDocument;
use packshot_domain::id::{JobId, TenantId, UserId};
use packshot_domain::job::{JobKind, JobState};
use packshot_domain::time::Timestamp;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "jobs")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) tenant_id: Col<TenantId>,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: Col<JobId>,
    pub(crate) kind: Col<JobKind>,
    pub(crate) record_id: Uuid,
    pub(crate) state: Col<JobState>,
    pub(crate) document: Option<Col<JobDocument>>,
    pub(crate) progress_pct: f64,
    pub(crate) samples_done: i32,
    pub(crate) samples_target: i32,
    pub(crate) device: Option<Col<Json>>,
    pub(crate) error_code: Option<String>,
    pub(crate) error_detail: Option<String>,
    pub(crate) error_at: Option<String>,
    pub(crate) created_by: Col<UserId>,
    pub(crate) input_name: Option<String>,
    pub(crate) cancel_requested_at: Option<Col<Timestamp>>,
    pub(crate) created_at: Col<Timestamp>,
    pub(crate) started_at: Option<Col<Timestamp>>,
    pub(crate) completed_at: Option<Col<Timestamp>>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
