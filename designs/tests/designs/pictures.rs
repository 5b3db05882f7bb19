//! Pictures of products that wear designs, rendered on the CPU: sizes, sides, seams and finishes.

use std::sync::Arc;

use flip_rs::{DEFAULT_PPD, RgbImage, ldr_flip};
use glam::{DAffine3, DMat3, DVec2, DVec3};
use packshot_designs::Design;
use packshot_designs::compose::compose;
use packshot_materials::openpbr::OpenPbr;
use packshot_renderer::backend::cpu::CpuBackend;
use packshot_renderer::backend::{Backend, CancelToken, LoadedShot, RenderControl};
use packshot_renderer::color::display_color;
use packshot_renderer::guides::GuideSamples;
use packshot_renderer::layers::lines::LineStyle;
use packshot_renderer::layers::{LayerNames, LayerRequest, Quantity};
use packshot_renderer::prepare::{PaletteEntry, PartMaterial, PreparedProduct, PreparedShot, TabulatedMaps};
use packshot_renderer::scene::Scene;
use packshot_renderer::shot::{
    Background, Bounces, Camera, Environment, FilmSettings, PixelFilter, Projection, Shot, View, ViewTransform,
};

use crate::fixtures::{
    Bitmap, GROUND, INK, Layout, MUG_HEIGHT_M, assert_near, design, letter, mug, placed, plain, tag,
};

const RED: [u8; 4] = [200, 30, 40, 255];

/// White without gloss: under white light from everywhere a surface is exactly as bright as its colour.
fn matte() -> OpenPbr {
    OpenPbr { base_color: [1.0; 3], specular_weight: 0.0, ..OpenPbr::default() }
}

fn metal() -> OpenPbr {
    OpenPbr { base_color: [0.6; 3], base_metalness: 1.0, specular_roughness: 0.2, ..OpenPbr::default() }
}

/// The scene with a design on its first material.
fn wearing(mut scene: Scene, design: &Design, place: &str) -> Scene {
    let resolved = placed(&scene, design, place);
    let texture = compose(design, &resolved).expect("composed");
    scene.wear(resolved.worn(&texture)).expect("its own surfaces");
    scene
}

/// A square picture of `side_mm` around a point, seen along `back`.
struct Seen {
    shot: Box<dyn LoadedShot>,
    names: LayerNames,
    size_px: usize,
}

fn seen(scene: &Scene, material: OpenPbr, middle: DVec3, back: DVec3, (side_mm, size_px): (f64, u32)) -> Seen {
    let right = DVec3::Y.cross(back);
    let frame = DMat3::from_cols(right, DVec3::Y, back);
    let camera = Camera {
        world_from_camera: DAffine3::from_mat3_translation(frame, middle + back),
        projection: Projection::Orthographic { height_m: side_mm / 1e3 },
        aperture: None,
        clip_near_m: 1e-9,
        clip_far_m: 1e3,
    };
    let film = FilmSettings {
        width_px: size_px,
        height_px: size_px,
        samples: 16,
        noise_threshold: 0.0,
        seed: 0,
        filter: PixelFilter::Box,
        bounces: Bounces::all(4),
        clamp_direct: 0.0,
        clamp_indirect: 0.0,
    };
    let shot = Shot {
        camera,
        film,
        environment: Environment::Uniform { radiance: [1.0; 3] },
        lights: Vec::new(),
        floor: None,
        background: Background::Transparent,
        view: View { transform: ViewTransform::Raw, exposure_ev: 0.0 },
        lut: None,
    };
    let worn = vec![PartMaterial::Palette(0); scene.parts.len()];
    let product = PreparedProduct::new(scene, &[PaletteEntry::from(material)], &worn, None, &|| false);
    let product = Arc::new(product.expect("a sound scene"));
    let names = LayerNames::new(scene, &product, &["Material"]);
    let prepared = PreparedShot::new(&product, &shot, TabulatedMaps::default().tables(&shot.environment));
    let backend = CpuBackend::new(2, "a test".to_owned()).expect("threads");
    let loaded = backend.load(product, &CancelToken::default()).and_then(|product| product.load(prepared));
    Seen { shot: loaded.expect("the CPU has room"), names, size_px: size_px as usize }
}

