//! A frame of a turntable is the picture of a product that really turned.

use glam::{DAffine3, DQuat, DVec3};
use packshot_pipeline::picture::Picture;
use packshot_pipeline::product::{PartMaterials, Product};
use packshot_pipeline::render::{Renderer, RendererOptions};
use packshot_pipeline::request::{MaterialRequest, PartFilter};
use packshot_pipeline::taken::NeededVersions;
use packshot_renderer::backend::device::DeviceRequest;
use packshot_renderer::backend::{CancelToken, RenderControl};
use packshot_renderer::import::ImportOptions;
use packshot_renderer::scene::{SceneLight, SceneLightKind};
use packshot_renderer::shot::Shot;
use packshot_renderer::shot::request::{LightChoice, ShotRequest};
use packshot_renderer::shot::rig::RigName;
use packshot_renderer::shot::turntable::{TurnMode, Turntable};

/// The sample bearing, and lights of the file around it.
fn product() -> Product {
    let sample = packshot_renderer::sample::bearing();
    let (options, cancel) = (ImportOptions::default(), CancelToken::default());
    let mut product = Product::import(&sample.glb, &options, &PartFilter::default(), &cancel).expect("sound");
    // At the origin's side that `at` says, shining at it.
    let lamp = |at: DVec3, kind| SceneLight {
        name: None,
        world_from_light: DAffine3::from_rotation_translation(DQuat::from_rotation_arc(DVec3::Z, at.normalize()), at),
        intensity: [0.02, 0.015, 0.01],
        kind,
    };
    product.scene.lights = vec![
        lamp(DVec3::new(0.1, 0.05, 0.1), SceneLightKind::Point),
        lamp(DVec3::new(-0.1, 0.15, 0.0), SceneLightKind::Spot { inner_cone_rad: 0.2, outer_cone_rad: 0.4 }),
        lamp(DVec3::new(0.0, 0.1, 0.2), SceneLightKind::Directional),
    ];
    product
}

fn render(renderer: &Renderer, product: &Product, shot: Shot) -> Picture {
    let materials = PartMaterials::resolve(product, &MaterialRequest::default());
    let cancel = CancelToken::default();
    let ready = renderer.load(product, &materials, shot, NeededVersions::SAMPLED, &cancel).expect("room");
    ready.render(&RenderControl::new(&cancel)).expect("nobody cancels")
}

/// Means over both pictures of the difference and of the value, of all channels.
fn difference(a: &Picture, b: &Picture) -> f64 {
    let (a, b) = (a.linear.rgba.as_flattened(), b.linear.rgba.as_flattened());
    let apart: f64 = a.iter().zip(b).map(|(a, b)| f64::from((a - b).abs())).sum();
    apart / a.iter().map(|&value| f64::from(value)).sum::<f64>()
}

#[test]
fn a_frame_shows_what_the_turned_product_shows() {
    let renderer = Renderer::new(&DeviceRequest::Cpu, RendererOptions::default()).expect("the CPU");
    let product = product();
    for light in [LightChoice::Rig(RigName::StudioContrast), LightChoice::SceneLights] {
        let mut request = ShotRequest { light, ..ShotRequest::default() };
        let film = &mut request.film;
        (film.width_px, film.height_px, film.samples, film.noise_threshold) = (64, 64, 64, 0.0);
        let table = Turntable { frames: 9, start_deg: 10.0, ..Turntable::default() };
        let (shots, _) = table.shots(&request, &product.scene).expect("a product");
        let (shot, center) = (shots.shot().clone(), product.scene.bounds().expect("parts"));
        let center = 0.5 * (center.min + center.max);
        for frame in [0, 2] {
            let turn = DAffine3::from_rotation_y(table.angle_deg(frame).to_radians());
            let turn = DAffine3 { translation: center - turn.matrix3 * center, ..turn };
            let mut turned = product.clone();
            for part in &mut turned.scene.parts {
                part.world_from_part = turn * part.world_from_part;
            }
            let (expected, shown) =
                (render(&renderer, &turned, shot.clone()), render(&renderer, &product, shots.frame(frame)));
            // The same samples meet the same points but for rounding, which tips the balance at edges and in chains of
            // reflections.
            let apart = difference(&expected, &shown);
            assert!(apart < 0.02, "frame {frame} is off by {apart}");
            // Light that had stayed with the product would show.
            let orbit = Turntable { mode: TurnMode::Orbit, ..table };
            let (orbit, _) = orbit.shots(&request, &product.scene).expect("a product");
            let around = difference(&expected, &render(&renderer, &product, orbit.frame(frame)));
            assert!(around > 2.0 * apart.max(0.02), "frame {frame} of an orbit differs by {around} only");
        }
    }
}
