//! Which content each tenant has stored.
//!
//! Objects without references are removed here first, and from the store afterwards. A record has the time when its
//! file was last stored, and is refreshed before an old file is relied on. So the sweep either sees that the file is
//! needed, or has removed the record earlier, and the caller who records it is told so.

use std::collections::HashSet;
use std::time::Duration;

use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, Value};

use super::column::{Col, arg, cell};
use super::entity::object;
use super::level::Level;
use super::tx::Tx;
use super::{AllTenants, Db, DbError, TenantScope, quota};
use packshot_domain::hash::ContentAddress;
use packshot_domain::id::TenantId;
use packshot_domain::time::Timestamp;

/// Rows that one statement records; their values stay far below the engines' limits.
const RECORDED_AT_ONCE: usize = 500;

/// A stored object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// Its content.
    pub address: ContentAddress,
    /// Its size in bytes.
    pub size_bytes: i64,
    /// Its media type.
    pub media_type: String,
    /// When it was first stored.
    pub created_at: Timestamp,
}

/// An object that is about to be stored, or was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewObject {
    /// Its content.
    pub address: ContentAddress,
    /// Its size in bytes.
    pub size_bytes: i64,
    /// Its media type.
    pub media_type: String,
}

/// Records an object that a client is about to store, or to store again, if the tenant has room for it: it is then safe
/// from the sweep for a while.
///
/// # Errors
///
/// [`DbError::Exceeded`] when the tenant would have more bytes stored than it may.
pub async fn record(
    db: &Db,
    scope: TenantScope,
    address: ContentAddress,
    size_bytes: i64,
    media_type: &str,
) -> Result<Object, DbError> {
    let new = NewObject { address, size_bytes, media_type: media_type.to_owned() };
    db.write(scope, (scope.tenant, new), |tx, (tenant, new)| {
        Box::pin(async move {
            if record_in(tx, *tenant, std::slice::from_ref(new)).await? == [false] {
                quota::check_object(tx, *tenant).await?;
            }
            let row = object::Entity::find_by_id((Col(*tenant), Col(new.address))).one(tx.on()).await?;
            row.map(Object::from).ok_or(DbError::NotFound("object"))
        })
    })
    .await
}

/// Records objects that are about to be stored: they are then safe from the sweep for a while. Says of each, in the
/// order given, whether there was a record of it; only then its file may exist already, and stays.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn record_all(db: &Db, scope: TenantScope, new: Vec<NewObject>) -> Result<Vec<bool>, DbError> {
    db.write(scope, (scope.tenant, new), |tx, (tenant, new)| Box::pin(record_in(tx, *tenant, new))).await
}

/// [`record_all`] within a transaction.
pub(super) async fn record_in(tx: &Tx<'_>, tenant: TenantId, new: &[NewObject]) -> Result<Vec<bool>, DbError> {
    tx.enter(Level::Object);
    let now = tx.now().await?;
    let mut known = HashSet::new();
    // Rows are always locked in the same order, so that no two transactions wait for each other.
    let mut order: Vec<usize> = (0..new.len()).collect();
    order.sort_by_key(|&i| new[i].address);
    // One statement must not name a row twice: files may be equal.
    order.dedup_by_key(|i| new[*i].address);
    for some in order.chunks(RECORDED_AT_ONCE) {
        let mut values: Vec<Value> = vec![arg(tenant), arg(now)];
        let mut rows = Vec::with_capacity(some.len());
        for &i in some {
            let NewObject { address, size_bytes, media_type } = &new[i];
            let n = values.len();
            rows.push(format!("($1, ${}, ${}, ${}, $2, $2)", n + 1, n + 2, n + 3));
            values.extend([arg(*address), (*size_bytes).into(), media_type.as_str().into()]);
        }
        let sql = format!(
            "INSERT INTO objects (tenant_id, address, size_bytes, media_type, created_at, stored_at) VALUES {} \
             ON CONFLICT (tenant_id, address) DO UPDATE SET stored_at = excluded.stored_at RETURNING address, created_at",
            rows.join(", ")
        );
        for row in tx.query(&sql, values).await? {
            let (address, created_at): (ContentAddress, Timestamp) = (cell(&row, 0)?, cell(&row, 1)?);
            if created_at < now {
                known.insert(address);
            }
        }
    }
    Ok(new.iter().map(|new| known.contains(&new.address)).collect())
}

