//! Errors of the database.

use std::borrow::Cow;

use sea_orm::{DbErr, RuntimeErr, sqlx};

use super::artifacts::ArtifactError;
use super::media::UnfitThumbnail;
use super::media::changing::MediaRefusal;
use super::roles::RolesError;
use packshot_domain::cad_file::IllegalCadState;
use packshot_domain::design_job::{DesignRefusal, IllegalDesignState};
use packshot_domain::fix::FixRefusal;
use packshot_domain::id::TaskId;
use packshot_domain::order::OrderRefusal;
use packshot_domain::task::StateError;
use packshot_domain::tenant::TenantRefusal;
use packshot_domain::webhook::{IllegalDeliveryState, WEBHOOKS_MAX};

/// Why a function of the database failed. Nothing was changed then, except possibly with [`DbError::Unanswered`].
#[derive(Clone, Debug, thiserror::Error)]
pub enum DbError {
    /// There is no such row, or it belongs to another tenant.
    #[error("no such {0}")]
    NotFound(&'static str),
    /// The task is held by another worker by now, or by none.
    #[error("the lease of task {0} is lost")]
    LeaseLost(TaskId),
    /// The state of the job or task forbids it.
    #[error(transparent)]
    State(#[from] StateError),
    /// The row has changed since it was read.
    #[error("it was changed meanwhile: its revision is {current} now")]
    Stale {
        /// The revision that is there.
        current: i64,
    },
    /// A row with this name exists already, with other content.
    #[error("this {0} exists already")]
    Exists(&'static str),
    /// Nobody would be left who can administer the tenant, or the installation.
    #[error(transparent)]
    LastAdmin(#[from] LastAdmin),
    /// The tenant has as much already as it may have.
    #[error(transparent)]
    Exceeded(#[from] Exceeded),
    /// The state of the tenant forbids it.
    #[error(transparent)]
    Tenant(TenantRefusal),
    /// What is known of an artifact forbids it, or its log is damaged.
    #[error(transparent)]
    Artifact(#[from] ArtifactError),
    /// The state of a CAD file forbids it.
    #[error(transparent)]
    CadFile(#[from] IllegalCadState),
    /// Something is at work on the CAD file.
    #[error("the CAD file is being converted or read, or gets its picture")]
    CadFileBusy,
    /// The state of a delivery forbids it.
    #[error(transparent)]
    Delivery(#[from] IllegalDeliveryState),
    /// Something about a suggested fix forbids it.
    #[error(transparent)]
    Fix(#[from] FixRefusal),
    /// Something about a design job forbids it.
    #[error(transparent)]
    Design(#[from] DesignRefusal),
    /// The state of a design job has no place for what happened.
    #[error(transparent)]
    DesignState(#[from] IllegalDesignState),
    /// Something about an order forbids it.
    #[error(transparent)]
    Order(#[from] OrderRefusal),
    /// A media asset cannot stand for a product.
    #[error(transparent)]
    Thumbnail(#[from] UnfitThumbnail),
    /// Something about a media asset forbids it.
    #[error(transparent)]
    Media(#[from] MediaRefusal),
    /// A task of a workflow's run is not put back: its line, or its workflow, is dispatched again.
    #[error("the task is part of a workflow run")]
    OfRun,
    /// Something else refers to the row.
    #[error("this {0} is in use")]
    InUse(&'static str),
    /// The database cannot be reached at the moment.
    #[error("the database cannot be reached")]
    Unavailable(#[source] DbErr),
    /// The database went away during a commit: whether it was committed is not known.
    #[error("the database did not answer a commit")]
    Unanswered(#[source] DbErr),
    /// The handle was closed.
    #[error("the database is closed")]
    Closed,
    /// The database has no space left.
    #[error("the database has no space left")]
    Full(#[source] DbErr),
    /// A row holds what this version cannot read.
    #[error("a stored {what} cannot be read: {reason}")]
    Corrupt {
        /// Which value.
        what: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// Another version of Packshot made the schema.
    #[error(
        "the database was made by another version of Packshot: it has the migration {0}, which this one does not know"
    )]
    Schema(String),
    /// There is a tenant, and the database is used as one role.
    #[error("the database is used as one role, which serves one tenant")]
    OneRole,
    /// The database is not used as the roles that it was opened with.
    #[error(transparent)]
    Roles(#[from] RolesError),
    /// Not possible with this engine, or here.
    #[error("not possible: {0}")]
    Unsupported(String),
    /// Anything else: a defect.
    #[error("the database refused a statement")]
    Internal(#[source] DbErr),
}

/// Whose last admin somebody is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LastAdmin {
    /// The installation's.
    #[error("this is the last active global admin")]
    Global,
    /// A tenant's.
    #[error("this is the tenant's last active admin")]
    Tenant,
}

/// What a tenant has as much of as it may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Exceeded {
    /// Jobs that wait.
    #[error("as many jobs are waiting already as this tenant's `max_queued_jobs` allows: {max}")]
    QueuedJobs {
        /// The limit.
        max: i32,
    },
    /// Webhooks.
    #[error("the tenant has {WEBHOOKS_MAX} webhooks, which is as many as it may have")]
    Webhooks,
    /// Bytes in stored files.
    #[error("this would make {needed} bytes of stored files, and this tenant's `max_storage_bytes` allows {max}")]
    StoredBytes {
        /// How many there would be.
        needed: i64,
        /// The limit.
        max: i64,
    },
}

impl From<TenantRefusal> for DbError {
    fn from(refusal: TenantRefusal) -> Self {
        match refusal {
            // A deleted tenant is treated like one that never existed.
            TenantRefusal::Gone => Self::NotFound("tenant"),
            refusal => Self::Tenant(refusal),
        }
    }
}

impl From<DbErr> for DbError {
    fn from(error: DbErr) -> Self {
        match Condition::of(&error) {
            Condition::Away => Self::Unavailable(error),
            Condition::Full => Self::Full(error),
            Condition::Unreadable(reason) => Self::Corrupt { what: "value", reason },
            Condition::Retry | Condition::Other => Self::Internal(error),
        }
    }
}

impl DbError {
    /// The error of a commit. If the database could not be reached, it is not known whether the transaction was
    /// committed.
    pub(super) fn of_commit(error: DbErr) -> Self {
        match Self::from(error) {
            Self::Unavailable(error) => Self::Unanswered(error),
            certain => certain,
        }
    }

    /// Whether trying again in a new transaction may succeed: this one lost a race that the engine resolved.
    pub(super) fn is_race(&self) -> bool {
        matches!(self, Self::Internal(error) if matches!(Condition::of(error), Condition::Retry))
    }
}

/// The kinds of errors that engines report, as far as they matter here.
enum Condition {
    Away,
    Full,
    Retry,
    Unreadable(String),
    Other,
}

impl Condition {
    fn of(error: &DbErr) -> Self {
        let (DbErr::Exec(runtime) | DbErr::Query(runtime)) = error else {
            return match error {
                DbErr::ConnectionAcquire(_) | DbErr::Conn(_) => Self::Away,
                DbErr::Type(reason) | DbErr::Json(reason) => Self::Unreadable(reason.clone()),
                _ => Self::Other,
            };
        };
        let RuntimeErr::SqlxError(error) = runtime else { return Self::Other };
        match &**error {
            sqlx::Error::Database(error) => {
                let is_sqlite = error.try_downcast_ref::<sqlx::sqlite::SqliteError>().is_some();
                let code = error.code().unwrap_or(Cow::Borrowed(""));
                if is_sqlite { Self::of_sqlite(&code) } else { Self::of_postgres(&code) }
            }
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::Protocol(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed => Self::Away,
            sqlx::Error::ColumnDecode { source, .. } => Self::Unreadable(source.to_string()),
            _ => Self::Other,
        }
    }

    /// From a result code of SQLite (<https://sqlite.org/rescode.html>): the lower byte is the primary code.
    fn of_sqlite(code: &str) -> Self {
        match code.parse::<u32>().map(|code| code & 0xff) {
            // BUSY and LOCKED, after the time that a connection waits for others; READONLY, IOERR, CANTOPEN.
            Ok(5 | 6 | 8 | 10 | 14) => Self::Away,
            Ok(13) => Self::Full,
            _ => Self::Other,
        }
    }

    /// From a SQLSTATE (PostgreSQL documentation, appendix A).
    fn of_postgres(code: &str) -> Self {
        match code {
            "40001" | "40P01" => Self::Retry,
            "53100" => Self::Full,
            // Operator intervention, insufficient resources, connection exceptions.
            _ if code.starts_with("57") || code.starts_with("53") || code.starts_with("08") => Self::Away,
            _ => Self::Other,
        }
    }
}
