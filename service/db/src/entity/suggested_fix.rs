//! Suggested fixes of reviews.

use sea_orm::entity::prelude::*;

use crate::Json;
use crate::column::Col;
use packshot_domain::fix::{FixNotes, FixStatus, Verdict};
use packshot_domain::id::{AliasId, FixId, ReviewId, TenantId};
use packshot_domain::material_alias::AliasScope;
use packshot_domain::time::Timestamp;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "suggested_fixes")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) tenant_id: Col<TenantId>,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: Col<FixId>,
    pub(crate) review_id: Col<ReviewId>,
    /// The part that it is for.
    pub(crate) part_position: i32,
    pub(crate) rank: i32,
    pub(crate) title: String,
    pub(crate) description: String,
    pub(crate) confidence_pct: i32,
    pub(crate) alias: String,
    pub(crate) alias_key: String,
    pub(crate) scope: Col<AliasScope>,
    pub(crate) material: String,
    pub(crate) signals: Col<Json>,
    pub(crate) status: Col<FixStatus>,
    pub(crate) applied_at: Option<Col<Timestamp>>,
    pub(crate) verified_at: Option<Col<Timestamp>>,
    pub(crate) partial_notes: Option<Col<FixNotes>>,
    pub(crate) pending_reason: Option<Col<FixNotes>>,
    pub(crate) failure_reason: Option<Col<FixNotes>>,
    pub(crate) verdict: Option<Col<Verdict>>,
    pub(crate) verdict_reason: Option<String>,
    pub(crate) alias_id: Option<Col<AliasId>>,
    /// Whether it made that alias, or found it.
    pub(crate) wrote_alias: bool,
    pub(crate) rerender: Option<Col<Json>>,
    /// When a person dismissed it or saw it fail.
    pub(crate) shunned_at: Option<Col<Timestamp>>,
    pub(crate) created_at: Col<Timestamp>,
    pub(crate) updated_at: Col<Timestamp>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
