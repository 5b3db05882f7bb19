//! Helmholtz reciprocity of each lobe in isolation, without the factors of the layers above it, which depend on the
//! view direction. OpenPBR's fuzz is left out: its sheared cosine is fitted for each view direction.

use glam::{Vec2, Vec3};
use packshot_materials::openpbr::OpenPbr;

use super::{Bsdf, Lobes, Side, native, towards};

/// Pairs of directions above the surface.
fn pairs() -> impl Iterator<Item = (Vec3, Vec3)> {
    let cosines = [0.05_f32, 0.3, 0.7, 0.98];
    cosines.into_iter().flat_map(move |a| {
        cosines.into_iter().flat_map(move |b| [0.2_f32, 1.4, 3.0].map(|turn| (towards(a, 0.3), towards(b, 0.3 + turn))))
    })
}

/// `value` is f |cos_i|.
fn assert_reciprocal(name: &str, value: impl Fn(Vec3, Vec3) -> f32) {
    for (wo, wi) in pairs() {
        let (there, back) = (value(wo, wi) / wi.z.abs(), value(wi, wo) / wo.z.abs());
        assert!((there - back).abs() <= 2e-3 * there.max(back).max(1e-4), "{name}: {there} and {back} for {wo}, {wi}");
    }
}

#[test]
fn lobes_that_reflect_are_reciprocal() {
    for alpha in [Vec2::splat(0.04), Vec2::splat(0.5), Vec2::new(0.6, 0.1)] {
        assert_reciprocal("facets", |wo, wi| native::facet_reflection(wo, wi, (wo + wi).normalize(), alpha).x);
    }
    for roughness in [0.0, 0.5, 1.0] {
        assert_reciprocal("diffuse", |wo, wi| native::diffuse_eval(Vec3::splat(0.7), roughness, wo, wi).x * wi.z);
    }
    for alpha in [0.01, 0.2, 1.0] {
        assert_reciprocal("sheen", |wo, wi| native::charlie_eval(wo, wi, alpha));
    }
}

#[test]
fn a_coat_with_a_normal_of_its_own_is_reciprocal() {
    let coat = OpenPbr { coat_weight: 1.0, coat_roughness: 0.4, ..OpenPbr::default() };
    let lobes = Lobes::new(&coat);
    let normal = Vec3::new(0.2, -0.1, 1.0).normalize();
    let value = |wo: Vec3, wi: Vec3| {
        let mut b = Bsdf { coat_normal: normal, ..lobes.closure(wo, Side::Front) };
        // The lobe includes the cosine to its own normal.
        native::coat_eval(&mut b, wi, (wo + wi).normalize()).x / normal.dot(wi).max(1e-6) * wi.z
    };
    // Near the horizon, a direction also gets what the coat reflects below the surface.
    let is_seen = |w: Vec3| normal.dot(w) > 0.05 && normal.dot(w.with_z(-w.z)) < 0.0;
    for (wo, wi) in pairs().filter(|&(wo, wi)| is_seen(wo) && is_seen(wi)) {
        let (there, back) = (value(wo, wi) / wi.z, value(wi, wo) / wo.z);
        assert!((there - back).abs() <= 2e-3 * there.max(back).max(1e-4), "{there} and {back} for {wo}, {wi}");
    }
}

/// Transmission through a rough surface is the same from both sides but for the square of the index: radiance is
/// compressed where it enters the denser side (Walter et al. 2007, section 5.2; Veach 1997, section 5.2).
#[test]
fn lobes_that_let_light_through_are_reciprocal() {
    let below = |w: Vec3| w.with_z(-w.z);
    for roughness in [0.3, 0.7] {
        let glass = OpenPbr { transmission_weight: 1.0, specular_roughness: roughness, ..OpenPbr::default() };
        let body = Lobes::new(&glass);
        let seen = |wo, side, wi| {
            let mut b = Bsdf { refraction_weight: Vec3::ONE, ..body.closure(wo, side) };
            (native::refraction_eval(&mut b, below(wi)).x / wi.z, b.eta)
        };
        let mut n_compared = 0;
        for (wo, wi) in pairs() {
            let (there, eta) = seen(wo, Side::Front, wi);
            let (back, back_eta) = seen(wi, Side::Back, wo);
            assert!((eta * back_eta - 1.0).abs() < 1e-5 && eta > 1.4, "{eta} {back_eta}");
            let there = there / (eta * eta);
            assert!((there - back).abs() <= 2e-3 * there.max(back).max(1e-4), "{there} and {back} for {wo}, {wi}");
            n_compared += u32::from(there > 0.0);
        }
        assert!(n_compared > 10, "{n_compared} pairs");
        let pane = Lobes::new(&OpenPbr { geometry_thin_walled: true, ..glass });
        assert_reciprocal("thin wall", |wo, wi| {
            let mut b = Bsdf { refraction_weight: Vec3::ONE, ..pane.closure(wo, Side::Front) };
            native::thin_wall_eval(&mut b, below(wi)).x
        });
    }
    let leaf =
        OpenPbr { subsurface_weight: 1.0, geometry_thin_walled: true, specular_weight: 0.0, ..OpenPbr::default() };
    let leaf = Lobes::new(&leaf);
    assert_reciprocal("translucent", |wo, wi| leaf.value(leaf.closure(wo, Side::Front), below(wi)).0.x);
}

#[test]
fn films_and_dielectrics_reflect_the_same_from_both_sides() {
    // Stokes' relation: equal at the refracted angle from the other side.
    for cosine in [0.1_f32, 0.5, 0.9] {
        let inside = (1.0 - (1.0 - cosine * cosine) / (1.5 * 1.5)).sqrt();
        let (there, back) = (native::fresnel_dielectric(cosine, 1.5), native::fresnel_dielectric(inside, 1.0 / 1.5));
        assert!((there - back).abs() < 1e-5, "{there} {back}");
    }
}

#[test]
fn a_film_without_thickness_is_none() {
    for f0 in [0.04_f32, 0.5, 0.95] {
        for cosine in [1.0_f32, 0.6, 0.2] {
            let film = native::thin_film(cosine, 1.4, 0.0, Vec3::splat(f0));
            let c = 1.0 - cosine;
            let schlick = f0 + (1.0 - f0) * c.powi(5);
            assert!((film - Vec3::splat(schlick)).abs().max_element() < 2e-3, "{film} for {schlick}");
        }
    }
}
