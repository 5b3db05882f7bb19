//! What people have chosen to be told.

use sea_orm::entity::prelude::*;

use crate::column::Col;
use packshot_domain::channel::NotificationType;
use packshot_domain::channel::preference::Frequency;
use packshot_domain::id::{TenantId, UserId};
use packshot_domain::time::Timestamp;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "notification_configs")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) tenant_id: Col<TenantId>,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) user_id: Col<UserId>,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) event_type: Col<NotificationType>,
    pub(crate) enabled: bool,
    pub(crate) frequency: Col<Frequency>,
    pub(crate) updated_at: Col<Timestamp>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
