//! Designs that no picture shows: they face away from every camera, or other surfaces are before them.

use std::collections::BTreeMap;
use std::f64::consts::TAU;

use glam::{DVec2, DVec3};
use rayon::prelude::*;

use crate::diagnostic::{Diagnostic, Severity};
use crate::part_pattern::composed;
use crate::scene::{DesignLay, PartIdx, Scene, WornDesign};
use crate::shot::inside::box_of;
use crate::shot::sight::{POINTS_MAX, Sight, on_triangle};
use crate::shot::{self, Projection};

/// Cosine of the steepest angle at which a surface is covered, as `stage/design.wgsl` has it.
const FACING_MIN: f64 = 0.25;
/// A surface whose faces' normals add up to less than this fraction of its area is closed.
const CLOSED: f64 = 1e-3;
/// A design is unseen where not even one point in so many is seen: chamfers and threads around it may look another way.
const SEEN_OF: usize = 10;
/// Points of surfaces that are tried for being printed.
const TRIES: usize = 1 << 13;
/// Points that each of several cameras looks at, of those that all look at together.
const POINTS_OF_EACH: usize = 16;
/// How far above its surface a point is looked at, over the size of the product.
const LIFT: f64 = 1e-6;
/// Boxes and triangles that points are looked for behind, a fraction of a second's work; beyond that nothing is found.
const TESTS_MAX: usize = 1 << 26;

/// Designs whose printed surfaces face away from each of these cameras, or are hidden from each by other surfaces. What
/// those are made of is not known here: behind glass, a design is seen. Whether they are within the picture is not
/// considered.
pub fn unseen_designs(scene: &Scene, cameras: &[shot::Camera]) -> Vec<Diagnostic> {
    scene.designs.iter().filter_map(|design| of_design(scene, design, cameras)).collect()
}

fn of_design(scene: &Scene, design: &WornDesign, cameras: &[shot::Camera]) -> Option<Diagnostic> {
    let printed = printed(design)?;
    let all = || design.surfaces.iter().flat_map(|&(part, primitive)| faces(scene, design, part, primitive));
    // Texture coordinates lie on a surface that is turned inside out too, and it looks the same.
    let is_inside_out = design.lies_on_both_sides() && is_inside_out(all());
    let eyes: Vec<Camera> = cameras.iter().map(Camera::of).collect();
    // Of several parts of an area, the first that the design is on.
    let (mut on_part, mut is_faced, mut area_m2) = (None, false, 0.0);
    for &(part, primitive) in &design.surfaces {
        for face in faces(scene, design, part, primitive).filter(|face| face.covers(design, &printed)) {
            on_part.get_or_insert(part);
            area_m2 += face.area_m2();
            let face = if is_inside_out { Face { normal: -face.normal, ..face } } else { face };
            is_faced |= eyes.iter().any(|eye| eye.sees(&face));
        }
    }
    let part = on_part.filter(|_| !cameras.is_empty())?;
    let in_pictures = if cameras.len() == 1 { "in the picture" } else { "in every picture" };
    let unseen = match is_faced {
        true => why_unseen(scene, design, &points(design, &printed, all(), area_m2), cameras)?,
        false => Unseen::TurnedAway,
    };
    let (code, message) = match unseen {
        Unseen::TurnedAway => {
            let message = format!(
                "the design faces away from the camera {in_pictures}, and shows at most from behind: take another view, \
                 turn the product, or put it on another side"
            );
            ("design_turned_away", message)
        }
        Unseen::Behind(before) if before == part => {
            let message = format!(
                "the design is hidden behind other surfaces of its own part {in_pictures}, and not seen unless they \
                 are transparent: put it on another side, or take another view"
            );
            ("design_hidden", message)
        }
        Unseen::Behind(before) => {
            // As it is read, where a file has an umlaut as two characters.
            let before = scene.parts[before.0 as usize].name();
            let before = composed(&before);
            let message = format!(
                "the design is hidden behind {before:?} {in_pictures}, and not seen unless that is transparent: put it \
                 on another side, take another view, or hide what is before it"
            );
            ("design_hidden", message)
        }
    };
    let at = scene.parts[part.0 as usize].path.clone();
    Some(Diagnostic { code, severity: Severity::Warning, at, message })
}

