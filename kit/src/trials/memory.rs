//! Memory of products on the device, and whether it is freed.

use packshot_renderer::backend::gpu::{GpuBackend, SliceLimits};
use packshot_renderer::backend::{Backend, CancelToken, RenderControl};

use crate::report::{Fault, Limit, TrialReport};
use crate::setup::{Scale, Setup};
use crate::subject::Subject;

const MIB: f64 = (1 << 20) as f64;

pub(super) fn run(setup: &Setup, report: &mut TrialReport) -> Result<(), Fault> {
    let (side_px, n_rounds) = setup.scale.pick((256, 3), (48, 3), (1080, 3));
    let mut products = vec![("sample bearing".to_owned(), Subject::bearing(setup.is_plain())?)];
    if setup.scale == Scale::Full {
        for name in ["gear_reducer", "conveyor_10k", "textured_crate"] {
            if let Some(path) = setup.asset(&format!("assets/{name}.glb")) {
                products.push((name.to_owned(), Subject::read(&path)?));
            }
        }
    }
    let backend = setup.open(SliceLimits::default())?;
    let empty = in_use(&backend)?;
    let mut after_second = 0.0;
    for round in 0..n_rounds {
        for (name, subject) in &products {
            let loaded = backend.load(subject.prepared.clone(), &CancelToken::default())?;
            let shot = loaded.load(subject.shot(side_px, 1)?)?;
            let with = in_use(&backend)?;
            shot.render(&RenderControl::new(&CancelToken::default()))?;
            if round == 0 {
                report.state(format!("{name}, device"), (with - empty) / MIB, "MiB");
                report.state(format!("{name}, host and device"), loaded.size_bytes() as f64 / MIB, "MiB");
            }
        }
        if round == 1 {
            after_second = in_use(&backend)?;
        }
    }
    // Memory allocated for work stays with the device for the next; it must not grow. How much of it is needed depends
    // on how much work is in flight at once, which a busy machine's first round need not show.
    let grown = (in_use(&backend)? - after_second) / MIB;
    report.check("growth over the rounds after the second", grown, "MiB", Limit::AtMost(1.0));
    Ok(())
}

/// Bytes of device memory in use.
fn in_use(backend: &GpuBackend) -> Result<f64, Fault> {
    let bytes = backend.usage()?.memory_bytes;
    bytes
        .map(|bytes| bytes as f64)
        .ok_or_else(|| Fault::new("the graphics interface does not say how much memory is in use"))
}
