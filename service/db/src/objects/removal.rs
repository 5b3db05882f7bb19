//! How records of objects and their bytes go: rows before bytes.

use std::collections::HashSet;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use futures_util::future::BoxFuture;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, Value};
use tokio::runtime::Handle;

use super::{RECORDED_AT_ONCE, lock_in};
use crate::column::{Col, arg, cell};
use crate::entity::object;
use crate::tx::Tx;
use crate::{Db, DbError, TenantScope, artifacts};
use packshot_domain::hash::ContentAddress;
use packshot_domain::id::TenantId;

/// What removes the bytes of an object from the store.
pub type Remove<E> = Arc<dyn Fn() -> BoxFuture<'static, Result<(), E>> + Send + Sync>;

/// Removes the record of an object, unless something refers to it by now or it was stored again within `grace`. Returns
/// whether it was removed: only then may its file be removed.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn forget(db: &Db, scope: TenantScope, address: ContentAddress, grace: Duration) -> Result<bool, DbError> {
    db.write(scope, (scope.tenant, address, grace), |tx, (tenant, address, grace)| {
        Box::pin(async move {
            lock_in(tx, *tenant, std::slice::from_ref(address)).await?;
            artifacts::lock_log(tx, *tenant).await?;
            let before = tx.now().await? - *grace;
            let sql = format!(
                "DELETE FROM objects AS o WHERE o.tenant_id = $1 AND o.content_address = $2 AND o.stored_at < $3 \
                 AND {unreferenced} RETURNING content_address",
                unreferenced = *UNREFERENCED
            );
            let rows = tx.query(&sql, [arg(*tenant), arg(*address), arg(before)]).await?;
            Ok(!rows.is_empty())
        })
    })
    .await
}

/// Removes the record of an object at once, however young it is, unless something refers to it: after an upload that
/// was refused. Returns whether it was removed; the bytes are then [erased](erase). Whoever has stored the same bytes
/// in the meantime is told to store them again.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn free(db: &Db, scope: TenantScope, address: ContentAddress) -> Result<bool, DbError> {
    db.write(scope, (scope.tenant, address), |tx, (tenant, address)| {
        Box::pin(async move {
            let addresses = std::slice::from_ref(address);
            lock_in(tx, *tenant, addresses).await?;
            artifacts::lock_log(tx, *tenant).await?;
            Ok(!free_in(tx, *tenant, addresses).await?.is_empty())
        })
    })
    .await
}

/// Removes the records of those objects that nothing refers to, and returns them. They and the log of artifacts are
/// locked.
pub(crate) async fn free_in(
    tx: &Tx<'_>,
    tenant: TenantId,
    addresses: &[ContentAddress],
) -> Result<Vec<ContentAddress>, DbError> {
    let mut freed = Vec::new();
    for some in addresses.chunks(RECORDED_AT_ONCE) {
        let places = (2..some.len() + 2).map(|n| format!("${n}")).collect::<Vec<_>>().join(", ");
        let sql = format!(
            "DELETE FROM objects AS o WHERE o.tenant_id = $1 AND o.content_address IN ({places}) AND {unreferenced} \
             RETURNING content_address",
            unreferenced = *UNREFERENCED
        );
        let values: Vec<Value> = [arg(tenant)].into_iter().chain(some.iter().copied().map(arg)).collect();
        for row in tx.query(&sql, values).await? {
            freed.push(cell(&row, 0)?);
        }
    }
    Ok(freed)
}

/// Removes the bytes of an object that has no record, with nobody recording it meanwhile; `None` when it has one again,
/// so that they stay. Rows go before bytes: a crash in between leaves bytes too many, never too few.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn erase<E: Send + 'static>(
    db: &Db,
    scope: TenantScope,
    address: ContentAddress,
    remove: Remove<E>,
) -> Result<Option<Result<(), E>>, DbError> {
    // The writer of a SQLite file has a runtime of its own, in which stores do not work.
    let runtime = Handle::current();
    db.write(scope, (scope.tenant, address, remove, runtime), |tx, (tenant, address, remove, runtime)| {
        Box::pin(async move {
            artifacts::lock_log(tx, *tenant).await?;
            if object::Entity::find_by_id((Col(*tenant), Col(*address))).one(tx.on()).await?.is_some() {
                return Ok(None);
            }
            let removed = runtime.spawn(remove()).await;
            removed.map(Some).map_err(|error| DbError::Unsupported(format!("removing an object ended early: {error}")))
        })
    })
    .await
}

/// Those of the addresses that are in the store and have no record: what a crash left.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn unrecorded(
    db: &Db,
    scope: TenantScope,
    addresses: Vec<ContentAddress>,
) -> Result<Vec<ContentAddress>, DbError> {
    db.read(scope, (scope.tenant, addresses), |tx, (tenant, addresses)| {
        Box::pin(async move {
            let mut known: HashSet<ContentAddress> = HashSet::new();
            for some in addresses.chunks(RECORDED_AT_ONCE) {
                let records = object::Entity::find()
                    .filter(object::Column::TenantId.eq(Col(*tenant)))
                    .filter(object::Column::ContentAddress.is_in(some.iter().copied().map(Col)))
                    .all(tx.on())
                    .await?;
                known.extend(records.into_iter().map(|record| record.content_address.0));
            }
            Ok(addresses.iter().copied().filter(|address| !known.contains(address)).collect())
        })
    })
    .await
}

/// Whether nothing refers to the object `o`: no location of a file, no render that has not ended, no library.
pub(crate) static UNREFERENCED: LazyLock<String> = LazyLock::new(|| {
    let unnamed = "NOT EXISTS (SELECT 1 FROM storage_locations s \
                   WHERE s.tenant_id = o.tenant_id AND s.content_address = o.content_address)";
    format!("{unnamed} AND {UNREFERENCED_BY_RECORDS}")
});

/// Whether nothing but locations refers to the object `o`. The record of a render holds nothing after its end: its
/// packages hold what it was made of and what came of it, for as long as their classes say.
pub(crate) const UNREFERENCED_BY_RECORDS: &str = "\
    NOT EXISTS (SELECT 1 FROM render_inputs i JOIN jobs j ON j.tenant_id = i.tenant_id AND j.id = i.render_id \
        WHERE i.tenant_id = o.tenant_id AND i.address = o.content_address AND j.completed_at IS NULL) \
    AND NOT EXISTS (SELECT 1 FROM libraries l WHERE l.tenant_id = o.tenant_id AND l.address = o.content_address)";
