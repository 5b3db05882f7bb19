//! Sessions of users.

use sea_orm::entity::prelude::*;

use crate::column::Col;
use packshot_domain::id::{SessionId, TenantId, UserId};
use packshot_domain::time::Timestamp;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "sessions")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) tenant_id: Col<TenantId>,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: Col<SessionId>,
    pub(crate) user_id: Col<UserId>,
    pub(crate) user_agent: Option<String>,
    pub(crate) ip: Option<String>,
    pub(crate) created_at: Col<Timestamp>,
    pub(crate) last_used_at: Col<Timestamp>,
    pub(crate) expires_at: Col<Timestamp>,
    pub(crate) revoked_at: Option<Col<Timestamp>>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
