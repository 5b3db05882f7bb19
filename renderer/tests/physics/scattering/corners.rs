//! Random materials from the extremes of all parameter ranges: no result is infinite, NaN or negative.

use packshot_materials::openpbr::OpenPbr;
use proptest::prelude::*;
use proptest::sample::select;

use super::{Lobes, Side, points, sample, towards};

/// A fraction: mostly an end of its range, or close to it.
fn share() -> impl Strategy<Value = f32> {
    prop_oneof![4 => select(vec![0.0_f32, 1.0]), 1 => select(vec![1e-6_f32, 1e-3, 0.999_999]), 2 => 0.0_f32..=1.0]
}

fn color() -> impl Strategy<Value = [f32; 3]> {
    [share(), share(), share()]
}

/// Few values, because each needs tables of its own.
fn index() -> impl Strategy<Value = f32> {
    select(vec![1.0_f32, 1.000_01, 1.5, 3.0])
}

prop_compose! {
    fn base()(
        base_weight in share(), base_color in color(), base_diffuse_roughness in share(), base_metalness in share(),
        specular_weight in select(vec![0.0_f32, 0.5, 1.0]), specular_color in color(), specular_roughness in share(),
        specular_roughness_anisotropy in share(), specular_ior in index(),
    ) -> OpenPbr {
        OpenPbr {
            base_weight, base_color, base_diffuse_roughness, base_metalness, specular_weight, specular_color, specular_roughness,
            specular_roughness_anisotropy, specular_ior, ..OpenPbr::default()
        }
    }
}

prop_compose! {
    fn bodies()(
        base in base(), transmission_weight in share(), transmission_color in color(), transmission_depth in share(),
        transmission_scatter in color(), transmission_scatter_anisotropy in -1.0_f32..=1.0, abbe_number in 9.0_f32..100.0,
        transmission_dispersion_scale in share(), subsurface_weight in share(), subsurface_color in color(),
        (subsurface_radius, geometry_thin_walled) in (share(), any::<bool>()),
    ) -> OpenPbr {
        OpenPbr {
            transmission_weight, transmission_color, transmission_depth, transmission_scatter, transmission_scatter_anisotropy,
            transmission_dispersion_abbe_number: abbe_number, transmission_dispersion_scale, subsurface_weight, subsurface_color,
            subsurface_radius, geometry_thin_walled, ..base
        }
    }
}

prop_compose! {
    fn anything()(
        body in bodies(), coat_weight in share(), coat_color in color(), coat_roughness in share(), coat_roughness_anisotropy in share(),
        coat_ior in index(), coat_darkening in share(), fuzz_weight in share(), fuzz_color in color(), fuzz_roughness in share(),
        (thin_film_weight, thin_film_thickness, thin_film_ior) in (share(), share(), index()),
    ) -> OpenPbr {
        OpenPbr {
            coat_weight, coat_color, coat_roughness, coat_roughness_anisotropy, coat_ior, coat_darkening, fuzz_weight, fuzz_color,
            fuzz_roughness, thin_film_weight, thin_film_thickness, thin_film_ior, ..body
        }
    }
}

proptest! {
    #[test]
    fn every_weight_is_a_number(m in anything(), view in prop_oneof![Just(1e-4_f32), Just(1.0), 1e-3_f32..1.0], inside in any::<bool>()) {
        let lobes = Lobes::new(&m);
        let bsdf = lobes.closure(towards(view, 0.9), if inside { Side::Back } else { Side::Front });
        for (choice, u) in points(64).chain([(0.0, glam::Vec2::ZERO), (0.999_999_94, glam::Vec2::splat(0.999_999_94))]) {
            let drawn = sample(bsdf, choice, u);
            prop_assert!(drawn.pdf.is_finite() && drawn.weight.is_finite(), "{drawn:?}");
            prop_assert!(drawn.weight.min_element() >= 0.0, "{drawn:?}");
            if drawn.pdf != 0.0 {
                prop_assert!((drawn.direction.length() - 1.0).abs() < 1e-3, "{drawn:?}");
            }
            let around = towards(2.0 * u.x - 1.0, u.y * std::f32::consts::TAU);
            let (value, pdf) = lobes.value(bsdf, around);
            prop_assert!(value.is_finite() && pdf.is_finite() && value.min_element() >= 0.0 && pdf >= 0.0, "{value} {pdf} at {around}");
        }
    }
}

/// A deep tinted coat transmits 1e-41 of grazing light: the reciprocal of the sum of its lobes' probabilities
/// overflows.
#[test]
fn what_almost_nothing_reaches_is_black() {
    let below = OpenPbr {
        base_weight: 0.0,
        specular_weight: 0.0,
        specular_roughness: 1.0,
        transmission_weight: 0.3,
        ..OpenPbr::default()
    };
    let lobes = Lobes::new(&OpenPbr { coat_weight: 1.0, coat_ior: 1.0, coat_color: [0.0, 0.912, 0.0], ..below });
    let bsdf = lobes.closure(towards(1e-4, 0.9), Side::Front);
    for (choice, u) in points(64) {
        let drawn = sample(bsdf, choice, u);
        assert_eq!((drawn.pdf, drawn.weight), (0.0, glam::Vec3::ZERO), "{drawn:?}");
    }
}
