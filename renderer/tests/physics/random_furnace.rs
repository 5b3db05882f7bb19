//! White furnace with random materials: everything that a file or a library can say of a material, in any combination,
//! on several shapes and in each other. Nothing may gain light, and what loses none is 1.
//!
//! `PACKSHOT_FURNACES` is how many (60), `PACKSHOT_FURNACE_SEED` the first (0). Of one that is wrong, members are left
//! out one by one as long as it stays wrong.

use std::sync::Arc;

use glam::{DAffine3, DVec3, Vec2, Vec3};
use packshot_renderer::backend::{CancelToken, RenderControl};
use packshot_renderer::film::Film;
use packshot_renderer::look::Look;
use packshot_renderer::prepare::{PaletteEntry, PartMaterial};
use packshot_renderer::scene::{Image, MaterialIdx, Primitive, Scene, Texture, Wrap};
use packshot_renderer::shot::{Bounces, Environment};
use rayon::prelude::*;

use self::members::{Draw, Finding, Member, judged};
use crate::lossless::{cup, texture_of};
use crate::scenes::{cube, load, scene, shot, sphere};

pub(crate) mod members;

/// How exactly a mean is wanted.
const ERROR_MAX: f64 = 0.003;
/// Samples of a pixel, and how many of them at a time.
const SAMPLES_MAX: u32 = 4096;
const BATCH: u32 = 32;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Shape {
    Sphere,
    SmoothSphere,
    Cube,
    SmoothCup,
    /// One sphere inside another.
    Nested,
}

/// What is rendered: a list of members for each part.
#[derive(Clone, Debug)]
struct Furnace {
    shape: Shape,
    reading: Reading,
    parts: Vec<Vec<Member>>,
}

/// Who reads the members.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Reading {
    /// A file's own material, in a look.
    File(Look),
    /// OpenPBR, as libraries have it.
    Library,
}

impl Furnace {
    fn drawn(seed: u64) -> Self {
        let mut draw = Draw::new(seed);
        let shapes = [Shape::Sphere, Shape::SmoothSphere, Shape::Cube, Shape::SmoothCup, Shape::Nested];
        let readings = [Reading::File(Look::Gltf), Reading::File(Look::Blender50), Reading::Library];
        let (shape, reading) = (draw.one_of(&shapes), draw.one_of(&readings));
        let n_parts = if shape == Shape::Nested { 2 } else { 1 };
        let parts = (0..n_parts).map(|_| members::drawn(&mut draw, reading)).collect();
        Self { shape, reading, parts }
    }

    fn primitives(&self) -> Vec<Primitive> {
        let inner = || {
            let mut inner = sphere(12, false);
            inner.positions.iter_mut().for_each(|position| *position *= 0.6);
            inner
        };
        match self.shape {
            Shape::Sphere => vec![sphere(16, false)],
            Shape::SmoothSphere => vec![sphere(16, true)],
            Shape::Cube => vec![cube()],
            Shape::SmoothCup => vec![cup(true)],
            Shape::Nested => vec![sphere(16, false), inner()],
        }
    }

    fn film(&self, seed: u32) -> Film {
        let with_coordinates = |primitive: Primitive| {
            let uvs = [primitive.positions.iter().map(|p| Vec2::new(p.x, p.y)).collect(), Vec::new()];
            // A direction for brushed facets and normal maps.
            let tangents = primitive.positions.iter().map(|p| p.cross(Vec3::Y).try_normalize().unwrap_or(Vec3::X));
            let tangents = tangents.map(|tangent| tangent.extend(1.0)).collect();
            Primitive { tangents, uvs, ..primitive }
        };
        let primitives: Vec<Primitive> = self.primitives().into_iter().map(with_coordinates).collect();
        let places: Vec<(u32, DAffine3)> = (0..primitives.len() as u32).map(|i| (i, DAffine3::IDENTITY)).collect();
        let mut scene: Scene = scene(primitives, &places);
        let mut palette = Vec::new();
        let mut worn = Vec::new();
        for (i, members) in self.parts.iter().enumerate() {
            match self.reading {
                Reading::File(look) => {
                    scene.look = look;
                    let material = members::of_file(members, |texels| {
                        let image = Arc::new(Image { width_px: 2, height_px: 1, rgba8: texels.to_vec() });
                        scene.textures.push(Texture { image, wrap: [Wrap::Repeat; 2], nearest: true });
                        texture_of(scene.textures.len() as u32 - 1)
                    });
                    scene.materials.push(material);
                    scene.meshes[i].primitives[0].material = Some(MaterialIdx(i as u32));
                    worn.push(PartMaterial::Own);
                }
                Reading::Library => {
                    palette.push(PaletteEntry::from(members::of_library(members)));
                    worn.push(PartMaterial::Palette(i));
                }
            }
        }
        let mut shot = shot(DVec3::new(0.3, 0.9, 3.0), 2.4, 24, BATCH);
        shot.environment = Environment::Uniform { radiance: [1.0; 3] };
        shot.film.bounces = Bounces::all(1000);
        shot.film.seed = seed;
        load(&scene, &palette, &worn, &shot, 1).render(&RenderControl::new(&CancelToken::default()))
    }

