//! Lines of orders.

use sea_orm::entity::prelude::*;

use crate::Json;
use crate::column::Col;
use packshot_domain::hash::ContentAddress;
use packshot_domain::id::{JobId, OrderId, OrderLineId, OutputTypeId, ProductId, RoundId, TenantId};
use packshot_domain::order::line::RenderStatus;
use packshot_domain::time::Timestamp;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "order_lines")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) tenant_id: Col<TenantId>,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: Col<OrderLineId>,
    pub(crate) order_id: Col<OrderId>,
    /// Its place among the lines of the order, which others that are removed leave as it is.
    pub(crate) position: i32,
    pub(crate) product_id: Col<ProductId>,
    pub(crate) output_type_id: Col<OutputTypeId>,
    pub(crate) render_status: Col<RenderStatus>,
    /// Its newest job.
    pub(crate) job_id: Option<Col<JobId>>,
    /// Its first file, as clients see its name.
    pub(crate) result_path: Option<String>,
    /// What that file holds.
    pub(crate) result_address: Option<Col<ContentAddress>>,
    /// How many parts without a material are in it.
    pub(crate) unmapped_parts: Option<i32>,
    /// Their names, with what its file says about them.
    pub(crate) unmapped: Option<Col<Json>>,
    /// The round in which it last left `pending`.
    pub(crate) round_id: Option<Col<RoundId>>,
    pub(crate) render_started_at: Option<Col<Timestamp>>,
    pub(crate) render_completed_at: Option<Col<Timestamp>>,
    pub(crate) created_at: Col<Timestamp>,
    pub(crate) updated_at: Col<Timestamp>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
