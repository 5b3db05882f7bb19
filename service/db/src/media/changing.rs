//! Changes of assets: published and hidden again, named, held (media.md §3, §8).

use sea_orm::ActiveValue::Set;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect};
use serde_json::json;

use super::{Asset, search, whole_of};
use crate::audit::{self, NewEntry};
use crate::channels::Said;
use crate::column::Col;
use crate::entity::media_asset;
use crate::level::Level;
use crate::tx::Tx;
use crate::{Db, DbError, Json, TenantScope};
use packshot_domain::artifact::Label;
use packshot_domain::audit::{Action, Actor};
use packshot_domain::cad_file::OriginalName;
use packshot_domain::change::Change;
use packshot_domain::channel::{ActivityType, Message};
use packshot_domain::id::{AssetId, TenantId};
use packshot_domain::media::{AssetEvent, AssetState};

/// Why something cannot be done with an asset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MediaRefusal {
    /// There is a newer version.
    #[error("there is a newer version of the asset")]
    Superseded,
    /// Its bytes are gone.
    #[error("the bytes of the asset are gone")]
    Expired,
    /// It is kept until nobody holds it any more.
    #[error("the asset is held")]
    OnHold,
    /// It is in the gallery already.
    #[error("the asset is in the gallery of the product already")]
    AlreadyAssociated,
    /// Galleries show current assets.
    #[error("the asset is not current: there is a newer version, or its bytes are gone")]
    NotCurrent,
    /// A new order has the assets that are there.
    #[error("these are not the assets of the gallery, each once")]
    SetDiffers,
}

/// What became of one asset of several.
pub type Outcome = (AssetId, Result<bool, MediaOutcome>);

/// Why nothing became of one asset of several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MediaOutcome {
    /// There is none.
    NotFound,
    /// It cannot be done.
    Refused(MediaRefusal),
}

/// A change of what is said of an asset.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AssetChange {
    /// Another name.
    pub file_name: Option<OriginalName>,
    /// Another view, or none.
    pub view_name: Change<Label>,
    /// What else is known of it: a merge patch of that, too.
    pub metadata: Change<Json>,
    /// Whether it is held.
    pub held: Option<bool>,
}

/// Publishes assets, or hides them. Each is by itself: the others change though one cannot. Returns for each whether it
/// has changed.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn publish(
    db: &Db,
    scope: TenantScope,
    by: Actor,
    ids: Vec<AssetId>,
    event: AssetEvent,
) -> Result<Vec<Outcome>, DbError> {
    db.write(scope, (scope.tenant, by, ids, event), |tx, (tenant, by, ids, event)| {
        Box::pin(async move {
            let rows = lock_all(tx, *tenant, ids).await?;
            let now = tx.now().await?;
            let mut outcomes = Vec::new();
            for id in ids {
                let Some(row) = rows.iter().find(|row| row.id.0 == *id) else {
                    outcomes.push((*id, Err(MediaOutcome::NotFound)));
                    continue;
                };
                let state = match (row.state.0.next(*event), row.state.0) {
                    (Ok(state), _) => state,
                    (Err(_), AssetState::Expired) => {
                        outcomes.push((*id, Err(MediaOutcome::Refused(MediaRefusal::Expired))));
                        continue;
                    }
                    (Err(_), _) => {
                        outcomes.push((*id, Err(MediaOutcome::Refused(MediaRefusal::Superseded))));
                        continue;
                    }
                };
                let is_other = state != row.state.0;
                if is_other {
                    let changed = media_asset::ActiveModel {
                        state: Set(Col(state)),
                        published_at: Set((state == AssetState::Published).then_some(Col(now))),
                        updated_at: Set(Col(now)),
                        revision: Set(row.revision + 1),
                        ..row.clone().into_active_model()
                    };
                    changed.update_without_returning(tx.on()).await?;
                    match state {
                        AssetState::Published => tell(tx, row, ActivityType::AssetPublished, by),
                        _ => tell(tx, row, ActivityType::AssetUnpublished, by),
                    }
                }
                outcomes.push((*id, Ok(is_other)));
            }
            Ok(outcomes)
        })
    })
    .await
}

