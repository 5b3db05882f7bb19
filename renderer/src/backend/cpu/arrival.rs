//! Light arriving along shadow rays: which rays are unoccluded, and what panes transmit along the others.

use glam::Vec3;
use packshot_native::loops::{Shadows, Stages};
use packshot_native::stages::{Bindings, PathState, RayName};
use packshot_shaders::constants::{KEY_SHADOW, NO_HIT, PANES_MAX};
use packshot_shaders::layout::ray::{Hit, Ray};
use packshot_traversal::{Accel, Opacity};

use super::flight::Stochastic;

/// Buffers of one thread, reused from step to step.
pub(super) struct Arrival {
    /// Whether some surfaces let rays through, so that traversal must evaluate opacity.
    has_opacity: bool,
    blocked: Vec<bool>,
    /// `None` for scenes without panes.
    through_panes: Option<ThroughPanes>,
}

/// Shadow rays that only panes occlude, on their way through them.
#[derive(Default)]
struct ThroughPanes {
    rays: Vec<Ray>,
    names: Vec<RayName>,
    hits: Vec<Hit>,
    light: Vec<Vec3>,
    paths: Vec<u32>,
}

impl Arrival {
    pub(super) fn new(has_opacity: bool, has_panes: bool) -> Self {
        Self { has_opacity, blocked: Vec::new(), through_panes: has_panes.then(ThroughPanes::default) }
    }

    /// Adds to each path the light of its shadow ray, as far as it arrives.
    pub(super) fn add(
        &mut self,
        bindings: &Bindings<'_>,
        stages: Stages,
        accel: &Accel,
        shadows: &Shadows,
        paths: &mut [PathState],
    ) {
        self.blocked.resize(shadows.rays.len(), false);
        if self.has_opacity {
            let filter = Stochastic { bindings, stages, names: &shadows.names };
            accel.occluded(&shadows.rays, &mut self.blocked, Opacity::Of(&filter));
        } else {
            accel.occluded(&shadows.rays, &mut self.blocked, Opacity::Full);
        }
        if let Some(through) = &mut self.through_panes {
            through.begin(shadows, &self.blocked);
            through.walk(bindings, stages, accel, paths);
            return;
        }
        for (k, &path) in shadows.paths.iter().enumerate() {
            if !self.blocked[k] {
                paths[path as usize].radiance += shadows.radiance[k];
            }
        }
    }
}

impl ThroughPanes {
    /// Takes the shadow rays that are not blocked, with keys that make them hit panes.
    fn begin(&mut self, shadows: &Shadows, blocked: &[bool]) {
        self.clear();
        for k in (0..shadows.rays.len()).filter(|&k| !blocked[k]) {
            self.rays.push(shadows.rays[k]);
            let name = shadows.names[k];
            self.names.push(RayName { key: name.key & !KEY_SHADOW, ..name });
            self.light.push(shadows.radiance[k]);
            self.paths.push(shadows.paths[k]);
        }
    }

    fn clear(&mut self) {
        self.rays.clear();
        self.names.clear();
        self.light.clear();
        self.paths.clear();
    }

    /// From pane to pane, until each ray has arrived or lost all its light.
    fn walk(&mut self, bindings: &Bindings<'_>, stages: Stages, accel: &Accel, paths: &mut [PathState]) {
        for _ in 0..=PANES_MAX {
            if self.rays.is_empty() {
                return;
            }
            self.hits.resize(self.rays.len(), Hit::default());
            let filter = Stochastic { bindings, stages, names: &self.names };
            accel.closest(&self.rays, &mut self.hits, Opacity::Of(&filter));
            let arrived = |hit: &Hit| hit.instance == NO_HIT;
            for (k, _) in self.hits.iter().enumerate().filter(|(_, hit)| arrived(hit)) {
                paths[self.paths[k] as usize].radiance += self.light[k];
            }
            self.keep(|through, k| !arrived(&through.hits[k]));
            stages.pass_panes(bindings, &mut self.rays, &self.hits, &mut self.light);
            self.keep(|through, k| through.light[k].max_element() > 0.0);
        }
    }

    /// Keeps the rays for which `wanted` holds, in their order.
    fn keep(&mut self, wanted: impl Fn(&Self, usize) -> bool) {
        let mut kept = 0;
        for k in 0..self.rays.len() {
            if wanted(self, k) {
                self.rays[kept] = self.rays[k];
                self.names[kept] = self.names[k];
                self.hits[kept] = self.hits[k];
                self.light[kept] = self.light[k];
                self.paths[kept] = self.paths[k];
                kept += 1;
            }
        }
        self.rays.truncate(kept);
        self.names.truncate(kept);
        self.hits.truncate(kept);
        self.light.truncate(kept);
        self.paths.truncate(kept);
    }
}
