//! What administrators have to say.

use sea_orm::entity::prelude::*;

use crate::column::Col;
use packshot_domain::access::Role;
use packshot_domain::channel::Severity;
use packshot_domain::id::{AnnouncementId, TenantId, UserId};
use packshot_domain::time::Timestamp;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "announcements")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) tenant_id: Col<TenantId>,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: Col<AnnouncementId>,
    pub(crate) title: String,
    pub(crate) body: String,
    pub(crate) severity: Col<Severity>,
    pub(crate) roles: Col<Vec<Role>>,
    pub(crate) starts_at: Col<Timestamp>,
    pub(crate) ends_at: Option<Col<Timestamp>>,
    pub(crate) all_tenants: bool,
    pub(crate) created_by: Col<UserId>,
    pub(crate) created_at: Col<Timestamp>,
    pub(crate) is_over: bool,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