/// Changes what is said of an asset, if it still has this revision.
///
/// # Errors
///
/// [`DbError::NotFound`], [`DbError::Stale`].
pub async fn change(
    db: &Db,
    scope: TenantScope,
    by: Actor,
    (id, revision): (AssetId, Option<i64>),
    change: AssetChange,
) -> Result<Asset, DbError> {
    db.write(scope, (scope.tenant, by, id, revision, change), |tx, (tenant, by, id, revision, change)| {
        Box::pin(async move {
            let before = lock_all(tx, *tenant, &[*id]).await?.pop().ok_or(DbError::NotFound("media asset"))?;
            if revision.is_some_and(|revision| revision != before.revision) {
                return Err(DbError::Stale { current: before.revision });
            }
            let mut row = before.clone();
            if let Some(name) = &change.file_name {
                row.file_name = name.to_string();
            }
            let view = change.view_name.clone().some();
            let view = view.of(before.view_name.as_ref().and_then(|view| view.parse().ok()), None);
            row.view_name = view.map(|view| view.to_string());
            row.metadata = Col(match &change.metadata {
                Change::Keep => before.metadata.0.clone(),
                Change::Reset => json!({}),
                Change::Set(patch) => merged(before.metadata.0.clone(), patch),
            });
            row.held = change.held.unwrap_or(before.held);
            if row == before {
                return whole_of(tx, before).await;
            }
            row.revision += 1;
            row.updated_at = Col(tx.now().await?);
            search::describe(tx, *tenant, std::slice::from_mut(&mut row)).await?;
            let changed = media_asset::ActiveModel {
                file_name: Set(row.file_name.clone()),
                view_name: Set(row.view_name.clone()),
                metadata: Set(row.metadata.clone()),
                held: Set(row.held),
                name_key: Set(row.name_key.clone()),
                search_text: Set(row.search_text.clone()),
                revision: Set(row.revision),
                updated_at: Set(row.updated_at),
                ..before.clone().into_active_model()
            };
            changed.update_without_returning(tx.on()).await?;
            if row.held != before.held {
                let action = if row.held { Action::AssetHeld } else { Action::AssetReleased };
                let detail = json!({"before": {"hold": before.held}, "after": {"hold": row.held}});
                note(tx, *tenant, by, *id, (action, detail)).await?;
            }
            whole_of(tx, row).await
        })
    })
    .await
}

/// Locks assets, in the order of their ids, those that there are.
pub(super) async fn lock_all(
    tx: &Tx<'_>,
    tenant: TenantId,
    ids: &[AssetId],
) -> Result<Vec<media_asset::Model>, DbError> {
    use media_asset::Column as C;
    tx.enter(Level::Object);
    let rows = media_asset::Entity::find().filter(C::TenantId.eq(Col(tenant)));
    let rows = rows.filter(C::Id.is_in(ids.iter().map(|id| Col(*id)))).order_by_asc(C::Id);
    Ok(rows.lock_exclusive().all(tx.on()).await?)
}

/// Adds to the activity what somebody did with an asset.
pub(super) fn tell(tx: &Tx<'_>, row: &media_asset::Model, what: ActivityType, by: &Actor) {
    let words = match what {
        ActivityType::AssetPublished => "was published",
        ActivityType::AssetUnpublished => "was unpublished",
        ActivityType::MediaUploaded => "was uploaded",
        _ => "was deleted",
    };
    let message = Message::new(&format!("{} {words}", row.file_name));
    let data = json!({
        "asset_type": row.asset_type.0.as_str(),
        "file_name": row.file_name,
        "view_name": row.view_name,
        "product_id": row.product_id.map(|id| id.0.to_string()),
    });
    let said = Said {
        actor: by.id,
        order: row.order_id.map(Col::value),
        line: row.order_line_id.map(Col::value),
        data,
        ..Said::about(message, row.id.0)
    };
    tx.told(|told| told.note(row.tenant_id.0, what, said));
}

/// Writes the audit entry of what was done with an asset.
pub(super) async fn note(
    tx: &Tx<'_>,
    tenant: TenantId,
    by: &Actor,
    asset: AssetId,
    (action, detail): (Action, Json),
) -> Result<(), DbError> {
    let object = Some(("media_asset", asset.to_string()));
    audit::write(tx, tenant, by, [NewEntry { action, object, detail }]).await
}

/// JSON after a merge patch (RFC 7396).
fn merged(before: Json, patch: &Json) -> Json {
    let Json::Object(members) = patch else { return patch.clone() };
    let mut after = match before {
        Json::Object(after) => after,
        _ => serde_json::Map::new(),
    };
    for (name, value) in members {
        match value {
            Json::Null => drop(after.remove(name)),
            value => {
                let own = after.remove(name).unwrap_or(Json::Null);
                after.insert(name.clone(), merged(own, value));
            }
        }
    }
    Json::Object(after)
}
