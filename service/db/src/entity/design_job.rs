//! Design jobs.

use sea_orm::entity::prelude::*;

use crate::Json;
use crate::column::Col;
use packshot_domain::design_job::DesignStatus;
use packshot_domain::hash::ContentAddress;
use packshot_domain::id::{AssetId, DesignJobId, JobId, ProductId, TenantId, UserId};
use packshot_domain::time::Timestamp;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "design_jobs")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) tenant_id: Col<TenantId>,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: Col<DesignJobId>,
    pub(crate) product_id: Col<ProductId>,
    pub(crate) created_by: Col<UserId>,
    pub(crate) status: Col<DesignStatus>,
    pub(crate) progress_pct: f64,
    pub(crate) steps: Col<Json>,
    pub(crate) request: Col<Json>,
    /// What its tasks compute, the same for every try.
    pub(crate) spec: Col<Json>,
    /// Jobs with the same key have the same texture and pictures.
    pub(crate) work_key: Col<ContentAddress>,
    /// What is known of the design's file.
    pub(crate) design: Col<Json>,
    pub(crate) design_asset_id: Option<Col<AssetId>>,
    pub(crate) texture_asset_id: Option<Col<AssetId>>,
    pub(crate) placement_report: Option<Col<Json>>,
    /// Names without a material in its pictures, once these are rendered.
    pub(crate) unmapped: Option<Col<Json>>,
    pub(crate) error: Option<Col<Json>>,
    pub(crate) attempt: i32,
    pub(crate) attempts: Col<Json>,
    pub(crate) metadata: Col<Json>,
    /// Whether something was to be taken back and was not.
    pub(crate) is_owed: bool,
    /// The job of the newest attempt.
    pub(crate) job_id: Option<Col<JobId>>,
    /// The thumbnail that the product had before.
    pub(crate) thumbnail_before: Option<Col<Json>>,
    pub(crate) cancel_requested_at: Option<Col<Timestamp>>,
    pub(crate) created_at: Col<Timestamp>,
    pub(crate) started_at: Option<Col<Timestamp>>,
    pub(crate) completed_at: Option<Col<Timestamp>>,
    pub(crate) updated_at: Col<Timestamp>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
