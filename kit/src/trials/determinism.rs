//! The same bytes again, on the same device opened anew, and with other dispatches.

use packshot_renderer::backend::gpu::SliceLimits;
use packshot_renderer::backend::{CancelToken, RenderControl};

use crate::report::{Fault, Limit, TrialReport};
use crate::setup::Setup;
use crate::subject::Subject;

pub(super) fn run(setup: &Setup, report: &mut TrialReport) -> Result<(), Fault> {
    let (side_px, samples) = setup.scale.pick((128, 16), (48, 6), (384, 64));
    let subject = Subject::bearing(setup.is_plain())?;
    let cancel = CancelToken::default();
    let render = |slices: SliceLimits| -> Result<_, Fault> {
        let backend = setup.open(slices)?;
        let shot = subject.load(&backend, subject.shot(side_px, samples)?)?;
        let rendered = [shot.render(&RenderControl::new(&cancel))?, shot.render(&RenderControl::new(&cancel))?];
        Ok(rendered.map(|rendered| rendered.film.sums))
    };
    let [first, again] = render(SliceLimits::default())?;
    let differing = |other: &Vec<_>| first.iter().zip(other).filter(|(a, b)| a != b).count() as f64;
    report.check("pixels that differ in a second render", differing(&again), "", Limit::AtMost(0.0));
    let others = [
        ("a device opened anew", SliceLimits::default()),
        ("small dispatches", SliceLimits { pixels: 777, steps: 5, region_pixels: 4096 }),
        ("single steps", SliceLimits { pixels: 5000, steps: 1, region_pixels: 8192 }),
    ];
    let n_others = setup.scale.pick(2, 2, 3);
    for (name, slices) in others.into_iter().take(n_others) {
        let [other, _] = render(slices)?;
        report.check(format!("with {name}"), differing(&other), "", Limit::AtMost(0.0));
    }
    report.state("pixels", first.len() as f64, "");
    Ok(())
}
