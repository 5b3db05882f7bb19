//! Packages, as the log of artifacts says they are.

use sea_orm::entity::prelude::*;

use crate::column::Col;
use packshot_domain::artifact::{EventActor, Label, Metadata, PackageStatus, RetentionClass, Sequence};
use packshot_domain::hash::ContentAddress;
use packshot_domain::id::{PackageId, TenantId};
use packshot_domain::time::Timestamp;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "artifact_packages")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) tenant_id: Col<TenantId>,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: Col<PackageId>,
    pub(crate) name: Col<Label>,
    pub(crate) producer: Col<Label>,
    pub(crate) subject: Col<Label>,
    /// What the subject names, where it is a word and an id.
    pub(crate) subject_id: Option<Uuid>,
    pub(crate) retention_class: Col<RetentionClass>,
    pub(crate) retention_ttl_s: Option<i64>,
    pub(crate) status: Col<PackageStatus>,
    pub(crate) metadata: Col<Metadata>,
    /// The scene, the library and the job that the metadata's provenance names.
    pub(crate) scene: Option<Col<ContentAddress>>,
    pub(crate) library_digest: Option<Col<ContentAddress>>,
    pub(crate) job_id: Option<Uuid>,
    pub(crate) file_count: i64,
    pub(crate) total_bytes: i64,
    pub(crate) created_at: Col<Timestamp>,
    pub(crate) created_by: Col<EventActor>,
    pub(crate) finalized_at: Option<Col<Timestamp>>,
    pub(crate) finalized_by: Option<Col<EventActor>>,
    pub(crate) manifest_digest: Option<Col<ContentAddress>>,
    pub(crate) last_event_sequence: Col<Sequence>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
