//! Light groups of a picture.

use std::sync::Mutex;

use packshot_pipeline::picture::Aov;
use packshot_pipeline::taken::NeededVersions;
use packshot_renderer::backend::{CancelToken, Progress, RenderControl};
use packshot_renderer::layers::lines::LineStyle;
use packshot_renderer::prepare::LightGroup;
use packshot_renderer::shot::Light;

use crate::Studio;

#[test]
fn groups_of_an_adaptive_picture_add_up_to_it() {
    let studio = Studio::new();
    let mut shot = studio.shot(35.0);
    // So noisy that pixels stop at different numbers of samples.
    (shot.film.samples, shot.film.noise_threshold) = (96, 0.1);
    let position_m = shot.camera.world_from_camera.translation;
    let strength = position_m.length_squared() as f32;
    shot.lights.push(Light::Point { position_m, intensity: [strength, 0.5 * strength, 0.0] });
    let cancel = CancelToken::default();
    let ready =
        studio.renderer.load(&studio.product, &studio.materials, shot, NeededVersions::SAMPLED, &cancel).expect("room");
    let reports: Mutex<u32> = Mutex::default();
    let count = |_: Progress| *reports.lock().expect("not poisoned") += 1;
    let control = RenderControl { progress: &count, ..RenderControl::new(&cancel) };
    let asked = [Aov::LightGroups, Aov::Samples];
    let picture = ready.render_layers(&control, &asked, LineStyle::of_size([48, 48])).expect("nobody cancels");
    let samples = &picture.layers[0];
    assert_eq!(samples.aov, Aov::Samples);
    let [least, most] = [f32::min, f32::max].map(|of: fn(f32, f32) -> f32| samples.values.iter().copied().reduce(of));
    assert!(least < most, "all pixels have {least:?} samples");
    let groups: Vec<_> = picture.layers[1..].iter().map(|layer| layer.group).collect();
    assert_eq!(groups, [Some(LightGroup::Environment), Some(LightGroup::Light(0))]);
    for (pixel, rgba) in picture.linear.rgba.iter().enumerate() {
        for (channel, &expected) in rgba[..3].iter().enumerate() {
            let sum: f32 = picture.layers[1..].iter().map(|layer| layer.values[3 * pixel + channel]).sum();
            assert!((sum - expected).abs() <= 1e-5 * (1.0 + expected), "pixel {pixel}: {sum} instead of {expected}");
        }
    }
    assert!(*reports.lock().expect("not poisoned") > 6, "groups report their progress");
}
