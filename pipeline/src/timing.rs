//! Where the time went.

use std::time::{Duration, Instant};

use serde::Serialize;

/// Wall-clock seconds, and CPU seconds where stated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Seconds {
    /// Reading the file and finding materials.
    pub import: f64,
    /// Framing, packing, acceleration structures, upload and compilation.
    pub prepare: f64,
    /// The sampling loop alone.
    pub render: f64,
    /// CPU time of the process on all processors during `render`; `None` if the system does not report it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub render_cpu: Option<f64>,
    /// Denoising.
    pub denoise: f64,
    /// View transform, encoding and writing.
    pub encode: f64,
    /// The total, from the start of the request.
    pub total: f64,
}

/// Measures stages one after the other.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch {
    begun: Instant,
    lap: Instant,
}

impl Stopwatch {
    /// Starts now.
    pub fn start() -> Self {
        let now = Instant::now();
        Self { begun: now, lap: now }
    }

    /// Seconds since the start or the last lap.
    pub fn lap(&mut self) -> f64 {
        let now = Instant::now();
        let seconds = now.duration_since(self.lap).as_secs_f64();
        self.lap = now;
        seconds
    }

    /// Seconds since the start.
    pub fn total(&self) -> f64 {
        self.begun.elapsed().as_secs_f64()
    }
}

/// CPU time of this process on all processors so far; `None` if the system does not report it.
pub(crate) fn process_time() -> Option<Duration> {
    #[cfg(unix)]
    {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
        Some(Duration::new(u64::try_from(time.tv_sec).ok()?, u32::try_from(time.tv_nsec).ok()?))
    }
    #[cfg(not(unix))]
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn processor_time_counts_work() {
        let (begun, clock) = (process_time().expect("unix says"), Instant::now());
        let mut x = 1_u64;
        while clock.elapsed() < Duration::from_millis(20) {
            x = std::hint::black_box(x.wrapping_mul(3));
        }
        assert!(process_time().expect("unix says") - begun >= Duration::from_millis(2));
    }
}
