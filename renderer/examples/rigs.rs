//! Shows every light rig: its map, and a mirror, satin steel, rough steel, a grey and a white ball and a steel ring in
//! it.
//!
//! `cargo run -p packshot-renderer --example rigs -- FOLDER`
//!
//! Shading is brute-force integration over the map, without the renderer: a rig is judged by itself. The display curve
//! is a plain logistic in stops, near to AgX.

use std::fs::File;
use std::io::BufWriter;
use std::path::Path;

use glam::{Vec3, vec3};
use packshot_renderer::shot::EnvironmentMap;
use packshot_renderer::shot::rig::RigName;
use packshot_words::Word;
use rayon::prelude::*;

const STEEL: Vec3 = vec3(0.530, 0.513, 0.494);
const TILE_PX: usize = 240;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args().nth(1).unwrap_or_else(|| ".".to_owned());
    for (name, rig) in RigName::pairs() {
        let Some(map) = rig.map() else { continue };
        let pixels: Vec<Vec3> = map.rgb.iter().map(|&rgb| Vec3::from(rgb)).collect();
        write_png(&Path::new(&folder).join(format!("{name}_map.png")), &pixels, map.width_px as usize)?;
        let width = 3 * TILE_PX;
        let shown: Vec<Vec3> = (0..2 * TILE_PX * width)
            .into_par_iter()
            .map(|i| {
                let (x, y) = (i % width, i / width);
                let at = |v: usize| ((v % TILE_PX) as f32 + 0.5) / TILE_PX as f32 * 2.2 - 1.1;
                preview(&map, x / TILE_PX + 3 * (y / TILE_PX), at(x), -at(y))
            })
            .collect();
        write_png(&Path::new(&folder).join(format!("{name}_balls.png")), &shown, width)?;
    }
    Ok(())
}

/// One point of one tile: balls of six materials, the last place taken by a ring.
fn preview(map: &EnvironmentMap, tile: usize, x: f32, y: f32) -> Vec3 {
    let (back, up) = (vec3(0.0, 0.342, 0.940), vec3(0.0, 0.940, -0.342));
    if tile == 5 {
        return ring(map, x * Vec3::X + y * up, back);
    }
    let radius_squared = x * x + y * y;
    if radius_squared > 1.0 {
        return Vec3::ONE;
    }
    let normal = x * Vec3::X + y * up + (1.0 - radius_squared).sqrt() * back;
    match tile {
        0 => STEEL * lookup(map, reflect(back, normal)),
        1 => STEEL * glossy(map, back, normal, 0.2),
        2 => STEEL * glossy(map, back, normal, 0.4),
        3 => 0.18 * diffuse(map, normal),
        _ => 0.8 * diffuse(map, normal) * 0.96 + 0.04 * glossy(map, back, normal, 0.2),
    }
}

/// A steel ring that looks to the right, with bevelled edges, and reflects itself once.
fn ring(map: &EnvironmentMap, on_film: Vec3, back: Vec3) -> Vec3 {
    let distance = |p: Vec3| {
        let axis = vec3(-0.574, 0.0, 0.819);
        let along = p.dot(axis);
        let across = (p - along * axis).length();
        let (dx, dy) = ((across - 0.66).abs() - 0.19, along.abs() - 0.22);
        (dx.max(0.0).hypot(dy.max(0.0)) + dx.max(dy).min(0.0)) - 0.04
    };
    let march = |from: Vec3, toward: Vec3| {
        let mut t = 0.0;
        while t < 8.0 {
            let step = distance(from + t * toward);
            if step < 3e-4 {
                return Some(from + t * toward);
            }
            t += step.max(1e-4);
        }
        None
    };
    let normal = |p: Vec3| {
        let slope = |axis: Vec3| distance(p + 1e-3 * axis) - distance(p - 1e-3 * axis);
        vec3(slope(Vec3::X), slope(Vec3::Y), slope(Vec3::Z)).normalize_or(Vec3::Y)
    };
    let Some(hit) = march(on_film + 3.0 * back, -back) else { return Vec3::ONE };
    let n = normal(hit);
    let toward = reflect(back, n);
    match march(hit + 5e-3 * n, toward) {
        None => STEEL * glossy(map, back, n, 0.2),
        Some(second) => STEEL * STEEL * glossy(map, -toward, normal(second), 0.2),
    }
}