/// Points where something is printed, in world space, with the normals there: spread evenly over the area of the faces
/// that the design covers, `area_m2` in all.
fn points(
    design: &WornDesign,
    printed: &Printed,
    faces: impl Iterator<Item = Face>,
    area_m2: f64,
) -> Vec<(DVec3, DVec3)> {
    let mut points = Vec::new();
    let (mut before_m2, mut n_tried) = (0.0, 0);
    for face in faces.filter(|face| face.covers(design, printed)) {
        before_m2 += face.area_m2();
        // Every face gets as many of the tries as its share of the area is.
        let n = ((before_m2 / area_m2 * TRIES as f64).round() as usize).min(TRIES);
        for i in n_tried..n {
            let at = on_triangle(face.corners, i);
            let [u, v] = [0, 1].map(|axis| on_triangle(face.uvs.map(|uv| DVec3::splat(uv[axis])), i).x);
            let point = Face { corners: [at; 3], uvs: [DVec2::new(u, v); 3], normal: face.normal };
            if point.covers(design, printed) {
                points.push((at, face.normal));
            }
        }
        n_tried = n_tried.max(n);
    }
    points.iter().copied().step_by(points.len().div_ceil(POINTS_MAX).max(1)).collect()
}

/// Why a design is not seen.
enum Unseen {
    /// It faces away.
    TurnedAway,
    /// Most of it is behind this part.
    Behind(PartIdx),
}

/// Why hardly any of the points is seen by any of the cameras; `None` where some are.
fn why_unseen(
    scene: &Scene,
    design: &WornDesign,
    points: &[(DVec3, DVec3)],
    cameras: &[shot::Camera],
) -> Option<Unseen> {
    let bounds = scene.bounds()?;
    let lift_m = LIFT * (bounds.max - bounds.min).length();
    let boxes: Vec<_> = scene.meshes.iter().map(box_of).collect();
    let from_world: Vec<_> = scene.parts.iter().map(|part| part.world_from_part.inverse()).collect();
    let mut tests_left = TESTS_MAX;
    let mut n_behind: BTreeMap<usize, usize> = BTreeMap::new();
    let eyes: Vec<Camera> = cameras.iter().map(Camera::of).collect();
    let is_away = |&&(point, normal): &&(DVec3, DVec3)| !eyes.iter().any(|eye| eye.faces(point, normal));
    let n_away = if design.lies_on_both_sides() { 0 } else { points.iter().filter(is_away).count() };
    let mut n_seen = 0_usize;
    let mut is_seen = vec![false; points.len()];
    // What was before one point is likely to be before the next.
    let mut likely = 0;
    let stride = cameras.len().min(points.len().div_ceil(POINTS_OF_EACH)).max(1);
    for ((camera, eye), first) in cameras.iter().zip(&eyes).zip((0..stride).cycle()) {
        for i in (first..points.len()).step_by(stride).filter(|&i| !is_seen[i]).collect::<Vec<_>>() {
            let (point, normal) = points[i];
            let outward = if eye.faces(point, normal) { normal } else { -normal };
            if outward != normal && !design.lies_on_both_sides() {
                continue;
            }
            let Some(sight) = Sight::of(point + lift_m * outward, camera) else { continue };
            let mut before = None;
            for part in std::iter::once(likely).chain((0..scene.parts.len()).filter(|part| *part != likely)) {
                let (mesh, sight) = (scene.parts[part].mesh.0 as usize, sight.within(&from_world[part]));
                tests_left = tests_left.checked_sub(1)?;
                if !sight.meets(boxes[mesh]) {
                    continue;
                }
                let primitives = &scene.meshes[mesh].primitives;
                tests_left =
                    tests_left.checked_sub(primitives.iter().map(|primitive| primitive.triangles.len()).sum())?;
                if primitives.iter().any(|primitive| sight.is_blocked_by(primitive)) {
                    before = Some(part);
                    break;
                }
            }
            match before {
                Some(part) => {
                    likely = part;
                    *n_behind.entry(part).or_default() += 1;
                }
                None => {
                    (is_seen[i], n_seen) = (true, n_seen + 1);
                    if n_seen * SEEN_OF >= points.len() {
                        return None;
                    }
                }
            }
        }
    }
    // Most of it looks to none of the cameras, or is behind something where it looks to one.
    if 2 * n_away > points.len() {
        return Some(Unseen::TurnedAway);
    }
    let most = n_behind.into_iter().max_by_key(|(part, n)| (*n, std::cmp::Reverse(*part)));
    most.map(|(part, _)| Unseen::Behind(PartIdx(part as u32)))
}

