//! Parts: meshes posed and placed by the nodes of the scene.

use glam::DAffine3;

use super::ImportErrorCode as Code;
use super::Limits;
use super::accessor::Accessor;
use super::cancel::Cancel;
use super::deformation::Deformation;
use super::error::ImportError;
use super::findings::Findings;
use super::meshes::{MeshSource, note_weight_count, target_count};
use super::nodes::{Node, Nodes};
use super::sharing::{MeshBuilder, PoseKey};
use super::skins::Skins;
use crate::diagnostic::Severity;
use crate::scene::{Bounds, Mesh, MeshIdx, Part};

/// What parts are made of.
pub(super) struct Context<'a, 'b, 'd> {
    pub(super) nodes: &'a Nodes<'d>,
    pub(super) meshes: &'a [MeshSource<'d>],
    pub(super) accessors: &'a [Accessor<'b>],
    pub(super) world_from_file: DAffine3,
    pub(super) limits: &'a Limits,
    pub(super) cancel: Cancel<'a>,
}

/// Makes the parts of the scene, in the order of their nodes.
pub(super) fn build(
    context: &Context<'_, '_, '_>,
    skins: &mut Skins,
    builder: &mut MeshBuilder<'_, '_>,
    findings: &mut Findings,
) -> Result<Vec<Part>, ImportError> {
    let Context { nodes, meshes, accessors, limits, cancel, .. } = *context;
    let mut placed = Vec::new();
    let mut boxes = Vec::new();
    // For each mesh of the file in its stored pose: not yet built, without triangles, or the mesh of the scene.
    let mut built: Vec<Option<Option<MeshIdx>>> = vec![None; meshes.len()];
    let mut path_bytes_left = limits.path_bytes;
    let mut copies_left = limits.instances;
    for (node_idx, node, world_from_node) in nodes.of_scene() {
        cancel.check_at(node_idx as usize)?;
        let Some(mesh_idx) = node.mesh.map(|mesh| mesh as usize) else { continue };
        let at = || format!("/nodes/{node_idx}");
        if !node.is_visible {
            findings.add("node_hidden", Severity::Info, at(), "the node is invisible; its mesh is not shown");
            continue;
        }
        let source = &meshes[mesh_idx];
        let (mesh, world_from_part) = match posed_mesh(context, skins, builder, (node_idx, node), source, findings)? {
            Some((mesh, world_from_part)) => (mesh, world_from_part),
            None => {
                let mesh = match built[mesh_idx] {
                    Some(mesh) => mesh,
                    None => *built[mesh_idx].insert(builder.mesh(
                        &source.primitives,
                        &Deformation::default(),
                        PoseKey::default(),
                        findings,
                    )?),
                };
                (mesh, world_from_node)
            }
        };
        let Some(mesh) = mesh else { continue };
        boxes.extend(builder.meshes[boxes.len()..].iter().map(Mesh::local_bounds));
        let node_from_copies = match nodes.instancing(node_idx) {
            None => vec![DAffine3::IDENTITY],
            Some(instancing) => {
                let count = instancing.count(accessors, &at())?;
                copies_left = copies_left.checked_sub(count).ok_or_else(|| {
                    let message = format!("more copies of meshes than the limit instances of {}", limits.instances);
                    ImportError::new(Code::Limit, at(), message)
                })?;
                instancing.node_from_copies(accessors)?
            }
        };
        let cad_bytes: usize = cad_names(nodes.cad_names(node_idx), &source.cad_names).map(str::len).sum();
        for (copy, node_from_copy) in node_from_copies.into_iter().enumerate() {
            cancel.check_at(copy)?;
            let world_from_part = world_from_part * node_from_copy;
            if is_singular(&world_from_part) {
                let message = "the transform flattens the part to nothing; it is left out";
                findings.add("singular_transform", Severity::Warning, at(), message);
                continue;
            }
            let bounds = boxes[mesh.0 as usize].map(|local| Bounds::of_box(local, &world_from_part));
            if bounds.is_some_and(|bounds| !(bounds.min.as_vec3().is_finite() && bounds.max.as_vec3().is_finite())) {
                let message = "the part's position is infinite in single precision";
                return Err(ImportError::new(Code::NonFinite, at(), message));
            }
            // A long mesh name counts for every time the mesh is placed.
            let name_bytes = source.name.map_or(0, str::len) + cad_bytes;
            let path_bytes_max = path_bytes_left.checked_sub(name_bytes);
            let path_bytes = path_bytes_max.and_then(|bytes_max| nodes.path_bytes(node_idx, bytes_max));
            let path_bytes = path_bytes.ok_or_else(|| {
                let message = format!(
                    "the paths and names of the parts are longer than the limit path_bytes of {}",
                    limits.path_bytes
                );
                ImportError::new(Code::Limit, at(), message)
            })?;
            path_bytes_left -= path_bytes + name_bytes;
            placed.push((node_idx, node, source, mesh, world_from_part));
        }
    }
    // Names and paths are only written once all of them are known to fit: parts on every node of a long chain need
    // space quadratic in its length, and a long mesh name is repeated for every placement.
    let mut parts = Vec::with_capacity(placed.len());
    for (i, (node_idx, node, source, mesh, world_from_part)) in placed.into_iter().enumerate() {
        cancel.check_at(i)?;
        parts.push(Part {
            node_idx,
            path: nodes.path(node_idx),
            node_name: node.name.map(str::to_owned),
            mesh_name: source.name.map(str::to_owned),
            cad_names: cad_names(nodes.cad_names(node_idx), &source.cad_names).map(str::to_owned).collect(),
            mesh,
            world_from_part,
        });
    }
    Ok(parts)
}

