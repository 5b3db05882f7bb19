//! Designs that are refused, each for one reason, in a folder beside `boxes.glb`.

use std::path::Path;

use serde_json::json;

use crate::files::gltf;

/// A PNG of one colour, in RGBA.
fn png(width: u32, height: u32, color: [u8; 4], n_frames: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Rgba);
    if n_frames > 1 {
        encoder.set_animated(n_frames, 0).expect("frames");
    }
    let mut writer = encoder.write_header().expect("written");
    let samples = color.repeat(width as usize * height as usize);
    (0..n_frames).for_each(|_| writer.write_image_data(&samples).expect("written"));
    writer.finish().expect("written");
    bytes
}

/// Magenta and yellow inks, without a profile.
const INKS: &[u8] = include_bytes!("../../designs/tests/designs/files/red_inks.jpg");

pub(crate) fn write(folder: &Path) {
    let write = |name: &str, bytes: &[u8]| std::fs::write(folder.join(name), bytes).expect("written");
    let sound = png(32, 32, [200, 30, 40, 255], 1);
    write("logo.png", &sound);
    write("logo-cut.png", &sound[..sound.len() / 2]);
    write("logo-small.png", &png(8, 8, [200, 30, 40, 255], 1));
    write("logo-moving.png", &png(32, 32, [200, 30, 40, 255], 2));
    write("logo-clear.png", &png(32, 32, [200, 30, 40, 0], 1));
    write("logo-inks.jpg", INKS);
    let script = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"32\" height=\"32\">\n<script/></svg>\n";
    write("logo.svg", script.as_bytes());
    write("twins.gltf", &gltf(&[("/nodes/1/name", json!("Base"))]));
}
