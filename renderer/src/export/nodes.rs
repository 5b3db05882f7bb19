//! Nodes: one for each part, in the order of the parts, and behind them those that groups of parts hang from.
//!
//! Places are in the parts, as transforms to the world; groups have none. A group is a name in the paths of parts, so
//! that what is read back has the paths that it had.

use std::collections::HashMap;

use glam::{DAffine3, DMat3, DQuat, DVec3};
use serde_json::{Map, Value, json};

use crate::scene::Part;

/// How far the product of translation, rotation and scale may be from a transform, relative to its longest column.
const TRS_ERROR_MAX: f64 = 1e-6;

/// Where a part is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Placement {
    translation: DVec3,
    rotation: DQuat,
    scale: DVec3,
    /// What the mesh is multiplied with first, where the transform shears: a node cannot.
    pub(super) baked: Option<DMat3>,
}

impl Placement {
    pub(super) fn of(world_from_part: &DAffine3) -> Self {
        let (scale, rotation, translation) = world_from_part.to_scale_rotation_translation();
        let linear = world_from_part.matrix3;
        let again = DMat3::from_quat(rotation) * DMat3::from_diagonal(scale);
        let longest = [linear.x_axis, linear.y_axis, linear.z_axis].map(DVec3::length).into_iter().fold(0.0, f64::max);
        if (linear - again).to_cols_array().iter().all(|error| error.abs() <= TRS_ERROR_MAX * longest) {
            return Self { translation, rotation, scale, baked: None };
        }
        Self { translation, rotation: DQuat::IDENTITY, scale: DVec3::ONE, baked: Some(linear) }
    }
}

/// The nodes, and which of them are roots of the scene.
pub(super) fn write(parts: &[Part], placed: Vec<(Placement, Option<usize>)>) -> (Vec<Value>, Vec<usize>) {
    let mut nodes: Vec<Map<String, Value>> = Vec::with_capacity(parts.len());
    for (part, (placement, mesh)) in parts.iter().zip(placed) {
        let mut node = Map::new();
        node.insert("name".to_owned(), part.name().into());
        node.extend(mesh.map(|mesh| ("mesh".to_owned(), mesh.into())));
        let Placement { translation, rotation, scale, .. } = placement;
        if translation != DVec3::ZERO {
            node.insert("translation".to_owned(), json!(translation.to_array()));
        }
        if rotation != DQuat::IDENTITY {
            node.insert("rotation".to_owned(), json!(rotation.to_array()));
        }
        if scale != DVec3::ONE {
            node.insert("scale".to_owned(), json!(scale.to_array()));
        }
        nodes.push(node);
    }
    let mut groups = Groups { first: nodes.len(), ..Groups::default() };
    let mut roots = Vec::new();
    for (i, part) in parts.iter().enumerate() {
        match groups.above(part, &mut roots) {
            Some(group) => groups.children[group].push(i),
            None => roots.push(i),
        }
    }
    nodes.extend(groups.names.into_iter().zip(groups.children).map(|(name, children)| {
        let mut node = Map::new();
        if !name.is_empty() {
            node.insert("name".to_owned(), name.into());
        }
        node.insert("children".to_owned(), children.into());
        node
    }));
    (nodes.into_iter().map(Value::Object).collect(), roots)
}

/// Nodes above parts. They are numbered from 0 here, and from `first` in the file.
#[derive(Default)]
struct Groups<'a> {
    first: usize,
    names: Vec<String>,
    children: Vec<Vec<usize>>,
    /// By the group above, if there is one, and its name.
    of_name: HashMap<(Option<usize>, &'a str), usize>,
}

impl<'a> Groups<'a> {
    /// The group that a part hangs from, which is made with all above it if there is none; `None` for a root.
    fn above(&mut self, part: &'a Part, roots: &mut Vec<usize>) -> Option<usize> {
        let (path, _) = part.path.rsplit_once('/')?;
        let mut above = None;
        for name in path.split('/') {
            let known = self.of_name.get(&(above, name)).copied();
            above = Some(known.unwrap_or_else(|| {
                let made = self.names.len();
                self.names.push(name.to_owned());
                self.children.push(Vec::new());
                self.of_name.insert((above, name), made);
                match above {
                    Some(above) => self.children[above].push(self.first + made),
                    None => roots.push(self.first + made),
                }
                made
            }));
        }
        above
    }
}