    /// Mean radiance of each channel over what the camera sees of the product, and the standard error of the largest;
    /// `None` if it stays too large.
    fn mean(&self) -> Option<DVec3> {
        let mut means: Vec<DVec3> = Vec::new();
        for seed in 0..SAMPLES_MAX / BATCH {
            let pixels = self.film(seed).resolve();
            // Where coverage is partial, what is behind it is as white.
            let sum = pixels.iter().map(|p| DVec3::new(p[0].into(), p[1].into(), p[2].into())).sum::<DVec3>();
            let covered: f64 = pixels.iter().map(|p| f64::from(p[3])).sum();
            means.push(sum / covered.max(1e-9));
            let n = means.len() as f64;
            let mean = means.iter().sum::<DVec3>() / n;
            let variance = means.iter().map(|m| (*m - mean).powf(2.0)).sum::<DVec3>() / (n - 1.0).max(1.0);
            if !mean.is_finite() || means.len() >= 4 && (variance.max_element() / n).sqrt() < ERROR_MAX {
                return Some(mean);
            }
        }
        None
    }

    /// What is wrong with it; `None` if it cannot be decided.
    fn fault(&self) -> Option<Option<String>> {
        let mean = self.mean()?;
        let is_smooth = matches!(self.shape, Shape::SmoothSphere | Shape::SmoothCup);
        let least = match self.parts.iter().map(|members| judged(members, self.reading)).max() {
            Some(Finding::Lossless) if is_smooth => 0.98,
            Some(Finding::Lossless) => 0.99,
            _ => 0.0,
        };
        let is_right =
            mean.is_finite() && mean.min_element() >= least - ERROR_MAX && mean.max_element() <= 1.01 + ERROR_MAX;
        Some((!is_right).then(|| format!("{mean:.4} is not {least} to 1.01: {self:?}")))
    }

    /// The same without any member that it stays wrong without.
    fn minimised(mut self) -> Self {
        'again: loop {
            for part in 0..self.parts.len() {
                for at in 0..self.parts[part].len() {
                    let mut less = self.clone();
                    less.parts[part].remove(at);
                    if matches!(less.fault(), Some(Some(_))) {
                        self = less;
                        continue 'again;
                    }
                }
            }
            return self;
        }
    }
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |value| value.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

#[test]
fn random_materials_gain_no_light_and_white_ones_lose_none() {
    let (n, first) = (number("PACKSHOT_FURNACES", 60), number("PACKSHOT_FURNACE_SEED", 0));
    let outcomes: Vec<(u64, Option<Option<String>>)> =
        (first..first + n).into_par_iter().map(|seed| (seed, Furnace::drawn(seed).fault())).collect();
    let wrong: Vec<String> = outcomes
        .par_iter()
        .filter(|(_, fault)| matches!(fault, Some(Some(_))))
        .map(|(seed, _)| {
            let fault = Furnace::drawn(*seed).minimised().fault().flatten().unwrap_or_default();
            format!("seed {seed}: {fault}")
        })
        .collect();
    let undecided: Vec<u64> = outcomes.iter().filter(|(_, fault)| fault.is_none()).map(|(seed, _)| *seed).collect();
    println!("{n} random materials: {} wrong, {} not decided {undecided:?}", wrong.len(), undecided.len());
    assert!(wrong.is_empty(), "{} of {n} are wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert!(undecided.len() as u64 <= n.div_ceil(50), "{} of {n} are not decided", undecided.len());
}