impl Seen {
    /// Linear colours, row 0 on top.
    fn picture(&self) -> Vec<[f32; 4]> {
        self.shot.render(&RenderControl::new(&CancelToken::default())).expect("nobody cancels").film.resolve()
    }

    /// The albedo layer.
    fn albedo(&self) -> Vec<[f32; 3]> {
        let lines = LineStyle { width_px: 1.0, crease_rad: LineStyle::CREASE_RAD };
        let request = LayerRequest { quantities: &[Quantity::Albedo], names: &self.names, n_samples: 16, lines };
        let layer = self.shot.layers(&request, &CancelToken::default()).expect("nobody cancels").remove(0);
        layer.as_chunks::<3>().0.to_vec()
    }

    fn middle(&self) -> usize {
        self.size_px / 2 * self.size_px + self.size_px / 2
    }
}

fn display(picture: &[[f32; 4]]) -> Vec<[f32; 3]> {
    picture.iter().map(|&[r, g, b, _]| display_color([r, g, b], ViewTransform::Standard, 0.0)).collect()
}

fn flip(a: &[[f32; 4]], b: &[[f32; 4]], size_px: usize) -> f32 {
    let image = |picture: &[[f32; 4]]| RgbImage::new(size_px, size_px, display(picture).concat()).expect("square");
    ldr_flip(&image(a), &image(b), DEFAULT_PPD).expect("equal sizes").statistics().mean
}

/// Pixels that are nearer to a design's red than to white.
fn is_red(picture: &[[f32; 4]]) -> Vec<bool> {
    picture.iter().map(|pixel| pixel[3] > 0.5 && pixel[1] < 0.5).collect()
}

fn mug_middle() -> DVec3 {
    DVec3::new(0.0, 0.5 * MUG_HEIGHT_M, 0.0)
}

#[test]
fn d44_a_print_has_its_size_in_millimetres() {
    let scene = wearing(mug(), &design(&plain(64, 64, RED)), "width=30");
    let seen = seen(&scene, matte(), mug_middle(), DVec3::Z, (40.0, 400));
    let red = is_red(&seen.picture());
    let n = seen.size_px;
    let high = (0..n).filter(|row| red[row * n + n / 2]).count();
    let wide = (0..n).filter(|column| red[n / 2 * n + column]).count();
    println!("{wide} x {high} pixels");
    // 10 pixels of a millimetre; 30 mm of arc are 80 sin(0.375) = 29.3 mm of the picture.
    assert_near(high as f64, 300.0, 1.0);
    assert_near(wide as f64, 293.0, 1.0);
}

/// The colour at a place of the design on a picture of it: fractions of its width and height.
fn at(picture: &[[f32; 4]], size_px: usize, place: [f64; 2]) -> [f32; 3] {
    let [column, row] = place.map(|share| (share * size_px as f64) as usize);
    display(&picture[row * size_px + column..][..1])[0]
}

fn is_ink(color: [f32; 3]) -> bool {
    color[0] < 0.5
}

