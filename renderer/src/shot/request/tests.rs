use glam::{DMat3, DQuat, Vec3, dvec3};

use super::*;
use crate::scene::{Mesh, MeshIdx, Part, Primitive, SceneCamera, SceneProjection};
use crate::shot::Projection;

/// A tetrahedron, a camera at +X, and one light of each kind.
fn scene() -> Scene {
    let primitive = Primitive {
        positions: vec![Vec3::ZERO, Vec3::X, Vec3::Y, Vec3::Z],
        normals: Vec::new(),
        tangents: Vec::new(),
        uvs: [Vec::new(), Vec::new()],
        colors: Vec::new(),
        triangles: vec![[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]],
        material: None,
    };
    let part = Part {
        node_idx: 0,
        path: "Part".to_owned(),
        node_name: None,
        mesh_name: None,
        cad_names: Vec::new(),
        mesh: MeshIdx(0),
        world_from_part: DAffine3::IDENTITY,
    };
    let camera = SceneCamera {
        name: Some("Side".to_owned()),
        world_from_camera: DAffine3 {
            matrix3: DMat3::from_rotation_y(90_f64.to_radians()),
            translation: dvec3(5.0, 0.0, 0.0),
        },
        projection: SceneProjection::Perspective { fov_y_rad: 0.4 },
    };
    let light = |kind| SceneLight {
        name: None,
        world_from_light: DAffine3::from_translation(DVec3::Z),
        intensity: [3.0, 2.0, 1.0],
        kind,
    };
    Scene {
        meshes: vec![Mesh { primitives: vec![primitive] }],
        parts: vec![part],
        cameras: vec![camera],
        lights: vec![
            light(SceneLightKind::Point),
            light(SceneLightKind::Directional),
            light(SceneLightKind::Spot { inner_cone_rad: 0.1, outer_cone_rad: 0.2 }),
        ],
        ..Scene::default()
    }
}

fn rotation(environment: &Environment) -> f64 {
    match environment {
        Environment::LatLong { rotation_y_rad, .. } => *rotation_y_rad,
        _ => f64::NAN,
    }
}

#[test]
fn the_default_is_a_three_quarter_view_in_soft_light() {
    let (shot, diagnostics) = build(&ShotRequest::default(), &scene()).expect("a shot");
    assert!(diagnostics.is_empty());
    let view = view::THREE_QUARTER.direction.orientation();
    assert_eq!(shot.camera.world_from_camera.matrix3, view);
    let Projection::Perspective { fov_y_rad } = shot.camera.projection else { panic!("a pinhole") };
    assert!((fov_y_rad - 2.0 * (18.0 / 85.0_f64).atan()).abs() < 1e-15);
    assert_eq!(rotation(&shot.environment), 35_f64.to_radians());
    assert!(shot.lights.is_empty() && shot.floor.is_none());
}

fn tilt(environment: &Environment) -> f64 {
    match environment {
        Environment::LatLong { rotation_x_rad, .. } => *rotation_x_rad,
        _ => f64::NAN,
    }
}

#[test]
fn a_rig_is_tilted_for_cameras_below_the_horizon_and_a_map_is_not() {
    let from = |elevation_deg: f64, light: LightChoice| {
        let mut request = ShotRequest { light, ..ShotRequest::default() };
        if let Framing::Auto { direction, .. } = &mut request.framing {
            *direction = ViewDirection { azimuth_deg: 0.0, elevation_deg };
        }
        tilt(&build(&request, &scene()).expect("a shot").0.environment)
    };
    let rig = || LightChoice::Rig(RigName::StudioSoft);
    assert_eq!(from(-90.0, rig()), std::f64::consts::PI, "the bottom");
    assert_eq!([from(0.0, rig()), from(90.0, rig())], [0.0; 2]);
    let map = || Arc::new(EnvironmentMap { width_px: 2, height_px: 1, rgb: vec![[1.0; 3]; 2] });
    assert_eq!(from(-20.0, LightChoice::Painted(map())), 40_f64.to_radians());
    assert_eq!(from(-20.0, LightChoice::Map(map())), 0.0);

    let mut below = scene();
    let camera = &mut below.cameras[0].world_from_camera;
    *camera = DAffine3 {
        matrix3: ViewDirection { azimuth_deg: 90.0, elevation_deg: -30.0 }.orientation(),
        translation: dvec3(5.0, -2.9, 0.0),
    };
    let framing = Framing::SceneCamera { name: "Side".to_owned() };
    let (shot, _) = build(&ShotRequest { framing, ..ShotRequest::default() }, &below).expect("a shot");
    assert!((tilt(&shot.environment) - 60_f64.to_radians()).abs() < 1e-12);
}

