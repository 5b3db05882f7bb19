//! Materials of the library as glTF's extensions can say them.
//!
//! Input: OpenPBR parameters and the surface of a library material. Output: a [`SceneMaterial`], whose fields have the
//! meaning that the extensions give them, and a finding for each parameter that the file has not, or has in the terms
//! of another model. What glTF has no parameter for but a factor can stand for, such as the darkening under a coat, is
//! worked into the colours.

use packshot_materials::openpbr::{Color, OpenPbr};

use super::LibraryMaterial;
use crate::diagnostic::{Diagnostic, Severity};
use crate::prepare::albedo::fresnel_mean;
use crate::prepare::material::interior::{Diffuse, Interior};
use crate::scene::{AlphaMode, Anisotropy, DielectricReflection, DiffuseTransmission, SceneMaterial, Sheen};

const WHITE: Color = [1.0; 3];
/// The index of refraction of `KHR_materials_clearcoat`.
const COAT_IOR: f32 = 1.5;

/// A library material in glTF's terms. `has_grain`: the vertices that wear it have tangents along its grain.
pub(super) fn of_library(material: &LibraryMaterial<'_>, has_grain: bool) -> (SceneMaterial, Vec<Diagnostic>) {
    let m = material.openpbr;
    let mut findings = Findings { material: material.id, found: Vec::new() };
    let under_coat = under_coat(m, &mut findings);
    let mut out = SceneMaterial {
        name: Some(material.id.to_owned()),
        openpbr: OpenPbr {
            base_metalness: m.base_metalness,
            specular_roughness: m.specular_roughness,
            geometry_thin_walled: m.geometry_thin_walled,
            ..OpenPbr::default()
        },
        // Packshot shades surfaces on both sides, and CAD surfaces are not all turned outwards.
        double_sided: true,
        ..SceneMaterial::default()
    };
    base(m, under_coat, &mut out, &mut findings);
    reflection(m, under_coat, &mut out, &mut findings);
    anisotropy(m, has_grain, &mut out, &mut findings);
    interior(m, &mut out, &mut findings);
    coat(m, &mut out);
    sheen(m, &mut out, &mut findings);
    out.openpbr.thin_film_weight = m.thin_film_weight;
    out.openpbr.thin_film_ior = m.thin_film_ior;
    out.openpbr.thin_film_thickness = m.thin_film_thickness;
    out.openpbr.emission_luminance = m.emission_luminance;
    out.openpbr.emission_color = product(m.emission_color, under_coat);
    out.openpbr.geometry_opacity = m.geometry_opacity;
    if m.geometry_opacity < 1.0 {
        out.alpha = AlphaMode::Blend;
    }
    surface(material, &mut findings);
    (out, findings.found)
}

/// Findings about one material.
struct Findings<'a> {
    material: &'a str,
    found: Vec<Diagnostic>,
}

impl Findings<'_> {
    /// The file has nothing in place of a parameter.
    fn left_out(&mut self, parameter: &str, why: &str) {
        let (at, message) = (self.material.to_owned(), format!("`{parameter}` is left out: {why}"));
        self.found.push(Diagnostic { code: "export_left_out", severity: Severity::Warning, at, message });
    }

    /// The file has what comes close to a parameter.
    fn approximated(&mut self, parameter: &str, why: &str) {
        let (at, message) = (self.material.to_owned(), format!("`{parameter}` is approximated: {why}"));
        self.found.push(Diagnostic { code: "export_approximated", severity: Severity::Info, at, message });
    }
}

/// The fraction of the light from below a coat that leaves it, without its reflection: OpenPBR's tint and darkening,
/// which glTF's coat has not.
///
/// It depends on the direction of the view (`coat_transmittance` of the shader), and is that of the whole visible disc
/// of a ball here. OpenPBR 1.1.1, "Coat darkening": what a smooth base reflects is darkened by its own reflectance
/// along the normal, what a rough one scatters by the mean inside the coat.
fn under_coat(m: &OpenPbr, findings: &mut Findings<'_>) -> Color {
    if m.coat_weight <= 0.0 {
        return WHITE;
    }
    let is_tinted = m.coat_color != WHITE;
    if is_tinted {
        findings.approximated("coat_color", "glTF's coat has no colour; it is in the colours below it");
    }
    if m.coat_darkening > 0.0 && m.coat_ior > 1.0 {
        findings.approximated("coat_darkening", "glTF's coat does not darken; it is in the colours below it");
    }
    let ior2 = m.coat_ior * m.coat_ior;
    // The mean of 1 / cos of the refracted direction, where the square of the sine outside is spread evenly.
    let crossing = 2.0 * ior2 * (1.0 - (1.0 - 1.0 / ior2).max(0.0).sqrt());
    let (inside_smooth, inside_rough) = (reflectance(m.coat_ior), 1.0 - (1.0 - fresnel_mean(m.coat_ior)) / ior2);
    let rough = 1.0 + (m.specular_roughness - 1.0) * m.base_metalness;
    let k = inside_smooth + (inside_rough - inside_smooth) * rough;
    std::array::from_fn(|c| {
        let base = m.base_color[c] * m.base_weight;
        let darkened = 1.0 + ((1.0 - k) / (1.0 - base * k) - 1.0) * m.coat_darkening;
        let tinted = m.coat_color[c].max(1e-6).powf(crossing) * darkened;
        1.0 + (tinted - 1.0) * m.coat_weight
    })
}

