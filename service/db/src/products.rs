//! Products of a tenant, each with the materials of its parts.

mod parts;

use std::collections::HashSet;

use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, ExprTrait, LikeExpr, OnConflict};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect,
    Select, SqlErr,
};
use serde_json::json;

use crate::audit::{self, NewEntry};
use crate::column::Col;
use crate::entity::{cad_file, product};
use crate::level::Level;
use crate::media::{self, Changed, Going};
use crate::tx::Tx;
use crate::{Db, DbError, Json, Page, PageRequest, ReadScope, TenantScope, material_aliases, orders};
use packshot_domain::artifact::Label;
use packshot_domain::audit::{Action, Actor};
use packshot_domain::id::{AliasId, AssetId, CadFileId, ProductId, TenantId};
use packshot_domain::product::{PartEntries, PartEntry, ProductFields, Thumbnail};
use packshot_domain::time::Timestamp;

/// Ids in one statement; SQLite takes 32,766 values at once.
const AT_ONCE: usize = 1_000;

/// A product as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Product {
    /// Its id.
    pub id: ProductId,
    /// The tenant that it belongs to.
    pub tenant: TenantId,
    /// What somebody said of it.
    pub fields: ProductFields,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed.
    pub updated_at: Timestamp,
    /// Counts its changes.
    pub revision: i64,
}

/// Which products a list shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProductFilter {
    /// Only those with this text in their name or their `pim_id`, in any case.
    pub query: Option<String>,
    /// Only the one with this `pim_id`.
    pub pim_id: Option<Label>,
    /// Only those of this category.
    pub category_key: Option<Label>,
    /// Only those with this `lagertyp`.
    pub lagertyp: Option<Label>,
    /// Only those with this CAD file.
    pub cad_file: Option<CadFileId>,
}

/// Makes a product.
///
/// # Errors
///
/// [`DbError::Exists`] when the tenant has one with this `pim_id`; [`DbError::NotFound`] of a CAD file.
pub async fn create(
    db: &Db,
    scope: TenantScope,
    by: Actor,
    id: ProductId,
    fields: ProductFields,
) -> Result<Product, DbError> {
    db.write(scope, (scope.tenant, by, id, fields), |tx, (tenant, by, id, fields)| {
        Box::pin(async move {
            lock_cad_file(tx, *tenant, fields.cad_file).await?;
            tx.enter(Level::Product);
            let now = tx.now().await?;
            let row = product::ActiveModel {
                tenant_id: Set(Col(*tenant)),
                id: Set(Col(*id)),
                created_at: Set(Col(now)),
                revision: Set(1),
                ..written(fields, now)
            };
            let only_once = [product::Column::TenantId, product::Column::PimId];
            let only_once = OnConflict::columns(only_once).do_nothing().to_owned();
            let made = product::Entity::insert(row).on_conflict(only_once).exec_without_returning(tx.on()).await?;
            if made == 0 {
                return Err(DbError::Exists("product"));
            }
            let fields = &with_active_aliases(tx, *tenant, fields).await?;
            parts::write(tx, *tenant, *id, &fields.parts).await?;
            let row = find(tx, *tenant, *id).await?;
            note(tx, by, &row, json!({"before": null, "after": shown(&row, &fields.parts)})).await?;
            Ok(Product::of(row, fields.parts.clone()))
        })
    })
    .await
}

/// A product of the tenant.
///
/// # Errors
///
/// [`DbError::NotFound`].
pub async fn get(db: &Db, scope: TenantScope, id: ProductId) -> Result<Product, DbError> {
    db.read(scope, (scope.tenant, id), |tx, (tenant, id)| {
        Box::pin(async move {
            let row = find(tx, *tenant, *id).await?;
            let parts = parts::of_one(tx, *tenant, *id).await?;
            Ok(Product::of(row, parts))
        })
    })
    .await
}

