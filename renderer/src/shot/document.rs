//! Shot files: `packshot-shot/1`, read strictly ([`read`]) and written completely ([`write()`](write::write)).
//!
//! Input: the bytes of a shot file, and a way to get at the files that it names. Output: a [`ShotDocument`], whose parts
//! are all checked, or the first error with its JSON pointer. Nothing is opened here, and no path is resolved.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use glam::DVec3;
use packshot_materials::openpbr::OpenPbr;
use packshot_words::Word;

pub use self::left_out::LeftOut;
use self::members::{Limits, Members, Value};
use self::parts::PartPatterns;
use super::environment;
use super::error::{ErrorCode, ShotError};
use super::{
    Background, Bounces, Camera, Environment, Film, Floor, FloorRole, Light, MAX_BOUNCES, MAX_PIXELS, MAX_SAMPLES,
    MAX_SEED, MAX_SIDE_PX, PixelFilter, Projection, Shot, Sweep, View, ViewTransform,
};
use crate::diagnostic::Diagnostic;
use crate::import::UpAxis;

mod json;
mod left_out;
mod members;
mod parameters;
pub mod parts;
mod pose;
pub mod write;

/// The only schema there is.
const SCHEMA: &str = "packshot-shot/1";
/// Half width of the Blackman-Harris filter where a shot names none: Blender's default.
const BLACKMAN_HARRIS_PX: f32 = 1.5;

/// A shot file and the files it names.
#[derive(Clone, Debug)]
pub struct ShotDocument {
    /// Its `name`, else the name given to [`read`].
    pub name: String,
    /// Which file holds the scene, and how it is read.
    pub geometry: Geometry,
    /// The bytes of that file.
    pub glb: Vec<u8>,
    /// The picture.
    pub shot: Shot,
    /// Whether its noise is to be removed.
    pub denoise: bool,
    /// Where the map of `shot.environment` came from, if it is one.
    pub environment_file: Option<FileReference>,
    /// The materials that it defines, by name.
    pub materials: BTreeMap<String, OpenPbr>,
    /// Which part gets which of them.
    pub parts: PartPatterns,
    /// What it says that it lacks of what it was dumped from.
    pub left_out: LeftOut,
    /// What was noticed about the files.
    pub diagnostics: Vec<Diagnostic>,
}

impl ShotDocument {
    /// The material of a part, by [`Part::name`](crate::scene::Part::name), or `None` where the file's own stays.
    pub fn material_of(&self, part_name: &str) -> Option<(&str, &OpenPbr)> {
        let (name, openpbr) = self.materials.get_key_value(self.parts.material_of(part_name)?)?;
        Some((name, openpbr))
    }
}

/// A file that a shot names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileReference {
    /// As the shot spells it: relative to the shot's folder, with `/`.
    pub path: String,
    /// BLAKE3 of its bytes, 64 lower-case hexadecimal digits.
    pub blake3: String,
}

/// The scene of a shot.
#[derive(Clone, Debug, PartialEq)]
pub struct Geometry {
    /// The binary glTF file.
    pub file: FileReference,
    /// Which of its axes points up.
    pub up_axis: UpAxis,
    /// Metres per unit of the file, positive.
    pub unit_scale: f64,
}

/// Options of the command line that win over members of the film.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct FilmOverrides {
    /// `width`.
    pub width_px: Option<u32>,
    /// `height`.
    pub height_px: Option<u32>,
    /// `samples`.
    pub samples: Option<u32>,
    /// `noise_threshold`.
    pub noise_threshold: Option<f32>,
    /// `seed`.
    pub seed: Option<u32>,
    /// `denoise`.
    pub denoise: Option<bool>,
}

