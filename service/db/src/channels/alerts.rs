//! Alerts: opened and resolved, seen by admins, and read in pages, newest first.

use std::collections::{BTreeMap, HashMap};

use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect, Select,
};
use serde_json::json;

use super::entry::{Entry, entry};
use super::{Said, feed, numbers};
use crate::column::Col;
use crate::entity::{alert, user};
use crate::level::Level;
use crate::scope::Reach;
use crate::tx::Tx;
use crate::webhooks::publish::{self, Published};
use crate::{AllTenants, Db, DbError, Page, PageRequest, TenantScope, counters};
use packshot_domain::access::Role;
use packshot_domain::channel::{AlertState, AlertType, Severity, Subject};
use packshot_domain::event::EventName;
use packshot_domain::id::{EntryId, TenantId, UserId};
use packshot_domain::principal::Principal;
use packshot_domain::reader::{Reader, Rows};
use packshot_domain::time::Timestamp;
use packshot_domain::webhook::WebhookEvent;

/// Conditions that one statement looks for.
const CONDITIONS_AT_ONCE: usize = 500;
/// Within a span of this length, counted from when an alert was opened, its viewers are told at most once that it was
/// seen again.
const UPDATE_EVERY_S: u64 = 60;
/// The counter of the alerts of a tenant.
const COUNTER: &str = "alerts";

/// Where trouble is: in a tenant, or in the installation, whose alerts are counted in the operating tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) tenant: TenantId,
    pub(super) of_instance: bool,
}

/// What is new about trouble.
#[derive(Clone, Debug)]
pub(crate) enum Trouble {
    /// It was found and mended: an alert that is resolved at once.
    Mended(Said),
    /// It lasts: an alert that stays open. While it is open, the same about the same subject makes no other.
    Lasts(Said),
    /// The same about something that has no id: this tells it from everything else of its type.
    LastsOf(String, Said),
    /// What lasted about the subject is over.
    Over(Subject),
    /// The same about something that has no id.
    OverOf(String),
}

/// An alert.
#[derive(Clone, Debug, PartialEq)]
pub struct Alert {
    /// What it says.
    pub entry: Entry<AlertType>,
    /// Whether it is about the whole installation.
    pub of_instance: bool,
    /// Whether what it is about lasts.
    pub state: AlertState,
    /// How often that was seen.
    pub occurrences: u32,
    /// When it was last seen.
    pub last_seen_at: Timestamp,
    /// When it was over.
    pub resolved_at: Option<Timestamp>,
    /// Which admin has seen that it is there.
    pub acknowledged_by: Option<UserId>,
    /// When they said so.
    pub acknowledged_at: Option<Timestamp>,
}

/// Which alerts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AlertFilter {
    /// Only in this state.
    pub state: Option<AlertState>,
    /// Only of this type.
    pub event_type: Option<AlertType>,
    /// Only so bad.
    pub severity: Option<Severity>,
}

/// Whose alerts somebody sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sight {
    /// Those of a tenant; of the operating one those of the installation as well.
    Tenant(TenantId),
    /// Those of a tenant, and those of the installation.
    TenantAndInstance(TenantId),
    /// Those of all tenants, and of the installation.
    All,
}

impl Sight {
    fn narrow(self, query: Select<alert::Entity>) -> Select<alert::Entity> {
        use alert::Column as C;
        match self {
            Self::Tenant(tenant) => query.filter(C::TenantId.eq(Col(tenant))),
            Self::TenantAndInstance(tenant) => {
                query.filter(Condition::any().add(C::TenantId.eq(Col(tenant))).add(C::OfInstance.eq(true)))
            }
            Self::All => query,
        }
    }
}

impl From<Sight> for Reach {
    fn from(sight: Sight) -> Self {
        match sight {
            Sight::Tenant(tenant) => Self::Tenant(tenant),
            Sight::TenantAndInstance(_) | Sight::All => Self::All,
        }
    }
}

impl From<TenantScope> for Sight {
    fn from(scope: TenantScope) -> Self {
        Self::Tenant(scope.tenant)
    }
}

impl From<&Principal> for Sight {
    /// An admin sees the alerts of the tenant that they act for. Those of the installation are seen by the admins of
    /// the operating tenant, in whose rows they are, and by global admins, whatever they act for.
    fn from(who: &Principal) -> Self {
        match who.role {
            Role::GlobalAdmin if who.tenant != who.home || !who.in_operating_tenant => {
                Self::TenantAndInstance(who.tenant)
            }
            _ => Self::Tenant(who.tenant),
        }
    }
}

