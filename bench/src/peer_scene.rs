//! The scene of a shot as peers read it (`docs/benchmark.md` has the format): triangles as Packshot imported them,
//! materials as parameters of OpenPBR, lights and camera as in a shot. So peers need neither a glTF importer nor a
//! reader of shots, and all render the same triangles.
//!
//! Input: a [`Subject`]. Output: `scene.json`, and beside it `scene.bin` with little-endian 4-byte words.

use std::collections::BTreeSet;
use std::f64::consts::FRAC_PI_2;
use std::fs::File;
use std::io::{self, BufWriter, Write};

use glam::{DAffine3, DVec3};
use packshot_materials::openpbr::OpenPbr;
use packshot_renderer::prepare::PartMaterial;
use packshot_renderer::scene::{MaterialIdx, Primitive};
use packshot_renderer::shot::{Background, Environment, FilmSettings, Floor, Light, PixelFilter, Projection, Sweep};
use serde_json::{Value, json};

use crate::subject::Subject;

/// The version of the format.
const SCHEMA: &str = "packshot-peer-scene/1";
/// Strips of a swept floor's quarter cylinder.
const SWEEP_STRIPS: u32 = 64;

/// Writes both files; `center` is on the axis of turntables.
///
/// # Errors
/// A file cannot be written.
pub(crate) fn write(subject: &Subject, center: DVec3) -> io::Result<()> {
    let data = subject.peer_scene.with_extension("bin");
    let mut writer = Writer { out: BufWriter::new(File::create(&data)?), words: 0, notes: BTreeSet::new() };
    let document = writer.document(subject, center)?;
    writer.out.flush()?;
    std::fs::write(&subject.peer_scene, document.to_string())
}

struct Writer {
    out: BufWriter<File>,
    /// Written so far.
    words: u64,
    /// What the scene leaves out of the shot.
    notes: BTreeSet<&'static str>,
}

impl Writer {
    fn document(&mut self, subject: &Subject, center: DVec3) -> io::Result<Value> {
        let shot = &subject.still;
        let mut materials = Materials::default();
        let (mut meshes, mut instances) = self.product(subject, &mut materials)?;
        if let Some(floor) = &shot.floor {
            let material = materials.index(&floor.openpbr);
            instances.push(json!({ "mesh": meshes.len(), "world_from_mesh": columns(&DAffine3::IDENTITY) }));
            meshes.push(self.floor(floor, material)?);
        }
        let environment = self.environment(&shot.environment)?;
        let lights: Vec<Value> = shot.lights.iter().map(light).collect();
        if shot.camera.aperture.is_some() {
            self.notes.insert("depth of field left out");
        }
        let (fov_y_deg, height_m) = match shot.camera.projection {
            Projection::Perspective { fov_y_rad } => (Some(fov_y_rad.to_degrees()), None),
            Projection::Orthographic { height_m } => (None, Some(height_m)),
        };
        Ok(json!({
            "schema": SCHEMA,
            "name": subject.name,
            "data": "scene.bin",
            "camera": {
                "world_from_camera": columns(&shot.camera.world_from_camera),
                "fov_y_deg": fov_y_deg,
                "height_m": height_m,
                "clip_m": [shot.camera.clip_near_m, shot.camera.clip_far_m],
            },
            "film": film(&shot.film),
            "environment": environment,
            "lights": lights,
            "materials": materials.values,
            "meshes": meshes,
            "instances": instances,
            "transparent": shot.background != Background::Environment,
            "turntable_center_m": center.to_array(),
            "notes": self.notes,
        }))
    }

