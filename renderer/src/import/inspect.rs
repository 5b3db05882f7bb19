//! Looks for what makes a picture wrong although the file is sound: turned-over shells, faces that lie in each other,
//! suspicious units, parts without names. Every check takes time linear in the scene as stored.

use std::collections::HashMap;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash as _, Hasher as _};

use glam::{DVec3, Vec3};

use super::cancel::Cancel;
use super::error::ImportError;
use super::findings::Findings;
use super::meshes::Place;
use crate::diagnostic::Severity;
use crate::scene::{Bounds, Mesh, Part, Scene};

/// A diagonal outside these bounds is no product in metres.
const DIAGONAL_MIN_M: f64 = 0.001;
const DIAGONAL_MAX_M: f64 = 20.0;

/// Inspects a scene. `places` says where each mesh's primitives stand in the file.
pub(super) fn inspect(
    scene: &Scene,
    places: &[Vec<Place>],
    cancel: Cancel<'_>,
    findings: &mut Findings,
) -> Result<(), ImportError> {
    for (mesh, places) in scene.meshes.iter().zip(places) {
        let surface = Surface::of(mesh, cancel)?;
        surface.note_coincident_faces(places, cancel, findings)?;
        surface.note_flipped_shells(places, cancel, findings)?;
    }
    note_coincident_parts(scene, findings);
    cancel.check()?;
    for part in &scene.parts {
        note_unnamed(part, findings);
    }
    if let Some(bounds) = scene.bounds() {
        note_unit(&bounds, findings);
    }
    Ok(())
}

fn note_unit(bounds: &Bounds, findings: &mut Findings) {
    let diagonal_m = bounds.diagonal_m();
    if !(DIAGONAL_MIN_M..=DIAGONAL_MAX_M).contains(&diagonal_m) {
        let message = format!("the diagonal is {diagonal_m:.3e} m; if the file is not in metres, give its unit scale");
        findings.add("unit_suspect", Severity::Warning, "bounding box", message);
    }
}

fn note_unnamed(part: &Part, findings: &mut Findings) {
    let is_name = |name: &Option<String>| name.as_deref().is_some_and(|name| !name.is_empty() && !is_automatic(name));
    if !is_name(&part.node_name) && !is_name(&part.mesh_name) {
        let message = "neither the node nor its mesh has a name to map a material by";
        findings.add("unnamed_part", Severity::Warning, format!("/nodes/{}", part.node_idx), message);
    }
}

/// Whether a name is one that OpenCASCADE gives where the model has none: an entry of its label tree, `=>[0:1:1:7]`.
fn is_automatic(name: &str) -> bool {
    let entry = name.strip_prefix("=>[").and_then(|rest| rest.strip_suffix(']'));
    entry.is_some_and(|entry| entry.split(':').all(|tag| !tag.is_empty() && tag.bytes().all(|b| b.is_ascii_digit())))
}

/// Parts of equal geometry at the same place shimmer, whatever material wins.
fn note_coincident_parts(scene: &Scene, findings: &mut Findings) {
    let digests: Vec<u64> = scene.meshes.iter().map(digest).collect();
    let diagonals: Vec<f64> =
        scene.meshes.iter().map(|mesh| mesh.local_bounds().map_or(0.0, |[a, b]| (b - a).length())).collect();
    let mut seen: HashMap<(u64, [i64; 12]), u32> = HashMap::new();
    for part in &scene.parts {
        let mesh = part.mesh.0 as usize;
        let matrix = part.world_from_part.to_cols_array();
        let scale = matrix[..9].iter().fold(0.0_f64, |largest, value| largest.max(value.abs()));
        let mut key = [0; 12];
        for (at, (key, value)) in key.iter_mut().zip(matrix).enumerate() {
            // A millionth of the part's size is no visible distance.
            let step = if at < 9 { scale * 1e-6 } else { scale * diagonals[mesh] * 1e-6 };
            *key = (value / step).round() as i64;
        }
        if let Some(other) = seen.insert((digests[mesh], key), part.node_idx) {
            let message = format!("the part lies exactly in the one of node {other}");
            findings.add("coincident_faces", Severity::Warning, format!("/nodes/{}", part.node_idx), message);
        }
    }
}