#[test]
fn d46_designs_read_from_outside() {
    let letter = design(&letter());
    // 60 mm of the mug's front, and of the tag, of which the design covers 30 x 20 mm in the middle.
    let of_mug = seen(&wearing(mug(), &letter, "width=30"), matte(), mug_middle(), DVec3::Z, (60.0, 240));
    let of_tag = |layout| {
        let scene = wearing(tag(layout), &letter, "width=30");
        seen(&scene, matte(), DVec3::ZERO, DVec3::Z, (60.0, 240)).picture()
    };
    let upright = of_tag(Layout::default());
    for picture in [&of_mug.picture(), &upright] {
        // The stem is left of the middle, from top to bottom; the arm is above, to the right.
        let on_design =
            |x: f64, y: f64| at(picture, 240, [0.5 + (x / 600.0 - 0.5) * 0.5, 0.5 + (y / 400.0 - 0.5) / 3.0]);
        assert!(is_ink(on_design(230.0, 90.0)) && is_ink(on_design(230.0, 320.0)));
        assert!(is_ink(on_design(370.0, 90.0)) && !is_ink(on_design(370.0, 320.0)));
        assert!(!is_ink(on_design(120.0, 200.0)));
    }
    for turns in 0..4 {
        for is_mirrored in [false, true] {
            let other = of_tag(Layout { turns, is_mirrored, stretch_u: 0.0 });
            let error = flip(&upright, &other, 240);
            assert!(error < 0.005, "{turns} turns, mirrored {is_mirrored}: FLIP {error}");
        }
    }
}

#[test]
fn d47_a_circle_stays_one_however_coordinates_are_stretched() {
    let circle = Bitmap::new(256, 256, |x, y| {
        let from = DVec2::new(f64::from(x) + 0.5, f64::from(y) + 0.5) - 128.0;
        if from.length() < 120.0 { RED } else { [0; 4] }
    });
    for stretch_u in [1.0, 2.0, 0.25] {
        let scene = wearing(tag(Layout { stretch_u, ..Layout::default() }), &design(&circle), "width=40");
        let seen = seen(&scene, matte(), DVec3::ZERO, DVec3::Z, (48.0, 384));
        let red = is_red(&seen.picture());
        let n = seen.size_px;
        let wide = (0..n).filter(|x| red[n / 2 * n + x]).count() as f64;
        let high = (0..n).filter(|y| red[y * n + n / 2]).count() as f64;
        assert_near(wide / high, 1.0, 0.01);
        // 240 of 256 pixels on 40 mm, 8 pixels of a millimetre.
        assert_near(wide, 300.0, 2.0);
    }
}

#[test]
fn d48_a_design_crosses_the_seam() {
    let letter = design(&letter());
    let picture = |spot: &str, back: DVec3| {
        let scene = wearing(mug(), &letter, &format!("width=60,at={spot}"));
        seen(&scene, matte(), mug_middle(), back, (80.0, 320)).picture()
    };
    let front = picture("front", DVec3::Z);
    let back = picture("back", DVec3::NEG_Z);
    let error = flip(&front, &back, 320);
    println!("FLIP {error}");
    assert!(error <= 0.01, "FLIP {error}");
    // No line at the seam: the columns beside the middle are as in front.
    for row in 0..320 {
        for column in 156..164 {
            let (a, b) = (front[row * 320 + column], back[row * 320 + column]);
            assert!((0..3).all(|i| (a[i] - b[i]).abs() < 0.25), "{row}, {column}: {a:?} {b:?}");
        }
    }
}

#[test]
fn d49_turned_designs_keep_their_lengths() {
    let scene = |place: &str| wearing(tag(Layout::default()), &design(&plain(60, 40, RED)), place);
    // Standard deviations along the main axes of what is red, from which the sides of a rectangle follow.
    let sides_mm = |place: &str| {
        let seen = seen(&scene(place), matte(), DVec3::ZERO, DVec3::Z, (48.0, 384));
        let n = seen.size_px;
        let places: Vec<DVec2> = is_red(&seen.picture())
            .iter()
            .enumerate()
            .filter(|(_, red)| **red)
            .map(|(i, _)| DVec2::new((i % n) as f64, (n - i / n) as f64) / 8.0)
            .collect();
        let mean = places.iter().sum::<DVec2>() / places.len() as f64;
        let (mut xx, mut yy, mut xy) = (0.0, 0.0, 0.0);
        for from in places.iter().map(|place| *place - mean) {
            (xx, yy, xy) = (xx + from.x * from.x, yy + from.y * from.y, xy + from.x * from.y);
        }
        let n = places.len() as f64;
        let (half, root) = (0.5 * (xx + yy), (0.25 * (xx - yy) * (xx - yy) + xy * xy).sqrt());
        let sides = [half + root, half - root].map(|sum| (12.0 * sum / n).sqrt());
        (sides, 0.5 * (2.0 * xy).atan2(xx - yy).to_degrees())
    };
    for (place, angle_deg) in
        [("width=24", 0.0), ("width=24,rotation_deg=45", 45.0), ("width=24,rotation_deg=30", 30.0)]
    {
        let ([long, short], angle) = sides_mm(place);
        assert_near(long, 24.0, 0.24);
        assert_near(short, 16.0, 0.16);
        assert_near(angle, angle_deg, 0.5);
    }
    let picture = |place: &str| seen(&scene(place), matte(), DVec3::ZERO, DVec3::Z, (48.0, 96)).picture();
    assert_eq!(picture("width=24,rotation_deg=360"), picture("width=24"));
}

