use glam::{Vec3, dvec3};
use proptest::prelude::*;

use super::*;
use crate::scene::{Mesh, MeshIdx, Part, Primitive};
use crate::shot::framing::{Fit, Lens};
use crate::shot::request::{DepthOfField, Focus, Framing, LightChoice};
use crate::shot::rig::RigName;
use crate::shot::{Projection, SpotFalloff};

/// A bar along X whose ends are separate parts.
fn scene() -> Scene {
    let primitive = Primitive {
        positions: (0..8_u8).map(|i| Vec3::from([0, 1, 2].map(|axis| f32::from(i >> axis & 1) - 0.5))).collect(),
        normals: Vec::new(),
        tangents: Vec::new(),
        uvs: [Vec::new(), Vec::new()],
        colors: Vec::new(),
        triangles: (0..8).map(|i| [i, (i + 1) % 8, (i + 2) % 8]).collect(),
        material: None,
    };
    let part = |name: &str, x: f64| Part {
        node_idx: 0,
        path: format!("Bar/{name}"),
        node_name: Some(name.to_owned()),
        mesh_name: None,
        cad_names: Vec::new(),
        mesh: MeshIdx(0),
        world_from_part: DAffine3::from_translation(dvec3(x, 0.5, 0.25)),
    };
    Scene {
        meshes: vec![Mesh { primitives: vec![primitive] }],
        parts: vec![part("Left", -1.5), part("Middle", -0.5), part("Right", 1.5)],
        ..Scene::default()
    }
}

fn seen_from(azimuth_deg: f64, elevation_deg: f64) -> ShotRequest {
    let mut request = ShotRequest::default();
    if let Framing::Auto { direction, .. } = &mut request.framing {
        *direction = ViewDirection { azimuth_deg, elevation_deg };
    }
    request
}

fn shots(turntable: Turntable, request: &ShotRequest) -> TurntableShots {
    turntable.shots(request, &scene()).expect("a product").0
}

fn rotation(environment: &Environment) -> f64 {
    match environment {
        Environment::LatLong { rotation_y_rad, .. } => *rotation_y_rad,
        other => panic!("a rig is a map, not {other:?}"),
    }
}

#[test]
fn counter_clockwise_turns_the_front_towards_plus_x() {
    let center = dvec3(0.0, 0.5, 0.25);
    for (direction, mode, side) in [
        // With the camera in front, the +X end of a product that turns counter-clockwise moves away from it, and the −X
        // end approaches.
        (TurnDirection::Ccw, TurnMode::Product, DVec3::NEG_X),
        (TurnDirection::Ccw, TurnMode::Orbit, DVec3::NEG_X),
        (TurnDirection::Cw, TurnMode::Product, DVec3::X),
        (TurnDirection::Cw, TurnMode::Orbit, DVec3::X),
    ] {
        let turntable = Turntable { frames: 4, direction, mode, start_deg: 0.0 };
        let camera = shots(turntable, &seen_from(0.0, 0.0)).frame(1).camera;
        let from_center = (camera.world_from_camera.translation - center).normalize();
        assert!((from_center - side).length() < 1e-12, "{direction:?} {mode:?}: {from_center}");
        assert_eq!(camera.world_from_camera.matrix3.z_axis, side);
    }
}

#[test]
fn frame_zero_of_a_product_that_has_not_turned_is_the_shot_itself() {
    let shots = shots(Turntable::default(), &seen_from(35.0, 20.0));
    let first = shots.frame(0);
    assert_eq!(first.camera, shots.shot.camera);
    assert_eq!(rotation(&first.environment).to_bits(), 35_f64.to_radians().to_bits());
}

#[test]
fn sets_by_stride_have_the_same_frames_and_the_loop_closes() {
    let table = |frames, direction| Turntable { frames, start_deg: 12.5, direction, ..Turntable::default() };
    for direction in [TurnDirection::Ccw, TurnDirection::Cw] {
        for (frames, stride) in [(36, 2), (24, 3)] {
            for k in 0..frames {
                let (own, strided) =
                    (table(frames, direction).angle_deg(k), table(72, direction).angle_deg(k * stride));
                assert_eq!(own.to_bits(), strided.to_bits(), "frame {k} of {frames}");
            }
        }
        let steps: Vec<f64> = (0..72).map(|k| table(72, direction).angle_deg(k)).collect();
        let next_deg = table(72, direction).angle_deg(72);
        assert_eq!((next_deg - steps[0]).abs(), 360.0, "the frame after the last is the first");
        assert!(steps.iter().all(|&deg| (deg - next_deg).abs() > 4.9), "no frame is repeated");
    }
}