/// Reads a shot file.
///
/// `default_name` names the shot where it does not itself (the file's name without `.json`). `open` gives the bytes of a
/// file by the path that the shot spells; it is called last, when everything else is known to be right.
///
/// # Errors
///
/// The first mistake found, with a JSON pointer in `at`; `env.…` for a broken environment map. `/film/filter_glossy` is
/// refused as unsupported when it is on.
pub fn read(
    bytes: &[u8],
    default_name: &str,
    overrides: &FilmOverrides,
    open: &mut dyn FnMut(&str) -> io::Result<Vec<u8>>,
) -> Result<ShotDocument, ShotError> {
    let mut root = Value { json: json::parse(bytes)?, at: String::new() }.members()?;
    let schema = root.required("schema")?;
    if schema.json != json::Json::from(SCHEMA) {
        return Err(ShotError::new(ErrorCode::Schema, "/schema", format!("expected {SCHEMA:?}")));
    }
    let name = root.read_or("name", default_name.to_owned(), |v| v.text())?;
    let geometry = read_geometry(root.required("geometry")?)?;
    let camera = read_camera(root.required("camera")?)?;
    let (film, denoise) = read_film(root.required("film")?, overrides)?;
    let environment = root.read_or("environment", EnvironmentMember::None, read_environment)?;
    let lights = root.read_or("lights", Vec::new(), |v| v.list()?.into_iter().map(read_light).collect())?;
    let mut left_out = LeftOut { shot: std::mem::take(&mut root.left_out), ..LeftOut::default() };
    let materials = root.read_or("materials", BTreeMap::new(), |v| {
        let read = |(name, value): (String, Value)| {
            let members = value.members()?;
            if !members.left_out.is_empty() {
                left_out.materials.insert(name.clone(), members.left_out.clone());
            }
            Ok((name, parameters::read(members)?))
        };
        v.map()?.into_iter().map(read).collect()
    })?;
    let parts = root.read_or("parts", PartPatterns::default(), |v| parts::read(v, &materials))?;
    let floor = root.read_or("floor", None, |v| match v.json {
        json::Json::Null => Ok(None),
        _ => read_floor(v, &materials).map(Some),
    })?;
    let background = root.read_or("background", Background::Transparent, read_background)?;
    let view = View { transform: ViewTransform::default(), exposure_ev: 0.0 };
    let view = root.read_or("view", view, |v| read_view(v, view))?;
    root.done()?;

    let mut diagnostics = Vec::new();
    let (glb, file) = geometry.file.load(open)?;
    let geometry = Geometry { file, up_axis: geometry.up_axis, unit_scale: geometry.unit_scale };
    let (environment, environment_file) = environment.load(open, &mut diagnostics)?;
    let shot = Shot { camera, film, environment, lights, floor, background, view, lut: None };
    Ok(ShotDocument { name, geometry, glb, shot, denoise, environment_file, materials, parts, left_out, diagnostics })
}

/// A file named by a member, not opened yet.
#[derive(Debug)]
struct FileMember {
    path: String,
    at: String,
    blake3: Option<String>,
}

impl FileMember {
    fn read(members: &mut Members, suffixes: &[&str]) -> Result<Self, ShotError> {
        let value = members.required("path")?;
        let path = value.text()?;
        let lower = path.to_ascii_lowercase();
        if !suffixes.iter().any(|suffix| lower.ends_with(suffix)) {
            return Err(value.out_of_range(format!("expected a file ending in {}", suffixes.join(" or "))));
        }
        let blake3 = members.optional("blake3").map(|v| v.text()).transpose()?;
        Ok(Self { path, at: value.at, blake3 })
    }

    fn load(self, open: &mut dyn FnMut(&str) -> io::Result<Vec<u8>>) -> Result<(Vec<u8>, FileReference), ShotError> {
        let bytes = open(&self.path).map_err(|e| {
            ShotError::new(ErrorCode::FileMissing, &self.at, format!("cannot read {:?}: {e}", self.path))
                .help("paths are relative to the folder of the shot file")
        })?;
        let blake3 = blake3::hash(&bytes).to_hex().to_string();
        if self.blake3.is_some_and(|expected| !expected.eq_ignore_ascii_case(&blake3)) {
            let message =
                format!("{:?} is not the file that the shot was made with: its BLAKE3 is {blake3}", self.path);
            let help = "give the shot its file back, or remove `blake3` to accept the new one";
            return Err(ShotError::new(ErrorCode::FileChanged, &self.at, message).help(help));
        }
        Ok((bytes, FileReference { path: self.path, blake3 }))
    }
}

