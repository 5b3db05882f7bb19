//! A kernel of `shaders/wgsl/kernels/`, and its compilation by drivers.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::{Duration, Instant};

use packshot_shaders::compose::compose;
use packshot_shaders::sources::Sources;

use crate::prepare::SceneFeatures;
use crate::store::{self, ByteStore, Kept};

/// What compiling needs of an open device.
#[derive(Debug)]
pub(super) struct Compiler {
    device: wgpu::Device,
    adapter: wgpu::AdapterInfo,
    store: Option<Arc<dyn ByteStore>>,
    compiled: RefCell<Vec<CompiledKernel>>,
}

/// A kernel that a driver compiled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompiledKernel {
    /// Its name.
    pub name: &'static str,
    /// Its constants other than 0.
    pub constants: Vec<&'static str>,
    /// How long the driver took. Some drivers finish only at the first dispatch.
    pub time: Duration,
    /// Whether the cache of an earlier run was available.
    pub had_cache: bool,
}

impl Compiler {
    /// Compiled kernels are cached in `store` for later runs.
    pub(super) fn new(device: &wgpu::Device, adapter: wgpu::AdapterInfo, store: Option<Arc<dyn ByteStore>>) -> Self {
        Self { device: device.clone(), adapter, store, compiled: RefCell::default() }
    }

    /// Kernels compiled so far.
    pub(super) fn compiled(&self) -> Vec<CompiledKernel> {
        self.compiled.borrow().clone()
    }

    /// Parses the kernel at `path`, which has these bind groups. Errors go to the device's error scopes.
    pub(super) fn program(&self, path: &'static str, groups: &[&wgpu::BindGroupLayout]) -> Program {
        let composed = compose(&Sources::embedded(), path).expect("embedded kernels compose: a test proves it");
        let groups: Vec<_> = groups.iter().map(|&group| Some(group)).collect();
        let layout = self.device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
            label: Some(path),
            bind_group_layouts: &groups,
            immediate_size: 0,
        });
        let module = shader_module(&self.device, path, composed.text());
        let store = self.store.clone();
        let cache = store.and_then(|store| KeptCache::new(&self.device, &self.adapter, composed.text(), store));
        Program { path, layout, module, cache }
    }

    /// Compiles the kernel with these constants. Errors go to the device's error scopes.
    pub(super) fn pipeline(&self, program: &Program, constants: &[(&'static str, f64)]) -> wgpu::ComputePipeline {
        let begun = Instant::now();
        let pipeline = self.device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label: Some(program.path),
            layout: Some(&program.layout),
            module: &program.module,
            entry_point: None,
            compilation_options: wgpu::PipelineCompilationOptions {
                constants,
                zero_initialize_workgroup_memory: false,
            },
            cache: program.cache.as_ref().map(|kept| &kept.cache),
        });
        self.compiled.borrow_mut().push(CompiledKernel {
            name: program.path,
            constants: constants.iter().filter(|(_, value)| *value != 0.0).map(|(name, _)| *name).collect(),
            time: begun.elapsed(),
            had_cache: program.cache.as_ref().is_some_and(|kept| kept.was_known),
        });
        if let Some(kept) = &program.cache {
            kept.save();
        }
        pipeline
    }
}

/// A parsed kernel.
#[derive(Debug)]
pub(super) struct Program {
    path: &'static str,
    layout: wgpu::PipelineLayout,
    module: wgpu::ShaderModule,
    cache: Option<KeptCache>,
}

/// A driver's cache that persists between runs.
#[derive(Debug)]
struct KeptCache {
    cache: wgpu::PipelineCache,
    store: Arc<dyn ByteStore>,
    /// Derived from the adapter, its driver and the kernel's text.
    name: String,
    was_known: bool,
}

impl KeptCache {
    /// `None` if the graphics API has no pipeline caches.
    fn new(device: &wgpu::Device, info: &wgpu::AdapterInfo, text: &str, store: Arc<dyn ByteStore>) -> Option<Self> {
        if !device.features().contains(wgpu::Features::PIPELINE_CACHE) {
            return None;
        }
        let text_hash = blake3::hash(text.as_bytes()).to_hex();
        let name = format!("{}-{}", wgpu::util::pipeline_cache_key(info)?, &text_hash[..16]);
        let known = store::load(&*store, Kept::Kernels, &name);
        let was_known = known.is_some();
        Some(Self { cache: pipeline_cache(device, known.as_deref()), store, name, was_known })
    }

    fn save(&self) {
        if let Some(data) = self.cache.get_data() {
            store::store(&*self.store, Kept::Kernels, &self.name, &data);
        }
    }
}

/// The values of the overrides in `stage/features.wgsl` for a scene.
pub(super) fn feature_constants(features: SceneFeatures) -> [(&'static str, f64); 9] {
    features.overrides().map(|(name, value)| (name, f64::from(u8::from(value))))
}

/// The shader without naga's run-time checks: a countdown in every loop costs a factor of up to a hundred
/// (gfx-rs/wgpu#7698), and clamping every index up to 40 %.
#[allow(unsafe_code, reason = "wgpu has no safe way to leave the checks out")]
fn shader_module(device: &wgpu::Device, label: &str, text: &str) -> wgpu::ShaderModule {
    let descriptor = wgpu::ShaderModuleDescriptor { label: Some(label), source: wgpu::ShaderSource::Wgsl(text.into()) };
    // SAFETY: the text is the program's own. Every index in the prepared arrays is valid (the invariant of `prepare`),
    // list entries and slots come from this backend, every loop terminates (traversal visits each node at most once;
    // the others count), and no divisor is zero. The denoiser's kernel checks its coordinates against the sides of the
    // pictures, for which its buffers are large enough.
    unsafe { device.create_shader_module_trusted(descriptor, wgpu::ShaderRuntimeChecks::unchecked()) }
}

#[allow(unsafe_code, reason = "wgpu cannot check what a driver once wrote")]
fn pipeline_cache(device: &wgpu::Device, data: Option<&[u8]>) -> wgpu::PipelineCache {
    let descriptor = wgpu::PipelineCacheDescriptor { label: Some("kernels"), data, fallback: true };
    // SAFETY: the data came from `PipelineCache::get_data` on the same kind of adapter, whose key is part of the name
    // that it is stored under, and its hash shows that it is complete.
    unsafe { device.create_pipeline_cache(&descriptor) }
}
