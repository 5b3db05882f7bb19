//! Reviews of materials: which names pictures show in the fallback material, what is proposed for them, and what was
//! said of that (suggested-fixes.md).

mod applying;
mod fixes;
mod following;
mod knowledge;
mod list;
mod notes;
mod outcome;
mod parts;
mod report;
mod seen;
mod stored;

use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect};
use serde_json::json;

use crate::channels::Said;
use crate::column::Col;
use crate::entity::{material_review, review_part, suggested_fix};
use crate::level::Level;
use crate::streams::{self, NewEvent};
use crate::tx::Tx;
use crate::{Db, DbError, TenantScope};
use packshot_domain::channel::{ActivityType, Message};
use packshot_domain::event::EventName;
use packshot_domain::fix::{FixAction, FixNotes, FixState, FixStatus};
use packshot_domain::id::{
    AliasId, CadFileId, DesignJobId, FixId, OrderId, OrderLineId, ProductId, RenderId, ReviewId, TaskId, TenantId,
};
use packshot_domain::material_alias::AliasScope;
use packshot_domain::review::{Proposal, ReviewEvent, ReviewStatus, ReviewSubject, Signal, UnmappedPart};
use packshot_domain::stream::StreamId;
use packshot_domain::time::Timestamp;
use uuid::Uuid;

pub use applying::{Again, Applied, Applying, NameApplied, Names, Rerendering, apply, apply_names};
pub(super) use following::job_moved;
pub use following::{follow, is_followed};
pub use knowledge::{GivenMaterial, Known, affected, known};
pub use list::{ReviewFilter, list};
pub use notes::{NoteOf, keep_note, note};
pub use outcome::{Said as SaidOutcome, discard_proposal, say};
pub(super) use outcome::{lock_of_alias, taken_back};
pub use report::{Acceptance, NameCursor, NameFilter, NameReport, ReportedName, ReportedProposal, names, spelling};
pub use seen::{Opened, Unmapped, open, refresh, unmapped_of};
pub(super) use seen::{lock_of_design, lock_of_line, lock_of_render, seen};
pub(super) use stored::{read_parts, write_parts};

/// A review as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Review {
    /// Its id.
    pub id: ReviewId,
    /// The tenant that it belongs to.
    pub tenant: TenantId,
    /// What it is of.
    pub subject: ReviewSubject,
    /// The product of its line or of its design.
    pub product: Option<ProductId>,
    /// The CAD file of that.
    pub cad_file: Option<CadFileId>,
    /// Its state.
    pub status: ReviewStatus,
    /// Counts its changes.
    pub state_version: i64,
    /// Its parts, in the order in which they were seen.
    pub parts: Vec<ReviewPart>,
    /// What is suggested, by part, then by rank.
    pub fixes: Vec<Fix>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed.
    pub updated_at: Timestamp,
}

/// A part of a review.
#[derive(Clone, Debug, PartialEq)]
pub struct ReviewPart {
    /// Its place.
    pub position: i32,
    /// What is known of it.
    pub part: UnmappedPart,
    /// Whether it has a material.
    pub resolved: bool,
    /// The fix that gave it one.
    pub resolved_by: Option<FixId>,
}

/// A suggested fix as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Fix {
    /// Its id.
    pub id: FixId,
    /// Its review.
    pub review: ReviewId,
    /// The part that it is for.
    pub part_position: i32,
    /// Its place among those of the part, from 1.
    pub rank: i32,
    /// What it does.
    pub title: String,
    /// Why.
    pub description: String,
    /// How sure it is, 0 to 99.
    pub confidence_pct: u8,
    /// The alias that it would write.
    pub alias: String,
    /// The key of that.
    pub alias_key: String,
    /// What the alias would be of.
    pub scope: AliasScope,
    /// The id of the material.
    pub material: String,
    /// The reasons.
    pub signals: Vec<Signal>,
    /// What was said of it.
    pub state: FixState,
    /// The alias in force by it.
    pub alias_id: Option<AliasId>,
    /// Whether it made that alias, or found it.
    pub wrote_alias: bool,
    /// What was rendered again with it.
    pub rerender: Option<Rerender>,
    /// What was done to it, in order.
    pub history: Vec<FixChange>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed.
    pub updated_at: Timestamp,
}

/// What was rendered again with a fix.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rerender {
    /// The lines of orders.
    pub lines: Vec<OrderLineId>,
    /// The tasks, of these lines, of a direct render or of a design.
    pub tasks: Vec<TaskId>,
    /// How many more lines show the name in the fallback material.
    pub skipped: u32,
}

/// An entry in the history of a fix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FixChange {
    /// Its number, from 1.
    pub seq: i32,
    /// When.
    pub at: Timestamp,
    /// Who; `None`: the service itself.
    pub actor: Option<Uuid>,
    /// What.
    pub action: FixAction,
    /// The state before.
    pub from: FixStatus,
    /// The state after.
    pub to: FixStatus,
    /// What was written to it.
    pub notes: Option<FixNotes>,
}

