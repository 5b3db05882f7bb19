//! Prepared products and shots in the device's memory.

use std::sync::{Arc, Weak};

use bytemuck::cast_slice;

use super::context::{Context, Fault};
use super::kernel::{Kernel, SCENE_BINDINGS};
use crate::prepare::{EnvironmentTables, PreparedProduct, PreparedShot, SceneFeatures};

/// Number of bindings of group 0 between the parameters and the lights; the product's other bindings come last.
const PRODUCT_BINDINGS_BEFORE_LIGHTS: usize = 10;
/// Number of bindings of group 0 that hold the product.
const PRODUCT_BINDINGS: usize = PRODUCT_BINDINGS_BEFORE_LIGHTS + 5;

/// The buffers that all shots of a product share.
#[derive(Debug)]
pub(super) struct ProductBuffers {
    /// In the order of the bindings.
    buffers: Vec<wgpu::Buffer>,
    /// The kernel that the product needs.
    kernel: Arc<Kernel>,
    features: SceneFeatures,
}

impl ProductBuffers {
    /// Uploads everything, after checking that everything fits.
    pub(super) fn upload(context: &Context, product: &PreparedProduct) -> Result<Self, Fault> {
        let (bvh, instances) = product.walked();
        let arrays: [Array<'_>; PRODUCT_BINDINGS] = [
            ("bvh_nodes", cast_slice(&bvh.nodes)),
            ("bvh_triangles", cast_slice(&bvh.triangles)),
            ("instances", cast_slice(&instances)),
            ("slots", cast_slice(&product.slots)),
            ("triangles", cast_slice(&product.triangles)),
            ("vertices", cast_slice(&product.vertices)),
            ("vertex_extras", cast_slice(&product.vertex_extras)),
            ("materials", cast_slice(&product.materials)),
            ("textures", cast_slice(&product.textures)),
            ("texels", cast_slice(&product.texels)),
            ("emitter_nodes", cast_slice(&product.emitters.nodes)),
            ("emitters", cast_slice(&product.emitters.emitters)),
            ("emitter_index", cast_slice(&product.emitters.index)),
            ("bevel_index", cast_slice(&product.bevels.index)),
            ("bevel_edges", cast_slice(&product.bevels.edges)),
        ];
        let buffers = upload(context, &arrays)?;
        let kernel = context.compile(product.features)?;
        Ok(Self { buffers, kernel, features: product.features })
    }

    /// Bytes of device memory.
    pub(super) fn size_bytes(&self) -> u64 {
        self.buffers.iter().map(wgpu::Buffer::size).sum()
    }
}

/// The environments on a device, shared by shots in the same light.
#[derive(Debug, Default)]
pub(super) struct Environments {
    kept: Vec<(Weak<EnvironmentTables>, [wgpu::Buffer; 3])>,
}

impl Environments {
    /// The buffers of these tables, uploaded on first use and kept as long as the tables exist.
    fn buffers(&mut self, context: &Context, tables: &Arc<EnvironmentTables>) -> Result<[wgpu::Buffer; 3], Fault> {
        self.forget_dropped();
        let is_it = |known: &Weak<EnvironmentTables>| Weak::as_ptr(known) == Arc::as_ptr(tables);
        if let Some((_, buffers)) = self.kept.iter().find(|(known, _)| is_it(known)) {
            return Ok(buffers.clone());
        }
        let [texels, cdf, guide] = [
            ("environment_texels", cast_slice(&tables.texels)),
            ("environment_cdf", cast_slice(&tables.cdf)),
            ("environment_guide", cast_slice(&tables.guide)),
        ];
        let uploaded = upload(context, &[texels, cdf, guide])?;
        let buffers: [wgpu::Buffer; 3] = uploaded.try_into().expect("three arrays are three buffers");
        self.kept.push((Arc::downgrade(tables), buffers.clone()));
        Ok(buffers)
    }

    /// Frees the buffers of tables that no longer exist.
    pub(super) fn forget_dropped(&mut self) {
        self.kept.retain(|(tables, _)| tables.strong_count() > 0);
    }
}

/// The arrays of group 0, bound. The bind group keeps its buffers.
#[derive(Debug)]
pub(super) struct SceneBindings {
    pub(super) group: wgpu::BindGroup,
    /// The kernel that the product needs.
    pub(super) kernel: Arc<Kernel>,
    /// Its features, for other kernels.
    pub(super) features: SceneFeatures,
}

impl SceneBindings {
    /// Uploads the part of a shot that its product does not have, and binds both.
    pub(super) fn new(
        context: &Context,
        product: &ProductBuffers,
        environments: &mut Environments,
        shot: &PreparedShot,
    ) -> Result<Self, Fault> {
        let own = [
            ("params", bytemuck::bytes_of(&shot.params)),
            ("lights", cast_slice(&shot.lights)),
            ("tables", cast_slice(&shot.tables)),
        ];
        let own = upload(context, &own)?;
        let environment = environments.buffers(context, &shot.environment)?;
        // In the order of the bindings.
        let (before, after) = product.buffers.split_at(PRODUCT_BINDINGS_BEFORE_LIGHTS);
        let all =
            [&own[0]].into_iter().chain(before).chain([&own[1]]).chain(&environment).chain([&own[2]]).chain(after);
        let all: Vec<&wgpu::Buffer> = all.collect();
        debug_assert_eq!(all.len(), SCENE_BINDINGS as usize, "every binding has a buffer");
        let group = context.bind_group("scene", &context.path_tracer.scene_layout, &all);
        Ok(Self { group, kernel: product.kernel.clone(), features: product.features })
    }
}

/// A buffer's label and content.
type Array<'a> = (&'a str, &'a [u8]);

/// A buffer for each array, after checking that each fits.
fn upload(context: &Context, arrays: &[Array<'_>]) -> Result<Vec<wgpu::Buffer>, Fault> {
    let largest = arrays.iter().map(|(_, bytes)| bytes.len() as u64).max().unwrap_or(0);
    context.check_fits(largest)?;
    let usage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_DST;
    let mut buffers = Vec::with_capacity(arrays.len());
    for (label, bytes) in arrays {
        let buffer = context.buffer(label, bytes.len() as u64, usage)?;
        context.write(&buffer, 0, bytes)?;
        buffers.push(buffer);
    }
    let submission = context.queue.submit([]);
    context.wait(submission)?;
    Ok(buffers)
}
