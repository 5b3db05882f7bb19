//! Cameras.

use packshot_json::{FaultKind, Node, Range, single};
use packshot_renderer::shot::{Aperture, Bounces, Camera, FilmSettings, MAX_BOUNCES, PixelFilter, Projection};
use serde_json::{Map, Value, json};

use super::read::{members, nullable};
use super::{Version, angle, pose};

pub(super) fn read(node: &Node<'_>, version: Version) -> Option<Camera> {
    let mut m = members(node)?;
    let is_perspective =
        m.require("type").and_then(|node| node.choice(&[("perspective", true), ("orthographic", false)]));
    let world_from_camera = pose::read(&mut m, "world_from_camera");
    let projection = match is_perspective {
        Some(true) => {
            let fov_y_deg = m.require("fov_y_deg").and_then(|node| node.number(Range::positive_to(179.0)));
            fov_y_deg.map(|fov_y_deg| Projection::Perspective { fov_y_rad: fov_y_deg.to_radians() })
        }
        Some(false) => {
            let height_m = m.require("height_m").and_then(|node| node.number(Range::POSITIVE));
            height_m.map(|height_m| Projection::Orthographic { height_m })
        }
        None => None,
    };
    let aperture = match (version, is_perspective) {
        (Version::Two, Some(true)) => m.read_or("aperture", None, |node| nullable(&node, read_aperture)),
        _ => Some(None),
    };
    let clip_near_m = m.read_or("clip_near_m", 1e-4, |node| node.number(Range::POSITIVE));
    let clip_far_m = m.read_or("clip_far_m", 1e4, |node| node.number(Range::POSITIVE));
    if clip_near_m.zip(clip_far_m).is_some_and(|(near_m, far_m)| near_m >= far_m) {
        m.report("clip_near_m", FaultKind::Range, "clip_near_m must be less than clip_far_m");
    }
    m.finish();
    Some(Camera {
        world_from_camera: world_from_camera?,
        projection: projection?,
        aperture: aperture?,
        clip_near_m: clip_near_m?,
        clip_far_m: clip_far_m?,
    })
}

fn read_aperture(node: &Node<'_>) -> Option<Aperture> {
    let mut m = members(node)?;
    let radius_m = m.require("radius_m").and_then(|node| node.number(Range::POSITIVE));
    let focus_depth_m = m.require("focus_depth_m").and_then(|node| node.number(Range::POSITIVE));
    m.finish();
    Some(Aperture { radius_m: radius_m?, focus_depth_m: focus_depth_m? })
}

pub(super) fn write(camera: &Camera, version: Version) -> Value {
    let (kind, name, value) = match camera.projection {
        Projection::Perspective { fov_y_rad } => ("perspective", "fov_y_deg", angle::degrees(fov_y_rad)),
        Projection::Orthographic { height_m } => ("orthographic", "height_m", height_m),
    };
    let mut members = Map::new();
    members.insert("type".to_owned(), kind.into());
    members.insert("world_from_camera".to_owned(), pose::write(&camera.world_from_camera));
    members.insert(name.to_owned(), value.into());
    members.insert("clip_near_m".to_owned(), camera.clip_near_m.into());
    members.insert("clip_far_m".to_owned(), camera.clip_far_m.into());
    if version == Version::Two && kind == "perspective" {
        let aperture = camera
            .aperture
            .map(|Aperture { radius_m, focus_depth_m }| json!({"radius_m": radius_m, "focus_depth_m": focus_depth_m}));
        members.insert("aperture".to_owned(), json!(aperture));
    }
    Value::Object(members)
}

/// The size of the film and how its pixels are sampled.
pub(super) fn write_film(film: &FilmSettings) -> Map<String, Value> {
    let (filter, filter_width_px) = match film.filter {
        PixelFilter::Box => ("box", 1.0),
        PixelFilter::BlackmanHarris { half_width_px } => ("blackman_harris", half_width_px),
    };
    let Bounces { total, diffuse, glossy, transmission } = film.bounces;
    let members = [
        ("width", film.width_px.into()),
        ("height", film.height_px.into()),
        ("samples", film.samples.into()),
        ("noise_threshold", single(film.noise_threshold)),
        ("seed", film.seed.into()),
        ("filter", filter.into()),
        ("filter_width_px", single(filter_width_px)),
        ("max_bounces", json!({"total": total, "diffuse": diffuse, "glossy": glossy, "transmission": transmission})),
        ("clamp_direct", single(film.clamp_direct)),
        ("clamp_indirect", single(film.clamp_indirect)),
    ];
    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// One limit for all kinds of bounces, or one for each.
pub(super) fn read_bounces(node: &Node<'_>) -> Option<Bounces> {
    if !node.value().is_object() {
        return node.count(0..=MAX_BOUNCES).map(Bounces::all);
    }
    let mut m = members(node)?;
    let total = m.read_or("total", 12, |node| node.count(0..=MAX_BOUNCES));
    let mut kind = |name| m.read_or(name, total.unwrap_or(12), |node| node.count(0..=MAX_BOUNCES));
    let (diffuse, glossy, transmission) = (kind("diffuse"), kind("glossy"), kind("transmission"));
    m.finish();
    Some(Bounces { total: total?, diffuse: diffuse?, glossy: glossy?, transmission: transmission? })
}
