//! Objects in the store that nothing knows: what a crash left between the bytes and their record, or between the end of
//! a record and that of its bytes.

use std::sync::Arc;

use futures_util::TryStreamExt;
use futures_util::future::BoxFuture;

use super::ChoreError;
use crate::store::{ObjectInfo, Store, StoreError};
use packshot_db::objects::{self, Remove};
use packshot_db::{Db, TenantScope};
use packshot_domain::hash::ContentAddress;
use packshot_domain::id::TenantId;
use packshot_domain::time::Timestamp;

/// Objects that the database is asked about at once.
const PAGE: usize = 500;

/// How many there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Orphans {
    /// Objects.
    pub objects: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// How many objects of a tenant nothing knows.
///
/// # Errors
/// [`ChoreError::Database`], [`ChoreError::Store`].
pub async fn count(db: &Db, store: &Store, tenant: TenantId) -> Result<Orphans, ChoreError> {
    let found = find(db, store, tenant, None).await?;
    Ok(Orphans { objects: found.len() as u64, bytes: found.iter().map(|object| object.size_bytes).sum() })
}

/// Removes those objects of a tenant that nothing knows and that were written before a time: what is being stored is
/// younger.
///
/// # Errors
/// [`ChoreError::Database`], [`ChoreError::Store`].
pub async fn remove(db: &Db, store: &Store, tenant: TenantId, before: Timestamp) -> Result<Orphans, ChoreError> {
    let mut removed = Orphans::default();
    for ObjectInfo { address, size_bytes, .. } in find(db, store, tenant, Some(before)).await? {
        let own = store.clone();
        let remove: Remove<StoreError> = Arc::new(move || {
            let store = own.clone();
            Box::pin(async move { store.delete(tenant, &address).await }) as BoxFuture<'static, Result<(), StoreError>>
        });
        // Nobody records it meanwhile: whoever does stores its bytes after that.
        if let Some(done) = objects::erase(db, TenantScope::of(tenant), address, remove).await? {
            done?;
            removed.objects += 1;
            removed.bytes += size_bytes;
        }
    }
    Ok(removed)
}

/// Looks through the objects of a tenant, page by page.
async fn find(
    db: &Db,
    store: &Store,
    tenant: TenantId,
    before: Option<Timestamp>,
) -> Result<Vec<ObjectInfo>, ChoreError> {
    let mut listed = store.list_of(tenant);
    let (mut page, mut found) = (Vec::new(), Vec::new());
    loop {
        let next = listed.try_next().await?;
        let is_last = next.is_none();
        page.extend(next.filter(|object| before.is_none_or(|before| object.modified_at < before)));
        if page.len() >= PAGE || is_last && !page.is_empty() {
            found.extend(unknown(db, tenant, std::mem::take(&mut page)).await?);
        }
        if is_last {
            return Ok(found);
        }
    }
}

/// Those of the objects that have no record.
async fn unknown(db: &Db, tenant: TenantId, page: Vec<ObjectInfo>) -> Result<Vec<ObjectInfo>, ChoreError> {
    let addresses: Vec<ContentAddress> = page.iter().map(|object| object.address).collect();
    let unrecorded = objects::unrecorded(db, TenantScope::of(tenant), addresses).await?;
    Ok(page.into_iter().filter(|object| unrecorded.contains(&object.address)).collect())
}
