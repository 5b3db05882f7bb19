//! Reviews of materials: which parts pictures show in the fallback material, which materials are proposed for them, and
//! how that went (suggested-fixes.md).

mod applying;
mod names;
mod note;
mod rerendering;
mod saying;
mod shown;

use crate::app::{App, AppError, Code, Page, PageRequest};
use crate::libraries::proposals;
use crate::tenancy::RenderSettings;
use packshot_contract::review::{MaterialReview, SuggestedFix};
use packshot_db::TenantScope;
use packshot_db::reviews::{self as rows, Opened};
use packshot_domain::feature::Feature;
use packshot_domain::id::{FixId, ReviewId};
use packshot_domain::principal::Principal;
use packshot_domain::reader::{Reader, Rows};
use packshot_domain::review::{ReviewEvent, ReviewSubject};

pub use applying::{apply, apply_top};
pub use names::{NamePage, apply_names, names};
pub use note::preview;
pub use packshot_db::reviews::{FixRef, NameCursor, NameFilter, ReviewFilter};
pub use saying::{discard_proposal, say};

async fn require(app: &App, who: &Principal) -> Result<RenderSettings, AppError> {
    let settings = RenderSettings::in_force(app, who).await?;
    settings.require(Feature::SuggestedFixes)?;
    Ok(settings)
}

/// A page of reviews, newest first.
///
/// # Errors
/// [`Code::FeatureDisabled`].
pub async fn list(
    app: &App,
    reader: &Reader,
    filter: ReviewFilter,
    page: PageRequest,
) -> Result<Page<MaterialReview>, AppError> {
    // Whoever reads the rows of all tenants reads them whatever one of them has switched off.
    if reader.rows == Rows::OfTenant {
        require(app, &reader.who).await?;
    }
    let Page { items, next } = rows::list(&app.db, reader, filter, page).await?;
    Ok(Page { items: items.into_iter().map(shown::review).collect(), next })
}

/// A review as it is now.
///
/// # Errors
/// [`Code::FeatureDisabled`], [`Code::MaterialReviewNotFound`].
pub async fn get(app: &App, who: &Principal, id: ReviewId) -> Result<MaterialReview, AppError> {
    require(app, who).await?;
    Ok(shown::review(rows::get(&app.db, TenantScope::of(who.tenant), id).await?))
}

/// A review as it is now, with the number of the last event that this contains.
///
/// # Errors
/// [`Code::FeatureDisabled`], [`Code::MaterialReviewNotFound`].
pub async fn follow(app: &App, who: &Principal, id: ReviewId) -> Result<(MaterialReview, i64), AppError> {
    require(app, who).await?;
    let (review, seq) = rows::follow(&app.db, TenantScope::of(who.tenant), id).await?;
    Ok((shown::review(review), seq))
}

/// A fix as it is now, with the version of its review.
///
/// # Errors
/// [`Code::FeatureDisabled`], [`Code::MaterialReviewNotFound`], [`Code::SuggestedFixNotFound`].
pub async fn fix(app: &App, who: &Principal, of: FixRef) -> Result<(SuggestedFix, i64), AppError> {
    require(app, who).await?;
    found(rows::get(&app.db, TenantScope::of(who.tenant), of.review).await?, of.fix)
}

/// A fix of a review, with its version.
fn found(review: rows::Review, id: FixId) -> Result<(SuggestedFix, i64), AppError> {
    let version = review.state_version;
    let fixes = shown::review(review).fixes;
    let fix = fixes.into_iter().find(|fix| fix.id == id.uuid());
    let gone = || AppError::new(Code::SuggestedFixNotFound, "the review has no such fix");
    fix.map(|fix| (fix, version)).ok_or_else(gone)
}

/// A review, and whether it was made with this request.
#[derive(Clone, Debug)]
pub struct OpenedReview {
    /// The review.
    pub review: MaterialReview,
    /// Whether it is new.
    pub is_new: bool,
}

/// The review of a line, a render or a design job; it is made where there is none yet.
///
/// # Errors
/// [`Code::FeatureDisabled`], [`Code::OrderLineNotFound`], [`Code::RenderNotFound`], [`Code::RenderJobNotFound`];
/// [`Code::NothingUnmapped`] when its newest pictures show no part in the fallback material.
pub async fn open(app: &App, who: &Principal, subject: ReviewSubject) -> Result<OpenedReview, AppError> {
    require(app, who).await?;
    let scope = TenantScope::of(who.tenant);
    if let Some(there) = rows::of_subject(&app.db, scope, subject).await? {
        return Ok(OpenedReview { review: shown::review(there), is_new: false });
    }
    let rows::Unmapped { parts, product } = rows::unmapped_of(&app.db, scope, subject).await?;
    let place = (&app.db, &app.store, &*app.settings);
    let proposed = proposals::propose(place, scope, product, parts).await?;
    match rows::open(&app.db, scope, subject, proposed).await? {
        Opened::Made(review) => Ok(OpenedReview { review: shown::review(*review), is_new: true }),
        Opened::There(review) => Ok(OpenedReview { review: shown::review(*review), is_new: false }),
        Opened::Nothing => {
            let detail = "its newest pictures show no part in the fallback material";
            Err(AppError::new(Code::NothingUnmapped, detail))
        }
    }
}

/// Puts fresh proposals into a review. Fixes to which anything was done stay.
///
/// # Errors
/// [`Code::FeatureDisabled`], [`Code::MaterialReviewNotFound`].
pub async fn refresh(app: &App, who: &Principal, id: ReviewId) -> Result<MaterialReview, AppError> {
    require(app, who).await?;
    let scope = TenantScope::of(who.tenant);
    let review = rows::get(&app.db, scope, id).await?;
    let parts = review.parts.into_iter().filter(|part| !part.resolved).map(|part| part.part).collect();
    let place = (&app.db, &app.store, &*app.settings);
    let proposed = proposals::propose(place, scope, review.product, parts).await?;
    Ok(shown::review(rows::refresh(&app.db, scope, id, proposed).await?))
}

/// Closes a review, or opens it again.
///
/// # Errors
/// [`Code::FeatureDisabled`], [`Code::MaterialReviewNotFound`].
pub async fn happen(app: &App, who: &Principal, id: ReviewId, event: ReviewEvent) -> Result<MaterialReview, AppError> {
    require(app, who).await?;
    Ok(shown::review(rows::happen(&app.db, TenantScope::of(who.tenant), id, event).await?))
}
