//! Bodies that light goes through: whether their surfaces are closed, and which of them face inwards by mistake.
//!
//! Input: a scene, and which primitives of which parts are bodies, of which material. Only meshes of bodies are
//! examined, so that a product of metal costs nothing.

use std::collections::{BTreeMap, HashMap};

use rayon::iter::{IntoParallelIterator as _, ParallelIterator as _};

use super::contact::{self, PlacedBody};
use super::surface::{Cancelled, Gaps, Shell, Shells, Surface, go_on};
use crate::diagnostic::{Diagnostic, Severity};
use crate::scene::{Bounds, Scene};

/// For cavities: this many of the largest shells of each material are tried as the enclosing one.
const ENCLOSING_MAX: usize = 64;
/// Holes below this fraction of a shell's area are cracks between faces whose corners do not match.
const HOLE_SHARE_MIN: f64 = 1e-5;
/// Limit on inward-facing shells times the parts that place them: a mesh with more is unchanged.
const PLACEMENTS_MAX: usize = 1 << 18;
/// Most findings of one code that are listed.
const LISTED_MAX: usize = 100;

/// The bodies of a scene.
pub(crate) struct Bodies<'a> {
    scene: &'a Scene,
    /// For each mesh that is a body in some part, those parts.
    by_mesh: BTreeMap<u32, Vec<BodyPart>>,
}

/// A part that is a body, entirely or in some of its primitives.
struct BodyPart {
    part: u32,
    /// For each primitive an identifier of its material; `None` if light does not enter it.
    materials: Vec<Option<u32>>,
}

impl<'a> Bodies<'a> {
    /// `material_of` returns an identifier for the material of a part's primitive, both given by index, if that makes
    /// it a body.
    pub(crate) fn new(scene: &'a Scene, mut material_of: impl FnMut(usize, usize) -> Option<u32>) -> Self {
        let mut by_mesh: BTreeMap<u32, Vec<BodyPart>> = BTreeMap::new();
        for (part_idx, part) in scene.parts.iter().enumerate() {
            let primitives = 0..scene.meshes[part.mesh.0 as usize].primitives.len();
            let materials: Vec<_> = primitives.map(|primitive| material_of(part_idx, primitive)).collect();
            if materials.iter().any(Option::is_some) {
                by_mesh.entry(part.mesh.0).or_default().push(BodyPart { part: part_idx as u32, materials });
            }
        }
        Self { scene, by_mesh }
    }

    /// What makes light inside bodies wrong; `None` when cancelled.
    pub(crate) fn findings(&self, cancelled: Cancelled<'_>) -> Option<Vec<Diagnostic>> {
        let meshes: Vec<(&u32, &Vec<BodyPart>)> = self.by_mesh.iter().collect();
        let of_mesh = |(&mesh, parts): (&u32, &Vec<BodyPart>)| self.findings_of_mesh(mesh, parts, cancelled);
        let found: Vec<Vec<Diagnostic>> = meshes.into_par_iter().map(of_mesh).collect::<Option<_>>()?;
        let mut found: Vec<Diagnostic> = found.into_iter().flatten().collect();
        found.extend(self.contacts(cancelled)?);
        let mut listed = Vec::new();
        for code in ["open_shell", "non_manifold_body", "touching_bodies"] {
            let of_code: Vec<&Diagnostic> = found.iter().filter(|finding| finding.code == code).collect();
            listed.extend(of_code.iter().take(LISTED_MAX).copied().cloned());
            if let (Some(more), Some(last)) = (of_code.len().checked_sub(LISTED_MAX + 1), listed.last_mut()) {
                last.message.push_str(&format!(" (and {} more of this kind)", more + 1));
            }
        }
        Some(listed)
    }

    /// Bodies of different parts that touch.
    fn contacts(&self, cancelled: Cancelled<'_>) -> Option<Vec<Diagnostic>> {
        let n_parts: usize = self.by_mesh.values().map(Vec::len).sum();
        let Some(bounds) = self.scene.bounds().filter(|_| n_parts > 1) else { return Some(Vec::new()) };
        let mut placed = Vec::new();
        for (&mesh, parts) in &self.by_mesh {
            let primitives = &self.scene.meshes[mesh as usize].primitives;
            for part in parts {
                let world_from_part = self.scene.parts[part.part as usize].world_from_part;
                let bodies = primitives.iter().zip(&part.materials).filter(|(_, material)| material.is_some());
                placed.extend(bodies.map(|(primitive, _)| PlacedBody { part: part.part, primitive, world_from_part }));
            }
        }
        let path = |part: u32| &self.scene.parts[part as usize].path;
        let contact = |((first, second), n_faces): ((u32, u32), usize)| Diagnostic {
            code: "touching_bodies",
            severity: Severity::Warning,
            at: path(second).clone(),
            message: format!(
                "{n_faces} faces coincide exactly with faces of {:?}, and light enters both parts: it cannot pass from one into \
                 the other. Let one reach into the other, and give their materials priorities",
                path(first)
            ),
        };
        Some(contact::touching(&placed, &bounds, cancelled)?.into_iter().map(contact).collect())
    }

