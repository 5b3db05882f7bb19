//! Light groups: films that add up to the whole, each as if its light were alone.

use std::sync::Arc;

use glam::{DAffine3, DQuat, DVec3, Vec4};
use packshot_materials::openpbr::OpenPbr;
use packshot_renderer::backend::cpu::CpuBackend;
use packshot_renderer::backend::{Backend, CancelToken, RenderControl};
use packshot_renderer::film::Film;
use packshot_renderer::prepare::{LightGroup, PaletteEntry, PreparedProduct, PreparedShot, TabulatedMaps};
use packshot_renderer::shot::{Environment, Light, Shot};

use crate::arrangement::{Arrangement, Placement, Sky};
use crate::scenes::sphere;

/// The arrangement with an emissive lamp, lit by its sky, a point, a square and a sun, and the film of `group`, or of
/// all light for `None`.
fn film(arrangement: &Arrangement, shot: &Shot, group: Option<LightGroup>) -> Film {
    let palette: Vec<PaletteEntry> = arrangement.palette.iter().copied().map(PaletteEntry::from).collect();
    let prepared = PreparedProduct::new(&arrangement.scene, &palette, &arrangement.materials, None, &|| false);
    let product = Arc::new(prepared.expect("a sound scene"));
    let whole = PreparedShot::new(&product, shot, TabulatedMaps::default().tables(&shot.environment));
    let prepared = match group {
        None => whole,
        Some(group) => whole.lit_by(shot, group),
    };
    let cancel = CancelToken::default();
    let backend = CpuBackend::new(0, "a test".to_owned()).expect("threads");
    let loaded = backend.load(product, &cancel).and_then(|product| product.load(prepared)).expect("the CPU has room");
    loaded.render(&RenderControl::new(&cancel)).expect("nobody cancels").film
}

fn arranged(sky: Sky, samples: u32) -> Arrangement {
    let mut arrangement = Arrangement::new(&sphere(24, true), &Placement { sky, ..Placement::default() }, 40, samples);
    let above = DAffine3::from_rotation_translation(
        DQuat::from_rotation_x(-std::f64::consts::FRAC_PI_2),
        DVec3::new(1.0, 3.0, -0.5),
    );
    // The square is the last of the shot's lights, but the first among those that rays can hit.
    arrangement.shot.lights.extend([
        Light::Directional {
            direction: DVec3::new(-0.4, -0.8, -0.3).normalize(),
            irradiance: [0.5, 1.0, 1.5],
            half_angle_rad: 0.0,
        },
        Light::Rect { world_from_light: above, width_m: 0.8, height_m: 0.6, radiance: [3.0, 4.0, 2.0] },
    ]);
    arrangement
}

/// The groups of the arrangement.
const GROUPS: [LightGroup; 5] =
    [LightGroup::Environment, LightGroup::Light(0), LightGroup::Light(1), LightGroup::Light(2), LightGroup::Emission];

#[test]
fn groups_add_up_to_the_whole() {
    for sky in [Sky::Map { rotation_x_rad: 0.0, rotation_y_rad: 0.4 }, Sky::Uniform] {
        let arrangement = arranged(sky, 16);
        let whole = film(&arrangement, &arrangement.shot, None).resolve();
        let groups = GROUPS.map(|group| film(&arrangement, &arrangement.shot, Some(group)).resolve());
        for (pixel, expected) in whole.iter().enumerate() {
            let [expected, sum] = [
                *expected,
                groups
                    .iter()
                    .fold([0.0; 4], |sum, group| std::array::from_fn(|channel| sum[channel] + group[pixel][channel])),
            ]
            .map(Vec4::from);
            let off = (sum - expected).truncate().abs().max_element();
            assert!(off <= 2e-5 * (1.0 + expected.max_element()), "pixel {pixel}: {sum} instead of {expected}");
            assert!(groups.iter().all(|group| group[pixel][3] == expected.w), "alpha is that of the whole");
        }
    }
}

#[test]
fn a_group_is_what_its_light_brings_alone() {
    let arrangement = arranged(Sky::Map { rotation_x_rad: 0.0, rotation_y_rad: 0.4 }, 256);
    // Mean luminance, and its variance.
    let measured = |film: &Film| {
        let luminance = |[r, g, b, _]: [f32; 4]| f64::from(0.2126 * r + 0.7152 * g + 0.0722 * b);
        let n = film.samples.len() as f64;
        let variance = film.variance().into_iter().map(f64::from).sum::<f64>() / (n * n);
        (film.resolve().into_iter().map(luminance).sum::<f64>() / n, variance)
    };
    for group in GROUPS {
        let mut alone = arranged(Sky::Map { rotation_x_rad: 0.0, rotation_y_rad: 0.4 }, 256);
        let lights = std::mem::take(&mut alone.shot.lights);
        match group {
            LightGroup::Light(i) => alone.shot.lights.push(lights[i]),
            LightGroup::Environment | LightGroup::Emission => {}
        }
        if group != LightGroup::Environment {
            alone.shot.environment = Environment::None;
        }
        if group != LightGroup::Emission {
            alone.palette[4] = OpenPbr { emission_luminance: 0.0, ..alone.palette[4] };
        }
        let (expected, variance) = measured(&film(&alone, &alone.shot, None));
        let (found, variance_found) = measured(&film(&arrangement, &arrangement.shot, Some(group)));
        let noise = (variance + variance_found).sqrt();
        assert!(noise < 0.12 * expected, "{group:?}: noise of {noise} in {expected}");
        assert!((found - expected).abs() < 4.0 * noise, "{group:?}: {found} instead of {expected}, noise {noise}");
    }
}

#[test]
fn a_shot_has_the_groups_of_its_light() {
    let groups = |arrangement: &Arrangement| {
        let palette: Vec<PaletteEntry> = arrangement.palette.iter().copied().map(PaletteEntry::from).collect();
        let product = PreparedProduct::new(&arrangement.scene, &palette, &arrangement.materials, None, &|| false);
        LightGroup::all(&arrangement.shot, &product.expect("a sound scene"))
    };
    let mut arrangement = arranged(Sky::Uniform, 1);
    assert_eq!(groups(&arrangement), GROUPS);
    let names = ["light_environment", "light_0", "light_1", "light_2", "light_emission"];
    assert!(GROUPS.iter().map(|group| group.name()).eq(names));
    arrangement.shot.environment = Environment::None;
    arrangement.shot.lights.clear();
    assert_eq!(groups(&arrangement), [LightGroup::Emission]);
    arrangement.palette[4] = OpenPbr { emission_luminance: 0.0, ..arrangement.palette[4] };
    assert_eq!(groups(&arrangement), []);
}
