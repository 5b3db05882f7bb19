//! Making the views again from the log (artifacts.md §3): to compare them with what is there, or to put them in its
//! place.
//!
//! Both read one state of the database without locking anything. Putting them in place then locks the log, reads what
//! was added in the meantime, and writes the rows that differ: that is all that writers of the tenant wait for.

mod compare;
mod fold;
mod swap;

use std::sync::Arc;

use serde_json::json;
use tokio::sync::Mutex;
use uuid::Uuid;

use crate::audit::{self, NewEntry};
use crate::tx::Tx;
use crate::{Db, DbError, TenantScope};
use compare::Differing;
use fold::Views;
use packshot_domain::audit::{Action, Actor};
use packshot_domain::id::TenantId;

/// Differences that a report lists; all of them are counted.
const LISTED: usize = 100;

/// What a replay found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Events that were read.
    pub events: i64,
    /// Packages that they make.
    pub packages: usize,
    /// Files that they make.
    pub files: usize,
    /// Differences between the views and what the log says, before anything was put in place: the first hundred.
    pub differences: Vec<Difference>,
    /// How many there are.
    pub n_differences: u64,
}

/// A difference between a view and what the log says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The table.
    pub table: &'static str,
    /// The row, by its id; of a retention row that of its package.
    pub row: Uuid,
    /// What differs.
    pub kind: DifferenceKind,
}

/// What differs in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DifferenceKind {
    /// It is not there.
    Missing,
    /// It should not be there.
    Unexpected,
    /// A column has another value.
    Column(&'static str),
}

/// Compares the views of a tenant with what its log says, and changes nothing.
///
/// # Errors
///
/// [`ArtifactError::EventCorrupt`](super::ArtifactError::EventCorrupt) and
/// [`ArtifactError::EventGap`](super::ArtifactError::EventGap), each with the number of the event.
pub async fn verify(db: &Db, scope: TenantScope) -> Result<Report, DbError> {
    Ok(compared(db, scope).await?.report)
}

/// Puts what the log of a tenant says in the place of its views. The report says what differed.
///
/// # Errors
///
/// As [`verify`]; nothing is put in place then.
pub async fn rebuild(db: &Db, scope: TenantScope, by: Actor) -> Result<Report, DbError> {
    let compared = compared(db, scope).await?;
    let report = compared.report.clone();
    let compared = Arc::new(Mutex::new(compared));
    db.write(scope, (scope.tenant, by, compared), |tx, (tenant, by, compared)| {
        Box::pin(async move {
            let mut compared = compared.lock().await;
            put_in_place(tx, *tenant, by, &mut compared).await
        })
    })
    .await?;
    Ok(report)
}

/// The views as the log says they are, and where those that are there differ from them.
struct Compared {
    views: Views,
    differing: Differing,
    report: Report,
}

async fn compared(db: &Db, scope: TenantScope) -> Result<Compared, DbError> {
    db.read_snapshot(scope, scope.tenant, |tx, tenant| {
        Box::pin(async move {
            let mut views = Views::of(*tenant);
            views.read(tx).await?;
            let (differing, mut report) = compare::all(tx, &views).await?;
            report.events = views.n_events();
            (report.packages, report.files) = (views.packages.len(), views.files.len());
            Ok(Compared { views, differing, report })
        })
    })
    .await
}

async fn put_in_place(tx: &Tx<'_>, tenant: TenantId, by: &Actor, compared: &mut Compared) -> Result<(), DbError> {
    super::lock_log(tx, tenant).await?;
    let Compared { views, differing, report } = compared;
    // Nothing is added from here on; rows that were right are kept so by those who add events.
    views.read(tx).await?;
    swap::put(tx, views, differing).await?;
    let detail = json!({"mode": "rebuild", "events": report.events, "differences": report.n_differences});
    let entry = NewEntry { action: Action::ArtifactsReplayed, object: None, detail };
    audit::write(tx, tenant, by, [entry]).await
}
