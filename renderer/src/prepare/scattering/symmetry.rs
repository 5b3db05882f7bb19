//! Helmholtz reciprocity of each lobe by itself, without the factors of layers, which hold for the view direction.

use glam::{Vec2, Vec3};

use super::{native, towards};

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
fn films_and_dielectrics_reflect_the_same_from_both_sides() {
    // Stokes' relation: at the refracted angle, from the other side.
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
