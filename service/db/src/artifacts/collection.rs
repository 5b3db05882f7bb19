//! What is removed from time to time: packages that are due or abandoned, and then objects that nothing names
//! (artifacts.md §5). Rows go before bytes.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use sea_orm::Value;

use super::removal::{self, NEEDED_SINCE};
use super::rows;
use crate::column::{arg, cell};
use crate::objects::{self, Remove, UNREFERENCED, UNREFERENCED_BY_RECORDS};
use crate::tx::Tx;
use crate::{Db, DbError, TenantScope};
use packshot_domain::artifact::{
    ABANDONED_AFTER, ArtifactEvent, EventActor, ORPHANED_AFTER, Reason, UNREFERENCED_AFTER,
};
use packshot_domain::hash::ContentAddress;
use packshot_domain::id::{PackageId, TenantId};

/// Packages and objects that are looked for at once.
const AT_ONCE: u32 = 200;

/// What a collection removes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Collection {
    /// Packages that expire.
    pub expired: u64,
    /// Packages that are deleted because nobody finalised them.
    pub abandoned: u64,
    /// Objects that nothing names.
    pub objects: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// Why a collection stopped. What it has done stays done, and the next one goes on.
#[derive(Debug, thiserror::Error)]
pub enum CollectError<E: std::error::Error + 'static> {
    /// The database.
    #[error(transparent)]
    Database(#[from] DbError),
    /// The store. The object has no record any more, so its bytes are found as an orphan.
    #[error(transparent)]
    Store(E),
}

/// Why a package goes without anybody's doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Expired,
    Abandoned,
}

impl Fate {
    /// The packages `p` of tenant `$1` with this fate, by the parameter with its [time](Self::time), and `$3`, since
    /// when nothing may have needed them.
    fn packages(self, time: &str) -> String {
        match self {
            Self::Expired => format!(
                "FROM artifact_packages p \
                 JOIN retention_state r ON r.tenant_id = p.tenant_id AND r.package_id = p.id \
                 WHERE p.tenant_id = $1 AND p.status = 'finalized' AND NOT r.held AND r.expires_at <= {time} \
                 AND NOT {NEEDED_SINCE}"
            ),
            Self::Abandoned => format!(
                "FROM artifact_packages p \
                 JOIN artifact_events e ON e.tenant_id = p.tenant_id AND e.sequence = p.last_event_sequence \
                 WHERE p.tenant_id = $1 AND p.status = 'created' AND e.created_at <= {time} AND NOT {NEEDED_SINCE}"
            ),
        }
    }

    /// The time before which a package was due, or something last happened to it.
    async fn time(self, tx: &Tx<'_>) -> Result<Value, DbError> {
        let now = tx.now().await?;
        Ok(match self {
            Self::Expired => arg(now),
            Self::Abandoned => arg(now - ABANDONED_AFTER),
        })
    }

    fn event(self, package: PackageId) -> ArtifactEvent {
        match self {
            Self::Expired => ArtifactEvent::PackageExpired { package, reason: Reason::retention() },
            Self::Abandoned => ArtifactEvent::PackageDeleted { package, reason: Some(Reason::abandoned()) },
        }
    }
}

async fn unneeded_since(tx: &Tx<'_>) -> Result<Value, DbError> {
    Ok(arg(tx.now().await? - UNREFERENCED_AFTER))
}

/// What [`run`] would remove now.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn survey(db: &Db, scope: TenantScope) -> Result<Collection, DbError> {
    db.read_snapshot(scope, scope.tenant, |tx, tenant| Box::pin(survey_in(tx, *tenant))).await
}

/// How many packages have a fate.
async fn count(tx: &Tx<'_>, tenant: TenantId, fate: Fate) -> Result<u64, DbError> {
    let sql = format!("SELECT COUNT(*) {}", fate.packages("$2"));
    let rows = tx.query(&sql, [arg(tenant), fate.time(tx).await?, unneeded_since(tx).await?]).await?;
    let n: i64 = rows.first().map_or(Ok(0), |row| row.try_get_by_index(0))?;
    Ok(n.unsigned_abs())
}