/// The product of the tenant with this `pim_id`.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn with_pim_id(db: &Db, scope: TenantScope, pim_id: &Label) -> Result<Option<Product>, DbError> {
    db.read(scope, (scope.tenant, pim_id.clone()), |tx, (tenant, pim_id)| {
        Box::pin(async move {
            let of_tenant = product::Entity::find().filter(product::Column::TenantId.eq(Col(*tenant)));
            let found = of_tenant.filter(product::Column::PimId.eq(Col(pim_id.clone()))).one(tx.on()).await?;
            let Some(row) = found else { return Ok(None) };
            let parts = parts::of_one(tx, *tenant, row.id.0).await?;
            Ok(Some(Product::of(row, parts)))
        })
    })
    .await
}

/// A page of products, newest first.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn list(
    db: &Db,
    scope: impl Into<ReadScope>,
    filter: ProductFilter,
    page: PageRequest,
) -> Result<Page<Product>, DbError> {
    let scope = scope.into();
    db.read(scope, (scope, filter, page), |tx, (scope, filter, page)| {
        Box::pin(async move {
            let products = filter.narrow(scope.narrow(product::Entity::find(), product::Column::TenantId));
            let rows = page.narrow(products, product::Column::CreatedAt, product::Column::Id).all(tx.on()).await?;
            let page: Page<product::Model> = page.cut(rows, |row| (row.created_at.0, row.id.0.uuid()));
            let ids = page.items.iter().map(|row| (row.tenant_id.0, row.id.0));
            let mut parts = parts::of_many(tx, ids).await?;
            let items = page.items.into_iter().map(|row| {
                let parts = parts.remove(&row.id.0).unwrap_or_default();
                Product::of(row, parts)
            });
            Ok(Page { items: items.collect(), next: page.next })
        })
    })
    .await
}

/// Replaces what is said of a product, if it still has this revision.
///
/// # Errors
///
/// [`DbError::NotFound`], also of a CAD file; [`DbError::Stale`]; [`DbError::Exists`] when another one has this
/// `pim_id`.
pub async fn replace(
    db: &Db,
    scope: TenantScope,
    by: Actor,
    (id, revision): (ProductId, i64),
    fields: ProductFields,
) -> Result<Product, DbError> {
    db.write(scope, (scope.tenant, by, id, revision, fields), |tx, (tenant, by, id, revision, fields)| {
        Box::pin(async move {
            lock_cad_file(tx, *tenant, fields.cad_file).await?;
            let before = lock(tx, *tenant, *id).await?;
            if before.revision != *revision {
                return Err(DbError::Stale { current: before.revision });
            }
            let fields = &with_active_aliases(tx, *tenant, fields).await?;
            if let Some(thumbnail) = fields.thumbnail
                && before.thumbnail_asset_id != Some(Col(thumbnail.asset))
            {
                media::check_thumbnail(tx, *tenant, *id, thumbnail.asset).await?;
            }
            let parts_before = parts::of_one(tx, *tenant, *id).await?;
            let before_shown = shown(&before, &parts_before);
            let named = before.clone();
            let named = (&named.name, &named.pim_id, &named.category_key, &named.lagertyp);
            let now = tx.now().await?;
            let row = product::ActiveModel {
                revision: Set(before.revision + 1),
                ..merged(before.into_active_model(), written(fields, now))
            };
            let row = row.update(tx.on()).await.map_err(|error| match error.sql_err() {
                Some(SqlErr::UniqueConstraintViolation(_)) => DbError::Exists("product"),
                _ => error.into(),
            })?;
            if parts_before != fields.parts {
                parts::write(tx, *tenant, *id, &fields.parts).await?;
            }
            let after_shown = shown(&row, &fields.parts);
            if named != (&row.name, &row.pim_id, &row.category_key, &row.lagertyp) {
                media::renew(tx, *tenant, Changed::Product(*id)).await?;
            }
            note(tx, by, &row, audit::change(&before_shown, &after_shown)).await?;
            Ok(Product::of(row, fields.parts.clone()))
        })
    })
    .await
}

