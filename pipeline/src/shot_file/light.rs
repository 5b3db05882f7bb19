//! Lights with a position or a direction, and the environment.

use std::f64::consts::FRAC_PI_2;
use std::sync::Arc;

use glam::DVec3;
use packshot_json::{FaultKind, Node, Range, single};
use packshot_renderer::diagnostic::Diagnostic;
use packshot_renderer::shot::{Environment, EnvironmentMap, Light, SpotFalloff, environment};
use serde_json::{Value, json};

use super::angle::{degrees, degrees_single, radians_single};
use super::named::{FileReference, NamedFile, Open};
use super::read::members;
use super::{Version, pose};
use crate::error::{Error, ErrorKind, Fault};

#[derive(Clone, Copy)]
enum Kind {
    Rect,
    Point,
    Directional,
    Spot,
}

const KINDS: [(&str, Kind); 4] =
    [("rect", Kind::Rect), ("point", Kind::Point), ("directional", Kind::Directional), ("spot", Kind::Spot)];
#[derive(Clone, Copy)]
enum EnvironmentKind {
    None,
    Uniform,
    LatLong,
}

const ENVIRONMENT_KINDS: [(&str, EnvironmentKind); 3] =
    [("none", EnvironmentKind::None), ("uniform", EnvironmentKind::Uniform), ("latlong", EnvironmentKind::LatLong)];
const FALLOFFS: [(&str, SpotFalloff); 2] = [("squared", SpotFalloff::Squared), ("smooth", SpotFalloff::Smooth)];

pub(super) fn read(node: &Node<'_>, version: Version) -> Option<Light> {
    let mut m = members(node)?;
    let known = if version == Version::One { &KINDS[..3] } else { &KINDS[..] };
    let light = match m.require("kind").and_then(|node| node.choice(known))? {
        Kind::Rect => {
            let world_from_light = pose::read(&mut m, "world_from_light");
            let width_m = m.require("width_m").and_then(|node| node.number(Range::POSITIVE));
            let height_m = m.require("height_m").and_then(|node| node.number(Range::POSITIVE));
            let radiance = m.require("radiance").and_then(|node| node.singles(Range::NOT_NEGATIVE));
            m.finish();
            Light::Rect {
                world_from_light: world_from_light?,
                width_m: width_m?,
                height_m: height_m?,
                radiance: radiance?,
            }
        }
        Kind::Point => {
            let position_m = m.require("position_m").and_then(|node| node.numbers(Range::ANY));
            let intensity = m.require("intensity").and_then(|node| node.singles(Range::NOT_NEGATIVE));
            m.finish();
            Light::Point { position_m: DVec3::from(position_m?), intensity: intensity? }
        }
        Kind::Directional => {
            let direction = m.require("direction").and_then(|node| pose::direction(&node));
            let irradiance = m.require("irradiance").and_then(|node| node.singles(Range::NOT_NEGATIVE));
            let half_angle_rad = match version {
                Version::One => Some(0.0),
                Version::Two => m.read_or("half_angle_deg", 0.0, |node| half_angle(&node)),
            };
            m.finish();
            Light::Directional { direction: direction?, irradiance: irradiance?, half_angle_rad: half_angle_rad? }
        }
        Kind::Spot => {
            let world_from_light = pose::read(&mut m, "world_from_light");
            let intensity = m.require("intensity").and_then(|node| node.singles(Range::NOT_NEGATIVE));
            let inner_cone_rad = m.read_or("inner_cone_deg", 0.0, |node| angle(&node));
            let outer_cone_rad = m.require("outer_cone_deg").and_then(|node| angle(&node));
            if inner_cone_rad.zip(outer_cone_rad).is_some_and(|(inner, outer)| inner >= outer) {
                m.report("inner_cone_deg", FaultKind::Range, "the inner cone must be narrower than the outer one");
            }
            let falloff = m.read_or("falloff", SpotFalloff::Squared, |node| node.choice(&FALLOFFS));
            m.finish();
            Light::Spot {
                world_from_light: world_from_light?,
                intensity: intensity?,
                inner_cone_rad: inner_cone_rad?,
                outer_cone_rad: outer_cone_rad?,
                falloff: falloff?,
            }
        }
    };
    Some(light)
}

/// An angle of 0 to 90 degrees.
fn angle(node: &Node<'_>) -> Option<f32> {
    node.number(Range::between(0.0, 90.0)).map(radians_single)
}

/// Half the angle that a distant light subtends, less than 90 degrees.
fn half_angle(node: &Node<'_>) -> Option<f32> {
    match radians_single(node.number(Range::ANY)?) {
        rad if rad >= 0.0 && f64::from(rad) < FRAC_PI_2 => Some(rad),
        _ => node.refuse(FaultKind::Range, "expected at least 0 and less than 90"),
    }
}