#[test]
fn d54_a_colour_is_exactly_that_of_the_design() {
    let scene = wearing(tag(Layout::default()), &design(&plain(64, 64, RED)), "width=40,height=40");
    let seen = seen(&scene, matte(), DVec3::ZERO, DVec3::Z, (60.0, 60));
    let linear = |byte: u8| {
        let value = f64::from(byte) / 255.0;
        if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    };
    let albedo = seen.albedo()[seen.middle()];
    let shown = display(&seen.picture())[seen.middle()];
    for channel in 0..3 {
        assert_near(f64::from(albedo[channel]), linear(RED[channel]), 1.0 / 255.0);
        assert_near(f64::from(shown[channel]) * 255.0, f64::from(RED[channel]), 2.0);
    }
    // Guides of the denoiser have it too: an edge of a design is one of the picture.
    let guides = seen.shot.guides(&GuideSamples::most(4), &CancelToken::default()).expect("nobody cancels");
    assert_near(f64::from(guides.albedo[seen.middle()][0]), linear(RED[0]), 1.0 / 255.0);
}

#[test]
fn d57_ink_on_metal_is_none_and_tint_is_coloured_metal() {
    let normal_albedo = |color: [u8; 4], finish: &str| {
        let place = format!("width=40,height=40,fit=stretch,finish={finish}");
        let scene = wearing(tag(Layout::default()), &design(&plain(64, 64, color)), &place);
        let seen = seen(&scene, metal(), DVec3::ZERO, DVec3::Z, (60.0, 60));
        seen.albedo()[seen.middle()]
    };
    // Black ink reflects as its surface does.
    for value in normal_albedo([0, 0, 0, 255], "ink") {
        assert_near(f64::from(value), 0.04, 0.01);
    }
    // A metal reflects its own colour.
    let [r, g, b] = normal_albedo(RED, "tint");
    assert!(r > 0.5 && g < 0.1 && b < 0.1, "{r} {g} {b}");
    let [r, ..] = normal_albedo([0, 0, 0, 0x80], "tint");
    assert_near(f64::from(r), 0.3, 0.03);
}