async fn survey_in(tx: &Tx<'_>, tenant: TenantId) -> Result<Collection, DbError> {
    let (expired, abandoned) = (count(tx, tenant, Fate::Expired).await?, count(tx, tenant, Fate::Abandoned).await?);
    // What the packages that go name counts as unnamed.
    let sql = format!(
        "WITH doomed (id) AS (SELECT p.id {} UNION ALL SELECT p.id {}) \
         SELECT COUNT(*), CAST(COALESCE(SUM(o.size_bytes), 0) AS BIGINT) FROM objects o \
         WHERE o.tenant_id = $1 AND o.stored_at < $5 AND {UNREFERENCED_BY_RECORDS} \
         AND NOT EXISTS (SELECT 1 FROM storage_locations l \
            JOIN artifact_files f ON f.tenant_id = l.tenant_id AND f.id = l.artifact_file_id \
            WHERE l.tenant_id = o.tenant_id AND l.content_address = o.content_address \
            AND f.package_id NOT IN (SELECT d.id FROM doomed d))",
        Fate::Expired.packages("$2"),
        Fate::Abandoned.packages("$4")
    );
    let [due, idle] = [Fate::Expired.time(tx).await?, Fate::Abandoned.time(tx).await?];
    let stored_before = arg(tx.now().await? - ORPHANED_AFTER);
    let rows = tx.query(&sql, [arg(tenant), due, unneeded_since(tx).await?, idle, stored_before]).await?;
    let row = rows.first().ok_or(DbError::Corrupt { what: "count", reason: "it has no value".to_owned() })?;
    let (objects, bytes): (i64, i64) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
    Ok(Collection { expired, abandoned, objects: objects.unsigned_abs(), bytes: bytes.unsigned_abs() })
}

/// Lets go of what is due and of what is abandoned, and removes objects that nothing names: their records, and with
/// `remove` their bytes.
///
/// # Errors
///
/// [`CollectError`].
pub async fn run<E: std::error::Error + Send + 'static>(
    db: &Db,
    scope: TenantScope,
    remove: impl Fn(ContentAddress) -> BoxFuture<'static, Result<(), E>> + Send + Sync + 'static,
) -> Result<Collection, CollectError<E>> {
    let remove = Arc::new(remove);
    let expired = let_go(db, scope, Fate::Expired).await?;
    let abandoned = let_go(db, scope, Fate::Abandoned).await?;
    let mut collection = Collection { expired, abandoned, ..Collection::default() };
    loop {
        let found = unnamed(db, scope).await?;
        let before = collection.objects;
        for (address, bytes) in &found {
            if !objects::forget(db, scope, *address, ORPHANED_AFTER).await? {
                continue;
            }
            collection.objects += 1;
            collection.bytes += bytes.unsigned_abs();
            let (remove, address) = (Arc::clone(&remove), *address);
            let remove: Remove<E> = Arc::new(move || remove(address));
            objects::erase(db, scope, address, remove).await?.unwrap_or(Ok(())).map_err(CollectError::Store)?;
        }
        if found.len() < AT_ONCE as usize || collection.objects == before {
            return Ok(collection);
        }
    }
}

/// Lets go of the packages with a fate; returns how many.
async fn let_go(db: &Db, scope: TenantScope, fate: Fate) -> Result<u64, DbError> {
    let mut n = 0;
    loop {
        let found: Vec<PackageId> = db
            .read(scope, (scope.tenant, fate), |tx, (tenant, fate)| {
                Box::pin(async move {
                    let sql = format!("SELECT p.id {} ORDER BY p.id LIMIT $4", fate.packages("$2"));
                    let values =
                        [arg(*tenant), fate.time(tx).await?, unneeded_since(tx).await?, i64::from(AT_ONCE).into()];
                    tx.query(&sql, values).await?.iter().map(|row| Ok(cell(row, 0)?)).collect()
                })
            })
            .await?;
        let before = n;
        for id in &found {
            n += u64::from(let_one_go(db, scope, *id, fate).await?);
        }
        if found.len() < AT_ONCE as usize || n == before {
            return Ok(n);
        }
    }
}

/// Lets a package go if its fate is still the same when it is locked.
async fn let_one_go(db: &Db, scope: TenantScope, id: PackageId, fate: Fate) -> Result<bool, DbError> {
    db.write(scope, (scope.tenant, id, fate), |tx, (tenant, id, fate)| {
        Box::pin(async move {
            let locked = rows::lock(tx, *tenant, *id).await?;
            let sql = format!("SELECT p.id {} AND p.id = $4", fate.packages("$2"));
            let values = [arg(*tenant), fate.time(tx).await?, unneeded_since(tx).await?, arg(*id)];
            if tx.query(&sql, values).await?.is_empty() {
                return Ok(false);
            }
            removal::remove(tx, locked, &EventActor::System, &fate.event(*id), false).await?;
            Ok(true)
        })
    })
    .await
}

/// Some objects that nothing names and that are old enough, with their sizes.
async fn unnamed(db: &Db, scope: TenantScope) -> Result<Vec<(ContentAddress, i64)>, DbError> {
    db.read(scope, scope.tenant, |tx, tenant| {
        Box::pin(async move {
            let sql = format!(
                "SELECT o.content_address, o.size_bytes FROM objects o \
                 WHERE o.tenant_id = $1 AND o.stored_at < $2 AND {unreferenced} \
                 ORDER BY o.stored_at, o.content_address LIMIT $3",
                unreferenced = *UNREFERENCED
            );
            let before = tx.now().await? - ORPHANED_AFTER;
            let rows = tx.query(&sql, [arg(*tenant), arg(before), i64::from(AT_ONCE).into()]).await?;
            rows.iter().map(|row| Ok((cell(row, 0)?, row.try_get_by_index(1)?))).collect()
        })
    })
    .await
}
