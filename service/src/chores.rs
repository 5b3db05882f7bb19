//! Chores with stored files: what is due is let go, and what is kept is read and compared. The service does them by
//! itself from time to time; a request makes a task of one.
//!
//! A collection is of the caller's tenant. A replay and a reading of all files are of the whole installation: their
//! tasks belong to the tenant that runs it, so that nobody else reads there what others have.

use serde::Serialize;

use crate::app::{App, AppError, Explained};
use crate::objects::ObjectError;
use crate::store::StoreError;
use crate::tasks;
use packshot_contract::chore::{CollectRequest, ReplayRequest, ScrubRequest};
use packshot_contract::task::Task;
use packshot_db::artifacts::ArtifactError;
use packshot_db::artifacts::collection::CollectError;
use packshot_db::tasks::NewChore;
use packshot_db::{AllTenants, Db, DbError, TenantScope, installation, tasks as rows, tenants};
use packshot_domain::audit::{Action, Actor};
use packshot_domain::id::{TaskId, TenantId};
use packshot_domain::principal::Principal;
use packshot_domain::task::{Chore, FaultKind};
use packshot_worker::protocol::Failure;

pub mod collection;
pub mod media;
pub mod orphans;
pub mod scrub;
mod replay;
mod work;

pub use work::ChoreHandler;

/// Why a chore stopped. What it has done stays done, and the next one goes on.
#[derive(Debug, thiserror::Error)]
pub enum ChoreError {
    /// The database.
    #[error(transparent)]
    Database(#[from] DbError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The log of a tenant's artifacts is damaged.
    #[error("tenant {tenant}: {error}")]
    Log {
        /// The tenant.
        tenant: TenantId,
        /// What is wrong.
        error: ArtifactError,
    },
}

impl From<CollectError<StoreError>> for ChoreError {
    fn from(error: CollectError<StoreError>) -> Self {
        match error {
            CollectError::Database(error) => Self::Database(error),
            CollectError::Store(error) => Self::Store(error),
        }
    }
}

impl From<ObjectError> for ChoreError {
    fn from(error: ObjectError) -> Self {
        match error {
            ObjectError::Gone => Self::Store(StoreError::NotFound),
            ObjectError::Damaged { address, .. } => Self::Store(StoreError::Corrupt { address }),
            ObjectError::Store(error) => Self::Store(error),
            ObjectError::Database(error) => Self::Database(error),
        }
    }
}

impl ChoreError {
    /// The failure of a task.
    fn into_failure(self) -> Failure {
        let detail = self.to_string();
        match self {
            Self::Log { error: ArtifactError::EventCorrupt { .. }, .. } => {
                Failure::new(FaultKind::Input, "event_corrupt", detail)
            }
            Self::Log { error: ArtifactError::EventGap { .. }, .. } => {
                Failure::new(FaultKind::Input, "event_gap", detail)
            }
            Self::Log { .. } | Self::Database(_) | Self::Store(_) => {
                tracing::warn!("a chore stopped: {self:?}");
                Failure::infrastructure("unavailable", detail)
            }
        }
    }
}

/// What a replay does, in words.
pub(crate) const REPLAY: Explained = Explained {
    name: "replay",
    title: "Replay the log of artifacts",
    body: "Makes what is known of packages and files again from the log, and compares it with what there is, or puts it \
           in its place.",
    affects: &["artifacts"],
    unit: None,
    recommendation: Some("compare first: it changes nothing, and says what differs"),
    warning: None,
};

/// What a reading of all files does, in words.
pub(crate) const SCRUB: Explained = Explained {
    name: "scrub",
    title: "Check stored files",
    body: "Reads every stored file and compares it with its hash. What is missing or damaged is noted for each package \
           that has it.",
    affects: &["artifacts"],
    unit: None,
    recommendation: None,
    warning: Some("it reads at scrub_rate_mb_s, so that a terabyte takes hours"),
};

/// Lets go of what is due in the caller's tenant, or says what would go.
///
/// # Errors
/// Errors of the database.
pub async fn collect(app: &App, who: &Principal, request: CollectRequest) -> Result<Task, AppError> {
    ask(app, TenantScope::of(who.tenant), Chore::Collect, &request, None).await
}

/// Makes the views of all artifacts again from their logs.
///
/// # Errors
/// Errors of the database.
pub async fn replay(app: &App, who: &Principal, request: ReplayRequest) -> Result<Task, AppError> {
    let audited = Some((who.actor(), Action::ArtifactsReplayed));
    ask(app, operating(app).await?, Chore::Replay, &request, audited).await
}

/// Reads all stored files, and compares them with their hashes.
///
/// # Errors
/// Errors of the database.
pub async fn scrub(app: &App, request: ScrubRequest) -> Result<Task, AppError> {
    ask(app, operating(app).await?, Chore::Scrub, &request, None).await
}

async fn operating(app: &App) -> Result<TenantScope, AppError> {
    Ok(TenantScope::of(installation::get(&app.db, AllTenants::Instance).await?.operating_tenant))
}

async fn ask(
    app: &App,
    scope: TenantScope,
    chore: Chore,
    request: &(impl Serialize + Sync),
    audited: Option<(Actor, Action)>,
) -> Result<Task, AppError> {
    let kwargs = serde_json::to_value(request).map_err(AppError::internal)?;
    let new = NewChore { id: TaskId::new(), chore, kwargs, audited };
    Ok(tasks::task(rows::ask(&app.db, scope, new).await?))
}

/// The tenants whose files are looked after.
pub(crate) async fn kept_tenants(db: &Db) -> Result<Vec<TenantId>, DbError> {
    tenants::kept(db, AllTenants::Housekeeping).await
}