#[test]
fn a_projected_design_is_sharp_on_a_large_part_and_lies_on_what_is_seen_first() {
    // A tag before a wall of 1.6 m, of one part without texture coordinates.
    let mut scene = tag(Layout::default());
    let primitive = &mut scene.meshes[0].primitives[0];
    let wall = primitive.positions.iter().map(|p| *p * 20.0 - glam::Vec3::Z * 0.3).collect::<Vec<_>>();
    primitive.positions = [&primitive.positions[..], &wall].concat();
    primitive.normals = vec![glam::Vec3::Z; 8];
    primitive.uvs[0].clear();
    primitive.triangles.extend([[4, 5, 6], [4, 6, 7]]);
    let design = design(&plain(64, 64, RED));
    let resolved = placed(&scene, &design, "at=front,width=40mm,height=40mm,fit=stretch,texture_px=512");
    assert_near(resolved.report.texels_per_mm, 512.0 / 40.0, 0.1);
    assert_near(resolved.report.area.size_mm[0], 1600.0, 0.1);
    assert_near(resolved.report.clipped_share, 0.0, 1e-9);
    let beside = placed(&scene, &design, "at=front,x=40mm,width=40mm,height=40mm,fit=stretch,texture_px=512");
    assert_near(beside.report.clipped_share, 0.5, 0.01);
    let texture = compose(&design, &resolved).expect("composed");
    scene.wear(resolved.worn(&texture)).expect("its own surfaces");
    let red = |middle: DVec3, side_mm: f64| {
        let seen = seen(&scene, matte(), middle, DVec3::Z, (side_mm, 100));
        is_red(&seen.picture()).iter().filter(|red| **red).count() as f64
    };
    // 40 x 40 of 50 x 50 mm; and nothing on the wall behind, seen from between the two.
    assert_near(red(DVec3::ZERO, 50.0), 6400.0, 80.0);
    assert_near(red(DVec3::new(0.0, 0.0, -1.2), 50.0), 0.0, 0.5);
}

#[test]
fn only_the_chosen_part_wears_a_design() {
    // Two placements of one mesh.
    let mut scene = tag(Layout::default());
    let twin = scene.parts[0].clone();
    scene.parts.push(packshot_renderer::scene::Part {
        path: "Other".to_owned(),
        node_name: Some("Other".to_owned()),
        world_from_part: DAffine3::from_translation(DVec3::X * 0.09),
        ..twin
    });
    let wanted = packshot_designs::AreaRequest::new(packshot_designs::Selector::Part("Other".to_owned()));
    let area = packshot_designs::area::find(&scene, &wanted).expect("there");
    let design = design(&plain(64, 64, RED));
    let resolved = packshot_designs::resolve::resolve(&design, &area, &crate::fixtures::request("width=20"));
    let resolved = resolved.expect("a place");
    scene.wear(resolved.worn(&compose(&design, &resolved).expect("composed"))).expect("its own");
    let seen = seen(&scene, matte(), DVec3::X * 0.045, DVec3::Z, (180.0, 180));
    let red = is_red(&seen.picture());
    let n = seen.size_px;
    assert!(!red[n / 2 * n + 45] && red[n / 2 * n + 135]);
    assert_near(red.iter().filter(|red| **red).count() as f64, 400.0, 4.0);
    assert!(scene.wear(resolved.worn(&compose(&design, &resolved).expect("composed"))).is_err(), "one design each");
}

#[test]
fn edges_are_sharp_and_half_transparent_ground_lets_the_product_through() {
    let scene = wearing(tag(Layout::default()), &design(&letter()), "width=60");
    // The edge of the stem, 50 pixels of a millimetre: one pixel of the design has five of the picture.
    let edge = DVec3::new((200.0 / 600.0 - 0.5) * 0.06, 0.0, 0.0);
    let seen = seen(&scene, matte(), edge, DVec3::Z, (4.0, 200));
    let picture = seen.picture();
    let row: Vec<f32> = picture[100 * 200..][..200].iter().map(|pixel| pixel[0]).collect();
    let (light, dark) = (row[10], row[190]);
    let within = row.iter().filter(|value| {
        let share = (**value - dark) / (light - dark);
        (0.1..0.9).contains(&share)
    });
    // A pixel of the design is 0.1 mm: 10 to 90 % within one of its pixels.
    assert!(within.count() <= 6, "{row:?}");
    // 0.5 white and 0.5 orange, in linear light.
    let linear = |byte: u8| ((f64::from(byte) / 255.0 + 0.055) / 1.055).powf(2.4);
    let alpha = f64::from(GROUND[3]) / 255.0;
    assert_near(f64::from(picture[100 * 200 + 10][1]), 1.0 - alpha + alpha * linear(GROUND[1]), 0.01);
    assert!(linear(INK[2]) > 0.0);
}
