//! Which content each tenant has stored.
//!
//! Objects without references are removed here first, and from the store afterwards. A record has the time when its
//! file was last stored, and is refreshed before an old file is relied on. So the sweep either sees that the file is
//! needed, or has removed the record earlier, and the caller who records it is told so.
//!
//! A record also has what is known of the bytes: their digests, and whether they were found damaged. Only the record is
//! trusted to say what the bytes should be, and the hashes of groups not even there: they prove themselves.
//!
//! Records are made, and bytes are removed, under the lock of the tenant's log of artifacts: whoever records an object
//! and stores it after that finds either all of its bytes or none, and none of them go while a record is there.

use std::collections::HashMap;

use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Value};

use super::column::{Col, arg, cell};
use super::entity::object;
use super::level::Level;
use super::tx::Tx;
use super::{Db, DbError, TenantScope, artifacts, quota};
use packshot_domain::hash::{ContentAddress, Digests, GroupHashes, Sha256Digest};
use packshot_domain::id::TenantId;
use packshot_domain::object::Condition;
use packshot_domain::time::Timestamp;

mod removal;

pub use removal::{Remove, erase, forget, free, unrecorded};
pub(super) use removal::{UNREFERENCED, UNREFERENCED_BY_RECORDS, free_in};

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
    /// SHA-256 of its bytes; `None` until they were read once.
    pub sha256: Option<Sha256Digest>,
    /// What the column says about its groups; it may be false. `None` for nothing that can be hashes of groups.
    pub groups: Option<GroupHashes>,
    /// CRC-32 of its bytes; `None` until they were read once.
    pub crc32: Option<u32>,
    /// How its bytes were when they were last looked at.
    pub condition: Condition,
    /// When it was first stored.
    pub created_at: Timestamp,
    /// When it was last stored, or about to be.
    pub stored_at: Timestamp,
}

impl Object {
    /// What is known of its bytes, if all of it is and the hashes of groups prove themselves.
    #[must_use]
    pub fn digests(&self) -> Option<Digests> {
        let (address, size_bytes) = (self.address, u64::try_from(self.size_bytes).ok()?);
        let groups = self.groups.clone().filter(|groups| groups.prove(&address, size_bytes))?;
        Some(Digests { address, sha256: self.sha256?, groups, crc32: self.crc32?, size_bytes })
    }
}

/// An object that is about to be stored, or was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewObject {
    address: ContentAddress,
    size_bytes: i64,
    media_type: String,
    sha256: Option<Sha256Digest>,
    groups: Option<GroupHashes>,
    crc32: Option<u32>,
}

impl NewObject {
    /// One whose bytes were hashed.
    #[must_use]
    pub fn hashed(digests: &Digests, media_type: &str) -> Self {
        Self {
            address: digests.address,
            size_bytes: i64::try_from(digests.size_bytes).unwrap_or(i64::MAX),
            media_type: media_type.to_owned(),
            sha256: Some(digests.sha256),
            groups: Some(digests.groups.clone()),
            crc32: Some(digests.crc32),
        }
    }

    /// One of which only the address and the size are known: its digests stay as the record has them, or are filled in
    /// by its first reader.
    #[must_use]
    pub fn unread(address: ContentAddress, size_bytes: i64, media_type: &str) -> Self {
        Self { address, size_bytes, media_type: media_type.to_owned(), sha256: None, groups: None, crc32: None }
    }
}

/// What was known of an object that is now recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// Nothing.
    New,
    /// There was a record of it.
    Known,
    /// There was a record, which says that its bytes are damaged: they are to be stored again.
    Damaged,
}

/// Records an object that a client is about to store, or to store again, if the tenant has room for it: it is then safe
/// from the sweep for a while.
///
/// # Errors
///
/// [`DbError::Exceeded`] when the tenant would have more bytes stored than it may.
pub async fn record(db: &Db, scope: TenantScope, new: NewObject) -> Result<Object, DbError> {
    db.write(scope, (scope.tenant, new), |tx, (tenant, new)| {
        Box::pin(async move {
            let known = record_in(tx, *tenant, std::slice::from_ref(new)).await?;
            artifacts::lock_log(tx, *tenant).await?;
            if known == [Recorded::New] {
                quota::check_object(tx, *tenant).await?;
            }
            let row = object::Entity::find_by_id((Col(*tenant), Col(new.address))).one(tx.on()).await?;
            row.map(Object::from).ok_or(DbError::NotFound("object"))
        })
    })
    .await
}

