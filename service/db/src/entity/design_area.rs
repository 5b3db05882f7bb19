//! Printable areas of products.

use sea_orm::entity::prelude::*;

use crate::column::Col;
use packshot_domain::id::{DesignAreaId, ProductId, TenantId};
use packshot_domain::time::Timestamp;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "design_areas")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) tenant_id: Col<TenantId>,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: Col<DesignAreaId>,
    pub(crate) product_id: Col<ProductId>,
    pub(crate) name: String,
    pub(crate) material: Option<String>,
    pub(crate) part: Option<String>,
    pub(crate) uv_set: i32,
    /// A word of the designs.
    pub(crate) mapping: String,
    /// A word of the designs.
    pub(crate) axis: Option<String>,
    pub(crate) safe_mm: f64,
    pub(crate) is_default: bool,
    /// Measured.
    pub(crate) width_mm: f64,
    /// Measured.
    pub(crate) height_mm: f64,
    /// Measured.
    pub(crate) distortion: f64,
    /// Measured.
    pub(crate) wraps: bool,
    pub(crate) created_at: Col<Timestamp>,
    pub(crate) updated_at: Col<Timestamp>,
    pub(crate) revision: i64,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
