//! Fixes applied, and names given to materials: aliases, what is rendered again with them, and what is said of it, in
//! one transaction (suggested-fixes.md §5, §8).

use serde_json::json;

use super::{FixRef, Rerender, Review, advance, fixes, lock, parts, tell, whole};
use crate::column::Col;
use crate::designs::starting::{self, NewAgain};
use crate::entity::{design_job, material_alias, suggested_fix};
use crate::jobs::Job;
use crate::material_aliases::{self, Written};
use crate::orders::{self, Dispatched, LineWork};
use crate::renders::{self, NewRender};
use crate::streams::NewEvent;
use crate::tx::Tx;
use crate::{Db, DbError, TenantScope};
use packshot_domain::audit::Actor;
use packshot_domain::channel::ActivityType;
use packshot_domain::event::EventName;
use packshot_domain::fix::{FixAction, FixRefusal};
use packshot_domain::id::{AliasId, FixId, OrderId, OrderLineId, ReviewId, TenantId, UserId};
use packshot_domain::job::JobState;
use packshot_domain::material_alias::{AliasSource, NewAlias};
use packshot_domain::order::OrderRefusal;
use packshot_domain::order::line::LineState;
use packshot_domain::stream::StreamId;
use uuid::Uuid;

/// What is rendered again.
#[derive(Clone, Debug, Default)]
pub struct Rerendering {
    /// Lines, each of its order.
    pub works: Vec<(OrderId, LineWork)>,
    /// The direct render or the design job of a review, anew.
    pub again: Option<Again>,
    /// How many more lines would be.
    pub skipped: u32,
}

/// What is made anew for a review.
#[derive(Clone, Debug)]
pub enum Again {
    /// A direct render.
    Render(Box<NewRender>),
    /// A design job.
    Design(Box<NewAgain>),
}

/// What is made anew, with its job; its record is to follow.
pub(super) enum Begun<'a> {
    /// A direct render.
    Render(&'a NewRender, Box<Job>),
    /// A design job.
    Design(Box<design_job::Model>),
}

/// Fixes of a review to apply together.
#[derive(Clone, Debug)]
pub struct Applying {
    /// The review.
    pub review: ReviewId,
    /// The fixes.
    pub fixes: Vec<FixId>,
    /// The version that the review must have.
    pub expected: Option<i64>,
    /// Who applies them.
    pub by: (Actor, UserId),
    /// What is rendered again.
    pub rerendering: Rerendering,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Applied {
    /// The review.
    pub review: Review,
    /// What is rendered again.
    pub rerender: Rerender,
}

/// Names to give to materials.
#[derive(Clone, Debug)]
pub struct Names {
    /// The aliases.
    pub aliases: Vec<NewAlias>,
    /// Who gives them.
    pub by: (Actor, UserId),
    /// What is rendered again.
    pub rerendering: Rerendering,
}

/// What became of a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NameApplied {
    /// The alias is in force.
    InForce(AliasId),
    /// The name is that of another alias, which means this.
    Taken(String),
}

/// Applies fixes of a review: writes their aliases, and lets lines be rendered again.
///
/// # Errors
///
/// [`DbError::NotFound`], [`DbError::Stale`]; [`DbError::Fix`], why one of them cannot be applied: nothing has happened
/// then; [`DbError::Exceeded`] when the tenant has no room for another render.
pub async fn apply(db: &Db, scope: TenantScope, applying: Applying) -> Result<Applied, DbError> {
    db.write(scope, (scope.tenant, applying), |tx, (tenant, applying)| Box::pin(apply_in(tx, *tenant, applying))).await
}

