//! Finds what makes a picture wrong although the file is valid: inverted shells, coincident faces, needle triangles,
//! suspicious units, coordinates far from their origin, textures that are too large or transparent without effect,
//! parts without names. Every check takes time linear in the stored scene, with meshes in parallel.

mod precision;
mod textures;
mod units;

use std::collections::HashMap;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash as _, Hasher as _};

use rayon::iter::{IntoParallelRefIterator as _, ParallelIterator as _};

use super::cancel::Cancel;
use super::error::ImportError;
use super::findings::Findings;
use super::meshes::PrimitiveIdx;
use crate::diagnostic::Severity;
use crate::inspect::surface::{Shell, Surface};
use crate::scene::{Mesh, Part, Primitive, Scene};

/// A triangle is a needle if its height is below this fraction of its longest edge.
const NEEDLE_SHARE: f64 = 1e-5;

/// Inspects a scene, which was read with this unit scale. `places` says where each mesh's primitives are in the file.
pub(super) fn inspect(
    scene: &Scene,
    places: &[Vec<PrimitiveIdx>],
    unit_scale: f64,
    cancel: Cancel<'_>,
    findings: &mut Findings,
) -> Result<(), ImportError> {
    let inspected: Option<Vec<InspectedMesh>> =
        scene.meshes.par_iter().map(|mesh| InspectedMesh::at(mesh, cancel)).collect();
    let inspected = inspected.ok_or_else(|| cancel.error())?;
    for (look, places) in inspected.iter().zip(places) {
        look.note(places, findings);
    }
    note_coincident_parts(scene, &inspected, findings);
    cancel.check()?;
    for part in &scene.parts {
        note_unnamed(part, findings);
    }
    precision::note(scene, places, findings);
    units::note(scene, unit_scale, findings);
    textures::note(scene, places, findings);
    Ok(())
}

/// What was found about a mesh.
struct InspectedMesh {
    /// Equal for meshes with equal positions and triangles.
    digest: u64,
    /// For each primitive, the number of triangles that coincide with others.
    n_coincident: Vec<usize>,
    /// For each primitive, the number of needles.
    n_needles: Vec<usize>,
    /// First primitives of closed shells whose faces point inwards.
    flipped: Vec<u32>,
}

impl InspectedMesh {
    /// `None` when cancelled.
    fn at(mesh: &Mesh, cancel: Cancel<'_>) -> Option<Self> {
        let surface = Surface::of(mesh, cancel.flag())?;
        let shells = surface.shells(cancel.flag())?;
        let is_inward = surface.inward(&shells, cancel.flag())?;
        Some(Self {
            digest: digest(mesh),
            n_coincident: surface.coincident_faces(cancel.flag())?,
            n_needles: mesh.primitives.iter().map(needle_count).collect(),
            flipped: flipped_shells(&shells.shells, &is_inward),
        })
    }

    fn note(&self, places: &[PrimitiveIdx], findings: &mut Findings) {
        let counted = |counts: &[usize]| {
            let counts = places.iter().zip(counts.to_vec());
            counts.filter(|(_, count)| *count > 0).map(|(place, count)| (place.pointer(), count)).collect::<Vec<_>>()
        };
        for (at, count) in counted(&self.n_coincident) {
            let message = format!("{count} triangles coincide exactly with others");
            findings.add_once("coincident_faces", Severity::Warning, at, message);
        }
        for (at, count) in counted(&self.n_needles) {
            let message =
                format!("{count} triangles are needles: their height is below {NEEDLE_SHARE:e} of their length");
            findings.add_once("needle_triangles", Severity::Info, at, message);
        }
        for &primitive in &self.flipped {
            let at = places[primitive as usize].pointer();
            let message = "a closed shell has all its faces turned inwards; where light enters it, they are taken as turned outwards";
            findings.add_once("flipped_shell", Severity::Warning, at, message);
        }
    }
}

