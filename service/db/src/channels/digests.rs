//! What people are not told at once: it waits, and is told together, when its readers have chosen.

use std::collections::{BTreeMap, HashMap};

use sea_orm::sea_query::Query;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use serde_json::{Value, json};

use super::Said;
use crate::column::Col;
use crate::entity::{notification_config, tenant_config, waiting_notification};
use crate::tx::Tx;
use crate::{AllTenants, Db, DbError, Json, tenant_configs, users};
use packshot_domain::channel::preference::{Due, Frequency, Preference, due};
use packshot_domain::channel::{self, Message, NotificationType, Severity, Subject};
use packshot_domain::id::{EntryId, TenantId, UserId};
use packshot_domain::time::Timestamp;

/// Things that one digest tells of; the next check tells of the rest.
const ITEMS_MAX: usize = 500;
/// Rows that one statement removes: statements have a limit of values.
const ROWS_AT_ONCE: usize = 1_000;

/// What somebody is told later.
pub(super) fn row(
    (tenant, user): (TenantId, UserId),
    now: Timestamp,
    of: NotificationType,
    said: Said,
) -> waiting_notification::Model {
    waiting_notification::Model {
        tenant_id: Col(tenant),
        id: Col(EntryId::new()),
        user_id: Col(user),
        event_type: Col(of),
        severity: Col(said.severity),
        message: said.message.to_string(),
        actor_id: said.actor,
        subject_kind: said.subject.map(|subject| Col(subject.kind)),
        subject_id: said.subject.map(|subject| subject.id),
        order_id: said.order.map(Col),
        order_line_id: said.line.map(Col),
        data: Col(said.data),
        created_at: Col(now),
    }
}

/// Somebody for whom something of a type waits.
type Waiter = (Col<TenantId>, Col<UserId>, Col<NotificationType>, Col<Timestamp>);

/// Tells what is due, in all tenants; `digest_hour` is the hour of the day, in UTC, at which a day is told of. Returns
/// how many people were told.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn deliver_due(db: &Db, all: AllTenants, digest_hour: u8) -> Result<usize, DbError> {
    let mut n_told = 0;
    for (tenant, user) in with_something_due(db, all, digest_hour).await? {
        let delivered = db.write(all, (tenant, user, digest_hour), |tx, (tenant, user, hour)| {
            Box::pin(deliver(tx, (*tenant, *user), *hour))
        });
        match delivered.await {
            Ok(is_told) => n_told += usize::from(is_told),
            // One who cannot be told keeps no other back.
            Err(reason) => tracing::error!(%tenant, %user, "somebody cannot be told what waits for them: {reason}"),
        }
    }
    Ok(n_told)
}

/// Those for whom something is due.
async fn with_something_due(db: &Db, all: AllTenants, hour: u8) -> Result<Vec<(TenantId, UserId)>, DbError> {
    db.read(all, hour, |tx, hour| Box::pin(with_something_due_in(tx, *hour))).await
}

async fn with_something_due_in(tx: &Tx<'_>, hour: u8) -> Result<Vec<(TenantId, UserId)>, DbError> {
    use waiting_notification::Column as C;
    // Where nobody is notified at present, what waits goes on waiting.
    let silent = Query::select()
        .column(tenant_config::Column::TenantId)
        .from(tenant_config::Entity)
        .and_where(tenant_config::Column::NotificationsEnabled.eq(false))
        .to_owned();
    let oldest = waiting_notification::Entity::find()
        .filter(C::TenantId.not_in_subquery(silent))
        .select_only()
        .columns([C::TenantId, C::UserId, C::EventType])
        .column_as(C::CreatedAt.min(), "oldest")
        .group_by(C::TenantId)
        .group_by(C::UserId)
        .group_by(C::EventType);
    let oldest: Vec<Waiter> = oldest.into_tuple().all(tx.on()).await?;
    if oldest.is_empty() {
        return Ok(Vec::new());
    }
    let now = tx.now().await?;
    let chosen = notification_config::Entity::find().all(tx.on()).await?;
    let chosen: HashMap<_, Preference> =
        chosen.into_iter().map(|row| ((row.user_id.0, row.event_type.0), row.into())).collect();
    let is_due = |(_, user, of, since): &Waiter| {
        let frequency = chosen.get(&(user.0, of.0)).copied().unwrap_or_default().in_effect();
        due(frequency, since.0, now, hour) != Due::Later
    };
    let mut waiters: Vec<(TenantId, UserId)> =
        oldest.iter().filter(|waiter| is_due(waiter)).map(|(tenant, user, ..)| (tenant.0, user.0)).collect();
    waiters.sort_unstable();
    waiters.dedup();
    Ok(waiters)
}