/// Equal for meshes of equal positions and triangles.
fn digest(mesh: &Mesh) -> u64 {
    let mut hasher = DefaultHasher::new();
    for primitive in &mesh.primitives {
        hasher.write(bytemuck::cast_slice(&primitive.positions));
        primitive.triangles.hash(&mut hasher);
    }
    hasher.finish()
}

/// A mesh with vertices of equal position made one.
struct Surface {
    positions: Vec<Vec3>,
    /// Corners, and the primitive that the triangle belongs to.
    triangles: Vec<([u32; 3], u32)>,
}

impl Surface {
    fn of(mesh: &Mesh, cancel: Cancel<'_>) -> Result<Self, ImportError> {
        let mut numbers: HashMap<[u32; 3], u32> = HashMap::new();
        let mut positions = Vec::new();
        let mut triangles = Vec::new();
        for (primitive_idx, primitive) in mesh.primitives.iter().enumerate() {
            let mut number = |&position: &Vec3| {
                // Adding zero makes one of the two zeros.
                let key = (position + Vec3::ZERO).to_array().map(f32::to_bits);
                *numbers.entry(key).or_insert_with(|| {
                    positions.push(position);
                    positions.len() as u32 - 1
                })
            };
            let numbered = |(place, position)| cancel.check_at(place).map(|()| number(position));
            let welded: Vec<u32> = primitive.positions.iter().enumerate().map(numbered).collect::<Result<_, _>>()?;
            let corners = |triangle: &[u32; 3]| (triangle.map(|corner| welded[corner as usize]), primitive_idx as u32);
            triangles.extend(primitive.triangles.iter().map(corners));
        }
        Ok(Self { positions, triangles })
    }

    fn note_coincident_faces(
        &self,
        places: &[Place],
        cancel: Cancel<'_>,
        findings: &mut Findings,
    ) -> Result<(), ImportError> {
        // Only faces of one lowest corner can be equal, and a corner has few: counting brings these together.
        let mut ends = vec![0_usize; self.positions.len() + 1];
        for (corners, _) in &self.triangles {
            ends[lowest(corners) + 1] += 1;
        }
        cancel.check()?;
        for corner in 1..ends.len() {
            ends[corner] += ends[corner - 1];
        }
        let mut faces = vec![([0; 2], 0); self.triangles.len()];
        for (place, (corners, primitive)) in self.triangles.iter().enumerate() {
            cancel.check_at(place)?;
            let mut others = *corners;
            others.sort_unstable();
            let end = &mut ends[others[0] as usize];
            faces[*end] = ([others[1], others[2]], *primitive);
            *end += 1;
        }
        let mut counts = vec![0_usize; places.len()];
        let mut begin = 0;
        // Filling the places moved each corner's begin to its end.
        for (corner, &end) in ends[..self.positions.len()].iter().enumerate() {
            cancel.check_at(corner)?;
            let of_corner = &mut faces[begin..end];
            of_corner.sort_unstable();
            for pair in of_corner.windows(2) {
                if pair[0].0 == pair[1].0 {
                    counts[pair[1].1 as usize] += 1;
                }
            }
            begin = end;
        }
        for (place, count) in places.iter().zip(counts).filter(|(_, count)| *count > 0) {
            let message = format!("{count} triangles lie exactly in others");
            findings.add_once("coincident_faces", Severity::Warning, place.pointer(), message);
        }
        Ok(())
    }

    /// A closed shell whose faces look inwards has a negative volume. A cavity has one too, rightly, but lies inside a shell
    /// of positive volume.
    fn note_flipped_shells(
        &self,
        places: &[Place],
        cancel: Cancel<'_>,
        findings: &mut Findings,
    ) -> Result<(), ImportError> {
        /// So many enclosing shells are tried, the largest ones.
        const ENCLOSING_MAX: usize = 64;
        let mut shells = self.shells(cancel)?;
        shells.retain(|shell| {
            shell.boundary == 0 && shell.volume.abs() > 1e-9 * (shell.max - shell.min).length().powi(3)
        });
        let (mut outer, flipped): (Vec<Shell>, Vec<Shell>) = shells.into_iter().partition(|shell| shell.volume > 0.0);
        outer.sort_by(|a, b| b.volume.total_cmp(&a.volume));
        outer.truncate(ENCLOSING_MAX);
        for shell in flipped {
            let encloses = |outer: &Shell| outer.min.cmple(shell.min).all() && outer.max.cmpge(shell.max).all();
            if !outer.iter().any(encloses) {
                let at = places[shell.primitive as usize].pointer();
                findings.add_once(
                    "flipped_shell",
                    Severity::Warning,
                    at,
                    "a closed shell has all its faces turned inwards",
                );
            }
        }
        Ok(())
    }

