//! API keys, as hashes.

use sea_orm::entity::prelude::*;

use crate::column::Col;
use packshot_domain::access::Scope;
use packshot_domain::hash::ContentAddress;
use packshot_domain::id::{KeyId, TenantId, UserId};
use packshot_domain::time::Timestamp;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "api_keys")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) tenant_id: Col<TenantId>,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: Col<KeyId>,
    pub(crate) user_id: Col<UserId>,
    pub(crate) name: String,
    pub(crate) prefix: String,
    pub(crate) hash: Col<ContentAddress>,
    pub(crate) scopes: Col<Vec<Scope>>,
    pub(crate) all_tenants: bool,
    pub(crate) rate_limit_per_s: Option<i32>,
    /// The user who made it; null for one made on the machine itself.
    pub(crate) created_by: Option<Col<UserId>>,
    pub(crate) created_at: Col<Timestamp>,
    pub(crate) expires_at: Option<Col<Timestamp>>,
    pub(crate) last_used_at: Option<Col<Timestamp>>,
    pub(crate) revoked_at: Option<Col<Timestamp>>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
