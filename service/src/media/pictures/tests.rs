use std::io::{Cursor, Write};

use packshot_renderer::color::LinearImage;
use packshot_renderer::encode::movie::{MovieEncoder, MovieFormat, MovieSettings};
use packshot_renderer::encode::{
    ExrPrecision, Metadata, PngDepth, Quality, TiffDepth, WebPCompression, exr_picture, png, tiff, tiff_linear, webp,
};

use super::*;

const SHOWN: Shown = Shown { transform: ViewTransform::Standard, exposure_ev: 0.0 };

/// Stripes of one pixel: black and white, or nothing and red.
fn stripes(width_px: u32, height_px: u32, odd: [f32; 4], even: [f32; 4]) -> DisplayImage {
    let row = (0..width_px).map(|x| if x % 2 == 0 { even } else { odd });
    let rgba = (0..height_px).flat_map(|_| row.clone()).collect();
    DisplayImage { width_px, height_px, rgba }
}

fn of(file: Vec<u8>, side_px: u32) -> DisplayImage {
    small(Cursor::new(file), side_px, SHOWN).expect("a picture")
}

fn near(found: [f32; 4], expected: [f32; 4], tolerance: f32) {
    let is_near = found.iter().zip(expected).all(|(found, expected)| (found - expected).abs() <= tolerance);
    assert!(is_near, "{found:?} is not {expected:?}");
}

#[test]
fn m33_light_is_averaged_and_weighted_by_alpha() {
    let metadata = Metadata::default();
    let file = png(&stripes(64, 32, [1.0; 4], [0.0, 0.0, 0.0, 1.0]), PngDepth::Eight, &metadata).expect("a PNG");
    let picture = of(file, 16);
    assert_eq!((picture.width_px, picture.height_px), (16, 8));
    // Half of the light, which is far above half of the value.
    picture.rgba.iter().for_each(|&pixel| near(pixel, [0.735, 0.735, 0.735, 1.0], 0.005));
    let file = png(&stripes(64, 32, [1.0, 0.0, 0.0, 1.0], [0.0; 4]), PngDepth::Sixteen, &metadata).expect("a PNG");
    of(file, 16).rgba.into_iter().for_each(|pixel| near(pixel, [1.0, 0.0, 0.0, 0.5], 0.005));
    // A small picture stays as it is, and sides that do not divide still have all of the light.
    let grey = stripes(100, 50, [0.5, 0.5, 0.5, 1.0], [0.5, 0.5, 0.5, 1.0]);
    let file = png(&grey, PngDepth::Eight, &metadata).expect("a PNG");
    let same = of(file.clone(), 512);
    assert_eq!((same.width_px, same.height_px), (100, 50));
    let odd = of(file, 64);
    assert_eq!((odd.width_px, odd.height_px), (64, 32));
    same.rgba.into_iter().chain(odd.rgba).for_each(|pixel| near(pixel, [0.5, 0.5, 0.5, 1.0], 0.003));
}

#[test]
fn m34_every_kind_of_file_gives_a_picture() {
    let metadata = Metadata::default();
    let colour = [0.25, 0.5, 0.75, 1.0];
    let image = stripes(64, 48, colour, colour);
    let light = colour.map(packshot_renderer::color::srgb::decode);
    let linear = LinearImage { width_px: 64, height_px: 48, rgba: vec![[light[0], light[1], light[2], 1.0]; 64 * 48] };
    let still = png(&image, PngDepth::Eight, &metadata).expect("a PNG");
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in [("about.txt", &b"nothing to look at"[..]), ("frame_0000.png", &still)] {
        archive.start_file(name, zip::write::SimpleFileOptions::default()).expect("begun");
        archive.write_all(bytes).expect("written");
    }
    let archive = archive.finish().expect("an archive").into_inner();
    let movie = |format: MovieFormat| {
        let settings = MovieSettings { size_px: [64, 48], fps: 10, n_frames: 2 };
        let mut file = Cursor::new(Vec::new());
        let mut encoder = MovieEncoder::new(&mut file, format, settings, &metadata).expect("begun");
        encoder.push(&image).expect("a frame");
        encoder.push(&stripes(64, 48, [1.0; 4], [1.0; 4])).expect("a frame");
        encoder.finish().expect("a movie");
        file.into_inner()
    };
    let mut files = vec![
        ("WebP", webp(&image, WebPCompression::Lossless, &metadata).expect("a WebP"), 0.01),
        ("TIFF", tiff(&image, TiffDepth::Eight, &metadata).expect("a TIFF"), 0.01),
        ("linear TIFF", tiff_linear(&linear, &metadata).expect("a TIFF"), 0.01),
        ("EXR", exr_picture(&linear, ExrPrecision::Half, &metadata).expect("an EXR"), 0.01),
        ("animated WebP", movie(MovieFormat::WebP(WebPCompression::Lossless)), 0.01),
        ("animated PNG", movie(MovieFormat::Apng(PngDepth::Eight)), 0.01),
        ("archive", archive, 0.01),
    ];
    if cfg!(feature = "h264") {
        files.push(("MP4", movie(MovieFormat::Mp4(Quality::DEFAULT)), 0.03));
    }
    for (name, file, tolerance) in files {
        let picture = of(file.clone(), 32);
        assert_eq!((picture.width_px, picture.height_px), (32, 24), "{name}");
        for pixel in &picture.rgba {
            let is_near = pixel.iter().zip(colour).all(|(found, expected)| (found - expected).abs() <= tolerance);
            assert!(is_near, "{name}: {pixel:?}");
        }
        assert_eq!(of(file.clone(), 32), picture, "{name}: the same every time");
        // What is cut short is an error or another picture, never a panic.
        for part in [12, file.len() / 3, file.len() - 1] {
            let _ = small(Cursor::new(&file[..part]), 32, SHOWN).map_err(|error| error.to_string());
        }
    }
    for other in [&b""[..], b"glTF\x02\0\0\0........", b"<svg xmlns='http://www.w3.org/2000/svg'/>"] {
        assert!(small(Cursor::new(other), 32, SHOWN).is_err());
    }
}

#[test]
fn m34_scene_linear_pictures_go_through_the_view_transform() {
    let linear = LinearImage { width_px: 2, height_px: 2, rgba: vec![[4.0, 4.0, 4.0, 1.0]; 4] };
    let file = exr_picture(&linear, ExrPrecision::Float, &Metadata::default()).expect("an EXR");
    let by = |transform, exposure_ev| {
        let shown = Shown { transform, exposure_ev };
        small(Cursor::new(&file), 64, shown).expect("a picture").rgba[0][0]
    };
    assert!(by(ViewTransform::Standard, 0.0) > 0.999);
    assert!(by(ViewTransform::Agx, 0.0) < 0.95, "highlights are kept");
    near([by(ViewTransform::Standard, -4.0); 4], [0.5371; 4], 0.001);
}