/// A part with the materials that are proposed for it.
#[derive(Clone, Debug, PartialEq)]
pub struct ProposedPart {
    /// The part.
    pub part: UnmappedPart,
    /// The proposals, the surest first.
    pub proposals: Vec<Proposal>,
}

/// A fix of a review.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FixRef {
    /// The review.
    pub review: ReviewId,
    /// The fix.
    pub fix: FixId,
}

/// A review.
///
/// # Errors
///
/// [`DbError::NotFound`].
pub async fn get(db: &Db, scope: TenantScope, id: ReviewId) -> Result<Review, DbError> {
    db.read_snapshot(scope, (scope.tenant, id), |tx, (tenant, id)| {
        Box::pin(async move { whole(tx, find(tx, *tenant, *id).await?).await })
    })
    .await
}

/// The review of a line, a render or a design job, if there is one.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn of_subject(db: &Db, scope: TenantScope, subject: ReviewSubject) -> Result<Option<Review>, DbError> {
    db.read_snapshot(scope, (scope.tenant, subject), |tx, (tenant, subject)| {
        Box::pin(async move {
            match find_of(tx, *tenant, *subject).await? {
                Some(row) => Ok(Some(whole(tx, row).await?)),
                None => Ok(None),
            }
        })
    })
    .await
}

/// Closes a review, or opens it again. One that is as wanted is returned as it is.
///
/// # Errors
///
/// [`DbError::NotFound`].
pub async fn happen(db: &Db, scope: TenantScope, id: ReviewId, event: ReviewEvent) -> Result<Review, DbError> {
    db.write(scope, (scope.tenant, id, event), |tx, (tenant, id, event)| {
        Box::pin(async move {
            let mut row = lock(tx, *tenant, *id).await?;
            let parts = parts::of(tx, *tenant, *id).await?;
            let status = row.status.0.next(*event, parts::any_unresolved(&parts));
            if status != row.status.0 {
                row.status = Col(status);
                advance(tx, &mut row).await?;
            }
            tx.write_events().await?;
            whole(tx, row).await
        })
    })
    .await
}

async fn find(tx: &Tx<'_>, tenant: TenantId, id: ReviewId) -> Result<material_review::Model, DbError> {
    let row = material_review::Entity::find_by_id((Col(tenant), Col(id))).one(tx.on()).await?;
    row.ok_or(DbError::NotFound("material review"))
}

async fn find_of(
    tx: &Tx<'_>,
    tenant: TenantId,
    subject: ReviewSubject,
) -> Result<Option<material_review::Model>, DbError> {
    use material_review::Column as C;
    let of_tenant = material_review::Entity::find().filter(C::TenantId.eq(Col(tenant)));
    let of_it = match subject {
        ReviewSubject::Line(line) => of_tenant.filter(C::OrderLineId.eq(Col(line))),
        ReviewSubject::Render(render) => of_tenant.filter(C::RenderId.eq(Col(render))),
        ReviewSubject::Design(job) => of_tenant.filter(C::DesignJobId.eq(Col(job))),
    };
    Ok(of_it.one(tx.on()).await?)
}

async fn lock(tx: &Tx<'_>, tenant: TenantId, id: ReviewId) -> Result<material_review::Model, DbError> {
    let mut rows = lock_all(tx, tenant, &[id]).await?;
    rows.pop().ok_or(DbError::NotFound("material review"))
}

/// Locks these reviews, by id.
async fn lock_all(tx: &Tx<'_>, tenant: TenantId, ids: &[ReviewId]) -> Result<Vec<material_review::Model>, DbError> {
    use material_review::Column as C;
    tx.enter(Level::Review);
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let these = material_review::Entity::find().filter(C::TenantId.eq(Col(tenant)));
    let these = these.filter(C::Id.is_in(ids.iter().map(|id| Col(*id)))).order_by_asc(C::Id);
    Ok(these.lock_exclusive().all(tx.on()).await?)
}

/// Writes a locked review as its next version, and says so in its stream.
async fn advance(tx: &Tx<'_>, row: &mut material_review::Model) -> Result<(), DbError> {
    (row.state_version, row.updated_at) = (row.state_version + 1, Col(tx.now().await?));
    material_review::Entity::update(row.clone().into_active_model().reset_all())
        .exec_without_returning(tx.on())
        .await?;
    let data = json!({
        "review_id": row.id.0.to_string(), "status": row.status.0.as_str(), "state_version": row.state_version,
    });
    let event = NewEvent { name: EventName::ReviewUpdated, data };
    tx.emit(row.tenant_id.0, StreamId::of_review(row.id.0), event);
    Ok(())
}

/// Says in the stream of its review that a fix has changed.
fn announce(tx: &Tx<'_>, fix: &suggested_fix::Model) {
    let data = json!({
        "fix_id": fix.id.0.to_string(),
        "status": fix.status.0.as_str(),
        "applied_at": fix.applied_at.map(|at| at.0.to_string()),
        "ai_outcome": fix.verdict.map(|verdict| verdict.0.as_str()),
    });
    let event = NewEvent { name: EventName::FixUpdated, data };
    tx.emit(fix.tenant_id.0, StreamId::of_review(fix.review_id.0), event);
}

