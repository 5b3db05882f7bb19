//! What is rendered: generated products, under the rigs, with materials of the library and of the file.

use packshot::RenderRequest;
use packshot::denoise::Denoise;
use packshot::materials::map::MaterialMap;
use packshot::materials::mapping::OnUnmapped;
use packshot::plan::Options;
use packshot::plan::value::Materials;
use packshot::plan::words::Light;
use packshot::renderer::sample;
use packshot::renderer::shot::{Background, ViewTransform};

use crate::balls::{Balls, OwnMaterial};

/// A product and how it is photographed.
pub(crate) struct GoldenShot {
    /// The committed picture's name without extension.
    pub(crate) name: &'static str,
    pub(crate) glb: Vec<u8>,
    pub(crate) request: RenderRequest,
}

/// 128 pixels wide, with the map that says which part gets which material.
fn request(map: Option<&str>, light: Light, direction: Option<(f64, f64)>) -> RenderRequest {
    let map = map.map(|text| MaterialMap::parse("map", text.as_bytes()).expect("a sound map"));
    let options = Options {
        materials: map.map(|map| Materials { library: None, map: Some(map) }),
        width: Some(128),
        height: Some(96),
        samples: Some(48),
        noise_threshold: Some(0.0),
        denoise: Some(Denoise::Off),
        light: Some(light),
        azimuth_deg: direction.map(|(azimuth_deg, _)| azimuth_deg),
        elevation_deg: direction.map(|(_, elevation_deg)| elevation_deg),
        ..Options::default()
    };
    RenderRequest { options, ..RenderRequest::default() }
}

/// A map that gives these materials to `Ball_0`, `Ball_1`, ….
fn map(materials: &[&str]) -> String {
    let entry = |(i, material): (usize, &&str)| format!(r#"{{"part_name":"Ball_{i}","material":"{material}"}}"#);
    let mut entries: Vec<String> = materials.iter().enumerate().map(entry).collect();
    entries.push(r#"{"part_name":"Table","material":"PA66"}"#.to_owned());
    format!(r#"{{"parts":[{}]}}"#, entries.join(","))
}

/// Steel, brass and their edges in the default light, over a transparent background.
pub(crate) fn bearing_soft() -> GoldenShot {
    let sample = sample::bearing();
    let request = request(Some(&sample.material_map), Light::StudioSoft, None);
    GoldenShot { name: "bearing_soft", glb: sample.glb, request }
}

/// Strip lights and flags, another view, another view transform, and a background colour.
pub(crate) fn bearing_contrast() -> GoldenShot {
    let sample = sample::bearing();
    let mut request = request(Some(&sample.material_map), Light::StudioContrast, Some((-60.0, 10.0)));
    request.options.background = Some(Background::Color { srgb: [1.0; 3] });
    request.options.view_transform = Some(ViewTransform::Agx);
    GoldenShot { name: "bearing_contrast", glb: sample.glb, request }
}

/// Conductors, smooth and rough, that reflect each other and the table.
pub(crate) fn metals() -> GoldenShot {
    let map = map(&["Steel", "Brass", "Kupfer", "Aluminium", "Cast Iron"]);
    let mut request = request(Some(&map), Light::ThreePoint, Some((20.0, 25.0)));
    request.options.height = Some(56);
    GoldenShot { name: "metals", glb: Balls::of(5).glb(), request }
}

/// Refraction, coats and rubber, with the environment as the background.
pub(crate) fn dielectrics() -> GoldenShot {
    let map = map(&["Glass", "PMMA", "Rubber", "Si3N4", "Porzellan"]);
    let mut request = request(Some(&map), Light::StudioSoft, Some((-15.0, 15.0)));
    request.options.height = Some(56);
    request.options.background = Some(Background::Environment);
    GoldenShot { name: "dielectrics", glb: Balls::of(5).glb(), request }
}

/// Textures with their filters and wrapping, cut-outs, blending, vertex colours and emission.
pub(crate) fn own_materials() -> GoldenShot {
    let materials = [
        OwnMaterial::Checkered,
        OwnMaterial::Perforated,
        OwnMaterial::SeeThrough,
        OwnMaterial::Glowing,
        OwnMaterial::Brushed,
    ];
    let mut request = request(None, Light::StudioSoft, Some((10.0, 20.0)));
    request.options.on_unmapped = Some(OnUnmapped::Keep);
    request.options.height = Some(56);
    (request.options.view_transform, request.options.exposure_ev) = (Some(ViewTransform::Standard), Some(-1.0));
    GoldenShot { name: "own_materials", glb: Balls::wearing(&materials).glb(), request }
}
