//! The one row about the installation itself.

use sea_orm::entity::prelude::*;

use crate::column::Col;
use packshot_domain::id::{StoreId, TenantId, UserId};
use packshot_domain::time::Timestamp;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "installation")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: i32,
    pub(crate) configured: bool,
    pub(crate) operating_tenant: Col<TenantId>,
    pub(crate) local_user: Col<UserId>,
    pub(crate) store_id: Option<Col<StoreId>>,
    /// Entries of the audit log that are older may go.
    pub(crate) audit_expired_before: Col<Timestamp>,
    pub(crate) created_at: Col<Timestamp>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