fn reflect(toward: Vec3, normal: Vec3) -> Vec3 {
    2.0 * toward.dot(normal) * normal - toward
}

/// Bilinear between the rows and columns of the map.
fn lookup(map: &EnvironmentMap, d: Vec3) -> Vec3 {
    use std::f32::consts::{PI, TAU};
    let (width, height) = (map.width_px as usize, map.height_px as usize);
    let x = (0.5 + d.z.atan2(d.x) / TAU) * width as f32 - 0.5;
    let y = (d.y.clamp(-1.0, 1.0).acos() / PI * height as f32 - 0.5).clamp(0.0, (height - 1) as f32);
    let texel = |i: f32, j: f32| {
        let (i, j) = (i.rem_euclid(width as f32) as usize % width, (j as usize).min(height - 1));
        Vec3::from(map.rgb[j * width + i])
    };
    let row = |j: f32| texel(x.floor(), j).lerp(texel(x.floor() + 1.0, j), x - x.floor());
    row(y.floor()).lerp(row(y.floor() + 1.0), y - y.floor())
}

fn frame(normal: Vec3) -> (Vec3, Vec3) {
    normal.any_orthonormal_pair()
}

/// The n-th of 256 points of the Hammersley set.
fn hammersley(n: u32) -> (f32, f32) {
    (n as f32 / 256.0, n.reverse_bits() as f32 / 4_294_967_296.0)
}

/// Radiance reflected by a rough metal of F0 1: GGX half vectors, weighted by the cosine.
fn glossy(map: &EnvironmentMap, toward: Vec3, normal: Vec3, roughness: f32) -> Vec3 {
    let alpha_squared = roughness.powi(4);
    let (tangent, bitangent) = frame(normal);
    let (mut sum, mut weights) = (Vec3::ZERO, 0.0);
    for (u, v) in (0..256).map(hammersley) {
        let cos = ((1.0 - v) / (1.0 + (alpha_squared - 1.0) * v)).sqrt();
        let sin = (1.0 - cos * cos).max(0.0).sqrt();
        let (sin_turn, cos_turn) = (u * std::f32::consts::TAU).sin_cos();
        let half = sin * cos_turn * tangent + sin * sin_turn * bitangent + cos * normal;
        let direction = reflect(toward, half);
        let weight = direction.dot(normal).max(0.0);
        sum += weight * lookup(map, direction);
        weights += weight;
    }
    sum / f32::max(weights, 1e-6)
}

/// Irradiance over π.
fn diffuse(map: &EnvironmentMap, normal: Vec3) -> Vec3 {
    let (tangent, bitangent) = frame(normal);
    let sample = |(u, v): (f32, f32)| {
        let (sin_turn, cos_turn) = (u * std::f32::consts::TAU).sin_cos();
        lookup(map, v.sqrt() * (cos_turn * tangent + sin_turn * bitangent) + (1.0 - v).sqrt() * normal)
    };
    (0..256).map(hammersley).map(sample).sum::<Vec3>() / 256.0
}

fn write_png(path: &Path, pixels: &[Vec3], width: usize) -> Result<(), Box<dyn std::error::Error>> {
    // Middle grey at half height, 16.5 stops from black to white.
    let curve = |v: f32| 255.0 / (1.0 + (-8.8 * ((v.max(1e-6) / 0.18).log2() / 16.5)).exp());
    let bytes: Vec<u8> = pixels.iter().flat_map(|v| v.to_array()).map(|v| curve(v).round() as u8).collect();
    let (width, height) = (u32::try_from(width)?, u32::try_from(pixels.len() / width)?);
    let mut encoder = png::Encoder::new(BufWriter::new(File::create(path)?), width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.write_header()?.write_image_data(&bytes)?;
    Ok(())
}
