//! What people have chosen to be told, and when.

use std::collections::HashMap;

use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use crate::column::Col;
use crate::entity::notification_config;
use crate::tx::Tx;
use crate::{Db, DbError, TenantScope, users};
use packshot_domain::channel::NotificationType;
use packshot_domain::channel::preference::{Preference, PreferenceChange};
use packshot_domain::id::{TenantId, UserId};

/// What a person has chosen, by type; what is not here is as everyone begins.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn of_user(
    db: &Db,
    scope: TenantScope,
    user: UserId,
) -> Result<HashMap<NotificationType, Preference>, DbError> {
    use notification_config::Column as C;
    db.read(scope, (scope.tenant, user), |tx, (tenant, user)| {
        Box::pin(async move {
            let own = notification_config::Entity::find().filter(C::TenantId.eq(Col(*tenant)));
            let rows = own.filter(C::UserId.eq(Col(*user))).all(tx.on()).await?;
            Ok(rows.into_iter().map(|row| (row.event_type.0, row.into())).collect())
        })
    })
    .await
}

/// Changes what a person has chosen for a type; returns what holds from then on.
///
/// # Errors
///
/// [`DbError::NotFound`] of the user.
pub async fn change(
    db: &Db,
    scope: TenantScope,
    user: UserId,
    of: NotificationType,
    change: PreferenceChange,
) -> Result<Preference, DbError> {
    use notification_config::Column as C;
    db.write(scope, (scope.tenant, user, of, change), |tx, (tenant, user, of, change)| {
        Box::pin(async move {
            // What waits for the user is delivered under the same lock.
            users::lock_alone(tx, *tenant, *user).await?;
            let row = notification_config::Entity::find_by_id((Col(*tenant), Col(*user), Col(*of)));
            let before = row.one(tx.on()).await?.map(Preference::from).unwrap_or_default();
            let after = change.of(before);
            let row = notification_config::ActiveModel {
                tenant_id: Set(Col(*tenant)),
                user_id: Set(Col(*user)),
                event_type: Set(Col(*of)),
                enabled: Set(after.enabled),
                frequency: Set(Col(after.frequency)),
                updated_at: Set(Col(tx.now().await?)),
            };
            let again = OnConflict::columns([C::TenantId, C::UserId, C::EventType])
                .update_columns([C::Enabled, C::Frequency, C::UpdatedAt])
                .to_owned();
            notification_config::Entity::insert(row).on_conflict(again).exec_without_returning(tx.on()).await?;
            Ok(after)
        })
    })
    .await
}

/// What these users of a tenant have chosen for a type; who is not here is told at once.
pub(super) async fn of_users(
    tx: &Tx<'_>,
    tenant: TenantId,
    users: &[UserId],
    of: NotificationType,
) -> Result<HashMap<UserId, Preference>, DbError> {
    use notification_config::Column as C;
    if users.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = notification_config::Entity::find()
        .filter(C::TenantId.eq(Col(tenant)))
        .filter(C::EventType.eq(Col(of)))
        .filter(C::UserId.is_in(users.iter().copied().map(Col)));
    Ok(rows.all(tx.on()).await?.into_iter().map(|row| (row.user_id.0, row.into())).collect())
}

impl From<notification_config::Model> for Preference {
    fn from(row: notification_config::Model) -> Self {
        Self { enabled: row.enabled, frequency: row.frequency.0 }
    }
}
