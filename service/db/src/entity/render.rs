//! Direct renders. Each has a job with its id.

use sea_orm::entity::prelude::*;

use crate::Json;
use crate::column::Col;
use packshot_domain::hash::ContentAddress;
use packshot_domain::id::{RenderId, TenantId};
use packshot_domain::render::RenderKind;
use packshot_domain::time::Timestamp;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "renders")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) tenant_id: Col<TenantId>,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: Col<RenderId>,
    pub(crate) kind: Col<RenderKind>,
    pub(crate) priority: i32,
    pub(crate) request: Col<Json>,
    pub(crate) metadata: Col<Json>,
    pub(crate) cache_key: Option<Col<ContentAddress>>,
    pub(crate) result: Option<Col<Json>>,
    /// The names of parts without a material, with what its file says about them.
    pub(crate) unmapped: Option<Col<Json>>,
    pub(crate) created_at: Col<Timestamp>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
