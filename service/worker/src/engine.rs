//! The engine: everything that a worker keeps between works, and the way of one work through it.
//!
//! Input: a [`RenderWork`] and its assets. Output: [`WorkEvent`]s and an [`Outcome`]. Costly things are kept: one
//! renderer per device, imported files, and products on the device. A second request for the same scene imports nothing
//! and builds no tree. Invariant: a picture depends on the work alone, never on what was kept.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use packshot_materials::mapping::OnUnmapped;
use packshot_pipeline::error::Error;
use packshot_pipeline::memory::{MemoryLimit, MemoryNeed};
use packshot_pipeline::product::{PaletteMaterial, PartMaterials, Product};
use packshot_pipeline::render::{RendererOptions, ResidentProduct};
use packshot_renderer::backend::CancelToken;
use packshot_renderer::backend::device::{self, AdapterInfo};
use packshot_renderer::prepare::PartMaterial;
use packshot_renderer::shot::Floor;
use packshot_renderer::store::ByteStore;
use serde_json::json;

use super::device::{Device, Devices};
use super::documents::RigFiles;
use super::executor::AssetSource;
use super::failpoint::Failpoint;
use super::failure::Stopped;
use super::library::Resolved;
use super::lru::Lru;
use super::made_with::Program;
use super::protocol::{Completed, Failure, Outcome, RenderInput, RenderWork, WorkEvent};
use super::render;
use super::steps::{Emit, Facts, Step, facts};
use super::subject::{ImportKey, Subject, Subjects};
use packshot_contract::request::render_kind;
use packshot_domain::event::LogLevel;
use packshot_domain::id::RenderId;
use packshot_domain::step::StepName;

/// Most lines about materials in the log of one job; the report has all of them.
const MATERIAL_LINES_MAX: usize = 1_000;

/// How an [`Engine`] works.
#[derive(Clone, Debug)]
pub struct EngineOptions {
    /// Threads of the processor; 0: as many as the machine has.
    pub n_threads: usize,
    /// Where kernels that a driver compiled, and trees of large products, are kept between runs.
    pub cache: Option<Arc<dyn ByteStore>>,
    /// Bytes of products that stay on devices, at most; as many again of the files that they were made of.
    pub resident_bytes_max: u64,
    /// The memory that one render may take, bytes; `None`: what the machine or its container has, as far as the system
    /// says.
    pub memory_bytes_max: Option<u64>,
    /// The folder in which movies and archives grow, without a name there. On a disk: they may be larger than memory.
    pub scratch: PathBuf,
    /// Lists the graphics adapters; a test has others than the machine.
    pub adapters: fn() -> Vec<AdapterInfo>,
    /// The program: finished pictures of another one are not reused, and provenances name it.
    pub program: Program,
}

impl Default for EngineOptions {
    /// All threads, nothing kept, 1 GiB of products, the system's folder for temporary files.
    fn default() -> Self {
        Self {
            n_threads: 0,
            cache: None,
            resident_bytes_max: 1 << 30,
            memory_bytes_max: None,
            scratch: std::env::temp_dir(),
            adapters: device::enumerate,
            program: Program::UNNAMED,
        }
    }
}

/// How often an [`Engine`] did costly work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Files imported.
    pub imports: u64,
    /// Products packed, with their trees, and brought onto a device.
    pub prepares: u64,
    /// Pictures sampled to their end.
    pub renders: u64,
}

/// Renders works, one or several at a time.
#[derive(Debug)]
pub struct Engine {
    pub(super) memory_bytes_max: Option<u64>,
    pub(super) scratch: PathBuf,
    pub(super) program: Program,
    devices: Devices,
    subjects: Subjects,
    residents: Lru<ResidentKey, ResidentProduct>,
    pub(super) rig_files: RigFiles,
    n_prepares: AtomicU64,
    pub(super) n_renders: AtomicU64,
}

/// The key of what is resident on a device.
#[derive(Debug, PartialEq)]
struct ResidentKey {
    device: u64,
    import: ImportKey,
    palette: Vec<PaletteMaterial>,
    parts: Vec<PartMaterial>,
    floor: Option<Floor>,
}

/// One work with everything around it.
pub(super) struct Attempt<'a> {
    pub(super) input: &'a RenderInput,
    /// Bytes of all its files, at most.
    pub(super) output_bytes_max: u64,
    /// Bytes of memory that it may take, at most.
    pub(super) memory_bytes_max: Option<u64>,
    /// The job whose finished pictures are kept for another attempt.
    pub(super) kept_as: Option<RenderId>,
    pub(super) assets: &'a dyn AssetSource,
    pub(super) cancel: &'a CancelToken,
    pub(super) emit: Emit<'a>,
    pub(super) begun: Instant,
}

impl Attempt<'_> {
    /// # Errors
    /// When the work is to stop.
    pub(super) fn go_on(&self) -> Result<(), Stopped> {
        if self.cancel.is_cancelled() { Err(Stopped::Cancelled) } else { Ok(()) }
    }
}

