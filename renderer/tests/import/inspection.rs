//! Findings about files that are valid but give a wrong picture.

use image::{DynamicImage, ImageFormat, Rgba, RgbaImage};
use packshot_renderer::diagnostic::{Diagnostic, Severity};
use packshot_renderer::import::{ImportOptions, load};
use serde_json::json;

use crate::glb::Glb;
use crate::images::{PNG, encoded};

/// The findings of one code.
fn of_code(glb: &Glb, code: &str) -> Vec<Diagnostic> {
    let (_, report) = glb.load().unwrap_or_else(|error| panic!("{error:?}"));
    report.diagnostics.into_iter().filter(|finding| finding.code == code).collect()
}

fn places(found: &[Diagnostic]) -> Vec<&str> {
    found.iter().map(|finding| finding.at.as_str()).collect()
}

#[test]
fn needles_are_counted() {
    let mut glb = Glb::empty();
    // Heights of 1e-4, 1e-6 and 0.9e-5 of the length; the last one is tilted.
    let position = glb.positions(&[
        [0.0, 0.0, 0.0],
        [1.0, 0.0, 0.0],
        [0.5, 1e-4, 0.0],
        [0.5, 1e-6, 0.0],
        [10.0, 10.0, 10.0],
        [5.0, 5.0, 5.0 + 1.9e-4],
    ]);
    let indices = glb.indices(&[0, 1, 2, 0, 1, 3, 0, 4, 5]);
    glb.primitive(json!({"attributes": {"POSITION": position}, "indices": indices}));
    let found = of_code(&glb, "needle_triangles");
    assert_eq!(places(&found), ["/meshes/0/primitives/0"]);
    assert_eq!(found[0].severity, Severity::Info);
    assert!(found[0].message.starts_with("2 triangles"), "{}", found[0].message);
    assert_eq!(of_code(&Glb::cube(), "needle_triangles"), []);
}

#[test]
fn alpha_that_is_ignored_is_told() {
    let textured = |alphas: [u8; 2], mode: &str| {
        let mut glb = Glb::square();
        let image = RgbaImage::from_fn(4, 4, |x, _| Rgba([200, 100, 50, alphas[usize::from(x > 0)]]));
        let texture = glb.texture(&encoded(&DynamicImage::ImageRgba8(image), ImageFormat::Png), PNG);
        let pbr = json!({"baseColorTexture": {"index": texture}});
        glb.set("/materials/0", json!({"alphaMode": mode, "pbrMetallicRoughness": pbr}))
    };
    let found = of_code(&textured([128, 255], "OPAQUE"), "alpha_without_blend");
    assert_eq!((places(&found), found[0].severity), (vec!["/materials/0"], Severity::Info));
    assert!(found[0].message.starts_with("25.0 %"), "{}", found[0].message);
    // An alpha that is the same everywhere marks nothing.
    for (alphas, mode) in
        [([255, 255], "OPAQUE"), ([128, 128], "OPAQUE"), ([0, 0], "OPAQUE"), ([128, 255], "BLEND"), ([0, 255], "MASK")]
    {
        assert_eq!(of_code(&textured(alphas, mode), "alpha_without_blend"), [], "{alphas:?} {mode}");
    }
    let mut glb = Glb::square();
    let color = glb.floats("VEC4", &[[1.0_f32, 1.0, 1.0, 1.0], [1.0, 1.0, 1.0, 0.5], [1.0; 4], [1.0; 4]]);
    let glb = glb.set("/meshes/0/primitives/0/attributes/COLOR_0", json!(color));
    assert_eq!(places(&of_code(&glb, "alpha_without_blend")), ["/meshes/0/primitives/0"]);
    assert_eq!(of_code(&glb.set("/materials/0/alphaMode", json!("BLEND")), "alpha_without_blend"), []);
}