/// Adds to the activity what was done to a fix.
async fn tell(
    tx: &Tx<'_>,
    review: &material_review::Model,
    fix: &suggested_fix::Model,
    (what, by): (ActivityType, Option<Uuid>),
    words: &str,
) -> Result<(), DbError> {
    let line = review.order_line_id.map(Col::value);
    let order = match line {
        Some(line) => order_of(tx, review.tenant_id.0, line).await?,
        None => None,
    };
    let data = json!({
        "review_id": review.id.0.to_string(),
        "fix_id": fix.id.0.to_string(),
        "status": fix.status.0.as_str(),
        "alias": fix.alias,
        "alias_scope": fix.scope.0.as_str(),
        "material_id": fix.material,
    });
    let message = Message::new(&format!("{}: {words}", fix.title));
    let said = Said { actor: by, order, line, data, ..Said::about(message, fix.id.0) };
    tx.told(|told| told.note(review.tenant_id.0, what, said));
    Ok(())
}

async fn order_of(tx: &Tx<'_>, tenant: TenantId, line: OrderLineId) -> Result<Option<OrderId>, DbError> {
    use crate::entity::order_line::{Column, Entity};
    let order = Entity::find_by_id((Col(tenant), Col(line))).select_only().column(Column::OrderId);
    Ok(order.into_tuple::<Col<OrderId>>().one(tx.on()).await?.map(Col::value))
}

/// A review with its parts and fixes.
async fn whole(tx: &Tx<'_>, row: material_review::Model) -> Result<Review, DbError> {
    let mut reviews = all(tx, vec![row]).await?;
    reviews.pop().ok_or(DbError::NotFound("material review"))
}

/// These reviews with their parts and fixes, in the same order.
async fn all(tx: &Tx<'_>, rows: Vec<material_review::Model>) -> Result<Vec<Review>, DbError> {
    let of: Vec<(TenantId, ReviewId)> = rows.iter().map(|row| (row.tenant_id.0, row.id.0)).collect();
    let mut parts = parts::of_all(tx, &of).await?;
    let mut fixes = fixes::of_all(tx, &of).await?;
    let review = |row: material_review::Model| {
        let parts: Vec<review_part::Model> = parts.remove(&row.id.0).unwrap_or_default();
        Ok(Review {
            id: row.id.0,
            tenant: row.tenant_id.0,
            subject: subject_of(&row)?,
            product: row.product_id.map(Col::value),
            cad_file: row.cad_file_id.map(Col::value),
            status: row.status.0,
            state_version: row.state_version,
            parts: parts.into_iter().map(ReviewPart::of).collect::<Result<_, _>>()?,
            fixes: fixes.remove(&row.id.0).unwrap_or_default(),
            created_at: row.created_at.0,
            updated_at: row.updated_at.0,
        })
    };
    rows.into_iter().map(review).collect()
}

fn subject_of(row: &material_review::Model) -> Result<ReviewSubject, DbError> {
    let corrupt = || DbError::Corrupt { what: "material review", reason: "it is of nothing".to_owned() };
    let line = row.order_line_id.map(|line| ReviewSubject::Line(line.0));
    let render = row.render_id.map(|render| ReviewSubject::Render(render.0));
    line.or(render).or(row.design_job_id.map(|job| ReviewSubject::Design(job.0))).ok_or_else(corrupt)
}

/// Forgets the streams of the reviews of lines, of a render or of a design job, which go with them.
pub(super) async fn forget_streams(tx: &Tx<'_>, tenant: TenantId, of: &[ReviewId]) -> Result<(), DbError> {
    for id in of {
        streams::delete(tx, tenant, StreamId::of_review(*id)).await?;
    }
    Ok(())
}

/// The reviews of these lines and renders.
pub(super) async fn ids_of(
    tx: &Tx<'_>,
    tenant: TenantId,
    lines: &[OrderLineId],
    renders: &[RenderId],
) -> Result<Vec<ReviewId>, DbError> {
    use material_review::Column as C;
    let of_them = sea_orm::Condition::any()
        .add(C::OrderLineId.is_in(lines.iter().map(|line| Col(*line))))
        .add(C::RenderId.is_in(renders.iter().map(|render| Col(*render))));
    let ids = material_review::Entity::find().filter(C::TenantId.eq(Col(tenant))).filter(of_them);
    let ids: Vec<Col<ReviewId>> = ids.select_only().column(C::Id).order_by_asc(C::Id).into_tuple().all(tx.on()).await?;
    Ok(ids.into_iter().map(Col::value).collect())
}

/// The review of a design job, if there is one.
pub(super) async fn ids_of_design(tx: &Tx<'_>, tenant: TenantId, job: DesignJobId) -> Result<Vec<ReviewId>, DbError> {
    Ok(find_of(tx, tenant, ReviewSubject::Design(job)).await?.map(|row| row.id.0).into_iter().collect())
}
