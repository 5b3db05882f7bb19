//! Where camera rays end, behind the partly opaque surfaces that they pass, by the picture's own random numbers: with
//! others the result would not be consistent with the picture's alpha.

use packshot_native::loops::Stages;
use packshot_native::stages::{Bindings, PathState, RayName};
use packshot_shaders::layout::ray::{Hit, Ray};
use packshot_traversal::{Accel, Opacity};

use super::flight::Stochastic;

/// Finds first hits; reuses its buffers between calls.
#[derive(Default)]
pub(super) struct FirstHits {
    alive: Vec<u32>,
    rays: Vec<Ray>,
    names: Vec<RayName>,
    met: Vec<Hit>,
}

impl FirstHits {
    /// Leaves in `hits` where each path first scatters, and advances the paths to there.
    pub(super) fn find(
        &mut self,
        bindings: &Bindings<'_>,
        stages: Stages,
        (accel, has_opacity): (&Accel, bool),
        paths: &mut [PathState],
        hits: &mut Vec<Hit>,
    ) {
        let Self { alive, rays, names, met } = self;
        hits.clear();
        hits.resize(paths.len(), Hit::default());
        rays.clear();
        rays.extend(paths.iter().map(|path| path.ray));
        // As in sampling: rays through a whole lens are not coherent.
        let coherent = bindings.params.camera.aperture_radius == 0.0;
        if !has_opacity {
            return match coherent {
                true => accel.closest_coherent(rays, hits, Opacity::Full),
                false => accel.closest(rays, hits, Opacity::Full),
            };
        }
        alive.clear();
        alive.extend(0..paths.len() as u32);
        let mut is_first = true;
        while !alive.is_empty() {
            names.clear();
            stages.path_names(paths, alive, names);
            rays.clear();
            rays.extend(alive.iter().map(|&i| paths[i as usize].ray));
            met.clear();
            met.resize(rays.len(), Hit::default());
            let filter = Stochastic { bindings, stages, names };
            match is_first && coherent {
                true => accel.closest_coherent(rays, met, Opacity::Of(&filter)),
                false => accel.closest(rays, met, Opacity::Of(&filter)),
            }
            for (&i, hit) in alive.iter().zip(&*met) {
                hits[i as usize] = *hit;
            }
            stages.pass_partly(bindings, paths, alive, met);
            is_first = false;
        }
    }
}
