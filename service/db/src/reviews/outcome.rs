//! What people say of fixes: outcomes, and what follows from them (suggested-fixes.md §2, §5).

use std::collections::{BTreeSet, HashSet};

use super::applying::{begin_again, is_in_force, rendered_again, tell_of_jobs};
use super::{FixRef, Rerendering, Review, advance, fixes, lock, lock_all, parts, tell, whole};
use crate::column::Col;
use crate::entity::{material_review, suggested_fix};
use crate::tx::Tx;
use crate::{Db, DbError, TenantScope, material_aliases, orders, products};
use packshot_domain::audit::Actor;
use packshot_domain::channel::ActivityType;
use packshot_domain::fix::{FixAction, FixNotes, FixRefusal, Outcome};
use packshot_domain::id::{AliasId, ProductId, ReviewId, TenantId, UserId};
use packshot_domain::review::ReviewEvent;

/// An outcome that a person says.
#[derive(Clone, Debug)]
pub struct Said {
    /// Of which fix.
    pub of: FixRef,
    /// The version that the review must have.
    pub expected: Option<i64>,
    /// Who says it.
    pub by: (Actor, UserId),
    /// The outcome.
    pub outcome: Outcome,
    /// What is written to it.
    pub notes: Option<FixNotes>,
    /// What is rendered again, if an alias is taken back.
    pub rerendering: Rerendering,
}

/// Says the outcome of a fix. One that did not work, or that nobody wants, takes its alias back.
///
/// # Errors
///
/// [`DbError::NotFound`], [`DbError::Stale`]; [`DbError::Fix`], why it cannot be said: nothing has happened then.
pub async fn say(db: &Db, scope: TenantScope, said: Said) -> Result<Review, DbError> {
    loop {
        let done =
            db.write(scope, (scope.tenant, said.clone()), |tx, (tenant, said)| Box::pin(say_in(tx, *tenant, said)));
        match done.await {
            Err(DbError::Fix(FixRefusal::Raced)) => {}
            done => return done,
        }
    }
}

async fn say_in(tx: &Tx<'_>, tenant: TenantId, said: &Said) -> Result<Review, DbError> {
    let Said { of, expected, by, outcome, notes, rerendering } = said;
    let placed = orders::place(tx, tenant, by, &rerendering.works).await?;
    // Which alias it wrote does not change after it was applied.
    let before = of.row(tx, tenant).await?;
    let back = match before.alias_id.filter(|_| outcome.takes_back() && before.wrote_alias) {
        Some(alias) if is_in_force(tx, tenant, &before).await? => Some(alias.0),
        _ => None,
    };
    let products: HashSet<ProductId> = match back {
        Some(alias) => products::lock_of_alias(tx, tenant, alias).await?,
        None => HashSet::new(),
    };
    let mut ids = BTreeSet::from([of.review]);
    if let Some(alias) = back {
        ids.extend(parts::resolved_by_alias(tx, tenant, alias).await?);
    }
    let mut reviews = lock_all(tx, tenant, &ids.into_iter().collect::<Vec<_>>()).await?;
    let own = reviews.iter().position(|review| review.id.0 == of.review);
    let mut review = reviews.remove(own.ok_or(DbError::NotFound("material review"))?);
    if let Some(current) =
        Some(review.state_version).filter(|current| expected.is_some_and(|wanted| wanted != *current))
    {
        return Err(DbError::Stale { current });
    }
    let now = tx.now().await?;
    let mut rows = fixes::rows(tx, tenant, of.review).await?;
    let at = rows.iter().position(|row| row.id.0 == of.fix).ok_or(DbError::NotFound("suggested fix"))?;
    let from = rows[at].status.0;
    let state = fixes::state_of(&rows[at]).next(*outcome, notes.clone(), now)?;
    let to = state.status;
    fixes::set_state(&mut rows[at], state);
    if outcome.takes_back() {
        rows[at].shunned_at = Some(Col(now));
    }
    let done = orders::queue(tx, tenant, placed).await?;
    let mut rerender = rendered_again(done, 0);
    let begun = begin_again(tx, tenant, rerendering, &mut rerender).await?;
    let mut ended = None;
    if let Some(alias) = back {
        ended = Some(material_aliases::take_back(tx, tenant, alias, &products).await?.ok_or(FixRefusal::Raced)?);
        parts::unresolve(tx, tenant, alias).await?;
    }
    if let Some(begun) = begun {
        review.again_id = Some(begun.record(tx, tenant).await?);
    }
    if let Some(ended) = &ended {
        material_aliases::note_withdrawn(tx, &by.0, ended).await?;
    }
    fixes::save(tx, &mut rows[at]).await?;
    fixes::record(tx, &rows[at], (FixAction::Outcome, by.0.id), (from, to), notes.clone()).await?;
    if *outcome == Outcome::Success {
        let fix = rows[at].clone();
        settle(tx, tenant, &fix, &mut rows, by.0.id).await?;
    }
    let words = format!("the outcome is {to}");
    tell(tx, &review, &rows[at], (ActivityType::FixOutcome, by.0.id), &words).await?;
    let others = reviews.iter_mut().chain([&mut review]);
    for review in others {
        follow_parts(tx, review).await?;
    }
    tell_of_jobs(tx, tenant, &rerender.lines).await?;
    tx.write_events().await?;
    whole(tx, review).await
}

