//! What is known for proposals, and which lines a fix concerns.

use std::collections::BTreeSet;

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect};

use super::seen::lines_showing;
use crate::column::{Col, arg, cell};
use crate::entity::product;
use crate::tx::Tx;
use crate::{Db, DbError, TenantScope};
use packshot_domain::id::{OrderId, OrderLineId, ProductId, TenantId};
use packshot_domain::material_alias::{AliasScope, AliasStatus};
use packshot_domain::order::OrderStatus;

/// Names that are looked at, at most: those that are given most often.
const NAMES_MAX: usize = 20_000;

/// A name that was given a material.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenMaterial {
    /// The name.
    pub name: String,
    /// The material, as it was written.
    pub material: String,
    /// How often.
    pub n: u32,
}

/// What a tenant has given to names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// To names of parts: by aliases, fixes that succeeded, and the materials of products' parts.
    pub of_parts: Vec<GivenMaterial>,
    /// To words for materials: by aliases and fixes that succeeded.
    pub of_materials: Vec<GivenMaterial>,
    /// What parts of products of one category wear.
    pub family: Vec<GivenMaterial>,
}

/// What a tenant has given to names, and what parts of products of the same category as this one wear.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn known(db: &Db, scope: TenantScope, product: Option<ProductId>) -> Result<Known, DbError> {
    db.read(scope, (scope.tenant, product), |tx, (tenant, product)| {
        Box::pin(async move {
            let entries = "SELECT part_name, material, COUNT(*) FROM product_parts WHERE tenant_id = $1 \
                           GROUP BY part_name, material ORDER BY COUNT(*) DESC, part_name LIMIT $2";
            let mut of_parts = given(tx, entries, [arg(*tenant), limit()]).await?;
            of_parts.extend(of_scope(tx, *tenant, AliasScope::Part).await?);
            let of_materials = of_scope(tx, *tenant, AliasScope::Material).await?;
            let category = match product {
                Some(product) => {
                    let of_it = product::Entity::find_by_id((Col(*tenant), Col(*product)));
                    of_it.one(tx.on()).await?.and_then(|row| row.category_key)
                }
                None => None,
            };
            let family = match category {
                Some(category) => {
                    let sql = "SELECT e.part_name, e.material, COUNT(*) FROM product_parts e \
                               JOIN products p ON p.tenant_id = e.tenant_id AND p.id = e.product_id \
                               WHERE e.tenant_id = $1 AND p.category_key = $3 \
                               GROUP BY e.part_name, e.material ORDER BY COUNT(*) DESC, e.part_name LIMIT $2";
                    given(tx, sql, [arg(*tenant), limit(), category.into()]).await?
                }
                None => Vec::new(),
            };
            Ok(Known { of_parts, of_materials, family })
        })
    })
    .await
}

fn limit() -> sea_orm::Value {
    i64::try_from(NAMES_MAX).unwrap_or(i64::MAX).into()
}

/// What aliases in force and fixes that succeeded without one gave to names.
async fn of_scope(tx: &Tx<'_>, tenant: TenantId, scope: AliasScope) -> Result<Vec<GivenMaterial>, DbError> {
    let aliases = "SELECT alias, material, COUNT(*) FROM material_aliases \
                   WHERE tenant_id = $1 AND scope = $3 AND status = $4 GROUP BY alias, material LIMIT $2";
    let values = [arg(tenant), limit(), arg(scope), arg(AliasStatus::Active)];
    let mut found = given(tx, aliases, values).await?;
    let fixes = "SELECT alias, material, COUNT(*) FROM suggested_fixes WHERE tenant_id = $1 AND scope = $3 \
                 AND status = 'applied_success' AND alias_id IS NULL GROUP BY alias, material LIMIT $2";
    found.extend(given(tx, fixes, [arg(tenant), limit(), arg(scope)]).await?);
    Ok(found)
}

async fn given(
    tx: &Tx<'_>,
    sql: &str,
    values: impl IntoIterator<Item = sea_orm::Value> + Send,
) -> Result<Vec<GivenMaterial>, DbError> {
    let rows = tx.query(sql, values).await?;
    let of_row = |row: &sea_orm::QueryResult| {
        let n: i64 = row.try_get_by_index(2)?;
        let (name, material) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        Ok(GivenMaterial { name, material, n: u32::try_from(n).unwrap_or(u32::MAX) })
    };
    rows.iter().map(of_row).collect()
}

/// The lines of orders that are not rejected whose newest pictures show one of these names in the fallback material, by
/// id.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn affected(
    db: &Db,
    scope: TenantScope,
    names: Vec<(AliasScope, String)>,
) -> Result<Vec<OrderLineId>, DbError> {
    db.read(scope, (scope.tenant, names), |tx, (tenant, names)| {
        Box::pin(async move {
            let mut lines: BTreeSet<OrderLineId> = BTreeSet::new();
            for (of, key) in names {
                lines.extend(lines_showing(tx, *tenant, *of, key).await?);
            }
            let rejected: BTreeSet<OrderId> = {
                use crate::entity::order::{Column, Entity};
                let rejected = Entity::find().filter(Column::TenantId.eq(Col(*tenant)));
                let rejected = rejected.filter(Column::Status.eq(Col(OrderStatus::Rejected)));
                let ids = rejected.select_only().column(Column::Id).into_tuple::<Col<OrderId>>();
                ids.all(tx.on()).await?.into_iter().map(Col::value).collect()
            };
            let sql = "SELECT order_id FROM order_lines WHERE tenant_id = $1 AND id = $2";
            let mut open = Vec::with_capacity(lines.len());
            for line in lines {
                let rows = tx.query(sql, [arg(*tenant), arg(line)]).await?;
                let Some(row) = rows.first() else { continue };
                if !rejected.contains(&cell(row, 0)?) {
                    open.push(line);
                }
            }
            Ok(open)
        })
    })
    .await
}
