//! Design jobs and printable areas (design-renders.md).
//!
//! The row of a job is the one place where its state is: a task reads and writes it, and hands nothing else on. What a
//! step has done and the record that it is done are committed together.

pub mod areas;
pub mod checking;
pub mod ending;
pub mod equal;
pub mod presets;
pub mod publishing;
pub mod starting;
mod effect;
mod steps;
mod telling;

use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect};

use super::column::Col;
use super::entity::{design_job, job, media_asset, task};
use super::jobs::Job;
use super::level::Level;
use super::media::Asset;
use super::tx::Tx;
use super::{Db, DbError, Json, Page, PageRequest, ReadScope, TenantScope, media, products, reviews, streams};
use packshot_domain::design_job::{DesignEvent, DesignStatus, DesignStep, rendered_pct};
use packshot_domain::hash::ContentAddress;
use packshot_domain::id::{DesignJobId, ProductId, TenantId, UserId};
use packshot_domain::media::AssetType;
use packshot_domain::review::UnmappedPart;
use packshot_domain::stream::StreamId;
use packshot_domain::task::{Chore, TaskKind, TaskState};
use packshot_domain::time::Timestamp;

pub(super) use effect::DesignEffect;
use steps::Steps;
pub use steps::{StepError, StepState};

/// A design job as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct DesignJob {
    /// Its id.
    pub id: DesignJobId,
    /// The tenant that it belongs to.
    pub tenant: TenantId,
    /// The product that gets the design.
    pub product: ProductId,
    /// Who asked for it.
    pub created_by: UserId,
    /// Its state.
    pub status: DesignStatus,
    /// 0 to 100.
    pub progress_pct: f64,
    /// Its seven steps.
    pub steps: Vec<StepState>,
    /// What was asked for, with everything in effect.
    pub request: Json,
    /// What its tasks compute, private to the service, the same for every try.
    pub spec: Json,
    /// The step that another try would go on with.
    pub goes_on_with: DesignStep,
    /// What is known of the design's file.
    pub design: Json,
    /// The stored design.
    pub design_asset: Option<Asset>,
    /// The stored texture.
    pub texture: Option<Asset>,
    /// Where the design lies.
    pub placement_report: Option<Json>,
    /// Names without a material in its pictures, as far as these are rendered.
    pub unmapped: Vec<UnmappedPart>,
    /// Its pictures, in the order of their views.
    pub outputs: Vec<Asset>,
    /// The files of its turntable.
    pub turntable: Vec<Asset>,
    /// Why it failed: `code`, `detail` and `step`.
    pub error: Option<Json>,
    /// Steps of a job that has failed or was cancelled whose effects are still there.
    pub owed: Vec<DesignStep>,
    /// Which try it is, from 1.
    pub attempt: u32,
    /// The tries before, each with its error.
    pub attempts: Json,
    /// What its sender keeps with it, and what the service does.
    pub metadata: Json,
    /// The job of the newest try.
    pub job: Option<Job>,
    /// When it was cancelled while it ran.
    pub cancel_requested_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its first task began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub completed_at: Option<Timestamp>,
}

impl DesignJob {
    /// Whether it has ended with its pictures, and has all of them still.
    #[must_use]
    pub fn has_all_outputs(&self) -> bool {
        let n_made = self.metadata["media_ids"].as_array().map(Vec::len);
        self.status == DesignStatus::Completed && n_made == Some(self.outputs.len() + self.turntable.len())
    }
}

/// Which design jobs a list shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DesignFilter {
    /// Only those in this state.
    pub status: Option<DesignStatus>,
    /// Only those of this product.
    pub product: Option<ProductId>,
}

/// A design job.
///
/// # Errors
///
/// [`DbError::NotFound`].
pub async fn get(db: &Db, scope: TenantScope, id: DesignJobId) -> Result<DesignJob, DbError> {
    db.read_snapshot(scope, (scope.tenant, id), |tx, (tenant, id)| {
        Box::pin(async move { whole(tx, find(tx, *tenant, *id).await?).await })
    })
    .await
}

