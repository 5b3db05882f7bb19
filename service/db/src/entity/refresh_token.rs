//! Refresh tokens: each that a session was given, so that the use of an old one is noticed.

use sea_orm::entity::prelude::*;

use crate::column::Col;
use packshot_domain::hash::ContentAddress;
use packshot_domain::id::{SessionId, TenantId};
use packshot_domain::time::Timestamp;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "refresh_tokens")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) tenant_id: Col<TenantId>,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: Uuid,
    pub(crate) session_id: Col<SessionId>,
    pub(crate) hash: Col<ContentAddress>,
    pub(crate) created_at: Col<Timestamp>,
    pub(crate) expires_at: Col<Timestamp>,
    pub(crate) replaced_at: Option<Col<Timestamp>>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
