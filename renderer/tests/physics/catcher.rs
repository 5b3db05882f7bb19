//! A product over the picture of a floor, combined through its catcher, equals the picture of both.

use std::sync::Arc;

use glam::{DAffine3, DQuat, DVec3};
use packshot_materials::openpbr::OpenPbr;
use packshot_renderer::backend::cpu::CpuBackend;
use packshot_renderer::backend::{Backend, CancelToken, RenderControl};
use packshot_renderer::catcher::Caught;
use packshot_renderer::color::LinearImage;
use packshot_renderer::film::Film;
use packshot_renderer::prepare::{FirstHit, PaletteEntry, PartMaterial, PreparedProduct, PreparedShot, TabulatedMaps};
use packshot_renderer::scene::Scene;
use packshot_renderer::shot::{Environment, Floor, FloorRole, Light, Shot};

use crate::scenes::{scene, shot, sphere};

/// Few pixels with many samples: the comparison is about values, not noise.
const SIZE_PX: u32 = 12;
const SAMPLES: u32 = 4096;

/// Three balls on a floor: white, polished gold, and red glass, whose shadow has a colour.
struct Still {
    scene: Scene,
    palette: Vec<PaletteEntry>,
}

impl Still {
    fn new(palette: [OpenPbr; 3]) -> Self {
        let at = |x: f64| DAffine3::from_scale_rotation_translation(DVec3::splat(0.4), DQuat::IDENTITY, DVec3::X * x);
        let scene = scene(vec![sphere(16, true)], &[(0, at(-0.9)), (0, at(0.0)), (0, at(0.9))]);
        Self { scene, palette: palette.map(PaletteEntry::from).into() }
    }

    fn of_materials() -> Self {
        let white = matte([0.8; 3]);
        let gold =
            OpenPbr { base_color: [0.9, 0.6, 0.2], base_metalness: 1.0, specular_roughness: 0.1, ..OpenPbr::default() };
        let glass = OpenPbr {
            transmission_weight: 1.0,
            transmission_color: [0.9, 0.2, 0.2],
            transmission_depth: 0.4,
            ..OpenPbr::default()
        };
        Self::new([white, gold, glass])
    }

    /// What camera rays see of the balls on a floor, or of the floor alone.
    fn film(&self, floor: &Floor, first_hit: FirstHit, alone: bool, like: Option<&Film>, seed: u32) -> Film {
        let parts: Vec<PartMaterial> = (0..3).map(PartMaterial::Palette).collect();
        let product = PreparedProduct::new(&self.scene, &self.palette, &parts, Some(floor), &|| false);
        let product = product.expect("a sound scene");
        let product = if alone { product.floor_alone(&|| false).expect("a floor") } else { product };
        let shot = lit(floor, seed);
        let tables = TabulatedMaps::default().tables(&shot.environment);
        let product = Arc::new(product);
        let prepared = PreparedShot::new(&product, &shot, tables).showing(first_hit);
        let cancel = CancelToken::default();
        let backend = CpuBackend::new(2, "a test".to_owned()).expect("threads");
        let counts: Option<Arc<[u32]>> = like.map(|film| film.samples.as_slice().into());
        let control = RenderControl { counts: counts.as_ref(), ..RenderControl::new(&cancel) };
        let loaded = backend.load(product, &cancel).and_then(|product| product.load(prepared)).expect("room");
        loaded.render(&control).expect("nobody cancels").film
    }

    /// The balls without the floor, and their effect on it.
    fn caught(&self, floor: &Floor, seed: u32) -> (LinearImage, Caught) {
        let product = self.film(floor, FirstHit::Product, false, None, seed);
        let with = self.film(floor, FirstHit::Floor, false, None, seed);
        let alone = self.film(floor, FirstHit::Floor, true, Some(&with), seed);
        (image(&product), Caught::new(&product, &with, &alone, floor))
    }
}

fn lit(floor: &Floor, seed: u32) -> Shot {
    let mut shot = shot(DVec3::new(0.3, 0.7, 1.0) * 5.0, 3.2, SIZE_PX, SAMPLES);
    shot.film.seed = seed;
    shot.environment = Environment::Uniform { radiance: [0.3, 0.35, 0.4] };
    shot.lights.push(Light::Directional {
        direction: DVec3::new(0.5, -1.0, -0.4).normalize(),
        irradiance: [1.5, 1.4, 1.2],
        half_angle_rad: 0.05,
    });
    shot.floor = Some(floor.clone());
    shot
}

fn matte(color: [f32; 3]) -> OpenPbr {
    OpenPbr { base_color: color, specular_weight: 0.0, ..OpenPbr::default() }
}

fn floor_of(openpbr: OpenPbr) -> Floor {
    Floor { role: FloorRole::Catcher, ..Floor::square(-0.4, 500.0, "floor", openpbr) }
}

/// White and red paper, and a dark polished plate.
fn floors() -> [Floor; 3] {
    let plate = OpenPbr { base_color: [0.05, 0.06, 0.08], specular_roughness: 0.05, ..OpenPbr::default() };
    [matte([0.8; 3]), matte([0.7, 0.1, 0.1]), plate].map(floor_of)
}