/// The base colour, which glTF has one of for metal, diffuse reflection and what passes the surface.
fn base(m: &OpenPbr, under_coat: Color, out: &mut SceneMaterial, findings: &mut Findings<'_>) {
    let diffuse = Diffuse::of(m);
    let opaque = diffuse.base_color.to_array();
    let passed = if m.transmission_depth > 0.0 { WHITE } else { m.transmission_color };
    let dielectric = 1.0 - m.base_metalness;
    let glass = dielectric * m.transmission_weight;
    if glass > 0.0 && glass < 1.0 && passed != opaque {
        let why = "glTF has one base colour for what is reflected and for what passes; it is their mean";
        findings.approximated("transmission_color", why);
    }
    let color: Color = std::array::from_fn(|c| opaque[c] + (passed[c] - opaque[c]) * glass);
    out.openpbr.base_color = product(color, under_coat);
    if m.base_diffuse_roughness > 0.0 && dielectric * (1.0 - m.transmission_weight) > 0.0 {
        findings.left_out("base_diffuse_roughness", "glTF's diffuse reflection is Lambert's");
    }
    if m.base_metalness > 0.0 {
        if m.specular_color != WHITE {
            findings
                .approximated("specular_color", "metals of glTF have no tint at their edges, and reflect more there");
        }
        if m.specular_weight != 1.0 {
            let weighted = |value: f32| value * (1.0 + (m.specular_weight - 1.0) * m.base_metalness);
            out.openpbr.base_color = out.openpbr.base_color.map(|value| weighted(value).clamp(0.0, 1.0));
            findings.approximated("specular_weight", "it is in the base colour, and the edges of metal are brighter");
        }
    }
    let share = diffuse.translucent_weight;
    if share > 0.0 {
        out.diffuse_transmission =
            DiffuseTransmission { weight: share, color: diffuse.translucent_color.to_array().map(|c| c.min(1.0)) };
    }
}

/// `KHR_materials_ior` and `KHR_materials_specular`. OpenPBR's weight scales the reflectance along the normal only, as
/// the extension's colour does; the extension's factor scales grazing angles too.
fn reflection(m: &OpenPbr, under_coat: Color, out: &mut SceneMaterial, findings: &mut Findings<'_>) {
    out.openpbr.specular_ior = m.specular_ior;
    let f0 = reflectance(m.specular_ior);
    let color = product(m.specular_color, under_coat).map(|channel| channel * m.specular_weight);
    let weight = if m.specular_weight > 0.0 { 1.0 } else { 0.0 };
    if m.base_metalness < 1.0 {
        out.dielectric = DielectricReflection { f0, weight, color: if weight > 0.0 { color } else { WHITE } };
    } else {
        out.dielectric = DielectricReflection { f0, ..DielectricReflection::default() };
    }
    let is_glass = m.transmission_weight > 0.0 && m.base_metalness < 1.0;
    if is_glass && (m.specular_color != WHITE || m.specular_weight != 1.0) {
        findings.approximated("specular_color", "glass of glTF has its tint along the normal only");
    }
}

/// `KHR_materials_anisotropy`: the strength and the roughness that give the same two alphas as OpenPBR's.
fn anisotropy(m: &OpenPbr, has_grain: bool, out: &mut SceneMaterial, findings: &mut Findings<'_>) {
    if m.coat_weight > 0.0 && m.coat_roughness_anisotropy > 0.0 {
        findings.left_out("coat_roughness_anisotropy", "glTF's coat has no grain");
    }
    if m.specular_roughness_anisotropy <= 0.0 {
        return;
    }
    if !has_grain {
        let why = "it needs a `tangent` in the material's surface, and normals in the file";
        return findings.left_out("specular_roughness_anisotropy", why);
    }
    // OpenPBR 1.1.1, "Microfacet model", and the extension: across α = r², along it mix(r², 1, strength²).
    let ratio = 1.0 - m.specular_roughness_anisotropy;
    let along = m.specular_roughness.powi(2) * (2.0 / (1.0 + ratio * ratio)).sqrt();
    let (along, across) = (along.min(1.0), (along * ratio).min(1.0));
    let strength = if across < 1.0 { ((along - across) / (1.0 - across)).sqrt() } else { 0.0 };
    out.anisotropy = Anisotropy { strength, rotation_rad: 0.0 };
    out.openpbr.specular_roughness = across.sqrt();
}

