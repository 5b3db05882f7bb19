//! The step that composes a design: its place is found on the product, and its texture drawn.
//!
//! It goes the way of a render as far as that is the same: the file, the materials, their lines in the log. No device
//! is opened.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use packshot_designs::design::{DesignLimits, check};
use packshot_designs::resolve::PlacementReport;
use packshot_designs::{Design, DesignRequest, Texture};
use packshot_pipeline::design::{self, ComposedDesign};
use packshot_pipeline::error::Error;
use packshot_pipeline::product::{PartMaterials, Product};
use packshot_renderer::backend::CancelToken;
use serde_json::{Value, json};

use super::engine::{Attempt, Engine};
use super::executor::AssetSource;
use super::failure::Stopped;
use super::inline;
use super::protocol::{DesignInput, Failure, RenderInput, WorkEvent};
use super::steps::{Emit, Step, facts};
use super::subject::read;
use packshot_domain::step::StepName;
use packshot_domain::task::FaultKind;

/// The code of the warning about parts without a material.
const UNMAPPED: &str = "unmapped_parts";

/// A composed design.
#[derive(Clone, Debug, PartialEq)]
pub struct Composed {
    /// Where it lies, with what a person should know of it.
    pub report: Value,
    /// The texture: a PNG with straight alpha.
    pub png: Bytes,
    /// Width and height of the texture.
    pub size_px: [u32; 2],
}

/// A design that somebody looks at before there is a job.
#[derive(Clone, Debug, PartialEq)]
pub struct Looked {
    /// Where it lies: what a job would say.
    pub report: Value,
    /// A small texture, if one was asked for: a PNG with straight alpha.
    pub png: Option<Bytes>,
}

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq)]
pub enum ComposeOutcome {
    /// There is a texture.
    Composed(Box<Composed>),
    /// There is none.
    Failed(Failure),
    /// It was asked to stop, and did.
    Cancelled,
}

impl From<Stopped> for ComposeOutcome {
    fn from(stopped: Stopped) -> Self {
        stopped.failure().map_or(Self::Cancelled, |failure| Self::Failed(failure.clone()))
    }
}

impl Engine {
    /// Composes the design of a work from start to end; a panic is an infrastructure fault. The outcome is returned,
    /// not emitted.
    pub fn compose(
        &self,
        input: &RenderInput,
        assets: &dyn AssetSource,
        cancel: &CancelToken,
        emit: &(dyn Fn(WorkEvent) + Sync),
    ) -> ComposeOutcome {
        let bare = RenderInput { design: None, ..input.clone() };
        let job = attempt_at(&bare, assets, cancel, emit);
        let attempt = AssertUnwindSafe(|| self.compose_attempt(&job, input.design.as_ref()));
        match catch_unwind(attempt) {
            Ok(Ok(composed)) => ComposeOutcome::Composed(Box::new(composed)),
            Ok(Err(stopped)) => stopped.into(),
            Err(panic) => {
                tracing::error!("composing a design panicked: {}", inline::panic_text(&*panic));
                let detail = "composing the design crashed; the service's log has the reason";
                ComposeOutcome::Failed(Failure::infrastructure("worker_panicked", detail))
            }
        }
    }

    /// Looks at the design of a work as a job would, and composes a texture of at most `texture_px_max` texels if there
    /// is such a number.
    ///
    /// # Errors
    /// As a job would fail.
    pub fn look(
        &self,
        input: &RenderInput,
        texture_px_max: Option<u32>,
        assets: &dyn AssetSource,
        cancel: &CancelToken,
    ) -> Result<Looked, Failure> {
        let bare = RenderInput { design: None, ..input.clone() };
        let nobody = |_: WorkEvent| ();
        let job = attempt_at(&bare, assets, cancel, &nobody);
        self.look_attempt(&job, input.design.as_ref(), texture_px_max).map_err(|stopped| match stopped.failure() {
            Some(failure) => failure.clone(),
            None => Failure::infrastructure("unavailable", "nobody waits for the design any more"),
        })
    }

