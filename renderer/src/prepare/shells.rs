//! Bodies whose closed surface has faces of several materials, such as a bottle with a frosted band: light may enter
//! by one material and leave by another. Each such body gets copies of its materials, which name it
//! ([`Material::shell`]), and slots of their own for the faces that wear them.
//!
//! A surface with holes has no such copies: there, light leaves by the material that it entered by.

use std::collections::{BTreeMap, HashMap};

use packshot_shaders::constants::{MATERIAL_BODY, MATERIAL_PANE, NONE};
use packshot_shaders::layout::scene::Material;

use super::product::MaterialOrigin;
use crate::inspect::bodies::InwardFaces;
use crate::inspect::surface::{Cancelled, Shell, Surface};
use crate::scene::Scene;

/// What the faces of a primitive wear, where they do not all wear the same.
#[derive(Debug, Default)]
pub(crate) struct MixedShells {
    /// For each mesh that has such a body in some part, primitive by primitive, the piece of each triangle.
    pieces: HashMap<u32, Vec<Vec<u32>>>,
    /// For each part with such a mesh, primitive by primitive, the material of each piece.
    worn: HashMap<usize, Vec<Vec<u32>>>,
}

/// The bodies of a mesh.
struct MeshBodies {
    /// For each triangle of each primitive, its body, or `NONE`.
    of_face: Vec<Vec<u32>>,
    /// For each body, the primitives with faces of it, in order.
    primitives: Vec<Vec<usize>>,
}

impl MixedShells {
    /// `worn` has the material of each primitive of each part, whose copies are appended to `materials`; faces listed
    /// in
    /// `inward` are flipped. `None` when cancelled.
    pub(crate) fn new(
        scene: &Scene,
        worn: &[Vec<u32>],
        inward: &InwardFaces,
        (materials, origins): (&mut Vec<Material>, &mut Vec<MaterialOrigin>),
        cancelled: Cancelled<'_>,
    ) -> Option<Self> {
        let mut parts_of_mesh: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
        for (part, _) in worn.iter().enumerate().filter(|(_, worn)| is_mixed(worn, materials)) {
            parts_of_mesh.entry(scene.parts[part].mesh.0).or_default().push(part);
        }
        let mut out = Self::default();
        for (mesh, parts) in parts_of_mesh {
            let bodies = MeshBodies::of(scene, mesh, inward, cancelled)?;
            let worn_by = |part: usize, body: &[usize]| body.iter().map(|&at| worn[part][at]).collect::<Vec<u32>>();
            let is_split = |body: &Vec<usize>| parts.iter().any(|&part| is_mixed(&worn_by(part, body), materials));
            let split: Vec<bool> = bodies.primitives.iter().map(is_split).collect();
            if !split.contains(&true) {
                continue;
            }
            // The first piece of a primitive is all of it that belongs to no such body.
            let mut bodies_of = vec![vec![NONE]; bodies.of_face.len()];
            for (body, primitives) in bodies.primitives.iter().enumerate().filter(|(body, _)| split[*body]) {
                primitives.iter().for_each(|&at| bodies_of[at].push(body as u32));
            }
            let piece = |of: &[u32], body: u32| of.iter().position(|&known| known == body).unwrap_or(0) as u32;
            let pieces = bodies.of_face.iter().zip(&bodies_of);
            out.pieces
                .insert(mesh, pieces.map(|(faces, of)| faces.iter().map(|&body| piece(of, body)).collect()).collect());
            for part in parts {
                let mut of_part: Vec<Vec<u32>> =
                    bodies_of.iter().zip(&worn[part]).map(|(of, &plain)| vec![plain; of.len()]).collect();
                for (body, primitives) in bodies.primitives.iter().enumerate().filter(|(body, _)| split[*body]) {
                    let plain = worn_by(part, primitives);
                    if !is_mixed(&plain, materials) {
                        continue;
                    }
                    let copies = copied(&plain, materials, origins);
                    for (&at, copy) in primitives.iter().zip(copies) {
                        of_part[at][piece(&bodies_of[at], body as u32) as usize] = copy;
                    }
                }
                out.worn.insert(part, of_part);
            }
        }
        Some(out)
    }

    /// The piece of each triangle of a mesh's primitive; `None` if it is all one piece.
    pub(crate) fn pieces(&self, mesh: u32, primitive: usize) -> Option<&[u32]> {
        self.pieces.get(&mesh).map(|primitives| primitives[primitive].as_slice())
    }

