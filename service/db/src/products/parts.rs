//! The materials of a product's parts, as rows.

use std::collections::HashMap;

use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use serde_json::{Map, Value};

use crate::column::Col;
use crate::entity::product_part::{ActiveModel, Column, Entity, Model};
use crate::tx::Tx;
use crate::{DbError, Json};
use packshot_domain::id::{AliasId, ProductId, TenantId};
use packshot_domain::product::{PartEntries, PartEntry};

/// Entries that are written with one statement; SQLite takes 32,766 values at once.
const AT_ONCE: usize = 1_000;

/// Replaces the entries of a product, whose row is locked.
pub(super) async fn write(
    tx: &Tx<'_>,
    tenant: TenantId,
    product: ProductId,
    entries: &PartEntries,
) -> Result<(), DbError> {
    let of_product = Entity::delete_many().filter(Column::TenantId.eq(Col(tenant)));
    of_product.filter(Column::ProductId.eq(Col(product))).exec(tx.on()).await?;
    let row = |(position, entry): (i32, &PartEntry)| ActiveModel {
        tenant_id: Set(Col(tenant)),
        product_id: Set(Col(product)),
        position: Set(position),
        part_name: Set(Col(entry.part_name.clone())),
        material: Set(Col(entry.material.clone())),
        found_by: Set(entry.found_by.map(Col)),
        alias_id: Set(entry.alias.map(Col)),
    };
    let rows: Vec<ActiveModel> = (0..).zip(entries.as_slice()).map(row).collect();
    for rows in rows.chunks(AT_ONCE) {
        Entity::insert_many(rows.to_vec()).exec_without_returning(tx.on()).await?;
    }
    Ok(())
}

/// The entries of a product.
pub(super) async fn of_one(tx: &Tx<'_>, tenant: TenantId, product: ProductId) -> Result<PartEntries, DbError> {
    Ok(of_many(tx, [(tenant, product)]).await?.remove(&product).unwrap_or_default())
}

/// The entries of each of these products.
pub(super) async fn of_many(
    tx: &Tx<'_>,
    products: impl IntoIterator<Item = (TenantId, ProductId)>,
) -> Result<HashMap<ProductId, PartEntries>, DbError> {
    let (tenants, ids): (Vec<_>, Vec<_>) = products.into_iter().map(|(tenant, id)| (Col(tenant), Col(id))).unzip();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let of_them = Entity::find().filter(Column::TenantId.is_in(tenants)).filter(Column::ProductId.is_in(ids));
    let mut lists: HashMap<ProductId, Vec<PartEntry>> = HashMap::new();
    for Model { product_id, part_name, material, found_by, alias_id, .. } in
        of_them.order_by_asc(Column::Position).all(tx.on()).await?
    {
        let entry = PartEntry {
            part_name: part_name.0,
            material: material.0,
            found_by: found_by.map(Col::value),
            alias: alias_id.map(Col::value),
        };
        lists.entry(product_id.0).or_default().push(entry);
    }
    let corrupt = |error: packshot_domain::product::InvalidEntries| DbError::Corrupt {
        what: "materials of a product",
        reason: error.to_string(),
    };
    lists.into_iter().map(|(id, list)| Ok((id, PartEntries::new(list).map_err(corrupt)?))).collect()
}

/// The products that have entries which an alias led to, by id.
pub(super) async fn of_alias(tx: &Tx<'_>, tenant: TenantId, alias: AliasId) -> Result<Vec<ProductId>, DbError> {
    let of_alias = Entity::find().filter(Column::TenantId.eq(Col(tenant))).filter(Column::AliasId.eq(Col(alias)));
    let ids = of_alias.select_only().column(Column::ProductId).distinct().order_by_asc(Column::ProductId);
    let ids: Vec<Col<ProductId>> = ids.into_tuple().all(tx.on()).await?;
    Ok(ids.into_iter().map(Col::value).collect())
}

/// Removes the entries which an alias led to, of products whose rows are locked.
pub(super) async fn remove_of_alias(tx: &Tx<'_>, tenant: TenantId, alias: AliasId) -> Result<(), DbError> {
    let of_alias = Entity::delete_many().filter(Column::TenantId.eq(Col(tenant)));
    of_alias.filter(Column::AliasId.eq(Col(alias))).exec(tx.on()).await?;
    Ok(())
}

/// What the audit log shows of entries.
pub(super) fn shown(entries: &PartEntries) -> Json {
    let members =
        entries.as_slice().iter().map(|entry| (entry.part_name.to_string(), entry.material.to_string().into()));
    Value::Object(members.collect::<Map<_, _>>())
}
