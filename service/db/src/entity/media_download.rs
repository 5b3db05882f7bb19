//! Sets of media assets that are fetched as one ZIP. `files` has each of them as it was when the set was made.

use sea_orm::entity::prelude::*;

use crate::Json;
use crate::column::Col;
use packshot_domain::hash::ContentAddress;
use packshot_domain::id::{DownloadId, KeyId, TenantId, UserId};
use packshot_domain::time::Timestamp;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "media_downloads")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) tenant_id: Col<TenantId>,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: Col<DownloadId>,
    /// Of the ticket.
    pub(crate) hash: Col<ContentAddress>,
    /// The tenant of the user.
    pub(crate) home_id: Col<TenantId>,
    pub(crate) user_id: Col<UserId>,
    /// The key by which the user made it.
    pub(crate) key_id: Option<Col<KeyId>>,
    pub(crate) files: Col<Json>,
    pub(crate) size_bytes: i64,
    pub(crate) created_at: Col<Timestamp>,
    pub(crate) expires_at: Col<Timestamp>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
