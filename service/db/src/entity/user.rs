//! Users.

use sea_orm::entity::prelude::*;

use crate::column::Col;
use packshot_domain::access::Role;
use packshot_domain::id::{TenantId, UserId};
use packshot_domain::time::Timestamp;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "users")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) tenant_id: Col<TenantId>,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: Col<UserId>,
    /// Null for the built-in user, and for users that were deleted.
    pub(crate) email: Option<String>,
    /// What addresses are compared by.
    pub(crate) email_folded: Option<String>,
    pub(crate) display_name: String,
    pub(crate) role: Col<Role>,
    /// Null for users who cannot sign in.
    pub(crate) password_hash: Option<String>,
    pub(crate) is_active: bool,
    pub(crate) must_change_password: bool,
    pub(crate) last_login_at: Option<Col<Timestamp>>,
    pub(crate) created_at: Col<Timestamp>,
    pub(crate) updated_at: Col<Timestamp>,
    /// The row stays: orders and the audit log name it.
    pub(crate) deleted_at: Option<Col<Timestamp>>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