/// Records objects that are about to be stored: they are then safe from the sweep for a while. Says of each, in the
/// order given, what was known of it; only a known file may exist already, and stays.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn record_all(db: &Db, scope: TenantScope, new: Vec<NewObject>) -> Result<Vec<Recorded>, DbError> {
    db.write(scope, (scope.tenant, new), |tx, (tenant, new)| {
        Box::pin(async move {
            let known = record_in(tx, *tenant, new).await?;
            artifacts::lock_log(tx, *tenant).await?;
            Ok(known)
        })
    })
    .await
}

/// [`record_all`] within a transaction.
pub(super) async fn record_in(tx: &Tx<'_>, tenant: TenantId, new: &[NewObject]) -> Result<Vec<Recorded>, DbError> {
    tx.enter(Level::Object);
    let now = tx.now().await?;
    let mut known = HashMap::new();
    // Rows are always locked in the same order, so that no two transactions wait for each other. Of equal files, one
    // whose bytes were hashed comes first.
    let mut order: Vec<usize> = (0..new.len()).collect();
    order.sort_by_key(|&i| (new[i].address, new[i].sha256.is_none()));
    // One statement must not name a row twice: files may be equal.
    order.dedup_by_key(|i| new[*i].address);
    for some in order.chunks(RECORDED_AT_ONCE) {
        let mut values: Vec<Value> = vec![arg(tenant), arg(now), arg(Condition::Whole)];
        let mut rows = Vec::with_capacity(some.len());
        for &i in some {
            let NewObject { address, size_bytes, media_type, sha256, groups, crc32 } = &new[i];
            let n = values.len();
            let own: Vec<String> = (n + 1..=n + 6).map(|n| format!("${n}")).collect();
            rows.push(format!("($1, {}, $3, $2, $2)", own.join(", ")));
            values.extend([arg(*address), (*size_bytes).into(), media_type.as_str().into()]);
            values.push(sha256.map(|digest| digest.hex()).into());
            values.push(groups.as_ref().and_then(column).into());
            values.push(crc32.map(i64::from).into());
        }
        let sql = format!(
            "INSERT INTO objects (tenant_id, content_address, size_bytes, media_type, sha256, group_hashes, crc32, \
             condition, created_at, stored_at) VALUES {} \
             ON CONFLICT (tenant_id, content_address) DO UPDATE SET stored_at = excluded.stored_at, \
             sha256 = COALESCE(excluded.sha256, objects.sha256), \
             group_hashes = COALESCE(excluded.group_hashes, objects.group_hashes), \
             crc32 = COALESCE(excluded.crc32, objects.crc32) \
             RETURNING content_address, created_at, condition",
            rows.join(", ")
        );
        for row in tx.query(&sql, values).await? {
            let (address, created_at): (ContentAddress, Timestamp) = (cell(&row, 0)?, cell(&row, 1)?);
            let recorded = match cell(&row, 2)? {
                Condition::Missing | Condition::Corrupt => Recorded::Damaged,
                Condition::Whole if created_at < now => Recorded::Known,
                Condition::Whole => Recorded::New,
            };
            known.insert(address, recorded);
        }
    }
    Ok(new.iter().map(|new| known.get(&new.address).copied().unwrap_or(Recorded::New)).collect())
}

/// What the column keeps of the hashes of groups.
fn column(groups: &GroupHashes) -> Option<Vec<u8>> {
    (!groups.is_empty()).then(|| groups.to_bytes())
}

/// Whether one of these objects is known to be damaged.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn any_damaged(db: &Db, scope: TenantScope, addresses: Vec<ContentAddress>) -> Result<bool, DbError> {
    db.read_one(scope, (scope.tenant, addresses), |tx, (tenant, addresses)| {
        Box::pin(async move {
            let damaged = object::Entity::find()
                .filter(object::Column::TenantId.eq(Col(*tenant)))
                .filter(object::Column::ContentAddress.is_in(addresses.iter().copied().map(Col)))
                .filter(object::Column::Condition.ne(Col(Condition::Whole)));
            Ok(damaged.one(tx.on()).await?.is_some())
        })
    })
    .await
}

/// Stores the digests of an object whose bytes were read and fit its address, in the place of others or of none.
/// Nothing happens when the object has gone.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn learn(db: &Db, scope: TenantScope, digests: Digests) -> Result<(), DbError> {
    db.write(scope, (scope.tenant, digests), |tx, (tenant, digests)| {
        Box::pin(async move {
            tx.enter(Level::Object);
            object::Entity::update_many()
                .col_expr(object::Column::SizeBytes, Expr::value(i64::try_from(digests.size_bytes).unwrap_or(i64::MAX)))
                .col_expr(object::Column::Sha256, Expr::value(Col(digests.sha256)))
                .col_expr(object::Column::GroupHashes, Expr::value(column(&digests.groups)))
                .col_expr(object::Column::Crc32, Expr::value(i64::from(digests.crc32)))
                .filter(object::Column::TenantId.eq(Col(*tenant)))
                .filter(object::Column::ContentAddress.eq(Col(digests.address)))
                .exec(tx.on())
                .await?;
            Ok(())
        })
    })
    .await
}

