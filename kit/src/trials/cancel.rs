//! Stopping a long render.

use std::time::{Duration, Instant};

use packshot_renderer::backend::gpu::SliceLimits;
use packshot_renderer::backend::{CancelToken, DeviceKind, RenderControl, RenderError};

use crate::report::{Fault, Limit, TrialReport};
use crate::setup::Setup;
use crate::subject::Subject;

/// More than can be rendered in the time.
const SAMPLES: u32 = 1 << 20;

pub(super) fn run(setup: &Setup, report: &mut TrialReport) -> Result<(), Fault> {
    let (side_px, n_tries) = setup.scale.pick((512, 3), (96, 2), (1080, 5));
    let subject = Subject::bearing(setup.is_plain())?;
    let backend = setup.open(SliceLimits::default())?;
    let shot = subject.load(&backend, subject.shot(side_px, SAMPLES)?)?;
    let (mut worst, mut worst_device) = (Duration::ZERO, Duration::ZERO);
    for i in 0..n_tries {
        let cancel = CancelToken::default();
        let (result, took) = std::thread::scope(|scope| {
            let render = scope.spawn(|| (shot.render(&RenderControl::new(&cancel)).map(drop), Instant::now()));
            // The first also waits for the kernel; each comes at another point of a dispatch.
            std::thread::sleep(Duration::from_millis(if i == 0 { 2000 } else { 250 + 37 * i }));
            let asked = Instant::now();
            cancel.cancel();
            let (result, ended) = render.join().map_err(|_| Fault::new("the render panicked"))?;
            Ok::<_, Fault>((result, ended.saturating_duration_since(asked)))
        })?;
        if result != Err(RenderError::Cancelled) {
            return Err(Fault::new(format!("a cancelled render ended with {result:?}")));
        }
        worst = worst.max(took);
        // The device answers when its other work is finished.
        let asked = Instant::now();
        backend.usage()?;
        worst_device = worst_device.max(took + asked.elapsed());
    }
    // A software adapter shares the processor with everything else.
    let most_ms = if setup.adapter()?.kind() == DeviceKind::Software { 10_000.0 } else { 100.0 };
    report.check("longest until the render ends", 1e3 * worst.as_secs_f64(), "ms", Limit::AtMost(most_ms));
    let device_ms = 1e3 * worst_device.as_secs_f64();
    report.check("longest until the device is free", device_ms, "ms", Limit::AtMost(most_ms));
    report.state("stops", n_tries as f64, "");
    Ok(())
}
