//! Layers beside a picture, compared with scenes of known geometry and with the pictures themselves.

use std::collections::BTreeMap;

use glam::{DAffine3, DQuat, DVec2, DVec3, Vec2, Vec3};
use packshot_materials::openpbr::OpenPbr;
use packshot_renderer::backend::{CancelToken, RenderControl};
use packshot_renderer::layers::cryptomatte::{RANKS, id};
use packshot_renderer::layers::{MatteKind, NOTHING_DEPTH_M, Quantity};
use packshot_renderer::prepare::{PaletteEntry, PartMaterial};
use packshot_renderer::scene::{MaterialIdx, Scene, SceneMaterial};
use packshot_renderer::shot::{Floor, PixelFilter, Projection, Shot};

use crate::scenes::{Loaded, load, plane, scene, shot, sphere};

const SIZE_PX: u32 = 40;

fn paint(base_color: [f32; 3]) -> OpenPbr {
    OpenPbr { base_color, specular_weight: 0.0, ..OpenPbr::default() }
}

/// Parts that wear the materials in order.
fn loaded(scene: &Scene, materials: &[OpenPbr], shot: &Shot, n_threads: usize) -> Loaded {
    let palette: Vec<PaletteEntry> = materials.iter().map(|&material| material.into()).collect();
    let worn: Vec<PartMaterial> = (0..scene.parts.len()).map(|i| PartMaterial::Palette(i % materials.len())).collect();
    load(scene, &palette, &worn, shot, n_threads)
}

/// A square of side 2 that faces +Z, scaled and moved.
fn wall(scale: f64, at: DVec3) -> DAffine3 {
    let upright = DQuat::from_rotation_x(std::f64::consts::FRAC_PI_2);
    DAffine3::from_scale_rotation_translation(DVec3::splat(scale), upright, at)
}

/// The position of a pixel's centre, from −1 to 1, rightwards and upwards.
fn middle(pixel: usize) -> DVec2 {
    let at = DVec2::new((pixel % SIZE_PX as usize) as f64, (pixel / SIZE_PX as usize) as f64) + 0.5;
    let share = at / f64::from(SIZE_PX) * 2.0 - 1.0;
    DVec2::new(share.x, -share.y)
}

/// Coverage of each pixel by one object.
fn matte(layer: &[f32], id: f32) -> Vec<f32> {
    let n_pixels = layer.len() / (2 * RANKS);
    let planes: Vec<&[f32]> = layer.chunks(4 * n_pixels).collect();
    let pairs = |pixel: usize| planes.iter().flat_map(move |plane| plane[4 * pixel..][..4].as_chunks::<2>().0);
    let of = |pixel| pairs(pixel).filter(|pair| pair[0].to_bits() == id.to_bits()).map(|pair| pair[1]).sum();
    (0..n_pixels).map(of).collect()
}

/// Coverage of each pixel by any object.
fn all_mattes(layer: &[f32]) -> Vec<f32> {
    let n_pixels = layer.len() / (2 * RANKS);
    (0..n_pixels).map(|pixel| layer.chunks(4 * n_pixels).map(|p| p[4 * pixel + 1] + p[4 * pixel + 3]).sum()).collect()
}

