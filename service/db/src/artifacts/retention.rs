//! How long packages are kept: classes and holds.

use serde_json::json;

use super::log::Log;
use super::view::retention_of;
use super::{ArtifactError, Caller, Package, rows};
use crate::tx::Tx;
use crate::{Db, DbError, Json, TenantScope, media, tenant_configs};
use packshot_domain::artifact::{ArtifactEvent, PackageChange, Reason, Retention, RetentionClass};
use packshot_domain::audit::Action;
use packshot_domain::id::{PackageId, TenantId};

/// Gives a package another class, with the time that the tenant's configuration has for it now. The class that it has
/// changes nothing.
///
/// # Errors
///
/// [`DbError::NotFound`]; [`ArtifactError::Class`], [`ArtifactError::State`].
pub async fn reclassify(
    db: &Db,
    scope: TenantScope,
    by: Caller,
    id: PackageId,
    class: RetentionClass,
) -> Result<Package, DbError> {
    db.write(scope, (scope.tenant, by, id, class), |tx, (tenant, by, id, class)| {
        Box::pin(change_class(tx, *tenant, by, *id, *class))
    })
    .await
}

async fn change_class(
    tx: &Tx<'_>,
    tenant: TenantId,
    by: &Caller,
    id: PackageId,
    class: RetentionClass,
) -> Result<Package, DbError> {
    media::retention::lock_of_package(tx, tenant, id).await?;
    let mut rows = rows::lock(tx, tenant, id).await?;
    let unreadable = || DbError::Corrupt { what: "retention", reason: "a time that the class cannot have".to_owned() };
    let before = retention_of(&rows.package).ok_or_else(unreadable)?;
    let days = tenant_configs::load(tx, tenant).await?.config.retention_days;
    let after = Retention::of(class, &days);
    before.may_become(after, by.role).map_err(ArtifactError::Class)?;
    rows.package.status.0.next(PackageChange::Reclassify).map_err(ArtifactError::State)?;
    if class == before.class() {
        return Ok(rows.into());
    }
    media::retention::follow_class(tx, tenant, id, after).await?;
    let mut log = Log::lock(tx, tenant, &by.event).await?;
    let event = ArtifactEvent::RetentionChanged { package: id, retention: after };
    let noted = log.note(id, &event);
    rows.apply(&noted, &event).map_err(ArtifactError::State)?;
    rows::store(tx, &rows).await?;
    log.write().await?;
    let shown = |retention: Retention| -> Json {
        json!({"retention_class": retention.class().as_str(), "retention_ttl_s": retention.ttl_s()})
    };
    let detail = json!({"before": shown(before), "after": shown(after)});
    by.note(tx, tenant, Action::PackageRetentionChanged, id, (detail, None)).await?;
    Ok(rows.into())
}

/// Keeps a package until it is released, whatever its class. Holding it again changes the reason.
///
/// # Errors
///
/// [`DbError::NotFound`], [`ArtifactError::State`].
pub async fn hold(db: &Db, scope: TenantScope, by: Caller, id: PackageId, reason: Reason) -> Result<Package, DbError> {
    db.write(scope, (scope.tenant, by, id, reason), |tx, (tenant, by, id, reason)| {
        Box::pin(set_hold(tx, *tenant, by, *id, true, reason))
    })
    .await
}

/// Lets a package go that is held. One that is not held stays as it is.
///
/// # Errors
///
/// As [`hold`].
pub async fn release(
    db: &Db,
    scope: TenantScope,
    by: Caller,
    id: PackageId,
    reason: Reason,
) -> Result<Package, DbError> {
    db.write(scope, (scope.tenant, by, id, reason), |tx, (tenant, by, id, reason)| {
        Box::pin(set_hold(tx, *tenant, by, *id, false, reason))
    })
    .await
}

async fn set_hold(
    tx: &Tx<'_>,
    tenant: TenantId,
    by: &Caller,
    id: PackageId,
    is_held: bool,
    reason: &Reason,
) -> Result<Package, DbError> {
    let mut rows = rows::lock(tx, tenant, id).await?;
    let was_held = rows.retention.as_ref().is_some_and(|row| row.held);
    let (package, reason) = (id, reason.clone());
    let (change, action, event) = match is_held {
        true => {
            let event = ArtifactEvent::PackageHeld { package, reason: reason.clone() };
            (PackageChange::Hold, Action::PackageHeld, event)
        }
        false => {
            let event = ArtifactEvent::PackageReleased { package, reason: reason.clone() };
            (PackageChange::Release, Action::PackageReleased, event)
        }
    };
    rows.package.status.0.next(change).map_err(ArtifactError::State)?;
    let has_reason =
        rows.retention.as_ref().and_then(|row| row.hold_reason.as_ref()).map(|own| &own.0) == Some(&reason);
    if was_held == is_held && (!is_held || has_reason) {
        return Ok(rows.into());
    }
    let mut log = Log::lock(tx, tenant, &by.event).await?;
    let noted = log.note(id, &event);
    rows.apply(&noted, &event).map_err(ArtifactError::State)?;
    rows::store(tx, &rows).await?;
    log.write().await?;
    let detail = json!({"before": {"held": was_held}, "after": {"held": is_held}});
    by.note(tx, tenant, action, id, (detail, Some(&reason))).await?;
    Ok(rows.into())
}