/// Stores how the bytes of an object are, unless it was stored again since it was `seen`: then that says nothing about
/// them. Whoever calls it also records what that means for the files that name the object.
pub(super) async fn set_condition_in(
    tx: &Tx<'_>,
    tenant: TenantId,
    address: ContentAddress,
    seen: Option<Timestamp>,
    condition: Condition,
) -> Result<bool, DbError> {
    tx.enter(Level::Object);
    let mut update = object::Entity::update_many()
        .col_expr(object::Column::Condition, Expr::value(Col(condition)))
        .filter(object::Column::TenantId.eq(Col(tenant)))
        .filter(object::Column::ContentAddress.eq(Col(address)));
    if let Some(stored_at) = seen {
        update = update.filter(object::Column::StoredAt.eq(Col(stored_at)));
    }
    Ok(update.exec(tx.on()).await?.rows_affected > 0)
}

/// Stores that the bytes of an object were stored again, and are whole, as are the files that name it. What readers saw
/// of it before counts no more.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn heal(db: &Db, scope: TenantScope, address: ContentAddress) -> Result<(), DbError> {
    db.write(scope, (scope.tenant, address), |tx, (tenant, address)| {
        Box::pin(async move {
            tx.enter(Level::Object);
            let healed = object::Entity::update_many()
                .col_expr(object::Column::Condition, Expr::value(Col(Condition::Whole)))
                .col_expr(object::Column::StoredAt, Expr::value(Col(tx.now().await?)))
                .filter(object::Column::TenantId.eq(Col(*tenant)))
                .filter(object::Column::ContentAddress.eq(Col(*address)))
                .exec(tx.on())
                .await?;
            if healed.rows_affected > 0 {
                artifacts::heal_in(tx, *tenant, *address).await?;
            }
            Ok(())
        })
    })
    .await
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
        .filter(object::Column::ContentAddress.is_in(addresses.iter().copied().map(Col)))
        .exec(tx.on())
        .await?;
    if held.rows_affected == addresses.len() as u64 { Ok(()) } else { Err(DbError::NotFound("stored file")) }
}

/// Locks the records of objects, which are in the order of their addresses.
pub(super) async fn lock_in(tx: &Tx<'_>, tenant: TenantId, addresses: &[ContentAddress]) -> Result<(), DbError> {
    tx.enter(Level::Object);
    for some in addresses.chunks(RECORDED_AT_ONCE) {
        let records = object::Entity::find()
            .filter(object::Column::TenantId.eq(Col(tenant)))
            .filter(object::Column::ContentAddress.is_in(some.iter().copied().map(Col)))
            .order_by_asc(object::Column::ContentAddress)
            .select_only()
            .column(object::Column::SizeBytes)
            .lock_exclusive();
        records.into_tuple::<i64>().all(tx.on()).await?;
    }
    Ok(())
}

/// Whether there are records of all of these objects, which are different ones.
pub(super) async fn are_there(tx: &Tx<'_>, tenant: TenantId, addresses: &[ContentAddress]) -> Result<bool, DbError> {
    let mut n = 0;
    for some in addresses.chunks(RECORDED_AT_ONCE) {
        let records = object::Entity::find()
            .filter(object::Column::TenantId.eq(Col(tenant)))
            .filter(object::Column::ContentAddress.is_in(some.iter().copied().map(Col)));
        n += records.all(tx.on()).await?.len();
    }
    Ok(n == addresses.len())
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

impl From<object::Model> for Object {
    fn from(row: object::Model) -> Self {
        let object::Model {
            tenant_id: _,
            content_address,
            size_bytes,
            media_type,
            sha256,
            group_hashes,
            crc32,
            condition,
            created_at,
            stored_at,
        } = row;
        Self {
            address: content_address.0,
            size_bytes,
            media_type,
            sha256: sha256.map(Col::value),
            groups: GroupHashes::from_bytes(&group_hashes.unwrap_or_default()),
            crc32: crc32.and_then(|crc32| u32::try_from(crc32).ok()),
            condition: condition.0,
            created_at: created_at.0,
            stored_at: stored_at.0,
        }
    }
}
