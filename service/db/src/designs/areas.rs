//! Printable areas that people have named (design-renders.md §6).

use sea_orm::sea_query::Expr;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, SqlErr};
use serde_json::json;

use crate::audit::{self, NewEntry};
use crate::column::Col;
use crate::entity::design_area;
use crate::tx::Tx;
use crate::{Db, DbError, Json, TenantScope, products};
use packshot_domain::audit::{Action, Actor};
use packshot_domain::id::{DesignAreaId, ProductId, TenantId};
use packshot_domain::time::Timestamp;

/// What is said of an area, and what was measured of it.
#[derive(Clone, Debug, PartialEq)]
pub struct AreaFields {
    /// What people call it.
    pub name: String,
    /// The material of the file whose surfaces it has.
    pub material: Option<String>,
    /// The part of the file.
    pub part: Option<String>,
    /// The set of texture coordinates.
    pub uv_set: u32,
    /// How it is laid out flat: a word of the designs.
    pub mapping: String,
    /// The axis of a cylindrical area: a word of the designs.
    pub axis: Option<String>,
    /// A margin that designs keep away from its edge.
    pub safe_mm: f64,
    /// Whether it is taken where a request names none.
    pub is_default: bool,
    /// Width and height, measured.
    pub size_mm: [f64; 2],
    /// How much lengths are stretched, measured.
    pub distortion: f64,
    /// Whether it closes around the product, measured.
    pub wraps: bool,
}

/// A printable area of a product.
#[derive(Clone, Debug, PartialEq)]
pub struct DesignArea {
    /// Its id.
    pub id: DesignAreaId,
    /// The tenant that it belongs to.
    pub tenant: TenantId,
    /// Its product.
    pub product: ProductId,
    /// The rest.
    pub fields: AreaFields,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed.
    pub updated_at: Timestamp,
    /// Counts its changes.
    pub revision: i64,
}

/// The areas of a product, the oldest first.
///
/// # Errors
///
/// [`DbError::NotFound`] of the product.
pub async fn list(db: &Db, scope: TenantScope, product: ProductId) -> Result<Vec<DesignArea>, DbError> {
    products::get(db, scope, product).await?;
    db.read(scope, (scope.tenant, product), |tx, (tenant, product)| Box::pin(of_product(tx, *tenant, *product))).await
}

async fn of_product(tx: &Tx<'_>, tenant: TenantId, product: ProductId) -> Result<Vec<DesignArea>, DbError> {
    use design_area::Column as C;
    let rows = design_area::Entity::find().filter(C::TenantId.eq(Col(tenant))).filter(C::ProductId.eq(Col(product)));
    let rows = rows.order_by_asc(C::CreatedAt).order_by_asc(C::Id).all(tx.on()).await?;
    Ok(rows.into_iter().map(DesignArea::from).collect())
}

/// An area of a product.
///
/// # Errors
///
/// [`DbError::NotFound`].
pub async fn get(db: &Db, scope: TenantScope, (product, id): (ProductId, DesignAreaId)) -> Result<DesignArea, DbError> {
    products::get(db, scope, product).await?;
    db.read(scope, (scope.tenant, product, id), |tx, (tenant, product, id)| {
        Box::pin(async move { Ok(find(tx, *tenant, (*product, *id)).await?.into()) })
    })
    .await
}

/// Makes an area of a product.
///
/// # Errors
///
/// [`DbError::NotFound`] of the product; [`DbError::Exists`] when it has one of this name.
pub async fn create(
    db: &Db,
    scope: TenantScope,
    by: Actor,
    (product, id): (ProductId, DesignAreaId),
    fields: AreaFields,
) -> Result<DesignArea, DbError> {
    db.write(scope, (scope.tenant, by, product, id, fields), |tx, (tenant, by, product, id, fields)| {
        Box::pin(async move {
            products::lock(tx, *tenant, *product).await?;
            let now = tx.now().await?;
            if of_product(tx, *tenant, *product).await?.iter().any(|area| area.fields.name == fields.name) {
                return Err(DbError::Exists("design area"));
            }
            if fields.is_default {
                no_other_default(tx, *tenant, *product).await?;
            }
            let row = row((*tenant, *product, *id), fields, (now, now), 1);
            tx.insert_all(vec![row.clone().into_active_model().reset_all()]).await?;
            note(tx, by, &row, json!({"before": null, "after": shown(&row)})).await?;
            Ok(row.into())
        })
    })
    .await
}

