//! How the picture of a shadow run compares with the one that counts, and what the gate says of it (workflow.md §8).
//!
//! Once both sides have ended, the first that asks computes it, a request or the task `compare`, and it is kept with
//! the run: from then on verdict and figures are those, whatever becomes of the files.

mod find;
mod pictures;
mod task;

use packshot_contract::dispatch::GateStatus;
use packshot_contract::scalar::Address;
use packshot_contract::workflow::{ComparedOutput, Comparison, GateResult};
use packshot_db::workflows::{self as rows, CompareState, Compared, Observation, Run, RunContext};
use packshot_db::{Db, DbError, TenantScope};
use packshot_domain::hash::ContentAddress;
use packshot_domain::id::RunId;
use packshot_domain::output_type::RolloutGate;
use packshot_domain::principal::Principal;
use packshot_domain::rollout::{Found, GateDecision, Measured};
use packshot_domain::workflow::RunStatus;

use self::find::{FoundFile, Places, Uploads};
use self::pictures::{Compared as Pictures, compare};
use crate::app::{App, AppError, Code};
use crate::config::Settings;
use crate::objects::{self, ObjectError};
use crate::renders::outputs::{self, OutputError};
use crate::renders::packages;
use crate::settings::InForce;
use crate::store::Store;

pub use self::task::CompareHandler;

/// One of the pictures of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ComparedPicture {
    /// The one that counts.
    Authoritative,
    /// The shadow run's.
    Observer,
    /// The map of their difference.
    Flip,
}

/// Why a comparison cannot be made now.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CompareError {
    #[error(transparent)]
    Database(#[from] DbError),
    #[error(transparent)]
    Object(#[from] ObjectError),
    #[error(transparent)]
    Output(#[from] OutputError),
    #[error("the run observes nothing")]
    NotApplicable,
    #[error("comparing the pictures crashed")]
    Crashed,
}

impl From<CompareError> for AppError {
    fn from(error: CompareError) -> Self {
        match error {
            CompareError::Database(error) => error.into(),
            CompareError::Object(error) => error.into(),
            CompareError::NotApplicable => {
                Self::new(Code::ComparisonNotApplicable, "the run is not a shadow run of an order line")
            }
            error @ (CompareError::Output(_) | CompareError::Crashed) => Self::internal(error),
        }
    }
}

/// What comparisons are made with.
#[derive(Clone, Copy)]
pub(crate) struct Place<'p> {
    pub(crate) db: &'p Db,
    pub(crate) store: &'p Store,
    pub(crate) settings: &'p Settings,
}

/// How the picture of a shadow run compares with the one that counts.
///
/// # Errors
/// [`Code::WorkflowRunNotFound`], [`Code::ComparisonNotApplicable`]; [`Code::Unavailable`].
pub async fn comparison(app: &App, who: &Principal, id: RunId) -> Result<Comparison, AppError> {
    let place = Place { db: &app.db, store: &app.store, settings: &app.settings };
    Ok(place.comparison(TenantScope::of(who.tenant), id).await?)
}

/// Where one of the pictures of a comparison is, and its media type.
///
/// # Errors
/// As for [`comparison`]; [`Code::FileNotFound`] where there is no such picture.
pub async fn picture(
    app: &App,
    who: &Principal,
    id: RunId,
    which: ComparedPicture,
) -> Result<(ContentAddress, &'static str), AppError> {
    let found = comparison(app, who, id).await?;
    let hash = match which {
        ComparedPicture::Authoritative => found.authoritative_output.file_hash,
        ComparedPicture::Observer => found.observer_output.file_hash,
        ComparedPicture::Flip => found.flip_map_hash,
    };
    let none = || AppError::new(Code::FileNotFound, "the comparison has no such picture");
    let Address(address) = hash.ok_or_else(none)?;
    if which == ComparedPicture::Flip {
        return Ok((address, pictures::MAP_MEDIA_TYPE));
    }
    let bytes = objects::read(&app.db, &app.store, TenantScope::of(who.tenant), &address).await?;
    Ok((address, pictures::media_type(&bytes).ok_or_else(none)?))
}

impl Place<'_> {
    /// The comparison that is kept; or one that is made now, and kept if both sides have ended.
    pub(crate) async fn comparison(self, scope: TenantScope, id: RunId) -> Result<Comparison, CompareError> {
        let seen = rows::observation(self.db, scope, None, id).await?.ok_or(CompareError::NotApplicable)?;
        if let Some(kept) = seen.run.comparison.clone() {
            return self.as_it_is_now(scope, &seen, read(kept)?).await;
        }
        let (files, pictures) = self.compared(scope, &seen).await?;
        let measured = pictures.measured(&files);
        let mut decision = match seen.state {
            CompareState::RunGoesOn => GateDecision::pending("The shadow run"),
            CompareState::LineGoesOn => GateDecision::pending("The order line"),
            CompareState::Over => measured.judged_by(seen.gate),
        };
        if seen.run.status == RunStatus::Cancelled {
            decision.reasons.insert(0, "The shadow run was cancelled.".to_owned());
        }
        let mut body = body(&seen.run, &files, &measured, gate(seen.gate, decision));
        if seen.state != CompareState::Over {
            return Ok(body);
        }
        let mut packages = Vec::new();
        if let (Some(map), RunContext::Line(line)) = (pictures.map, seen.run.context) {
            let of_file = [pictures::MAP_NAME, "png", pictures::MAP_MEDIA_TYPE];
            let (row, kept) = outputs::store_file(self.db, self.store, scope, of_file, map.into()).await?;
            packages.push(packages::of_comparison(line, id, kept).map_err(OutputError::from)?);
            body.flip_map_hash = Some(Address::from(row.address));
        }
        let stored = serde_json::to_value(&body).map_err(|error| corrupt(&error))?;
        read(rows::keep_comparison(self.db, scope, id, Compared { body: stored, packages }).await?)
    }

    /// Finds both files, and measures how they differ.
    async fn compared(
        self,
        scope: TenantScope,
        seen: &Observation,
    ) -> Result<([FoundFile; 2], Pictures), CompareError> {
        let in_force = InForce::of_instance(self.db, self.settings).await?;
        let (pixels_max, bytes_max) = (in_force.max_pixels, in_force.max_output_bytes);
        let uploads = Uploads { data: &self.settings.data, bytes_max };
        let places = Places { db: self.db, store: self.store, uploads };
        let [authoritative, observer] = places.both(scope, seen).await?;
        let bytes = [authoritative.bytes.clone(), observer.bytes.clone()];
        let compared = tokio::task::spawn_blocking(move || compare(bytes, pixels_max)).await;
        Ok(([authoritative, observer], compared.map_err(|_| CompareError::Crashed)?))
    }

    /// A kept comparison, with what is there of its files now.
    async fn as_it_is_now(
        self,
        scope: TenantScope,
        seen: &Observation,
        mut kept: Comparison,
    ) -> Result<Comparison, CompareError> {
        let uploads = Uploads { data: &self.settings.data, bytes_max: 0 };
        let outputs = [
            (&mut kept.authoritative_output, seen.authoritative.as_ref()),
            (&mut kept.observer_output, seen.observer.as_ref()),
        ];
        for (output, recorded) in outputs {
            output.exists = match recorded {
                Some(recorded) => objects::is_whole(self.db, self.store, scope, &recorded.address).await?,
                None => output.path.as_ref().is_some_and(|path| uploads.has(path)),
            };
        }
        Ok(kept)
    }
}