struct GeometryMember {
    file: FileMember,
    up_axis: UpAxis,
    unit_scale: f64,
}

fn read_geometry(value: Value) -> Result<GeometryMember, ShotError> {
    let mut m = value.members()?;
    let file = FileMember::read(&mut m, &[".glb"])?;
    let up_axis = m.read_or("up_axis", UpAxis::Y, |v| v.word(&UpAxis::pairs()))?;
    let unit_scale = m.number_or("unit_scale", 1.0, Limits::POSITIVE)?;
    m.done()?;
    Ok(GeometryMember { file, up_axis, unit_scale })
}

fn read_camera(value: Value) -> Result<Camera, ShotError> {
    let mut m = value.members()?;
    let perspective = m.required("type")?.word(&[("perspective", true), ("orthographic", false)])?;
    let world_from_camera = pose::read(&mut m, "world_from_camera")?;
    let projection = if perspective {
        let fov_y_deg = m.required("fov_y_deg")?.number(Limits::positive_to(179.0))?;
        Projection::Perspective { fov_y_rad: fov_y_deg.to_radians() }
    } else {
        Projection::Orthographic { height_m: m.required("height_m")?.number(Limits::POSITIVE)? }
    };
    let clip_near_m = m.number_or("clip_near_m", 1e-4, Limits::POSITIVE)?;
    let clip_far_m = m.number_or("clip_far_m", 1e4, Limits::POSITIVE)?;
    if clip_near_m >= clip_far_m {
        let message = "the near plane must lie before the far plane";
        return Err(ShotError::new(ErrorCode::Range, m.pointer("clip_near_m"), message));
    }
    m.done()?;
    Ok(Camera { world_from_camera, projection, aperture: None, clip_near_m, clip_far_m })
}

/// The film, and whether noise is to be removed.
fn read_film(value: Value, overrides: &FilmOverrides) -> Result<(Film, bool), ShotError> {
    let mut m = value.members()?;
    m.set("width", overrides.width_px);
    m.set("height", overrides.height_px);
    m.set("samples", overrides.samples);
    m.set("noise_threshold", overrides.noise_threshold);
    m.set("seed", overrides.seed);
    m.set("denoise", overrides.denoise);
    let width_px = m.required("width")?.integer(1, MAX_SIDE_PX)?;
    let height_px = m.required("height")?.integer(1, MAX_SIDE_PX)?;
    if u64::from(width_px) * u64::from(height_px) > MAX_PIXELS {
        return Err(ShotError::new(ErrorCode::Range, m.pointer("width"), format!("more than {MAX_PIXELS} pixels")));
    }
    let film = Film {
        width_px,
        height_px,
        samples: m.required("samples")?.integer(1, MAX_SAMPLES)?,
        noise_threshold: m.single_or("noise_threshold", 0.0, Limits::UNIT)?,
        seed: m.read_or("seed", 0, |v| v.integer(0, MAX_SEED))?,
        filter: read_filter(&mut m)?,
        bounces: m.read_or("max_bounces", Bounces::all(12), read_bounces)?,
        clamp_direct: m.single_or("clamp_direct", 0.0, Limits::NOT_NEGATIVE)?,
        clamp_indirect: m.single_or("clamp_indirect", 0.0, Limits::NOT_NEGATIVE)?,
    };
    if m.single_or("filter_glossy", 0.0, Limits::NOT_NEGATIVE)? > 0.0 {
        return Err(unsupported(&m, "filter_glossy", "path regularisation", "set it to 0"));
    }
    let denoise = m.read_or("denoise", false, |v| v.flag())?;
    m.done()?;
    Ok((film, denoise))
}

