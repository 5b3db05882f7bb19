//! SVG: what is drawn, how sharp, and what embedded pictures may be.

use base64::Engine as _;
use packshot_designs::DesignCode;
use packshot_designs::compose::compose;
use packshot_designs::design::Pixels;

use crate::files::read;
use crate::fixtures::{Layout, assert_near, placed, plain, tag};

/// The letter of the cases as a drawing, on ground of this alpha.
pub(crate) fn letter(alpha: u8) -> String {
    let opacity = f64::from(alpha) / 255.0;
    // Transparent ground has a hole below the letter, which opaque ground needs not have.
    let hole = if alpha < 255 { "M200 60V340H260V230H350V180H260V115H400V60Z" } else { "" };
    format!(
        r##"<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" width="600" height="400">
<path fill="#fa7800" fill-opacity="{opacity}" fill-rule="evenodd" d="M0 0H600V400H0Z{hole}"/>
<path fill="#14143c" d="M200 60V340H260V230H350V180H260V115H400V60Z"/></svg>"##
    )
}

#[test]
fn d58_drawings_are_sharp_at_any_size() {
    let design = read(letter(255).as_bytes()).expect("sound");
    assert_eq!(design.size_mm(None).map(|side| (side * 100.0).round()), [15875.0, 10583.0]);
    let scene = tag(Layout::default());
    let resolved = placed(&scene, &design, "width=60,texture_px=16384");
    assert_eq!(resolved.report.effective_dpi, None);
    let texture = compose(&design, &resolved).expect("composed");
    let Pixels::Eight(pixels) = &texture.pixels else { panic!("8 bits") };
    // Across the left edge of the stem, in the middle of the height.
    let width = texture.width_px as usize;
    let row = &pixels[texture.height_px as usize / 2 * width..][..width];
    let from = row.iter().position(|pixel| pixel[3] > 127).expect("drawn");
    let soft = row[from + 2..width / 2].iter().filter(|pixel| (40..230).contains(&pixel[0])).count();
    assert!(soft <= 2, "{soft} texels between ground and ink");
    // 60 mm of 80 on 16384 texels.
    let drawn = row.iter().filter(|pixel| pixel[3] > 127).count();
    assert_near(drawn as f64, 12288.0, 1.0);
}

/// A drawing with an embedded picture.
fn with_picture(mime: &str, bytes: &[u8]) -> String {
    let data = base64::engine::general_purpose::STANDARD.encode(bytes);
    format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 64 64">
<image width="64" height="64" xlink:href="data:{mime};base64,{data}"/></svg>"#
    )
}

#[test]
fn pictures_in_a_drawing_keep_the_limits() {
    let picture = plain(32, 32, [0, 0, 200, 255]).png();
    let design = read(with_picture("image/png", &picture).as_bytes()).expect("sound");
    let Pixels::Eight(pixels) = crate::fixtures::plain_texture(&design) else { panic!("8 bits") };
    assert_eq!(pixels[pixels.len() / 2 + 16], [0, 0, 200, 255]);
    let refused = |mime: &str, bytes: &[u8]| read(with_picture(mime, bytes).as_bytes()).expect_err("refused");
    assert_eq!(refused("image/png", &crate::files::png_of(16_384, 16_384)), DesignCode::SvgRefused);
    assert_eq!(refused("image/gif", b"GIF89a"), DesignCode::SvgRefused);
    assert_eq!(refused("image/svg+xml", letter(255).as_bytes()), DesignCode::SvgRefused);
}

#[test]
fn gradients_styles_and_references_are_drawn() {
    let drawing = r##"<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64">
<style>.a { fill: url(#g) } .b { fill: #00c800 }</style>
<defs><linearGradient id="g"><stop stop-color="#c80000"/><stop offset="1" stop-color="#c80000"/></linearGradient>
<rect id="half" width="32" height="64"/></defs>
<use href="#half" class="a"/><use href="#half" class="b" x="32"/></svg>"##;
    let design = read(drawing.as_bytes()).expect("sound");
    let Pixels::Eight(pixels) = crate::fixtures::plain_texture(&design) else { panic!("8 bits") };
    assert_eq!((pixels[32 * 64 + 16], pixels[32 * 64 + 48]), ([200, 0, 0, 255], [0, 200, 0, 255]));
}
