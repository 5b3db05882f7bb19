//! What people say of fixes.

use super::{found, require, rerendering};
use crate::app::{App, AppError, Code};
use packshot_contract::review::{OutcomeWish, SuggestedFix};
use packshot_db::TenantScope;
use packshot_db::reviews::{self as rows, FixRef, Rerendering, SaidOutcome};
use packshot_domain::principal::Principal;

/// Says the outcome of a fix. One that did not work, or that nobody wants, takes its alias back, and the lines that
/// were rendered with it are rendered again. Returns the fix, with the version of its review.
///
/// # Errors
/// [`Code::FeatureDisabled`], [`Code::MaterialReviewNotFound`], [`Code::SuggestedFixNotFound`],
/// [`Code::PreconditionFailed`]; [`Code::NotesRequired`], [`Code::FixTerminal`].
pub async fn say(
    app: &App,
    who: &Principal,
    of: FixRef,
    expected: Option<i64>,
    wish: OutcomeWish,
) -> Result<(SuggestedFix, i64), AppError> {
    require(app, who).await?;
    let scope = TenantScope::of(who.tenant);
    let OutcomeWish { outcome, notes, rerender } = wish;
    let review = rows::get(&app.db, scope, of.review).await?;
    let fix = review.fixes.iter().find(|fix| fix.id == of.fix);
    let fix = fix.ok_or_else(|| AppError::new(Code::SuggestedFixNotFound, "the review has no such fix"))?;
    let is_undone = rerender && outcome.takes_back() && fix.wrote_alias && !fix.state.status.is_terminal();
    let rerendering = match &fix.rerender {
        Some(before) if is_undone && !before.tasks.is_empty() => {
            let names = [(fix.scope, fix.alias_key.clone(), None)];
            rerendering::rendered(app, who, &before.lines, Some(review.subject), &names).await?
        }
        _ => Rerendering::default(),
    };
    let by = (who.actor(), who.user);
    let said = SaidOutcome { of, expected, by, outcome, notes, rerendering };
    found(rows::say(&app.db, scope, said).await?, of.fix)
}

/// Removes the outcome that a check of the pictures suggests. Without one nothing happens. Returns the fix, with the
/// version of its review.
///
/// # Errors
/// [`Code::FeatureDisabled`], [`Code::MaterialReviewNotFound`], [`Code::SuggestedFixNotFound`].
pub async fn discard_proposal(app: &App, who: &Principal, of: FixRef) -> Result<(SuggestedFix, i64), AppError> {
    require(app, who).await?;
    found(rows::discard_proposal(&app.db, TenantScope::of(who.tenant), of).await?, of.fix)
}
