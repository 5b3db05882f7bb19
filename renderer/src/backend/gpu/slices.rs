//! How much work one dispatch does: enough to keep the device busy, little enough that it stays responsive.

use std::time::Duration;

use crate::backend::DeviceKind;

/// Target duration of a dispatch: cancelling waits for one at most, and no watchdog kills it.
const TARGET: Duration = Duration::from_millis(50);
/// With fewer steps than this, storing paths takes more time than short dispatches save.
const STEPS_MIN: u32 = 8;
/// lavapipe ends all loops of an invocation together after 65,535 iterations, so that a step must not share them with
/// many others.
const STEPS_MAX_SOFTWARE: u32 = 8;
/// Rays of the first dispatch, before the device's speed is known.
const RAYS_FIRST: f64 = 1e6;
const RAYS_FIRST_SOFTWARE: f64 = 5e4;
/// A step traces a path's ray and, mostly, a shadow ray.
const RAYS_PER_STEP: f64 = 2.0;

/// Limits on dispatches, and on how many pixels have their paths on the device at once. No picture depends on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SliceLimits {
    /// Most pixels of one dispatch; at least 1.
    pub pixels: u32,
    /// Most steps per dispatch and pixel; at least 1.
    pub steps: u32,
    /// Most pixels whose paths are stored, at least those of a block (4,096); each takes 112 bytes.
    pub region_pixels: u32,
}

impl Default for SliceLimits {
    /// A picture of 1920 × 1080 is one region, which fills the largest GPUs several times over. While the last paths of
    /// a region end, most of the device waits.
    fn default() -> Self {
        Self { pixels: u32::MAX, steps: 256, region_pixels: 1 << 21 }
    }
}

/// The work of one dispatch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slice {
    pub(super) n_pixels: u32,
    pub(super) n_steps: u32,
}

impl Slice {
    /// Number of rays if no path ends.
    fn rays_planned(&self) -> f64 {
        f64::from(self.n_pixels) * f64::from(self.n_steps) * RAYS_PER_STEP
    }
}

/// Learns how much work a device does in [`TARGET`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Slices {
    limits: SliceLimits,
    steps_max: u32,
    rays: f64,
}

impl Slices {
    pub(super) fn new(limits: SliceLimits, kind: DeviceKind) -> Self {
        let (steps_max, rays) = match kind {
            DeviceKind::Software => (STEPS_MAX_SOFTWARE, RAYS_FIRST_SOFTWARE),
            DeviceKind::Gpu | DeviceKind::Cpu => (u32::MAX, RAYS_FIRST),
        };
        let limits = SliceLimits { pixels: limits.pixels.max(1), ..limits };
        Self { limits, steps_max: limits.steps.clamp(1, steps_max), rays }
    }

    /// The next dispatch over a list with `n_left` remaining pixels.
    pub(super) fn next(&self, n_left: u32) -> Slice {
        let steps = self.rays / RAYS_PER_STEP;
        let n_steps = ((steps / f64::from(n_left.max(1))) as u32).clamp(STEPS_MIN.min(self.steps_max), self.steps_max);
        let n_pixels = ((steps / f64::from(n_steps)) as u32).clamp(1, self.limits.pixels).min(n_left);
        Slice { n_pixels, n_steps }
    }

    /// Records the duration of a dispatch.
    pub(super) fn measured(&mut self, slice: Slice, rays: u32, elapsed: Duration) {
        let ratio = TARGET.as_secs_f64() / elapsed.as_secs_f64().max(1e-6);
        // Many paths may have ended early; the next dispatch may do all its work.
        let used = (f64::from(rays) / slice.rays_planned()).clamp(1e-3, 1.0);
        if ratio < 1.0 {
            self.rays *= ratio.max(0.25);
        } else if ratio * used > 2.0 && slice.rays_planned() > 0.5 * self.rays {
            self.rays *= (ratio * used / 2.0).clamp(1.0, 4.0);
        }
        self.rays = self.rays.max(RAYS_PER_STEP * f64::from(STEPS_MIN));
    }

    /// Reduces the number of steps from now on; false if it is 1 already.
    pub(super) fn halve_steps(&mut self) -> bool {
        let can = self.steps_max > 1;
        self.steps_max = (self.steps_max / 2).max(1);
        can
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Durations of the dispatches on a device with `rays_per_s`, on which a fraction `used` of the planned rays is
    /// traced.
    fn run(kind: DeviceKind, rays_per_s: f64, used: f64, n_pixels: u32, n: usize) -> Vec<f64> {
        let mut slices = Slices::new(SliceLimits::default(), kind);
        let mut dispatch = || {
            let slice = slices.next(n_pixels);
            let rays = slice.rays_planned() * used;
            let elapsed = rays / rays_per_s;
            slices.measured(slice, rays as u32, Duration::from_secs_f64(elapsed));
            elapsed
        };
        (0..n).map(|_| dispatch()).collect()
    }

    #[test]
    fn dispatches_settle_near_the_target() {
        for rays_per_s in [1e6, 3e7, 1e9] {
            let durations = run(DeviceKind::Gpu, rays_per_s, 0.7, 1 << 20, 12);
            let last = durations[11];
            assert!((0.01..0.08).contains(&last), "{rays_per_s} rays/s: {durations:?}");
        }
    }

    #[test]
    fn a_lucky_dispatch_does_not_lead_to_a_long_one() {
        let mut slices = Slices::new(SliceLimits::default(), DeviceKind::Gpu);
        // Only background: a sixteenth of the rays, on a device with 20 M rays/s.
        for _ in 0..20 {
            let slice = slices.next(1 << 20);
            let rays = slice.rays_planned() / 16.0;
            slices.measured(slice, rays as u32, Duration::from_secs_f64(rays / 2e7));
        }
        let full = slices.next(1 << 20).rays_planned() / 2e7;
        assert!(full < 0.1, "{full} s");
    }

    #[test]
    fn limits_hold() {
        let limits = SliceLimits { pixels: 100, steps: 3, ..SliceLimits::default() };
        let slices = Slices::new(limits, DeviceKind::Gpu);
        assert_eq!(slices.next(1000), Slice { n_pixels: 100, n_steps: 3 });
        assert_eq!(slices.next(1), Slice { n_pixels: 1, n_steps: 3 });
        let software = Slices::new(SliceLimits::default(), DeviceKind::Software);
        assert_eq!(software.next(1).n_steps, STEPS_MAX_SOFTWARE);
        let mut slow = Slices::new(SliceLimits::default(), DeviceKind::Gpu);
        for _ in 0..50 {
            let slice = slow.next(1 << 20);
            slow.measured(slice, u32::MAX, Duration::from_secs(10));
        }
        assert_eq!(slow.next(1 << 20), Slice { n_pixels: 1, n_steps: STEPS_MIN });
        assert!((0..8).all(|_| slow.halve_steps()));
        assert!(!slow.halve_steps());
        assert_eq!(slow.next(5).n_steps, 1);
    }
}
