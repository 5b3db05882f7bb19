//! Files of renders.

use sea_orm::entity::prelude::*;

use crate::column::Col;
use packshot_domain::hash::ContentAddress;
use packshot_domain::id::{RenderId, TenantId};

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "render_files")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) tenant_id: Col<TenantId>,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) render_id: Col<RenderId>,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) name: String,
    pub(crate) position: i32,
    pub(crate) format: String,
    pub(crate) media_type: String,
    pub(crate) address: Col<ContentAddress>,
    pub(crate) size_bytes: i64,
    pub(crate) width: Option<i32>,
    pub(crate) height: Option<i32>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
