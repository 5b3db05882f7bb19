//! A repeated request gets the same answer and takes effect once.
//!
//! The caller gives each request a key, and words its answer. This module does not interpret the answer: it keeps it
//! for a day, and returns it when the request is repeated.

use std::time::Duration;

use crate::app::{App, AppError, Code};
use packshot_db::TenantScope;
use packshot_db::idempotency as rows;
use packshot_domain::id::RenderId;
use packshot_domain::principal::Principal;

pub use packshot_db::idempotency::{IdempotentRequest, StoredAnswer};

/// How long a request that does not wait may take before it counts as interrupted.
pub const IN_FLIGHT: Duration = Duration::from_secs(60);

/// What is known of a request that is to begin.
#[derive(Debug)]
pub enum Beginning {
    /// Nothing: go on, and [`settle`] it.
    New,
    /// It was interrupted after it had made this render: answer as that is now, and [`settle`] it.
    Made(RenderId),
    /// It was answered.
    Answered(StoredAnswer),
}

impl Beginning {
    /// What a row says.
    ///
    /// # Errors
    /// [`Code::IdempotencyInFlight`], [`Code::IdempotencyKeyReused`].
    pub(crate) fn of(begun: rows::Begun) -> Result<Self, AppError> {
        match begun {
            rows::Begun::Fresh => Ok(Self::New),
            rows::Begun::Interrupted(render) => Ok(Self::Made(render)),
            rows::Begun::Replay(answer) => Ok(Self::Answered(answer)),
            rows::Begun::InFlight => {
                Err(AppError::new(Code::IdempotencyInFlight, "a request with this key is still in progress"))
            }
            rows::Begun::Reused => {
                let detail = "this key was already used for a request with a different body";
                Err(AppError::new(Code::IdempotencyKeyReused, detail))
            }
        }
    }
}

/// What a request was answered; `None` when it is new or was interrupted. Nothing begins.
///
/// # Errors
/// As [`begin`].
pub async fn lookup(app: &App, who: &Principal, request: &IdempotentRequest) -> Result<Option<StoredAnswer>, AppError> {
    let begun = rows::lookup(&app.db, TenantScope::of(who.tenant), request).await?;
    match Beginning::of(begun)? {
        Beginning::Answered(answer) => Ok(Some(answer)),
        Beginning::New | Beginning::Made(_) => Ok(None),
    }
}

/// Begins a request that takes at most [`IN_FLIGHT`], unless it is known.
///
/// # Errors
/// [`Code::IdempotencyInFlight`], [`Code::IdempotencyKeyReused`].
pub async fn begin(app: &App, who: &Principal, request: IdempotentRequest) -> Result<Beginning, AppError> {
    Beginning::of(rows::begin(&app.db, TenantScope::of(who.tenant), request, IN_FLIGHT).await?)
}

/// Keeps what a request that was begun is answered; without an answer it can be made again.
///
/// # Errors
/// Errors of the database.
pub async fn settle(
    app: &App,
    who: &Principal,
    request: IdempotentRequest,
    answer: Option<StoredAnswer>,
) -> Result<(), AppError> {
    let scope = TenantScope::of(who.tenant);
    match answer {
        Some(answer) => rows::finish(&app.db, scope, request, answer).await?,
        None => rows::abandon(&app.db, scope, request).await?,
    }
    Ok(())
}