fn needle_count(primitive: &Primitive) -> usize {
    let is_needle = |triangle: &&[u32; 3]| {
        let [a, b, c] = triangle.map(|corner| primitive.positions[corner as usize].as_dvec3());
        let longest2 = (b - a).length_squared().max((c - b).length_squared()).max((a - c).length_squared());
        (b - a).cross(c - a).length() < NEEDLE_SHARE * longest2
    };
    primitive.triangles.iter().filter(is_needle).count()
}

/// The first primitives of closed shells whose faces point inwards. A cavity inside another shell does so correctly.
fn flipped_shells(shells: &[Shell], is_inward: &[bool]) -> Vec<u32> {
    /// At most this many enclosing shells are tried, the largest ones.
    const ENCLOSING_MAX: usize = 64;
    let those =
        |inward: bool| shells.iter().zip(is_inward).filter(move |(_, is)| **is == inward).map(|(shell, _)| shell);
    let mut outer: Vec<&Shell> = those(false).collect();
    outer.sort_by(|a, b| b.diagonal().total_cmp(&a.diagonal()));
    outer.truncate(ENCLOSING_MAX);
    let is_cavity = |shell: &&Shell| outer.iter().any(|outer| outer.encloses(shell));
    those(true).filter(|shell| !is_cavity(shell)).filter_map(|shell| shell.primitives.first().copied()).collect()
}

fn note_unnamed(part: &Part, findings: &mut Findings) {
    let is_name = |name: &Option<String>| name.as_deref().is_some_and(|name| !name.is_empty() && !is_automatic(name));
    if !is_name(&part.node_name) && !is_name(&part.mesh_name) {
        let message = "neither the node nor its mesh has a name to map a material by";
        findings.add("unnamed_part", Severity::Warning, format!("/nodes/{}", part.node_idx), message);
    }
}

/// Whether a name is one that OpenCASCADE generates where the model has none: an entry of its label tree,
/// `=>[0:1:1:7]`.
fn is_automatic(name: &str) -> bool {
    let entry = name.strip_prefix("=>[").and_then(|rest| rest.strip_suffix(']'));
    entry.is_some_and(|entry| entry.split(':').all(|tag| !tag.is_empty() && tag.bytes().all(|b| b.is_ascii_digit())))
}

/// Parts with equal geometry at the same place flicker, whichever material wins.
fn note_coincident_parts(scene: &Scene, inspected: &[InspectedMesh], findings: &mut Findings) {
    let diagonals: Vec<f64> =
        scene.meshes.iter().map(|mesh| mesh.local_bounds().map_or(0.0, |[a, b]| (b - a).length())).collect();
    let mut seen: HashMap<(u64, [i64; 12]), u32> = HashMap::new();
    for part in &scene.parts {
        let mesh = part.mesh.0 as usize;
        let matrix = part.world_from_part.to_cols_array();
        let scale = matrix[..9].iter().fold(0.0_f64, |largest, value| largest.max(value.abs()));
        let mut key = [0; 12];
        for (at, (key, value)) in key.iter_mut().zip(matrix).enumerate() {
            // A millionth of the part's size is not a visible distance.
            let step = if at < 9 { scale * 1e-6 } else { scale * diagonals[mesh] * 1e-6 };
            *key = (value / step).round() as i64;
        }
        if let Some(other) = seen.insert((inspected[mesh].digest, key), part.node_idx) {
            let message = format!("the part coincides exactly with that of node {other}");
            findings.add("coincident_faces", Severity::Warning, format!("/nodes/{}", part.node_idx), message);
        }
    }
}

/// Equal for meshes with equal positions and triangles.
fn digest(mesh: &Mesh) -> u64 {
    let mut hasher = DefaultHasher::new();
    for primitive in &mesh.primitives {
        hasher.write(bytemuck::cast_slice(&primitive.positions));
        primitive.triangles.hash(&mut hasher);
    }
    hasher.finish()
}
