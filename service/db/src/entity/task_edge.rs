//! Which task of a job waits for which.

use sea_orm::entity::prelude::*;

use crate::column::Col;
use packshot_domain::id::{TaskId, TenantId};

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "task_edges")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) tenant_id: Col<TenantId>,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) before_id: Col<TaskId>,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) after_id: Col<TaskId>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
