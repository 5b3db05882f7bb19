//! The step that composes a design: its place is found on the product, and its texture drawn.
//!
//! It goes the way of a render as far as that is the same: the file, the materials, their lines in the log. No device
//! is opened.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use bytes::Bytes;
use packshot_designs::design::{DesignLimits, check};
use packshot_designs::{Design, DesignRequest, Texture};
use packshot_pipeline::design::{self, ComposedDesign};
use packshot_pipeline::error::Error;
use packshot_pipeline::product::Product;
use packshot_renderer::backend::CancelToken;
use serde_json::{Value, json};

use super::engine::{Attempt, Engine};
use super::executor::AssetSource;
use super::failure::Stopped;
use super::inline;
use super::protocol::{DesignInput, Failure, RenderInput, WorkEvent};
use super::steps::{Step, facts};
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
        let begun = Instant::now();
        let bare = RenderInput { design: None, ..input.clone() };
        let job = Attempt {
            input: &bare,
            output_bytes_max: u64::MAX,
            memory_bytes_max: None,
            kept_as: None,
            assets,
            cancel,
            emit,
            begun,
        };
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

    fn compose_attempt(&self, job: &Attempt<'_>, worn: Option<&DesignInput>) -> Result<Composed, Stopped> {
        let worn = worn.ok_or_else(|| Failure::new(FaultKind::Input, "spec.invalid", "the work has no design"))?;
        let (_, product) = Step::scope(job.emit, StepName::ResolveStepPath, |_| self.import(job))?;
        job.go_on()?;
        // Whatever is wrong with the materials is found before anything is composed.
        let materials = Step::scope(job.emit, StepName::ResolveMaterials, |step| self.materials(job, &product, step))?;
        job.go_on()?;
        Step::scope(job.emit, StepName::ComposeDesign, |_| {
            let (design, request) = asked(worn, job.assets)?;
            let ComposedDesign { report, texture } = design::composed(&product, &design, &request)?;
            job.go_on()?;
            let png = Bytes::from(texture.png().map_err(Error::from)?);
            let size_px = [texture.width_px, texture.height_px];
            let mut report = serde_json::to_value(&report).unwrap_or_default();
            if materials.unmapped() > 0
                && let Some(warnings) = report["warnings"].as_array_mut()
            {
                let detail = format!("parts without a material: {}", materials.unmapped_names());
                warnings.push(json!({"code": UNMAPPED, "detail": detail}));
            }
            let output = facts(json!({"width": size_px[0], "height": size_px[1], "size_bytes": png.len()}));
            Ok((Composed { report, png, size_px }, output))
        })
    }
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
