//! Parts of reviews, as rows.

use std::collections::HashMap;

use sea_orm::ActiveValue::Set;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder};
use serde_json::json;

use crate::DbError;
use crate::column::Col;
use crate::entity::material_alias;
use crate::entity::review_part::{ActiveModel, Column, Entity, Model};
use crate::tx::Tx;
use packshot_domain::id::{AliasId, FixId, ReviewId, TenantId};
use packshot_domain::material_alias::{AliasScope, AliasStatus};
use packshot_domain::review::UnmappedPart;
use packshot_domain::time::Timestamp;

/// The parts of a review, in their order.
pub(super) async fn of(tx: &Tx<'_>, tenant: TenantId, review: ReviewId) -> Result<Vec<Model>, DbError> {
    Ok(of_all(tx, &[(tenant, review)]).await?.remove(&review).unwrap_or_default())
}

/// The parts of each of these reviews.
pub(super) async fn of_all(
    tx: &Tx<'_>,
    reviews: &[(TenantId, ReviewId)],
) -> Result<HashMap<ReviewId, Vec<Model>>, DbError> {
    let mut found: HashMap<ReviewId, Vec<Model>> = HashMap::new();
    if reviews.is_empty() {
        return Ok(found);
    }
    let (tenants, ids): (Vec<_>, Vec<_>) = reviews.iter().map(|(tenant, id)| (Col(*tenant), Col(*id))).unzip();
    let rows = Entity::find().filter(Column::TenantId.is_in(tenants)).filter(Column::ReviewId.is_in(ids));
    for row in rows.order_by_asc(Column::Position).all(tx.on()).await? {
        found.entry(row.review_id.0).or_default().push(row);
    }
    Ok(found)
}

/// Whether a part has no material.
pub(super) fn any_unresolved(parts: &[Model]) -> bool {
    parts.iter().any(|part| !part.resolved)
}

/// Whether a row is of this part.
pub(super) fn is_of(row: &Model, part: &UnmappedPart) -> bool {
    row.scope.0 == part.reason.scope() && row.alias_key == part.alias_key && row.part_key == part.part_key
}

/// Adds a part that was not seen before.
pub(super) async fn insert(
    tx: &Tx<'_>,
    (tenant, review): (TenantId, ReviewId),
    position: i32,
    part: &UnmappedPart,
) -> Result<Model, DbError> {
    let now = tx.now().await?;
    let mut row = Model {
        tenant_id: Col(tenant),
        review_id: Col(review),
        position,
        part_name: String::new(),
        part_key: part.part_key.clone(),
        is_named: part.is_named,
        material_string: None,
        reason: Col(part.reason),
        scope: Col(part.reason.scope()),
        alias_key: part.alias_key.clone(),
        node_paths: Col(json!([])),
        instances: 0,
        area_share: 0.0,
        gltf_material: None,
        gltf_color: None,
        cad_names: Col(json!([])),
        in_fallback: true,
        resolved: false,
        resolved_by: None,
        resolved_alias: None,
        first_seen: Col(now),
        last_seen: Col(now),
    };
    describe(&mut row, part, now);
    Entity::insert(row.clone().into_active_model().reset_all()).exec_without_returning(tx.on()).await?;
    Ok(row)
}

/// Writes down what the newest pictures say of a part.
pub(super) fn describe(row: &mut Model, part: &UnmappedPart, now: Timestamp) {
    row.part_name.clone_from(&part.part_name);
    row.material_string.clone_from(&part.material_string);
    row.reason = Col(part.reason);
    row.node_paths = Col(json!(part.node_paths));
    row.instances = i32::try_from(part.instances).unwrap_or(i32::MAX);
    row.area_share = part.area_share;
    row.gltf_material.clone_from(&part.gltf_material);
    row.gltf_color = part.gltf_color.map(|color| Col(json!(color)));
    row.cad_names = Col(json!(part.cad_names));
    row.last_seen = Col(now);
}

/// Writes a part.
pub(super) async fn save(tx: &Tx<'_>, row: &Model) -> Result<(), DbError> {
    Entity::update(row.clone().into_active_model().reset_all()).exec_without_returning(tx.on()).await?;
    Ok(())
}

/// The active alias of the tenant for a name, with the fix that wrote it.
pub(super) async fn alias_of(
    tx: &Tx<'_>,
    tenant: TenantId,
    scope: AliasScope,
    key: &str,
) -> Result<Option<material_alias::Model>, DbError> {
    use material_alias::Column as C;
    let active = material_alias::Entity::find().filter(C::TenantId.eq(Col(tenant))).filter(C::Scope.eq(Col(scope)));
    let active = active.filter(C::Status.eq(Col(AliasStatus::Active))).filter(C::ActiveKey.eq(key));
    Ok(active.one(tx.on()).await?)
}

/// Makes the parts unresolved that an alias resolved which is taken back. Returns their reviews.
pub(super) async fn unresolve(tx: &Tx<'_>, tenant: TenantId, alias: AliasId) -> Result<(), DbError> {
    let row = ActiveModel {
        resolved: Set(false),
        resolved_by: Set(None::<Col<FixId>>),
        resolved_alias: Set(None),
        ..Default::default()
    };
    let of_it = Entity::update_many().set(row).filter(Column::TenantId.eq(Col(tenant)));
    of_it.filter(Column::ResolvedAlias.eq(Col(alias))).exec(tx.on()).await?;
    Ok(())
}

/// The reviews with parts that an alias resolved.
pub(super) async fn resolved_by_alias(tx: &Tx<'_>, tenant: TenantId, alias: AliasId) -> Result<Vec<ReviewId>, DbError> {
    use sea_orm::QuerySelect;
    let of_it = Entity::find().filter(Column::TenantId.eq(Col(tenant))).filter(Column::ResolvedAlias.eq(Col(alias)));
    let ids = of_it.select_only().column(Column::ReviewId).distinct().order_by_asc(Column::ReviewId);
    let ids: Vec<Col<ReviewId>> = ids.into_tuple().all(tx.on()).await?;
    Ok(ids.into_iter().map(Col::value).collect())
}
