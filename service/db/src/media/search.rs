//! What the row of an asset repeats of others: the fields of its product that lists are filtered by, and the words by
//! which it is found. Whoever changes those renews it, in the same transaction.

use std::collections::HashMap;

use sea_orm::ActiveValue::{Set, Unchanged};
use sea_orm::{ActiveModelTrait, ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::DbError;
use crate::column::Col;
use crate::entity::{media_asset, order, product};
use crate::level::Level;
use crate::tx::Tx;
use packshot_domain::id::{AssetId, OrderId, ProductId, TenantId};
use packshot_domain::media::search;

/// Ids in one statement; SQLite takes 32,766 values at once.
const AT_ONCE: usize = 1_000;

/// What words are made of.
#[derive(Default)]
struct Named {
    products: HashMap<ProductId, product::Model>,
    orders: HashMap<OrderId, String>,
}

impl Named {
    async fn of(tx: &Tx<'_>, tenant: TenantId, rows: &[media_asset::Model]) -> Result<Self, DbError> {
        let mut named = Self::default();
        for rows in rows.chunks(AT_ONCE) {
            let products = product::Entity::find()
                .filter(product::Column::TenantId.eq(Col(tenant)))
                .filter(product::Column::Id.is_in(rows.iter().filter_map(|row| row.product_id)));
            named.products.extend(products.all(tx.on()).await?.into_iter().map(|row| (row.id.0, row)));
            let orders = order::Entity::find()
                .filter(order::Column::TenantId.eq(Col(tenant)))
                .filter(order::Column::Id.is_in(rows.iter().filter_map(|row| row.order_id)));
            let orders = orders.all(tx.on()).await?.into_iter();
            named.orders.extend(orders.map(|row| (row.id.0, row.order_number.0.to_string())));
        }
        Ok(named)
    }

    /// Writes into a row what it repeats.
    fn describe(&self, row: &mut media_asset::Model) {
        let product = row.product_id.and_then(|id| self.products.get(&id.0));
        row.category_key = product.and_then(|product| product.category_key.clone());
        row.lagertyp = product.and_then(|product| product.lagertyp.clone());
        let of_product = product.into_iter().flat_map(|product| {
            let labels = [Some(&product.name), Some(&product.pim_id)];
            let labels = labels.into_iter().chain([product.category_key.as_ref(), product.lagertyp.as_ref()]);
            labels.flatten().map(|label| label.0.as_str())
        });
        let of_order = row.order_id.and_then(|id| self.orders.get(&id.0)).map(String::as_str);
        let words = search::words(of_product.chain(of_order).chain([row.file_name.as_str()]));
        row.search_text = words.into_iter().collect::<Vec<_>>().join(" ");
        let name = product.map_or("", |product| product.name.0.as_str());
        row.name_key = search::order_key([name, &row.file_name]);
    }
}

/// Writes into new rows what they repeat, before they are inserted.
pub(crate) async fn describe(tx: &Tx<'_>, tenant: TenantId, rows: &mut [media_asset::Model]) -> Result<(), DbError> {
    let named = Named::of(tx, tenant, rows).await?;
    rows.iter_mut().for_each(|row| named.describe(row));
    Ok(())
}

/// Whose assets repeat something that has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Changed {
    /// A product, which is locked.
    Product(ProductId),
    /// An order, which is locked.
    Order(OrderId),
}

/// Renews what the assets of something that has changed repeat of it.
pub(crate) async fn renew(tx: &Tx<'_>, tenant: TenantId, of: Changed) -> Result<(), DbError> {
    use media_asset::Column as C;
    let these = match of {
        Changed::Product(id) => C::ProductId.eq(Col(id)),
        Changed::Order(id) => C::OrderId.eq(Col(id)),
    };
    renew_where(tx, tenant, Condition::all().add(these)).await
}

/// Renews what these assets repeat.
pub(super) async fn renew_these(
    tx: &Tx<'_>,
    tenant: TenantId,
    ids: impl IntoIterator<Item = AssetId>,
) -> Result<(), DbError> {
    let ids: Vec<AssetId> = ids.into_iter().collect();
    for ids in ids.chunks(AT_ONCE) {
        let these = media_asset::Column::Id.is_in(ids.iter().map(|id| Col(*id)));
        renew_where(tx, tenant, Condition::all().add(these)).await?;
    }
    Ok(())
}

async fn renew_where(tx: &Tx<'_>, tenant: TenantId, these: Condition) -> Result<(), DbError> {
    use media_asset::Column as C;
    tx.enter(Level::Object);
    let rows = media_asset::Entity::find().filter(C::TenantId.eq(Col(tenant))).filter(these);
    let rows = rows.order_by_asc(C::Id).lock_exclusive().all(tx.on()).await?;
    let named = Named::of(tx, tenant, &rows).await?;
    for before in rows {
        let mut row = before.clone();
        named.describe(&mut row);
        if row == before {
            continue;
        }
        let changed = media_asset::ActiveModel {
            tenant_id: Unchanged(row.tenant_id),
            id: Unchanged(row.id),
            category_key: Set(row.category_key),
            lagertyp: Set(row.lagertyp),
            name_key: Set(row.name_key),
            search_text: Set(row.search_text),
            ..Default::default()
        };
        changed.update_without_returning(tx.on()).await?;
    }
    Ok(())
}
