//! Requests with an idempotency key. `status` is null while they are in flight.

use sea_orm::entity::prelude::*;

use crate::Json;
use crate::column::Col;
use packshot_domain::hash::ContentAddress;
use packshot_domain::id::{RenderId, TenantId};
use packshot_domain::time::Timestamp;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "idempotency_keys")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) tenant_id: Col<TenantId>,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) method: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) path: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) key: String,
    pub(crate) body: Col<ContentAddress>,
    pub(crate) holder: Uuid,
    pub(crate) in_flight_until: Col<Timestamp>,
    pub(crate) render_id: Option<Col<RenderId>>,
    pub(crate) status: Option<i32>,
    pub(crate) headers: Option<Col<Json>>,
    pub(crate) answer: Option<Vec<u8>>,
    pub(crate) expires_at: Col<Timestamp>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
