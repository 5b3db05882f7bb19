//! Grain and fine structures of surfaces.

use glam::{DAffine3, DVec3};
use packshot_materials::library::{Axis, Detail, DetailKind, Surface, Tangent, TangentMode};
use packshot_materials::openpbr::OpenPbr;
use packshot_renderer::backend::{CancelToken, RenderControl};
use packshot_renderer::film::Film;
use packshot_renderer::prepare::{PaletteEntry, PartMaterial};
use packshot_renderer::shot::{Bounces, Environment, Light, Shot};

use crate::scenes::{load, mean_radiance, plane, scene, shot, sphere};

fn metal(specular_roughness: f32, anisotropy: f32) -> OpenPbr {
    OpenPbr {
        base_color: [1.0; 3],
        base_metalness: 1.0,
        specular_roughness,
        specular_roughness_anisotropy: anisotropy,
        ..OpenPbr::default()
    }
}

fn with_detail(kind: DetailKind, scale_mm: f32, depth_mm: f32) -> Surface {
    let tangent = Some(Tangent { mode: TangentMode::Cylindrical, axis: Axis::Y });
    Surface { bevel_mm: None, tangent, detail: vec![Detail { kind, scale_mm, depth_mm }] }
}

/// A plate in the plane y = 0, two metres wide.
fn plate(openpbr: OpenPbr, surface: Surface, shot: &Shot) -> Film {
    let palette = [PaletteEntry { surface, ..openpbr.into() }];
    let scene = scene(vec![plane()], &[(0, DAffine3::IDENTITY)]);
    load(&scene, &palette, &[PartMaterial::Palette(0)], shot, 2).render(&RenderControl::new(&CancelToken::default()))
}

fn sun(direction: DVec3) -> Vec<Light> {
    vec![Light::Directional { direction, irradiance: [1.0; 3], half_angle_rad: 0.0 }]
}

/// From above, in a sun that comes from +X at 30° off the vertical.
fn from_above(size_px: u32, samples: u32) -> Shot {
    let mut shot = shot(DVec3::Y * 3.0, 1.6, size_px, samples);
    shot.film.bounces = Bounces::all(0);
    shot.lights = sun(DVec3::new(-0.5, -0.866, 0.0));
    shot
}

/// Mean radiance on both sides of the middle along X, and along Z.
fn wedges(film: &Film) -> [f32; 2] {
    let size = film.width_px as usize;
    let pixels = film.resolve();
    let mean = |is_in: &dyn Fn(f32, f32) -> bool| {
        let (mut sum, mut n) = (0.0, 0.0);
        for (i, pixel) in pixels.iter().enumerate() {
            let at = |k: usize| (k as f32 + 0.5) / size as f32 - 0.5;
            let (x, z) = (at(i % size), at(i / size));
            if x.hypot(z) > 0.1 && is_in(x.abs(), z.abs()) {
                sum += pixel[0];
                n += 1.0;
            }
        }
        sum / n
    };
    [mean(&|x, z| z < 0.2 * x), mean(&|x, z| x < 0.2 * z)]
}

#[test]
fn a_turned_face_shines_in_a_bow_tie_and_a_brushed_one_evenly() {
    let grain = |mode, axis| Surface { tangent: Some(Tangent { mode, axis }), ..Surface::default() };
    let see = |surface| wedges(&plate(metal(0.35, 0.9), surface, &from_above(48, 16)));
    // A groove reflects light across itself, so the rings shine where they cross the plane of the light: along X.
    let [along, aside] = see(grain(TangentMode::Cylindrical, Axis::Y));
    assert!(along > 3.0 * aside, "{along} along the light, {aside} beside it");
    // The axis of a flat plate, which is as wide as it is deep, is found.
    assert_eq!(see(grain(TangentMode::Cylindrical, Axis::Auto)), [along, aside]);
    let across = see(grain(TangentMode::Planar, Axis::Z));
    let lengthwise = see(grain(TangentMode::Planar, Axis::X));
    for [x, z] in [across, lengthwise] {
        assert!((x / z - 1.0).abs() < 0.05, "{x} and {z} on an evenly brushed plate");
    }
    assert!(across[0] > 3.0 * lengthwise[0], "{} across the light, {} along it", across[0], lengthwise[0]);
    // Without a direction there is no grain.
    let [x, z] = see(Surface::default());
    assert!((x / z - 1.0).abs() < 0.05);
}