    fn findings_of_mesh(&self, mesh: u32, parts: &[BodyPart], cancelled: Cancelled<'_>) -> Option<Vec<Diagnostic>> {
        let surface = Surface::of(&self.scene.meshes[mesh as usize], cancelled)?;
        let shells = surface.shells(cancelled)?;
        // Which primitives are bodies may differ from part to part; parts that agree are represented by the first one.
        let mut by_bodies: BTreeMap<Vec<bool>, Vec<&BodyPart>> = BTreeMap::new();
        for part in parts {
            by_bodies.entry(part.materials.iter().map(Option::is_some).collect()).or_default().push(part);
        }
        let mut found = Vec::new();
        for (is_body, parts) in by_bodies {
            let gaps = surface.gaps(&shells, &|primitive| is_body[primitive as usize], cancelled)?;
            let part = &self.scene.parts[parts[0].part as usize];
            let others = match parts.len() - 1 {
                0 => String::new(),
                n => format!("; the same for {n} other parts with this mesh"),
            };
            let mut add = |code, message: String| {
                let (severity, at) = (Severity::Warning, part.path.clone());
                found.push(Diagnostic { code, severity, at, message: message + &others });
            };
            if let Some(message) = open_message(&gaps, &shells) {
                add("open_shell", message);
            }
            let n_unclear: usize = gaps.iter().map(|gap| gap.n_unclear_edges).sum();
            if n_unclear > 0 {
                let what = "more than two faces meet, or faces turn against each other";
                let message = format!(
                    "light enters this part, but at {n_unclear} edges {what}: what is inside it is not defined"
                );
                add("non_manifold_body", message);
            }
        }
        Some(found)
    }

    /// Faces of closed shells that face inwards although they bound a body; `None` when cancelled. Inward-facing shells
    /// inside another body of the same material are cavities, and correct.
    pub(crate) fn inward(&self, cancelled: Cancelled<'_>) -> Option<InwardFaces> {
        let meshes: Vec<u32> = self.by_mesh.keys().copied().collect();
        let of_mesh = |mesh| MeshShells::of(self.scene, mesh, cancelled);
        let meshes: Vec<MeshShells> = meshes.into_par_iter().map(of_mesh).collect::<Option<_>>()?;
        let mut out = InwardFaces::default();
        if !meshes.iter().any(|mesh| mesh.is_inward.contains(&true)) {
            return Some(out);
        }
        let around = self.around(&meshes, cancelled)?;
        for mesh in &meshes {
            let n_inward = mesh.is_inward.iter().filter(|is_inward| **is_inward).count();
            if n_inward.saturating_mul(self.by_mesh[&mesh.idx].len()) > PLACEMENTS_MAX {
                continue;
            }
            let is_mistake = |(i, &is_inward): (usize, &bool)| is_inward && !self.is_cavity(mesh, i, &around);
            let mistakes: Vec<bool> = mesh.is_inward.iter().enumerate().map(is_mistake).collect();
            if !mistakes.contains(&true) {
                continue;
            }
            let mut primitives = vec![Vec::new(); self.scene.meshes[mesh.idx as usize].primitives.len()];
            for (primitive, &shell) in mesh.surface.primitives().zip(&mesh.shells.of_face) {
                primitives[primitive as usize].push(mistakes[shell as usize]);
            }
            out.by_mesh.insert(mesh.idx, primitives);
        }
        Some(out)
    }