/// The CAD names of a node, then those of its mesh that the node does not have.
fn cad_names<'a>(of_node: &'a [&'a str], of_mesh: &'a [&'a str]) -> impl Iterator<Item = &'a str> {
    of_node.iter().chain(of_mesh.iter().filter(|name| !of_node.contains(name))).copied()
}

/// The mesh of a node with a skin or with morph targets in effect, and its transform; `None` for one that is shown as
/// stored.
fn posed_mesh(
    context: &Context<'_, '_, '_>,
    skins: &mut Skins,
    builder: &mut MeshBuilder<'_, '_>,
    (node_idx, node): (u32, &Node<'_>),
    source: &MeshSource<'_>,
    findings: &mut Findings,
) -> Result<Option<(Option<MeshIdx>, DAffine3)>, ImportError> {
    let Context { nodes, accessors, world_from_file, .. } = context;
    let target_count = target_count(&source.primitives);
    if let Some(weights) = nodes.weights(node_idx) {
        note_weight_count(weights.len(), target_count, || format!("/nodes/{node_idx}/weights"), findings);
    }
    let weights = nodes.weights(node_idx).unwrap_or(&source.weights);
    let weights = &weights[..weights.len().min(target_count)];
    let is_morphed = weights.iter().any(|weight| *weight != 0.0);
    let weights = if is_morphed { weights } else { &[] };
    let is_bound = source.primitives.iter().any(|primitive| !primitive.source.influences.is_empty());
    if node.skin.is_some() && !is_bound {
        let message = "the node has a skin, but its mesh names no joints; it is placed like any other";
        findings.add("skin_ignored", Severity::Warning, format!("/nodes/{node_idx}/skin"), message);
    }
    let skin = node.skin.filter(|_| is_bound);
    if skin.is_none() && !is_morphed {
        return Ok(None);
    }
    let posed = skin.map(|skin| skins.pose(skin, nodes, accessors, world_from_file)).transpose()?;
    let part_from_mesh = posed.map(|posed| posed.part_from_mesh.as_slice());
    let deformation = Deformation { weights, part_from_mesh };
    let pose = PoseKey { skin, weights: weights.iter().map(|weight| weight.to_bits()).collect() };
    let mesh = builder.mesh(&source.primitives, &deformation, pose, findings)?;
    // A skinned mesh ignores the transform of its own node (glTF 2.0 section 3.7.3.3).
    let world_from_node = nodes.world(node_idx).unwrap_or_default();
    Ok(Some((mesh, posed.map_or(world_from_node, |posed| posed.world_from_part))))
}

/// Whether a transform is numerically singular: its volume is rounding error relative to its longest column.
fn is_singular(transform: &DAffine3) -> bool {
    let columns = transform.matrix3;
    let longest = columns.x_axis.length().max(columns.y_axis.length()).max(columns.z_axis.length());
    let volume = (columns * (1.0 / longest)).determinant().abs();
    // NaN, from a matrix of zeros, counts as singular too.
    !matches!(volume.partial_cmp(&1e-15), Some(std::cmp::Ordering::Greater))
}
