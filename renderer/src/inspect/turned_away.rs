//! Designs that no picture shows, since they face away from every camera.

use std::f64::consts::TAU;

use glam::{DVec2, DVec3};

use crate::diagnostic::{Diagnostic, Severity};
use crate::scene::{DesignLay, PartIdx, Scene, WornDesign};
use crate::shot::{Projection, Shot};

/// Cosine of the steepest angle at which a surface is covered, as `stage/design.wgsl` has it.
const FACING_MIN: f64 = 0.25;
/// Texels along each side of a design that are looked at, at most.
const TEXELS_MAX: usize = 1024;

/// Designs whose printed surfaces face away from the camera in each of these shots. What is in front of them, and
/// whether they are within the picture, is not considered.
pub fn turned_away(scene: &Scene, shots: &[Shot]) -> Vec<Diagnostic> {
    let cameras: Vec<Camera> = shots.iter().map(Camera::of).collect();
    scene.designs.iter().filter_map(|design| of_design(scene, design, &cameras)).collect()
}

fn of_design(scene: &Scene, design: &WornDesign, cameras: &[Camera]) -> Option<Diagnostic> {
    let printed = printed(design)?;
    let mut is_anywhere = false;
    for &(part, primitive) in &design.surfaces {
        for face in faces(scene, design, part, primitive) {
            if !face.covers(design, printed) {
                continue;
            }
            is_anywhere = true;
            if cameras.iter().any(|camera| camera.sees(&face)) {
                return None;
            }
        }
    }
    let (part, _) = design.surfaces.first().filter(|_| is_anywhere && !cameras.is_empty())?;
    let pictures = match cameras.len() {
        1 => "in the picture".to_owned(),
        n => format!("in all {n} pictures"),
    };
    let message = format!("the design faces away from the camera {pictures}: take another view, or turn the product");
    let at = scene.parts[part.0 as usize].path.clone();
    Some(Diagnostic { code: "design_turned_away", severity: Severity::Warning, at, message })
}

/// Where a camera is, or which way all of its rays go.
#[derive(Clone, Copy, Debug)]
enum Camera {
    At(DVec3),
    Along(DVec3),
}

impl Camera {
    fn of(shot: &Shot) -> Self {
        let world_from_camera = &shot.camera.world_from_camera;
        match shot.camera.projection {
            Projection::Perspective { .. } => Self::At(world_from_camera.translation),
            Projection::Orthographic { .. } => Self::Along(-world_from_camera.matrix3.z_axis),
        }
    }

    /// Whether a face is turned towards it.
    fn sees(self, face: &Face) -> bool {
        match self {
            Self::At(eye) => (eye - face.corners[0]).dot(face.normal) > 0.0,
            Self::Along(direction) => direction.dot(face.normal) < 0.0,
        }
    }
}

/// The part of a design's picture that is not transparent, from its least to its greatest u and v.
#[derive(Clone, Copy, Debug)]
struct Printed {
    min: DVec2,
    max: DVec2,
}

/// `None` where all of it is transparent.
fn printed(design: &WornDesign) -> Option<Printed> {
    let [width, height] = [design.texture.width_px, design.texture.height_px].map(|side_px| side_px as usize);
    let (x_step, y_step) = (width.div_ceil(TEXELS_MAX), height.div_ceil(TEXELS_MAX));
    let (mut min, mut max) = ([usize::MAX; 2], [0; 2]);
    for y in (0..height).step_by(y_step) {
        let row = &design.texture.rgba8[y * width..][..width];
        for x in (0..width).step_by(x_step).filter(|&x| row[x][3] != 0) {
            min = [min[0].min(x), min[1].min(y)];
            max = [max[0].max(x), max[1].max(y)];
        }
    }
    // What lies between the texels that were looked at may be printed too, and texels blend with their neighbours.
    let size = DVec2::new(width as f64, height as f64);
    let place = |[x, y]: [usize; 2]| DVec2::new(x as f64, y as f64);
    let step = place([x_step, y_step]);
    (min[0] != usize::MAX).then(|| Printed { min: (place(min) - step) / size, max: (place(max) + step + 1.0) / size })
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
    /// Whether something of the printed part of a design may lie on it.
    fn covers(&self, design: &WornDesign, printed: Printed) -> bool {
        let WornDesign { lay, wraps, .. } = design;
        let is_within = |heights: [f64; 3], [least, greatest]: [f64; 2]| {
            heights.iter().any(|height| *height >= least) && heights.iter().any(|height| *height <= greatest)
        };
        match lay {
            DesignLay::Coordinates { rows, .. } => {
                let row = |uv: DVec2, [u, v, offset]: [f64; 3]| u * uv.x + v * uv.y + offset;
                let places = self.uvs.map(|uv| DVec2::new(row(uv, rows[0]), row(uv, rows[1])));
                let is_beyond = |axis: usize| places.iter().any(|at| at[axis] < 0.0 || at[axis] > 1.0);
                let is_repeated = [0, 1].into_iter().any(|axis| wraps[axis] && is_beyond(axis));
                is_repeated || meets(places, printed)
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
fn meets(places: [DVec2; 3], printed: Printed) -> bool {
    let (min, max) = places[1..].iter().fold((places[0], places[0]), |(min, max), at| (min.min(*at), max.max(*at)));
    min.cmple(printed.max).all() && max.cmpge(printed.min).all()
}
