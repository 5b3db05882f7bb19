//! What was last read at storage locations.

use sea_orm::entity::prelude::*;

use crate::column::Col;
use packshot_domain::artifact::{LocationState, StorageLocationId};
use packshot_domain::id::TenantId;
use packshot_domain::time::Timestamp;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "artifact_checks")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) tenant_id: Col<TenantId>,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) storage_location_id: Col<StorageLocationId>,
    pub(crate) checked_at: Col<Timestamp>,
    pub(crate) result: Col<LocationState>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
