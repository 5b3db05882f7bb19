//! What people are told, in three channels (notifications.md §1): gathered in the transaction of what it is about, and
//! written as its last part, because the counters that number entries are shared by many.

pub mod activity;
pub mod alerts;
pub mod announcements;
pub mod digests;
mod entry;
mod feed;
pub mod notifications;
pub mod preferences;
pub mod retention;
pub mod user_feed;

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::ActiveValue::Set;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder};
use uuid::Uuid;

use super::column::Col;
use super::entity::{activity_entry, notification, user, waiting_notification};
use super::level::Level;
use super::tx::Tx;
use super::webhooks::publish::{self, Events, Published};
use super::{AllTenants, Db, DbError, Json, Notice, TenantScope, counters, installation, tenant_configs};
use packshot_domain::access::Role;
use packshot_domain::channel::preference::Frequency;
use packshot_domain::channel::{self, ActivityType, AlertType, Message, NotificationType, Severity, Subject};
use packshot_domain::id::{AnnouncementId, EntryId, OrderId, OrderLineId, TenantId, UserId};
use packshot_domain::stream::StreamId;
use packshot_domain::time::Timestamp;
use packshot_domain::webhook::WebhookEvent;

use alerts::Place;
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
    notifications: BTreeMap<(TenantId, UserId), Vec<Note>>,
    waiting: Vec<waiting_notification::Model>,
    troubles: BTreeMap<Place, Vec<(AlertType, Trouble)>>,
    /// What webhooks are told besides.
    events: Events,
    /// Lines whose renders webhooks are not told of.
    quiet: BTreeSet<OrderLineId>,
}

/// A notification for a person.
#[derive(Clone, Debug)]
struct Note {
    of: NotificationType,
    said: Said,
    announcement: Option<AnnouncementId>,
}

impl Said {
    /// As expected, by the service, about an order.
    pub(super) fn of_order(message: Message, order: OrderId) -> Self {
        Self { order: Some(order), ..Self::about(message, order) }
    }

    /// About something that is no order.
    pub(super) fn about(message: Message, subject: impl Into<Subject>) -> Self {
        Self { subject: Some(subject.into()), ..Self::of_nothing(message) }
    }

