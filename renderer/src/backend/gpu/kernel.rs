//! The compiled kernel and the shape of its bindings.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use packshot_shaders::compose::compose;
use packshot_shaders::sources::Sources;

use crate::backend::ByteStore;
use crate::prepare::SceneFeatures;

/// Bindings of group 0: the prepared scene.
pub(super) const SCENE_BINDINGS: u32 = 21;
/// Bindings of group 1: what a dispatch does and where it keeps it; the first is a uniform buffer.
pub(super) const PASS_BINDINGS: u32 = 5;
/// Storage buffers that the kernel binds, the film among them.
pub(super) const STORAGE_BUFFERS: u32 = SCENE_BINDINGS + PASS_BINDINGS;

/// First of the bindings of group 1 that are written.
const PASS_FIRST_WRITTEN: u32 = 2;
const KERNEL: &str = "kernels/path_trace";

/// The megakernel, compiled for the scenes that come.
#[derive(Debug)]
pub(super) struct PathTracer {
    pub(super) scene_layout: wgpu::BindGroupLayout,
    pub(super) pass_layout: wgpu::BindGroupLayout,
    pub(super) film_layout: wgpu::BindGroupLayout,
    layout: wgpu::PipelineLayout,
    module: wgpu::ShaderModule,
    cache: Option<KeptCache>,
    /// By what the scenes hold.
    variants: RefCell<HashMap<SceneFeatures, Arc<Kernel>>>,
}

/// The kernel for one kind of scene.
#[derive(Debug)]
pub(super) struct Kernel {
    pub(super) pipeline: wgpu::ComputePipeline,
    /// Whether it has run: some drivers compile at the first dispatch only.
    pub(super) is_warm: AtomicBool,
}

impl PathTracer {
    /// Parses the kernel. What the driver makes of it is kept in `store` for the next time.
    pub(super) fn new(device: &wgpu::Device, info: &wgpu::AdapterInfo, store: Option<Arc<dyn ByteStore>>) -> Self {
        let composed = compose(&Sources::embedded(), KERNEL).expect("embedded kernels compose: a test proves it");
        let group = |label, entries: &[wgpu::BindGroupLayoutEntry]| {
            device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor { label: Some(label), entries })
        };
        let scene: Vec<_> = (0..SCENE_BINDINGS).map(|binding| entry(binding, read_only())).collect();
        let pass: Vec<_> = (0..PASS_BINDINGS)
            .map(|binding| match binding {
                0 => entry(binding, wgpu::BufferBindingType::Uniform),
                _ if binding < PASS_FIRST_WRITTEN => entry(binding, read_only()),
                _ => entry(binding, written()),
            })
            .collect();
        let scene_layout = group("scene", &scene);
        let pass_layout = group("pass", &pass);
        let film_layout = group("film", &[entry(0, written())]);
        let layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
            label: Some(KERNEL),
            bind_group_layouts: &[Some(&scene_layout), Some(&pass_layout), Some(&film_layout)],
            immediate_size: 0,
        });
        let module = shader_module(device, KERNEL, composed.text());
        let cache = store.and_then(|store| KeptCache::new(device, info, composed.text(), store));
        Self { scene_layout, pass_layout, film_layout, layout, module, cache, variants: RefCell::default() }
    }

    /// The kernel for scenes with these features. Compiles it when it is first asked for; errors go to the device's error scopes.
    pub(super) fn kernel(&self, device: &wgpu::Device, features: SceneFeatures) -> Arc<Kernel> {
        let mut variants = self.variants.borrow_mut();
        variants.entry(features).or_insert_with(|| Arc::new(self.compile(device, features))).clone()
    }

    fn compile(&self, device: &wgpu::Device, features: SceneFeatures) -> Kernel {
        let pipeline = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label: Some(KERNEL),
            layout: Some(&self.layout),
            module: &self.module,
            entry_point: None,
            compilation_options: wgpu::PipelineCompilationOptions {
                constants: &feature_constants(features),
                zero_initialize_workgroup_memory: false,
            },
            cache: self.cache.as_ref().map(|kept| &kept.cache),
        });
        if let Some(kept) = &self.cache {
            kept.save();
        }
        Kernel { pipeline, is_warm: AtomicBool::new(false) }
    }
}

/// A driver's cache that outlives the program.
#[derive(Debug)]
struct KeptCache {
    cache: wgpu::PipelineCache,
    store: Arc<dyn ByteStore>,
    /// Of the adapter, its driver and the kernel's text.
    name: String,
}