/// Replaces what is said of an area, if it still has this revision.
///
/// # Errors
///
/// [`DbError::NotFound`], [`DbError::Stale`]; [`DbError::Exists`] when another area of the product has this name.
pub async fn replace(
    db: &Db,
    scope: TenantScope,
    by: Actor,
    (product, id, revision): (ProductId, DesignAreaId, i64),
    fields: AreaFields,
) -> Result<DesignArea, DbError> {
    let args = (scope.tenant, by, (product, id, revision), fields);
    db.write(scope, args, |tx, (tenant, by, (product, id, revision), fields)| {
        Box::pin(async move {
            products::lock(tx, *tenant, *product).await?;
            let before = find(tx, *tenant, (*product, *id)).await?;
            if before.revision != *revision {
                return Err(DbError::Stale { current: before.revision });
            }
            if fields.is_default && !before.is_default {
                no_other_default(tx, *tenant, *product).await?;
            }
            let times = (before.created_at.0, tx.now().await?);
            let row = row((*tenant, *product, *id), fields, times, before.revision + 1);
            let saved = design_area::Entity::update(row.clone().into_active_model().reset_all());
            saved.exec_without_returning(tx.on()).await.map_err(|error| match error.sql_err() {
                Some(SqlErr::UniqueConstraintViolation(_)) => DbError::Exists("design area"),
                _ => error.into(),
            })?;
            note(tx, by, &row, audit::change(&shown(&before), &shown(&row))).await?;
            Ok(row.into())
        })
    })
    .await
}

/// Deletes an area. Jobs that were made with it keep what it was.
///
/// # Errors
///
/// [`DbError::NotFound`].
pub async fn delete(
    db: &Db,
    scope: TenantScope,
    by: Actor,
    (product, id): (ProductId, DesignAreaId),
) -> Result<(), DbError> {
    db.write(scope, (scope.tenant, by, product, id), |tx, (tenant, by, product, id)| {
        Box::pin(async move {
            products::lock(tx, *tenant, *product).await?;
            let row = find(tx, *tenant, (*product, *id)).await?;
            design_area::Entity::delete_by_id((Col(*tenant), Col(*id))).exec(tx.on()).await?;
            note(tx, by, &row, json!({"before": shown(&row), "after": null})).await
        })
    })
    .await
}

async fn find(
    tx: &Tx<'_>,
    tenant: TenantId,
    (product, id): (ProductId, DesignAreaId),
) -> Result<design_area::Model, DbError> {
    let row = design_area::Entity::find_by_id((Col(tenant), Col(id))).one(tx.on()).await?;
    row.filter(|row| row.product_id.0 == product).ok_or(DbError::NotFound("design area"))
}

/// The areas of a locked product are no longer its default.
async fn no_other_default(tx: &Tx<'_>, tenant: TenantId, product: ProductId) -> Result<(), DbError> {
    use design_area::Column as C;
    let others = design_area::Entity::update_many().col_expr(C::IsDefault, Expr::value(false));
    let others = others.filter(C::TenantId.eq(Col(tenant))).filter(C::ProductId.eq(Col(product)));
    others.exec(tx.on()).await?;
    Ok(())
}

fn row(
    (tenant, product, id): (TenantId, ProductId, DesignAreaId),
    fields: &AreaFields,
    (created_at, updated_at): (Timestamp, Timestamp),
    revision: i64,
) -> design_area::Model {
    let fields = fields.clone();
    let [width_mm, height_mm] = fields.size_mm;
    design_area::Model {
        tenant_id: Col(tenant),
        id: Col(id),
        product_id: Col(product),
        name: fields.name,
        material: fields.material,
        part: fields.part,
        uv_set: i32::try_from(fields.uv_set).unwrap_or(0),
        mapping: fields.mapping,
        axis: fields.axis,
        safe_mm: fields.safe_mm,
        is_default: fields.is_default,
        width_mm,
        height_mm,
        distortion: fields.distortion,
        wraps: fields.wraps,
        created_at: Col(created_at),
        updated_at: Col(updated_at),
        revision,
    }
}

impl From<design_area::Model> for DesignArea {
    fn from(row: design_area::Model) -> Self {
        Self {
            id: row.id.0,
            tenant: row.tenant_id.0,
            product: row.product_id.0,
            fields: AreaFields {
                name: row.name,
                material: row.material,
                part: row.part,
                uv_set: row.uv_set.unsigned_abs(),
                mapping: row.mapping,
                axis: row.axis,
                safe_mm: row.safe_mm,
                is_default: row.is_default,
                size_mm: [row.width_mm, row.height_mm],
                distortion: row.distortion,
                wraps: row.wraps,
            },
            created_at: row.created_at.0,
            updated_at: row.updated_at.0,
            revision: row.revision,
        }
    }
}

/// What the audit log shows of an area.
fn shown(row: &design_area::Model) -> Json {
    json!({
        "product_id": row.product_id.0.to_string(),
        "name": row.name,
        "material": row.material,
        "part": row.part,
        "uv_set": row.uv_set,
        "mapping": row.mapping,
        "axis": row.axis,
        "safe_mm": row.safe_mm,
        "is_default": row.is_default,
    })
}

async fn note(tx: &Tx<'_>, by: &Actor, row: &design_area::Model, detail: Json) -> Result<(), DbError> {
    let object = Some(("design_area", row.id.0.to_string()));
    audit::write(tx, row.tenant_id.0, by, [NewEntry { action: Action::DesignAreaChanged, object, detail }]).await
}
