//! How long the driver compiles, and what its pipeline cache saves. The driver's own caches are off in this trial.

use packshot_renderer::backend::gpu::{CompiledKernel, GpuBackend, GpuOptions};
use packshot_renderer::backend::{CancelToken, RenderControl};
use packshot_renderer::guides::GuideSamples;
use packshot_renderer::prepare::SceneFeatures;
use serde_json::{Value, json};

use crate::command::number;
use crate::report::{Fault, TrialReport};
use crate::setup::{Scale, Setup};
use crate::subject::Subject;

pub(super) fn run(setup: &Setup, report: &mut TrialReport) -> Result<(), Fault> {
    let folder = setup.folder("kernels")?;
    // Caches of an earlier run would be found.
    std::fs::remove_dir_all(&folder).map_err(|reason| Fault::of_file(&folder, &reason))?;
    // Two processes, so that what a driver caches in memory does not count.
    let size = ["--sample", "bearing", "--width", "32", "--height", "32", "--samples", "1", "--denoise", "off"];
    let plain: &[&str] = if setup.is_plain() { &["--clay"] } else { &[] };
    for name in ["first picture", "of the next process"] {
        let result = setup.render_caching_in(&folder, &[&size[..], plain].concat())?;
        let seconds = number(&result, "/seconds/total")?;
        report.state(name, seconds, "s");
        report.figure(name, result["seconds"].clone());
    }
    let backend = GpuBackend::open(&setup.adapter()?, "a trial".to_owned(), GpuOptions::default())?;
    if setup.scale == Scale::Full {
        backend.compile(SceneFeatures::ALL)?;
    }
    let subject = Subject::bearing(setup.is_plain())?;
    let shot = subject.load(&backend, subject.shot(32, 1)?)?;
    shot.render(&RenderControl::new(&CancelToken::default()))?;
    shot.guides(&GuideSamples::most(1), &CancelToken::default())?;
    let kernels = backend.usage()?.kernels;
    for kernel in &kernels {
        report.state(described(kernel), kernel.time.as_secs_f64(), "s");
    }
    report.figure("kernels", kernels.iter().map(row).collect::<Vec<Value>>());
    Ok(())
}

fn described(kernel: &CompiledKernel) -> String {
    let name = kernel.name.rsplit('/').next().unwrap_or_default();
    format!("{name}, features: {}", kernel.constants.len())
}

fn row(kernel: &CompiledKernel) -> Value {
    json!({"kernel": kernel.name, "constants": kernel.constants, "seconds": kernel.time.as_secs_f64()})
}
