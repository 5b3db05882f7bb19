//! The invariants of a scene, and what it computes about itself.

use glam::{DAffine3, DMat3, DVec3, Vec3};
use packshot_renderer::import::ImportErrorCode;
use packshot_renderer::scene::{MaterialIdx, MeshIdx, PartIdx, Scene, SceneError};

use crate::glb::Glb;

#[test]
fn a_scene_that_breaks_its_promise_is_refused() {
    let (sound, _) = Glb::square().scene();
    type Break = fn(&mut Scene);
    let cases: [(Break, SceneError); 6] = [
        (|scene| scene.parts[0].mesh = MeshIdx(1), SceneError::Reference("a part's mesh")),
        (
            |scene| scene.meshes[0].primitives[0].material = Some(MaterialIdx(9)),
            SceneError::Reference("a primitive's material"),
        ),
        (|scene| scene.meshes[0].primitives[0].triangles[1][2] = 4, SceneError::Reference("a triangle's corner")),
        (|scene| scene.meshes[0].primitives[0].normals.truncate(3), SceneError::Length("normals")),
        (|scene| scene.meshes[0].primitives[0].positions[0].y = f32::NAN, SceneError::NonFinite("positions")),
        (
            |scene| scene.parts[0].world_from_part.translation.x = f64::INFINITY,
            SceneError::NonFinite("a part's transform"),
        ),
    ];
    assert!(Scene::new(sound.clone()).is_ok());
    for (damage, expected) in cases {
        let mut scene = sound.clone();
        damage(&mut scene);
        assert_eq!(Scene::new(scene).map(drop), Err(expected));
    }
}

#[test]
fn bounds_and_area_follow_the_transform() {
    let (mut scene, _) = Glb::cube().scene();
    assert!((scene.part_area_m2(PartIdx(0)) - 24.0).abs() < 1e-12);
    // Twice as wide along x: two faces keep their 4 m², four double.
    let stretch = DMat3::from_diagonal(DVec3::new(2.0, 1.0, 1.0));
    scene.parts[0].world_from_part = DAffine3::from_mat3_translation(stretch, DVec3::new(10.0, 0.0, 0.0));
    assert!((scene.part_area_m2(PartIdx(0)) - 40.0).abs() < 1e-12);
    let bounds = scene.bounds().expect("there is a part");
    assert_eq!((bounds.min, bounds.max), (DVec3::new(8.0, -1.0, -1.0), DVec3::new(12.0, 1.0, 1.0)));
    assert_eq!(Scene::default().bounds(), None);
    let local = scene.meshes[0].local_bounds().expect("there are vertices");
    assert_eq!(local, [Vec3::NEG_ONE.as_dvec3(), Vec3::ONE.as_dvec3()]);
}

#[test]
fn error_codes_are_stable_distinct_and_have_a_way_out() {
    let names: std::collections::HashSet<&str> = ImportErrorCode::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(names.len(), ImportErrorCode::ALL.len());
    assert!(ImportErrorCode::ALL.iter().all(|code| code.as_str().starts_with("glb.") && !code.help().is_empty()));
}
