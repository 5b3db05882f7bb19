//! A prepared scene in the device's memory.

use bytemuck::cast_slice;

use super::context::{Context, Fault};
use super::kernel::SCENE_BINDINGS;
use crate::prepare::PreparedScene;

/// The arrays of group 0, bound. The bind group keeps its buffers.
#[derive(Debug)]
pub(super) struct SceneBuffers {
    pub(super) group: wgpu::BindGroup,
    /// The kernel that the scene needs.
    pub(super) pipeline: wgpu::ComputePipeline,
}

impl SceneBuffers {
    /// Uploads everything, after looking whether everything fits.
    pub(super) fn upload(context: &Context, scene: &PreparedScene) -> Result<Self, Fault> {
        let bvh = scene.bvh.packed();
        let mut instances = scene.instances.clone();
        for (instance, packed) in instances.iter_mut().zip(&bvh.instances) {
            instance.bvh_root = packed.bvh_root;
        }
        // In the order of the bindings.
        let arrays: [(&str, &[u8]); SCENE_BINDINGS as usize] = [
            ("params", bytemuck::bytes_of(&scene.params)),
            ("bvh_nodes", cast_slice(&bvh.nodes)),
            ("bvh_triangles", cast_slice(&bvh.triangles)),
            ("instances", cast_slice(&instances)),
            ("slots", cast_slice(&scene.slots)),
            ("triangles", cast_slice(&scene.triangles)),
            ("vertices", cast_slice(&scene.vertices)),
            ("vertex_extras", cast_slice(&scene.vertex_extras)),
            ("materials", cast_slice(&scene.materials)),
            ("textures", cast_slice(&scene.textures)),
            ("texels", cast_slice(&scene.texels)),
            ("lights", cast_slice(&scene.lights)),
            ("environment_texels", cast_slice(&scene.environment_texels)),
            ("environment_cdf", cast_slice(&scene.environment_cdf)),
            ("environment_guide", cast_slice(&scene.environment_guide)),
            ("tables", cast_slice(&scene.tables)),
        ];
        let largest = arrays.iter().map(|(_, bytes)| bytes.len() as u64).max().unwrap_or(0);
        context.check_fits(largest)?;
        let usage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_DST;
        let mut buffers = Vec::with_capacity(arrays.len());
        for (label, bytes) in arrays {
            let buffer = context.buffer(label, bytes.len() as u64, usage)?;
            context.write(&buffer, 0, bytes)?;
            buffers.push(buffer);
        }
        let all: Vec<&wgpu::Buffer> = buffers.iter().collect();
        let group = context.bind_group("scene", &context.path_tracer.scene_layout, &all);
        let submission = context.queue.submit([]);
        context.wait(submission)?;
        let pipeline = context.compile(scene.has_opacity)?.clone();
        Ok(Self { group, pipeline })
    }
}
