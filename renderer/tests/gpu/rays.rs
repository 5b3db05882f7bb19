//! Traversal alone: rays have the same hits on both backends.

use packshot_renderer::backend::gpu::SliceLimits;
use packshot_renderer::backend::rays::{RayKind, RayQuery};
use packshot_renderer::backend::{CancelToken, RenderControl, RenderError};

use crate::scenes::{cpu, gpu, open, still_life};

#[test]
fn rays_of_every_kind_hit_what_the_processor_s_rays_hit() {
    let prepared = still_life(64, 1).prepare();
    let [device, host] = [prepared.load(gpu()).expect("it fits"), prepared.load(cpu()).expect("it fits")];
    let cancel = CancelToken::default();
    for kind in RayKind::ALL {
        let rays = prepared.shot.rays(kind, 4096, &*host, &cancel).expect("nobody cancels");
        assert!(rays.len() > 1500, "{kind:?}: {} rays", rays.len());
        let [found, expected] =
            [&device, &host].map(|shot| shot.trace(&rays, kind.query(), &cancel).expect("nobody cancels"));
        let mut n_hits = 0;
        for ((ray, found), expected) in rays.iter().zip(&found.hits).zip(&expected.hits) {
            n_hits += usize::from(!expected.is_miss());
            assert_eq!(found.is_miss(), expected.is_miss(), "{kind:?}: {ray:?}");
            if kind.query() != RayQuery::Any && !expected.is_miss() {
                assert!((found.t - expected.t).abs() <= 1e-4 * expected.t, "{kind:?}: {found:?}, not {expected:?}");
            }
        }
        assert!(n_hits > 100 && n_hits < rays.len(), "{kind:?}: {n_hits} of {} hit", rays.len());
        let (n_nodes, n_triangles) = prepared.shot.trace_work(&rays, kind.query());
        assert!(n_nodes > 1.0 && n_triangles > 0.1, "{kind:?}: {n_nodes} nodes, {n_triangles} triangles a ray");
    }
    cancel.cancel();
    let rays = prepared.shot.rays(RayKind::Camera, 64, &*host, &cancel).expect("no ray is traced for these");
    for shot in [&device, &host] {
        assert_eq!(shot.trace(&rays, RayQuery::Any, &cancel).map(drop), Err(RenderError::Cancelled));
    }
}

#[test]
fn the_device_says_what_it_did() {
    // A separate device: other tests share one.
    let gpu = open(SliceLimits::default());
    let before = gpu.usage().expect("it is open");
    let prepared = still_life(16, 1).prepare();
    let loaded = prepared.load(&gpu).expect("it fits");
    let with = gpu.usage().expect("it is open");
    assert!(with.memory_bytes > before.memory_bytes, "{:?}, then {:?}", before.memory_bytes, with.memory_bytes);
    let kernel = with.kernels.iter().find(|kernel| kernel.name == "kernels/path_trace").expect("it is compiled");
    assert!(!kernel.had_cache && kernel.time.as_nanos() > 0, "{kernel:?}");
    let cancel = CancelToken::default();
    loaded.render(&RenderControl::new(&cancel)).expect("nobody cancels");
    assert!(gpu.usage().expect("it is open").n_submissions > with.n_submissions, "a render is work for the device");
    assert_eq!(with.n_opened, 1);
}