#[test]
fn depth_position_and_coordinates_are_those_of_the_pixel_s_middle() {
    let mut square = plane();
    // u rightwards and v downwards, once the square stands upright.
    square.uvs[0] = square.positions.iter().map(|p| Vec2::new(p.x + 1.0, p.z + 1.0) / 2.0).collect();
    let at = DVec3::new(0.1, -0.2, 0.5);
    let scene = scene(vec![square], &[(0, wall(3.0, at))]);
    for filter in [PixelFilter::Box, PixelFilter::BlackmanHarris { half_width_px: 1.5 }] {
        let mut shot = shot(DVec3::Z * 3.0, 1.0, SIZE_PX, 4);
        shot.film.filter = filter;
        for fov_y_rad in [None, Some(0.6_f64)] {
            if let Some(fov_y_rad) = fov_y_rad {
                shot.camera.projection = Projection::Perspective { fov_y_rad };
            }
            let half_height = fov_y_rad.map_or(0.5, |fov| 2.5 * (0.5 * fov).tan());
            let asked = [Quantity::Depth, Quantity::Position, Quantity::Uv];
            let [depth, position, uv] = &loaded(&scene, &[paint([0.5; 3])], &shot, 2).layers(&asked, 4)[..] else {
                panic!("three layers")
            };
            for pixel in 0..depth.len() {
                assert!((depth[pixel] - 2.5).abs() < 1e-5, "depth {} at {pixel}", depth[pixel]);
                let expected = (middle(pixel) * half_height).extend(0.5);
                let found = Vec3::from_slice(&position[3 * pixel..]);
                assert!((found - expected.as_vec3()).length() < 1e-5, "{found} instead of {expected}");
                let expected = ((expected - at) / 3.0).truncate() * 0.5 + 0.5;
                let found = Vec2::from_slice(&uv[2 * pixel..]);
                assert!((found - expected.as_vec2()).length() < 1e-5, "{found} instead of {expected}");
            }
        }
    }
}

#[test]
fn units_and_places_far_from_the_origin_are_the_world_s() {
    // A ball of a millimetre, a metre from the origin, seen from above.
    let center = DVec3::new(1.0, 0.0, -0.5);
    let place = DAffine3::from_scale_rotation_translation(DVec3::splat(1e-3), DQuat::IDENTITY, center);
    let scene = scene(vec![sphere(64, true)], &[(0, place)]);
    let mut shot = shot(DVec3::Y, 2.4e-3, SIZE_PX, 16);
    shot.camera.world_from_camera.translation = center + DVec3::Y * 0.25;
    let asked = [Quantity::Depth, Quantity::Position, Quantity::Normal];
    let [depth, position, normal] = &loaded(&scene, &[paint([0.5; 3])], &shot, 2).layers(&asked, 16)[..] else {
        panic!("three layers")
    };
    let mut n_hits = 0;
    for pixel in 0..depth.len() {
        let aside = middle(pixel) * 1.2;
        if aside.length() > 1.02 {
            assert_eq!((depth[pixel], &position[3 * pixel..][..3]), (NOTHING_DEPTH_M, &[0.0; 3][..]));
        } else if aside.length() < 0.9 {
            n_hits += 1;
            // Up in the picture is −Z.
            let outward = DVec3::new(aside.x, (1.0 - aside.length_squared()).sqrt(), -aside.y);
            let found = Vec3::from_slice(&position[3 * pixel..]).as_dvec3();
            assert!((found - center - outward * 1e-3).length() < 4e-6, "{found} at {outward}");
            assert!((f64::from(depth[pixel]) - (0.25 - 1e-3 * outward.y)).abs() < 4e-6, "depth {}", depth[pixel]);
            let facing = Vec3::from_slice(&normal[3 * pixel..]).as_dvec3();
            assert!((facing - outward).length() < 0.03, "{facing} instead of {outward}");
        }
    }
    assert!(n_hits > 600, "{n_hits} pixels show the ball");
}

#[test]
fn colour_and_light_of_a_surface_are_premultiplied_with_coverage() {
    let (color, light) = ([0.7, 0.4, 0.1], [2.0, 1.0, 0.5]);
    let lamp = OpenPbr { emission_luminance: 1.0, emission_color: light, ..paint(color) };
    let scene = scene(vec![plane()], &[(0, wall(0.72, DVec3::ZERO))]);
    let shot = shot(DVec3::Z * 3.0, 2.0, SIZE_PX, 16);
    let loaded = loaded(&scene, &[lamp], &shot, 2);
    let film = loaded.render(&RenderControl::new(&CancelToken::default())).resolve();
    let layers = loaded.layers(&[Quantity::Albedo, Quantity::Emission], 16);
    assert!(film.iter().any(|pixel| pixel[3] > 0.1 && pixel[3] < 0.9), "no pixel is covered in part");
    for (pixel, [r, g, b, alpha]) in film.iter().enumerate() {
        let albedo = Vec3::from_slice(&layers[0][3 * pixel..]);
        assert!((albedo - Vec3::from(color) * *alpha).abs().max_element() < 2e-3, "{albedo} at alpha {alpha}");
        // In darkness only a lamp is seen.
        let emission = Vec3::from_slice(&layers[1][3 * pixel..]);
        assert!((emission - Vec3::new(*r, *g, *b)).abs().max_element() < 1e-4, "{emission} instead of {r} {g} {b}");
    }
}

