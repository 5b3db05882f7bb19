//! Traversal exists twice, natively for the CPU and in WGSL for the GPU: the translated WGSL must find the same hits as
//! the native code, bit for bit.

use std::f32::consts::TAU;

use glam::{Affine3A, Mat3, Vec3, Vec3A};
use packshot_native::stages::{Bindings, baseline};
use packshot_processor::SimdLevel;
use packshot_shaders::layout::ray::{Hit, Ray};
use packshot_shaders::layout::scene::{Material, RenderParams, Slot, Triangle};
use packshot_traversal::{Accel, AccelInstance, AccelMesh, Opacity, SceneBvh};

fn sphere(n: usize) -> Vec<[Vec3; 3]> {
    let vertex = |ring: usize, spoke: usize| {
        let (polar, azimuth) = (TAU * 0.5 * ring as f32 / n as f32, TAU * (spoke % n) as f32 / n as f32);
        let across = if ring == n { 0.0 } else { polar.sin() };
        Vec3::new(across * azimuth.cos(), across * azimuth.sin(), polar.cos())
    };
    let cells = (0..n).flat_map(|ring| (0..n).map(move |spoke| (ring, spoke)));
    cells
        .flat_map(|(ring, spoke)| {
            let [a, b, c, d] = [(0, 0), (1, 0), (1, 1), (0, 1)].map(|(i, j)| vertex(ring + i, spoke + j));
            [[a, b, c], [a, c, d]]
        })
        .collect()
}

/// Spheres of all sizes around and inside each other, one of them squeezed and mirrored, and a single triangle.
fn scene() -> SceneBvh {
    let ball = sphere(24);
    let floor = vec![[Vec3::new(-9.0, -2.0, -9.0), Vec3::new(9.0, -2.0, -9.0), Vec3::new(0.0, -2.0, 9.0)]];
    let meshes = [
        AccelMesh { triangles: &ball, first_triangle: 0 },
        AccelMesh { triangles: &floor, first_triangle: ball.len() as u32 },
    ];
    let squeezed = Mat3::from_cols(Vec3::new(-0.3, 0.1, 0.0), Vec3::new(0.2, 0.8, 0.1), Vec3::new(0.0, -0.4, 0.5));
    let mut places = vec![
        (1, Affine3A::IDENTITY),
        (0, Affine3A::IDENTITY),
        (0, Affine3A::IDENTITY),
        (0, Affine3A { matrix3: squeezed.into(), translation: Vec3A::new(1.5, 0.0, 0.0) }),
    ];
    for idx in 0..20 {
        let at = Vec3::new((idx as f32 * 1.7).sin(), (idx as f32 * 2.3).cos(), (idx as f32 * 0.9).sin());
        places.push((
            0,
            Affine3A::from_translation(at * 2.0) * Affine3A::from_scale(Vec3::splat(0.02 + 0.02 * idx as f32)),
        ));
    }
    let instances = places.into_iter().map(|(mesh, world_from_local)| AccelInstance {
        mesh,
        world_from_local,
        local_from_world: world_from_local.inverse(),
    });
    SceneBvh::build(&meshes, &instances.collect::<Vec<_>>(), &|| false).expect("a sound scene")
}

fn rays() -> Vec<Ray> {
    let unit = |seed: u32| {
        (seed.wrapping_mul(0x9e37_79b9) ^ seed.wrapping_mul(0x85eb_ca6b).rotate_left(13)) as f32 / u32::MAX as f32
    };
    let vector = |seed: u32| Vec3::new(unit(seed), unit(seed + 1), unit(seed + 2)) * 2.0 - 1.0;
    let mut rays = (0..4096)
        .map(|idx| Ray {
            origin: vector(idx * 7 + 1) * 3.0,
            t_min: 0.0,
            direction: vector(idx * 7 + 4),
            t_max: f32::MAX,
        })
        .collect::<Vec<_>>();
    for (idx, ray) in rays.iter_mut().enumerate() {
        match idx % 8 {
            0 => ray.direction = Vec3::NEG_Y,
            1 => ray.direction = Vec3::X,
            2 => ray.t_max = 2.0,
            3 => ray.t_min = 1.0,
            _ => {}
        }
    }
    rays
}

#[test]
fn translated_wgsl_hits_what_native_code_hits() {
    let (scene, rays) = (scene(), rays());
    let accel = Accel::new(&scene, SimdLevel::detect(), &|| false).expect("nobody cancels");
    let mut expected = vec![Hit::miss(0.0); rays.len()];
    accel.closest(&rays, &mut expected, Opacity::Full);
    let packed = scene.packed();
    let n_triangles = packed.triangles.iter().map(|t| t.triangle + 1).max().expect("triangles") as usize;
    let bindings = Bindings {
        params: &RenderParams::default(),
        bvh_nodes: &packed.nodes,
        bvh_triangles: &packed.triangles,
        instances: &packed.instances,
        slots: &[Slot::default()],
        triangles: &vec![Triangle::default(); n_triangles],
        vertices: &[],
        vertex_extras: &[],
        materials: &[Material { opacity: 1.0, ..Material::default() }],
        textures: &[],
        texels: &[],
        lights: &[],
        environment_texels: &[],
        environment_cdf: &[],
        environment_guide: &[],
        tables: &[],
        emitter_nodes: &[],
        emitters: &[],
        emitter_index: &[],
        bevel_index: &[],
        bevel_edges: &[],
    };
    let name = baseline::ray_name(0);
    for (ray, want) in rays.iter().zip(&expected) {
        let hit = baseline::trace_closest(&bindings, *ray, name);
        assert_eq!(
            (hit.is_miss(), baseline::trace_any(&bindings, *ray, name)),
            (want.is_miss(), !want.is_miss()),
            "{ray:?}"
        );
        if !hit.is_miss() {
            assert_eq!(hit, *want, "{ray:?}");
        }
    }
    assert!(expected.iter().filter(|hit| !hit.is_miss()).count() > 1000);
}
