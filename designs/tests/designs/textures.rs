//! Textures: what is drawn where, to the texel, and that equal inputs give equal bytes.

use packshot_designs::compose::{Texture, compose};
use packshot_designs::design::Pixels;
use packshot_designs::{Design, DesignRequest};
use packshot_renderer::scene::Scene;

use crate::fixtures::{Bitmap, Layout, assert_near, design, letter, mug, placed, plain, tag};

fn composed(scene: &Scene, design: &Design, place: &str) -> Texture {
    compose(design, &placed(scene, design, place)).expect("composed")
}

fn pixels(texture: &Texture) -> &[[u8; 4]] {
    let Pixels::Eight(pixels) = &texture.pixels else { panic!("8 bits") };
    pixels
}

/// First and one after the last column and row that something is drawn on.
fn drawn(texture: &Texture) -> [usize; 4] {
    let width = texture.width_px as usize;
    let visible =
        || pixels(texture).iter().enumerate().filter(|(_, pixel)| pixel[3] > 127).map(|(i, _)| (i % width, i / width));
    let columns = || visible().map(|(x, _)| x);
    let rows = || visible().map(|(_, y)| y);
    [columns().min(), columns().max(), rows().min(), rows().max()].map(|place| place.expect("something is drawn"))
}

#[test]
fn d50_fits_to_the_texel() {
    let tag = tag(Layout::default());
    let blue = design(&plain(600, 400, [0, 0, 200, 255]));
    // 20 texels of a millimetre.
    let around = |place: &str| drawn(&composed(&tag, &blue, &format!("{place},texture_px=1600")));
    let near = |found: [usize; 4], expected: [usize; 4]| {
        for (found, expected) in found.into_iter().zip(expected) {
            assert!(found.abs_diff(expected) <= 1, "{found} is not {expected}");
        }
    };
    near(around("width=30,height=30"), [500, 1099, 300, 699]);
    near(around("width=30,height=30,fit=stretch"), [500, 1099, 200, 799]);
    near(around("width=30,height=30,fit=cover"), [500, 1099, 200, 799]);
    // 50.8 x 33.87 mm.
    near(around("fit=none"), [292, 1307, 161, 838]);
    near(around("width=20,height=10,fit=cover,bleed_mm=3"), [540, 1059, 340, 659]);

    // A third of the width is cut: what is left of the letter's ground begins 100 pixels in.
    let stripes = Bitmap::new(600, 400, |x, _| if x < 100 { [255, 0, 0, 255] } else { [0, 0, 255, 255] });
    let cover = composed(&tag, &design(&stripes), "width=30,height=30,fit=cover,texture_px=1600");
    let reds = pixels(&cover).iter().filter(|pixel| pixel[0] > 127 && pixel[3] > 127).count();
    assert!(reds <= 600, "{reds} texels of what is cut");
    // Repeated at its size: four and a bit of 12.7 mm beside each other.
    let half = Bitmap::new(150, 100, |x, _| if x < 75 { [255, 0, 0, 255] } else { [0, 0, 255, 255] });
    let tiled = composed(&tag, &design(&half), "width=50.8,height=33.866,fit=tile,texture_px=1600");
    let row = &pixels(&tiled)[500 * 1600..][..1600];
    let changes =
        row.windows(2).filter(|pair| (pair[0][0] > 127) != (pair[1][0] > 127) && pair[0][3] > 127 && pair[1][3] > 127);
    assert_eq!(changes.count(), 7, "three tiles, and half of one at either end");
}

#[test]
fn d51_no_transparent_edge_is_left_under_a_bleed() {
    let texture =
        composed(&tag(Layout::default()), &design(&plain(600, 400, [9, 9, 9, 255])), "preset=full_area,texture_px=800");
    assert!(pixels(&texture).iter().all(|pixel| pixel[3] == 255));
}

#[test]
fn d56_half_transparent_black_is_half_and_edges_have_no_rims() {
    let tag = tag(Layout::default());
    let veil = composed(&tag, &design(&plain(64, 64, [0, 0, 0, 128])), "width=20,height=20,texture_px=800");
    let middle = pixels(&veil)[250 * 800 + 400];
    assert_eq!(middle, [0, 0, 0, 128]);
    // A red disc on transparent black, with a soft edge, made smaller, larger and turned: what is seen of it is red.
    let disc = Bitmap::new(400, 400, |x, y| {
        let from = (f64::from(x) - 199.5).hypot(f64::from(y) - 199.5);
        let alpha = ((150.5 - from).clamp(0.0, 1.0) * 255.0) as u8;
        if alpha == 0 { [0; 4] } else { [200, 30, 40, alpha] }
    });
    for place in ["width=10", "width=45", "width=45,rotation_deg=33"] {
        let texture = composed(&tag, &design(&disc), &format!("{place},texture_px=1600"));
        for pixel in pixels(&texture).iter().filter(|pixel| pixel[3] > 8) {
            let far = [200, 30, 40].iter().zip(pixel).any(|(a, b)| b.abs_diff(*a) > 4);
            assert!(!far, "{place}: {pixel:?}");
        }
    }
}

