//! Events of the log of artifacts.

use sea_orm::entity::prelude::*;

use crate::column::Col;
use packshot_domain::artifact::{EventActor, EventType, Sequence};
use packshot_domain::hash::ContentAddress;
use packshot_domain::id::{PackageId, TenantId};
use packshot_domain::time::Timestamp;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "artifact_events")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) tenant_id: Col<TenantId>,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) sequence: Col<Sequence>,
    pub(crate) event_type: Col<EventType>,
    pub(crate) package_id: Col<PackageId>,
    pub(crate) actor: Col<EventActor>,
    /// Canonical CBOR.
    pub(crate) payload: Vec<u8>,
    pub(crate) payload_digest: Col<ContentAddress>,
    pub(crate) created_at: Col<Timestamp>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
