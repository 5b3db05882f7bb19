//! Writing a shot: every member with its value.

use std::collections::BTreeMap;

use glam::{DAffine3, DVec3};
use packshot_materials::openpbr::OpenPbr;
use packshot_words::Word;

use super::json::Json;
use super::parts::escaped;
use super::{FileReference, Geometry, LeftOut, SCHEMA, left_out, parameters};
use crate::shot::{Aperture, Background, Camera, Environment, Film, Floor, Light, PixelFilter, Projection, Shot, View};

/// A shot and what it does not hold itself.
#[derive(Clone, Copy, Debug)]
pub struct Dump<'a> {
    /// The shot's name.
    pub name: &'a str,
    /// The scene's file.
    pub geometry: &'a Geometry,
    /// The shot.
    pub shot: &'a Shot,
    /// Whether its noise is removed.
    pub denoise: bool,
    /// The file of `shot.environment`'s map. Without it, a map is left out and named in the comment.
    pub environment_file: Option<&'a FileReference>,
    /// What is known to be missing from a shot that was read from a file.
    pub left_out: &'a LeftOut,
    /// Every part in the scene's order: its name, and its material where it does not keep the file's own.
    pub parts: &'a [(String, Option<DumpMaterial<'a>>)],
}

/// A material of a part.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DumpMaterial<'a> {
    /// Its library id.
    pub id: &'a str,
    /// Its parameters.
    pub openpbr: &'a OpenPbr,
    /// What of it has no place in a shot, such as `"texture base_color"`.
    pub left_out: &'a [String],
}

/// The shot as text. Matrices stand for `look_at`, literal parameters for library materials, and one entry of `parts` for
/// each part name. What has no place in the format is named in a `comment`. Reading the text and writing it again gives
/// the same text.
pub fn write(dump: &Dump<'_>) -> String {
    let shot = dump.shot;
    let mut left_out = dump.left_out.shot.clone();
    let camera = write_camera(&shot.camera, &mut left_out);
    let lights = write_lights(&shot.lights, &mut left_out);
    let environment = write_environment(&shot.environment, dump.environment_file, &mut left_out);
    let (materials, parts) = write_parts(dump, &mut left_out);
    let view = write_view(shot, &mut left_out);
    let mut root = vec![member("schema", SCHEMA), member("name", dump.name)];
    if !left_out.is_empty() {
        root.push(comment(&left_out));
    }
    root.extend([
        member("geometry", write_geometry(dump.geometry)),
        member("floor", shot.floor.as_ref().map_or(Json::Null, write_floor)),
        member("camera", camera),
        member("film", write_film(&shot.film, dump.denoise)),
        member("environment", environment),
        member("lights", Json::List(lights)),
        member("materials", Json::Object(materials)),
        member("parts", Json::Object(parts)),
        member("background", write_background(&shot.background)),
        member("view", view),
    ]);
    Json::Object(root).write()
}

fn member(name: &str, value: impl Into<Json>) -> (String, Json) {
    (name.to_owned(), value.into())
}