    /// World bounds of the largest shells of each material, which may enclose a cavity.
    fn around(&self, meshes: &[MeshShells], cancelled: Cancelled<'_>) -> Option<HashMap<u32, Vec<Bounds>>> {
        let mut around: HashMap<u32, Vec<Bounds>> = HashMap::new();
        for mesh in meshes {
            let outward = mesh.shells.shells.iter().zip(&mesh.is_inward).filter(|(_, is_inward)| !**is_inward);
            let mut outward: Vec<&Shell> = outward.map(|(shell, _)| shell).collect();
            outward.sort_by(|a, b| b.diagonal().total_cmp(&a.diagonal()));
            outward.truncate(ENCLOSING_MAX);
            for (place, part) in self.by_mesh[&mesh.idx].iter().enumerate() {
                go_on(cancelled, place)?;
                for (material, bounds) in outward.iter().flat_map(|shell| self.placed(part, shell)) {
                    let of_material = around.entry(material).or_default();
                    of_material.push(bounds);
                    if of_material.len() >= 2 * ENCLOSING_MAX {
                        keep_largest(of_material);
                    }
                }
            }
        }
        around.values_mut().for_each(keep_largest);
        Some(around)
    }

    /// The materials of a shell placed by a part, of those that make it a body there, each with the world bounds.
    fn placed(&self, part: &BodyPart, shell: &Shell) -> Vec<(u32, Bounds)> {
        let mut materials: Vec<u32> = shell.primitives.iter().filter_map(|&at| part.materials[at as usize]).collect();
        materials.sort_unstable();
        materials.dedup();
        let world_from_part = &self.scene.parts[part.part as usize].world_from_part;
        materials.into_iter().map(|of| (of, Bounds::of_box([shell.min, shell.max], world_from_part))).collect()
    }

    /// Whether in any part the shell is inside another one of its materials.
    fn is_cavity(&self, mesh: &MeshShells, i: usize, around: &HashMap<u32, Vec<Bounds>>) -> bool {
        let mut placed = self.by_mesh[&mesh.idx].iter().flat_map(|part| self.placed(part, &mesh.shells.shells[i]));
        placed.any(|(material, inner)| {
            let mut outer = around.get(&material).into_iter().flatten();
            outer.any(|outer| outer.min.cmple(inner.min).all() && outer.max.cmpge(inner.max).all())
        })
    }
}

/// A mesh divided into shells.
struct MeshShells {
    idx: u32,
    surface: Surface,
    shells: Shells,
    /// For each shell.
    is_inward: Vec<bool>,
}

impl MeshShells {
    /// `None` when cancelled.
    fn of(scene: &Scene, idx: u32, cancelled: Cancelled<'_>) -> Option<Self> {
        let surface = Surface::of(&scene.meshes[idx as usize], cancelled)?;
        let shells = surface.shells(cancelled)?;
        let is_inward = surface.inward(&shells, cancelled)?;
        Some(Self { idx, surface, shells, is_inward })
    }
}

/// The message about shells with holes; `None` if there are none.
fn open_message(gaps: &[Gaps], shells: &Shells) -> Option<String> {
    let open = gaps.iter().zip(&shells.shells).filter(|(gap, shell)| gap.hole_area > HOLE_SHARE_MIN * shell.area);
    let (n_edges, holes, area) = open.fold((0, 0.0, 0.0), |(n, holes, area), (gap, shell)| {
        (n + gap.n_border_edges, holes + gap.hole_area, area + shell.area)
    });
    (n_edges > 0).then(|| {
        let size = match holes / area {
            share if share < 1.0 => format!("holes of {:.3} % of its area", 100.0 * share),
            times if times.is_finite() => format!("holes of {times:.1} times its area"),
            // It has no area itself.
            _ => "holes".to_owned(),
        };
        format!(
            "light enters this part, but its surface is open: {n_edges} edges belong to one face alone and border \
             {size}. Refraction and absorption inside are wrong then; close it, or give it a thin-walled material"
        )
    })
}

fn keep_largest(bounds: &mut Vec<Bounds>) {
    bounds.sort_by(|a, b| b.diagonal_m().total_cmp(&a.diagonal_m()));
    bounds.truncate(ENCLOSING_MAX);
}

/// Faces that face inwards by mistake.
#[derive(Debug, Default)]
pub(crate) struct InwardFaces {
    /// For each mesh that has such faces, whether each triangle of each primitive is one.
    by_mesh: HashMap<u32, Vec<Vec<bool>>>,
}

impl InwardFaces {
    /// For each triangle of a mesh's primitive, whether it is one; `None` if the mesh has none.
    pub(crate) fn of_primitive(&self, mesh: u32, primitive: usize) -> Option<&[bool]> {
        self.by_mesh.get(&mesh).map(|primitives| primitives[primitive].as_slice())
    }
}