/// Tells a person what is due for them; returns whether there was anything.
async fn deliver(tx: &Tx<'_>, (tenant, user): (TenantId, UserId), hour: u8) -> Result<bool, DbError> {
    use waiting_notification::Column as C;
    let is_active = match users::lock_alone(tx, tenant, user).await {
        Ok(row) => row.is_active,
        Err(DbError::NotFound(_)) => false,
        Err(error) => return Err(error),
    };
    // That may have been switched off by now.
    if !tenant_configs::load(tx, tenant).await?.config.notifications_enabled {
        return Ok(false);
    }
    let own = waiting_notification::Entity::find().filter(C::TenantId.eq(Col(tenant))).filter(C::UserId.eq(Col(user)));
    let rows = own.order_by_asc(C::CreatedAt).order_by_asc(C::Id).all(tx.on()).await?;
    let configs = notification_config::Entity::find()
        .filter(notification_config::Column::TenantId.eq(Col(tenant)))
        .filter(notification_config::Column::UserId.eq(Col(user)));
    let chosen: HashMap<NotificationType, Preference> =
        configs.all(tx.on()).await?.into_iter().map(|row| (row.event_type.0, row.into())).collect();
    let now = tx.now().await?;
    let (mut done, mut is_told) = (Vec::new(), false);
    let mut together: BTreeMap<bool, Vec<waiting_notification::Model>> = BTreeMap::new();
    for row in rows {
        let frequency = chosen.get(&row.event_type.0).copied().unwrap_or_default().in_effect();
        let id = row.id;
        match due(frequency, row.created_at.0, now, hour) {
            Due::Later => continue,
            _ if !is_active => {}
            Due::Now => {
                is_told = true;
                tell(tx, (tenant, user), row);
            }
            Due::Together(frequency) => {
                let items = together.entry(frequency == Frequency::Daily).or_default();
                if items.len() == ITEMS_MAX {
                    continue;
                }
                items.push(row);
            }
            Due::Dropped => {}
        }
        done.push(id);
    }
    for (is_daily, mut rows) in together {
        is_told = true;
        match (rows.len(), rows.pop()) {
            // What came alone is told as it is.
            (1, Some(only)) => tell(tx, (tenant, user), only),
            (_, last) => {
                rows.extend(last);
                let of = if is_daily { NotificationType::DigestDaily } else { NotificationType::DigestHourly };
                let said = digest(&rows);
                tx.told(|told| told.notify(tenant, user, of, said));
            }
        }
    }
    for some in done.chunks(ROWS_AT_ONCE) {
        let delivered = waiting_notification::Entity::delete_many().filter(C::TenantId.eq(Col(tenant)));
        delivered.filter(C::Id.is_in(some.iter().copied())).exec(tx.on()).await?;
    }
    Ok(is_told)
}

fn tell(tx: &Tx<'_>, (tenant, user): (TenantId, UserId), row: waiting_notification::Model) {
    let said = Said {
        severity: row.severity.0,
        message: Message::new(&row.message),
        actor: row.actor_id,
        subject: row.subject_kind.zip(row.subject_id).map(|(kind, id)| Subject { kind: kind.0, id }),
        order: row.order_id.map(Col::value),
        line: row.order_line_id.map(Col::value),
        data: row.data.0,
    };
    tx.told(|told| told.notify(tenant, user, row.event_type.0, said));
}

/// Several things together, oldest first: as bad as the worst of them.
fn digest(rows: &[waiting_notification::Model]) -> Said {
    let is = |severity| rows.iter().any(|row| row.severity.0 == severity);
    let worst = [Severity::Error, Severity::Warning].into_iter().find(|severity| is(*severity));
    let items: Vec<Value> = rows.iter().map(item).collect();
    Said {
        severity: worst.unwrap_or(Severity::Info),
        data: json!({"items": items}),
        ..Said::of_nothing(channel::together(rows.len()))
    }
}

fn item(row: &waiting_notification::Model) -> Json {
    let subject = row.subject_kind.zip(row.subject_id);
    json!({
        "event_type": row.event_type.0.as_str(),
        "severity": row.severity.0.as_str(),
        "message": row.message,
        "actor_id": row.actor_id,
        "subject": subject.map(|(kind, id)| json!({"kind": kind.0.as_str(), "id": id})),
        "order_id": row.order_id.map(|id| id.0.uuid()),
        "order_line_id": row.order_line_id.map(|id| id.0.uuid()),
        "data": row.data.0,
        "created_at": row.created_at.0.to_string(),
    })
}
