//! Pictures of library materials on parts, from six sides and by coordinates.

use glam::{DAffine3, DMat3, DVec3, Vec2};
use packshot_materials::library::{Projection, Texture, Textures};
use packshot_materials::openpbr::OpenPbr;
use packshot_renderer::backend::{CancelToken, RenderControl};
use packshot_renderer::color::DisplayImage;
use packshot_renderer::encode::{Metadata, PngDepth, png};
use packshot_renderer::film::Film;
use packshot_renderer::prepare::{PaletteEntry, PartMaterial};
use packshot_renderer::scene::Primitive;
use packshot_renderer::shot::{Bounces, Environment, Light, Projection as CameraProjection, Shot};

use crate::scenes::{cube, load, mean_radiance, plane, scene, shot};

/// A picture of these rows of texels, 8-bit codes.
fn picture(rows: &[&[[u8; 3]]]) -> Texture {
    let rgba = rows.concat().iter().map(|[r, g, b]| [r, g, b].map(|&code| f32::from(code) / 255.0)).collect::<Vec<_>>();
    let rgba = rgba.iter().map(|&[r, g, b]| [r, g, b, 1.0]).collect();
    let image = DisplayImage { width_px: rows[0].len() as u32, height_px: rows.len() as u32, rgba };
    let bytes = png(&image, PngDepth::Eight, &Metadata::default()).expect("encoded");
    Texture::new("picture.png", bytes).expect("a picture")
}

fn laid(mm_per_repeat: f32, projection: Projection) -> Textures {
    Textures { base_color: None, roughness: None, normal: None, mm_per_repeat, projection }
}

fn film(primitive: Primitive, part: DAffine3, openpbr: OpenPbr, textures: Textures, shot: &Shot) -> Film {
    let palette = [PaletteEntry { textures: Some(textures), ..openpbr.into() }];
    let scene = scene(vec![primitive], &[(0, part)]);
    load(&scene, &palette, &[PartMaterial::Palette(0)], shot, 2).render(&RenderControl::new(&CancelToken::default()))
}

fn matte() -> OpenPbr {
    OpenPbr { base_color: [1.0; 3], specular_weight: 0.0, ..OpenPbr::default() }
}

const RED: [u8; 3] = [255, 0, 0];
const GREEN: [u8; 3] = [0, 255, 0];
const BLUE: [u8; 3] = [0, 0, 255];
const BLACK: [u8; 3] = [0, 0, 0];

/// Four quarters, each of two by two texels of one colour, so that filtering leaves their middles alone.
fn quarters() -> Texture {
    let (above, below) = ([RED, RED, GREEN, GREEN], [BLUE, BLUE, BLACK, BLACK]);
    picture(&[&above[..], &above[..], &below[..], &below[..]])
}

/// Radiances left above, right above, left below and right below the middle of a picture.
fn corners(film: &Film) -> [[f32; 3]; 4] {
    let size = film.width_px as usize;
    let pixels = film.resolve();
    [(1, 1), (3, 1), (1, 3), (3, 3)].map(|(x, y)| {
        let [r, g, b, _] = pixels[y * size / 4 * size + x * size / 4];
        [r, g, b]
    })
}

#[test]
fn a_box_has_the_picture_upright_and_in_millimetres_on_all_six_sides() {
    // 40, 20 and 10 mm long, about the origin, and a repetition of 8 mm: the middle of each side is a corner of the
    // picture.
    let part = DAffine3::from_scale(DVec3::new(0.02, 0.01, 0.005)) * DAffine3::from_translation(DVec3::NEG_Y);
    let (x, y, z) = (DVec3::X, DVec3::Y, DVec3::Z);
    // Outwards, and what is up in the picture there: the shorter of the side's axes.
    for (outward, up) in [(x, z), (-x, z), (y, z), (-y, z), (z, y), (-z, y)] {
        let mut shot = shot(outward, 0.008, 16, 64);
        let right = up.cross(outward);
        shot.camera.world_from_camera = DAffine3::from_mat3_translation(DMat3::from_cols(right, up, outward), outward);
        shot.camera.projection = CameraProjection::Orthographic { height_m: 0.008 };
        shot.environment = Environment::Uniform { radiance: [1.0; 3] };
        for (scale, moved) in [(1.0, DVec3::ZERO), (3.0, DVec3::new(2.0, 1.0, -4.0))] {
            // A file in other units, and a part in another place, are the same part.
            let textures = Textures { base_color: Some(quarters()), ..laid(8.0, Projection::Auto) };
            let mut cube = cube();
            for position in &mut cube.positions {
                *position = *position * scale + moved.as_vec3();
            }
            let back = DAffine3::from_scale(DVec3::splat(1.0 / f64::from(scale))) * DAffine3::from_translation(-moved);
            let seen = corners(&film(cube, part * back, matte(), textures, &shot));
            let expected = [BLACK, BLUE, GREEN, RED].map(|color| color.map(f32::from).map(|code| code / 255.0));
            for (seen, expected) in seen.iter().zip(expected) {
                let is_near = seen.iter().zip(expected).all(|(a, b)| (a - b).abs() < 0.03);
                assert!(is_near, "{outward}: {seen:?} instead of {expected:?}");
            }
        }
    }
}

