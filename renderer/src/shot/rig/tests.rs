use std::f64::consts::{PI, TAU};

use glam::{DMat3, DVec3, dvec3};

use packshot_words::Word;

use super::*;
use crate::shot::view::ViewDirection;

/// Irradiance on a surface over π: the radiance of a white diffuse surface with this `normal`.
fn diffuse_white(map: &EnvironmentMap, normal: DVec3) -> f64 {
    let (width, height) = (map.width_px as usize, map.height_px as usize);
    let mut sum = 0.0;
    for (i, rgb) in map.rgb.iter().enumerate().step_by(3) {
        let polar = ((i / width) as f64 + 0.5) / height as f64 * PI;
        let turn = ((i % width) as f64 + 0.5) / width as f64 * TAU - PI;
        let direction = dvec3(turn.cos() * polar.sin(), polar.cos(), turn.sin() * polar.sin());
        let luminance = 0.2126 * f64::from(rgb[0]) + 0.7152 * f64::from(rgb[1]) + 0.0722 * f64::from(rgb[2]);
        sum += luminance * normal.dot(direction).max(0.0) * polar.sin();
    }
    3.0 * sum * (TAU / width as f64) * (PI / height as f64) / PI
}

fn baked() -> impl Iterator<Item = (&'static str, Arc<EnvironmentMap>)> {
    RigName::pairs().into_iter().filter_map(|(name, rig)| Some((name, rig.map()?)))
}

#[test]
fn grey_that_faces_the_camera_is_shown_as_grey() {
    for (name, map) in baked() {
        let camera = ViewDirection { azimuth_deg: 0.0, elevation_deg: 20.0 }.orientation().z_axis;
        let white = diffuse_white(&map, camera);
        println!("{name}: white shows {white:.3}");
        assert!((0.85..1.6).contains(&white), "{name}: {white}");
        let (left, right) = (diffuse_white(&map, DVec3::NEG_X), diffuse_white(&map, DVec3::X));
        assert!(left > 1.1 * right, "{name}: the key is on the left, {left} beside {right}");
        assert!(diffuse_white(&map, DVec3::Y) > 2.0 * diffuse_white(&map, DVec3::NEG_Y), "{name}: light is above");
    }
}

#[test]
fn maps_have_highlights_and_dark_edges_but_no_holes() {
    for (name, map) in baked() {
        assert_eq!((map.width_px, map.height_px, map.rgb.len()), (1024, 512, 1024 * 512));
        let brightness = map.rgb.iter().map(|rgb| rgb[1]);
        let (least, most) = brightness.fold((f32::MAX, 0.0_f32), |(a, b), v| (a.min(v), b.max(v)));
        assert!((0.0..0.15).contains(&least), "{name}: darkest {least}");
        assert!((3.0..14.0).contains(&most), "{name}: brightest {most}");
        assert!(map.rgb.iter().flatten().all(|v| v.is_finite() && *v >= 0.0), "{name}");
    }
}

#[test]
fn white_is_one_from_everywhere() {
    assert!(RigName::White.map().is_none());
    assert!(matches!(
        RigName::White.environment(RigTurn { x_rad: 0.0, y_rad: 1.0 }),
        Environment::Uniform { radiance: [1.0, 1.0, 1.0] }
    ));
}

#[test]
fn a_rig_turns_with_the_camera() {
    assert_eq!(RigTurn::following(90.0, 0.0, 0.0), RigTurn { x_rad: 0.0, y_rad: 90_f64.to_radians() });
    assert_eq!(RigTurn::following(35.0, 90.0, -35.0), RigTurn { x_rad: 0.0, y_rad: 0.0 });
    assert_eq!(RigTurn::following(0.0, -20.0, 0.0), RigTurn { x_rad: 40_f64.to_radians(), y_rad: 0.0 });
    assert_eq!(RigTurn::following(0.0, -1e-14, 0.0), RigTurn { x_rad: 0.0, y_rad: 0.0 });
}

/// Where a camera sees a light of a rig, in its own frame: right, up, back.
fn seen_at(elevation_deg: f64) -> DVec3 {
    let azimuth_deg = 50.0;
    let orientation = ViewDirection { azimuth_deg, elevation_deg }.orientation();
    let turn = RigTurn::following(azimuth_deg, elevation_deg, 0.0);
    let key = dvec3(-0.6, 0.5, 0.4).normalize();
    orientation.transpose() * (DMat3::from_rotation_y(turn.y_rad) * DMat3::from_rotation_x(turn.x_rad) * key)
}

#[test]
fn lights_are_seen_from_below_where_they_are_seen_from_above() {
    for elevation_deg in [1.0, 20.0, 60.0, 90.0] {
        assert!((seen_at(-elevation_deg) - seen_at(elevation_deg)).length() < 1e-12, "{elevation_deg}");
    }
    assert!((seen_at(20.0) - seen_at(60.0)).length() > 0.4);
}

#[test]
fn baking_is_repeatable_and_done_once() {
    assert!(bake::bake(&presets::STUDIO_SOFT) == bake::bake(&presets::STUDIO_SOFT));
    let map = || RigName::StudioSoft.map().expect("a rig with a map");
    assert!(Arc::ptr_eq(&map(), &map()));
}
