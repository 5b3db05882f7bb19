//! The same bits again, on the same device after reopening it, and with other dispatches.

use packshot_renderer::backend::gpu::SliceLimits;
use packshot_renderer::backend::{CancelToken, RenderControl};
use packshot_renderer::film::Film;

use crate::report::{Fault, Limit, TrialReport};
use crate::setup::Setup;
use crate::subject::{Subject, differing};

pub(super) fn run(setup: &Setup, report: &mut TrialReport) -> Result<(), Fault> {
    let (side_px, samples) = setup.scale.pick((128, 16), (48, 6), (384, 64));
    let subject = Subject::bearing(setup.is_plain())?;
    let cancel = CancelToken::default();
    let render = |slices: SliceLimits, n: usize| -> Result<Vec<Film>, Fault> {
        let backend = setup.open(slices)?;
        let shot = subject.load(&backend, subject.shot(side_px, samples)?)?;
        (0..n).map(|_| Ok(shot.render(&RenderControl::new(&cancel))?.film)).collect()
    };
    let first = render(SliceLimits::default(), 2)?;
    report.state("pixels", first[0].sums.len() as f64, "");
    let limit = Limit::AtMost(0.0);
    report.check("pixels that differ in a second render", differing(&first[0], &first[1]), "", limit);
    let others = [
        ("a device opened anew", SliceLimits::default()),
        ("small dispatches", SliceLimits { pixels: 777, steps: 5, region_pixels: 4096 }),
        ("single steps", SliceLimits { pixels: 5000, steps: 1, region_pixels: 8192 }),
    ];
    let n_others = setup.scale.pick(2, 2, 3);
    for (name, slices) in others.into_iter().take(n_others) {
        report.check(format!("with {name}"), differing(&first[0], &render(slices, 1)?[0]), "", limit);
    }
    Ok(())
}
