//! Where the bytes of files lie.

use sea_orm::entity::prelude::*;

use crate::column::Col;
use packshot_domain::artifact::{BackendId, ByteSize, LocationState, StorageLocationId};
use packshot_domain::hash::ContentAddress;
use packshot_domain::id::{FileId, TenantId};
use packshot_domain::time::Timestamp;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "storage_locations")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) tenant_id: Col<TenantId>,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: Col<StorageLocationId>,
    pub(crate) artifact_file_id: Col<FileId>,
    pub(crate) backend_id: Col<BackendId>,
    pub(crate) content_address: Col<ContentAddress>,
    pub(crate) size_bytes: Col<ByteSize>,
    pub(crate) stored_at: Col<Timestamp>,
    pub(crate) state: Col<LocationState>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