pub(super) fn write(light: &Light, version: Version) -> Value {
    let color = |color: &[f32; 3]| Value::Array(color.iter().map(|&channel| single(channel)).collect());
    match light {
        Light::Rect { world_from_light, width_m, height_m, radiance } => json!({
            "kind": "rect",
            "world_from_light": pose::write(world_from_light),
            "width_m": width_m,
            "height_m": height_m,
            "radiance": color(radiance),
        }),
        Light::Point { position_m, intensity } => {
            json!({"kind": "point", "position_m": position_m.to_array(), "intensity": color(intensity)})
        }
        Light::Directional { direction, irradiance, half_angle_rad } => {
            let mut light = json!({
                "kind": "directional",
                "direction": direction.to_array(),
                "irradiance": color(irradiance),
            });
            if version == Version::Two {
                light["half_angle_deg"] = degrees_single(*half_angle_rad).into();
            }
            light
        }
        Light::Spot { world_from_light, intensity, inner_cone_rad, outer_cone_rad, falloff } => json!({
            "kind": "spot",
            "world_from_light": pose::write(world_from_light),
            "intensity": color(intensity),
            "inner_cone_deg": degrees_single(*inner_cone_rad),
            "outer_cone_deg": degrees_single(*outer_cone_rad),
            "falloff": FALLOFFS.iter().find(|(_, known)| known == falloff).map(|(word, _)| word),
        }),
    }
}

/// An environment whose map is not opened yet.
#[derive(Clone, Debug)]
pub(super) enum NamedEnvironment {
    None,
    Uniform { radiance: [f32; 3] },
    LatLong { file: NamedFile, rotation_x_rad: f64, rotation_y_rad: f64, strength: f32 },
}

pub(super) fn read_environment(node: &Node<'_>, version: Version) -> Option<NamedEnvironment> {
    let mut m = members(node)?;
    let environment = match m.require("kind").and_then(|node| node.choice(&ENVIRONMENT_KINDS))? {
        EnvironmentKind::None => Some(NamedEnvironment::None),
        EnvironmentKind::Uniform => {
            let radiance = m.require("radiance").and_then(|node| node.singles(Range::NOT_NEGATIVE));
            radiance.map(|radiance| NamedEnvironment::Uniform { radiance })
        }
        EnvironmentKind::LatLong => {
            let file = NamedFile::read(&mut m, &[".exr", ".hdr"]);
            let rotation_x_deg = match version {
                Version::One => Some(0.0),
                Version::Two => m.read_or("rotation_x_deg", 0.0, |node| node.number(Range::ANY)),
            };
            let rotation_y_deg = m.read_or("rotation_y_deg", 0.0, |node| node.number(Range::ANY));
            let strength = m.read_or("strength", 1.0, |node| node.single(Range::NOT_NEGATIVE));
            match (file, rotation_x_deg, rotation_y_deg, strength) {
                (Some(file), Some(rotation_x_deg), Some(rotation_y_deg), Some(strength)) => {
                    let [rotation_x_rad, rotation_y_rad] = [rotation_x_deg, rotation_y_deg].map(f64::to_radians);
                    Some(NamedEnvironment::LatLong { file, rotation_x_rad, rotation_y_rad, strength })
                }
                _ => None,
            }
        }
    };
    m.finish();
    environment
}

/// The map of a shot, which all its pictures share.
#[derive(Default)]
pub(super) struct Maps {
    one: Option<(Arc<EnvironmentMap>, FileReference)>,
    pub(super) diagnostics: Vec<Diagnostic>,
}

impl Maps {
    /// The environment with its map, and the reference to the map's file.
    pub(super) fn load(
        &mut self,
        named: NamedEnvironment,
        open: Open<'_>,
    ) -> Result<(Environment, Option<FileReference>), Error> {
        match named {
            NamedEnvironment::None => Ok((Environment::None, None)),
            NamedEnvironment::Uniform { radiance } => Ok((Environment::Uniform { radiance }, None)),
            NamedEnvironment::LatLong { file, rotation_x_rad, rotation_y_rad, strength } => {
                let (map, reference) = match &self.one {
                    Some((map, reference)) if reference.path == file.path => {
                        file.check(reference)?;
                        (map.clone(), reference.clone())
                    }
                    Some((_, FileReference { path, .. })) => {
                        let fault =
                            Fault::new("shot.conflict", format!("the shot already has the environment map {path:?}"));
                        let help = "use one map for all of its pictures; each may rotate it";
                        return Err(Error::new(ErrorKind::Input, fault.at(&file.at).help(help)));
                    }
                    None => {
                        let (bytes, reference) = file.load(open)?;
                        let (map, found) = environment::decode(&bytes, &file.at)?;
                        self.diagnostics.extend(found);
                        let kept = self.one.insert((Arc::new(map), reference));
                        kept.clone()
                    }
                };
                Ok((Environment::LatLong { map, rotation_x_rad, rotation_y_rad, strength }, Some(reference)))
            }
        }
    }
}

/// The environment, with the map by the name of its file.
///
/// # Errors
/// `internal` for a map without a file.
pub(super) fn write_environment(environment: &Environment, file: Option<&FileReference>) -> Result<Value, Error> {
    match (environment, file) {
        (Environment::None, _) => Ok(json!({"kind": "none"})),
        (Environment::Uniform { radiance }, _) => Ok(json!({"kind": "uniform", "radiance": radiance.map(single)})),
        (
            Environment::LatLong { rotation_x_rad, rotation_y_rad, strength, .. },
            Some(FileReference { path, blake3 }),
        ) => {
            let mut environment = json!({
                "kind": "latlong",
                "path": path,
                "rotation_y_deg": degrees(*rotation_y_rad),
                "strength": single(*strength),
                "blake3": blake3,
            });
            if *rotation_x_rad != 0.0 {
                environment["rotation_x_deg"] = degrees(*rotation_x_rad).into();
            }
            Ok(environment)
        }
        (Environment::LatLong { .. }, None) => {
            Err(Error::new(ErrorKind::Internal, Fault::new("internal", "the environment map of the shot has no file")))
        }
    }
}