/// Deletes a product.
///
/// # Errors
///
/// [`DbError::NotFound`]; [`DbError::InUse`] when a line of an order is of it.
pub async fn delete(db: &Db, scope: TenantScope, by: Actor, id: ProductId) -> Result<(), DbError> {
    db.write(scope, (scope.tenant, by, id), |tx, (tenant, by, id)| {
        Box::pin(async move {
            let row = lock(tx, *tenant, *id).await?;
            if orders::is_any_of_product(tx, *tenant, *id).await? {
                return Err(DbError::InUse("product"));
            }
            let parts = parts::of_one(tx, *tenant, *id).await?;
            media::outlive(tx, *tenant, Going::Product(*id)).await?;
            product::Entity::delete_by_id((Col(*tenant), Col(*id))).exec(tx.on()).await?;
            note(tx, by, &row, json!({"before": shown(&row, &parts), "after": null})).await
        })
    })
    .await
}

/// Whether a product has this CAD file, whose row is locked.
pub(super) async fn is_any_of(tx: &Tx<'_>, tenant: TenantId, file: CadFileId) -> Result<bool, DbError> {
    let with_it = product::Entity::find()
        .filter(product::Column::TenantId.eq(Col(tenant)))
        .filter(product::Column::CadFileId.eq(Col(file)));
    Ok(with_it.one(tx.on()).await?.is_some())
}

/// Locks the products of a CAD file, whose row is locked, some more, and those that have one of these assets for their
/// thumbnail, all in the order of their ids.
pub(super) async fn lock_of(
    tx: &Tx<'_>,
    tenant: TenantId,
    file: Option<CadFileId>,
    more: &[ProductId],
    shown: &[AssetId],
) -> Result<(), DbError> {
    use product::Column as C;
    tx.enter(Level::Product);
    let showing = (!shown.is_empty()).then(|| C::ThumbnailAssetId.is_in(shown.iter().map(|id| Col(*id))));
    let these = Condition::any()
        .add_option(file.map(|file| C::CadFileId.eq(Col(file))))
        .add(C::Id.is_in(more.iter().map(|id| Col(*id))))
        .add_option(showing);
    let of_them = product::Entity::find().filter(C::TenantId.eq(Col(tenant))).filter(these);
    of_them.order_by_asc(C::Id).lock_exclusive().all(tx.on()).await?;
    Ok(())
}

fn of_file(tenant: TenantId, file: CadFileId) -> Select<product::Entity> {
    let of_file = product::Entity::find().filter(product::Column::TenantId.eq(Col(tenant)));
    of_file.filter(product::Column::CadFileId.eq(Col(file))).order_by_asc(product::Column::Id)
}

/// What was found for parts, without that by aliases which were taken back meanwhile; those that stay are locked
/// against that.
pub(super) async fn by_active_aliases(
    tx: &Tx<'_>,
    tenant: TenantId,
    found: &[PartEntry],
) -> Result<Vec<PartEntry>, DbError> {
    let mut aliases: Vec<AliasId> = found.iter().filter_map(|entry| entry.alias).collect();
    aliases.sort_unstable();
    aliases.dedup();
    let active = material_aliases::lock_active(tx, tenant, &aliases).await?;
    let is_active = |entry: &&PartEntry| entry.alias.is_none_or(|alias| active.contains(&alias));
    Ok(found.iter().filter(is_active).cloned().collect())
}

/// Gives the locked products of a CAD file what was found for parts that have no entry.
pub(super) async fn fill(tx: &Tx<'_>, tenant: TenantId, file: CadFileId, found: &[PartEntry]) -> Result<(), DbError> {
    let now = tx.now().await?;
    for before in of_file(tenant, file).all(tx.on()).await? {
        let id = before.id.0;
        let entries = parts::of_one(tx, tenant, id).await?;
        let filled = entries.clone().filled(found.to_vec());
        if filled == entries {
            continue;
        }
        parts::write(tx, tenant, id, &filled).await?;
        let row = product::ActiveModel {
            revision: Set(before.revision + 1),
            updated_at: Set(Col(now)),
            ..before.clone().into_active_model()
        };
        row.update_without_returning(tx.on()).await?;
        let detail = audit::change(&shown(&before, &entries), &shown(&before, &filled));
        note(tx, &Actor::system(), &before, detail).await?;
    }
    Ok(())
}

