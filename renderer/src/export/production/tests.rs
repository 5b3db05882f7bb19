//! What is left of library materials in glTF's terms, and what is reported.

use packshot_materials::library::{Axis, Detail, DetailKind, Library, Surface, Tangent, TangentMode};

use super::*;
use crate::prepare::material::interior::Interior;

/// A material in glTF's terms, and the codes and parameters of its findings.
fn written(openpbr: &OpenPbr, surface: &Surface, has_grain: bool) -> (SceneMaterial, Vec<(&'static str, String)>) {
    let material = LibraryMaterial { id: "ACME_000001_Test", openpbr, surface, has_textures: false, priority: 0 };
    let (material, findings) = of_library(&material, has_grain);
    assert!(findings.iter().all(|finding| finding.at == "ACME_000001_Test"));
    let parameter = |message: &str| message.split('`').nth(1).unwrap_or_default().to_owned();
    (material, findings.iter().map(|finding| (finding.code, parameter(&finding.message))).collect())
}

fn plain(openpbr: &OpenPbr) -> (SceneMaterial, Vec<(&'static str, String)>) {
    written(openpbr, &Surface::default(), false)
}

#[test]
fn what_gltf_has_is_kept_without_a_finding() {
    let plastic = OpenPbr { base_color: [0.2, 0.4, 0.6], specular_ior: 1.53, ..OpenPbr::default() };
    let (material, findings) = plain(&plastic);
    assert_eq!(findings, []);
    assert_eq!(material.openpbr.base_color, plastic.base_color);
    assert_eq!(material.dielectric.f0, reflectance(1.53));
    assert_eq!(material.dielectric.color, WHITE);
    let glass = OpenPbr {
        transmission_weight: 1.0,
        transmission_color: [0.9, 0.5, 0.4],
        transmission_depth: 0.01,
        transmission_dispersion_scale: 1.0,
        ..OpenPbr::default()
    };
    let (material, findings) = plain(&glass);
    assert_eq!(findings, []);
    assert_eq!(material.openpbr.base_color, WHITE, "the colour of the other base does not tint the glass");
    assert_eq!(material.openpbr.transmission_color, glass.transmission_color);
    // Without a depth, the colour is at the surface: where glTF has the base colour.
    let (material, findings) = plain(&OpenPbr { transmission_depth: 0.0, ..glass });
    assert_eq!((material.openpbr.base_color, findings), (glass.transmission_color, Vec::new()));
}

#[test]
fn what_gltf_has_not_is_reported_by_name() {
    let everything = OpenPbr {
        base_diffuse_roughness: 0.5,
        base_metalness: 0.5,
        specular_weight: 0.5,
        specular_color: [0.5; 3],
        specular_roughness_anisotropy: 0.5,
        transmission_weight: 0.5,
        subsurface_weight: 0.5,
        fuzz_weight: 0.5,
        coat_weight: 0.5,
        coat_color: [0.5; 3],
        coat_roughness_anisotropy: 0.5,
        ..OpenPbr::default()
    };
    let detail = |kind| Detail { kind, scale_mm: 1.0, depth_mm: 0.1 };
    let detail = vec![detail(DetailKind::Cast), detail(DetailKind::OrangePeel)];
    let surface = Surface { bevel_mm: Some(0.2), tangent: None, detail };
    let (_, findings) = written(&everything, &surface, false);
    let of = |code| findings.iter().filter(move |(found, _)| *found == code).map(|(_, name)| name.as_str());
    assert_eq!(
        of("export_left_out").collect::<Vec<_>>(),
        [
            "base_diffuse_roughness",
            "coat_roughness_anisotropy",
            "specular_roughness_anisotropy",
            "surface.bevel_mm",
            "surface.detail cast",
            "surface.detail orange_peel"
        ]
    );
    let approximated: Vec<&str> = of("export_approximated").collect();
    for parameter in [
        "specular_weight",
        "specular_color",
        "transmission_color",
        "subsurface_weight",
        "fuzz_weight",
        "coat_color",
        "coat_darkening",
        "coat_ior",
    ] {
        assert!(approximated.contains(&parameter), "{parameter} in {approximated:?}");
    }
    let openpbr = OpenPbr { transmission_weight: 1.0, ..OpenPbr::default() };
    let material = LibraryMaterial {
        id: "Oil",
        openpbr: &openpbr,
        surface: &Surface::default(),
        has_textures: false,
        priority: 3,
    };
    assert!(of_library(&material, false).1[0].message.starts_with("`priority` is left out"));
}

#[test]
fn a_grain_has_the_same_two_roughnesses() {
    let tangent = Some(Tangent { mode: TangentMode::Cylindrical, axis: Axis::Auto });
    let surface = Surface { tangent, ..Surface::default() };
    for (roughness, by) in [(0.3, 0.6), (0.25, 0.85), (0.5, 0.1), (0.9, 1.0)] {
        let metal = OpenPbr {
            base_metalness: 1.0,
            specular_roughness: roughness,
            specular_roughness_anisotropy: by,
            ..OpenPbr::default()
        };
        let (found, findings) = written(&metal, &surface, true);
        assert_eq!(findings, []);
        // The shader's `alpha_of`, for glTF and for OpenPBR.
        let across = found.openpbr.specular_roughness.powi(2);
        let along = across + (1.0 - across) * found.anisotropy.strength.powi(2);
        let wanted = roughness * roughness * (2.0 / (1.0 + (1.0 - by) * (1.0 - by))).sqrt();
        assert!(
            (along - wanted.min(1.0)).abs() < 1e-5 && (across - (1.0 - by) * wanted).abs() < 1e-5,
            "{along} {across}"
        );
    }
}

#[test]
fn a_body_that_scatters_has_the_same_medium() {
    let wax = OpenPbr {
        subsurface_weight: 0.8,
        subsurface_color: [0.8, 0.5, 0.3],
        subsurface_radius: 0.004,
        subsurface_scatter_anisotropy: 0.3,
        ..OpenPbr::default()
    };
    let (found, findings) = plain(&wax);
    assert_eq!(findings, []);
    assert!(found.is_body() && found.diffuse_transmission.weight == 0.8);
    assert!(found.openpbr.validate().is_empty(), "{:?}", found.openpbr.validate());
    let [wanted, found] = [Interior::of(&wax, false, 1.0), Interior::of(&found.openpbr, true, 1.0)];
    assert!((wanted.absorption - found.absorption).abs().max_element() < 1e-2 * wanted.scattering.max_element());
    assert!((wanted.scattering - found.scattering).abs().max_element() < 1e-3 * wanted.scattering.max_element());
    assert_eq!(wanted.anisotropy, found.anisotropy);
    // A sheet scatters back and through.
    let (sheet, findings) = plain(&OpenPbr { geometry_thin_walled: true, ..wax });
    assert_eq!(findings, []);
    assert!(!sheet.is_body() && (sheet.diffuse_transmission.weight - 0.5 * 0.8 * 1.3).abs() < 1e-6);
}

#[test]
fn what_lies_below_a_coat_is_darker() {
    let coated = OpenPbr { base_color: [0.4; 3], coat_weight: 1.0, ..OpenPbr::default() };
    let (found, _) = plain(&coated);
    // 1 − (1 − 0.09…) / 1.6² of what is scattered below comes back: (1 − K) / (1 − 0.4 K).
    let k = 1.0 - (1.0 - fresnel_mean(1.6)) / 2.56;
    let wanted = 0.4 * (1.0 - k) / (1.0 - 0.4 * k);
    assert!((found.openpbr.base_color[0] - wanted).abs() < 1e-6, "{:?}", found.openpbr.base_color);
    assert!(wanted < 0.25);
    let (found, _) = plain(&OpenPbr { coat_weight: 0.0, ..coated });
    assert_eq!(found.openpbr.base_color, [0.4; 3]);
}

#[test]
fn every_material_of_the_library_can_be_written() {
    for material in Library::builtin().materials() {
        for has_grain in [false, true] {
            let priority = material.priority;
            let of = LibraryMaterial {
                id: &material.id,
                openpbr: &material.openpbr,
                surface: &material.surface,
                has_textures: false,
                priority,
            };
            let (found, findings) = of_library(&of, has_grain);
            assert!(found.openpbr.validate().is_empty(), "{}: {:?}", material.id, found.openpbr.validate());
            assert!(findings.iter().all(|finding| finding.at == material.id && finding.message.contains('`')));
        }
    }
}
