//! Changes of assets: published, hidden, named, held, deleted.

use super::shown;
use crate::app::{App, AppError, Code};
use crate::packages::caller;
use packshot_contract::media::{AssetEdit, BulkFailure, BulkResult, MediaAsset};
use packshot_db::TenantScope;
use packshot_db::media::changing::{AssetChange, MediaOutcome, Outcome};
use packshot_db::media::{self as rows, changing, removing};
use packshot_domain::access::Role;
use packshot_domain::id::AssetId;
use packshot_domain::media::AssetEvent;
use packshot_domain::principal::Principal;

/// Publishes an asset, or hides it from clients. One that is so already stays as it is.
///
/// # Errors
/// [`Code::AssetNotFound`], [`Code::AssetSuperseded`], [`Code::AssetExpired`].
pub async fn publish(app: &App, who: &Principal, id: AssetId, event: AssetEvent) -> Result<MediaAsset, AppError> {
    let scope = TenantScope::of(who.tenant);
    let outcomes = changing::publish(&app.db, scope, who.actor(), vec![id], event).await?;
    only(outcomes)?;
    Ok(shown(rows::get(&app.db, scope, None, id).await?))
}

/// Publishes assets, or hides them from clients: each by itself.
///
/// # Errors
/// Errors of the database.
pub async fn publish_all(
    app: &App,
    who: &Principal,
    ids: Vec<AssetId>,
    event: AssetEvent,
) -> Result<BulkResult, AppError> {
    let outcomes = changing::publish(&app.db, TenantScope::of(who.tenant), who.actor(), ids, event).await?;
    Ok(result(outcomes))
}

/// Changes what is said of an asset, if it still has the expected revision.
///
/// # Errors
/// [`Code::AssetNotFound`], [`Code::PreconditionFailed`]; [`Code::Forbidden`] when somebody who is no admin holds or
/// releases it.
pub async fn change(
    app: &App,
    who: &Principal,
    id: AssetId,
    expected: Option<i64>,
    edit: AssetEdit,
) -> Result<MediaAsset, AppError> {
    if edit.hold.is_some() && !matches!(who.role, Role::GlobalAdmin | Role::TenantAdmin) {
        // Whether there is such an asset is told first, to those who may know it.
        rows::get(&app.db, TenantScope::of(who.tenant), None, id).await?;
        let detail = "holding and releasing an asset needs the role 'global_admin' or 'tenant_admin'";
        return Err(AppError::new(Code::Forbidden, detail).at("/hold"));
    }
    let AssetEdit { file_name, view_name, metadata, hold } = edit;
    let change = AssetChange { file_name, view_name, metadata, held: hold };
    let scope = TenantScope::of(who.tenant);
    Ok(shown(changing::change(&app.db, scope, who.actor(), (id, expected), change).await?))
}

/// Deletes an asset. Its bytes go where nothing else needs them.
///
/// # Errors
/// [`Code::AssetNotFound`], [`Code::AssetOnHold`].
pub async fn delete(app: &App, who: &Principal, id: AssetId) -> Result<(), AppError> {
    let by = caller::of(app, who).await?;
    only(removing::delete(&app.db, TenantScope::of(who.tenant), by, vec![id]).await?)
}

/// Deletes assets: each by itself.
///
/// # Errors
/// Errors of the database.
pub async fn delete_all(app: &App, who: &Principal, ids: Vec<AssetId>) -> Result<BulkResult, AppError> {
    let by = caller::of(app, who).await?;
    Ok(result(removing::delete(&app.db, TenantScope::of(who.tenant), by, ids).await?))
}

/// Why nothing became of an asset.
fn refusal(outcome: MediaOutcome) -> AppError {
    match outcome {
        MediaOutcome::NotFound => packshot_db::DbError::NotFound("media asset").into(),
        MediaOutcome::Refused(refusal) => refusal.into(),
    }
}

/// What became of the only asset.
fn only(outcomes: Vec<Outcome>) -> Result<(), AppError> {
    outcomes.into_iter().try_for_each(|(_, outcome)| outcome.map(drop).map_err(refusal))
}

fn result(outcomes: Vec<Outcome>) -> BulkResult {
    let mut result = BulkResult { changed: 0, failed: Vec::new() };
    for (asset, outcome) in outcomes {
        match outcome {
            Ok(has_changed) => result.changed += u64::from(has_changed),
            Err(why) => {
                let code = refusal(why).code().to_owned();
                result.failed.push(BulkFailure { asset_id: asset.uuid(), code });
            }
        }
    }
    result
}
