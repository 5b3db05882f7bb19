//! The denoiser's guides: albedo and normal of what is visible, also in mirrors and behind panes.

use glam::{DAffine3, DQuat, DVec3, Vec3};
use packshot_materials::openpbr::OpenPbr;
use packshot_renderer::backend::CancelToken;
use packshot_renderer::guides::Guides;
use packshot_renderer::prepare::{PaletteEntry, PartMaterial};
use packshot_renderer::shot::Environment;

use crate::scenes::{load, plane, scene, shot};

const COLOR: [f32; 3] = [0.7, 0.4, 0.1];

fn paint() -> OpenPbr {
    OpenPbr { base_color: COLOR, specular_weight: 0.0, ..OpenPbr::default() }
}

/// Guides of parts that wear the materials, seen from +Z.
fn guides(parts: &[DAffine3], materials: &[OpenPbr]) -> Guides {
    let parts: Vec<(u32, DAffine3)> = parts.iter().map(|&place| (0, place)).collect();
    let palette: Vec<PaletteEntry> = materials.iter().map(|&material| material.into()).collect();
    let worn: Vec<PartMaterial> = (0..parts.len()).map(PartMaterial::Palette).collect();
    let mut shot = shot(DVec3::Z * 3.0, 0.2, 6, 1);
    shot.environment = Environment::Uniform { radiance: [0.3; 3] };
    load(&scene(vec![plane()], &parts), &palette, &worn, &shot, 2).guides(16)
}

/// A square of side 2, scaled, turned about X and moved.
fn placed(scale: f64, angle_x_deg: f64, at: DVec3) -> DAffine3 {
    DAffine3::from_scale_rotation_translation(DVec3::splat(scale), DQuat::from_rotation_x(angle_x_deg.to_radians()), at)
}

fn assert_all(found: &[[f32; 3]], expected: Vec3, what: &str) {
    for &guide in found {
        assert!((Vec3::from(guide) - expected).abs().max_element() < 2e-3, "{what}: {guide:?} instead of {expected}");
    }
}

#[test]
fn a_painted_wall_has_its_colour_and_faces_the_viewer() {
    let found = guides(&[placed(1.0, 90.0, DVec3::ZERO)], &[paint()]);
    assert_all(&found.albedo, COLOR.into(), "albedo");
    assert_all(&found.normal, Vec3::Z, "normal");
}

#[test]
fn a_mirror_shows_the_colour_and_the_direction_of_what_it_mirrors() {
    // A mirror that faces up and towards the viewer, below a ceiling that faces down.
    let mirror = OpenPbr {
        base_color: [0.9, 0.8, 0.7],
        specular_color: [0.9, 0.8, 0.7],
        base_metalness: 1.0,
        specular_roughness: 0.0,
        ..OpenPbr::default()
    };
    let parts = [placed(0.3, 45.0, DVec3::ZERO), placed(3.0, 180.0, DVec3::Y * 2.0)];
    let found = guides(&parts, &[mirror, paint()]);
    assert_all(&found.normal, Vec3::NEG_Y, "normal");
    let ratio = Vec3::from(found.albedo[0]) / Vec3::from(COLOR);
    assert!(ratio.x > ratio.y && ratio.y > ratio.z && ratio.x < 1.0 && ratio.z > 0.5, "the mirror's colour: {ratio}");
}

#[test]
fn what_is_behind_a_pane_is_seen_through_it() {
    let pane = OpenPbr {
        transmission_weight: 1.0,
        specular_weight: 0.0,
        specular_roughness: 0.0,
        geometry_thin_walled: true,
        transmission_color: [0.5, 1.0, 1.0],
        ..OpenPbr::default()
    };
    let parts = [placed(1.0, 90.0, DVec3::Z), placed(3.0, 60.0, DVec3::ZERO)];
    let found = guides(&parts, &[pane, paint()]);
    assert_all(&found.albedo, Vec3::from(COLOR) * Vec3::new(0.5, 1.0, 1.0), "albedo");
    assert_all(&found.normal, Vec3::new(0.0, 0.5, 0.75_f32.sqrt()), "normal");
}

#[test]
fn rays_that_meet_a_partly_opaque_surface_are_counted() {
    let veil = OpenPbr { geometry_opacity: 0.3, ..paint() };
    let found = guides(&[placed(1.0, 90.0, DVec3::Z), placed(3.0, 90.0, DVec3::ZERO)], &[veil, paint()]);
    assert!(found.partly.iter().all(|&share| share == 1.0), "whether they pass it or end on it: {:?}", found.partly);
    let mirror = OpenPbr { base_metalness: 1.0, specular_roughness: 0.0, geometry_opacity: 0.9, ..OpenPbr::default() };
    let found = guides(&[placed(1.0, 90.0, DVec3::Z), placed(3.0, 90.0, DVec3::ZERO)], &[mirror, paint()]);
    assert!(found.partly.iter().all(|&share| share == 1.0), "also where it mirrors: {:?}", found.partly);
    let beyond = guides(&[placed(1.0, 90.0, DVec3::NEG_Z), placed(3.0, 90.0, DVec3::ZERO)], &[veil, paint()]);
    assert!(beyond.partly.iter().all(|&share| share == 0.0), "it is hidden: {:?}", beyond.partly);
}

#[test]
fn where_nothing_is_the_guides_are_black() {
    let found = guides(&[placed(1e-3, 90.0, DVec3::X)], &[paint()]);
    assert_all(&found.albedo, Vec3::ZERO, "albedo");
    assert_all(&found.normal, Vec3::ZERO, "normal");
}

#[test]
fn cancelled_guides_are_none() {
    let palette = [paint().into()];
    let shot = shot(DVec3::Z * 3.0, 0.2, 6, 1);
    let scene = scene(vec![plane()], &[(0, DAffine3::IDENTITY)]);
    let cancel = CancelToken::default();
    cancel.cancel();
    assert!(load(&scene, &palette, &[PartMaterial::Palette(0)], &shot, 2).try_guides(4, &cancel).is_err());
}