impl KeptCache {
    /// `None` where the graphics interface has no such thing.
    fn new(device: &wgpu::Device, info: &wgpu::AdapterInfo, text: &str, store: Arc<dyn ByteStore>) -> Option<Self> {
        if !device.features().contains(wgpu::Features::PIPELINE_CACHE) {
            return None;
        }
        let text_hash = blake3::hash(text.as_bytes()).to_hex();
        let name = format!("{}-{}", wgpu::util::pipeline_cache_key(info)?, &text_hash[..16]);
        let known = store.load(&name).and_then(unsealed);
        Some(Self { cache: pipeline_cache(device, known.as_deref()), store, name })
    }

    fn save(&self) {
        if let Some(data) = self.cache.get_data() {
            self.store.store(&self.name, &sealed(&data));
        }
    }
}

/// What the overrides of `stage/features.wgsl` are for a scene.
pub(super) fn feature_constants(features: SceneFeatures) -> [(&'static str, f64); 8] {
    let SceneFeatures {
        has_opacity,
        has_bodies,
        has_layers,
        has_textures,
        has_relief,
        has_bevels,
        has_panes,
        has_emitters,
    } = features;
    let constants = [
        ("HAS_OPACITY", has_opacity),
        ("HAS_BODIES", has_bodies),
        ("HAS_LAYERS", has_layers),
        ("HAS_TEXTURES", has_textures),
        ("HAS_RELIEF", has_relief),
        ("HAS_BEVELS", has_bevels),
        ("HAS_PANES", has_panes),
        ("HAS_EMITTERS", has_emitters),
    ];
    constants.map(|(name, value)| (name, f64::from(u8::from(value))))
}

pub(super) fn entry(binding: u32, ty: wgpu::BufferBindingType) -> wgpu::BindGroupLayoutEntry {
    wgpu::BindGroupLayoutEntry {
        binding,
        visibility: wgpu::ShaderStages::COMPUTE,
        ty: wgpu::BindingType::Buffer { ty, has_dynamic_offset: false, min_binding_size: None },
        count: None,
    }
}

pub(super) fn read_only() -> wgpu::BufferBindingType {
    wgpu::BufferBindingType::Storage { read_only: true }
}

pub(super) fn written() -> wgpu::BufferBindingType {
    wgpu::BufferBindingType::Storage { read_only: false }
}

/// The shader without naga's run-time checks: a countdown in every loop costs up to a hundredfold (gfx-rs/wgpu#7698), clamps on every
/// index up to 40 %.
#[allow(unsafe_code, reason = "wgpu has no safe way to leave the checks out")]
pub(super) fn shader_module(device: &wgpu::Device, label: &str, text: &str) -> wgpu::ShaderModule {
    let descriptor = wgpu::ShaderModuleDescriptor { label: Some(label), source: wgpu::ShaderSource::Wgsl(text.into()) };
    // SAFETY: the text is the program's own. Every index in the prepared arrays is valid (the invariant of `prepare`), list entries and
    // slots come from this backend, every loop ends (traversal visits each node at most once; the others count), and no divisor is zero. The
    // denoiser's kernel compares its places with the sides of the pictures, which its buffers have room for.
    unsafe { device.create_shader_module_trusted(descriptor, wgpu::ShaderRuntimeChecks::unchecked()) }
}

#[allow(unsafe_code, reason = "wgpu cannot check what a driver once wrote")]
fn pipeline_cache(device: &wgpu::Device, data: Option<&[u8]>) -> wgpu::PipelineCache {
    let descriptor = wgpu::PipelineCacheDescriptor { label: Some(KERNEL), data, fallback: true };
    // SAFETY: the data came out of `PipelineCache::get_data` of the same kind of adapter, whose key is part of the name that it is
    // stored under, and its hash shows that it is complete.
    unsafe { device.create_pipeline_cache(&descriptor) }
}

/// The data with its hash in front.
fn sealed(data: &[u8]) -> Vec<u8> {
    [blake3::hash(data).as_bytes(), data].concat()
}

/// The data behind its hash, if it is undamaged.
fn unsealed(mut bytes: Vec<u8>) -> Option<Vec<u8>> {
    let (hash, data) = bytes.split_first_chunk::<{ blake3::OUT_LEN }>()?;
    let is_whole = blake3::hash(data) == *hash;
    bytes.drain(..blake3::OUT_LEN);
    is_whole.then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damaged_caches_are_not_given_to_the_driver() {
        let whole = sealed(b"compiled");
        assert_eq!(unsealed(whole.clone()).as_deref(), Some(&b"compiled"[..]));
        for i in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[i] ^= 1;
            assert_eq!(unsealed(damaged), None, "byte {i}");
        }
        for length in 0..whole.len() {
            assert_eq!(unsealed(whole[..length].to_vec()), None, "{length} bytes");
        }
    }
}
