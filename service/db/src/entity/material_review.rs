//! Reviews of materials.

use sea_orm::entity::prelude::*;

use crate::column::Col;
use packshot_domain::id::{CadFileId, DesignJobId, OrderLineId, ProductId, RenderId, ReviewId, TenantId};
use packshot_domain::review::ReviewStatus;
use packshot_domain::time::Timestamp;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "material_reviews")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) tenant_id: Col<TenantId>,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: Col<ReviewId>,
    pub(crate) order_line_id: Option<Col<OrderLineId>>,
    pub(crate) render_id: Option<Col<RenderId>>,
    pub(crate) design_job_id: Option<Col<DesignJobId>>,
    /// The newest render or design job that was made anew for it.
    pub(crate) again_id: Option<Uuid>,
    pub(crate) product_id: Option<Col<ProductId>>,
    pub(crate) cad_file_id: Option<Col<CadFileId>>,
    pub(crate) status: Col<ReviewStatus>,
    pub(crate) state_version: i64,
    pub(crate) created_at: Col<Timestamp>,
    pub(crate) updated_at: Col<Timestamp>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