    /// The connected pieces of the surface.
    fn shells(&self, cancel: Cancel<'_>) -> Result<Vec<Shell>, ImportError> {
        let mut pieces = Pieces::new(self.positions.len());
        for (place, ([a, b, c], _)) in self.triangles.iter().enumerate() {
            cancel.check_at(place)?;
            pieces.join(*a, *b);
            pieces.join(*a, *c);
        }
        let mut shells: Vec<Shell> = Vec::new();
        let mut shell_of_piece = vec![u32::MAX; self.positions.len()];
        for (place, (corners, primitive)) in self.triangles.iter().enumerate() {
            cancel.check_at(place)?;
            let piece = pieces.find(corners[0]) as usize;
            if shell_of_piece[piece] == u32::MAX {
                shell_of_piece[piece] = shells.len() as u32;
                shells.push(Shell::new(*primitive, self.positions[piece].as_dvec3()));
            }
            shells[shell_of_piece[piece] as usize]
                .add(*corners, corners.map(|at| self.positions[at as usize].as_dvec3()));
        }
        Ok(shells)
    }
}

fn lowest(corners: &[u32; 3]) -> usize {
    corners[0].min(corners[1]).min(corners[2]) as usize
}

/// A connected piece of a surface.
struct Shell {
    /// The first primitive that it touches.
    primitive: u32,
    /// A point nearby, so that a small shell far from the origin keeps its digits.
    origin: DVec3,
    /// Signed: positive where faces look outwards. Only means something for a closed shell.
    volume: f64,
    /// Sum over all edges of a number that depends on the edge and is negated with its direction. In a closed and
    /// consistently turned surface each edge is passed once each way, so the sum is 0; otherwise it is 0 by an accident of 1
    /// in 2^64. This takes no table of edges.
    boundary: u64,
    min: DVec3,
    max: DVec3,
}

impl Shell {
    fn new(primitive: u32, origin: DVec3) -> Self {
        Self { primitive, origin, volume: 0.0, boundary: 0, min: DVec3::INFINITY, max: DVec3::NEG_INFINITY }
    }

    fn add(&mut self, corners: [u32; 3], positions: [DVec3; 3]) {
        let [a, b, c] = positions.map(|position| position - self.origin);
        self.volume += a.dot(b.cross(c)) / 6.0;
        for position in positions {
            self.min = self.min.min(position);
            self.max = self.max.max(position);
        }
        for (from, to) in [(corners[0], corners[1]), (corners[1], corners[2]), (corners[2], corners[0])] {
            let edge = mixed(u64::from(from.min(to)) << 32 | u64::from(from.max(to)));
            self.boundary = if from < to { self.boundary.wrapping_add(edge) } else { self.boundary.wrapping_sub(edge) };
        }
    }
}

/// The output function of SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
fn mixed(value: u64) -> u64 {
    let value = value.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    value ^ (value >> 31)
}

/// Disjoint sets of vertices (union-find with path halving).
struct Pieces {
    parents: Vec<u32>,
}

impl Pieces {
    fn new(count: usize) -> Self {
        Self { parents: (0..count as u32).collect() }
    }

    fn find(&mut self, mut at: u32) -> u32 {
        while self.parents[at as usize] != at {
            let next = self.parents[self.parents[at as usize] as usize];
            self.parents[at as usize] = next;
            at = next;
        }
        at
    }

    fn join(&mut self, a: u32, b: u32) {
        let (a, b) = (self.find(a), self.find(b));
        // The smaller number leads, so that the result does not depend on the order of the triangles.
        self.parents[a.max(b) as usize] = a.min(b);
    }
}
