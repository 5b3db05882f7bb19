//! Skins: joints that deform a mesh (glTF 2.0 section 3.7.3.3).

use std::collections::HashMap;

use glam::{DAffine3, DMat3, DVec3};

use super::ImportErrorCode as Code;
use super::accessor::{Accessor, Component, Shape};
use super::error::ImportError;
use super::member::Member;
use super::nodes::Nodes;

/// Vertices refer to joints by 16-bit numbers.
const JOINTS_MAX: usize = 1 << 16;

/// The skins of a file, and the poses of those that meshes of the scene use.
pub(super) struct Skins {
    list: Vec<Skin>,
    posed: HashMap<u32, PosedSkin>,
}

struct Skin {
    /// Node indices of the joints.
    joints: Vec<u32>,
    /// The accessor of the inverse bind matrices, from the mesh to each joint; `None` if all are the identity.
    joint_from_mesh: Option<usize>,
}

/// A skin posed by the current transforms of its joints.
pub(super) struct PosedSkin {
    /// From the frame in which the posed mesh is stored to the world; its origin is that of the first joint. The node
    /// of the mesh plays no part.
    pub(super) world_from_part: DAffine3,
    /// Per joint, the transform from the bound mesh to that frame.
    pub(super) part_from_mesh: Vec<DAffine3>,
}

impl Skins {
    /// Reads `/skins`.
    pub(super) fn read(root: &Member<'_, '_>, accessors: &[Accessor<'_>]) -> Result<Self, ImportError> {
        let node_count = root.count("nodes")?;
        let read = |skin: &Member<'_, '_>| {
            let joints = skin.indices("joints", node_count, "node")?;
            if joints.is_empty() {
                return Err(skin.error_at("joints", Code::Schema, "a skin has at least one joint"));
            }
            if joints.len() > JOINTS_MAX {
                let message = format!("the skin has {} joints; at most {JOINTS_MAX} are supported", joints.len());
                return Err(skin.error_at("joints", Code::Limit, message));
            }
            skin.index("skeleton", node_count, "node")?;
            let joint_from_mesh = skin.index("inverseBindMatrices", accessors.len(), "accessor")?;
            if let Some(accessor) = joint_from_mesh.map(|idx| &accessors[idx])
                && (accessor.shape != Shape::Mat4
                    || accessor.component != Component::F32
                    || accessor.count < joints.len())
            {
                let message = format!("{} joints need a 4 × 4 matrix of floats each", joints.len());
                return Err(skin.error_at("inverseBindMatrices", Code::Accessor, message));
            }
            Ok(Skin { joints: joints.into_iter().map(|joint| joint as u32).collect(), joint_from_mesh })
        };
        let list = root.items("skins")?.map(|skin| read(&skin?)).collect::<Result<_, _>>()?;
        Ok(Self { list, posed: HashMap::new() })
    }

    /// How many skins there are.
    pub(super) fn count(&self) -> usize {
        self.list.len()
    }

    /// The pose of a skin. `world_from_file` gives the axes and the scale in which the posed mesh is stored.
    pub(super) fn pose(
        &mut self,
        skin_idx: u32,
        nodes: &Nodes<'_>,
        accessors: &[Accessor<'_>],
        world_from_file: &DAffine3,
    ) -> Result<&PosedSkin, ImportError> {
        let skin = &self.list[skin_idx as usize];
        let entry = match self.posed.entry(skin_idx) {
            std::collections::hash_map::Entry::Occupied(entry) => return Ok(entry.into_mut()),
            std::collections::hash_map::Entry::Vacant(entry) => entry,
        };
        let at = || format!("/skins/{skin_idx}/joints");
        let mut worlds = Vec::with_capacity(skin.joints.len());
        for &joint in &skin.joints {
            worlds.push(nodes.world(joint).ok_or_else(|| {
                ImportError::new(Code::Graph, at(), format!("joint node {joint} is not in the scene that is shown"))
            })?);
        }
        let joint_from_mesh = match skin.joint_from_mesh {
            Some(idx) => matrices(&accessors[idx], skin.joints.len())?,
            None => vec![DAffine3::IDENTITY; skin.joints.len()],
        };
        let world_from_part = DAffine3 { matrix3: world_from_file.matrix3, translation: worlds[0].translation };
        let part_from_world = world_from_part.inverse();
        let placed = worlds.iter().zip(joint_from_mesh);
        let part_from_mesh =
            placed.map(|(world, joint_from_mesh)| part_from_world * *world * joint_from_mesh).collect();
        Ok(entry.insert(PosedSkin { world_from_part, part_from_mesh }))
    }
}

fn matrices(accessor: &Accessor<'_>, count: usize) -> Result<Vec<DAffine3>, ImportError> {
    let selection: Vec<u32> = (0..count as u32).collect();
    let decoded = accessor.decode::<16>(Some(&selection));
    if let Some(element) = decoded.iter().position(|matrix| !matrix.iter().all(|value| value.is_finite())) {
        let at = accessor.pointer_to_element(element);
        return Err(ImportError::new(Code::NonFinite, at, "a matrix of a skin is not finite"));
    }
    let affine = |matrix: &[f32; 16]| {
        let column = |at: usize| DVec3::new(matrix[at].into(), matrix[at + 1].into(), matrix[at + 2].into());
        DAffine3::from_mat3_translation(DMat3::from_cols(column(0), column(4), column(8)), column(12))
    };
    Ok(decoded.iter().map(affine).collect())
}