async fn apply_in(tx: &Tx<'_>, tenant: TenantId, applying: &Applying) -> Result<Applied, DbError> {
    let Applying { review: id, fixes: ids, expected, by, rerendering } = applying;
    let placed = orders::place(tx, tenant, by, &rerendering.works).await?;
    let mut review = lock(tx, tenant, *id).await?;
    if let Some(current) =
        Some(review.state_version).filter(|current| expected.is_some_and(|wanted| wanted != *current))
    {
        return Err(DbError::Stale { current });
    }
    let now = tx.now().await?;
    let mut rows: Vec<suggested_fix::Model> = Vec::with_capacity(ids.len());
    for fix in ids {
        let mut row = fixes::find(tx, tenant, *id, *fix).await?;
        let state = fixes::state_of(&row).applied(now)?;
        fixes::set_state(&mut row, state);
        rows.push(row);
    }
    let done = orders::queue(tx, tenant, placed).await?;
    let mut rerender = rendered_again(done, rerendering.skipped);
    let begun = begin_again(tx, tenant, rerendering, &mut rerender).await?;
    let mut made = Vec::new();
    for row in &mut rows {
        let (alias, new) = alias_of(tx, tenant, row, by.1).await?;
        (row.alias_id, row.wrote_alias) = (Some(Col(alias)), new.is_some());
        made.extend(new);
    }
    if let Some(begun) = begun {
        review.again_id = Some(begun.record(tx, tenant).await?);
    }
    for alias in &made {
        material_aliases::note_created(tx, &by.0, alias).await?;
    }
    for row in &mut rows {
        row.rerender = Some(Col(fixes::write_rerender(&rerender)));
        fixes::save(tx, row).await?;
        let status = row.status.0;
        fixes::record(tx, row, (FixAction::Applied, by.0.id), (status, status), None).await?;
        tell(tx, &review, row, (ActivityType::FixApplied, by.0.id), "applied").await?;
    }
    advance(tx, &mut review).await?;
    tell_of_jobs(tx, tenant, &rerender.lines).await?;
    if rerendering.again.is_some() {
        job_state(tx, tenant, *id, JobState::Queued, None);
    }
    tx.write_events().await?;
    Ok(Applied { review: whole(tx, review).await?, rerender })
}

/// The alias of a fix: a new one, which is still to be noted, or the one that is there with the same meaning.
async fn alias_of(
    tx: &Tx<'_>,
    tenant: TenantId,
    fix: &suggested_fix::Model,
    user: UserId,
) -> Result<(AliasId, Option<material_alias::Model>), DbError> {
    let corrupt = |reason: String| DbError::Corrupt { what: "suggested fix", reason };
    let new = NewAlias {
        alias: fix.alias.parse().map_err(|error| corrupt(format!("its alias: {error}")))?,
        key: fix.alias_key.parse().map_err(|error| corrupt(format!("its key: {error}")))?,
        scope: fix.scope.0,
        material: fix.material.parse().map_err(|error| corrupt(format!("its material: {error}")))?,
        source: AliasSource::Fix,
        fix: Some(fix.id.0),
    };
    match material_aliases::write_in(tx, tenant, user, &new).await? {
        Written::Made(alias) => Ok((alias.id.0, Some(*alias))),
        Written::Taken(other) if other.material.0.as_str() == fix.material => Ok((other.id.0, None)),
        Written::Taken(other) => Err(FixRefusal::AliasConflict { material: other.material.0.to_string() }.into()),
        Written::TooMany => Err(FixRefusal::TooManyAliases.into()),
    }
}

/// Makes the job of what is made anew; its record follows when aliases are written, as rows are locked.
pub(super) async fn begin_again<'a>(
    tx: &Tx<'_>,
    tenant: TenantId,
    rerendering: &'a Rerendering,
    rerender: &mut Rerender,
) -> Result<Option<Begun<'a>>, DbError> {
    Ok(match &rerendering.again {
        None => None,
        Some(Again::Render(new)) => {
            rerender.tasks.push(new.work.id);
            Some(Begun::Render(new, Box::new(renders::queue_job(tx, tenant, new).await?)))
        }
        Some(Again::Design(new)) => {
            rerender.tasks.extend(new.tasks.iter().map(|task| task.id));
            Some(Begun::Design(Box::new(starting::queue_again(tx, tenant, new).await?)))
        }
    })
}

