//! Which content a tenant has stored, and when last (`stored_at`). What is computed of the bytes is null until it is
//! known; `group_hashes` are 32 bytes each, and also null where there are none.

use sea_orm::entity::prelude::*;

use crate::column::Col;
use packshot_domain::hash::{ContentAddress, Sha256Digest};
use packshot_domain::id::TenantId;
use packshot_domain::object::Condition;
use packshot_domain::time::Timestamp;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "objects")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) tenant_id: Col<TenantId>,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) content_address: Col<ContentAddress>,
    pub(crate) size_bytes: i64,
    pub(crate) media_type: String,
    pub(crate) sha256: Option<Col<Sha256Digest>>,
    pub(crate) group_hashes: Option<Vec<u8>>,
    pub(crate) crc32: Option<i64>,
    pub(crate) condition: Col<Condition>,
    pub(crate) created_at: Col<Timestamp>,
    pub(crate) stored_at: Col<Timestamp>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
