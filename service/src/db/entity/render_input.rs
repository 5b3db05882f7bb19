//! Which objects a render needs.

use sea_orm::entity::prelude::*;

use crate::domain::hash::ContentAddress;
use crate::domain::id::{RenderId, TenantId};

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "render_inputs")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) tenant_id: TenantId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) render_id: RenderId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) address: ContentAddress,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