/// A design job, with the number of the last event of its stream.
///
/// # Errors
///
/// [`DbError::NotFound`].
pub async fn follow(db: &Db, scope: TenantScope, id: DesignJobId) -> Result<(DesignJob, i64), DbError> {
    db.read_snapshot(scope, (scope.tenant, id), |tx, (tenant, id)| {
        Box::pin(async move {
            let job = whole(tx, find(tx, *tenant, *id).await?).await?;
            Ok((job, streams::last_seq_in(tx, *tenant, StreamId::of_design(*id)).await?))
        })
    })
    .await
}

/// Whether nothing follows in the stream of a job after this number: it has ended, or is gone.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn is_over(db: &Db, scope: TenantScope, id: DesignJobId, after: i64) -> Result<bool, DbError> {
    db.read_snapshot(scope, (scope.tenant, id, after), |tx, (tenant, id, after)| {
        Box::pin(async move {
            match find(tx, *tenant, *id).await {
                Ok(row) => {
                    let last = streams::last_seq_in(tx, *tenant, StreamId::of_design(*id)).await?;
                    Ok(row.status.0.is_terminal() && last <= *after)
                }
                Err(DbError::NotFound(_)) => Ok(true),
                Err(error) => Err(error),
            }
        })
    })
    .await
}

/// A page of design jobs, newest first.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn list(
    db: &Db,
    scope: impl Into<ReadScope>,
    filter: DesignFilter,
    page: PageRequest,
) -> Result<Page<DesignJob>, DbError> {
    use design_job::Column as C;
    let scope = scope.into();
    db.read(scope, (scope, filter, page), |tx, (scope, filter, page)| {
        Box::pin(async move {
            let mut jobs = scope.narrow(design_job::Entity::find(), C::TenantId);
            if let Some(status) = filter.status {
                jobs = jobs.filter(C::Status.eq(Col(status)));
            }
            if let Some(product) = filter.product {
                jobs = jobs.filter(C::ProductId.eq(Col(product)));
            }
            let rows = page.narrow(jobs, C::CreatedAt, C::Id).all(tx.on()).await?;
            let page: Page<design_job::Model> = page.cut(rows, |row| (row.created_at.0, row.id.0.uuid()));
            let mut items = Vec::with_capacity(page.items.len());
            for row in page.items {
                items.push(whole(tx, row).await?);
            }
            Ok(Page { items, next: page.next })
        })
    })
    .await
}

/// The texture that a job has composed, if it has.
///
/// # Errors
///
/// [`DbError::NotFound`].
pub async fn texture(db: &Db, scope: TenantScope, id: DesignJobId) -> Result<Option<ContentAddress>, DbError> {
    Ok(get(db, scope, id).await?.texture.map(|asset| asset.address))
}

async fn find(tx: &Tx<'_>, tenant: TenantId, id: DesignJobId) -> Result<design_job::Model, DbError> {
    let row = design_job::Entity::find_by_id((Col(tenant), Col(id))).one(tx.on()).await?;
    row.ok_or(DbError::NotFound("design job"))
}

/// Locks a job, and its product before it.
async fn lock(tx: &Tx<'_>, tenant: TenantId, id: DesignJobId) -> Result<design_job::Model, DbError> {
    // Of which product it is never changes.
    let product = find(tx, tenant, id).await?.product_id.0;
    products::lock_of(tx, tenant, None, &[product], &[]).await?;
    lock_alone(tx, tenant, id).await
}

/// Locks a job, whose product is locked or does not matter.
async fn lock_alone(tx: &Tx<'_>, tenant: TenantId, id: DesignJobId) -> Result<design_job::Model, DbError> {
    tx.enter(Level::DesignJob);
    let row = design_job::Entity::find_by_id((Col(tenant), Col(id))).lock_exclusive().one(tx.on()).await?;
    row.ok_or(DbError::NotFound("design job"))
}

/// Writes a locked job with its steps.
async fn save(tx: &Tx<'_>, mut row: design_job::Model, steps: &Steps) -> Result<design_job::Model, DbError> {
    (row.steps, row.updated_at) = (Col(steps.json()), Col(tx.now().await?));
    row.is_owed = !owed(row.status.0, steps).is_empty();
    design_job::Entity::update(row.clone().into_active_model().reset_all()).exec_without_returning(tx.on()).await?;
    Ok(row)
}

/// Moves a locked job into the state after an event; returns whether that is another one.
fn advance(row: &mut design_job::Model, event: DesignEvent) -> Result<bool, DbError> {
    let before = row.status.0;
    row.status = Col(before.next(event)?);
    Ok(row.status.0 != before)
}

