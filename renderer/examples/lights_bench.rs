//! What many small lamps cost, and how much noise they leave.
//!
//! `cargo run --release -p packshot-renderer --example lights_bench [lamps] [samples]` strews lamps of 12 triangles
//! each over a field of columns and prints the rate, and the variance of a pixel's mean times the seconds: what is
//! compared at equal time.

use std::error::Error;
use std::sync::Arc;

use glam::{DAffine3, DMat3, DQuat, DVec3, Vec3};
use packshot_materials::openpbr::OpenPbr;
use packshot_renderer::backend::cpu::CpuBackend;
use packshot_renderer::backend::{Backend, CancelToken, RenderControl};
use packshot_renderer::prepare::{PartMaterial, PreparedProduct, PreparedShot, TabulatedMaps};
use packshot_renderer::scene::{Mesh, MeshIdx, Part, Primitive, Scene};
use packshot_renderer::shot::{
    Background, Bounces, Camera, Environment, FilmSettings, PixelFilter, Projection, Shot, View, ViewTransform,
};

fn main() -> Result<(), Box<dyn Error>> {
    let argument = |i: usize, default: u32| std::env::args().nth(i).map_or(Ok(default), |text| text.parse());
    let (n_lamps, samples) = (argument(1, 1000)?, argument(2, 64)?);
    let (scene, parts) = field(n_lamps);
    let grey = OpenPbr { base_color: [0.6; 3], specular_roughness: 0.4, ..OpenPbr::default() };
    let lamp = OpenPbr { emission_luminance: 20.0, emission_color: [1.0, 0.8, 0.6], base_weight: 0.0, ..grey };
    let product = Arc::new(PreparedProduct::new(&scene, &[grey.into(), lamp.into()], &parts, None, &|| false)?);
    let shot = shot(samples);
    let prepared = PreparedShot::new(&product, &shot, TabulatedMaps::default().tables(&shot.environment));
    let cancel = CancelToken::default();
    let loaded = CpuBackend::new(0, "a benchmark".to_owned())?.load(product, &cancel)?.load(prepared)?;
    for _ in 0..3 {
        let rendered = loaded.render(&RenderControl::new(&cancel))?;
        let seconds = rendered.render_time.as_secs_f64();
        let n_pixels = rendered.film.samples.len() as f64;
        let rate = n_pixels * f64::from(samples) / seconds * 1e-6;
        let pixels = rendered.film.resolve();
        let mean = pixels.iter().map(|p| f64::from(p[1])).sum::<f64>() / n_pixels;
        let mut variances = rendered.film.variance();
        variances.sort_by(f32::total_cmp);
        let variance = variances.iter().map(|&v| f64::from(v)).sum::<f64>() / n_pixels;
        let median = f64::from(variances[variances.len() / 2]);
        println!(
            "{n_lamps} lamps: {rate:.2} M samples/s, mean {mean:.4}, variance x s {:.3e}, median {:.3e}",
            variance * seconds,
            median * seconds
        );
    }
    Ok(())
}

/// A floor of 20 m with columns, and lamps of 3 cm above it.
fn field(n_lamps: u32) -> (Scene, Vec<PartMaterial>) {
    let floor =
        DAffine3::from_scale_rotation_translation(DVec3::new(10.0, 0.1, 10.0), DQuat::IDENTITY, DVec3::NEG_Y * 0.1);
    let mut placed = vec![(floor, 0)];
    // Places that look strewn and are the same in every run (Roberts' R2 sequence).
    let at = |i: u32, step: f64| 20.0 * (0.5 + f64::from(i) * step).fract() - 10.0;
    let place = |i: u32, y: f64| DVec3::new(at(i, 0.754_877_666_246_692_8), y, at(i, 0.569_840_290_998_053_3));
    placed.extend((0..200).map(|i| {
        let size = DVec3::new(0.1, 0.3 + 0.7 * f64::from(i % 7) / 7.0, 0.1);
        (
            DAffine3::from_scale_rotation_translation(
                size,
                DQuat::from_rotation_y(f64::from(i)),
                place(3 * i + 1, size.y),
            ),
            0,
        )
    }));
    placed.extend((0..n_lamps).map(|i| {
        let height = 0.2 + 1.3 * (f64::from(i) * 0.618_033_988_75).fract();
        (
            DAffine3::from_scale_rotation_translation(
                DVec3::splat(0.03),
                DQuat::from_rotation_x(f64::from(i)),
                place(i, height),
            ),
            1,
        )
    }));
    let part = |(i, &(world_from_part, _)): (usize, &(DAffine3, usize))| Part {
        node_idx: i as u32,
        path: format!("Part_{i}"),
        node_name: None,
        mesh_name: None,
        mesh: MeshIdx(0),
        cad_names: Vec::new(),
        world_from_part,
    };
    let parts = placed.iter().enumerate().map(part).collect();
    let materials = placed.iter().map(|&(_, material)| PartMaterial::Palette(material)).collect();
    (Scene { meshes: vec![Mesh { primitives: vec![cube()] }], parts, ..Scene::default() }, materials)
}

/// Of side 2.
fn cube() -> Primitive {
    let corner = |i: u32| Vec3::from_array([i & 1, i >> 1 & 1, i >> 2].map(|bit| if bit == 1 { 1.0 } else { -1.0 }));
    let quads = [[0, 4, 6, 2], [1, 3, 7, 5], [0, 1, 5, 4], [2, 6, 7, 3], [0, 2, 3, 1], [4, 5, 7, 6]];
    Primitive {
        positions: (0..8).map(corner).collect(),
        normals: Vec::new(),
        tangents: Vec::new(),
        uvs: [Vec::new(), Vec::new()],
        colors: Vec::new(),
        triangles: quads.iter().flat_map(|&[a, b, c, d]| [[a, b, c], [a, c, d]]).collect(),
        material: None,
    }
}

fn shot(samples: u32) -> Shot {
    let eye = DVec3::new(4.0, 6.0, 14.0);
    let back = eye.normalize();
    let right = DVec3::Y.cross(back).normalize();
    let axes = DMat3::from_cols(right, back.cross(right), back);
    Shot {
        camera: Camera {
            world_from_camera: DAffine3::from_mat3_translation(axes, eye),
            projection: Projection::Perspective { fov_y_rad: 0.6 },
            aperture: None,
            clip_near_m: 0.01,
            clip_far_m: 1000.0,
        },
        film: FilmSettings {
            width_px: 192,
            height_px: 192,
            samples,
            noise_threshold: 0.0,
            seed: 0,
            filter: PixelFilter::Box,
            bounces: Bounces::all(4),
            clamp_direct: 0.0,
            clamp_indirect: 0.0,
        },
        environment: Environment::None,
        lights: Vec::new(),
        floor: None,
        background: Background::Transparent,
        view: View { transform: ViewTransform::Standard, exposure_ev: 0.0 },
        lut: None,
    }
}
