//! Requests with an idempotency key. `status` is null while they are in flight.

use sea_orm::entity::prelude::*;

use crate::db::column::JsonColumn;
use crate::domain::hash::ContentAddress;
use crate::domain::id::{RenderId, TenantId};
use crate::domain::time::Timestamp;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "idempotency_keys")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) tenant_id: TenantId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) method: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) path: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) key: String,
    pub(crate) body: ContentAddress,
    pub(crate) holder: Uuid,
    pub(crate) in_flight_until: Timestamp,
    pub(crate) render_id: Option<RenderId>,
    pub(crate) status: Option<i32>,
    pub(crate) headers: Option<JsonColumn>,
    pub(crate) answer: Option<Vec<u8>>,
    pub(crate) expires_at: Timestamp,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
