//! Paths in flight from camera to end: generate, then trace, shade and shadow until none is alive.
//!
//! Most paths end after a few steps, a few go on for many. A step with few paths leaves lanes empty, so new paths join
//! the others as soon as few are left (docs/decisions/paths-join-others.md).

use bytemuck::Zeroable as _;
use packshot_native::loops::{Alive, PixelSamples, Shading, Shadows, Stages};
use packshot_native::stages::{Bindings, PathState, RayName};
use packshot_processor::SimdLevel;
use packshot_shaders::layout::ray::{Hit, Ray};
use packshot_traversal::{Accel, Opacity, OpacityFilter};

use super::arrival::Arrival;
use crate::prepare::PreparedShot;

/// Pixels join until at least so many paths are alive: 128 bytes each, a quarter of a megabyte of the second-level
/// cache.
const PATHS: usize = 2048;
/// When fewer are alive, others join them.
const FEW: usize = 512;

/// Buffers of one thread, reused between strips.
pub(super) struct Flight<'a> {
    bindings: Bindings<'a>,
    accel: &'a Accel,
    stages: Stages,
    /// Whether some surfaces let rays through, so that traversal must evaluate opacity.
    has_opacity: bool,
    /// The samples of a pixel lie one after the other, in a place of their own.
    paths: Vec<PathState>,
    /// By place, the pixel whose samples are not yet handed over.
    places: Vec<Option<usize>>,
    /// By place, whether any of its paths goes on.
    goes_on: Vec<bool>,
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

impl<'a> Flight<'a> {
    pub(super) fn new(shot: &'a PreparedShot, accel: &'a Accel, level: SimdLevel) -> Self {
        let product = &*shot.product;
        Self {
            bindings: shot.bindings(),
            accel,
            stages: Stages::new(level),
            has_opacity: product.features.has_opacity,
            paths: Vec::new(),
            places: Vec::new(),
            goes_on: Vec::new(),
            alive: Alive::default(),
            rays: Vec::new(),
            names: Vec::new(),
            hits: Vec::new(),
            shading: Shading::new(product.features, product.has_mirrors()),
            shadows: Shadows { has_names: product.features.has_opacity, ..Shadows::default() },
            arrival: Arrival::new(product.features.has_opacity, product.features.has_panes),
        }
    }

    /// Traces `n_samples` samples of each pixel to their end. `pixels` are numbers with columns and rows; `ended` is
    /// told the number of a pixel, in any order, and the paths of all its samples. Returns the number of rays.
    pub(super) fn trace(
        &mut self,
        pixels: impl Iterator<Item = (usize, [u32; 2])>,
        [first_sample, n_samples]: [u32; 2],
        mut ended: impl FnMut(usize, &[PathState]),
    ) -> u64 {
        let n_samples = n_samples as usize;
        let mut pixels = pixels.fuse().peekable();
        let mut n_rays = 0;
        // The places of before may have been for more samples, or fewer.
        self.places.clear();
        self.paths.clear();
        loop {
            let n_alive = self.alive.paths.len();
            if n_alive == 0 || n_alive < FEW && pixels.peek().is_some() {
                self.land(n_samples, &mut ended);
                self.take_off(&mut pixels, first_sample, n_samples);
                if self.alive.paths.is_empty() {
                    return n_rays;
                }
            }
            n_rays += self.step();
        }
    }

    /// Hands over the pixels of which all paths have ended.
    fn land(&mut self, n_samples: usize, ended: &mut impl FnMut(usize, &[PathState])) {
        self.goes_on.clear();
        self.goes_on.resize(self.places.len(), false);
        for &path in &self.alive.paths {
            self.goes_on[path as usize / n_samples] = true;
        }
        let places = self.places.iter_mut().zip(&self.goes_on).zip(self.paths.chunks(n_samples));
        for ((place, _), paths) in places.filter(|((_, goes_on), _)| !**goes_on) {
            if let Some(pixel) = place.take() {
                ended(pixel, paths);
            }
        }
    }

    /// Starts the paths of further pixels. They come before the others, as many stages have the same to do for them.
    fn take_off(&mut self, pixels: &mut impl Iterator<Item = (usize, [u32; 2])>, first_sample: u32, n_samples: usize) {
        let mut started = Vec::with_capacity(PATHS + n_samples);
        let mut place = 0;
        while started.len() + self.alive.paths.len() < PATHS
            && let Some((pixel_idx, pixel)) = pixels.next()
        {
            while self.places.get(place).is_some_and(Option::is_some) {
                place += 1;
            }
            if place == self.places.len() {
                self.places.push(None);
                self.paths.resize((place + 1) * n_samples, PathState::zeroed());
            }
            self.places[place] = Some(pixel_idx);
            let own = place * n_samples..(place + 1) * n_samples;
            started.extend(own.start as u32..own.end as u32);
            self.stages.generate(&self.bindings, PixelSamples { pixel, first_sample }, &mut self.paths[own]);
        }
        // The bounds of rays through a whole lens contain nearly everything: a packet of them would hit every triangle.
        let has_lens = self.bindings.params.camera.aperture_radius != 0.0;
        self.alive.n_coherent += if has_lens { 0 } else { started.len() };
        started.append(&mut self.alive.paths);
        self.alive.paths = started;
    }

    /// Takes the paths that are alive one event further. Returns the number of rays.
    fn step(&mut self) -> u64 {
        self.names.clear();
        if self.has_opacity {
            self.stages.path_names(&self.paths, &self.alive.paths, &mut self.names);
        }
        self.intersect();
        let Self { bindings, paths, alive, hits, shading, shadows, .. } = self;
        self.stages.shade(bindings, paths, alive, hits, shading, shadows);
        self.arrival.add(&self.bindings, self.stages, self.accel, &self.shadows, &mut self.paths);
        (self.rays.len() + self.shadows.rays.len()) as u64
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
            let mut flight = Flight::new(&prepared, &accel, level);
            let mut numbers = BTreeSet::new();
            for pixel in (0..256).map(|i| [i % 16, i / 16]) {
                flight.trace(std::iter::once((0, pixel)), [MAX_SAMPLES - LAST, LAST], |_, paths| {
                    numbers.extend(paths.iter().map(|path| path.sample));
                });
            }
            assert_eq!(numbers.len(), 256 * LAST as usize, "{level:?}: no two pixels share a number");
            assert_eq!(numbers.last(), Some(&u32::MAX), "{level:?}");
        }
    }
}
