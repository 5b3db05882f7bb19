//! The history of suggested fixes, which is only ever added to.

use sea_orm::entity::prelude::*;
use uuid::Uuid;

use crate::column::Col;
use packshot_domain::fix::{FixAction, FixNotes, FixStatus};
use packshot_domain::id::{FixId, TenantId};
use packshot_domain::time::Timestamp;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "fix_changes")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) tenant_id: Col<TenantId>,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) fix_id: Col<FixId>,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) seq: i32,
    pub(crate) at: Col<Timestamp>,
    pub(crate) actor_id: Option<Uuid>,
    pub(crate) action: Col<FixAction>,
    pub(crate) from_status: Col<FixStatus>,
    pub(crate) to_status: Col<FixStatus>,
    pub(crate) notes: Option<Col<FixNotes>>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