#[test]
fn a_camera_of_the_file_is_taken_by_name() {
    let framing =
        |name: &str| ShotRequest { framing: Framing::SceneCamera { name: name.to_owned() }, ..Default::default() };
    let (shot, _) = build(&framing("Side"), &scene()).expect("a shot");
    assert_eq!(shot.camera.world_from_camera.translation, dvec3(5.0, 0.0, 0.0));
    assert!((shot.camera.clip_near_m - 2.0).abs() < 1e-12 && (shot.camera.clip_far_m - 10.0).abs() < 1e-12);
    assert!((rotation(&shot.environment) - 90_f64.to_radians()).abs() < 1e-12, "the rig follows the camera");
    let error = build(&framing("side"), &scene()).expect_err("another name");
    assert_eq!((error.code.name(), error.at.as_str()), ("shot.camera_not_found", "option:camera"));
    assert_eq!(error.help, "did you mean `Side`? Give the number or the name of one that it has: 0 `Side`");
    let (by_number, _) = build(&framing("0"), &scene()).expect("the first one");
    assert_eq!(by_number.camera, shot.camera);
    assert!(build(&framing("1"), &scene()).is_err(), "there is one");
}

#[test]
fn a_map_stands_still_and_turns_as_asked() {
    let map = Arc::new(EnvironmentMap { width_px: 2, height_px: 1, rgb: vec![[1.0; 3]; 2] });
    let request = ShotRequest { light: LightChoice::Map(map), light_rotation_deg: 10.0, ..Default::default() };
    let (shot, _) = build(&request, &scene()).expect("a shot");
    assert_eq!(rotation(&shot.environment), 10_f64.to_radians());
}

#[test]
fn the_lights_of_the_file() {
    let request = ShotRequest { light: LightChoice::SceneLights, light_rotation_deg: 90.0, ..Default::default() };
    let (shot, _) = build(&request, &scene()).expect("a shot");
    assert!(matches!(shot.environment, Environment::None));
    let [Light::Point { position_m, intensity }, Light::Directional { direction, .. }, Light::Spot { .. }] =
        shot.lights[..]
    else {
        panic!("{:?}", shot.lights)
    };
    assert_eq!(intensity, [3.0, 2.0, 1.0]);
    assert!((position_m - DVec3::X).length() < 1e-15 && (direction - DVec3::NEG_X).length() < 1e-15);
    let in_watts = Scene { look: Look::Blender50, ..scene() };
    let (shot, _) = build(&request, &in_watts).expect("a shot");
    let [
        Light::Point { intensity: watts_per_sr, .. },
        Light::Directional { irradiance, half_angle_rad, .. },
        Light::Spot { falloff: SpotFalloff::Smooth, .. },
    ] = shot.lights[..]
    else {
        panic!("{:?}", shot.lights)
    };
    assert!((watts_per_sr[0] * 683.0 - 3.0).abs() < 1e-6 && watts_per_sr == irradiance);
    assert!((f64::from(half_angle_rad).to_degrees() - 0.263).abs() < 1e-5);
    let dark = Scene { lights: Vec::new(), ..scene() };
    let (_, diagnostics) = build(&request, &dark).expect("a black picture");
    assert_eq!(diagnostics[0].code, "shot.no_lights");
}