#[test]
fn d62_a_texture_of_the_largest_size_has_no_seam() {
    let place = "preset=wrap,fit=stretch,texture_px=4096";
    let texture = composed(&mug(), &design(&plain(600, 400, [1, 2, 3, 255])), place);
    assert_eq!((texture.width_px, texture.height_px), (4096, 1548));
    assert!(pixels(&texture).iter().all(|pixel| *pixel == [1, 2, 3, 255]));
    // A design that lies across the cut is at both ends.
    let across = composed(&mug(), &design(&letter()), "at=back,width=60,texture_px=2048");
    let row = &pixels(&across)[387 * 2048..][..2048];
    assert!(row[0][3] > 0 && row[2047][3] > 0 && row[1024][3] == 0);
}

#[test]
fn d63_equal_inputs_give_equal_bytes() {
    let place = "width=33.3,rotation_deg=12.5,opacity=0.8,texture_px=1024";
    let [one, other] =
        [(); 2].map(|()| composed(&tag(Layout::default()), &design(&letter()), place).png().expect("a PNG"));
    assert_eq!(one, other);
    let alone = rayon_alone(|| composed(&tag(Layout::default()), &design(&letter()), place).png().expect("a PNG"));
    assert_eq!(one, alone, "whatever the threads");
    let moved = composed(&tag(Layout::default()), &design(&letter()), &format!("{place},x=1"));
    assert_ne!(moved.png().expect("a PNG"), one);
}

fn rayon_alone<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a thread").install(work)
}

#[test]
fn designs_of_16_bits_stay_so() {
    let bitmap = letter();
    let mut info = png::Info::with_size(bitmap.width, bitmap.height);
    info.color_type = png::ColorType::Rgba;
    info.bit_depth = png::BitDepth::Sixteen;
    let mut bytes = Vec::new();
    let mut writer = png::Encoder::with_info(&mut bytes, info).expect("sound").write_header().expect("written");
    let words: Vec<u8> =
        bitmap.pixels.as_flattened().iter().flat_map(|&byte| (u16::from(byte) * 257 / 2).to_be_bytes()).collect();
    writer.write_image_data(&words).expect("written");
    writer.finish().expect("written");
    let design = packshot_designs::design::check(&bytes, &Default::default()).expect("sound");
    let texture = composed(&tag(Layout::default()), &design, "width=40,texture_px=800");
    assert!(matches!(texture.pixels, Pixels::Sixteen(_)));
    let read = Texture::read(&texture.png().expect("a PNG")).expect("whole");
    assert_eq!(read.image(), texture.image());
}

#[test]
fn islands_are_padded_by_16_texels_and_nothing_more_is_drawn() {
    // A triangle: half of its box.
    let mut scene = tag(Layout::default());
    scene.meshes[0].primitives[0].triangles.truncate(1);
    let design = design(&plain(600, 400, [9, 9, 9, 255]));
    let resolved = placed(&scene, &design, "preset=full_area,texture_px=800");
    assert_near(resolved.report.clipped_share, 0.5, 0.01);
    let texture = compose(&design, &resolved).expect("composed");
    let drawn = pixels(&texture).iter().filter(|pixel| pixel[3] > 0).count();
    // Half of 800 x 500 texels, and a band of 16 in both directions along the cut.
    let expected = 200_000.0 + 16.0 * (800.0 + 500.0);
    assert_near(drawn as f64, expected, 2_000.0);
}

#[test]
fn mirroring_and_orientation_turn_the_picture() {
    let sides = Bitmap::new(64, 64, |x, _| if x < 32 { [255, 0, 0, 255] } else { [0, 0, 255, 255] });
    let left_of = |scene: &Scene, place: &str| {
        let texture =
            composed(scene, &design(&sides), &format!("{place},width=40,height=40,fit=stretch,texture_px=800"));
        let (width, height) = (texture.width_px as usize, texture.height_px as usize);
        pixels(&texture)[height / 2 * width + width / 2 - width / 8][0] > 127
    };
    let upright = tag(Layout::default());
    assert!(left_of(&upright, "opacity=1") && !left_of(&upright, "flip_horizontal"));
    let mirrored = tag(Layout { is_mirrored: true, ..Layout::default() });
    assert!(!left_of(&mirrored, "opacity=1"), "upright on the product, so mirrored in the texture");
    assert!(left_of(&mirrored, "orientation=uv"));
    let request = DesignRequest::from_text(None, Some("flip_horizontal=false")).expect("sound");
    assert!(!request.placement.flip_horizontal);
}
