//! D70: a design on a mug, from the file to the pictures in the gallery, which are measured.

use serde_json::{Value, json};

use super::bench::Bench;
use crate::app::{TestApp, id};
use crate::picture::pixels;

/// Pixels on each side of a picture.
const SIDE: usize = 160;
/// The mug of `Glb::mug`.
const RADIUS_MM: f64 = 40.0;
const HEIGHT_MM: f64 = 95.0;
/// The design as it is ordered.
const WIDTH_MM: f64 = 48.0;
const DESIGN_HEIGHT_MM: f64 = 32.0;

/// A PNG of what a function says of each pixel.
fn drawn((width, height): (u32, u32), pixel: impl Fn(u32, u32) -> [u8; 3]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Rgb);
    let mut writer = encoder.write_header().expect("a header");
    let rows = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
    let rgb: Vec<[u8; 3]> = rows.map(|(x, y)| pixel(x, y)).collect();
    writer.write_image_data(rgb.as_flattened()).expect("pixels");
    writer.finish().expect("a PNG");
    bytes
}

/// The pictures of a job, in the order of its outputs, as the product's gallery has them.
async fn pictures(bench: &Bench<'_>, design: Vec<u8>, more: &Value) -> Vec<Vec<[u8; 4]>> {
    let mut request = json!({
        "width": SIDE, "height": SIDE, "samples": 16, "light": "white", "background": "transparent",
        "view_transform": "standard", "texture_px": 2048,
    });
    more.as_object().expect("members").iter().for_each(|(name, value)| request[name] = value.clone());
    let started = bench.send(design, "logo.png", &request, &[]).await;
    assert_eq!(started.status, 202, "{}", started.text());
    let job = bench.ended(&id(&started.json())).await;
    assert_eq!(job["status"], "completed", "{job}");
    let shown = bench.gallery().await;
    let mut pictures = Vec::new();
    for output in job["outputs"].as_array().expect("pictures") {
        assert!(shown.contains(&output["asset_id"].as_str().expect("an id").to_owned()), "in the gallery");
        pictures.push(pixels(&bench.admin.get(output["url"].as_str().expect("a url")).await.body));
    }
    pictures
}

/// Where pixels are of which a function is true: the least and the greatest column, and the same of rows.
fn extent(picture: &[[u8; 4]], is_so: impl Fn([u8; 4]) -> bool) -> ((usize, usize), (usize, usize)) {
    let found: Vec<(usize, usize)> =
        (0..picture.len()).filter(|&i| is_so(picture[i])).map(|i| (i % SIDE, i / SIDE)).collect();
    let range =
        |values: Vec<usize>| (*values.iter().min().expect("some pixels"), *values.iter().max().expect("some pixels"));
    (range(found.iter().map(|&(x, _)| x).collect()), range(found.iter().map(|&(_, y)| y).collect()))
}

fn length((least, greatest): (usize, usize)) -> f64 {
    (greatest + 1 - least) as f64
}

fn is_red([r, g, b, a]: [u8; 4]) -> bool {
    a > 200 && r > 100 && g < 80 && b < 80
}

fn is_blue([r, g, b, a]: [u8; 4]) -> bool {
    a > 200 && b > 100 && r < 80 && g < 80
}

cases! {
    on_postgres_in_the_soak:
    /// Red, with a blue field at the upper left: 48 mm wide, in front.
    async fn d70_a_logo_on_a_mug_has_its_size_and_stands_upright(engine) {
        let app = TestApp::start(&engine).await;
        let bench = Bench::open(&app).await;
        let logo = drawn((120, 80), |x, y| if x < 60 && y < 40 { [20, 20, 220] } else { [220, 20, 20] });
        let wish = json!({"placement": {"width": WIDTH_MM}, "views": ["front_0deg", "back_180deg"]});
        let [front, back] = &pictures(&bench, logo, &wish).await[..] else { panic!("two pictures") };
        // Millimetres by the mug's own height, in the column nearest to the camera.
        let middle: Vec<[u8; 4]> =
            front.iter().enumerate().map(|(i, pixel)| if i % SIDE == SIDE / 2 { *pixel } else { [0; 4] }).collect();
        let px_per_mm = length(extent(&middle, |[.., a]| a > 127).1) / HEIGHT_MM;
        let (columns, rows) = extent(front, |pixel| is_red(pixel) || is_blue(pixel));
        let close = |found: f64, wanted: f64| (found - wanted).abs() < 0.03 * wanted + 1.5 / px_per_mm;
        let (width_mm, height_mm) = (length(columns) / px_per_mm, length(rows) / px_per_mm);
        assert!(close(height_mm, DESIGN_HEIGHT_MM), "{height_mm} mm high");
        let chord_mm = 2.0 * RADIUS_MM * (WIDTH_MM / 2.0 / RADIUS_MM).sin();
        assert!(close(width_mm, chord_mm), "{width_mm} mm wide, of {chord_mm}");
        let (blue_columns, blue_rows) = extent(front, is_blue);
        assert_eq!((blue_columns.0, blue_rows.0), (columns.0, rows.0), "blue is at the upper left");
        assert!(close(length(blue_rows) / px_per_mm, height_mm / 2.0) && blue_columns.1.abs_diff(SIDE / 2) <= 2);
        assert!(!back.iter().any(|&pixel| is_red(pixel) || is_blue(pixel)), "nothing of it is at the back");
    }

    /// Sixteen stripes around the mug, whose ends meet at the back: seen from there it is as it is in front.
    async fn d70_a_design_goes_on_over_the_seam(engine) {
        let app = TestApp::start(&engine).await;
        let bench = Bench::open(&app).await;
        let stripes = drawn((1600, 600), |x, _| if x / 100 % 2 == 0 { [220, 20, 20] } else { [20, 20, 220] });
        let wish = json!({"preset": "wrap", "placement": {"fit": "stretch"}, "views": ["front_0deg", "back_180deg"]});
        let [front, back] = &pictures(&bench, stripes, &wish).await[..] else { panic!("two pictures") };
        let n_inked = |picture: &[[u8; 4]]| picture.iter().filter(|&&pixel| is_red(pixel) || is_blue(pixel)).count();
        assert!(n_inked(front) > SIDE * SIDE / 4, "{} pixels show the design", n_inked(front));
        let differ = |(a, b): (&[u8; 4], &[u8; 4])| a.iter().zip(b).any(|(a, b)| a.abs_diff(*b) > 24);
        // The seam is in the middle of the picture from the back, where a gap would be a column of pixels. Farther out
        // few samples see chrome through the ink's gloss.
        let is_near = |i: usize| (i % SIDE).abs_diff(SIDE / 2) < SIDE / 8;
        let pairs = || front.iter().zip(back).enumerate();
        let n_other = pairs().filter(|&(i, pair)| is_near(i) && differ(pair)).count();
        assert!(n_other < SIDE / 8, "{n_other} pixels differ at the seam");
        let mirrored: Vec<[u8; 4]> = front.chunks(SIDE).flat_map(|row| row.iter().rev().copied()).collect();
        let n_other = mirrored.iter().zip(back).filter(|&pair| differ(pair)).count();
        assert!(n_other > n_inked(front) / 2, "stripes tell sides apart");
    }
}