#[test]
fn lights_of_the_file_that_nobody_will_see() {
    let request = ShotRequest { light: LightChoice::SceneLights, ..Default::default() };
    let mut scene = scene();
    let weak = |scene: &Scene| build(&request, scene).expect("a shot").1;
    assert_eq!(weak(&scene), []);
    scene.lights[0].intensity = scene.lights[0].intensity.map(|value| value * 1e-9);
    scene.lights[0].name = Some("LED".to_owned());
    let found = weak(&scene);
    assert_eq!((found.len(), found[0].code, found[0].at.as_str()), (1, "light_too_weak", "light 0 \"LED\""));
}

#[test]
fn values_out_of_range_name_their_option() {
    let film = |change: fn(&mut FilmSettings)| {
        let mut request = ShotRequest::default();
        change(&mut request.film);
        request
    };
    let auto = |elevation_deg, focal_mm, fill| ShotRequest {
        framing: Framing::Auto {
            direction: ViewDirection { azimuth_deg: 0.0, elevation_deg },
            lens: Lens::Perspective { focal_mm },
            fit: Fit::Fill(fill),
            crop_to: Vec::new(),
            share_scale_with: Vec::new(),
        },
        ..Default::default()
    };
    let cases = [
        (film(|f| f.width_px = 0), "option:width"),
        (film(|f| f.height_px = 16_385), "option:height"),
        (film(|f| (f.width_px, f.height_px) = (16_000, 16_000)), "option:width"),
        (film(|f| f.samples = 0), "option:samples"),
        (film(|f| f.noise_threshold = f32::NAN), "option:noise_threshold"),
        (film(|f| f.seed = u32::MAX), "option:seed"),
        (film(|f| f.bounces.total = 2000), "option:max_bounces"),
        (film(|f| f.clamp_indirect = f32::INFINITY), "option:clamp_indirect"),
        (auto(91.0, 85.0, 0.8), "option:elevation_deg"),
        (auto(0.0, 0.0, 0.8), "option:lens_mm"),
        (auto(0.0, 85.0, 1.5), "option:fill"),
        (ShotRequest { light_rotation_deg: f64::NAN, ..Default::default() }, "option:light_rotation_deg"),
    ];
    for (request, option) in cases {
        let error = build(&request, &scene()).expect_err(option);
        assert_eq!((error.code.name(), error.at.as_str()), ("shot.range", option));
    }
}

#[test]
fn backgrounds_are_words_or_colours() {
    let color = |r: u8, g: u8, b: u8| Background::Color { srgb: [r, g, b].map(|v| f32::from(v) / 255.0) };
    let cases = [
        ("transparent", Some(Background::Transparent)),
        ("environment", Some(Background::Environment)),
        ("white", Some(color(255, 255, 255))),
        ("#1080fF", Some(color(0x10, 0x80, 0xff))),
        ("#fff", None),
        ("#+10203", None),
        ("#ééé", None),
        ("black", None),
        ("", None),
    ];
    for (text, expected) in cases {
        assert_eq!(text.parse::<Background>().ok(), expected, "{text}");
    }
}