fn body(run: &Run, [authoritative, observer]: &[FoundFile; 2], measured: &Measured, gate: GateResult) -> Comparison {
    Comparison {
        workflow_run_id: run.id.uuid(),
        execution_mode: run.mode.into(),
        status: measured.status().into(),
        exact_match: measured.exact_match(),
        dimensions_match: measured.dimensions_match(),
        mean_pixel_delta: measured.mean_pixel_delta,
        mean_flip: measured.mean_flip,
        summary: measured.summary(),
        authoritative_output: output(authoritative, measured.authoritative),
        observer_output: output(observer, measured.observer),
        flip_map_hash: None,
        rollout_gate: gate,
    }
}

fn output(file: &FoundFile, found: Found) -> ComparedOutput {
    let size_px = match found {
        Found::Picture { width_px, height_px, .. } => Some([width_px, height_px]),
        Found::Missing | Found::Unreadable => None,
    };
    ComparedOutput {
        path: file.path.clone(),
        exists: found.exists(),
        readable: size_px.is_some(),
        image_width: size_px.map(|[width, _]| width),
        image_height: size_px.map(|[_, height]| height),
        size_bytes: file.bytes.as_ref().map(|bytes| bytes.len() as u64),
        file_hash: file.bytes.as_ref().map(|bytes| ContentAddress::of(bytes).into()),
    }
}

fn gate(gate: RolloutGate, decision: GateDecision) -> GateResult {
    let ready = decision.is_ready();
    GateResult {
        verdict: decision.verdict.map(Into::into),
        ready,
        status: GateStatus::from(decision.status),
        reasons: decision.reasons,
        workflow_rollout_ready: ready,
        output_type_rollout_ready: ready,
        metric: gate.metric().into(),
        measured: decision.measured,
        pass_max: gate.pass_max(),
        warn_max: gate.warn_max(),
    }
}

fn read(stored: serde_json::Value) -> Result<Comparison, CompareError> {
    serde_json::from_value(stored).map_err(|error| corrupt(&error))
}

fn corrupt(error: &serde_json::Error) -> CompareError {
    DbError::Corrupt { what: "comparison", reason: error.to_string() }.into()
}