    fn look_attempt(
        &self,
        job: &Attempt<'_>,
        worn: Option<&DesignInput>,
        texture_px_max: Option<u32>,
    ) -> Result<Looked, Stopped> {
        let worn = worn.ok_or_else(no_design)?;
        let (product, materials) = self.canvas(job)?;
        let (design, request) = asked(worn, job.assets)?;
        let report = shown(&design::report(&product, &design, &request)?, &materials);
        job.go_on()?;
        let png = match texture_px_max {
            None => None,
            Some(most) => {
                let small = DesignRequest { texture_px: request.texture_px.min(most), ..request };
                let texture = design::composed(&product, &design, &small)?.texture;
                Some(Bytes::from(texture.png().map_err(Error::from)?))
            }
        };
        Ok(Looked { report, png })
    }

    /// The product of a work with its materials. Whatever is wrong with them is found before anything is composed.
    fn canvas(&self, job: &Attempt<'_>) -> Result<(Arc<Product>, PartMaterials), Stopped> {
        let (_, product) = Step::scope(job.emit, StepName::ResolveStepPath, |_| self.import(job))?;
        job.go_on()?;
        let materials = Step::scope(job.emit, StepName::ResolveMaterials, |step| self.materials(job, &product, step))?;
        job.go_on()?;
        Ok((product, materials))
    }

    fn compose_attempt(&self, job: &Attempt<'_>, worn: Option<&DesignInput>) -> Result<Composed, Stopped> {
        let worn = worn.ok_or_else(no_design)?;
        let (product, materials) = self.canvas(job)?;
        Step::scope(job.emit, StepName::ComposeDesign, |_| {
            let (design, request) = asked(worn, job.assets)?;
            let ComposedDesign { report, texture } = design::composed(&product, &design, &request)?;
            job.go_on()?;
            let png = Bytes::from(texture.png().map_err(Error::from)?);
            let size_px = [texture.width_px, texture.height_px];
            let report = shown(&report, &materials);
            let output = facts(json!({"width": size_px[0], "height": size_px[1], "size_bytes": png.len()}));
            Ok((Composed { report, png, size_px }, output))
        })
    }
}

/// A work from its beginning. Nothing of it is kept.
fn attempt_at<'a>(
    input: &'a RenderInput,
    assets: &'a dyn AssetSource,
    cancel: &'a CancelToken,
    emit: Emit<'a>,
) -> Attempt<'a> {
    let (output_bytes_max, begun) = (u64::MAX, Instant::now());
    Attempt { input, output_bytes_max, memory_bytes_max: None, kept_as: None, assets, cancel, emit, begun }
}

fn no_design() -> Failure {
    Failure::new(FaultKind::Input, "spec.invalid", "the work has no design")
}

/// The report of a placement as a job has it: with the parts that have no material.
fn shown(report: &PlacementReport, materials: &PartMaterials) -> Value {
    let mut report = serde_json::to_value(report).unwrap_or_default();
    if materials.unmapped() > 0
        && let Some(warnings) = report["warnings"].as_array_mut()
    {
        let detail = format!("parts without a material: {}", materials.unmapped_names());
        warnings.push(json!({"code": UNMAPPED, "detail": detail}));
    }
    report
}

/// The design of a work, and where it lies.
fn asked(worn: &DesignInput, assets: &dyn AssetSource) -> Result<(Design, DesignRequest), Stopped> {
    let request = DesignRequest::read(&worn.request).map_err(design::refused)?;
    let bytes = read(assets, &worn.design)?;
    let most = DesignLimits { bytes_max: u64::MAX, svg_bytes_max: u64::MAX, pixels_max: worn.pixels_max };
    Ok((check(&bytes, &most).map_err(Error::from)?, request))
}

/// Puts a design on a product: with its texture, where that was composed before.
pub(super) fn wear(product: &mut Product, worn: &DesignInput, assets: &dyn AssetSource) -> Result<(), Stopped> {
    let (design, request) = asked(worn, assets)?;
    match &worn.texture {
        Some(address) => {
            let texture = Texture::of_png(&read(assets, address)?).map_err(Error::from)?;
            product.wear_composed(&design, &request, &texture)?;
        }
        None => product.wear(&design, &request)?,
    }
    Ok(())
}