/// The steps of a job that has ended without its pictures whose effects have not been taken back.
fn owed(status: DesignStatus, steps: &Steps) -> Vec<DesignStep> {
    let is_owed = matches!(status, DesignStatus::Failed | DesignStatus::Cancelled)
        && steps.is_done(DesignStep::AssociateProductMedia);
    is_owed.then_some(DesignStep::AssociateProductMedia).into_iter().collect()
}

/// The step that another try of a job goes on with.
fn goes_on_with(status: DesignStatus, steps: &Steps) -> DesignStep {
    let owed = owed(status, steps).first().copied();
    owed.or_else(|| steps.first_open()).unwrap_or(DesignStep::CompleteRenderJob)
}

/// The pictures of a job, in the order of their views, and the files of its turntable.
async fn outputs(tx: &Tx<'_>, row: &design_job::Model) -> Result<Vec<media_asset::Model>, DbError> {
    use media_asset::Column as C;
    let of_job = media_asset::Entity::find()
        .filter(C::TenantId.eq(row.tenant_id))
        .filter(C::DesignJobId.eq(row.id.0.uuid()))
        .filter(C::AssetType.is_in([Col(AssetType::View), Col(AssetType::Turntable)]));
    Ok(of_job.order_by_asc(C::Position).order_by_asc(C::Id).all(tx.on()).await?)
}

async fn whole(tx: &Tx<'_>, row: design_job::Model) -> Result<DesignJob, DbError> {
    let steps = Steps::of(&row)?;
    let job = match row.job_id {
        Some(id) => job::Entity::find_by_id((row.tenant_id, id)).one(tx.on()).await?.map(Job::from),
        None => None,
    };
    let progress_pct = row.progress_pct.max(rendering(tx, &row, &steps).await?.unwrap_or(0.0));
    let design_asset = media::of_design::find(tx, row.tenant_id.0, row.design_asset_id.map(Col::value)).await?;
    let texture = media::of_design::find(tx, row.tenant_id.0, row.texture_asset_id.map(Col::value)).await?;
    let outputs = outputs(tx, &row).await?;
    let outputs = media::of_design::shown(tx, outputs).await?;
    let (turntable, outputs) = outputs.into_iter().partition(|asset| asset.asset_type == AssetType::Turntable);
    Ok(DesignJob {
        id: row.id.0,
        tenant: row.tenant_id.0,
        product: row.product_id.0,
        created_by: row.created_by.0,
        status: row.status.0,
        progress_pct,
        owed: owed(row.status.0, &steps),
        goes_on_with: goes_on_with(row.status.0, &steps),
        spec: row.spec.0,
        steps: steps.0,
        request: row.request.0,
        design: row.design.0,
        design_asset,
        texture,
        placement_report: row.placement_report.map(Col::value),
        unmapped: row.unmapped.map_or(Ok(Vec::new()), |stored| reviews::read_parts(stored.0))?,
        outputs,
        turntable,
        error: row.error.map(Col::value),
        attempt: row.attempt.unsigned_abs(),
        attempts: row.attempts.0,
        metadata: row.metadata.0,
        job,
        cancel_requested_at: row.cancel_requested_at.map(Col::value),
        created_at: row.created_at.0,
        started_at: row.started_at.map(Col::value),
        completed_at: row.completed_at.map(Col::value),
    })
}

/// How far a job is whose pictures are being rendered: that is known of its task.
async fn rendering(tx: &Tx<'_>, row: &design_job::Model, steps: &Steps) -> Result<Option<f64>, DbError> {
    use task::Column as C;
    let Some(job) = row.job_id.filter(|_| steps.running() == Some(DesignStep::RenderDesign)) else { return Ok(None) };
    let of_job = task::Entity::find()
        .filter(C::TenantId.eq(row.tenant_id))
        .filter(C::JobId.eq(job))
        .filter(C::Kind.eq(Col(TaskKind::Chore(Chore::RenderDesign))))
        .filter(C::State.eq(Col(TaskState::Running)));
    let rendering = of_job.into_partial_model::<task::Live>().one(tx.on()).await?;
    Ok(rendering.map(|task| rendered_pct(task.progress_pct)))
}