#[test]
fn light_and_camera_keep_together_around_the_product_and_part_in_orbit() {
    let lamp = DAffine3::from_translation(dvec3(1.0, 2.0, 3.0));
    let lights = vec![
        Light::Rect { world_from_light: lamp, width_m: 1.0, height_m: 1.0, radiance: [1.0; 3] },
        Light::Point { position_m: dvec3(1.0, 2.0, 3.0), intensity: [1.0; 3] },
        Light::Directional { direction: dvec3(0.6, -0.8, 0.0), irradiance: [1.0; 3], half_angle_rad: 0.0 },
        Light::Spot {
            world_from_light: lamp,
            intensity: [1.0; 3],
            inner_cone_rad: 0.1,
            outer_cone_rad: 0.2,
            falloff: SpotFalloff::Squared,
        },
    ];
    let product = Turntable { frames: 7, start_deg: 30.0, ..Turntable::default() };
    let lit = |mode| {
        let mut shots = shots(Turntable { mode, ..product }, &seen_from(35.0, 20.0));
        shots.shot.lights.clone_from(&lights);
        shots
    };
    // A position and a direction of each light, in camera space.
    let seen = |shot: &Shot| -> Vec<DVec3> {
        let camera_from_world = shot.camera.world_from_camera.inverse();
        let places = shot.lights.iter().flat_map(|light| match light {
            Light::Rect { world_from_light, .. } | Light::Spot { world_from_light, .. } => vec![
                camera_from_world.transform_point3(world_from_light.translation),
                camera_from_world.transform_vector3(world_from_light.matrix3.z_axis),
            ],
            Light::Point { position_m, .. } => vec![camera_from_world.transform_point3(*position_m)],
            Light::Directional { direction, .. } => vec![camera_from_world.transform_vector3(*direction)],
        });
        // And the direction of the environment map's +Z.
        let turn = DMat3::from_rotation_y(rotation(&shot.environment));
        places.chain([camera_from_world.transform_vector3(turn * DVec3::Z)]).collect()
    };
    let (fixed, orbit) = (lit(TurnMode::Product), lit(TurnMode::Orbit));
    let still = seen(&fixed.shot);
    for k in 0..7 {
        for (i, (now, still)) in seen(&fixed.frame(k)).iter().zip(&still).enumerate() {
            assert!((*now - *still).length() < 1e-12, "light {i} of frame {k} moved by {}", *now - *still);
        }
        let around = orbit.frame(k);
        assert_eq!(around.lights, lights);
        assert_eq!(rotation(&around.environment), rotation(&orbit.shot.environment));
        assert_eq!(around.camera, fixed.frame(k).camera, "both show the same side");
    }
}

#[test]
fn the_focus_stays_where_the_first_frame_has_it() {
    let focused = |name: &str| ShotRequest {
        depth_of_field: Some(DepthOfField { f_number: 4.0, focus: Focus::Part { name: name.to_owned() } }),
        ..seen_from(0.0, 0.0)
    };
    // Turned by 90° before the first frame, the left end of the bar, at x = −2, points at the camera.
    let table = Turntable { start_deg: 90.0, ..Turntable::default() };
    let turned = shots(table, &focused("Bar/Left"));
    let camera = turned.frame(0).camera;
    let expected = (camera.world_from_camera.translation - dvec3(-2.0, 0.5, 0.25)).length();
    let depth_m = camera.aperture.expect("a lens").focus_depth_m;
    assert!((depth_m - expected).abs() < 1e-9, "{depth_m} m instead of {expected}");
    let Projection::Perspective { .. } = camera.projection else { panic!("a lens") };
    assert!((camera.aperture.expect("a lens").radius_m - 0.5 * 0.085 / 4.0).abs() < 1e-12);
    assert_eq!(turned.frame(40).camera.aperture, camera.aperture);
    let error = table.shots(&focused("Lid"), &scene()).expect_err("no such part");
    assert_eq!((error.code.name(), error.at.as_str()), ("shot.part_not_found", "option:focus"));
    assert!(error.help.contains("Left, Middle, Right"), "{}", error.help);
    let parallel = ShotRequest {
        framing: Framing::Auto {
            direction: ViewDirection { azimuth_deg: 0.0, elevation_deg: 0.0 },
            lens: Lens::Orthographic,
            fit: Fit::Fill(0.9),
            crop_to: Vec::new(),
            share_scale_with: Vec::new(),
        },
        ..focused("Left")
    };
    assert_eq!(table.shots(&parallel, &scene()).expect_err("no lens").code.name(), "shot.conflict");
}