impl WornDesign {
    /// By texture coordinates, a design is on both sides of a surface, as `stage/design.wgsl` has it.
    fn lies_on_both_sides(&self) -> bool {
        matches!(self.lay, DesignLay::Coordinates { .. })
    }
}

/// Whether a closed surface has its normals inside.
fn is_inside_out(faces: impl Iterator<Item = Face>) -> bool {
    let (mut normals, mut area, mut volume) = (DVec3::ZERO, 0.0, 0.0);
    for Face { corners: [a, b, c], normal, .. } in faces {
        let face_area = (b - a).cross(c - a).length();
        normals += normal * face_area;
        area += face_area;
        // Of a closed surface this does not depend on where the origin is.
        volume += normal.dot(a) * face_area;
    }
    normals.length() < CLOSED * area && volume < 0.0
}

/// Where a camera is, or which way all of its rays go.
#[derive(Clone, Copy, Debug)]
enum Camera {
    At(DVec3),
    Along(DVec3),
}

impl Camera {
    fn of(camera: &shot::Camera) -> Self {
        let world_from_camera = &camera.world_from_camera;
        match camera.projection {
            Projection::Perspective { .. } => Self::At(world_from_camera.translation),
            Projection::Orthographic { .. } => Self::Along(-world_from_camera.matrix3.z_axis),
        }
    }

    /// Whether a face is turned towards it.
    fn sees(self, face: &Face) -> bool {
        self.faces(face.corners[0], face.normal)
    }

    /// Whether a surface with this normal is turned towards it at a point.
    fn faces(self, point: DVec3, normal: DVec3) -> bool {
        match self {
            Self::At(eye) => (eye - point).dot(normal) > 0.0,
            Self::Along(direction) => direction.dot(normal) < 0.0,
        }
    }
}

/// The part of a design's picture that is not transparent, along u and along v.
#[derive(Clone, Copy, Debug)]
struct Printed([Span; 2]);

/// From the least to the greatest coordinate. Of a picture that continues at its other edge it may end beyond 1.
#[derive(Clone, Copy, Debug)]
struct Span {
    min: f64,
    max: f64,
    wraps: bool,
}

/// `None` where all of it is transparent.
fn printed(design: &WornDesign) -> Option<Printed> {
    let [width, height] = [design.texture.width_px, design.texture.height_px].map(|side_px| side_px as usize);
    let rows = design.texture.rgba8.par_chunks(width);
    let is_in_row: Vec<bool> = rows.clone().map(|row| row.iter().any(|texel| texel[3] != 0)).collect();
    let empty = || vec![false; width];
    let is_in_column = rows.fold(empty, |mut found, row| {
        found.iter_mut().zip(row).for_each(|(found, texel)| *found |= texel[3] != 0);
        found
    });
    let is_in_column = is_in_column.reduce(empty, |mut found, other| {
        found.iter_mut().zip(other).for_each(|(found, other)| *found |= other);
        found
    });
    debug_assert_eq!(is_in_row.len(), height);
    Some(Printed([Span::of(&is_in_column, design.wraps[0])?, Span::of(&is_in_row, design.wraps[1])?]))
}

impl Span {
    /// Of the lines of texels that hold something.
    fn of(is_printed: &[bool], wraps: bool) -> Option<Self> {
        let n = is_printed.len();
        let printed: Vec<usize> = (0..n).filter(|&i| is_printed[i]).collect();
        let (&first, &last) = (printed.first()?, printed.last()?);
        // From the end of the widest gap to its beginning, once around.
        let mut ends = (first, last);
        if wraps {
            let mut widest = first + n - last;
            for pair in printed.windows(2).filter(|pair| pair[1] - pair[0] > 1) {
                if pair[1] - pair[0] > widest {
                    (widest, ends) = (pair[1] - pair[0], (pair[1], pair[0] + n));
                }
            }
        }
        // Texels blend with their neighbours.
        Some(Self { min: (ends.0 as f64 - 1.0) / n as f64, max: (ends.1 as f64 + 2.0) / n as f64, wraps })
    }

    /// Whether something of it lies between two coordinates.
    fn meets(&self, mut low: f64, mut high: f64) -> bool {
        if !self.wraps {
            return low <= self.max && high >= self.min;
        }
        (low, high) = (low - low.floor(), high - low.floor());
        [-1.0, 0.0, 1.0].iter().any(|more| low + more <= self.max && high + more >= self.min)
    }
}

