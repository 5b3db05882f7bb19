//! Media assets.

use sea_orm::entity::prelude::*;

use crate::Json;
use crate::column::Col;
use packshot_domain::artifact::{Label, RetentionClass};
use packshot_domain::hash::ContentAddress;
use packshot_domain::id::{
    AssetId, CadFileId, OrderId, OrderLineId, OutputTypeId, PackageId, ProductId, RunId, TenantId,
};
use packshot_domain::media::{AssetState, AssetType};
use packshot_domain::order::line::RenderStatus;
use packshot_domain::time::Timestamp;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "media_assets")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) tenant_id: Col<TenantId>,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: Col<AssetId>,
    /// Its place among those that were saved together.
    pub(crate) position: i32,
    pub(crate) asset_type: Col<AssetType>,
    pub(crate) media_type: String,
    pub(crate) file_name: String,
    pub(crate) address: Col<ContentAddress>,
    pub(crate) size_bytes: i64,
    pub(crate) width: Option<i32>,
    pub(crate) height: Option<i32>,
    pub(crate) frame_count: Option<i32>,
    pub(crate) duration_s: Option<f64>,
    pub(crate) view_name: Option<String>,
    pub(crate) product_id: Option<Col<ProductId>>,
    pub(crate) order_id: Option<Col<OrderId>>,
    pub(crate) order_line_id: Option<Col<OrderLineId>>,
    pub(crate) output_type_id: Option<Col<OutputTypeId>>,
    /// The run that made it.
    pub(crate) workflow_run_id: Option<Col<RunId>>,
    /// The render that it was sent from.
    pub(crate) render_id: Option<Uuid>,
    /// The design job that made it.
    pub(crate) design_job_id: Option<Uuid>,
    /// The CAD file that it shows, where it is of no product.
    pub(crate) cad_file_id: Option<Col<CadFileId>>,
    /// The product's.
    pub(crate) category_key: Option<Col<Label>>,
    /// The product's.
    pub(crate) lagertyp: Option<Col<Label>>,
    /// The line's: the database itself keeps it so.
    pub(crate) render_status: Option<Col<RenderStatus>>,
    /// What a list by name is ordered by.
    pub(crate) name_key: Vec<u8>,
    /// The words by which it is found, with spaces between them.
    pub(crate) search_text: String,
    pub(crate) state: Col<AssetState>,
    pub(crate) version: i32,
    pub(crate) superseded_by: Option<Col<AssetId>>,
    /// The package that has its bytes.
    pub(crate) package_id: Col<PackageId>,
    pub(crate) retention_class: Col<RetentionClass>,
    pub(crate) retention_until: Option<Col<Timestamp>>,
    pub(crate) held: bool,
    /// When its bytes were let go.
    pub(crate) expired_at: Option<Col<Timestamp>>,
    pub(crate) metadata: Col<Json>,
    pub(crate) created_at: Col<Timestamp>,
    pub(crate) updated_at: Col<Timestamp>,
    pub(crate) published_at: Option<Col<Timestamp>>,
    pub(crate) revision: i64,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