impl Engine {
    /// Opens no device yet.
    pub fn new(options: EngineOptions) -> Self {
        let EngineOptions { n_threads, cache, resident_bytes_max, memory_bytes_max, scratch, adapters, program } =
            options;
        Self {
            memory_bytes_max,
            scratch,
            program,
            devices: Devices::new(RendererOptions { n_threads, cache, oidn: None }, adapters),
            subjects: Subjects::new(resident_bytes_max),
            residents: Lru::new(resident_bytes_max),
            rig_files: RigFiles::default(),
            n_prepares: AtomicU64::new(0),
            n_renders: AtomicU64::new(0),
        }
    }

    /// Opens the device for works that name none, and logs which one it is.
    ///
    /// # Errors
    /// As a work would fail.
    pub fn probe(&self, requested: &str) -> Result<(), Failure> {
        let device = self.devices.open(requested)?;
        if let Some(line) = &device.line {
            line.log();
        }
        Ok(())
    }

    /// The costly work so far.
    pub fn counters(&self) -> Counters {
        Counters {
            imports: self.subjects.n_imports(),
            prepares: self.n_prepares.load(Ordering::Relaxed),
            renders: self.n_renders.load(Ordering::Relaxed),
        }
    }

    /// Does a work from start to end. `emit` is called from several threads; the outcome is returned, not emitted.
    pub fn run(
        &self,
        work: &RenderWork,
        assets: &dyn AssetSource,
        cancel: &CancelToken,
        emit: &(dyn Fn(WorkEvent) + Sync),
    ) -> Outcome {
        let RenderWork { input, output_bytes_max, memory_bytes_max, .. } = work;
        let (output_bytes_max, memory_bytes_max) = (*output_bytes_max, *memory_bytes_max);
        let kept_as = work.keeps_finished.then_some(work.render);
        let job =
            Attempt { input, output_bytes_max, memory_bytes_max, kept_as, assets, cancel, emit, begun: Instant::now() };
        match self.attempt(&job) {
            Ok(completed) => Outcome::Completed(completed),
            Err(stopped) => stopped.into(),
        }
    }

    fn attempt(&self, job: &Attempt<'_>) -> Result<Completed, Stopped> {
        Failpoint::Load.pass();
        let (key, product) = Step::scope(job.emit, StepName::ResolveStepPath, |_| self.import(job))?;
        job.go_on()?;
        let resolved = Step::scope(job.emit, StepName::ResolveMaterials, |step| self.materials(job, &product, step));
        let subject = Subject { key, product, materials: resolved? };
        job.go_on()?;
        let device = self.device(job)?;
        let step = Step::start(job.emit, step_of(job), about(job, &device));
        step.finish(render::run(self, job, &subject, &device, &step))
            .inspect_err(|stopped| self.close_if_lost(&device, stopped, &step))
    }

    pub(super) fn import(&self, job: &Attempt<'_>) -> Result<((ImportKey, Arc<Product>), Facts), Stopped> {
        let (key, product, is_new) = self.subjects.product(job.input, job.assets, job.cancel)?;
        let output = json!({
            "content_address": job.input.scene.to_string(),
            "source_format": "glb",
            "parts": product.scene.parts.len(),
            "triangles": product.stats.triangles,
            "was_resident": !is_new,
        });
        Ok(((key, product), facts(output)))
    }

    pub(super) fn materials(
        &self,
        job: &Attempt<'_>,
        product: &Product,
        step: &Step<'_>,
    ) -> Result<(PartMaterials, Facts), Stopped> {
        let materials = self.subjects.materials(job.input, product, job.assets)?;
        for found in materials.diagnostics.iter().filter(|found| found.code.starts_with("library.")) {
            let line = format!("[MATERIAL] {}", found.message);
            step.note(LogLevel::Warning, &line, json!({ "code": found.code, "at": found.at }));
        }
        let Some(report) = &materials.report else { return Ok((materials, Facts::new())) };
        for item in report.items.iter().take(MATERIAL_LINES_MAX) {
            let level = if item.reason.is_some() { LogLevel::Warning } else { LogLevel::Info };
            step.note(level, &item.log_line(), json!({ "path": item.path, "material": item.material }));
        }
        if report.items.len() > MATERIAL_LINES_MAX {
            let more = report.items.len() - MATERIAL_LINES_MAX;
            step.note(
                LogLevel::Info,
                &format!("[MATERIAL] {more} more parts: see the report"),
                json!({ "more": more }),
            );
        }
        if job.input.plan.on_unmapped() == OnUnmapped::Fail
            && let Some(error) = materials.unmapped_error()
        {
            return Err(error.into());
        }
        let fallback = report.unmapped_items().find_map(|item| item.material.clone());
        let output = json!({
            "library": report.library,
            "parts": report.parts,
            "resolved": report.resolved,
            "unmapped": report.unmapped,
            "fallback_material": fallback,
        });
        Ok((materials, facts(output)))
    }