/// What light meets inside: transmission, its medium, and that of what scatters below the surface.
fn interior(m: &OpenPbr, out: &mut SceneMaterial, findings: &mut Findings<'_>) {
    if m.base_metalness >= 1.0 {
        out.openpbr.geometry_thin_walled = false;
        return;
    }
    let inside = &mut out.openpbr;
    inside.transmission_weight = m.transmission_weight;
    let transmits = m.transmission_weight > 0.0;
    inside.geometry_thin_walled &= transmits || out.diffuse_transmission.weight > 0.0;
    if transmits && m.subsurface_weight > 0.0 && m.transmission_weight < 1.0 {
        findings
            .approximated("subsurface_weight", "glTF has one medium for what is transmitted and what scatters below");
    }
    if !m.is_body() {
        return;
    }
    if transmits && m.transmission_dispersion_scale > 0.0 {
        inside.transmission_dispersion_scale = m.transmission_dispersion_scale;
        inside.transmission_dispersion_abbe_number = m.transmission_dispersion_abbe_number;
    }
    let medium = Interior::of(m, transmits, 1.0);
    if medium.scattering.max_element() <= 0.0 {
        if transmits && m.transmission_depth > 0.0 {
            inside.transmission_color = m.transmission_color;
            inside.transmission_depth = m.transmission_depth;
        }
        return;
    }
    // Over the shortest mean free path the colours are between 1/e and 1, and scattering is at most 1.
    let extinction = medium.absorption + medium.scattering;
    let depth_m = extinction.max_element().recip();
    inside.transmission_depth = depth_m;
    inside.transmission_color = (-extinction * depth_m).exp().to_array();
    inside.transmission_scatter = (medium.scattering * depth_m).to_array();
    inside.transmission_scatter_anisotropy = medium.anisotropy;
}

/// `KHR_materials_clearcoat`, whose index is fixed: the weight keeps the reflectance along the normal, as far as it
/// can.
fn coat(m: &OpenPbr, out: &mut SceneMaterial) {
    let coat = &mut out.openpbr;
    coat.coat_weight = (m.coat_weight * reflectance(m.coat_ior) / reflectance(COAT_IOR)).min(1.0);
    coat.coat_roughness = m.coat_roughness;
    (coat.coat_ior, coat.coat_darkening) = (COAT_IOR, 0.0);
}

/// `KHR_materials_sheen`: fibres too, of another shape.
fn sheen(m: &OpenPbr, out: &mut SceneMaterial, findings: &mut Findings<'_>) {
    if m.fuzz_weight <= 0.0 {
        return;
    }
    findings.approximated("fuzz_weight", "fibres of glTF reflect by another law, and lie below the coat");
    let color = m.fuzz_color.map(|channel| channel * m.fuzz_weight);
    out.sheen = Sheen { color, roughness: m.fuzz_roughness };
}

/// What only the renderer knows how to show.
fn surface(material: &LibraryMaterial<'_>, findings: &mut Findings<'_>) {
    let m = material.openpbr;
    if m.coat_weight > 0.0 && m.coat_ior != COAT_IOR {
        let [wanted, has] = [m.coat_ior, COAT_IOR].map(|ior| 100.0 * reflectance(ior));
        let why = format!("glTF's coat reflects {has:.1} % along the normal at most, and this one {wanted:.1} %");
        findings.approximated("coat_ior", &why);
    }
    if let Some(bevel_mm) = material.surface.bevel_mm.filter(|&bevel_mm| bevel_mm > 0.0) {
        findings
            .left_out("surface.bevel_mm", &format!("edges are as sharp as the geometry, not rounded by {bevel_mm} mm"));
    }
    if material.has_textures {
        findings.left_out("textures", "colour and roughness are their means, as from afar");
    }
    let detail = &material.surface.detail;
    // Two of a kind differ in size only.
    for (_, detail) in
        detail.iter().enumerate().filter(|(i, one)| detail[..*i].iter().all(|other| other.kind != one.kind))
    {
        let why = "glTF has no structures without a texture; the roughness is that from afar, with the structure in it";
        findings.left_out(&format!("surface.detail {}", detail.kind), why);
    }
    if m.is_body() && material.priority > 0 {
        let why = "where bodies overlap, glTF does not say which one fills the place";
        findings.left_out("priority", why);
    }
}

/// Of a dielectric in air, along the normal.
fn reflectance(ior: f32) -> f32 {
    ((ior - 1.0) / (ior + 1.0)).powi(2)
}

fn product(a: Color, b: Color) -> Color {
    std::array::from_fn(|channel| a[channel] * b[channel])
}

#[cfg(test)]
mod tests;