/// A fix that has succeeded resolves its part, and dismisses the others for it.
async fn settle(
    tx: &Tx<'_>,
    tenant: TenantId,
    fix: &suggested_fix::Model,
    rows: &mut [suggested_fix::Model],
    actor: Option<uuid::Uuid>,
) -> Result<(), DbError> {
    let mut own = parts::of(tx, tenant, fix.review_id.0).await?;
    for part in own.iter_mut().filter(|part| part.position == fix.part_position) {
        (part.resolved, part.resolved_by, part.resolved_alias) = (true, Some(fix.id), fix.alias_id);
        parts::save(tx, part).await?;
    }
    fixes::dismiss_open(tx, rows, fix.part_position, fix.id.0, actor).await.map(drop)
}

/// Writes the next version of a locked review, whose parts may have changed.
async fn follow_parts(tx: &Tx<'_>, review: &mut material_review::Model) -> Result<(), DbError> {
    let own = parts::of(tx, review.tenant_id.0, review.id.0).await?;
    review.status = Col(review.status.0.next(ReviewEvent::PartsChange, parts::any_unresolved(&own)));
    advance(tx, review).await
}

/// Locks the reviews with parts that an alias resolved, which somebody takes back.
pub(crate) async fn lock_of_alias(
    tx: &Tx<'_>,
    tenant: TenantId,
    alias: AliasId,
) -> Result<Vec<material_review::Model>, DbError> {
    let ids: Vec<ReviewId> = parts::resolved_by_alias(tx, tenant, alias).await?;
    lock_all(tx, tenant, &ids).await
}

/// An alias was taken back: what it resolved is unresolved again, in these locked reviews.
pub(crate) async fn taken_back(
    tx: &Tx<'_>,
    tenant: TenantId,
    alias: AliasId,
    mut reviews: Vec<material_review::Model>,
) -> Result<(), DbError> {
    parts::unresolve(tx, tenant, alias).await?;
    for review in &mut reviews {
        follow_parts(tx, review).await?;
    }
    Ok(())
}

/// Removes the outcome that a check suggests; nothing else changes. Without one nothing does.
///
/// # Errors
///
/// [`DbError::NotFound`].
pub async fn discard_proposal(db: &Db, scope: TenantScope, of: FixRef) -> Result<Review, DbError> {
    db.write(scope, (scope.tenant, of), |tx, (tenant, of)| {
        Box::pin(async move {
            let review = lock(tx, *tenant, of.review).await?;
            let mut row = fixes::find(tx, *tenant, of.review, of.fix).await?;
            if row.verdict.is_some() {
                (row.verdict, row.verdict_reason) = (None, None);
                fixes::save(tx, &mut row).await?;
            }
            tx.write_events().await?;
            whole(tx, review).await
        })
    })
    .await
}