    /// As expected, by the service, about nothing that has an id.
    pub(super) fn of_nothing(message: Message) -> Self {
        Self {
            severity: Severity::Info,
            message,
            actor: None,
            subject: None,
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

    /// Adds a notification for a person, who is told at once.
    pub(super) fn notify(&mut self, tenant: TenantId, user: UserId, of: NotificationType, said: Said) {
        self.note_to((tenant, user), Note { of, said, announcement: None });
    }

    /// Adds an announcement for a person.
    fn announce(&mut self, to: (TenantId, UserId), announcement: AnnouncementId, said: Said) {
        self.note_to(to, Note { of: NotificationType::Announcement, said, announcement: Some(announcement) });
    }

    fn note_to(&mut self, to: (TenantId, UserId), note: Note) {
        self.notifications.entry(to).or_default().push(note);
    }

    /// Adds what a person is told later.
    fn keep_waiting(&mut self, row: waiting_notification::Model) {
        self.waiting.push(row);
    }

    /// Adds what is new about trouble of a tenant: an alert, or the end of one.
    pub(super) fn trouble(&mut self, tenant: TenantId, of: AlertType, trouble: Trouble) {
        self.trouble_at(Place { tenant, of_instance: false }, of, trouble);
    }

    fn trouble_at(&mut self, place: Place, of: AlertType, trouble: Trouble) {
        self.troubles.entry(place).or_default().push((of, trouble));
    }

    /// Adds what webhooks are told beyond the activity.
    pub(super) fn publish(&mut self, tenant: TenantId, event: Published) {
        self.events.entry(tenant).or_default().push(event);
    }

    /// Webhooks are not told that the work of a line has ended.
    pub(super) fn keep_quiet(&mut self, line: OrderLineId) {
        self.quiet.insert(line);
    }

    /// What webhooks are told: those entries of the activity that are events, and what was added.
    fn take_events(&mut self) -> Events {
        let is_quiet = |event, said: &Said| {
            let is_of_line = matches!(event, WebhookEvent::RenderCompleted | WebhookEvent::RenderFailed);
            is_of_line && said.line.is_some_and(|line| self.quiet.contains(&line))
        };
        let mut events = Events::new();
        for (tenant, entries) in &self.activity {
            let of_activity = entries.iter().filter_map(|(of, said)| Some((WebhookEvent::of_activity(*of)?, said)));
            let told = of_activity.filter(|(event, said)| !is_quiet(*event, said));
            events.insert(*tenant, told.map(|(event, said)| Published::of_said(event, said)).collect());
        }
        for (tenant, more) in std::mem::take(&mut self.events) {
            events.entry(tenant).or_default().extend(more);
        }
        events
    }

    fn is_empty(&self) -> bool {
        self.activity.is_empty()
            && self.notifications.is_empty()
            && self.waiting.is_empty()
            && self.troubles.is_empty()
            && self.events.is_empty()
    }
}

/// Tells people something: each once, only where the tenant's configuration allows notifications, and when they have
/// chosen. Returns whether anybody is told, now or later.
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
    let there: Vec<UserId> = there.into_iter().map(|row| row.id.0).collect();
    let chosen = preferences::of_users(tx, tenant, &there, of).await?;
    let mut is_told = false;
    for user in there {
        let frequency = chosen.get(&user).copied().unwrap_or_default().in_effect();
        is_told |= frequency != Frequency::Never;
        match frequency {
            Frequency::Immediate => tx.told(|told| told.notify(tenant, user, of, said.clone())),
            Frequency::Hourly | Frequency::Daily => {
                let row = digests::row((tenant, user), tx.now().await?, of, said.clone());
                tx.told(|told| told.keep_waiting(row));
            }
            Frequency::Never => {}
        }
    }
    Ok(is_told)
}

/// Those who run orders in a tenant: its project managers; where it has none, its admins; where it has neither,
/// `otherwise`.
pub(super) async fn managers(tx: &Tx<'_>, tenant: TenantId, otherwise: Option<UserId>) -> Result<Vec<UserId>, DbError> {
    for role in [Role::ProjectManager, Role::TenantAdmin] {
        let there = with_role(tx, tenant, role).await?;
        if !there.is_empty() {
            return Ok(there);
        }
    }
    Ok(otherwise.into_iter().collect())
}

/// The users of a tenant with a role who may do anything at all.
async fn with_role(tx: &Tx<'_>, tenant: TenantId, role: Role) -> Result<Vec<UserId>, DbError> {
    let there = user::Entity::find()
        .filter(user::Column::TenantId.eq(Col(tenant)))
        .filter(user::Column::Role.eq(Col(role)))
        .filter(user::Column::IsActive.eq(true))
        .all(tx.on())
        .await?;
    Ok(there.into_iter().map(|row| row.id.0).collect())
}

/// What a check for stalled work has found in a tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovery {
    /// The tasks that were stopped.
    pub tasks: Vec<Uuid>,
    /// How many of them have no attempt left.
    pub n_failed: usize,
    /// After how many minutes work has stalled.
    pub minutes: u64,
}

/// Tells the project managers and the admins of a tenant what a check for stalled work has found there.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn recovered(db: &Db, all: AllTenants, tenant: TenantId, found: Recovery) -> Result<(), DbError> {
    db.write(all, (tenant, found), |tx, (tenant, found)| {
        Box::pin(async move {
            let n_requeued = found.tasks.len() - found.n_failed.min(found.tasks.len());
            let data = serde_json::json!({
                "task_ids": found.tasks,
                "requeued": n_requeued,
                "failed": found.n_failed,
                "timeout_minutes": found.minutes,
            });
            let message = channel::recovered(n_requeued, found.n_failed, found.minutes);
            let said = Said { severity: Severity::Warning, data, ..Said::of_nothing(message) };
            let managers = with_role(tx, *tenant, Role::ProjectManager).await?;
            notify(tx, *tenant, managers, NotificationType::WorkerRecovery, &said).await?;
            tx.told(|told| told.trouble(*tenant, AlertType::WorkerRecovery, Trouble::Mended(said)));
            Ok(())
        })
    })
    .await
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
            let said = Said { severity: *severity, data: data.clone(), ..Said::of_nothing(message.clone()) };
            tx.told(|told| told.trouble(*tenant, *of, Trouble::Mended(said.clone())));
            Ok(())
        })
    })
    .await
}

