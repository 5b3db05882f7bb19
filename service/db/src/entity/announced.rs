//! Who was told of which announcement.

use sea_orm::entity::prelude::*;

use crate::column::Col;
use packshot_domain::id::{AnnouncementId, TenantId, UserId};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "announced")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) tenant_id: Col<TenantId>,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) announcement_id: Col<AnnouncementId>,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) user_id: Col<UserId>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