    /// The meshes of a product, one for each primitive and material, and where they are.
    fn product(&mut self, subject: &Subject, materials: &mut Materials) -> io::Result<(Vec<Value>, Vec<Value>)> {
        let (scene, worn) = (&subject.product.scene, &subject.materials);
        let (mut meshes, mut instances) = (Vec::new(), Vec::new());
        let mut written = std::collections::HashMap::new();
        for (part, wears) in scene.parts.iter().zip(&worn.parts) {
            let mesh = part.mesh.0 as usize;
            for (i, primitive) in scene.meshes[mesh].primitives.iter().enumerate() {
                let palette = match wears {
                    PartMaterial::Own => None,
                    PartMaterial::Palette(index) => Some(*index),
                    PartMaterial::PerPrimitive(each) => each.get(i).copied().flatten(),
                };
                let openpbr = match (palette, primitive.material) {
                    (Some(index), _) => {
                        let surface = &worn.palette[index].surface;
                        if surface.bevel_mm.is_some() || surface.tangent.is_some() || !surface.detail.is_empty() {
                            self.notes.insert("fine structures left out");
                        }
                        worn.palette[index].openpbr
                    }
                    (None, Some(MaterialIdx(index))) => {
                        let own = &scene.materials[index as usize];
                        if own.textures.all().next().is_some() {
                            self.notes.insert("textures left out");
                        }
                        own.openpbr
                    }
                    (None, None) => OpenPbr::default(),
                };
                let material = materials.index(&openpbr);
                let index = match written.get(&(mesh, i, material)) {
                    Some(index) => *index,
                    None => {
                        meshes.push(self.primitive(primitive, material)?);
                        written.insert((mesh, i, material), meshes.len() - 1);
                        meshes.len() - 1
                    }
                };
                instances.push(json!({ "mesh": index, "world_from_mesh": columns(&part.world_from_part) }));
            }
        }
        Ok((meshes, instances))
    }

    fn primitive(&mut self, primitive: &Primitive, material: usize) -> io::Result<Value> {
        if !primitive.colors.is_empty() {
            self.notes.insert("vertex colours left out");
        }
        let positions = self.floats(primitive.positions.iter().map(|position| position.to_array()))?;
        let normals = match primitive.normals.is_empty() {
            true => Value::Null,
            false => self.floats(primitive.normals.iter().map(|normal| normal.to_array()))?,
        };
        let triangles = self.words(primitive.triangles.iter().map(|corners| corners.map(u32::to_le_bytes)))?;
        Ok(json!({ "positions": positions, "normals": normals, "triangles": triangles, "material": material }))
    }

    /// A floor as strips between lines across it, from its edge towards the camera on.
    fn floor(&mut self, floor: &Floor, material: usize) -> io::Result<Value> {
        if floor.catches() {
            self.notes.insert("the shadow catcher is a visible floor");
        }
        let half_m = 0.5 * floor.size_m;
        let flat = [-half_m].map(|along| (along, 0.0, DVec3::Y));
        let azimuth = floor.sweep.map_or(0.0, |sweep| sweep.azimuth_deg.to_radians());
        let towards = DVec3::new(azimuth.sin(), 0.0, azimuth.cos());
        let right = DVec3::new(azimuth.cos(), 0.0, -azimuth.sin());
        let beyond: Vec<(f64, f64, DVec3)> = floor.sweep.as_ref().map_or(flat.to_vec(), |sweep| wall(sweep, towards));
        let lines: Vec<_> = [(half_m, 0.0, DVec3::Y)].into_iter().chain(beyond).collect();
        let center = DVec3::new(floor.center_m[0], floor.y_m, floor.center_m[1]);
        let ends = |line: &(f64, f64, DVec3)| {
            [-half_m, half_m].map(|side| center + towards * line.0 + DVec3::Y * line.1 + right * side)
        };
        let positions = lines.iter().flat_map(ends).map(|point| point.as_vec3().to_array());
        let positions = self.floats(positions)?;
        let normals = self.floats(lines.iter().flat_map(|line| [line.2.as_vec3().to_array(); 2]))?;
        let strips = 0..lines.len() as u32 - 1;
        let corners = strips.flat_map(|i| [[0, 1, 3], [0, 3, 2]].map(|corners| corners.map(|corner| 2 * i + corner)));
        let triangles = self.words(corners.map(|corners| corners.map(u32::to_le_bytes)))?;
        Ok(json!({
            "positions": positions, "normals": normals, "triangles": triangles, "material": material, "floor": true,
        }))
    }

