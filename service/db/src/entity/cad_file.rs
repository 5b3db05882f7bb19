//! CAD files of products.

use sea_orm::entity::prelude::*;

use crate::Json;
use crate::column::Col;
use packshot_domain::cad_file::{CadStatus, OriginalName, SourceFormat};
use packshot_domain::hash::ContentAddress;
use packshot_domain::id::{CadFileId, TenantId, UserId};
use packshot_domain::time::Timestamp;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "cad_files")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) tenant_id: Col<TenantId>,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: Col<CadFileId>,
    pub(crate) original_name: Col<OriginalName>,
    pub(crate) address: Col<ContentAddress>,
    pub(crate) media_type: String,
    pub(crate) size_bytes: i64,
    pub(crate) source_format: Col<SourceFormat>,
    /// The names of its parts, as a list.
    pub(crate) parts: Col<Json>,
    /// How long it is along x, y and z, as a list.
    pub(crate) size_mm: Option<Col<Json>>,
    pub(crate) status: Col<CadStatus>,
    pub(crate) error: Option<Col<Json>>,
    /// The GLB that it was converted to; of a GLB, itself.
    pub(crate) glb_address: Option<Col<ContentAddress>>,
    pub(crate) created_by: Col<UserId>,
    pub(crate) created_at: Col<Timestamp>,
    pub(crate) updated_at: Col<Timestamp>,
    pub(crate) revision: i64,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
