//! Parts of reviews: names that pictures show, or have shown, in the fallback material.

use sea_orm::entity::prelude::*;

use crate::Json;
use crate::column::Col;
use packshot_domain::id::{AliasId, FixId, ReviewId, TenantId};
use packshot_domain::material_alias::AliasScope;
use packshot_domain::review::UnmappedReason;
use packshot_domain::time::Timestamp;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "review_parts")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) tenant_id: Col<TenantId>,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) review_id: Col<ReviewId>,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) position: i32,
    pub(crate) part_name: String,
    pub(crate) part_key: String,
    pub(crate) is_named: bool,
    pub(crate) material_string: Option<String>,
    pub(crate) reason: Col<UnmappedReason>,
    /// What an alias for it would be of.
    pub(crate) scope: Col<AliasScope>,
    /// The key of that alias.
    pub(crate) alias_key: String,
    pub(crate) node_paths: Col<Json>,
    pub(crate) instances: i32,
    pub(crate) area_share: f64,
    pub(crate) gltf_material: Option<String>,
    pub(crate) gltf_color: Option<Col<Json>>,
    pub(crate) cad_names: Col<Json>,
    /// Whether the newest pictures show it in the fallback material.
    pub(crate) in_fallback: bool,
    pub(crate) resolved: bool,
    pub(crate) resolved_by: Option<Col<FixId>>,
    pub(crate) resolved_alias: Option<Col<AliasId>>,
    pub(crate) first_seen: Col<Timestamp>,
    pub(crate) last_seen: Col<Timestamp>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
