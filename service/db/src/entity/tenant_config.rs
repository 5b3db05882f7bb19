//! What each tenant may do, how much of it, and what it chose: one row each.

use std::collections::BTreeMap;

use sea_orm::entity::prelude::*;

use crate::column::Col;
use packshot_domain::feature::Features;
use packshot_domain::id::TenantId;
use packshot_domain::tenant_config::{EngineName, LimitedClass};

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "tenant_configs")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) tenant_id: Col<TenantId>,
    pub(crate) max_concurrent_renders: i32,
    pub(crate) render_engines_allowed: Col<Vec<EngineName>>,
    pub(crate) max_order_size: i32,
    pub(crate) fallback_material: String,
    pub(crate) notifications_enabled: bool,
    pub(crate) invoice_prefix: String,
    pub(crate) material_library: String,
    pub(crate) max_queued_jobs: i32,
    /// Null: there is no limit.
    pub(crate) max_storage_bytes: Option<i64>,
    /// Null: the setting's, as in the next.
    pub(crate) max_upload_bytes: Option<i64>,
    pub(crate) max_pixels: Option<i64>,
    pub(crate) rate_limit_per_s: Option<i32>,
    pub(crate) retention_days: Col<BTreeMap<LimitedClass, u32>>,
    pub(crate) features_off: Col<Features>,
    pub(crate) revision: i64,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
