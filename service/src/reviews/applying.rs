//! Fixes applied: one, or the first of every part.

use std::collections::BTreeMap;
use std::sync::Arc;

use packshot_materials::library::{Library, Status};

use super::rerendering::{self, Renamed};
use super::{found, require, shown};
use crate::app::{App, AppError, Code};
use crate::libraries::aliases::in_force;
use packshot_contract::review::{ApplyTopResult, SkippedPart, SuggestedFix};
use packshot_db::material_aliases;
use packshot_db::reviews::{self as rows, Applied, Applying, Fix, FixRef, Review, ReviewPart};
use packshot_db::{DbError, TenantScope};
use packshot_domain::fix::{FixRefusal, FixStatus};
use packshot_domain::id::ReviewId;
use packshot_domain::material_alias::AliasScope;
use packshot_domain::principal::Principal;
use packshot_domain::review::RerenderMode;

/// Applies a fix: the tenant's alias is written, and what shows its name in the fallback material is rendered again. A
/// second time nothing happens. Returns the fix, with the version of its review.
///
/// # Errors
/// [`Code::FeatureDisabled`], [`Code::MaterialReviewNotFound`], [`Code::SuggestedFixNotFound`],
/// [`Code::PreconditionFailed`]; [`Code::FixNotProposed`], [`Code::AliasConflict`], [`Code::MaterialUnavailable`],
/// [`Code::TooManyAliases`].
pub async fn apply(
    app: &App,
    who: &Principal,
    of: FixRef,
    expected: Option<i64>,
    mode: RerenderMode,
) -> Result<(SuggestedFix, i64), AppError> {
    require(app, who).await?;
    let scope = TenantScope::of(who.tenant);
    let review = rows::get(&app.db, scope, of.review).await?;
    if let Some(current) =
        Some(review.state_version).filter(|current| expected.is_some_and(|wanted| wanted != *current))
    {
        return Err(DbError::Stale { current }.into());
    }
    let fix = review.fixes.iter().find(|fix| fix.id == of.fix).cloned();
    let fix = fix.ok_or_else(|| AppError::new(Code::SuggestedFixNotFound, "the review has no such fix"))?;
    match fix.state.applied(app.db.now().await?) {
        Err(FixRefusal::Applied) => return found(review, of.fix),
        Err(refusal) => return Err(DbError::from(refusal).into()),
        Ok(_) => {}
    }
    if !is_available(&in_force(app, who).await?, &fix.material) {
        let detail = format!("no library in force has the material {}, or it is deprecated", fix.material);
        return Err(AppError::new(Code::MaterialUnavailable, detail));
    }
    let rerendering = rerendering::of_names(app, who, (Some(review.subject), mode), &[renamed(&fix)]).await?;
    let applying =
        Applying { review: of.review, fixes: vec![of.fix], expected, by: (who.actor(), who.user), rerendering };
    match rows::apply(&app.db, scope, applying).await {
        Ok(Applied { review, .. }) => found(review, of.fix),
        // Somebody else was faster.
        Err(DbError::Fix(FixRefusal::Applied)) => found(rows::get(&app.db, scope, of.review).await?, of.fix),
        Err(error) => Err(error.into()),
    }
}

fn renamed(fix: &Fix) -> Renamed {
    (fix.scope, fix.alias_key.clone(), Some(fix.material.clone()))
}

/// Whether a library in force has a material, and it is not deprecated.
pub(super) fn is_available(libraries: &[Arc<Library>], material: &str) -> bool {
    let has = |library: &Arc<Library>| {
        library.materials().iter().any(|known| known.id == material && known.status == Status::Active)
    };
    libraries.iter().any(has)
}

/// Applies the first fix of every unresolved part that is at least so sure, all of them together: each line is rendered
/// again once.
///
/// # Errors
/// [`Code::FeatureDisabled`], [`Code::MaterialReviewNotFound`], [`Code::PreconditionFailed`]; [`Code::AliasConflict`]
/// when somebody gives one of the names meanwhile: nothing has happened then.
pub async fn apply_top(
    app: &App,
    who: &Principal,
    (id, expected): (ReviewId, Option<i64>),
    min_confidence_pct: u8,
) -> Result<(ApplyTopResult, i64), AppError> {
    require(app, who).await?;
    let scope = TenantScope::of(who.tenant);
    let review = rows::get(&app.db, scope, id).await?;
    let libraries = in_force(app, who).await?;
    let active = material_aliases::active(&app.db, scope).await?;
    let mut meanings: BTreeMap<(AliasScope, String), String> = active
        .into_iter()
        .map(|row| ((row.alias.scope, row.alias.key.to_string()), row.alias.material.to_string()))
        .collect();
    let (mut chosen, mut skipped) = (Vec::new(), Vec::new());
    for part in review.parts.iter().filter(|part| !part.resolved) {
        match first_of(&review, part, min_confidence_pct) {
            Ok(fix) if !is_available(&libraries, &fix.material) => {
                skipped.push(skip(part, format!("no library in force has the material {}", fix.material)));
            }
            Ok(fix) => {
                let meaning = meanings.entry((fix.scope, fix.alias_key.clone())).or_insert(fix.material.clone());
                match *meaning == fix.material {
                    true => chosen.push(fix),
                    false => skipped.push(skip(part, format!("the name means {meaning} already"))),
                }
            }
            Err(reason) => skipped.push(skip(part, reason)),
        }
    }
    if chosen.is_empty() {
        let rerender = shown::rerender(rows::Rerender::default());
        return Ok((ApplyTopResult { applied: Vec::new(), skipped, rerender }, review.state_version));
    }
    let names: Vec<Renamed> = chosen.iter().map(|fix| renamed(fix)).collect();
    let wanted = (Some(review.subject), RerenderMode::Affected);
    let rerendering = rerendering::of_names(app, who, wanted, &names).await?;
    let fixes: Vec<_> = chosen.iter().map(|fix| fix.id).collect();
    let applying = Applying { review: id, fixes: fixes.clone(), expected, by: (who.actor(), who.user), rerendering };
    let Applied { review, rerender } = rows::apply(&app.db, scope, applying).await?;
    let applied = fixes.iter().map(|fix| fix.uuid()).collect();
    Ok((ApplyTopResult { applied, skipped, rerender: shown::rerender(rerender) }, review.state_version))
}

fn skip(part: &ReviewPart, reason: String) -> SkippedPart {
    SkippedPart { part_key: part.part.part_key.clone(), reason }
}

/// The fix of a part that would be applied, or why there is none.
fn first_of<'r>(review: &'r Review, part: &ReviewPart, min_confidence_pct: u8) -> Result<&'r Fix, String> {
    if !part.part.is_fixable() {
        return Err("no name is wrong there, or it has none".to_owned());
    }
    let own = || review.fixes.iter().filter(|fix| fix.part_position == part.position);
    if own().any(|fix| fix.state.applied_at.is_some() && !fix.state.status.is_terminal()) {
        return Err("a fix is being tried already".to_owned());
    }
    let first = own().filter(|fix| fix.state.status == FixStatus::Proposed).min_by_key(|fix| fix.rank);
    match first {
        None => Err("nothing is proposed for it".to_owned()),
        Some(fix) if fix.confidence_pct < min_confidence_pct => {
            Err(format!("the first proposal is {} % sure, less than {min_confidence_pct} %", fix.confidence_pct))
        }
        Some(fix) => Ok(fix),
    }
}
