//! A batch of paths from camera to end: generate, then trace, shade and shadow until none is alive.

use glam::Vec4;
use packshot_native::loops::{Alive, PixelSamples, Shading, Shadows, Stages};
use packshot_native::stages::{Bindings, PathState, RayName};
use packshot_processor::SimdLevel;
use packshot_shaders::layout::ray::{Hit, Ray};
use packshot_traversal::{Accel, Opacity, OpacityFilter};

use super::arrival::Arrival;
use crate::prepare::PreparedShot;

/// Buffers of one thread, reused between batches.
pub(super) struct Batch<'a> {
    bindings: Bindings<'a>,
    accel: &'a Accel,
    stages: Stages,
    /// Whether some surfaces let rays through, so that traversal must evaluate opacity.
    has_opacity: bool,
    paths: Vec<PathState>,
    alive: Alive,
    rays: Vec<Ray>,
    names: Vec<RayName>,
    hits: Vec<Hit>,
    shading: Shading,
    shadows: Shadows,
    arrival: Arrival,
}

/// Evaluates opacity by the translated stage.
pub(super) struct Stochastic<'a> {
    pub(super) bindings: &'a Bindings<'a>,
    pub(super) stages: Stages,
    /// The identity of each ray.
    pub(super) names: &'a [RayName],
}

impl OpacityFilter for Stochastic<'_> {
    fn blocks(&self, ray_idx: usize, hit: &Hit) -> bool {
        self.stages.surface_blocks(self.bindings, *hit, self.names[ray_idx])
    }
}

impl<'a> Batch<'a> {
    /// Paths in flight together: their states fit the second-level cache.
    pub(super) const PATHS: usize = 1024;

    pub(super) fn new(shot: &'a PreparedShot, accel: &'a Accel, level: SimdLevel) -> Self {
        let product = &*shot.product;
        Self {
            bindings: shot.bindings(),
            accel,
            stages: Stages::new(level),
            has_opacity: product.features.has_opacity,
            paths: Vec::with_capacity(Self::PATHS),
            alive: Alive::default(),
            rays: Vec::with_capacity(Self::PATHS),
            names: Vec::with_capacity(Self::PATHS),
            hits: Vec::with_capacity(Self::PATHS),
            shading: Shading::new(product.features, product.has_mirrors()),
            shadows: Shadows { has_names: product.features.has_opacity, ..Shadows::default() },
            arrival: Arrival::new(product.features.has_opacity, product.features.has_panes),
        }
    }

    /// Traces `n_samples` samples of each pixel to their end. Returns the number of rays.
    pub(super) fn trace(&mut self, pixels: impl Iterator<Item = [u32; 2]>, first_sample: u32, n_samples: u32) -> u64 {
        self.paths.clear();
        for pixel in pixels {
            let samples = PixelSamples { pixel, first_sample, n_samples };
            self.stages.generate(&self.bindings, samples, &mut self.paths);
        }
        self.alive.paths.clear();
        self.alive.paths.extend(0..self.paths.len() as u32);
        // The bounds of rays through a whole lens contain nearly everything: a packet of them would hit every triangle.
        let has_lens = self.bindings.params.camera.aperture_radius != 0.0;
        self.alive.n_coherent = if has_lens { 0 } else { self.alive.paths.len() };
        let mut n_rays = 0;
        while !self.alive.paths.is_empty() {
            self.names.clear();
            if self.has_opacity {
                self.stages.path_names(&self.paths, &self.alive.paths, &mut self.names);
            }
            self.intersect();
            let Self { bindings, paths, alive, hits, shading, shadows, .. } = self;
            self.stages.shade(bindings, paths, alive, hits, shading, shadows);
            self.arrival.add(&self.bindings, self.stages, self.accel, &self.shadows, &mut self.paths);
            n_rays += (self.rays.len() + self.shadows.rays.len()) as u64;
        }
        n_rays
    }

    /// Result of path `i` of the last batch: premultiplied linear RGBA.
    pub(super) fn value(&self, i: usize) -> Vec4 {
        self.paths[i].radiance.extend(self.paths[i].alpha)
    }

    fn intersect(&mut self) {
        self.rays.clear();
        self.rays.extend(self.alive.paths.iter().map(|&i| self.paths[i as usize].ray));
        self.hits.resize(self.rays.len(), Hit::default());
        let (coherent, others) = self.rays.split_at(self.alive.n_coherent);
        let (coherent_hits, other_hits) = self.hits.split_at_mut(self.alive.n_coherent);
        if !self.has_opacity {
            self.accel.closest_coherent(coherent, coherent_hits, Opacity::Full);
            self.accel.closest(others, other_hits, Opacity::Full);
            return;
        }
        let filter = |names| Stochastic { bindings: &self.bindings, stages: self.stages, names };
        let (coherent_names, other_names) = self.names.split_at(self.alive.n_coherent);
        self.accel.closest_coherent(coherent, coherent_hits, Opacity::Of(&filter(coherent_names)));
        self.accel.closest(others, other_hits, Opacity::Of(&filter(other_names)));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Arc;

    use glam::{DAffine3, Vec3};
    use packshot_materials::openpbr::OpenPbr;

    use super::*;
    use crate::prepare::{PartMaterial, PreparedProduct, TabulatedMaps};
    use crate::scene::{Mesh, MeshIdx, Part, Primitive, Scene};
    use crate::shot::{Environment, MAX_SAMPLES, Shot};

    fn triangle() -> Scene {
        let primitive = Primitive {
            positions: vec![Vec3::ZERO, Vec3::X, Vec3::Y],
            normals: Vec::new(),
            tangents: Vec::new(),
            uvs: [Vec::new(), Vec::new()],
            colors: Vec::new(),
            triangles: vec![[0, 1, 2]],
            material: None,
        };
        let part = Part {
            node_idx: 0,
            path: String::new(),
            node_name: None,
            mesh_name: None,
            mesh: MeshIdx(0),
            world_from_part: DAffine3::IDENTITY,
            cad_names: Vec::new(),
        };
        let meshes = [Mesh { primitives: vec![primitive] }].into();
        Scene { meshes, parts: vec![part], ..Scene::default() }
    }

    /// The sequence of a block ends with the last sample of its last pixel, number 2^32 - 1.
    #[test]
    fn the_longest_render_ends_where_numbers_do() {
        const LAST: u32 = 11;
        let materials = [OpenPbr::default().into()];
        let product = PreparedProduct::new(&triangle(), &materials, &[PartMaterial::Palette(0)], None, &|| false);
        let product = Arc::new(product.expect("a sound scene"));
        let mut shot = Shot::of_one_pixel(Environment::None, Vec::new());
        shot.film.samples = MAX_SAMPLES;
        let prepared = PreparedShot::new(&product, &shot, TabulatedMaps::default().tables(&shot.environment));
        for level in SimdLevel::ALL.into_iter().filter(|level| level.is_supported()) {
            let accel = Accel::new(&product.bvh, level, &|| false).expect("nobody cancels");
            let mut batch = Batch::new(&prepared, &accel, level);
            let mut numbers = BTreeSet::new();
            for pixel in (0..256).map(|i| [i % 16, i / 16]) {
                batch.trace(std::iter::once(pixel), MAX_SAMPLES - LAST, LAST);
                numbers.extend(batch.paths.iter().map(|path| path.sample));
            }
            assert_eq!(numbers.len(), 256 * LAST as usize, "{level:?}: no two pixels share a number");
            assert_eq!(numbers.last(), Some(&u32::MAX), "{level:?}");
        }
    }
}
