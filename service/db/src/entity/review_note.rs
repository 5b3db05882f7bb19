//! Notes about reviews, each as it was written of one version.

use sea_orm::entity::prelude::*;

use crate::column::Col;
use packshot_domain::id::{ReviewId, TenantId};
use packshot_domain::review::NoteKind;
use packshot_domain::time::Timestamp;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "review_notes")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) tenant_id: Col<TenantId>,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) review_id: Col<ReviewId>,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) kind: Col<NoteKind>,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) state_version: i64,
    pub(crate) markdown: String,
    pub(crate) created_at: Col<Timestamp>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
