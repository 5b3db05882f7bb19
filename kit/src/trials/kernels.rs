//! How long the driver compiles, and what its pipeline cache saves. The driver's own caches are off in this trial.

use std::sync::Arc;

use packshot_renderer::backend::gpu::{CompiledKernel, GpuOptions};
use packshot_renderer::backend::{CancelToken, RenderControl};
use packshot_renderer::prepare::SceneFeatures;
use serde_json::{Value, json};

use crate::folder_store::FolderStore;
use crate::report::{Fault, TrialReport};
use crate::setup::{Scale, Setup};
use crate::subject::Subject;

pub(super) fn run(setup: &Setup, report: &mut TrialReport) -> Result<(), Fault> {
    let folder = setup.folder("kernels")?;
    // What an earlier run left would be found.
    for entry in std::fs::read_dir(&folder).map_err(|reason| Fault::of_file(&folder, &reason))?.flatten() {
        let _ = std::fs::remove_file(entry.path());
    }
    let subject = Subject::bearing(setup.is_plain())?;
    let mut rows = Vec::new();
    for name in ["without a cache", "with the cache of the first"] {
        let cache: Arc<dyn packshot_renderer::backend::ByteStore> = Arc::new(FolderStore(folder.clone()));
        let backend = setup.open_with(GpuOptions { cache: Some(cache), ..GpuOptions::default() })?;
        if setup.scale == Scale::Full {
            backend.compile(EVERYTHING)?;
        }
        let begun = std::time::Instant::now();
        let shot = subject.load(&backend, subject.shot(32, 1)?)?;
        shot.render(&RenderControl::new(&CancelToken::default()))?;
        report.state(format!("first picture {name}"), begun.elapsed().as_secs_f64(), "s");
        shot.guides(1, &CancelToken::default())?;
        let kernels = backend.usage()?.kernels;
        for kernel in &kernels {
            report.state(format!("{} {name}", described(kernel)), kernel.time.as_secs_f64(), "s");
        }
        rows.push(json!({"what": name, "kernels": kernels.iter().map(row).collect::<Vec<Value>>()}));
    }
    report.figure("runs", rows);
    Ok(())
}

/// A scene with one of each.
const EVERYTHING: SceneFeatures = SceneFeatures {
    has_opacity: true,
    has_bodies: true,
    has_layers: true,
    has_textures: true,
    has_relief: true,
    has_bevels: true,
    has_panes: true,
    has_emitters: true,
};

fn described(kernel: &CompiledKernel) -> String {
    let name = kernel.name.rsplit('/').next().unwrap_or_default();
    match kernel.constants.len() {
        0 => format!("{name} without features"),
        8 => format!("{name} with all features"),
        n => format!("{name} with {n} features"),
    }
}

fn row(kernel: &CompiledKernel) -> Value {
    json!({
        "kernel": kernel.name,
        "constants": kernel.constants,
        "seconds": kernel.time.as_secs_f64(),
        "had_cache": kernel.had_cache,
    })
}