impl From<&Reader> for Sight {
    fn from(reader: &Reader) -> Self {
        match reader.rows {
            Rows::OfAll => Self::All,
            Rows::OfTenant => Self::from(&reader.who),
        }
    }
}

/// A page of alerts, newest first.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn list(
    db: &Db,
    sight: impl Into<Sight>,
    filter: AlertFilter,
    page: PageRequest,
) -> Result<Page<Alert>, DbError> {
    use alert::Column as C;
    let sight = sight.into();
    db.read(sight, (sight, filter, page), |tx, (sight, filter, page)| {
        Box::pin(async move {
            let conditions = [
                filter.state.map(|state| C::State.eq(Col(state))),
                filter.event_type.map(|of| C::EventType.eq(Col(of))),
                filter.severity.map(|severity| C::Severity.eq(Col(severity))),
            ];
            let alerts = sight.narrow(alert::Entity::find());
            let alerts = conditions.into_iter().flatten().fold(alerts, QueryFilter::filter);
            let rows = page.narrow(alerts, C::CreatedAt, C::Id).all(tx.on()).await?;
            Ok(page.cut(rows, |row| (row.created_at.0, row.id.0.uuid())))
        })
    })
    .await
}

/// An alert.
///
/// # Errors
///
/// [`DbError::NotFound`], also of one that is out of sight.
pub async fn get(db: &Db, sight: Sight, id: EntryId) -> Result<Alert, DbError> {
    db.read(sight, (sight, id), |tx, (sight, id)| {
        Box::pin(async move { Ok(find(*sight, *id).one(tx.on()).await?.ok_or(DbError::NotFound("alert"))?.into()) })
    })
    .await
}

/// How many alerts are open, and seen by nobody.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn count_unseen(db: &Db, sight: Sight) -> Result<u64, DbError> {
    use alert::Column as C;
    db.read(sight, sight, |tx, sight| {
        Box::pin(async move {
            let open = sight.narrow(alert::Entity::find()).filter(C::State.eq(Col(AlertState::Open)));
            Ok(open.filter(C::AcknowledgedAt.is_null()).count(tx.on()).await?)
        })
    })
    .await
}

/// Notes that somebody has seen an alert; who did so first, and when, stays.
///
/// # Errors
///
/// [`DbError::NotFound`].
pub async fn acknowledge(db: &Db, sight: Sight, user: UserId, id: EntryId) -> Result<Alert, DbError> {
    db.write(sight, (sight, user, id), |tx, (sight, user, id)| {
        Box::pin(async move {
            tx.enter(Level::Stream);
            let found = find(*sight, *id).lock_exclusive().one(tx.on()).await?;
            let mut row = found.ok_or(DbError::NotFound("alert"))?;
            if row.acknowledged_at.is_none() {
                (row.acknowledged_by, row.acknowledged_at) = (Some(Col(*user)), Some(Col(tx.now().await?)));
                row.clone().into_active_model().reset_all().update_without_returning(tx.on()).await?;
                let place = Place { tenant: row.tenant_id.0, of_instance: row.of_instance };
                feed::alerted(tx, &viewers(tx, place).await?, EventName::AlertUpdated, &row);
            }
            Ok(row.into())
        })
    })
    .await
}

fn find(sight: Sight, id: EntryId) -> Select<alert::Entity> {
    sight.narrow(alert::Entity::find()).filter(alert::Column::Id.eq(Col(id)))
}

/// The open alerts of a type, of all tenants and of the installation.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn open_of(db: &Db, all: AllTenants, of: AlertType) -> Result<Vec<Alert>, DbError> {
    use alert::Column as C;
    db.read(all, of, |tx, of| {
        Box::pin(async move {
            let open = alert::Entity::find().filter(C::EventType.eq(Col(*of)));
            let rows = open.filter(C::State.eq(Col(AlertState::Open))).all(tx.on()).await?;
            Ok(rows.into_iter().map(Alert::from).collect())
        })
    })
    .await
}

impl From<alert::Model> for Alert {
    fn from(row: alert::Model) -> Self {
        Self {
            of_instance: row.of_instance,
            state: row.state.0,
            occurrences: row.occurrences.unsigned_abs(),
            last_seen_at: row.last_seen_at.0,
            resolved_at: row.resolved_at.map(Col::value),
            acknowledged_by: row.acknowledged_by.map(Col::value),
            acknowledged_at: row.acknowledged_at.map(Col::value),
            entry: entry!(row),
        }
    }
}

