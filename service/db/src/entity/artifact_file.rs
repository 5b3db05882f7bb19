//! Files of packages.

use sea_orm::entity::prelude::*;

use crate::column::Col;
use packshot_domain::artifact::{ByteSize, MediaType, RelativePath};
use packshot_domain::hash::{ContentAddress, Sha256Digest};
use packshot_domain::id::{FileId, PackageId, TenantId};
use packshot_domain::time::Timestamp;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "artifact_files")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) tenant_id: Col<TenantId>,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: Col<FileId>,
    pub(crate) package_id: Col<PackageId>,
    pub(crate) relative_path: Col<RelativePath>,
    /// What equal paths share, as bytes: their order is the same on both engines.
    pub(crate) path_key: Vec<u8>,
    pub(crate) media_type: Col<MediaType>,
    pub(crate) size_bytes: Col<ByteSize>,
    pub(crate) content_address: Col<ContentAddress>,
    pub(crate) sha256: Col<Sha256Digest>,
    pub(crate) created_at: Col<Timestamp>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
