//! A device that is lost during a render recovers, and the picture is the same.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use packshot_renderer::backend::gpu::SliceLimits;
use packshot_renderer::backend::{CancelToken, Progress, RenderControl, RenderError};

use crate::report::{Fault, Limit, TrialReport};
use crate::setup::Setup;
use crate::subject::{Subject, differing};

pub(super) fn run(setup: &Setup, report: &mut TrialReport) -> Result<(), Fault> {
    let (side_px, samples) = setup.scale.pick((128, 32), (48, 8), (512, 256));
    let subject = Subject::bearing(setup.is_plain())?;
    let backend = setup.open(SliceLimits::default())?;
    let shot = subject.load(&backend, subject.shot(side_px, samples)?)?;
    let cancel = CancelToken::default();
    let undisturbed = shot.render(&RenderControl::new(&cancel))?;
    report.state("render without a loss", undisturbed.render_time.as_secs_f64(), "s");

    let begun = Instant::now();
    let is_first = AtomicBool::new(true);
    let lose_once = |_: Progress| {
        if is_first.swap(false, Ordering::Relaxed) {
            backend.lose_device();
        }
    };
    let resumed = shot.render(&RenderControl { progress: &lose_once, ..RenderControl::new(&cancel) })?;
    report.state("render with one", begun.elapsed().as_secs_f64(), "s");
    report.check("times the device was opened", f64::from(backend.usage()?.n_opened), "", Limit::AtLeast(2.0));
    let limit = Limit::AtMost(0.0);
    report.check("pixels that differ after it", differing(&undisturbed.film, &resumed.film), "", limit);

    let lose_always = |_: Progress| backend.lose_device();
    let lost = shot.render(&RenderControl { progress: &lose_always, ..RenderControl::new(&cancel) });
    if !matches!(lost, Err(RenderError::DeviceLost(_))) {
        return Err(Fault::new("a device that is lost again and again is no error"));
    }
    let again = shot.render(&RenderControl::new(&cancel))?;
    report.check("pixels that differ in the next picture", differing(&undisturbed.film, &again.film), "", limit);
    Ok(())
}