fn unsupported(members: &Members, name: &str, what: &str, help: &str) -> ShotError {
    ShotError::new(ErrorCode::Unsupported, members.pointer(name), format!("this renderer does not have {what} yet"))
        .help(help)
}

fn read_filter(m: &mut Members) -> Result<PixelFilter, ShotError> {
    let blackman_harris = m.read_or("filter", false, |v| v.word(&[("box", false), ("blackman_harris", true)]))?;
    let default_px = if blackman_harris { BLACKMAN_HARRIS_PX } else { 1.0 };
    let half_width_px = m.single_or("filter_width_px", default_px, Limits::positive_to(16.0))?;
    match (blackman_harris, half_width_px == 1.0) {
        (true, _) => Ok(PixelFilter::BlackmanHarris { half_width_px }),
        (false, true) => Ok(PixelFilter::Box),
        (false, false) => {
            Err(ShotError::new(ErrorCode::Range, m.pointer("filter_width_px"), "a box filter is one pixel wide"))
        }
    }
}

fn read_bounces(value: Value) -> Result<Bounces, ShotError> {
    if !matches!(value.json, json::Json::Object(_)) {
        return value.integer(0, MAX_BOUNCES).map(Bounces::all);
    }
    let mut m = value.members()?;
    let total = m.read_or("total", 12, |v| v.integer(0, MAX_BOUNCES))?;
    let mut kind = |name| m.read_or(name, total, |v| v.integer(0, MAX_BOUNCES));
    let bounces =
        Bounces { total, diffuse: kind("diffuse")?, glossy: kind("glossy")?, transmission: kind("transmission")? };
    m.done()?;
    Ok(bounces)
}

enum EnvironmentMember {
    None,
    Uniform { radiance: [f32; 3] },
    LatLong { file: FileMember, rotation_y_rad: f64, strength: f32 },
}

fn read_environment(value: Value) -> Result<EnvironmentMember, ShotError> {
    let mut m = value.members()?;
    let environment = match m.required("kind")?.word(&[("none", 0), ("uniform", 1), ("latlong", 2)])? {
        0 => EnvironmentMember::None,
        1 => EnvironmentMember::Uniform { radiance: m.required("radiance")?.color(Limits::NOT_NEGATIVE)? },
        _ => EnvironmentMember::LatLong {
            file: FileMember::read(&mut m, &[".exr", ".hdr"])?,
            rotation_y_rad: m.number_or("rotation_y_deg", 0.0, Limits::ANY)?.to_radians(),
            strength: m.single_or("strength", 1.0, Limits::NOT_NEGATIVE)?,
        },
    };
    m.done()?;
    Ok(environment)
}

