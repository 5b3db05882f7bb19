//! The last three steps of design jobs: a task of the queue for conversions. Each step is committed with its record, so
//! that another attempt goes on with the first that is not done; what the sixth did is taken back when it or the last
//! one fails.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use serde_json::{Map, Value as Json, json};
use tokio::time::timeout;

use super::composing::PRODUCER;
use super::leftovers::{CleanAfter, StoredFiles};
use crate::app::{Deed, Deeds};
use crate::config::Settings;
use crate::jobs::handler::{Desk, Handler, Handlers, Outcome, Start, StopReason, TaskUpdate, Teller};
use crate::libraries::proposals;
use crate::renders::of_design::{self, Made, Reported, Workfolder};
use crate::store::Store;
use packshot_db::designs::publishing::{self, StoredOutputs};
use packshot_db::designs::{self, DesignJob};
use packshot_db::reviews::ProposedPart;
use packshot_db::tasks::{Claimed, Delivery, LaneLimit, OutputFile};
use packshot_db::{Db, TenantScope};
use packshot_domain::artifact::EventActor;
use packshot_domain::design_job::{DESIGN_VIEWS, DesignStep, DesignStepStatus};
use packshot_domain::id::DesignJobId;
use packshot_domain::step::StepName;
use packshot_domain::task::{Chore, FaultKind, Lane, Lease, QueueName, TaskKind};
use packshot_worker::protocol::Failure;

/// How long each of these steps may take.
const STEP_TIME_MAX: Duration = Duration::from_secs(60);

/// Stores the pictures of design jobs, and has products show them.
#[derive(Clone, Debug)]
pub struct StoreHandler {
    /// Rows.
    pub db: Db,
    /// Files.
    pub store: Store,
    /// The settings of the process.
    pub settings: Arc<Settings>,
    /// What steps do.
    pub deeds: Arc<dyn Deeds>,
}

impl StoreHandler {
    /// These handlers, and that of pictures of designs.
    #[must_use]
    pub fn add_to(self, handlers: Handlers) -> Handlers {
        let queue = QueueName::Convert;
        let lane = (queue, Lane::of_queue(queue), LaneLimit::OfQueue);
        handlers.with(lane, &[TaskKind::Chore(Chore::StoreDesign)], Arc::new(self))
    }
}

impl Handler for StoreHandler {
    fn start<'t>(&'t self, claimed: &'t Claimed) -> BoxFuture<'t, Result<Start, Failure>> {
        Box::pin(async move {
            let job = claimed.task.job.ok_or_else(|| {
                Failure::new(FaultKind::Input, "internal_error", "a design without a job has no product")
            })?;
            let (folder, stored) = (Workfolder::of(&self.settings, job), StoredFiles::default());
            let attempt = Attempt {
                place: self.clone(),
                scope: TenantScope::of(claimed.tenant),
                job: DesignJobId::from_uuid(job.record),
                held: (claimed.lease, claimed.task.attempt),
                has_more: claimed.task.failures.faults + 1 < claimed.task.max_attempts,
                folder: folder.clone(),
                stored: stored.clone(),
            };
            let clean = CleanAfter {
                db: self.db.clone(),
                store: self.store.clone(),
                deeds: self.deeds.clone(),
                scope: attempt.scope,
                job: attempt.job,
                stored,
            };
            let work = Box::new(|desk| Box::pin(attempt.run(desk)) as BoxFuture<'static, Outcome>);
            Ok(Start { spec: None, work, until_written: Some(Box::new((clean, folder.until_ended(&self.db)))) })
        })
    }
}

/// One attempt at the last steps.
struct Attempt {
    place: StoreHandler,
    scope: TenantScope,
    job: DesignJobId,
    held: (Lease, i32),
    /// Whether a fault of the infrastructure would not be the last one.
    has_more: bool,
    folder: Workfolder,
    stored: StoredFiles,
}

impl Attempt {
    async fn run(self, mut desk: Desk) -> Outcome {
        let teller = desk.teller();
        let outcome = tokio::select! {
            biased;
            reason = desk.stopped() => match reason {
                // Another attempt goes on with the first step that is not done.
                StopReason::GivenBack => return Outcome::Stopped,
                StopReason::Cancelled | StopReason::Stalled => None,
            },
            outcome = self.steps(&teller) => Some(outcome),
        };
        match outcome {
            Some(Ok(())) => {
                desk.send(TaskUpdate::Finishing);
                let unmapped = Some(self.proposed().await);
                Outcome::Done(Delivery { output: json!({}), unmapped, ..Delivery::default() })
            }
            Some(Err(failure)) => {
                let is_tried_again = self.has_more && failure.fault == FaultKind::Infrastructure;
                if !is_tried_again {
                    self.take_back().await;
                }
                Outcome::Failed(failure)
            }
            None => {
                self.take_back().await;
                Outcome::Stopped
            }
        }
    }

    /// The names without a material in its pictures, with what is proposed for them. Without proposals, somebody asks
    /// for them later.
    async fn proposed(&self) -> Vec<ProposedPart> {
        let StoreHandler { db, store, settings, .. } = &self.place;
        let (parts, product) = match designs::get(db, self.scope, self.job).await {
            Ok(job) => (job.unmapped, job.product),
            Err(error) => {
                tracing::warn!("the unmapped parts of the design job {} cannot be read: {error}", self.job);
                return Vec::new();
            }
        };
        let proposed = proposals::propose((db, store, settings), self.scope, Some(product), parts.clone()).await;
        proposed.unwrap_or_else(|error| {
            tracing::warn!("no materials are proposed for the unmapped parts of the design job {}: {error}", self.job);
            parts.into_iter().map(|part| ProposedPart { part, proposals: Vec::new() }).collect()
        })
    }

