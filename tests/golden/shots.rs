//! What is rendered: products made by code, under the rigs, with the materials of the library and of the file.

use packshot::RenderRequest;
use packshot::materials::map::MaterialMap;
use packshot::materials::mapping::OnUnmapped;
use packshot::renderer::sample;
use packshot::renderer::shot::request::{Framing, LightChoice};
use packshot::renderer::shot::rig::RigName;
use packshot::renderer::shot::view::ViewDirection;
use packshot::renderer::shot::{Background, View, ViewTransform};

use crate::balls::{Balls, OwnMaterial};

/// A product and how it is photographed.
pub(crate) struct GoldenShot {
    /// The committed picture's name without extension.
    pub(crate) name: &'static str,
    pub(crate) glb: Vec<u8>,
    pub(crate) request: RenderRequest,
}

/// 128 pixels wide, with the map that says which part gets which material.
fn request(map: Option<&str>, light: RigName, direction: Option<(f64, f64)>) -> RenderRequest {
    let mut request = RenderRequest::default();
    request.materials.map = map.map(|text| MaterialMap::parse("map", text.as_bytes()).expect("a sound map"));
    let film = &mut request.shot.film;
    (film.width_px, film.height_px, film.samples, film.noise_threshold) = (128, 96, 48, 0.0);
    request.shot.light = LightChoice::Rig(light);
    if let (Framing::Auto { direction, .. }, Some((azimuth_deg, elevation_deg))) =
        (&mut request.shot.framing, direction)
    {
        *direction = ViewDirection { azimuth_deg, elevation_deg };
    }
    request
}

/// Ball_0, Ball_1, … wear these.
fn map(materials: &[&str]) -> String {
    let entry = |(i, material): (usize, &&str)| format!(r#"{{"part_name":"Ball_{i}","material":"{material}"}}"#);
    let mut entries: Vec<String> = materials.iter().enumerate().map(entry).collect();
    entries.push(r#"{"part_name":"Table","material":"PA66"}"#.to_owned());
    format!(r#"{{"parts":[{}]}}"#, entries.join(","))
}

/// Steel, brass and their edges in the default look, cut out.
pub(crate) fn bearing_soft() -> GoldenShot {
    let sample = sample::bearing();
    let request = request(Some(&sample.material_map), RigName::StudioSoft, None);
    GoldenShot { name: "bearing_soft", glb: sample.glb, request }
}

/// Strips and flags, another side, another view transform, and a background colour.
pub(crate) fn bearing_contrast() -> GoldenShot {
    let sample = sample::bearing();
    let mut request = request(Some(&sample.material_map), RigName::StudioContrast, Some((-60.0, 10.0)));
    request.shot.background = Background::Color { srgb: [1.0; 3] };
    request.shot.view.transform = ViewTransform::KhronosNeutral;
    GoldenShot { name: "bearing_contrast", glb: sample.glb, request }
}

/// Conductors, smooth and rough, that see each other and the table.
pub(crate) fn metals() -> GoldenShot {
    let map = map(&["Steel", "Brass", "Kupfer", "Aluminium", "Cast Iron"]);
    let mut request = request(Some(&map), RigName::ThreePoint, Some((20.0, 25.0)));
    request.shot.film.height_px = 56;
    GoldenShot { name: "metals", glb: Balls::of(5).glb(), request }
}

/// Refraction, coats and rubber, before the light itself.
pub(crate) fn dielectrics() -> GoldenShot {
    let map = map(&["Glass", "PMMA", "Rubber", "Si3N4", "Porzellan"]);
    let mut request = request(Some(&map), RigName::StudioSoft, Some((-15.0, 15.0)));
    request.shot.film.height_px = 56;
    request.shot.background = Background::Environment;
    GoldenShot { name: "dielectrics", glb: Balls::of(5).glb(), request }
}

/// Textures with their filters and wraps, cut-outs, blending, vertex colours and what glows.
pub(crate) fn own_materials() -> GoldenShot {
    let materials = [
        OwnMaterial::Checkered,
        OwnMaterial::Perforated,
        OwnMaterial::SeeThrough,
        OwnMaterial::Glowing,
        OwnMaterial::Brushed,
    ];
    let mut request = request(None, RigName::StudioSoft, Some((10.0, 20.0)));
    request.materials.on_unmapped = OnUnmapped::Keep;
    request.shot.film.height_px = 56;
    request.shot.view = View { transform: ViewTransform::Standard, exposure_ev: -1.0 };
    GoldenShot { name: "own_materials", glb: Balls::wearing(&materials).glb(), request }
}