#[test]
fn a_surface_is_as_bright_near_by_as_it_is_from_afar() {
    use DetailKind::{Blasted, Brushed, Cast, OrangePeel, Turned};
    for (kind, depth_mm) in [(Blasted, 0.4), (OrangePeel, 0.4), (Cast, 0.4), (Brushed, 0.5), (Turned, 0.1)] {
        // So steep that the relief is half of the roughness.
        let surface = with_detail(kind, 5.0, depth_mm);
        let see = |size_px, samples| {
            let mut shot = from_above(size_px, samples);
            // Within the highlight: the tails of a relief are shorter than those of facets.
            shot.lights = sun(DVec3::new(-0.17, -0.985, 0.0));
            // A square of 0.2 m of the plate, away from its middle.
            shot.camera.world_from_camera.translation += DVec3::new(0.5, 0.0, 0.3);
            shot.camera.projection = packshot_renderer::shot::Projection::Orthographic { height_m: 0.2 };
            mean_radiance(&plate(metal(0.3, 0.0), surface.clone(), &shot)).x
        };
        // Pixels of 0.6 mm, and of 25 mm.
        let (shown, lost) = (see(320, 4), see(8, 512));
        assert!((lost / shown - 1.0).abs() < 0.3, "{kind:?}: {shown} where it is resolved, {lost} where it is not");
    }
}

#[test]
fn reliefs_make_no_light() {
    use DetailKind::{Blasted, Brushed, Cast, Knurl, OrangePeel, Spangle, Turned};
    for kind in [Brushed, Turned, Knurl, OrangePeel, Cast, Blasted, Spangle] {
        let mut shot = shot(DVec3::new(1.0, 1.0, 2.0), 1.0, 24, 64);
        shot.environment = Environment::Uniform { radiance: [1.0; 3] };
        let palette = [PaletteEntry { surface: with_detail(kind, 60.0, 6.0), ..metal(0.2, 0.5).into() }];
        let scene = scene(vec![sphere(32, true)], &[(0, DAffine3::IDENTITY)]);
        let loaded = load(&scene, &palette, &[PartMaterial::Palette(0)], &shot, 2);
        let mean = mean_radiance(&loaded.render(&RenderControl::new(&CancelToken::default())));
        // Light that a bent normal reflects below the surface is lost.
        assert!((0.9..=1.01).contains(&mean.x), "{kind:?}: {mean}");
    }
}

#[test]
fn a_relief_turns_with_its_part() {
    let surface = with_detail(DetailKind::Knurl, 40.0, 8.0);
    let see = |turn: DAffine3| {
        let mut shot = shot(DVec3::Z * 3.0, 1.2, 32, 64);
        shot.lights = sun(DVec3::new(-0.4, -0.3, -0.8));
        shot.camera.world_from_camera = turn * shot.camera.world_from_camera;
        for light in &mut shot.lights {
            if let Light::Directional { direction, .. } = light {
                *direction = turn.transform_vector3(*direction);
            }
        }
        let palette = [PaletteEntry { surface: surface.clone(), ..metal(0.4, 0.5).into() }];
        let scene = scene(vec![sphere(48, true)], &[(0, turn)]);
        load(&scene, &palette, &[PartMaterial::Palette(0)], &shot, 2)
            .render(&RenderControl::new(&CancelToken::default()))
    };
    let turned = DAffine3::from_axis_angle(DVec3::new(1.0, 2.0, 3.0).normalize(), 1.0);
    let flip = crate::difference::flip(&see(DAffine3::IDENTITY), &see(turned));
    assert!(flip <= 0.02, "FLIP {flip}");
}