    /// Does the steps that are not done, in their order.
    async fn steps(&self, teller: &Teller) -> Result<(), Failure> {
        let job = designs::get(&self.place.db, self.scope, self.job).await.map_err(of_design::away)?;
        let is_open = |step: DesignStep| {
            job.steps.iter().any(|state| state.step == step && state.status != DesignStepStatus::Done)
        };
        if is_open(DesignStep::StoreRenderOutputs) {
            self.step(teller, StepName::OutputSave, self.store(&job)).await?;
        }
        if is_open(DesignStep::AssociateProductMedia) {
            self.step(teller, StepName::AssociateMedia, self.associate()).await?;
        }
        self.place.deeds.may(Deed::Complete)?;
        // Whoever cancelled the job meanwhile is heard before it is ended.
        tokio::task::yield_now().await;
        Ok(())
    }

    /// Does a step within its time, and reports it.
    async fn step(
        &self,
        teller: &Teller,
        name: StepName,
        work: impl Future<Output = Result<Map<String, Json>, Failure>>,
    ) -> Result<(), Failure> {
        let reported = Reported::begin(teller.clone(), name);
        let outcome = timeout(STEP_TIME_MAX, work).await.unwrap_or_else(|_| Err(of_design::late(STEP_TIME_MAX)));
        reported.end(&outcome);
        outcome.map(drop)
    }

    /// The fifth step.
    async fn store(&self, job: &DesignJob) -> Result<Map<String, Json>, Failure> {
        let pictures = self.folder.pictures().await.map_err(|reason| {
            Failure::infrastructure("unavailable", format!("the pictures of the job cannot be read: {reason}"))
        })?;
        let Some(mut pictures) = pictures else {
            let detail =
                "the rendered pictures are gone from the working folder: retry the job, which renders them again";
            return Err(Failure::new(FaultKind::Input, "pictures_missing", detail));
        };
        let formats = formats_of_turntable(job);
        pictures.sort_by_key(|made| place_of(made, &formats));
        let place = (&self.place.db, &self.place.store, self.scope);
        let (mut views, mut turntable, mut kept) = (Vec::new(), Vec::new(), Vec::new());
        for (n, Made { row: picture, bytes, is_turned }) in pictures.into_iter().enumerate() {
            self.place.deeds.may(Deed::StorePicture(n))?;
            self.stored.note(picture.address);
            let names = [picture.name.as_str(), picture.format.as_str(), picture.media_type.as_str()];
            let (row, file) = of_design::store_file(place, names, bytes).await?;
            let row = OutputFile { width: picture.width, height: picture.height, movie: picture.movie, ..row };
            let files = if is_turned { &mut turntable } else { &mut views };
            files.push(row);
            kept.push(file);
        }
        let output = Map::from_iter([("files".to_owned(), json!(kept.len()))]);
        let package = of_design::package((EventActor::System, PRODUCER), "pictures", job.id, kept)?;
        let stored = StoredOutputs { package, views, turntable };
        publishing::store_outputs(&self.place.db, self.scope, self.held, stored).await.map_err(of_design::away)?;
        Ok(output)
    }

    /// The sixth step.
    async fn associate(&self) -> Result<Map<String, Json>, Failure> {
        self.place.deeds.may(Deed::Associate)?;
        publishing::associate(&self.place.db, self.scope, self.held).await.map_err(of_design::away)?;
        Ok(Map::new())
    }

    /// Takes the sixth step back, if it was done. What cannot be taken back now is tried again after the end of the
    /// attempt, and then every five minutes.
    async fn take_back(&self) {
        let taken = match self.place.deeds.may(Deed::TakeBack) {
            Ok(()) => publishing::take_back(&self.place.db, self.scope, self.held.0).await.map_err(of_design::away),
            Err(failure) => Err(failure),
        };
        if let Err(failure) = taken {
            tracing::warn!("what the design job {} did cannot be taken back yet: {}", self.job, failure.detail);
        }
    }
}

/// The formats of the turntable of a job, in the order in which they were asked for.
fn formats_of_turntable(job: &DesignJob) -> Vec<String> {
    let formats = job.request["animation"]["formats"].as_array().into_iter().flatten();
    formats.filter_map(|format| format.as_str().map(str::to_owned)).collect()
}

/// The place of a picture among all: the views in their order, then the turntable, its first format first.
fn place_of(made: &Made, formats: &[String]) -> (bool, usize, String) {
    let Made { row, bytes: _, is_turned } = made;
    if *is_turned {
        let place = formats.iter().position(|format| *format == row.format);
        return (true, place.unwrap_or(formats.len()), row.name.clone());
    }
    let stem = row.name.rsplit_once('.').map_or(row.name.as_str(), |(stem, _)| stem);
    let place = DESIGN_VIEWS.iter().position(|view| *view == stem);
    (false, place.unwrap_or(DESIGN_VIEWS.len()), row.format.clone())
}