impl Begun<'_> {
    /// Stores the record, if the tenant has room for it, and returns its id.
    pub(super) async fn record(self, tx: &Tx<'_>, tenant: TenantId) -> Result<Uuid, DbError> {
        match self {
            Self::Render(new, job) => {
                renders::record(tx, tenant, new, *job).await?;
                Ok(new.id.uuid())
            }
            Self::Design(row) => {
                let id = row.id.0.uuid();
                starting::record_again(tx, *row).await?;
                Ok(id)
            }
        }
    }
}

/// What is rendered again of lines that were dispatched. One whose job waits takes a new alias up by itself.
pub(super) fn rendered_again(done: Vec<(OrderLineId, Dispatched)>, skipped: u32) -> Rerender {
    let mut rerender = Rerender { skipped, ..Rerender::default() };
    for (line, dispatched) in done {
        match dispatched {
            Ok(tasks) => {
                rerender.lines.push(line);
                rerender.tasks.extend(tasks);
            }
            Err(OrderRefusal::Line(illegal)) if illegal.from == LineState::Dispatched => {}
            Err(_) => rerender.skipped += 1,
        }
    }
    rerender
}

/// Says in the streams of their reviews that lines wait to be rendered again.
pub(super) async fn tell_of_jobs(tx: &Tx<'_>, tenant: TenantId, lines: &[OrderLineId]) -> Result<(), DbError> {
    for line in lines {
        for review in super::ids_of(tx, tenant, &[*line], &[]).await? {
            job_state(tx, tenant, review, JobState::Queued, Some(*line));
        }
    }
    Ok(())
}

/// Says in the stream of a review how a render of it is going.
pub(super) fn job_state(tx: &Tx<'_>, tenant: TenantId, review: ReviewId, state: JobState, line: Option<OrderLineId>) {
    let data = json!({"state": state.as_str(), "order_line_id": line.map(|line| line.to_string())});
    tx.emit(tenant, StreamId::of_review(review), NewEvent { name: EventName::State, data });
}

/// Gives names to materials, and lets lines be rendered again. Each name by itself is given, or taken already.
///
/// # Errors
///
/// [`DbError::Fix`] when the tenant has as many aliases as it can have: nothing has happened then.
pub async fn apply_names(db: &Db, scope: TenantScope, names: Names) -> Result<(Vec<NameApplied>, Rerender), DbError> {
    db.write(scope, (scope.tenant, names), |tx, (tenant, names)| {
        Box::pin(async move {
            let Names { aliases, by, rerendering } = names;
            let placed = orders::place(tx, *tenant, by, &rerendering.works).await?;
            let done = orders::queue(tx, *tenant, placed).await?;
            let rerender = rendered_again(done, rerendering.skipped);
            let (mut applied, mut made) = (Vec::with_capacity(aliases.len()), Vec::new());
            for new in aliases {
                applied.push(match material_aliases::write_in(tx, *tenant, by.1, new).await? {
                    Written::Made(alias) => {
                        let id = alias.id.0;
                        made.push(*alias);
                        NameApplied::InForce(id)
                    }
                    Written::Taken(other) if other.material.0 == new.material => NameApplied::InForce(other.id.0),
                    Written::Taken(other) => NameApplied::Taken(other.material.0.to_string()),
                    Written::TooMany => return Err(FixRefusal::TooManyAliases.into()),
                });
            }
            for alias in &made {
                material_aliases::note_created(tx, &by.0, alias).await?;
            }
            tell_of_jobs(tx, *tenant, &rerender.lines).await?;
            Ok((applied, rerender))
        })
    })
    .await
}

impl FixRef {
    /// Whether a fix is of its review.
    pub(super) async fn row(self, tx: &Tx<'_>, tenant: TenantId) -> Result<suggested_fix::Model, DbError> {
        super::find(tx, tenant, self.review).await?;
        fixes::find(tx, tenant, self.review, self.fix).await
    }
}

/// Whether an alias is in force.
pub(super) async fn is_in_force(tx: &Tx<'_>, tenant: TenantId, fix: &suggested_fix::Model) -> Result<bool, DbError> {
    let alias = parts::alias_of(tx, tenant, fix.scope.0, &fix.alias_key).await?;
    Ok(alias.is_some_and(|alias| Some(alias.id) == fix.alias_id))
}
