//! The first two steps of a design job, which run within the request: its row is written, then its design stored.

use serde_json::json;

use super::effect::{fail, made_progress};
use super::steps::{StepError, Steps};
use super::{DesignJob, advance, lock_alone, save, telling, whole};
use crate::artifacts::{self, WholePackage};
use crate::column::Col;
use crate::entity::design_job;
use crate::jobs::{self, NewJob, NewTask};
use crate::level::Level;
use crate::media::of_design;
use crate::tasks::OutputFile;
use crate::tx::Tx;
use crate::{Db, DbError, Json, TenantScope, products, quota};
use packshot_domain::design_job::{DesignEvent, DesignStatus, DesignStep, DesignStepStatus};
use packshot_domain::hash::ContentAddress;
use packshot_domain::id::{AssetId, DesignJobId, JobId, ProductId, TenantId, UserId};
use packshot_domain::job::{JobKind, JobRef};
use packshot_domain::media::AssetType;
use packshot_domain::time::Timestamp;
use sea_orm::{ActiveModelTrait, IntoActiveModel};

/// A design job that is to be made.
#[derive(Clone, Debug, PartialEq)]
pub struct NewDesignJob {
    /// Its id.
    pub id: DesignJobId,
    /// The product.
    pub product: ProductId,
    /// Who asks for it.
    pub created_by: UserId,
    /// What is asked for, with everything in effect.
    pub request: Json,
    /// What its tasks compute, the same for every try.
    pub spec: Json,
    /// The same for jobs with the same texture and pictures.
    pub work_key: ContentAddress,
    /// What is known of the design's file.
    pub design: Json,
    /// What its sender keeps with it.
    pub metadata: Json,
}

/// The first step: the row of a job, without tasks yet.
///
/// # Errors
///
/// [`DbError::NotFound`] of the product; [`DbError::Exceeded`] when the tenant has as many jobs waiting as it may have.
pub async fn create(db: &Db, scope: TenantScope, new: NewDesignJob) -> Result<DesignJob, DbError> {
    db.write(scope, (scope.tenant, new), |tx, (tenant, new)| {
        Box::pin(async move {
            products::lock(tx, *tenant, new.product).await?;
            let now = tx.now().await?;
            let steps = Steps::of_new(now);
            let row = row_of(*tenant, new, &steps, now);
            tx.enter(Level::DesignJob);
            tx.insert_all(vec![row.clone().into_active_model().reset_all()]).await?;
            telling::created(tx, &row, &steps).await?;
            let made = whole(tx, row).await?;
            quota::check_design(tx, *tenant).await?;
            Ok(made)
        })
    })
    .await
}

/// The row of a job whose first step is done.
fn row_of(tenant: TenantId, new: &NewDesignJob, steps: &Steps, now: Timestamp) -> design_job::Model {
    design_job::Model {
        tenant_id: Col(tenant),
        id: Col(new.id),
        product_id: Col(new.product),
        created_by: Col(new.created_by),
        status: Col(DesignStatus::Pending),
        progress_pct: DesignStep::CreateRenderJob.progress_pct_when_done(),
        steps: Col(steps.json()),
        request: Col(new.request.clone()),
        spec: Col(new.spec.clone()),
        work_key: Col(new.work_key),
        design: Col(new.design.clone()),
        design_asset_id: None,
        texture_asset_id: None,
        placement_report: None,
        unmapped: None,
        error: None,
        attempt: 1,
        attempts: Col(json!([])),
        metadata: Col(with_workflow(new.metadata.clone())),
        is_owed: false,
        job_id: None,
        thumbnail_before: None,
        cancel_requested_at: None,
        created_at: Col(now),
        started_at: None,
        completed_at: None,
        updated_at: Col(now),
    }
}

/// A job like one that there was, on the same stored design: with other materials.
#[derive(Clone, Debug)]
pub struct NewAgain {
    /// The job.
    pub new: NewDesignJob,
    /// The stored design.
    pub design: AssetId,
    /// Its tasks.
    pub tasks: Vec<NewTask>,
}

/// Makes the job of a design that is put on its product anew; its record must follow.
pub(crate) async fn queue_again(tx: &Tx<'_>, tenant: TenantId, again: &NewAgain) -> Result<design_job::Model, DbError> {
    let NewAgain { new, design, tasks } = again;
    let now = tx.now().await?;
    let mut steps = Steps::of_new(now);
    let step = DesignStep::UploadDesignFile;
    steps.begin(step, 1, now);
    steps.end(step, DesignStepStatus::Done, now);
    let mut row = row_of(tenant, new, &steps, now);
    row.design_asset_id = Some(Col(*design));
    made_progress(&mut row, step.progress_pct_when_done());
    queue(tx, &mut row, tasks).await?;
    Ok(row)
}