#[test]
fn what_is_out_of_range_names_its_option() {
    for (table, at) in [
        (Turntable { frames: 0, ..Turntable::default() }, "option:frame_count"),
        (Turntable { frames: MAX_FRAMES + 1, ..Turntable::default() }, "option:frame_count"),
        (Turntable { start_deg: f64::NAN, ..Turntable::default() }, "option:start_deg"),
    ] {
        let error = table.shots(&ShotRequest::default(), &scene()).expect_err("out of range");
        assert_eq!((error.code.name(), error.at.as_str()), ("shot.range", at));
    }
}

proptest! {
    #[test]
    fn every_frame_is_within_the_fill_and_some_frame_takes_it(
        (azimuth_deg, elevation_deg, start_deg) in (-180.0..180.0_f64, -60.0..60.0_f64, -400.0..400.0_f64),
        parallel in any::<bool>(),
    ) {
        let scene = scene();
        let mut request = seen_from(azimuth_deg, elevation_deg);
        request.light = LightChoice::Rig(RigName::White);
        if let Framing::Auto { lens, fit, .. } = &mut request.framing {
            *fit = Fit::Fill(0.8);
            *lens = if parallel { Lens::Orthographic } else { *lens };
        }
        let table = Turntable { frames: 180, start_deg, ..Turntable::default() };
        let (shots, _) = table.shots(&request, &scene).expect("a product");
        let mut widest = DVec3::ZERO;
        for k in 0..180 {
            let camera = shots.frame(k).camera;
            let camera_from_world = camera.world_from_camera.inverse();
            for part in &scene.parts {
                for position in &scene.meshes[0].primitives[0].positions {
                    let world = part.world_from_part.transform_point3(position.as_dvec3());
                    let p = camera_from_world.transform_point3(world);
                    let half = match camera.projection {
                        Projection::Perspective { fov_y_rad } => (0.5 * fov_y_rad).tan() * -p.z,
                        Projection::Orthographic { height_m } => 0.5 * height_m,
                    };
                    widest = widest.max(dvec3(p.x.abs() / half, p.y.abs() / half, 0.0));
                    prop_assert!(-p.z > camera.clip_near_m && -p.z < camera.clip_far_m);
                }
            }
        }
        let reach = widest.max_element();
        prop_assert!(reach < 0.8 + 1e-9 && reach > 0.798, "takes {reach}");
    }
}

#[test]
fn a_camera_that_comes_into_a_part_as_the_product_turns_is_a_finding() {
    let mut scene = scene();
    let mut cube = scene.meshes[0].clone();
    cube.primitives[0].triangles = vec![
        [0, 1, 3],
        [0, 3, 2],
        [4, 6, 7],
        [4, 7, 5],
        [0, 4, 5],
        [0, 5, 1],
        [2, 3, 7],
        [2, 7, 6],
        [0, 2, 6],
        [0, 6, 4],
        [1, 5, 7],
        [1, 7, 3],
    ];
    scene.meshes.push(cube);
    // Two halls beside the bar: at the start the camera is outside them.
    for (name, x) in [("East", 21.0), ("West", -21.0)] {
        let world_from_part =
            DAffine3::from_translation(dvec3(x, 0.5, 0.25)) * DAffine3::from_scale(dvec3(38.0, 6.0, 4.0));
        let hall = Part { path: name.to_owned(), mesh: MeshIdx(1), world_from_part, ..scene.parts[0].clone() };
        scene.parts.push(hall);
    }
    let mut request = seen_from(0.0, 0.0);
    if let Framing::Auto { crop_to, .. } = &mut request.framing {
        *crop_to = vec!["Middle".to_owned()];
    }
    let (_, found) = Turntable { frames: 4, ..Turntable::default() }.shots(&request, &scene).expect("a product");
    let found: Vec<_> = found.iter().map(|finding| (finding.code, finding.at.as_str(), &finding.message[..])).collect();
    let message = |frame| format!("the camera is inside Left in frame {frame} and sees it from within");
    assert_eq!(
        found,
        [("shot.camera_inside", "East", &message(3)[..]), ("shot.camera_inside", "West", &message(1)[..])]
    );
}