    /// The material of each piece of a part's primitive; `plain` if that is one piece.
    pub(crate) fn worn(&self, part: usize, mesh: u32, primitive: usize, plain: u32) -> Vec<u32> {
        match self.worn.get(&part) {
            Some(worn) => worn[primitive].clone(),
            None => vec![plain; self.n_pieces(mesh, primitive)],
        }
    }

    /// How many slots a mesh's primitive takes.
    pub(crate) fn n_pieces(&self, mesh: u32, primitive: usize) -> usize {
        1 + self.pieces(mesh, primitive).and_then(|pieces| pieces.iter().max()).map_or(0, |&last| last as usize)
    }
}

/// Whether these are several materials, and light enters one of them.
fn is_mixed(worn: &[u32], materials: &[Material]) -> bool {
    worn.iter().any(|material| *material != worn[0])
        && worn.iter().any(|&material| materials[material as usize].flags & MATERIAL_BODY != 0)
}

/// Copies of the materials of a body, with those that light finds inside which entered below their gloss.
fn copied(plain: &[u32], materials: &mut Vec<Material>, origins: &mut Vec<MaterialOrigin>) -> Vec<u32> {
    let first = materials.len();
    let mut copy = |of: u32, materials: &mut Vec<Material>| {
        materials.push(materials[of as usize]);
        origins.push(origins[of as usize]);
        (materials.len() - 1) as u32
    };
    let mut copy_of: BTreeMap<u32, u32> = BTreeMap::new();
    let copies = plain.iter().map(|&of| *copy_of.entry(of).or_insert_with(|| copy(of, materials))).collect();
    for at in copy_of.into_values() {
        let twin = materials[at as usize].twin;
        if twin != NONE {
            materials[at as usize].twin = copy(twin, materials);
        }
    }
    let is_body = |at: &usize| materials[*at].flags & MATERIAL_BODY != 0;
    let shell = (first..materials.len()).find(is_body).map_or(NONE, |at| at as u32);
    for material in &mut materials[first..] {
        material.shell = shell;
        // Light that goes straight through enters a body.
        material.flags &= !MATERIAL_PANE;
    }
    copies
}

impl MeshBodies {
    /// `None` when cancelled.
    fn of(scene: &Scene, mesh: u32, inward: &InwardFaces, cancelled: Cancelled<'_>) -> Option<Self> {
        let n_primitives = scene.meshes[mesh as usize].primitives.len();
        let surface = Surface::of(&scene.meshes[mesh as usize], cancelled)?;
        let (shells, is_closed) = surface.closed_shells(cancelled)?;
        let mut of_face: Vec<Vec<u32>> = vec![Vec::new(); n_primitives];
        let mut is_flipped = vec![false; shells.shells.len()];
        for (primitive, &shell) in surface.primitives().zip(&shells.of_face) {
            let faces = &mut of_face[primitive as usize];
            let flipped = inward.of_primitive(mesh, primitive as usize);
            is_flipped[shell as usize] |= flipped.is_some_and(|flipped| flipped[faces.len()]);
            faces.push(shell);
        }
        let is_cavity = |i: usize| is_closed[i] && shells.shells[i].is_turned_inwards() && !is_flipped[i];
        let is_cavity: Vec<bool> = (0..shells.shells.len()).map(is_cavity).collect();
        let body_of = bodies_of(&shells.shells, &is_closed, &is_cavity);
        of_face.iter_mut().flatten().for_each(|shell| *shell = body_of[*shell as usize]);
        let mut primitives = vec![Vec::new(); shells.shells.len()];
        for (primitive, faces) in of_face.iter().enumerate() {
            for &body in faces {
                let Some(of_body) = primitives.get_mut(body as usize) else { continue };
                if of_body.last() != Some(&primitive) {
                    of_body.push(primitive);
                }
            }
        }
        Some(Self { of_face, primitives })
    }
}

/// The body of each shell: its own, or, for a cavity, that of the smallest shell around it; `NONE` for an open one.
fn bodies_of(shells: &[Shell], is_closed: &[bool], is_cavity: &[bool]) -> Vec<u32> {
    /// This many of the largest shells are tried as the one around a cavity.
    const AROUND_MAX: usize = 64;
    let mut around: Vec<usize> = (0..shells.len()).filter(|&i| is_closed[i] && !is_cavity[i]).collect();
    around.sort_by(|&a, &b| shells[b].diagonal().total_cmp(&shells[a].diagonal()));
    around.truncate(AROUND_MAX);
    let body = |i: usize| {
        let own = if is_closed[i] { i as u32 } else { NONE };
        let outer = around.iter().rev().find(|&&outer| is_cavity[i] && shells[outer].encloses(&shells[i]));
        outer.map_or(own, |&outer| outer as u32)
    };
    (0..shells.len()).map(body).collect()
}