/// Stores the record of a design job that was made anew, if the tenant has room for it.
pub(crate) async fn record_again(tx: &Tx<'_>, row: design_job::Model) -> Result<(), DbError> {
    let steps = Steps::of(&row)?;
    tx.insert_all(vec![row.clone().into_active_model().reset_all()]).await?;
    telling::created(tx, &row, &steps).await?;
    quota::check_design(tx, row.tenant_id.0).await
}

/// What the service keeps with every job.
fn with_workflow(metadata: Json) -> Json {
    let mut members = match metadata {
        Json::Object(members) => members,
        _ => serde_json::Map::new(),
    };
    members.insert("workflow".to_owned(), json!("design_render"));
    members.insert("workflow_version".to_owned(), json!(1));
    Json::Object(members)
}

/// Where the design of a job is.
#[derive(Clone, Debug, PartialEq)]
pub enum DesignSource {
    /// It was sent: its bytes are in the store.
    Sent(Box<WholePackage>, OutputFile),
    /// It was there.
    Asset(AssetId),
}

/// The second step: the design of a job is stored, and its tasks begin to wait.
///
/// # Errors
///
/// [`DbError::NotFound`] of the job, or of a `stored file` that has to be stored again.
pub async fn stored(
    db: &Db,
    scope: TenantScope,
    id: DesignJobId,
    source: DesignSource,
    tasks: Vec<NewTask>,
) -> Result<DesignJob, DbError> {
    db.write(scope, (scope.tenant, id, source, tasks), |tx, (tenant, id, source, tasks)| {
        Box::pin(async move {
            let mut row = super::lock(tx, *tenant, *id).await?;
            // Somebody may have cancelled it meanwhile.
            advance(&mut row, DesignEvent::Release)?;
            let mut steps = Steps::of(&row)?;
            let now = tx.now().await?;
            let step = DesignStep::UploadDesignFile;
            steps.begin(step, 1, now);
            steps.end(step, DesignStepStatus::Done, now);
            made_progress(&mut row, step.progress_pct_when_done());
            queue(tx, &mut row, tasks).await?;
            row.design_asset_id = Some(Col(match source {
                DesignSource::Sent(package, file) => {
                    let files = vec![(AssetType::Design, file.clone())];
                    let saved = of_design::save(tx, &row, package, files, row.design.0.clone()).await?;
                    saved.first().copied().ok_or(DbError::NotFound("media asset"))?
                }
                DesignSource::Asset(id) => *id,
            }));
            let row = save(tx, row, &steps).await?;
            if let DesignSource::Sent(package, _) = source {
                telling::uploaded(tx, &row).await?;
                artifacts::store_in(tx, *tenant, std::slice::from_ref(&**package)).await?;
            }
            whole(tx, row).await
        })
    })
    .await
}

/// Gives a locked job the tasks of a try.
pub(super) async fn queue(tx: &Tx<'_>, row: &mut design_job::Model, tasks: &[NewTask]) -> Result<(), DbError> {
    let tenant: TenantId = row.tenant_id.0;
    let job = NewJob {
        job: JobRef { id: JobId::new(), kind: JobKind::Design, record: row.id.0.uuid() },
        context: row.id.0.uuid(),
        created_by: row.created_by.0,
        input_name: row.design.0["file_name"].as_str().map(str::to_owned),
        samples_target: row.request.0["samples"].as_i64().and_then(|n| i32::try_from(n).ok()).unwrap_or(0),
        has_document: true,
        tasks: tasks.to_vec(),
    };
    let made = jobs::create_in(tx, tenant, &job).await?;
    jobs::announce(tx, tenant, &made, None);
    row.job_id = Some(Col(job.job.id));
    Ok(())
}

/// The design of a job could not be stored, and the job has failed: it is kept with the reason.
///
/// # Errors
///
/// [`DbError::NotFound`].
pub async fn not_stored(db: &Db, scope: TenantScope, id: DesignJobId, error: StepError) -> Result<(), DbError> {
    db.write(scope, (scope.tenant, id, error), |tx, (tenant, id, error)| {
        Box::pin(async move {
            let row = lock_alone(tx, *tenant, *id).await?;
            end_unstored(tx, row, error.clone()).await
        })
    })
    .await
}

/// A locked job fails in its second step.
pub(super) async fn end_unstored(tx: &Tx<'_>, mut row: design_job::Model, error: StepError) -> Result<(), DbError> {
    let mut steps = Steps::of(&row)?;
    let now = tx.now().await?;
    let step = DesignStep::UploadDesignFile;
    steps.begin(step, 1, now);
    fail(&mut row, &mut steps, step, error, now)?;
    let row = save(tx, row, &steps).await?;
    telling::moved(tx, &row, &steps).await
}