/// What is new about trouble of the installation.
#[derive(Clone, Debug, PartialEq)]
pub enum InstanceTrouble {
    /// It lasts, with how bad it is, what that means, and figures.
    Lasts(Severity, Message, Json),
    /// It was over before anybody could be told.
    Mended(Severity, Message, Json),
    /// It is over.
    Over,
}

/// Says what is new about trouble of the installation: that it lasts, or is over. `about` tells it from everything else
/// of its type.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn instance(
    db: &Db,
    all: AllTenants,
    of: AlertType,
    about: &str,
    trouble: InstanceTrouble,
) -> Result<(), DbError> {
    db.write(all, (of, about.to_owned(), trouble), |tx, (of, about, trouble)| {
        Box::pin(async move {
            let tenant = installation::load(tx).await?.operating_tenant;
            let said = |severity: Severity, message: &Message, data: &Json| Said {
                severity,
                data: data.clone(),
                ..Said::of_nothing(message.clone())
            };
            let trouble = match trouble {
                InstanceTrouble::Lasts(severity, message, data) => {
                    Trouble::LastsOf(about.clone(), said(*severity, message, data))
                }
                InstanceTrouble::Mended(severity, message, data) => Trouble::Mended(said(*severity, message, data)),
                InstanceTrouble::Over => Trouble::OverOf(about.clone()),
            };
            tx.told(|told| told.trouble_at(Place { tenant, of_instance: true }, *of, trouble));
            Ok(())
        })
    })
    .await
}

/// Says what is new about trouble of a tenant that has no id of its own, as [`instance`] does.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn of_tenant(
    db: &Db,
    scope: TenantScope,
    of: AlertType,
    trouble: Option<(Severity, Message, Json)>,
) -> Result<(), DbError> {
    db.write(scope, (scope.tenant, of, trouble), |tx, (tenant, of, trouble)| {
        Box::pin(async move {
            let trouble = match trouble.clone() {
                Some((severity, message, data)) => {
                    let said = Said { severity, data, ..Said::of_nothing(message) };
                    Trouble::LastsOf(String::new(), said)
                }
                None => Trouble::OverOf(String::new()),
            };
            tx.told(|told| told.trouble(*tenant, *of, trouble));
            Ok(())
        })
    })
    .await
}

/// Writes what was gathered, with numbers.
pub(super) async fn write(tx: &Tx<'_>, mut told: Told) -> Result<(), DbError> {
    if told.is_empty() {
        return Ok(());
    }
    let now = tx.now().await?;
    publish::write(tx, now, told.take_events()).await?;
    tx.enter(Level::Stream);
    for (tenant, entries) in told.activity {
        let seqs = numbers(tx, tenant, ACTIVITY, entries.len()).await?;
        tx.announce(Notice::Events { tenant, stream: StreamId::of_activity(tenant), seq: *seqs.end() });
        let rows = seqs.zip(entries).map(|(seq, entry)| activity_row(tenant, now, seq, entry));
        tx.insert_all(rows.collect()).await?;
    }
    tx.insert_all(told.waiting.into_iter().map(|row| row.into_active_model().reset_all()).collect()).await?;
    for ((tenant, user), notes) in told.notifications {
        let seqs = numbers(tx, tenant, &format!("notifications_{user}"), notes.len()).await?;
        let rows: Vec<notification::Model> =
            seqs.zip(notes).map(|(seq, note)| notification_row((tenant, user), now, seq, note)).collect();
        rows.iter().for_each(|row| feed::notified(tx, row));
        tx.insert_all(rows.into_iter().map(|row| row.into_active_model().reset_all()).collect()).await?;
    }
    for (place, troubles) in told.troubles {
        alerts::write(tx, place, now, troubles).await?;
    }
    Ok(())
}

/// The counter of the activity of a tenant.
const ACTIVITY: &str = "activity";

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
    Note { of, said, announcement }: Note,
) -> notification::Model {
    notification::Model {
        tenant_id: Col(tenant),
        id: Col(EntryId::new()),
        seq,
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
        read_at: None,
        announcement_id: announcement.map(Col),
    }
}