async fn find(tx: &Tx<'_>, tenant: TenantId, id: ProductId) -> Result<product::Model, DbError> {
    let row = product::Entity::find_by_id((Col(tenant), Col(id))).one(tx.on()).await?;
    row.ok_or(DbError::NotFound("product"))
}

/// Locks a product.
pub(super) async fn lock(tx: &Tx<'_>, tenant: TenantId, id: ProductId) -> Result<product::Model, DbError> {
    tx.enter(Level::Product);
    let row = product::Entity::find_by_id((Col(tenant), Col(id))).lock_exclusive().one(tx.on()).await?;
    row.ok_or(DbError::NotFound("product"))
}

/// Locks the CAD file that a product gets, so that it is not deleted meanwhile.
async fn lock_cad_file(tx: &Tx<'_>, tenant: TenantId, id: Option<CadFileId>) -> Result<(), DbError> {
    let Some(id) = id else { return Ok(()) };
    tx.enter(Level::CadFile);
    let row = cad_file::Entity::find_by_id((Col(tenant), Col(id))).lock_exclusive().one(tx.on()).await?;
    row.map(|_| ()).ok_or(DbError::NotFound("CAD file"))
}

/// What is said of a product, without entries that aliases led to which were taken back meanwhile; those that stay are
/// locked against that.
async fn with_active_aliases(tx: &Tx<'_>, tenant: TenantId, fields: &ProductFields) -> Result<ProductFields, DbError> {
    let active = material_aliases::lock_active(tx, tenant, &fields.parts.aliases()).await?;
    Ok(ProductFields { parts: fields.parts.clone().with_aliases_among(&active), ..fields.clone() })
}

/// Locks the products that have entries which an alias led to, and tells which these are.
pub(super) async fn lock_of_alias(
    tx: &Tx<'_>,
    tenant: TenantId,
    alias: AliasId,
) -> Result<HashSet<ProductId>, DbError> {
    use product::Column as C;
    let ids = parts::of_alias(tx, tenant, alias).await?;
    tx.enter(Level::Product);
    for some in ids.chunks(AT_ONCE) {
        let these = some.iter().map(|id| Col(*id));
        let of_them = product::Entity::find().filter(C::TenantId.eq(Col(tenant))).filter(C::Id.is_in(these));
        let locked = of_them.order_by_asc(C::Id).lock_exclusive();
        locked.select_only().column(C::Id).into_tuple::<Col<ProductId>>().all(tx.on()).await?;
    }
    Ok(ids.into_iter().collect())
}

/// Removes the entries that an alias led to, which is locked after the products `locked`. Returns how many products had
/// any; `None` when another product got one before the alias was locked.
pub(super) async fn without_alias(
    tx: &Tx<'_>,
    tenant: TenantId,
    alias: AliasId,
    locked: &HashSet<ProductId>,
) -> Result<Option<usize>, DbError> {
    use product::Column as C;
    let ids = parts::of_alias(tx, tenant, alias).await?;
    if ids.iter().any(|id| !locked.contains(id)) {
        return Ok(None);
    }
    let now = tx.now().await?;
    for ids in ids.chunks(AT_ONCE) {
        let these = || ids.iter().map(|id| Col(*id));
        let changed = product::Entity::update_many()
            .col_expr(C::Revision, Expr::col(C::Revision).add(1))
            .col_expr(C::UpdatedAt, Expr::value(Col(now)))
            .filter(C::TenantId.eq(Col(tenant)))
            .filter(C::Id.is_in(these()));
        changed.exec(tx.on()).await?;
    }
    parts::remove_of_alias(tx, tenant, alias).await?;
    Ok(Some(ids.len()))
}

