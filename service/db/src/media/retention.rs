//! Assets whose time is over: their bytes are let go, and their records stay (media.md §8).

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::column::{Col, arg, cell};
use crate::entity::media_asset;
use crate::level::Level;
use crate::tx::Tx;
use crate::{Db, DbError, TenantScope};
use packshot_domain::artifact::Retention;
use packshot_domain::id::{AssetId, PackageId, TenantId};

/// Assets that expire in one transaction, at most.
const AT_ONCE: i64 = 500;

/// The condition that an asset `a` of tenant `$1` is due at `$2`, and that nothing protects it: nobody holds it, it is
/// no thumbnail, it is in no gallery, it is no design or texture of a job, and it is no current picture of an order
/// that is open.
const DUE: &str = "\
    a.tenant_id = $1 AND a.retention_until <= $2 AND a.state IN ('published', 'unpublished', 'superseded') \
    AND NOT a.held \
    AND NOT EXISTS (SELECT 1 FROM products p WHERE p.tenant_id = a.tenant_id AND p.thumbnail_asset_id = a.id) \
    AND NOT EXISTS (SELECT 1 FROM cad_files c WHERE c.tenant_id = a.tenant_id AND c.thumbnail_asset_id = a.id) \
    AND NOT EXISTS (SELECT 1 FROM product_media g WHERE g.tenant_id = a.tenant_id AND g.asset_id = a.id) \
    AND NOT EXISTS (SELECT 1 FROM design_jobs d WHERE d.tenant_id = a.tenant_id \
        AND (d.design_asset_id = a.id OR d.texture_asset_id = a.id)) \
    AND NOT (a.state <> 'superseded' AND EXISTS (SELECT 1 FROM orders o WHERE o.tenant_id = a.tenant_id \
        AND o.id = a.order_id AND o.status NOT IN ('completed', 'rejected')))";

/// Lets the assets of a tenant expire that are due and that nothing protects; returns how many.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn expire(db: &Db, scope: TenantScope) -> Result<u64, DbError> {
    let mut n = 0;
    loop {
        let found: Vec<AssetId> = db
            .read(scope, scope.tenant, |tx, tenant| {
                Box::pin(async move {
                    let sql = format!("SELECT a.id FROM media_assets a WHERE {DUE} ORDER BY a.id LIMIT {AT_ONCE}");
                    let rows = tx.query(&sql, [arg(*tenant), arg(tx.now().await?)]).await?;
                    rows.iter().map(|row| Ok(cell(row, 0)?)).collect()
                })
            })
            .await?;
        let is_last = i64::try_from(found.len()).is_ok_and(|n| n < AT_ONCE);
        let expired = match found.is_empty() {
            true => 0,
            false => {
                db.write(scope, (scope.tenant, found), |tx, (tenant, found)| Box::pin(expire_these(tx, *tenant, found)))
                    .await?
            }
        };
        n += expired;
        // What is protected by now is not found again.
        if is_last || expired == 0 {
            return Ok(n);
        }
    }
}

/// Lets assets expire that are still due when they are locked.
async fn expire_these(tx: &Tx<'_>, tenant: TenantId, found: &[AssetId]) -> Result<u64, DbError> {
    // Whoever puts one into a gallery, or makes it a thumbnail, locks it before.
    super::changing::lock_all(tx, tenant, found).await?;
    let mut values = vec![arg(tenant), arg(tx.now().await?)];
    let mut places = Vec::new();
    for id in found {
        values.push(arg(*id));
        places.push(format!("${}", values.len()));
    }
    let sql = format!(
        "UPDATE media_assets SET state = 'expired', expired_at = $2, updated_at = $2, revision = revision + 1 \
         WHERE tenant_id = $1 AND id IN (SELECT a.id FROM media_assets a WHERE {DUE} AND a.id IN ({})) RETURNING id",
        places.join(", ")
    );
    let expired = tx.query(&sql, values).await?;
    Ok(u64::try_from(expired.len()).unwrap_or(u64::MAX))
}

/// Locks the assets of a package, which are locked before it.
pub(crate) async fn lock_of_package(tx: &Tx<'_>, tenant: TenantId, package: PackageId) -> Result<(), DbError> {
    use media_asset::Column as C;
    tx.enter(Level::Object);
    let rows = media_asset::Entity::find().filter(C::TenantId.eq(Col(tenant))).filter(C::PackageId.eq(Col(package)));
    rows.order_by_asc(C::Id).lock_exclusive().all(tx.on()).await?;
    Ok(())
}

/// Locked assets are kept as their package is, which has another class now.
pub(crate) async fn follow_class(
    tx: &Tx<'_>,
    tenant: TenantId,
    package: PackageId,
    retention: Retention,
) -> Result<(), DbError> {
    let ttl_ms = retention.ttl_s().map(|ttl_s| i64::from(ttl_s) * 1_000);
    let sql = "UPDATE media_assets SET retention_class = $3, retention_until = created_at + $4, \
               revision = revision + 1 WHERE tenant_id = $1 AND package_id = $2 AND state <> 'expired' RETURNING id";
    let values = [arg(tenant), arg(package), arg(retention.class()), ttl_ms.into()];
    tx.query(sql, values).await?;
    Ok(())
}