impl EnvironmentMember {
    fn load(
        self,
        open: &mut dyn FnMut(&str) -> io::Result<Vec<u8>>,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Result<(Environment, Option<FileReference>), ShotError> {
        match self {
            Self::None => Ok((Environment::None, None)),
            Self::Uniform { radiance } => Ok((Environment::Uniform { radiance }, None)),
            Self::LatLong { file, rotation_y_rad, strength } => {
                let at = file.at.clone();
                let (bytes, reference) = file.load(open)?;
                let (map, found) = environment::decode(&bytes, &at)?;
                diagnostics.extend(found);
                Ok((Environment::LatLong { map: Arc::new(map), rotation_y_rad, strength }, Some(reference)))
            }
        }
    }
}

fn read_light(value: Value) -> Result<Light, ShotError> {
    let mut m = value.members()?;
    let light = match m.required("kind")?.word(&[("rect", 0), ("point", 1), ("directional", 2)])? {
        0 => Light::Rect {
            world_from_light: pose::read(&mut m, "world_from_light")?,
            width_m: m.required("width_m")?.number(Limits::POSITIVE)?,
            height_m: m.required("height_m")?.number(Limits::POSITIVE)?,
            radiance: m.required("radiance")?.color(Limits::NOT_NEGATIVE)?,
        },
        1 => Light::Point {
            position_m: DVec3::from(m.required("position_m")?.numbers(Limits::ANY)?),
            intensity: m.required("intensity")?.color(Limits::NOT_NEGATIVE)?,
        },
        _ => Light::Directional {
            direction: read_direction(&m.required("direction")?)?,
            irradiance: m.required("irradiance")?.color(Limits::NOT_NEGATIVE)?,
            half_angle_rad: 0.0,
        },
    };
    m.done()?;
    Ok(light)
}

/// A unit vector. One that has unit length but for rounding is kept as it stands, so that writing and reading it again
/// changes nothing.
fn read_direction(value: &Value) -> Result<DVec3, ShotError> {
    let direction = DVec3::from(value.numbers(Limits::ANY)?);
    if direction.is_normalized() && (direction.length() - 1.0).abs() < 1e-12 {
        return Ok(direction);
    }
    let unit = pose::unit(direction);
    unit.ok_or_else(|| value.out_of_range("expected a direction, not zero"))
}

fn read_floor(value: Value, materials: &BTreeMap<String, OpenPbr>) -> Result<Floor, ShotError> {
    let mut m = value.members()?;
    let y_m = m.required("y_m")?.number(Limits::ANY)?;
    let size_m = m.required("size_m")?.number(Limits::POSITIVE)?;
    let center_m = m.read_or("center_m", [0.0; 2], |v| v.numbers(Limits::ANY))?;
    let material = m.required("material")?;
    let (at, material) = (material.at.clone(), material.text()?);
    let openpbr = *materials.get(&material).ok_or_else(|| unknown_material(&at, &material, materials))?;
    let is_catcher = m.read_or("shadow_catcher", false, |v| v.flag())?;
    let role = if is_catcher { FloorRole::Catcher } else { FloorRole::Surface };
    let sweep = m.read_or("sweep", None, |v| match v.json {
        json::Json::Null => Ok(None),
        _ => read_sweep(v).map(Some),
    })?;
    m.done()?;
    Ok(Floor { y_m, center_m, size_m, sweep, role, material, openpbr })
}

fn read_sweep(value: Value) -> Result<Sweep, ShotError> {
    let mut m = value.members()?;
    let azimuth_deg = m.required("azimuth_deg")?.number(Limits::between(-1e6, 1e6))?;
    let distance_m = m.required("distance_m")?.number(Limits::POSITIVE)?;
    let height_m = m.required("height_m")?.number(Limits::POSITIVE)?;
    let radius = m.required("radius_m")?;
    let radius_m = radius.number(Limits::POSITIVE)?;
    if radius_m > distance_m.min(height_m) {
        return Err(radius.out_of_range("expected at most distance_m and height_m"));
    }
    m.done()?;
    Ok(Sweep { azimuth_deg, distance_m, radius_m, height_m })
}

fn unknown_material(at: &str, name: &str, materials: &BTreeMap<String, OpenPbr>) -> ShotError {
    let names: Vec<&str> = materials.keys().map(String::as_str).take(20).collect();
    let help = match names.is_empty() {
        true => "define it in /materials".to_owned(),
        false => format!("/materials has {}", names.join(", ")),
    };
    ShotError::new(ErrorCode::UnknownMaterial, at, format!("no material {name:?} in /materials")).help(help)
}

fn read_background(value: Value) -> Result<Background, ShotError> {
    let mut m = value.members()?;
    let background = match m.required("kind")?.word(&[("transparent", 0), ("environment", 1), ("color", 2)])? {
        0 => Background::Transparent,
        1 => Background::Environment,
        _ => Background::Color { srgb: m.required("srgb")?.color(Limits::UNIT)? },
    };
    m.done()?;
    Ok(background)
}

fn read_view(value: Value, default: View) -> Result<View, ShotError> {
    let mut m = value.members()?;
    let view = View {
        transform: m.read_or("transform", default.transform, |v| v.word(&ViewTransform::pairs()))?,
        exposure_ev: m.single_or("exposure_ev", default.exposure_ev, Limits::between(-32.0, 32.0))?,
    };
    m.done()?;
    Ok(view)
}

#[cfg(test)]
mod tests;