/// The columns that somebody's words become.
fn written(fields: &ProductFields, now: Timestamp) -> product::ActiveModel {
    product::ActiveModel {
        pim_id: Set(Col(fields.pim_id.clone())),
        name: Set(Col(fields.name.clone())),
        searched: Set(format!("{}\n{}", fields.pim_id, fields.name).to_lowercase()),
        category_key: Set(fields.category_key.clone().map(Col)),
        lagertyp: Set(fields.lagertyp.clone().map(Col)),
        cad_file_id: Set(fields.cad_file.map(Col)),
        thumbnail_asset_id: Set(fields.thumbnail.map(|thumbnail| Col(thumbnail.asset))),
        thumbnail_source: Set(fields.thumbnail.map(|thumbnail| Col(thumbnail.source))),
        updated_at: Set(Col(now)),
        ..Default::default()
    }
}

/// A row with the columns that are written.
fn merged(row: product::ActiveModel, written: product::ActiveModel) -> product::ActiveModel {
    product::ActiveModel {
        tenant_id: row.tenant_id,
        id: row.id,
        created_at: row.created_at,
        revision: row.revision,
        ..written
    }
}

impl ProductFilter {
    fn narrow(&self, products: Select<product::Entity>) -> Select<product::Entity> {
        use product::Column as C;
        let Self { query, pim_id, category_key, lagertyp, cad_file } = self;
        let mut products = products;
        if let Some(query) = query {
            products = products.filter(Expr::col(C::Searched).like(containing(&query.to_lowercase())));
        }
        for (column, wanted) in [(C::PimId, pim_id), (C::CategoryKey, category_key), (C::Lagertyp, lagertyp)] {
            if let Some(wanted) = wanted {
                products = products.filter(column.eq(Col(wanted.clone())));
            }
        }
        match cad_file {
            Some(file) => products.filter(C::CadFileId.eq(Col(*file))),
            None => products,
        }
    }
}

/// The pattern of texts that contain `text`.
pub(super) fn containing(text: &str) -> LikeExpr {
    let literal: String =
        text.chars().flat_map(|c| matches!(c, '%' | '_' | '\\').then_some('\\').into_iter().chain([c])).collect();
    LikeExpr::new(format!("%{literal}%")).escape('\\')
}

/// What the audit log shows of a product.
fn shown(row: &product::Model, parts: &PartEntries) -> Json {
    let text = |label: &Option<Col<Label>>| label.as_ref().map(|label| label.0.to_string());
    json!({
        "pim_id": row.pim_id.0.as_str(),
        "name": row.name.0.as_str(),
        "category_key": text(&row.category_key),
        "lagertyp": text(&row.lagertyp),
        "cad_file_id": row.cad_file_id.map(|id| id.0.to_string()),
        "thumbnail_asset_id": row.thumbnail_asset_id.map(|id| id.0.to_string()),
        "cad_part_materials": parts::shown(parts),
    })
}

/// Writes the audit entry of a change of a product.
async fn note(tx: &Tx<'_>, by: &Actor, row: &product::Model, detail: Json) -> Result<(), DbError> {
    let object = Some(("product", row.id.0.to_string()));
    audit::write(tx, row.tenant_id.0, by, [NewEntry { action: Action::ProductChanged, object, detail }]).await
}

impl Product {
    fn of(row: product::Model, parts: PartEntries) -> Self {
        let fields = ProductFields {
            pim_id: row.pim_id.0,
            name: row.name.0,
            category_key: row.category_key.map(Col::value),
            lagertyp: row.lagertyp.map(Col::value),
            cad_file: row.cad_file_id.map(Col::value),
            thumbnail: row
                .thumbnail_asset_id
                .zip(row.thumbnail_source)
                .map(|(asset, source)| Thumbnail { asset: asset.0, source: source.0 }),
            parts,
        };
        Self {
            id: row.id.0,
            tenant: row.tenant_id.0,
            fields,
            created_at: row.created_at.0,
            updated_at: row.updated_at.0,
            revision: row.revision,
        }
    }
}
