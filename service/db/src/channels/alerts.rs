//! Alerts: opened and resolved, and read in pages, newest first.

use std::collections::{BTreeMap, HashMap};

use sea_orm::ActiveValue::Set;
use sea_orm::prelude::Expr;
use sea_orm::sea_query::ExprTrait;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, Select};

use super::entry::{Entry, entry};
use super::{Said, numbers};
use crate::column::Col;
use crate::entity::alert;
use crate::tx::Tx;
use crate::{Db, DbError, Page, PageRequest, ReadScope};
use packshot_domain::channel::{AlertState, AlertType, Severity, Subject};
use packshot_domain::id::{EntryId, TenantId};
use packshot_domain::time::Timestamp;

/// Subjects that one statement looks for.
const SUBJECTS_AT_ONCE: usize = 500;

/// What is new about trouble.
#[derive(Clone, Debug)]
pub(crate) enum Trouble {
    /// It was found and mended: an alert that is resolved at once.
    Mended(Said),
    /// It lasts: an alert that stays open. While it is open, the same about the same subject makes no other.
    Lasts(Said),
    /// What lasted about the subject is over.
    Over(Subject),
}

/// An alert.
#[derive(Clone, Debug, PartialEq)]
pub struct Alert {
    /// What it says.
    pub entry: Entry<AlertType>,
    /// Whether what it is about lasts.
    pub state: AlertState,
    /// How often that was seen.
    pub occurrences: u32,
    /// When it was last seen.
    pub last_seen_at: Timestamp,
    /// When it was over.
    pub resolved_at: Option<Timestamp>,
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

/// A page of alerts, newest first.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn list(
    db: &Db,
    scope: impl Into<ReadScope>,
    filter: AlertFilter,
    page: PageRequest,
) -> Result<Page<Alert>, DbError> {
    use alert::Column as C;
    let scope = scope.into();
    db.read(scope, (scope, filter, page), |tx, (scope, filter, page)| {
        Box::pin(async move {
            let alerts = scope.narrow(alert::Entity::find(), C::TenantId);
            let conditions = [
                filter.state.map(|state| C::State.eq(Col(state))),
                filter.event_type.map(|of| C::EventType.eq(Col(of))),
                filter.severity.map(|severity| C::Severity.eq(Col(severity))),
            ];
            let alerts = conditions.into_iter().flatten().fold(alerts, QueryFilter::filter);
            let rows = page.narrow(alerts, C::CreatedAt, C::Id).all(tx.on()).await?;
            Ok(page.cut(rows, |row| (row.created_at.0, row.id.0.uuid())))
        })
    })
    .await
}

impl From<alert::Model> for Alert {
    fn from(row: alert::Model) -> Self {
        Self {
            state: row.state.0,
            occurrences: row.occurrences.unsigned_abs(),
            last_seen_at: row.last_seen_at.0,
            resolved_at: row.resolved_at.map(Col::value),
            entry: entry!(row),
        }
    }
}

/// Writes what is new about trouble of a tenant. What is over is resolved first.
pub(super) async fn write(
    tx: &Tx<'_>,
    tenant: TenantId,
    now: Timestamp,
    troubles: Vec<(AlertType, Trouble)>,
) -> Result<(), DbError> {
    let (mut new, mut lasting, mut over) = (Vec::new(), BTreeMap::<_, Vec<_>>::new(), BTreeMap::<_, Vec<_>>::new());
    for (of, trouble) in troubles {
        match trouble {
            Trouble::Mended(said) => new.push((of, said, AlertState::Resolved)),
            Trouble::Lasts(said) => lasting.entry(of).or_default().push(said),
            Trouble::Over(subject) => over.entry(of).or_default().push(subject),
        }
    }
    for (of, subjects) in over {
        resolve(tx, tenant, now, of, &subjects).await?;
    }
    for (of, said) in lasting {
        let opened = repeat(tx, tenant, now, of, said).await?;
        new.extend(opened.into_iter().map(|said| (of, said, AlertState::Open)));
    }
    let seqs = numbers(tx, tenant, "alerts", new.len()).await?;
    let rows = seqs.zip(new).map(|(seq, (of, said, state))| row(tenant, now, seq, (of, said, state)));
    tx.insert_all(rows.collect()).await
}

/// The open alerts of a type, about some subjects.
fn open(tenant: TenantId, of: AlertType, some: &[Subject]) -> sea_orm::Condition {
    use alert::Column as C;
    sea_orm::Condition::all()
        .add(C::TenantId.eq(Col(tenant)))
        .add(C::EventType.eq(Col(of)))
        .add(C::State.eq(Col(AlertState::Open)))
        .add(C::SubjectId.is_in(some.iter().map(|subject| subject.id)))
}

async fn resolve(
    tx: &Tx<'_>,
    tenant: TenantId,
    now: Timestamp,
    of: AlertType,
    subjects: &[Subject],
) -> Result<(), DbError> {
    for some in subjects.chunks(SUBJECTS_AT_ONCE) {
        alert::Entity::update_many()
            .col_expr(alert::Column::State, Expr::value(Col(AlertState::Resolved)))
            .col_expr(alert::Column::ResolvedAt, Expr::value(Col(now)))
            .filter(open(tenant, of, some))
            .exec(tx.on())
            .await?;
    }
    Ok(())
}

/// Counts what is open already once more, with what is said of it now; the rest is new.
async fn repeat(
    tx: &Tx<'_>,
    tenant: TenantId,
    now: Timestamp,
    of: AlertType,
    said: Vec<Said>,
) -> Result<Vec<Said>, DbError> {
    let subjects: Vec<Subject> = said.iter().filter_map(|said| said.subject).collect();
    let mut known = HashMap::new();
    for some in subjects.chunks(SUBJECTS_AT_ONCE) {
        let rows: Select<alert::Entity> = alert::Entity::find().filter(open(tenant, of, some));
        let rows = rows.all(tx.on()).await?.into_iter();
        known.extend(rows.filter_map(|row| Some((row.subject_id?, row.id))));
    }
    let mut new = Vec::new();
    for said in said {
        let Some(&id) = said.subject.and_then(|subject| known.get(&subject.id)) else {
            new.push(said);
            continue;
        };
        use alert::Column as C;
        alert::Entity::update_many()
            .col_expr(C::Occurrences, Expr::col(C::Occurrences).add(1))
            .col_expr(C::LastSeenAt, Expr::value(Col(now)))
            .col_expr(C::Message, Expr::value(said.message.to_string()))
            .col_expr(C::Data, Expr::value(Col(said.data)))
            .filter(C::TenantId.eq(Col(tenant)))
            .filter(C::Id.eq(id))
            .exec(tx.on())
            .await?;
    }
    Ok(new)
}

fn row(
    tenant: TenantId,
    now: Timestamp,
    seq: i64,
    (of, said, state): (AlertType, Said, AlertState),
) -> alert::ActiveModel {
    alert::ActiveModel {
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
        state: Set(Col(state)),
        occurrences: Set(1),
        last_seen_at: Set(Col(now)),
        resolved_at: Set((state == AlertState::Resolved).then_some(Col(now))),
    }
}
