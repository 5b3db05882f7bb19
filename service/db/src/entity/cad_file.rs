//! CAD files of products.

use sea_orm::entity::prelude::*;

use crate::Json;
use crate::column::Col;
use packshot_domain::cad_file::{CadStatus, OriginalName, SourceFormat};
use packshot_domain::hash::ContentAddress;
use packshot_domain::id::{AssetId, CadFileId, JobId, TaskId, TenantId, UserId};
use packshot_domain::time::Timestamp;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "cad_files")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) tenant_id: Col<TenantId>,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: Col<CadFileId>,
    pub(crate) original_name: Col<OriginalName>,
    pub(crate) address: Col<ContentAddress>,
    pub(crate) media_type: String,
    pub(crate) size_bytes: i64,
    pub(crate) source_format: Col<SourceFormat>,
    /// The names of its parts, as a list.
    pub(crate) parts: Col<Json>,
    /// How long it is along x, y and z, as a list.
    pub(crate) size_mm: Option<Col<Json>>,
    pub(crate) status: Col<CadStatus>,
    pub(crate) error: Option<Col<Json>>,
    /// The GLB that it was converted to; of a GLB, itself.
    pub(crate) glb_address: Option<Col<ContentAddress>>,
    /// Its picture in lists.
    pub(crate) thumbnail_asset_id: Option<Col<AssetId>>,
    /// The newest job of its own.
    pub(crate) job_id: Option<Col<JobId>>,
    /// The job that converts or reads it now: its own, or a line's.
    pub(crate) converting_job: Option<Col<JobId>>,
    /// The task of that job.
    pub(crate) converting_task: Option<Col<TaskId>>,
    /// Since when it is being processed.
    pub(crate) processing_since: Option<Col<Timestamp>>,
    /// How often it was processed for too long since it was last read, or since somebody asked for that.
    pub(crate) stalls: i32,
    /// When it was last read, or when that last failed for good.
    pub(crate) settled_at: Option<Col<Timestamp>>,
    pub(crate) created_by: Col<UserId>,
    pub(crate) created_at: Col<Timestamp>,
    pub(crate) updated_at: Col<Timestamp>,
    pub(crate) revision: i64,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