fn object<const N: usize>(members: [(&str, Json); N]) -> Json {
    Json::Object(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

fn comment(left_out: &[String]) -> (String, Json) {
    member("comment", left_out::write(left_out).as_str())
}

fn write_geometry(geometry: &Geometry) -> Json {
    let up_axis = geometry.up_axis.word();
    object([
        ("path", geometry.file.path.as_str().into()),
        ("up_axis", up_axis.into()),
        ("unit_scale", geometry.unit_scale.into()),
        ("blake3", geometry.file.blake3.as_str().into()),
    ])
}

/// What SHOT.md does not have is written where it says something.
fn write_floor(floor: &Floor) -> Json {
    let mut members = vec![
        member("y_m", floor.y_m),
        member("size_m", floor.size_m),
        member("material", floor.material.as_str()),
        member("shadow_catcher", floor.catches()),
    ];
    if floor.center_m != [0.0; 2] {
        members.push(member("center_m", Json::List(floor.center_m.map(Json::from).into())));
    }
    if let Some(sweep) = &floor.sweep {
        let sweep = object([
            ("azimuth_deg", sweep.azimuth_deg.into()),
            ("distance_m", sweep.distance_m.into()),
            ("radius_m", sweep.radius_m.into()),
            ("height_m", sweep.height_m.into()),
        ]);
        members.push(member("sweep", sweep));
    }
    Json::Object(members)
}

fn write_camera(camera: &Camera, left_out: &mut Vec<String>) -> Json {
    if let Some(Aperture { radius_m, focus_depth_m }) = camera.aperture {
        let diameter_mm = 2e3 * radius_m;
        left_out.push(format!("the camera's aperture of {diameter_mm:.3} mm, focused at {focus_depth_m} m"));
    }
    let (kind, angle_or_height) = match camera.projection {
        Projection::Perspective { fov_y_rad } => ("perspective", ("fov_y_deg", degrees(fov_y_rad).into())),
        Projection::Orthographic { height_m } => ("orthographic", ("height_m", height_m.into())),
    };
    object([
        ("type", kind.into()),
        ("world_from_camera", write_pose(&camera.world_from_camera)),
        angle_or_height,
        ("clip_near_m", camera.clip_near_m.into()),
        ("clip_far_m", camera.clip_far_m.into()),
    ])
}

/// Column-major, 16 numbers.
fn write_pose(pose: &DAffine3) -> Json {
    let column = |v: DVec3, w: f64| [v.x, v.y, v.z, w];
    let m = &pose.matrix3;
    let columns = [column(m.x_axis, 0.0), column(m.y_axis, 0.0), column(m.z_axis, 0.0), column(pose.translation, 1.0)];
    Json::List(columns.into_iter().flatten().map(Json::from).collect())
}

fn write_film(film: &Film, denoise: bool) -> Json {
    let (filter, filter_width_px) = match film.filter {
        PixelFilter::Box => ("box", 1.0),
        PixelFilter::BlackmanHarris { half_width_px } => ("blackman_harris", half_width_px),
    };
    let bounces = object([
        ("total", film.bounces.total.into()),
        ("diffuse", film.bounces.diffuse.into()),
        ("glossy", film.bounces.glossy.into()),
        ("transmission", film.bounces.transmission.into()),
    ]);
    object([
        ("width", film.width_px.into()),
        ("height", film.height_px.into()),
        ("samples", film.samples.into()),
        ("noise_threshold", film.noise_threshold.into()),
        ("seed", film.seed.into()),
        ("filter", filter.into()),
        ("filter_width_px", filter_width_px.into()),
        ("max_bounces", bounces),
        ("clamp_direct", film.clamp_direct.into()),
        ("clamp_indirect", film.clamp_indirect.into()),
        ("filter_glossy", 0.0_f32.into()),
        ("denoise", denoise.into()),
    ])
}

fn write_environment(environment: &Environment, file: Option<&FileReference>, left_out: &mut Vec<String>) -> Json {
    match (environment, file) {
        (Environment::None, _) => object([("kind", "none".into())]),
        (Environment::Uniform { radiance }, _) => {
            object([("kind", "uniform".into()), ("radiance", (*radiance).into())])
        }
        (Environment::LatLong { rotation_y_rad, strength, .. }, Some(file)) => object([
            ("kind", "latlong".into()),
            ("path", file.path.as_str().into()),
            ("rotation_y_deg", degrees(*rotation_y_rad).into()),
            ("strength", (*strength).into()),
            ("blake3", file.blake3.as_str().into()),
        ]),
        (Environment::LatLong { .. }, None) => {
            left_out.push("the environment map, which has no file".to_owned());
            object([("kind", "none".into())])
        }
    }
}

fn write_lights(lights: &[Light], left_out: &mut Vec<String>) -> Vec<Json> {
    let mut written = Vec::new();
    for light in lights {
        written.push(match light {
            Light::Rect { world_from_light, width_m, height_m, radiance } => object([
                ("kind", "rect".into()),
                ("world_from_light", write_pose(world_from_light)),
                ("width_m", (*width_m).into()),
                ("height_m", (*height_m).into()),
                ("radiance", (*radiance).into()),
            ]),
            Light::Point { position_m, intensity } => object([
                ("kind", "point".into()),
                ("position_m", position_m.to_array().into()),
                ("intensity", (*intensity).into()),
            ]),
            Light::Directional { direction, irradiance, half_angle_rad } => {
                if *half_angle_rad > 0.0 {
                    left_out.push("the angle of a directional light".to_owned());
                }
                object([
                    ("kind", "directional".into()),
                    ("direction", direction.to_array().into()),
                    ("irradiance", (*irradiance).into()),
                ])
            }
            Light::Spot { world_from_light, .. } => {
                let at = world_from_light.translation;
                left_out.push(format!("a spot light at {}, {}, {}", at.x, at.y, at.z));
                continue;
            }
        });
    }
    written
}

type Object = Vec<(String, Json)>;

/// The materials in the order of their first use, and the parts in the scene's order. Parts of one name share an entry.
fn write_parts(dump: &Dump<'_>, left_out: &mut Vec<String>) -> (Object, Object) {
    let (mut materials, mut entries) = (Materials::default(), Object::new());
    let mut assigned: BTreeMap<&str, Option<String>> = BTreeMap::new();
    if let Some(floor) = &dump.shot.floor {
        let left_out = dump.left_out.of_material(&floor.material);
        materials.define(&DumpMaterial { id: &floor.material, openpbr: &floor.openpbr, left_out });
    }
    for (part_name, material) in dump.parts {
        let name = material.as_ref().map(|material| materials.define(material));
        match assigned.get(part_name.as_str()) {
            None => {
                entries.push((escaped(part_name), name.as_deref().map_or(Json::Null, Json::from)));
                assigned.insert(part_name, name);
            }
            Some(first) if *first != name => {
                left_out.push(format!("the material of another part that is called {part_name:?} too"));
            }
            Some(_) => {}
        }
    }
    (materials.written, entries)
}

/// Materials written so far. Should two with different parameters share an id, the later gets a number behind it.
#[derive(Default)]
struct Materials {
    written: Object,
    by_name: BTreeMap<String, OpenPbr>,
}

impl Materials {
    fn define(&mut self, material: &DumpMaterial<'_>) -> String {
        let mut name = material.id.to_owned();
        let mut n = 1_u32;
        while self.by_name.get(&name).is_some_and(|taken| taken != material.openpbr) {
            n += 1;
            name = format!("{} ({n})", material.id);
        }
        if self.by_name.insert(name.clone(), *material.openpbr).is_none() {
            let comment = (!material.left_out.is_empty()).then(|| comment(material.left_out));
            let members = comment.into_iter().chain(parameters::write(material.openpbr)).collect();
            self.written.push((name.clone(), Json::Object(members)));
        }
        name
    }
}

fn write_background(background: &Background) -> Json {
    match background {
        Background::Transparent => object([("kind", "transparent".into())]),
        Background::Environment => object([("kind", "environment".into())]),
        Background::Color { srgb } => object([("kind", "color".into()), ("srgb", (*srgb).into())]),
    }
}

/// The format knows the view transforms alone: a look of one, and a lookup table, are left out.
fn write_view(shot: &Shot, left_out: &mut Vec<String>) -> Json {
    let View { transform, exposure_ev } = shot.view;
    let plain = transform.without_look();
    if plain != transform {
        left_out.push(format!("the look of the view transform {}", transform.word()));
    }
    left_out.extend(shot.lut.as_ref().map(|lut| format!("a lookup table over {}, BLAKE3 {}", lut.input, lut.blake3)));
    object([("transform", plain.word().into()), ("exposure_ev", exposure_ev.into())])
}

/// Degrees that read back to the same radians, in the fewest digits: 20 and not 20.000000000000004.
///
/// Not every number of radians is the image of a number of degrees; the image of the nearest then stands for it.
fn degrees(rad: f64) -> f64 {
    let near = rad.to_degrees();
    let below = std::iter::successors(Some(near), |v| Some(v.next_down())).take(8);
    let above = std::iter::successors(Some(near), |v| Some(v.next_up())).take(8);
    let candidates: Vec<f64> = below.chain(above).collect();
    let exact = candidates.iter().any(|v| v.to_radians() == rad);
    let wanted = if exact { rad } else { near.to_radians() };
    let alike = candidates.into_iter().filter(|v| v.to_radians() == wanted);
    alike.min_by(|a, b| format!("{a:?}").len().cmp(&format!("{b:?}").len()).then(a.total_cmp(b))).unwrap_or(near)
}