#[test]
fn mattes_are_the_silhouettes_of_parts_and_add_up_to_alpha() {
    let place = |x, y| DAffine3::from_translation(DVec3::new(x, y, 0.0));
    let parts = [(0, place(-1.2, 0.3)), (0, place(1.2, 0.0)), (1, wall(0.6, DVec3::new(0.0, -1.6, 0.0)))];
    let scene = scene(vec![sphere(48, true), plane()], &parts);
    let mut shot = shot(DVec3::new(0.5, 0.8, 6.0), 5.2, 96, 32);
    shot.film.filter = PixelFilter::BlackmanHarris { half_width_px: 1.5 };
    let alpha = |scene: &Scene| -> Vec<f32> {
        let film = loaded(scene, &[paint([0.5; 3])], &shot, 2).render(&RenderControl::new(&CancelToken::default()));
        film.resolve().iter().map(|pixel| pixel[3]).collect()
    };
    let together = loaded(&scene, &[paint([0.5; 3])], &shot, 2);
    let layer = &together.layers(&[Quantity::Matte(MatteKind::Object)], 32)[0];
    for (covered, alpha) in all_mattes(layer).iter().zip(alpha(&scene)) {
        assert!((covered - alpha).abs() < 1e-6, "{covered} is covered, alpha is {alpha}");
    }
    for part in &scene.parts {
        let alone = alpha(&Scene { parts: vec![part.clone()], ..scene.clone() });
        let found = matte(layer, id(&part.path));
        let both: f32 = found.iter().zip(&alone).map(|(a, b)| a.min(*b)).sum();
        let either: f32 = found.iter().zip(&alone).map(|(a, b)| a.max(*b)).sum();
        assert!(either > 100.0 && both / either > 0.999, "{}: {both} of {either} pixels", part.path);
    }
}

#[test]
fn things_are_told_apart_by_their_names() {
    let at = |x| wall(0.4, DVec3::new(x, 0.0, 0.0));
    let mut scene = scene(vec![plane(), plane(), plane()], &[(0, at(-1.0)), (1, at(0.0)), (2, at(1.0))]);
    // Two screws under one path, with a material of the file and with one without a name; and a part that wears the
    // palette's material.
    for part in &mut scene.parts[..2] {
        (part.path, part.node_name) = ("Box/Screw".to_owned(), Some("Screw".to_owned()));
    }
    let steel = SceneMaterial { name: Some("Stähl".to_owned()), ..SceneMaterial::default() };
    scene.materials = vec![steel, SceneMaterial::default()];
    scene.meshes[0].primitives[0].material = Some(MaterialIdx(0));
    scene.meshes[1].primitives[0].material = Some(MaterialIdx(1));
    let mut shot = shot(DVec3::new(0.0, 0.5, 6.0), 4.0, SIZE_PX, 16);
    shot.floor = Some(Floor::square(-0.6, 2.0, "Felt", OpenPbr::default()));
    let worn = [PartMaterial::Own, PartMaterial::Own, PartMaterial::Palette(0)];
    let loaded = load(&scene, &[paint([0.5; 3]).into()], &worn, &shot, 2);
    for (kind, expected) in [
        (MatteKind::Object, &["Box/Screw", "Box/Screw#2", "Part_2", "floor"][..]),
        (MatteKind::Part, &["Part_2", "Screw", "floor"]),
        (MatteKind::Material, &["Felt", "Material 0", "Material_1", "Stähl"]),
    ] {
        let manifest: BTreeMap<String, String> =
            serde_json::from_str(&loaded.names.cryptomatte(kind).manifest()).expect("JSON");
        assert!(manifest.keys().map(String::as_str).eq(expected.iter().copied()), "{manifest:?}");
        let layer = &loaded.layers(&[Quantity::Matte(kind)], 16)[0];
        for (name, hash) in &manifest {
            let id = f32::from_bits(u32::from_str_radix(hash, 16).expect("a hash"));
            let area: f32 = matte(layer, id).iter().sum();
            assert!(area > 4.0, "{name} covers {area} pixels");
        }
    }
}

