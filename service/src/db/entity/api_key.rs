//! API keys, as hashes.

use sea_orm::entity::prelude::*;

use crate::db::column::ScopesColumn;
use crate::domain::hash::ContentAddress;
use crate::domain::id::{KeyId, TenantId, UserId};
use crate::domain::time::Timestamp;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "api_keys")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) tenant_id: TenantId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: KeyId,
    pub(crate) user_id: UserId,
    pub(crate) name: String,
    pub(crate) prefix: String,
    pub(crate) hash: ContentAddress,
    pub(crate) scopes: ScopesColumn,
    pub(crate) all_tenants: bool,
    pub(crate) rate_limit_per_s: Option<i32>,
    pub(crate) created_at: Timestamp,
    pub(crate) expires_at: Option<Timestamp>,
    pub(crate) last_used_at: Option<Timestamp>,
    pub(crate) revoked_at: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
