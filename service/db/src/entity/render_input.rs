//! Which objects a render needs.

use sea_orm::entity::prelude::*;

use crate::column::Col;
use packshot_domain::hash::ContentAddress;
use packshot_domain::id::{RenderId, TenantId};

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "render_inputs")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) tenant_id: Col<TenantId>,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) render_id: Col<RenderId>,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) address: Col<ContentAddress>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