#[test]
fn ids_are_those_that_blender_gives() {
    // From the manifest of a file that Blender 5.0.1 wrote.
    for (name, bits) in [("Light", 0xc77d_43e5), ("object", 0x055e_c73d), ("Größe \"1\"", 0xe906_a8a7)] {
        assert_eq!(id(name).to_bits(), bits, "{name}");
    }
}

#[test]
fn half_clear_surfaces_share_a_pixel_and_have_one_depth() {
    let parts = [(0, wall(2.0, DVec3::Z)), (0, wall(2.0, DVec3::ZERO))];
    let scene = scene(vec![plane()], &parts);
    let shot = shot(DVec3::Z * 3.0, 1.0, SIZE_PX, 64);
    for (opacity, expected_m) in [(0.3, 3.0), (0.7, 2.0)] {
        let veil = OpenPbr { geometry_opacity: opacity, ..paint([0.5; 3]) };
        let asked = [Quantity::Depth, Quantity::Matte(MatteKind::Object)];
        let layers = loaded(&scene, &[veil, paint([0.5; 3])], &shot, 2).layers(&asked, 64);
        assert!(layers[0].iter().all(|depth| (depth - expected_m).abs() < 1e-5), "opacity {opacity}");
        let shares = matte(&layers[1], id("Part_0"));
        let furthest = shares.iter().map(|share| (share - opacity).abs()).fold(0.0, f32::max);
        assert!(furthest * 64.0 <= 1.01, "{furthest} from a share of {opacity}");
        assert!(all_mattes(&layers[1]).iter().all(|covered| (covered - 1.0).abs() < 1e-6));
    }
}

#[test]
fn mattes_of_veils_add_up_to_the_alpha_of_their_picture() {
    let parts = [(0, wall(2.0, DVec3::Z)), (0, wall(1.0, DVec3::ZERO))];
    let scene = scene(vec![plane()], &parts);
    let shot = shot(DVec3::Z * 3.0, 2.2, SIZE_PX, 32);
    let veils = [0.3, 0.6].map(|opacity| OpenPbr { geometry_opacity: opacity, ..paint([0.5; 3]) });
    let loaded = loaded(&scene, &veils, &shot, 2);
    let picture = loaded.render(&RenderControl::new(&CancelToken::default())).resolve();
    let layers = loaded.layers(&[Quantity::Matte(MatteKind::Object)], 32);
    let covered = all_mattes(&layers[0]);
    let furthest = picture.iter().zip(&covered).map(|(pixel, share)| (pixel[3] - share).abs()).fold(0.0, f32::max);
    assert!(furthest < 1e-6, "{furthest}");
    assert!(covered.iter().any(|share| (share - 0.72).abs() < 0.05), "both are seen");
}

#[test]
fn threads_change_no_bit_and_cancelled_layers_are_none() {
    let scene = scene(vec![sphere(16, false)], &[(0, DAffine3::IDENTITY)]);
    let shot = shot(DVec3::new(1.0, 2.0, 3.0), 2.2, 150, 16);
    let asked = [Quantity::Normal, Quantity::Uv, Quantity::Matte(MatteKind::Material), Quantity::Position];
    let layers = |n_threads| loaded(&scene, &[paint([0.5; 3])], &shot, n_threads).layers(&asked, 16);
    assert!(layers(1) == layers(2));
    let cancel = CancelToken::default();
    cancel.cancel();
    assert!(loaded(&scene, &[paint([0.5; 3])], &shot, 2).try_layers(&asked, 16, &cancel).is_err());
}
