//! What people are told, in three channels (notifications.md §1): gathered in the transaction of what it is about, and
//! written as its last part, because the counters that number entries are shared by many.

pub mod activity;
pub mod alerts;
mod entry;
pub mod notifications;

use std::collections::BTreeMap;

use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use uuid::Uuid;

use super::column::Col;
use super::entity::{activity_entry, notification, user};
use super::level::Level;
use super::tx::Tx;
use super::{AllTenants, Db, DbError, Json, counters, tenant_configs};
use packshot_domain::access::Role;
use packshot_domain::channel::{ActivityType, AlertType, Message, NotificationType, Severity, Subject};
use packshot_domain::id::{EntryId, OrderId, OrderLineId, TenantId, UserId};
use packshot_domain::time::Timestamp;

pub(super) use alerts::Trouble;
pub use entry::Entry;

/// What an entry of any channel says.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Said {
    pub(super) severity: Severity,
    pub(super) message: Message,
    /// `None`: the service itself.
    pub(super) actor: Option<Uuid>,
    pub(super) subject: Option<Subject>,
    pub(super) order: Option<OrderId>,
    pub(super) line: Option<OrderLineId>,
    /// The figures behind the message.
    pub(super) data: Json,
}

/// Entries that wait for the end of their transaction.
#[derive(Clone, Debug, Default)]
pub(super) struct Told {
    activity: BTreeMap<TenantId, Vec<(ActivityType, Said)>>,
    notifications: BTreeMap<(TenantId, UserId), Vec<(NotificationType, Said)>>,
    troubles: BTreeMap<TenantId, Vec<(AlertType, Trouble)>>,
}

impl Said {
    /// As expected, by the service, about an order.
    pub(super) fn of_order(message: Message, order: OrderId) -> Self {
        Self {
            severity: Severity::Info,
            message,
            actor: None,
            subject: Some(order.into()),
            order: Some(order),
            line: None,
            data: Json::Object(serde_json::Map::new()),
        }
    }

    /// About something that is no order.
    pub(super) fn about(message: Message, subject: impl Into<Subject>) -> Self {
        Self {
            severity: Severity::Info,
            message,
            actor: None,
            subject: Some(subject.into()),
            order: None,
            line: None,
            data: Json::Object(serde_json::Map::new()),
        }
    }
}

impl Told {
    /// Adds an entry of the activity.
    pub(super) fn note(&mut self, tenant: TenantId, of: ActivityType, said: Said) {
        self.activity.entry(tenant).or_default().push((of, said));
    }

    /// Adds a notification for a person.
    pub(super) fn notify(&mut self, tenant: TenantId, user: UserId, of: NotificationType, said: Said) {
        self.notifications.entry((tenant, user)).or_default().push((of, said));
    }

    /// Adds what is new about trouble: an alert, or the end of one.
    pub(super) fn trouble(&mut self, tenant: TenantId, of: AlertType, trouble: Trouble) {
        self.troubles.entry(tenant).or_default().push((of, trouble));
    }

    fn is_empty(&self) -> bool {
        self.activity.is_empty() && self.notifications.is_empty() && self.troubles.is_empty()
    }
}

/// Tells people something: each once, and only where the tenant's configuration allows notifications.
pub(super) async fn notify(
    tx: &Tx<'_>,
    tenant: TenantId,
    users: impl IntoIterator<Item = UserId>,
    of: NotificationType,
    said: &Said,
) -> Result<bool, DbError> {
    let mut users: Vec<UserId> = users.into_iter().collect();
    users.sort_unstable();
    users.dedup();
    if users.is_empty() || !tenant_configs::load(tx, tenant).await?.config.notifications_enabled {
        return Ok(false);
    }
    let there = user::Entity::find()
        .filter(user::Column::TenantId.eq(Col(tenant)))
        .filter(user::Column::Id.is_in(users.into_iter().map(Col)))
        .filter(user::Column::IsActive.eq(true))
        .order_by_asc(user::Column::Id)
        .all(tx.on())
        .await?;
    for user in &there {
        tx.told(|told| told.notify(tenant, user.id.0, of, said.clone()));
    }
    Ok(!there.is_empty())
}

