//! Rays per second by kind, and whether they hit what the processor's rays hit: level L0 of the benchmark.

use packshot_renderer::backend::CancelToken;
use packshot_renderer::backend::cpu::CpuBackend;
use packshot_renderer::backend::gpu::SliceLimits;
use packshot_renderer::backend::rays::{RayKind, RayQuery};
use serde_json::json;

use crate::report::{Fault, Limit, TrialReport};
use crate::roof::Roof;
use crate::setup::Setup;
use crate::subject::Subject;

/// Rays from which the work per ray is measured on the processor.
const COUNTED: usize = 20_000;

pub(super) fn run(setup: &Setup, report: &mut TrialReport) -> Result<(), Fault> {
    let n = setup.scale.pick(1 << 18, 1 << 14, 1 << 21);
    let subject = Subject::bearing(setup.is_plain())?;
    let prepared = subject.shot(512, 1)?;
    let backend = setup.open(SliceLimits::default())?;
    let processor = CpuBackend::new(0, "a trial".to_owned()).map_err(|error| Fault::new(error.to_string()))?;
    let shot = subject.load(&backend, prepared.clone())?;
    let host = subject.load(&processor, prepared.clone())?;
    let adapter = setup.adapter()?.name;
    let cancel = CancelToken::default();
    let mut rows = Vec::new();
    for kind in RayKind::ALL {
        let rays = prepared.rays(kind, n, &*host, &cancel)?;
        let found = shot.trace(&rays, kind.query(), &cancel)?;
        let expected = host.trace(&rays, kind.query(), &cancel)?;
        let differs = |(a, b): &(&_, &_)| differs(kind.query(), a, b);
        let n_differing = found.hits.iter().zip(&expected.hits).filter(differs).count();
        let share = n_differing as f64 / rays.len().max(1) as f64;
        let name = kind.name();
        if rays.is_empty() {
            return Err(Fault::new(format!("there are no {name} rays")));
        }
        report.check(format!("{name} rays that hit something else"), 100.0 * share, "%", Limit::AtMost(0.01));
        let per_s = rays.len() as f64 / found.time.as_secs_f64();
        report.state(format!("{name} rays"), per_s / 1e9, "Grays/s");
        let step = (rays.len() / COUNTED).max(1);
        let some: Vec<_> = rays.iter().step_by(step).copied().collect();
        let (n_nodes, n_triangles) = prepared.trace_work(&some, kind.query());
        let roof = Roof::of(&adapter, n_nodes, n_triangles);
        if let Some(roof) = &roof {
            report.state(format!("{name} rays, share of the roof"), 100.0 * per_s / roof.by_issue, "%");
        }
        rows.push(json!({
            "kind": name,
            "rays": rays.len(),
            "rays_per_second": per_s,
            "processor_rays_per_second": rays.len() as f64 / expected.time.as_secs_f64(),
            "nodes_per_ray": n_nodes,
            "triangles_per_ray": n_triangles,
            "roof_rays_per_second_by_issue": roof.as_ref().map(|roof| roof.by_issue),
            "rays_per_second_if_all_bytes_came_from_memory": roof.as_ref().map(|roof| roof.by_memory),
            "differing": n_differing,
        }));
    }
    report.figure("rays", rows);
    Ok(())
}

/// Whether two hits are of different things. Devices round differently, so a ray along an edge may hit its other side.
fn differs(
    query: RayQuery,
    a: &packshot_renderer::backend::rays::Hit,
    b: &packshot_renderer::backend::rays::Hit,
) -> bool {
    match query {
        RayQuery::Any => a.is_miss() != b.is_miss(),
        RayQuery::Closest | RayQuery::ClosestCoherent => {
            a.is_miss() != b.is_miss() || (!a.is_miss() && (a.t - b.t).abs() > 1e-4 * b.t + 1e-5)
        }
    }
}