fn image(film: &Film) -> LinearImage {
    LinearImage { width_px: film.width_px, height_px: film.height_px, rgba: film.resolve() }
}

/// Σ|a − b| over Σ b, of colours.
fn relative_error(a: &LinearImage, b: &LinearImage) -> f64 {
    let colors = |image: &LinearImage| -> Vec<f64> {
        image.rgba.iter().flat_map(|pixel| pixel[..3].to_vec()).map(f64::from).collect()
    };
    let (a, b) = (colors(a), colors(b));
    a.iter().zip(&b).map(|(a, b)| (a - b).abs()).sum::<f64>() / b.iter().sum::<f64>()
}

#[test]
fn over_the_floor_itself_it_is_the_picture_of_both() {
    let still = Still::of_materials();
    for (i, floor) in floors().iter().enumerate() {
        let (product, caught) = still.caught(floor, 0);
        assert!(caught.ratio.iter().flatten().any(|&ratio| ratio < 0.4), "floor {i} is shadowed");
        // Exactly the same samples: equal by linearity, without noise.
        let backdrop = image(&still.film(floor, FirstHit::Any, true, None, 0));
        let direct = image(&still.film(floor, FirstHit::Any, false, None, 0));
        let error = relative_error(&caught.over(&product, &backdrop), &direct);
        assert!(error < 1e-5, "floor {i}: {error}");
        // Other samples of both pictures: they differ by noise only.
        let backdrop = image(&still.film(floor, FirstHit::Any, true, None, 1));
        let direct = image(&still.film(floor, FirstHit::Any, false, None, 2));
        let noise = relative_error(&image(&still.film(floor, FirstHit::Any, false, None, 3)), &direct);
        let error = relative_error(&caught.over(&product, &backdrop), &direct);
        assert!(error < 2.0 * noise, "floor {i}, other samples: {error}, with a noise of {noise}");
    }
}

#[test]
fn one_catcher_serves_backgrounds_of_all_colours_below_a_black_product() {
    // A black product reflects no light from the floor, so that only the floor's own colour differs.
    let still = Still::new([matte([0.0; 3]); 3]);
    let (product, caught) = still.caught(&floor_of(matte([0.5; 3])), 0);
    assert!(!caught.has_light(), "a matte floor adds nothing");
    for color in [[0.9, 0.9, 0.9], [0.7, 0.1, 0.1], [0.02, 0.05, 0.3]] {
        let floor = floor_of(matte(color));
        let backdrop = image(&still.film(&floor, FirstHit::Any, true, None, 0));
        let direct = image(&still.film(&floor, FirstHit::Any, false, None, 0));
        let error = relative_error(&caught.over(&product, &backdrop), &direct);
        assert!(error < 0.01, "{color:?}: {error}");
    }
}

#[test]
fn an_endless_floor_is_as_bright_as_a_small_one() {
    let still = Still::of_materials();
    let mean = |size_m: f64| {
        let floor = Floor { size_m, ..floors()[0].clone() };
        let film = image(&still.film(&floor, FirstHit::Any, true, None, 0));
        film.rgba.iter().map(|pixel| f64::from(pixel[1])).sum::<f64>() / film.rgba.len() as f64
    };
    let small = mean(30.0);
    for size_m in [300.0, 3000.0] {
        let endless = mean(size_m);
        assert!((endless / small - 1.0).abs() < 1e-4, "{size_m} m: {endless} instead of {small}");
    }
}

#[test]
fn glass_throws_a_shadow_of_its_colour_and_a_polished_floor_shows_the_product() {
    let still = Still::of_materials();
    let (_, caught) = still.caught(&floors()[0], 0);
    let is_red = |ratio: &&[f32; 3]| ratio[1] < 0.7 && ratio[0] > ratio[1] + 0.15;
    assert!(caught.ratio.iter().filter(is_red).count() > 1, "the shadow of the glass is red");
    let (_, caught) = still.caught(&floors()[2], 0);
    // The plate reflects a twentieth to a tenth; the sky alone would give 0.015.
    let most = caught.light.iter().map(|light| light[0]).fold(0.0, f32::max);
    assert!(most > 0.02, "the plate reflects the balls: at most {most} more than the sky");
}

#[test]
fn floor_and_product_share_a_pixel_by_what_each_covers() {
    let still = Still::of_materials();
    let floor = &floors()[0];
    let [product, with, alone] = [(FirstHit::Product, false), (FirstHit::Floor, false), (FirstHit::Floor, true)]
        .map(|(first_hit, alone)| still.film(floor, first_hit, alone, None, 0));
    let both = still.film(floor, FirstHit::Any, false, None, 0);
    for i in 0..both.sums.len() {
        let [product, with, alone, both] = [&product, &with, &alone, &both].map(|film| image(film).rgba[i]);
        assert!((product[3] + with[3] - 1.0).abs() < 1e-6 && alone[3] == 1.0 && both[3] == 1.0);
        assert!((0..3).all(|c| (product[c] + with[c] - both[c]).abs() < 1e-4 * both[c].max(1.0)));
    }
}
