//! How many tasks of each queue run at once.

use sea_orm::ActiveValue::Set;
use sea_orm::{ActiveModelTrait, EntityTrait, IntoActiveModel, QuerySelect};
use serde_json::json;

use super::column::Col;
use super::entity::worker_config;
use super::level::Level;
use super::{AllTenants, Db, DbError, Json, Notice, audit, installation};
use audit::NewEntry;
use packshot_domain::audit::{Action, Actor};
use packshot_domain::concurrency::Concurrency;
use packshot_domain::task::QueueName;
use packshot_domain::time::Timestamp;

/// The limits of a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WorkerConfig {
    /// The queue.
    pub queue: QueueName,
    /// Its limits.
    pub limits: Concurrency,
    /// When they were changed.
    pub updated_at: Timestamp,
    /// Counts their changes.
    pub revision: i64,
}

/// The limits of all queues, in the order of [`QueueName::ALL`].
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn list(db: &Db, all: AllTenants) -> Result<Vec<WorkerConfig>, DbError> {
    db.read(all, (), |tx, ()| {
        Box::pin(async move {
            let rows = worker_config::Entity::find().all(tx.on()).await?;
            let of_queue = |queue: &QueueName| rows.iter().find(|row| row.queue_name == Col(*queue));
            QueueName::ALL.iter().filter_map(of_queue).map(WorkerConfig::of).collect()
        })
    })
    .await
}

/// The limits of a queue.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn get(db: &Db, all: AllTenants, queue: QueueName) -> Result<WorkerConfig, DbError> {
    db.read(all, queue, |tx, queue| {
        Box::pin(async move {
            let row = worker_config::Entity::find_by_id(Col(*queue)).one(tx.on()).await?;
            WorkerConfig::of(&row.ok_or(DbError::NotFound("queue"))?)
        })
    })
    .await
}

/// Sets the limits of a queue; with `expected`, only if that is the current revision. What changes nothing is not
/// counted. The change is in the audit log of the tenant that runs the installation.
///
/// # Errors
///
/// [`DbError::Stale`].
pub async fn put(
    db: &Db,
    all: AllTenants,
    by: Actor,
    queue: QueueName,
    limits: Concurrency,
    expected: Option<i64>,
) -> Result<WorkerConfig, DbError> {
    db.write(all, (by, queue, limits, expected), |tx, (by, queue, limits, expected)| {
        Box::pin(async move {
            tx.enter(Level::Queue);
            let row = worker_config::Entity::find_by_id(Col(*queue)).lock_exclusive().one(tx.on()).await?;
            let row = row.ok_or(DbError::NotFound("queue"))?;
            if expected.is_some_and(|expected| expected != row.revision) {
                return Err(DbError::Stale { current: row.revision });
            }
            let before = WorkerConfig::of(&row)?;
            if before.limits == *limits {
                return Ok(before);
            }
            let revision = row.revision + 1;
            let mut row = row.into_active_model();
            row.max_concurrency = Set(limits.max());
            row.min_concurrency = Set(limits.min());
            row.updated_at = Set(Col(tx.now().await?));
            row.revision = Set(revision);
            let row = row.update(tx.on()).await?;
            tx.announce(Notice::WorkerConfigs);
            let object = Some(("worker_config", queue.to_string()));
            let detail = audit::change(&shown(before.limits), &shown(*limits));
            let entry = NewEntry { action: Action::WorkerConfigChanged, object, detail };
            audit::write(tx, installation::load(tx).await?.operating_tenant, by, [entry]).await?;
            WorkerConfig::of(&row)
        })
    })
    .await
}

/// What the audit log shows of limits.
fn shown(limits: Concurrency) -> Json {
    json!({"max_concurrency": limits.max(), "min_concurrency": limits.min()})
}

impl WorkerConfig {
    fn of(row: &worker_config::Model) -> Result<Self, DbError> {
        let worker_config::Model { queue_name, max_concurrency, min_concurrency, updated_at, revision } = *row;
        let limits = Concurrency::new(max_concurrency.into(), min_concurrency.into());
        let limits =
            limits.map_err(|error| DbError::Corrupt { what: "worker configuration", reason: error.to_string() })?;
        Ok(Self { queue: queue_name.0, limits, updated_at: updated_at.0, revision })
    }
}