#[test]
fn sizes_of_no_product_come_with_the_units_that_would_make_one() {
    let scaled = |scale: f64| Glb::cube().set("/nodes/0/scale", json!([scale, scale, scale]));
    for (scale, proposals) in [
        // A cube of side 60: as millimetres, centimetres or inches.
        (
            30.0,
            &[
                "0.104 m with a unit scale of 0.001",
                "1.039 m with a unit scale of 0.01",
                "2.640 m with a unit scale of 0.0254",
            ][..],
        ),
        (300.0, &["1.039 m with a unit scale of 0.001"]),
        (3e4, &["0.104 m with a unit scale of 0.000001"]),
        (3e-5, &["0.104 m with a unit scale of 1000"]),
        (1e12, &["give its unit scale"]),
    ] {
        let found = of_code(&scaled(scale), "unit_suspect");
        assert_eq!(places(&found), ["bounding box"], "{scale}");
        let message = &found[0].message;
        assert!(proposals.iter().all(|proposal| message.contains(proposal)), "{scale}: {message}");
    }
    for scale in [0.001, 0.05, 5.0] {
        assert_eq!(of_code(&scaled(scale), "unit_suspect"), [], "{scale}");
    }
}

#[test]
fn the_unit_that_would_make_a_product_is_that_of_the_file() {
    for (unit_scale, message) in [
        (1000.0, "the diagonal is 3464 m; it would be 3.464 m with a unit scale of 1 if it is in metres"),
        (1e-4, "the diagonal is 0.000346 m; it would be 3.464 m with a unit scale of 1 if it is in metres"),
    ] {
        let options = ImportOptions { unit_scale, ..ImportOptions::default() };
        let (_, report) = load(&Glb::cube().bytes(), &options, &|| false).expect("loads");
        let found: Vec<&str> = report.diagnostics.iter().map(|finding| finding.message.as_str()).collect();
        assert!(found.iter().any(|found| found.starts_with(message)), "{unit_scale}: {found:?}");
    }
}

#[test]
fn one_part_in_another_unit_is_named() {
    let with_last = |scale: f64, at: f64| {
        let node = |i: usize, scale: f64, at: f64| json!({"name": format!("Part_{i}"), "mesh": 0, "scale": [scale, scale, scale], "translation": [at, 0, 0]});
        let mut nodes: Vec<_> = (0..4).map(|i| node(i, 0.001, 0.004 * i as f64)).collect();
        nodes.insert(2, node(9, scale, at));
        Glb::cube().set("/nodes", json!(nodes)).set("/scenes/0/nodes", json!([0, 1, 2, 3, 4]))
    };
    for (scale, at, is_found) in [(0.001, 0.02, false), (1.0, 0.0, true), (0.001, 5.0, true), (0.01, 0.0, false)] {
        let found = of_code(&with_last(scale, at), "unit_suspect");
        assert_eq!(places(&found), if is_found { vec!["Part_9"] } else { vec![] }, "{scale} at {at}: {found:?}");
    }
    // With two parts, neither can be called the misplaced one; and a large distance is not a question of units.
    let two = json!([{"name": "Near", "mesh": 0}, {"name": "Far", "mesh": 0, "translation": [1000, 0, 0]}]);
    let two = Glb::cube().set("/nodes", two).set("/scenes/0/nodes", json!([0, 1]));
    assert_eq!(places(&of_code(&two, "unit_suspect")), ["Far", "Near"]);
}

#[test]
fn meshes_far_from_their_origin_are_coarse() {
    let moved = |distance: f32| {
        let mut glb = Glb::cube();
        let corners: Vec<[f32; 3]> =
            (0..8_u32).map(|i| [0, 1, 2].map(|axis| distance + if i >> axis & 1 == 1 { 1.0 } else { -1.0 })).collect();
        let position = glb.floats("VEC3", &corners);
        glb.set("/meshes/0/primitives/0/attributes/POSITION", json!(position))
    };
    // Numbers between 8192 and 16384 have steps of 2^-10, 0.05 % of a cube of side 2; those below have half of it.
    for (distance, is_found) in [(0.0, false), (8000.0, false), (9000.0, false), (17_000.0, true)] {
        let found = of_code(&moved(distance), "coarse_coordinates");
        assert_eq!(
            places(&found),
            if is_found { vec!["/meshes/0/primitives/0"] } else { vec![] },
            "{distance}: {found:?}"
        );
        let expected = "17001 units away from the origin of its own coordinates: there they are rounded to 0.10 %";
        assert!(found.iter().all(|finding| finding.message.contains(expected)), "{found:?}");
    }
}