/// Those who see the alerts of a place, whatever they act for now: its admins, or the admins of the installation.
async fn viewers(tx: &Tx<'_>, place: Place) -> Result<Vec<(TenantId, UserId)>, DbError> {
    use user::Column as C;
    let admins = Condition::all()
        .add(C::TenantId.eq(Col(place.tenant)))
        .add(C::Role.is_in([Role::GlobalAdmin, Role::TenantAdmin].map(Col)));
    let mut see = Condition::any().add(admins);
    if place.of_instance {
        see = see.add(C::Role.eq(Col(Role::GlobalAdmin)));
    }
    let rows = user::Entity::find().filter(see).filter(C::IsActive.eq(true)).all(tx.on()).await?;
    Ok(rows.into_iter().map(|row| (row.tenant_id.0, row.id.0)).collect())
}

/// What is new about trouble of a place, once its counter is locked.
struct Writing<'t, 'c> {
    tx: &'t Tx<'c>,
    place: Place,
    now: Timestamp,
    /// What viewers read: each alert with what became of it, in the order in which that happened.
    news: Vec<(EventName, alert::Model)>,
}

/// Writes what is new about trouble of a place. What is over is resolved first.
pub(super) async fn write(
    tx: &Tx<'_>,
    place: Place,
    now: Timestamp,
    troubles: Vec<(AlertType, Trouble)>,
) -> Result<(), DbError> {
    let (mut new, mut lasting, mut over) = (Vec::new(), BTreeMap::<_, Vec<_>>::new(), BTreeMap::<_, Vec<_>>::new());
    for (of, trouble) in troubles {
        match trouble {
            Trouble::Mended(said) => new.push((of, (String::new(), said), AlertState::Resolved)),
            Trouble::Lasts(said) => {
                let condition = said.subject.map(condition).unwrap_or_default();
                lasting.entry(of).or_default().push((condition, said));
            }
            Trouble::LastsOf(condition, said) => lasting.entry(of).or_default().push((condition, said)),
            Trouble::Over(subject) => over.entry(of).or_default().push(condition(subject)),
            Trouble::OverOf(condition) => over.entry(of).or_default().push(condition),
        }
    }
    // Whoever looks for open alerts holds their counter, so that two find the same one and open no second.
    counters::take(tx, place.tenant, COUNTER, 0).await?;
    let mut writing = Writing { tx, place, now, news: Vec::new() };
    for (of, conditions) in over {
        writing.resolve(of, &conditions).await?;
    }
    for (of, said) in lasting {
        let opened = writing.repeat(of, said).await?;
        new.extend(opened.into_iter().map(|said| (of, said, AlertState::Open)));
    }
    writing.open(new).await?;
    let Writing { news, .. } = writing;
    if news.is_empty() {
        return Ok(());
    }
    let viewers = viewers(tx, place).await?;
    news.iter().for_each(|(name, row)| feed::alerted(tx, &viewers, *name, row));
    let events = news.into_iter().filter_map(|(name, row)| published(name, row)).collect();
    publish::write(tx, now, [(place.tenant, events)].into()).await
}

/// What webhooks are told of an alert: that it was opened, and that it is resolved.
fn published(name: EventName, row: alert::Model) -> Option<Published> {
    let event = match name {
        EventName::AlertOpened => WebhookEvent::AlertOpened,
        EventName::AlertResolved => WebhookEvent::AlertResolved,
        _ => return None,
    };
    let alert = Alert::from(row);
    let subject = alert.entry.subject.map(|subject| json!({"kind": subject.kind.as_str(), "id": subject.id}));
    let data = json!({
        "alert_id": alert.entry.id.uuid(),
        "alert_type": alert.entry.event_type.as_str(),
        "severity": alert.entry.severity.as_str(),
        "state": alert.state.as_str(),
        "message": alert.entry.message,
        "subject": subject,
        "occurrences": alert.occurrences,
        "details": alert.entry.data,
    });
    Some(Published::new(event, data.as_object().cloned().unwrap_or_default()))
}

/// What tells a subject from others.
fn condition(subject: Subject) -> String {
    subject.id.to_string()
}