/// Protects objects from the sweep that a row of this transaction is about to refer to.
///
/// # Errors
///
/// [`DbError::NotFound`] when the sweep was faster.
pub(super) async fn hold_in(tx: &Tx<'_>, tenant: TenantId, addresses: &[ContentAddress]) -> Result<(), DbError> {
    tx.enter(Level::Object);
    let held = object::Entity::update_many()
        .col_expr(object::Column::StoredAt, Expr::value(Col(tx.now().await?)))
        .filter(object::Column::TenantId.eq(Col(tenant)))
        .filter(object::Column::Address.is_in(addresses.iter().copied().map(Col)))
        .exec(tx.on())
        .await?;
    if held.rows_affected == addresses.len() as u64 { Ok(()) } else { Err(DbError::NotFound("stored file")) }
}

/// An object, when the tenant has stored it.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn find(db: &Db, scope: TenantScope, address: ContentAddress) -> Result<Option<Object>, DbError> {
    db.read_one(scope, (scope.tenant, address), |tx, key| {
        Box::pin(async move {
            Ok(object::Entity::find_by_id((Col(key.0), Col(key.1))).one(tx.on()).await?.map(Object::from))
        })
    })
    .await
}

/// Up to `limit` objects that nothing refers to and that were last stored longer than `grace` ago.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn unreferenced(
    db: &Db,
    all: AllTenants,
    grace: Duration,
    limit: u32,
) -> Result<Vec<(TenantId, ContentAddress)>, DbError> {
    db.read(all, (grace, limit), |tx, (grace, limit)| {
        Box::pin(async move {
            let before = tx.now().await? - *grace;
            let sql = format!(
                "SELECT o.tenant_id, o.address FROM objects o WHERE o.stored_at < $1 AND {UNREFERENCED} \
                 ORDER BY o.stored_at LIMIT $2"
            );
            let rows = tx.query(&sql, [arg(before), i64::from(*limit).into()]).await?;
            rows.iter().map(|row| Ok((cell(row, 0)?, cell(row, 1)?))).collect()
        })
    })
    .await
}

/// Removes the record of an object, unless something refers to it by now or it was stored again within `grace`. Returns
/// whether it was removed: only then may its file be removed.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn forget(db: &Db, scope: TenantScope, address: ContentAddress, grace: Duration) -> Result<bool, DbError> {
    db.write(scope, (scope.tenant, address, grace), |tx, (tenant, address, grace)| {
        Box::pin(async move {
            let before = tx.now().await? - *grace;
            let sql = format!(
                "DELETE FROM objects AS o WHERE o.tenant_id = $1 AND o.address = $2 AND o.stored_at < $3 AND {UNREFERENCED} \
                 RETURNING address"
            );
            let rows = tx.query(&sql, [arg(*tenant), arg(*address), arg(before)]).await?;
            Ok(!rows.is_empty())
        })
    })
    .await
}

/// Whether nothing refers to the object `o`: no file or input of a render, no library.
const UNREFERENCED: &str = "\
    NOT EXISTS (SELECT 1 FROM render_files f WHERE f.tenant_id = o.tenant_id AND f.address = o.address) \
    AND NOT EXISTS (SELECT 1 FROM render_inputs i WHERE i.tenant_id = o.tenant_id AND i.address = o.address) \
    AND NOT EXISTS (SELECT 1 FROM libraries l WHERE l.tenant_id = o.tenant_id AND l.address = o.address)";

impl From<object::Model> for Object {
    fn from(row: object::Model) -> Self {
        let object::Model { tenant_id: _, address, size_bytes, media_type, created_at, stored_at: _ } = row;
        Self { address: address.0, size_bytes, media_type, created_at: created_at.0 }
    }
}