    fn environment(&mut self, environment: &Environment) -> io::Result<Value> {
        Ok(match environment {
            Environment::None => Value::Null,
            Environment::Uniform { radiance } => json!({ "radiance": radiance }),
            Environment::LatLong { map, rotation_x_rad, rotation_y_rad, strength } => json!({
                "map": [self.floats(map.rgb.iter().copied())?[0], map.height_px],
                "width": map.width_px,
                "rotation_x_deg": rotation_x_rad.to_degrees(),
                "rotation_y_deg": rotation_y_rad.to_degrees(),
                "strength": strength,
            }),
        })
    }

    /// Where rows of numbers are: the first word, and how many rows.
    fn floats(&mut self, rows: impl Iterator<Item = [f32; 3]>) -> io::Result<Value> {
        self.words(rows.map(|row| row.map(f32::to_le_bytes)))
    }

    fn words(&mut self, rows: impl Iterator<Item = [[u8; 4]; 3]>) -> io::Result<Value> {
        let (first, mut n) = (self.words, 0_u64);
        for row in rows {
            self.out.write_all(row.as_flattened())?;
            n += 1;
        }
        self.words += 3 * n;
        Ok(json!([first, n]))
    }
}

/// The lines of a sweep behind its middle: distance towards the camera, height, normal.
fn wall(sweep: &Sweep, towards: DVec3) -> Vec<(f64, f64, DVec3)> {
    let Sweep { distance_m, radius_m, height_m, .. } = *sweep;
    let arc = (0..=SWEEP_STRIPS).map(|i| {
        let turned = FRAC_PI_2 * f64::from(i) / f64::from(SWEEP_STRIPS);
        let (along, up) = (radius_m * (1.0 - turned.sin()) - distance_m, radius_m * (1.0 - turned.cos()));
        (along, up, DVec3::Y * turned.cos() + towards * turned.sin())
    });
    arc.chain([(-distance_m, height_m, towards)]).collect()
}

/// Materials without doubles.
#[derive(Default)]
struct Materials {
    values: Vec<OpenPbr>,
}

impl Materials {
    fn index(&mut self, openpbr: &OpenPbr) -> usize {
        self.values.iter().position(|known| known == openpbr).unwrap_or_else(|| {
            self.values.push(*openpbr);
            self.values.len() - 1
        })
    }
}

fn film(film: &FilmSettings) -> Value {
    let (filter, filter_width_px) = match film.filter {
        PixelFilter::Box => ("box", 1.0),
        PixelFilter::BlackmanHarris { half_width_px } => ("blackman_harris", half_width_px),
    };
    let bounces = film.bounces;
    json!({
        "width": film.width_px,
        "height": film.height_px,
        "samples": film.samples,
        "seed": film.seed,
        "filter": filter,
        "filter_width_px": filter_width_px,
        "max_bounces": {
            "total": bounces.total,
            "diffuse": bounces.diffuse,
            "glossy": bounces.glossy,
            "transmission": bounces.transmission,
        },
        "clamp_direct": film.clamp_direct,
        "clamp_indirect": film.clamp_indirect,
    })
}

fn light(light: &Light) -> Value {
    match light {
        Light::Rect { world_from_light, width_m, height_m, radiance } => json!({
            "kind": "rect", "world_from_light": columns(world_from_light),
            "width_m": width_m, "height_m": height_m, "radiance": radiance,
        }),
        Light::Point { position_m, intensity } => {
            json!({ "kind": "point", "position_m": position_m.to_array(), "intensity": intensity })
        }
        Light::Directional { direction, irradiance, half_angle_rad } => json!({
            "kind": "directional", "direction": direction.to_array(),
            "irradiance": irradiance, "half_angle_deg": half_angle_rad.to_degrees(),
        }),
        Light::Spot { world_from_light, intensity, inner_cone_rad, outer_cone_rad, falloff: _ } => json!({
            "kind": "spot", "world_from_light": columns(world_from_light), "intensity": intensity,
            "inner_cone_deg": inner_cone_rad.to_degrees(), "outer_cone_deg": outer_cone_rad.to_degrees(),
        }),
    }
}

/// 16 numbers, column by column.
fn columns(transform: &DAffine3) -> [f64; 16] {
    glam::DMat4::from(*transform).to_cols_array()
}