/// A triangle in the world.
#[derive(Clone, Copy, Debug)]
struct Face {
    corners: [DVec3; 3],
    /// In the set of the design's lay, if it lies by texture coordinates.
    uvs: [DVec2; 3],
    /// Unit, outwards by the winding.
    normal: DVec3,
}

fn faces<'s>(
    scene: &'s Scene,
    design: &WornDesign,
    part: PartIdx,
    primitive: usize,
) -> impl Iterator<Item = Face> + 's {
    let part = &scene.parts[part.0 as usize];
    let primitive = &scene.meshes[part.mesh.0 as usize].primitives[primitive];
    let uvs: &[glam::Vec2] = match design.lay {
        DesignLay::Coordinates { uv_set, .. } => &primitive.uvs[uv_set as usize],
        DesignLay::Planar { .. } | DesignLay::Cylindrical { .. } => &[],
    };
    let outward = part.world_from_part.matrix3.determinant().signum();
    primitive.triangles.iter().filter_map(move |triangle| {
        let world = |i: u32| part.world_from_part.transform_point3(primitive.positions[i as usize].as_dvec3());
        let corners = triangle.map(world);
        let normal = ((corners[1] - corners[0]).cross(corners[2] - corners[0]) * outward).try_normalize()?;
        let uvs = triangle.map(|i| uvs.get(i as usize).map_or(DVec2::ZERO, |uv| uv.as_dvec2()));
        Some(Face { corners, uvs, normal })
    })
}

impl Face {
    fn area_m2(&self) -> f64 {
        let [a, b, c] = self.corners;
        0.5 * (b - a).cross(c - a).length()
    }

    /// Whether something of the printed part of a design may lie on it.
    fn covers(&self, design: &WornDesign, printed: &Printed) -> bool {
        let is_within = |heights: [f64; 3], [least, greatest]: [f64; 2]| {
            heights.iter().any(|height| *height >= least) && heights.iter().any(|height| *height <= greatest)
        };
        match &design.lay {
            DesignLay::Coordinates { rows, .. } => {
                let row = |uv: DVec2, [u, v, offset]: [f64; 3]| u * uv.x + v * uv.y + offset;
                meets(self.uvs.map(|uv| DVec2::new(row(uv, rows[0]), row(uv, rows[1]))), printed)
            }
            DesignLay::Planar { rows, height, heights_m } => {
                self.normal.dot(height.along) >= FACING_MIN
                    && is_within(self.corners.map(|p| height.at(p)), *heights_m)
                    && meets(self.corners.map(|p| DVec2::new(rows[0].at(p), rows[1].at(p))), printed)
            }
            DesignLay::Cylindrical { side, front, v, pictures_per_turn, radii_m } => {
                let around = |p: DVec3| DVec2::new(side.at(p), front.at(p));
                let away = |at: DVec2| (side.along * at.x + front.along * at.y).normalize_or_zero();
                let faces_out = |p: DVec3| self.normal.dot(away(around(p))) >= FACING_MIN;
                let turns = self.corners.map(|p| turns(around(p)));
                // Across the seam of turns, all count from the first corner's.
                let near = turns.map(|turn| turn - (turn - turns[0]).round());
                let places = |more: f64| {
                    let at = |i: usize| 0.5 + (near[i] + more) * pictures_per_turn;
                    [0, 1, 2].map(|i| DVec2::new(at(i), v.at(self.corners[i])))
                };
                self.corners.iter().any(|p| faces_out(*p))
                    && is_within(self.corners.map(|p| around(p).length()), *radii_m)
                    && [-1.0, 0.0, 1.0].into_iter().any(|more| meets(places(more), printed))
            }
        }
    }
}

/// The turns from the front to a point that is this far to the side and to the front of an axis, −0.5 to 0.5.
fn turns(around: DVec2) -> f64 {
    around.x.atan2(around.y) / TAU
}

/// Whether a triangle of a picture's coordinates may meet what is printed.
fn meets(places: [DVec2; 3], printed: &Printed) -> bool {
    let (min, max) = places[1..].iter().fold((places[0], places[0]), |(min, max), at| (min.min(*at), max.max(*at)));
    printed.0[0].meets(min.x, max.x) && printed.0[1].meets(min.y, max.y)
}

#[cfg(test)]
mod tests;
