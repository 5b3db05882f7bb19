//! Image formats and what is wrong with images.

use std::io::Cursor;

use image::{DynamicImage, ImageFormat, Rgba, RgbaImage};
use serde_json::json;

use crate::glb::Glb;

pub(crate) const PNG: &str = "image/png";

/// A PNG of 4 × 4 texels of one colour.
pub(crate) fn png(color: [u8; 4]) -> Vec<u8> {
    encoded(&DynamicImage::ImageRgba8(RgbaImage::from_pixel(4, 4, Rgba(color))), ImageFormat::Png)
}

pub(crate) fn encoded(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, format).expect("the image is encoded");
    bytes.into_inner()
}

fn textured(bytes: &[u8], mime_type: &str) -> Glb {
    let mut glb = Glb::square();
    let texture = glb.texture(bytes, mime_type);
    glb.set("/materials/0/pbrMetallicRoughness", json!({"baseColorTexture": {"index": texture}}))
}

#[test]
fn every_format_and_depth_becomes_rgba() {
    let rgba = DynamicImage::ImageRgba8(RgbaImage::from_pixel(3, 2, Rgba([40, 80, 120, 200])));
    let grey_16 = DynamicImage::ImageLuma16(image::ImageBuffer::from_pixel(3, 2, image::Luma([0x00FF])));
    let cases = [
        (encoded(&rgba, ImageFormat::Png), PNG, [40, 80, 120, 200], 0),
        (encoded(&DynamicImage::ImageRgb8(rgba.to_rgb8()), ImageFormat::Png), PNG, [40, 80, 120, 255], 0),
        (encoded(&DynamicImage::ImageLumaA8(rgba.to_luma_alpha8()), ImageFormat::Png), PNG, [75, 75, 75, 200], 4),
        (encoded(&grey_16, ImageFormat::Png), PNG, [1, 1, 1, 255], 0),
        (encoded(&DynamicImage::ImageRgba16(rgba.to_rgba16()), ImageFormat::Png), PNG, [40, 80, 120, 200], 0),
        (encoded(&DynamicImage::ImageRgb8(rgba.to_rgb8()), ImageFormat::Jpeg), "image/jpeg", [40, 80, 120, 255], 4),
        (encoded(&rgba, ImageFormat::WebP), "image/webp", [40, 80, 120, 200], 0),
    ];
    for (bytes, mime_type, color, tolerance) in cases {
        let (scene, found) = textured(&bytes, mime_type).scene();
        assert_eq!(found, [""; 0], "{mime_type}");
        let image = &scene.textures[0].image;
        assert_eq!((image.width_px, image.height_px, image.rgba8.len()), (3, 2, 6));
        let is_close = |texel: &[u8; 4]| texel.iter().zip(color).all(|(a, b)| a.abs_diff(b) <= tolerance);
        assert!(image.rgba8.iter().all(is_close), "{mime_type}: {:?} is not {color:?}", image.rgba8);
    }
}

#[test]
fn webp_by_extension_comes_before_its_fallback() {
    let mut glb = textured(&png([1, 2, 3, 255]), PNG);
    let webp = encoded(&DynamicImage::ImageRgba8(RgbaImage::from_pixel(1, 1, Rgba([9, 9, 9, 255]))), ImageFormat::WebP);
    let view = glb.view(&webp);
    let image = glb.push("images", json!({"bufferView": view, "mimeType": "image/webp"}));
    let glb = glb
        .set("/extensionsUsed", json!(["EXT_texture_webp"]))
        .set("/textures/0/extensions", json!({"EXT_texture_webp": {"source": image}}));
    assert_eq!(glb.scene().0.textures[0].image.rgba8, [[9, 9, 9, 255]]);
}

#[test]
fn faulty_images_are_refused_and_mislabelled_ones_read() {
    let png = png([0; 4]);
    let damaged = |at: usize| {
        let mut bytes = png.clone();
        bytes[at] ^= 0x55;
        bytes
    };
    let refused = |bytes: &[u8]| textured(bytes, PNG).refusal();
    assert_eq!(refused(b"GIF89a"), "glb.image /images/0");
    assert_eq!(refused(&png[..40]), "glb.image /images/0");
    assert_eq!(refused(&damaged(20)), "glb.image /images/0", "the check sum of the header is wrong");
    assert_eq!(textured(&png, "image/jpeg").scene().1, ["image_mime_mismatch /images/0"]);
    // A frame header of 65500 × 65500 and nothing else.
    let bomb = b"\xFF\xD8\xFF\xFF\xC0\x00\x11\x08\xFF\xDC\xFF\xDC\x03\x01\x11\x00\x02\x11\x00\x03\x11\x00";
    assert_eq!(refused(bomb), "glb.limit /images/0");
    let unused = Glb::square().set("/images", json!([{"mimeType": PNG}]));
    assert_eq!(unused.refusal(), "glb.image /images/0");
}
