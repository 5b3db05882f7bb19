//! Designs on products: jobs in seven steps, of which the first two run within the request, and printable areas
//! (design-renders.md).

pub mod areas;
mod canvas;
pub mod checking;
mod composing;
mod leftovers;
pub mod presets;
mod previewing;
mod shown;
mod starting;
mod storing;
mod waiting;

use crate::app::{App, AppError, Page, PageRequest};
use crate::packages::caller;
use crate::renders::of_design::Workfolder;
use crate::settings::InForce;
use crate::tenancy::RenderSettings;
use packshot_contract::design::DesignJob;
use packshot_db::TenantScope;
use packshot_db::designs::{self as rows, ending};
use packshot_db::jobs::Cancelling;
use packshot_domain::design_job::DesignRefusal;
use packshot_domain::feature::Feature;
use packshot_domain::id::DesignJobId;
use packshot_domain::principal::Principal;
use packshot_domain::reader::{Reader, Rows};

pub use composing::ComposeHandler;
pub use packshot_db::designs::DesignFilter;
pub use packshot_db::designs::ending::ShownMedia;
pub use previewing::{Preview, PreviewForm, preview};
pub use starting::{SentDesign, again, create};
pub use storing::StoreHandler;
pub use waiting::until_ended;

/// The largest file of a design that is accepted.
///
/// # Errors
/// Errors of the database.
pub async fn bytes_max(app: &App) -> Result<u64, AppError> {
    Ok(InForce::of_instance(&app.db, &app.settings).await?.max_design_bytes)
}

async fn require(app: &App, who: &Principal) -> Result<RenderSettings, AppError> {
    let settings = RenderSettings::in_force(app, who).await?;
    settings.require(Feature::DesignRenders)?;
    Ok(settings)
}

/// A page of design jobs, newest first.
///
/// # Errors
/// `feature_disabled`.
pub async fn list(
    app: &App,
    reader: &Reader,
    filter: DesignFilter,
    page: PageRequest,
) -> Result<Page<DesignJob>, AppError> {
    // Whoever reads the rows of all tenants reads them whatever one of them has switched off.
    if reader.rows == Rows::OfTenant {
        require(app, &reader.who).await?;
    }
    let Page { items, next } = rows::list(&app.db, reader, filter, page).await?;
    Ok(Page { items: items.into_iter().map(shown::job).collect(), next })
}

/// A design job as it is now.
///
/// # Errors
/// `feature_disabled`, `render_job_not_found`.
pub async fn get(app: &App, who: &Principal, id: DesignJobId) -> Result<DesignJob, AppError> {
    require(app, who).await?;
    Ok(shown::job(rows::get(&app.db, TenantScope::of(who.tenant), id).await?))
}

/// A design job as it is now, with the number of the last event that this contains.
///
/// # Errors
/// `feature_disabled`, `render_job_not_found`.
pub async fn follow(app: &App, who: &Principal, id: DesignJobId) -> Result<(DesignJob, i64), AppError> {
    require(app, who).await?;
    let (job, seq) = rows::follow(&app.db, TenantScope::of(who.tenant), id).await?;
    Ok((shown::job(job), seq))
}

/// Outcome of a request to cancel.
#[derive(Clone, Debug)]
pub enum Cancelled {
    /// The job has ended, now or before.
    Ended(Box<DesignJob>),
    /// Its task is being stopped.
    Stopping(Box<DesignJob>),
}

/// Cancels a design job.
///
/// # Errors
/// `feature_disabled`, `render_job_not_found`.
pub async fn cancel(app: &App, who: &Principal, id: DesignJobId) -> Result<Cancelled, AppError> {
    require(app, who).await?;
    let cancelling = ending::cancel(&app.db, TenantScope::of(who.tenant), id).await?;
    Ok(match cancelling {
        Cancelling::Cancelled(job) => {
            tidy(app, id).await;
            Cancelled::Ended(Box::new(shown::job(job)))
        }
        Cancelling::Unchanged(job) => Cancelled::Ended(Box::new(shown::job(job))),
        Cancelling::Requested(job) => Cancelled::Stopping(Box::new(shown::job(job))),
    })
}

/// Tries a design job again, from its first step that is not done on.
///
/// # Errors
/// `feature_disabled`, `render_job_not_found`; `render_job_not_failed`, `design_missing`.
pub async fn retry(app: &App, who: &Principal, id: DesignJobId) -> Result<DesignJob, AppError> {
    require(app, who).await?;
    let scope = TenantScope::of(who.tenant);
    let job = rows::get(&app.db, scope, id).await?;
    if job.job.is_none() && job.status.is_terminal() {
        return Err(DesignRefusal::DesignMissing.into());
    }
    let from = job.goes_on_with;
    let tasks = starting::tasks(from, &job.spec, &job.request);
    Ok(shown::job(ending::retry(&app.db, scope, id, from, tasks).await?))
}

/// Deletes a design job that has ended, with its files that no gallery shows; with [`ShownMedia::Deleted`] also those.
///
/// # Errors
/// `feature_disabled`, `render_job_not_found`, `render_job_not_terminal`.
pub async fn delete(app: &App, who: &Principal, id: DesignJobId, media: ShownMedia) -> Result<(), AppError> {
    require(app, who).await?;
    let by = caller::of(app, who).await?;
    Ok(ending::delete(&app.db, TenantScope::of(who.tenant), by, id, media).await?)
}

/// Removes the working folder of a job that has ended. What stays is removed at the next check.
async fn tidy(app: &App, id: DesignJobId) {
    if let Err(reason) = Workfolder::of_job(&app.settings, id).remove().await {
        tracing::warn!("the working folder of the design job {id} cannot be removed: {reason}");
    }
}