#[test]
fn a_crop_frames_some_parts_and_draws_all() {
    let mut scene = scene();
    let far = Part {
        path: "Far/Away".to_owned(),
        node_name: Some("Away".to_owned()),
        world_from_part: DAffine3::from_translation(dvec3(0.0, 0.0, -30.0)),
        ..scene.parts[0].clone()
    };
    scene.parts.push(far);
    let cropped = |name: &str| {
        let mut request = ShotRequest::default();
        if let Framing::Auto { crop_to, direction, .. } = &mut request.framing {
            *direction = ViewDirection { azimuth_deg: 0.0, elevation_deg: 0.0 };
            *crop_to = vec![name.to_owned()];
        }
        build(&request, &scene)
    };
    let (by_path, _) = cropped("Part").expect("a part");
    let (alone, _) = {
        let mut request = ShotRequest::default();
        if let Framing::Auto { direction, .. } = &mut request.framing {
            *direction = ViewDirection { azimuth_deg: 0.0, elevation_deg: 0.0 };
        }
        build(&request, &self::scene()).expect("one part")
    };
    assert_eq!(by_path.camera.world_from_camera, alone.camera.world_from_camera);
    assert!(by_path.camera.clip_far_m > 30.0, "what lies behind is drawn: {}", by_path.camera.clip_far_m);
    let (by_name, _) = cropped("Away").expect("a part");
    assert!(by_name.camera.world_from_camera.translation.z < -20.0);
    // Parallel rays see the same from further away, and must not start inside what is in front of the part.
    let mut request = ShotRequest::default();
    if let Framing::Auto { crop_to, direction, lens, .. } = &mut request.framing {
        (*direction, *lens) = (ViewDirection { azimuth_deg: 0.0, elevation_deg: 0.0 }, Lens::Orthographic);
        *crop_to = vec!["Away".to_owned()];
    }
    let (parallel, found) = build(&request, &scene).expect("a part");
    assert!(parallel.camera.world_from_camera.translation.z > 1.0, "before the near part");
    assert!(parallel.camera.clip_far_m > 31.0);
    let found: Vec<(&str, &str)> = found.iter().map(|finding| (finding.code, finding.at.as_str())).collect();
    assert_eq!(found, [("shot.part_hidden", "option:crop_to")], "the near part is before all of it");
    let error = cropped("Lid").expect_err("no such part");
    assert_eq!((error.code.name(), error.at.as_str()), ("shot.part_not_found", "option:crop_to"));
}

#[test]
fn a_camera_inside_of_a_part_is_a_finding() {
    let mut scene = scene();
    let around = Part {
        path: "Housing".to_owned(),
        node_name: Some("Housing".to_owned()),
        world_from_part: DAffine3::from_scale_rotation_translation(
            DVec3::splat(100.0),
            DQuat::IDENTITY,
            DVec3::splat(-10.0),
        ),
        ..scene.parts[0].clone()
    };
    scene.parts.push(around);
    let mut request = ShotRequest::default();
    if let Framing::Auto { crop_to, .. } = &mut request.framing {
        *crop_to = vec!["Part".to_owned()];
    }
    let (_, found) = build(&request, &scene).expect("a shot");
    let found: Vec<(&str, &str)> = found.iter().map(|finding| (finding.code, finding.at.as_str())).collect();
    assert_eq!(found, [("shot.camera_inside", "Housing")]);
}

#[test]
fn depth_of_field_follows_lens_and_stop() {
    let mut request = ShotRequest {
        depth_of_field: Some(DepthOfField { f_number: 2.8, focus: Focus::Center }),
        ..ShotRequest::default()
    };
    request.film.width_px = 2048;
    let (shot, _) = build(&request, &scene()).expect("a shot");
    let aperture = shot.camera.aperture.expect("a lens");
    assert!((aperture.radius_m - 0.5 * 0.085 / 2.8).abs() < 1e-12, "{} m", aperture.radius_m);
    let back = shot.camera.world_from_camera.matrix3.z_axis;
    let middle = (shot.camera.world_from_camera.translation - DVec3::splat(0.5)).dot(back);
    assert!((aperture.focus_depth_m - middle).abs() < 1e-12);
    for (f_number, at) in [(0.0, "option:dof"), (f64::NAN, "option:dof")] {
        request.depth_of_field = Some(DepthOfField { f_number, focus: Focus::Center });
        let error = build(&request, &scene()).expect_err("out of range");
        assert_eq!((error.code.name(), error.at.as_str()), ("shot.range", at));
    }
}