    /// The device, probed and announced.
    fn device(&self, job: &Attempt<'_>) -> Result<Device, Stopped> {
        match self.devices.open(job.input.plan.options.device.as_deref().unwrap_or("auto")) {
            Ok(device) => {
                if let Some(line) = &device.line {
                    let context = json!({ "gpu_info": device.info });
                    Step::announce(job.emit, step_of(job), line.level, &line.text, context);
                }
                (job.emit)(WorkEvent::Device(device.info.clone(), device.adapter.clone().map(Box::new)));
                Ok(device)
            }
            Err(error) => {
                let step = Step::start(job.emit, step_of(job), Facts::new());
                step.finish(Err(error.into()))
            }
        }
    }

    /// A lost device is closed, with everything on it; the next attempt opens what is there then.
    fn close_if_lost(&self, device: &Device, stopped: &Stopped, step: &Step<'_>) {
        let Stopped::Failed(failure) = stopped else { return };
        if failure.code == "device_lost" {
            self.residents.remove(|key| key.device == device.id);
            self.devices.forget(device.id);
            let line = format!("[GPU_PROBE] {} was lost: {}", device.info.device, failure.detail);
            step.note(LogLevel::Warning, &line, json!({ "gpu_info": device.info }));
        }
    }

    /// The product on the device, brought there if it is not yet.
    pub(super) fn resident(
        &self,
        job: &Attempt<'_>,
        subject: &Subject,
        floor: Option<&Floor>,
        device: &Device,
    ) -> Result<ResidentProduct, Stopped> {
        let key = ResidentKey {
            device: device.id,
            import: subject.key.clone(),
            palette: subject.materials.palette.clone(),
            parts: subject.materials.parts.clone(),
            floor: floor.cloned(),
        };
        if let Some(resident) = self.residents.get(&key) {
            return Ok(resident);
        }
        let prepare = || device.renderer.prepare(&subject.product, &subject.materials, floor, job.cancel);
        let resident = self.with_room(device, prepare)?;
        self.n_prepares.fetch_add(1, Ordering::Relaxed);
        self.residents.insert(key, resident.clone(), resident.size_bytes());
        Ok(resident)
    }

    /// Brings something onto a device. When that is full, products that are only kept for later make room.
    pub(super) fn with_room<T>(&self, device: &Device, load: impl Fn() -> Result<T, Error>) -> Result<T, Error> {
        match load() {
            Err(error) if error.code() == "device.out_of_memory" => {
                self.residents.remove(|key| key.device == device.id);
                load()
            }
            result => result,
        }
    }

    /// Drops products that are only kept for later, if a render would not have room beside them.
    pub(super) fn make_room(&self, need: MemoryNeed, limit: MemoryLimit) {
        let kept = self.residents.bytes().saturating_add(self.subjects.bytes());
        if need.bytes().saturating_add(kept) > limit.bytes {
            self.residents.remove(|_| true);
            self.subjects.forget();
        }
    }

    /// The material library of a work; `None` if all its parts are clay.
    pub(super) fn library(&self, job: &Attempt<'_>) -> Result<Option<Arc<Resolved>>, Stopped> {
        if job.input.plan.is_clay() { Ok(None) } else { self.subjects.library(job.input, job.assets).map(Some) }
    }

    /// The light that was uploaded, decoded.
    pub(super) fn environment(&self, job: &Attempt<'_>) -> Result<Option<super::subject::DecodedMap>, Stopped> {
        self.subjects.environment(job.input, job.assets)
    }
}

/// The step that makes the pictures.
fn step_of(job: &Attempt<'_>) -> StepName {
    render_kind(job.input.plan.kind).step()
}

/// The entries of the render step besides its times.
fn about(job: &Attempt<'_>, device: &Device) -> Facts {
    facts(
        json!({ "gpu_type": device.info.backend, "engine": "path_tracer", "samples": job.input.plan.options.samples }),
    )
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use packshot_pipeline::error::{ErrorKind, Fault};

    use super::*;

    #[test]
    fn r76_a_lost_device_is_said_and_closed_and_another_one_is_opened() {
        let engine = Engine::new(EngineOptions { n_threads: 1, ..EngineOptions::default() });
        let open = || engine.devices.open("cpu").expect("the processor is there");
        let device = open();
        let events = Mutex::new(Vec::new());
        let emit = |event| events.lock().expect("not poisoned").push(event);
        let step = Step::start(&emit, StepName::RenderStill, Facts::new());
        let stopped = |code: &str| Error::new(ErrorKind::Device, Fault::new(code, "the driver was reset")).into();
        engine.close_if_lost(&device, &stopped("device.out_of_memory"), &step);
        assert_eq!(open().id, device.id, "what is full is not lost");
        engine.close_if_lost(&device, &stopped("device.lost"), &step);
        assert_ne!(open().id, device.id);
        let events = events.lock().expect("not poisoned");
        let Some(WorkEvent::Log(line)) = events.last() else { panic!("{events:?}") };
        let expect = format!("[GPU_PROBE] {} was lost: the driver was reset", device.info.device);
        assert_eq!((line.level, line.text()), (LogLevel::Warning, expect));
    }
}
