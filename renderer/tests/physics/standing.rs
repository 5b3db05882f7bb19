//! Transparent bodies with a flat bottom on a floor: the two faces must not coincide.

use glam::{DAffine3, DVec3};
use packshot_materials::openpbr::OpenPbr;
use packshot_renderer::backend::{CancelToken, RenderControl};
use packshot_renderer::prepare::{PaletteEntry, PartMaterial};
use packshot_renderer::shot::ground::GAP_RADII;
use packshot_renderer::shot::{Bounces, Environment, Floor};

use crate::scenes::{cube, load, scene, shot};

/// Mean radiance and noise of what is seen through the cube, which is this far above its floor.
fn seen(material: &OpenPbr, gap: f64) -> (f32, f32) {
    let mut shot = shot(DVec3::new(1.0, 1.6, 2.0) * 3.0, 1.2, 16, 256);
    shot.camera.world_from_camera.translation += DVec3::Y;
    shot.environment = Environment::Uniform { radiance: [1.0; 3] };
    shot.film.bounces = Bounces::all(24);
    let paper = OpenPbr { base_color: [0.8; 3], specular_weight: 0.0, ..OpenPbr::default() };
    shot.floor = Some(Floor::square(-gap, 2000.0, "paper", paper));
    let scene = scene(vec![cube()], &[(0, DAffine3::IDENTITY)]);
    let loaded = load(&scene, &[PaletteEntry::from(*material)], &[PartMaterial::Palette(0)], &shot, 2);
    let film = loaded.render(&RenderControl::new(&CancelToken::default()));
    let pixels: Vec<f32> = film.resolve().iter().map(|pixel| pixel[1]).collect();
    let variances = film.variance();
    let mean = |values: &[f32]| values.iter().sum::<f32>() / values.len() as f32;
    (mean(&pixels), mean(&variances).sqrt())
}

#[test]
fn glass_on_a_floor_is_as_glass_a_little_above_it() {
    let gap = GAP_RADII * 3.0_f64.sqrt();
    for specular_roughness in [0.0, 0.3] {
        let glass = OpenPbr { transmission_weight: 1.0, specular_roughness, ..OpenPbr::default() };
        let ((mean, noise), (mean_above, noise_above)) = (seen(&glass, gap), seen(&glass, 1e-2));
        let name =
            format!("roughness {specular_roughness}: {mean} ± {noise}, above the floor {mean_above} ± {noise_above}");
        assert!((mean - mean_above).abs() < 3e-3 && noise < 1.1 * noise_above, "{name}");
    }
    // Where the two faces coincide, the picture is wrong.
    let glass = OpenPbr { transmission_weight: 1.0, specular_roughness: 0.0, ..OpenPbr::default() };
    assert!((seen(&glass, 0.0).0 - seen(&glass, 1e-2).0).abs() > 1e-2);
}