/// The plane with texture coordinates, u along +X and v along +Z, which is down as seen from above.
fn plane_with_coordinates() -> Primitive {
    let mut plane = plane();
    plane.uvs[0] = plane.positions.iter().map(|p| Vec2::new(p.x, p.z) * 0.5).collect();
    plane
}

#[test]
fn coordinates_count_where_a_part_has_them() {
    let mut above = shot(DVec3::Y * 3.0, 2.0, 16, 64);
    above.environment = Environment::Uniform { radiance: [1.0; 3] };
    let see = |projection| {
        let textures = Textures { base_color: Some(quarters()), ..laid(1000.0, projection) };
        corners(&film(plane_with_coordinates(), DAffine3::IDENTITY, matte(), textures, &above))
    };
    let [black, blue, green, red] = [[0.0; 3], [0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]];
    assert_eq!(see(Projection::Auto), [black, blue, green, red]);
    // A metre per repetition, so the corners of the square are two repetitions apart: the same quarter everywhere.
    let sides = see(Projection::Box);
    let is_near = |seen: &[f32; 3]| seen.iter().zip(sides[0]).all(|(a, b)| (a - b).abs() < 0.01);
    assert!(sides.iter().all(is_near) && sides[0][0] > 0.1, "{sides:?}");
}

#[test]
fn mapped_normals_lean_as_the_picture_says() {
    // A normal that leans 30° to the right of the picture, and one that leans up.
    let lean = |x: f64, y: f64| {
        let code = |value: f64| (127.5 + 127.5 * value).round() as u8;
        picture(&[&[[code(x), code(y), code(0.75_f64.sqrt())]]])
    };
    let lit_from = |direction: DVec3, normal: &Texture, primitive: Primitive| {
        let mut shot = shot(DVec3::Y * 3.0, 1.0, 8, 16);
        shot.film.bounces = Bounces::all(0);
        shot.lights = vec![Light::Directional { direction: -direction, irradiance: [1.0; 3], half_angle_rad: 0.0 }];
        let textures = Textures { normal: Some(normal.clone()), ..laid(100.0, Projection::Auto) };
        f64::from(mean_radiance(&film(primitive, DAffine3::IDENTITY, matte(), textures, &shot)).x)
    };
    let towards = |x: f64, z: f64| DVec3::new(0.5 * x, 0.75_f64.sqrt(), 0.5 * z);
    let cosine = |angle_deg: f64| angle_deg.to_radians().cos() / std::f64::consts::PI;
    // By coordinates +u is +X, and up in the picture is −Z. From six sides, seen from above with +Z up, right is −X.
    for (primitive, right, up) in [
        (plane_with_coordinates as fn() -> Primitive, towards(1.0, 0.0), towards(0.0, -1.0)),
        (plane, towards(-1.0, 0.0), towards(0.0, 1.0)),
    ] {
        for (normal, along, across) in [(lean(0.5, 0.0), right, up), (lean(0.0, 0.5), up, right)] {
            let against = DVec3::new(-along.x, along.y, -along.z);
            for (direction, expected) in
                [(along, cosine(0.0)), (against, cosine(60.0)), (across, 0.75 / std::f64::consts::PI)]
            {
                let seen = lit_from(direction, &normal, primitive());
                assert!((seen - expected).abs() < 0.01, "{direction}: {seen} instead of {expected}");
            }
        }
    }
}

#[test]
fn a_picture_of_roughness_multiplies_and_leaves_metal_alone() {
    let see = |specular_roughness, roughness: Option<Texture>| {
        let mut shot = shot(DVec3::new(0.0, 2.0, 2.0), 1.0, 16, 256);
        shot.film.bounces = Bounces::all(0);
        shot.lights = vec![Light::Directional {
            direction: DVec3::new(0.0, -0.65, 0.75),
            irradiance: [1.0; 3],
            half_angle_rad: 0.0,
        }];
        let metal =
            OpenPbr { base_color: [0.9, 0.6, 0.4], base_metalness: 1.0, specular_roughness, ..OpenPbr::default() };
        let textures = Textures { roughness, ..laid(100.0, Projection::Box) };
        mean_radiance(&film(plane(), DAffine3::IDENTITY, metal, textures, &shot))
    };
    let (constant, textured) = (see(0.4, None), see(1.0, Some(picture(&[&[[0, 102, 0]]]))));
    assert!(constant.min_element() > 0.1 && (constant - textured).abs().max_element() < 1e-4, "{constant} {textured}");
}