impl Writing<'_, '_> {
    /// The open alerts of a type, about some conditions. They are locked: an admin may acknowledge one at this moment.
    async fn open_alerts(&self, of: AlertType, conditions: &[String]) -> Result<Vec<alert::Model>, DbError> {
        use alert::Column as C;
        let mut rows = Vec::new();
        for some in conditions.chunks(CONDITIONS_AT_ONCE) {
            let open = alert::Entity::find()
                .filter(C::TenantId.eq(Col(self.place.tenant)))
                .filter(C::State.eq(Col(AlertState::Open)))
                .filter(C::EventType.eq(Col(of)))
                .filter(C::OfInstance.eq(self.place.of_instance))
                .filter(C::Condition.is_in(some));
            rows.extend(open.order_by_asc(C::Id).lock_exclusive().all(self.tx.on()).await?);
        }
        Ok(rows)
    }

    async fn store(&self, row: &alert::Model) -> Result<(), DbError> {
        row.clone().into_active_model().reset_all().update_without_returning(self.tx.on()).await?;
        Ok(())
    }

    async fn resolve(&mut self, of: AlertType, conditions: &[String]) -> Result<(), DbError> {
        for mut row in self.open_alerts(of, conditions).await? {
            (row.state, row.resolved_at) = (Col(AlertState::Resolved), Some(Col(self.now)));
            self.store(&row).await?;
            self.news.push((EventName::AlertResolved, row));
        }
        Ok(())
    }

    /// Counts what is open already once more, with what is said of it now; the rest is new.
    async fn repeat(&mut self, of: AlertType, said: Vec<(String, Said)>) -> Result<Vec<(String, Said)>, DbError> {
        let conditions: Vec<String> = said.iter().map(|(condition, _)| condition.clone()).collect();
        let open = self.open_alerts(of, &conditions).await?;
        let mut known: HashMap<String, alert::Model> =
            open.into_iter().map(|row| (row.condition.clone(), row)).collect();
        let mut new: Vec<(String, Said)> = Vec::new();
        for (condition, said) in said {
            if let Some(row) = known.get_mut(&condition) {
                // What is seen again all the time would fill the streams of its viewers.
                let span = |at: Timestamp| at.since(row.created_at.0).as_secs() / UPDATE_EVERY_S;
                let is_told = span(self.now) > span(row.last_seen_at.0);
                row.occurrences = row.occurrences.saturating_add(1);
                row.last_seen_at = Col(self.now);
                (row.message, row.data) = (said.message.to_string(), Col(said.data));
                row.severity = Col(said.severity);
                self.store(row).await?;
                if is_told {
                    self.news.push((EventName::AlertUpdated, row.clone()));
                }
            } else if new.iter().all(|(other, _)| *other != condition) {
                new.push((condition, said));
            }
        }
        Ok(new)
    }

    async fn open(&mut self, new: Vec<(AlertType, (String, Said), AlertState)>) -> Result<(), DbError> {
        if new.is_empty() {
            return Ok(());
        }
        let seqs = numbers(self.tx, self.place.tenant, COUNTER, new.len()).await?;
        let rows: Vec<alert::Model> = seqs.zip(new).map(|(seq, new)| self.row(seq, new)).collect();
        for row in &rows {
            let opened = alert::Model { state: Col(AlertState::Open), resolved_at: None, ..row.clone() };
            self.news.push((EventName::AlertOpened, opened));
            // What is over already is told as well, so that a client counts right.
            if row.state.0 == AlertState::Resolved {
                self.news.push((EventName::AlertResolved, row.clone()));
            }
        }
        self.tx.insert_all(rows.into_iter().map(|row| row.into_active_model().reset_all()).collect()).await
    }

    fn row(&self, seq: i64, (of, (condition, said), state): (AlertType, (String, Said), AlertState)) -> alert::Model {
        alert::Model {
            tenant_id: Col(self.place.tenant),
            id: Col(EntryId::new()),
            seq,
            event_type: Col(of),
            severity: Col(said.severity),
            message: said.message.to_string(),
            actor_id: said.actor,
            subject_kind: said.subject.map(|subject| Col(subject.kind)),
            subject_id: said.subject.map(|subject| subject.id),
            order_id: said.order.map(Col),
            order_line_id: said.line.map(Col),
            data: Col(said.data),
            created_at: Col(self.now),
            of_instance: self.place.of_instance,
            condition,
            state: Col(state),
            occurrences: 1,
            last_seen_at: Col(self.now),
            resolved_at: (state == AlertState::Resolved).then_some(Col(self.now)),
            acknowledged_by: None,
            acknowledged_at: None,
        }
    }
}