/// Those who run orders in a tenant: its project managers; where it has none, its admins; where it has neither,
/// `otherwise`.
pub(super) async fn managers(tx: &Tx<'_>, tenant: TenantId, otherwise: Option<UserId>) -> Result<Vec<UserId>, DbError> {
    for role in [Role::ProjectManager, Role::TenantAdmin] {
        let there = user::Entity::find()
            .filter(user::Column::TenantId.eq(Col(tenant)))
            .filter(user::Column::Role.eq(Col(role)))
            .filter(user::Column::IsActive.eq(true))
            .all(tx.on())
            .await?;
        if !there.is_empty() {
            return Ok(there.into_iter().map(|row| row.id.0).collect());
        }
    }
    Ok(otherwise.into_iter().collect())
}

/// Opens an alert of a tenant about something that is over already, so that it is resolved at once.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn alert(
    db: &Db,
    scope: AllTenants,
    tenant: TenantId,
    (of, severity): (AlertType, Severity),
    message: Message,
    data: Json,
) -> Result<(), DbError> {
    db.write(scope, (tenant, of, severity, message, data), |tx, (tenant, of, severity, message, data)| {
        Box::pin(async move {
            let said = Said {
                severity: *severity,
                message: message.clone(),
                actor: None,
                subject: None,
                order: None,
                line: None,
                data: data.clone(),
            };
            tx.told(|told| told.trouble(*tenant, *of, Trouble::Mended(said.clone())));
            Ok(())
        })
    })
    .await
}

/// Writes what was gathered, with numbers.
pub(super) async fn write(tx: &Tx<'_>, told: Told) -> Result<(), DbError> {
    if told.is_empty() {
        return Ok(());
    }
    tx.enter(Level::Stream);
    let now = tx.now().await?;
    for (tenant, entries) in told.activity {
        let seqs = numbers(tx, tenant, "activity", entries.len()).await?;
        let rows = seqs.zip(entries).map(|(seq, entry)| activity_row(tenant, now, seq, entry));
        tx.insert_all(rows.collect()).await?;
    }
    for ((tenant, user), entries) in told.notifications {
        let seqs = numbers(tx, tenant, &format!("notifications_{user}"), entries.len()).await?;
        let rows = seqs.zip(entries).map(|(seq, entry)| notification_row((tenant, user), now, seq, entry));
        tx.insert_all(rows.collect()).await?;
    }
    for (tenant, troubles) in told.troubles {
        alerts::write(tx, tenant, now, troubles).await?;
    }
    Ok(())
}

/// The next `n` numbers of a counter.
async fn numbers(
    tx: &Tx<'_>,
    tenant: TenantId,
    counter: &str,
    n: usize,
) -> Result<std::ops::RangeInclusive<i64>, DbError> {
    let n = i64::try_from(n).unwrap_or(i64::MAX);
    let last = counters::take(tx, tenant, counter, n).await?;
    Ok(last - n + 1..=last)
}

fn activity_row(
    tenant: TenantId,
    now: Timestamp,
    seq: i64,
    (of, said): (ActivityType, Said),
) -> activity_entry::ActiveModel {
    activity_entry::ActiveModel {
        tenant_id: Set(Col(tenant)),
        id: Set(Col(EntryId::new())),
        seq: Set(seq),
        event_type: Set(Col(of)),
        severity: Set(Col(said.severity)),
        message: Set(said.message.to_string()),
        actor_id: Set(said.actor),
        subject_kind: Set(said.subject.map(|subject| Col(subject.kind))),
        subject_id: Set(said.subject.map(|subject| subject.id)),
        order_id: Set(said.order.map(Col)),
        order_line_id: Set(said.line.map(Col)),
        data: Set(Col(said.data)),
        created_at: Set(Col(now)),
    }
}

fn notification_row(
    (tenant, user): (TenantId, UserId),
    now: Timestamp,
    seq: i64,
    (of, said): (NotificationType, Said),
) -> notification::ActiveModel {
    notification::ActiveModel {
        tenant_id: Set(Col(tenant)),
        id: Set(Col(EntryId::new())),
        seq: Set(seq),
        user_id: Set(Col(user)),
        event_type: Set(Col(of)),
        severity: Set(Col(said.severity)),
        message: Set(said.message.to_string()),
        actor_id: Set(said.actor),
        subject_kind: Set(said.subject.map(|subject| Col(subject.kind))),
        subject_id: Set(said.subject.map(|subject| subject.id)),
        order_id: Set(said.order.map(Col)),
        order_line_id: Set(said.line.map(Col)),
        data: Set(Col(said.data)),
        created_at: Set(Col(now)),
        read_at: Set(None),
    }
}
