//! The node hierarchy: a forest, checked, with world transforms in double precision.
//!
//! Nothing here recurses: a chain of a million nodes is legal.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;

use glam::{DAffine3, DMat3, DQuat, DVec3};

use super::ImportErrorCode as Code;
use super::Limits;
use super::animations::NodePose;
use super::cancel::Cancel;
use super::error::ImportError;
use super::extras;
use super::findings::Findings;
use super::instancing::Instancing;
use super::member::Member;
use crate::diagnostic::Severity;

const NONE: u32 = u32::MAX;

/// Prefix before the index of a node without a name, in paths.
const UNNAMED: &str = "Node_";

/// One node.
pub(super) struct Node<'d> {
    pub(super) name: Option<&'d str>,
    pub(super) mesh: Option<u32>,
    pub(super) camera: Option<u32>,
    pub(super) light: Option<u32>,
    pub(super) skin: Option<u32>,
    /// Whether it and all its ancestors are visible (`KHR_node_visibility`); valid after [`Nodes::place`].
    pub(super) is_visible: bool,
    /// Index into the transforms of [`Nodes`].
    transform: u32,
    parent: u32,
}

/// How many objects of each kind nodes can refer to.
pub(super) struct Counts {
    pub(super) meshes: usize,
    pub(super) cameras: usize,
    pub(super) skins: usize,
    pub(super) lights: usize,
    pub(super) accessors: usize,
}

/// All nodes of the file and the order of those that the scene shows.
pub(super) struct Nodes<'d> {
    list: Vec<Node<'d>>,
    /// First from nodes to their parents; [`Nodes::place`] turns them into transforms to the world. Nodes at the same
    /// place share one: in CAD files most nodes have no transform.
    transforms: Vec<DAffine3>,
    /// Nodes of the scene, each after its parent.
    order: Vec<u32>,
    /// Per node, whether it is in `order`.
    is_in_scene: Vec<bool>,
    /// Weights of morph targets, for nodes that have some.
    weights: HashMap<u32, Vec<f32>>,
    /// Copies that nodes make of their meshes.
    instancings: HashMap<u32, Instancing>,
    /// Names of CAD materials and layers, for nodes that have some.
    cad_names: HashMap<u32, Vec<&'d str>>,
}

impl<'d> Nodes<'d> {
    /// Reads `/nodes` and the scene to show, and checks that they are a forest. `poses` override the members of a node.
    pub(super) fn read(
        root: &Member<'_, 'd>,
        counts: &Counts,
        poses: &HashMap<u32, NodePose>,
        limits: &Limits,
        cancel: Cancel<'_>,
        findings: &mut Findings,
    ) -> Result<Self, ImportError> {
        let node_count = root.count("nodes")?;
        if node_count > limits.nodes {
            let message = format!("the file has {node_count} nodes; the limit nodes is {}", limits.nodes);
            return Err(root.error_at("nodes", Code::Limit, message));
        }
        let mut list = Vec::with_capacity(node_count);
        let mut transforms = vec![DAffine3::IDENTITY];
        let mut children = Children::default();
        let (mut weights, mut instancings, mut cad_names) = (HashMap::new(), HashMap::new(), HashMap::new());
        for node in root.items("nodes")? {
            cancel.check_at(list.len())?;
            let node = node?;
            let mut entry = read_node(&node, counts)?;
            let node_idx = list.len() as u32;
            let pose = poses.get(&node_idx);
            if let Some(transform) = read_transform(&node, pose, findings)? {
                entry.transform = transforms.len() as u32;
                transforms.push(transform);
            }
            let own_weights = node.number_list("weights")?;
            let own_weights = own_weights.map(|weights| weights.into_iter().map(|weight| weight as f32).collect());
            if let Some(own_weights) = pose.and_then(|pose| pose.weights.clone()).or(own_weights) {
                weights.insert(node_idx, own_weights);
            }
            if let Some(instancing) = Instancing::read(&node, counts.accessors)? {
                instancings.insert(node_idx, instancing);
            }
            let names = extras::cad_names(&node);
            if !names.is_empty() {
                cad_names.insert(node_idx, names);
            }
            list.push(entry);
            children.push(&node.indices("children", node_count, "node")?);
        }
        cancel.check()?;
        link_parents(&mut list, &children)?;
        refuse_cycles(&children)?;
        let roots = scene_roots(root, &list, findings)?;
        let mut order = Vec::new();
        let mut is_in_scene = vec![false; node_count];
        let mut pending: Vec<u32> = roots.into_iter().rev().collect();
        while let Some(node) = pending.pop() {
            order.push(node);
            is_in_scene[node as usize] = true;
            pending.extend(children.of(node).iter().rev());
        }
        Ok(Self { list, transforms, order, is_in_scene, weights, instancings, cad_names })
    }

    /// Makes the transforms absolute, relative to `world_from_file`.
    pub(super) fn place(&mut self, world_from_file: DAffine3) -> Result<(), ImportError> {
        let mut worlds = vec![world_from_file];
        let mut outside = HashMap::new();
        for &node_idx in &self.order {
            let node = &self.list[node_idx as usize];
            let (world_from_parent, is_parent_visible) = match node.parent {
                NONE => (0, true),
                parent if !self.is_in_scene[parent as usize] => {
                    let (world_from_parent, is_visible) = self.outside_the_scene(parent, world_from_file, &mut outside);
                    worlds.push(world_from_parent);
                    (worlds.len() as u32 - 1, is_visible)
                }
                parent => (self.list[parent as usize].transform, self.list[parent as usize].is_visible),
            };
            let world_from_node = match node.transform {
                0 => worlds[world_from_parent as usize],
                transform => worlds[world_from_parent as usize] * self.transforms[transform as usize],
            };
            // Rendering is in single precision, so positions must be finite there.
            if !world_from_node.to_cols_array().iter().all(|value| (*value as f32).is_finite()) {
                let message = "the product of the transforms down to this node is infinite in single precision";
                return Err(ImportError::new(Code::NonFinite, format!("/nodes/{node_idx}"), message));
            }
            let transform = match node.transform {
                0 => world_from_parent,
                _ => {
                    worlds.push(world_from_node);
                    worlds.len() as u32 - 1
                }
            };
            let node = &mut self.list[node_idx as usize];
            node.transform = transform;
            node.is_visible &= is_parent_visible;
        }
        self.transforms = worlds;
        Ok(())
    }

    /// Where a node is that is not in the scene, and whether it and all its ancestors are visible: a child of it may be
    /// shown. Results on the way up are cached in `known`, so that the cost of a deep forest stays linear in its nodes.
    fn outside_the_scene(
        &self,
        node_idx: u32,
        world_from_file: DAffine3,
        known: &mut HashMap<u32, (DAffine3, bool)>,
    ) -> (DAffine3, bool) {
        let (mut path, mut at) = (Vec::new(), node_idx);
        let (mut world_from_node, mut is_visible) = loop {
            match known.get(&at) {
                _ if at == NONE => break (world_from_file, true),
                Some(found) => break *found,
                None => path.push(at),
            }
            at = self.list[at as usize].parent;
        };
        while let Some(node_idx) = path.pop() {
            let node = &self.list[node_idx as usize];
            world_from_node *= self.transforms[node.transform as usize];
            is_visible &= node.is_visible;
            known.insert(node_idx, (world_from_node, is_visible));
        }
        (world_from_node, is_visible)
    }

    /// The nodes of the scene by increasing index, with their transforms to the world, after [`Self::place`].
    pub(super) fn of_scene(&self) -> impl Iterator<Item = (u32, &Node<'d>, DAffine3)> {
        let placed = self.list.iter().zip(&self.is_in_scene).enumerate().filter(|(_, (_, is_in_scene))| **is_in_scene);
        placed.map(|(node_idx, (node, _))| (node_idx as u32, node, self.transforms[node.transform as usize]))
    }

    /// The transform of a node of the scene, after [`Self::place`]; `None` for other nodes.
    pub(super) fn world(&self, node_idx: u32) -> Option<DAffine3> {
        let is_in_scene = self.is_in_scene[node_idx as usize];
        is_in_scene.then(|| self.transforms[self.list[node_idx as usize].transform as usize])
    }

    /// The morph target weights of a node.
    pub(super) fn weights(&self, node_idx: u32) -> Option<&[f32]> {
        self.weights.get(&node_idx).map(Vec::as_slice)
    }

    /// The CAD materials and layers that the extras of a node name.
    pub(super) fn cad_names(&self, node_idx: u32) -> &[&'d str] {
        self.cad_names.get(&node_idx).map_or(&[], Vec::as_slice)
    }

    /// The copies that a node makes of its mesh.
    pub(super) fn instancing(&self, node_idx: u32) -> Option<&Instancing> {
        self.instancings.get(&node_idx)
    }

    /// How long [`Self::path`] is; `None` where that is more than `bytes_max`.
    pub(super) fn path_bytes(&self, node_idx: u32, bytes_max: usize) -> Option<usize> {
        let mut bytes = 0;
        let mut at = node_idx;
        while at != NONE {
            let name_bytes = match self.name(at) {
                Some(name) => name.len(),
                None => UNNAMED.len() + 1 + at.checked_ilog10().unwrap_or(0) as usize,
            };
            bytes += name_bytes + usize::from(bytes > 0);
            if bytes > bytes_max {
                return None;
            }
            at = self.list[at as usize].parent;
        }
        Some(bytes)
    }

    /// The names from the scene's root to this node, joined by `/`; `Node_<index>` where a name is absent or empty.
    pub(super) fn path(&self, node_idx: u32) -> String {
        let mut chain = Vec::new();
        let mut at = node_idx;
        while at != NONE {
            chain.push(at);
            at = self.list[at as usize].parent;
        }
        let mut path = String::with_capacity(self.path_bytes(node_idx, usize::MAX).unwrap_or(0));
        for &at in chain.iter().rev() {
            if !path.is_empty() {
                path.push('/');
            }
            match self.name(at) {
                Some(name) => path.push_str(name),
                None => write!(path, "{UNNAMED}{at}").unwrap_or_default(),
            }
        }
        path
    }

    /// The name of a node, if it has one that is not empty.
    fn name(&self, node_idx: u32) -> Option<&'d str> {
        self.list[node_idx as usize].name.filter(|name| !name.is_empty())
    }
}

fn read_node<'d>(node: &Member<'_, 'd>, counts: &Counts) -> Result<Node<'d>, ImportError> {
    let light = match node.extension("KHR_lights_punctual")? {
        Some(extension) => Some(extension.required_index("light", counts.lights, "light")? as u32),
        None => None,
    };
    let index = |name, count, what| node.index(name, count, what).map(|index| index.map(|index| index as u32));
    Ok(Node {
        name: node.text("name")?,
        mesh: index("mesh", counts.meshes, "mesh")?,
        camera: index("camera", counts.cameras, "camera")?,
        light,
        skin: index("skin", counts.skins, "skin")?,
        is_visible: match node.extension("KHR_node_visibility")? {
            Some(extension) => !extension.has("visible") || extension.flag("visible")?,
            None => true,
        },
        transform: 0,
        parent: NONE,
    })
}

/// `None` for a node without a transform of its own.
fn read_transform(
    node: &Member<'_, '_>,
    pose: Option<&NodePose>,
    findings: &mut Findings,
) -> Result<Option<DAffine3>, ImportError> {
    let pose = pose.filter(|pose| pose.translation.is_some() || pose.rotation.is_some() || pose.scale.is_some());
    let translation = node.numbers::<3>("translation")?;
    let rotation = node.numbers::<4>("rotation")?;
    let scale = node.numbers::<3>("scale")?;
    if let Some(matrix) = node.numbers::<16>("matrix")? {
        if translation.is_some() || rotation.is_some() || scale.is_some() {
            let message = "the node has both a matrix and translation, rotation or scale: the matrix counts";
            findings.add("matrix_and_trs", Severity::Warning, node.pointer(), message);
        }
        if pose.is_some() {
            let message = "an animation cannot move a node with a matrix; it stays where it is";
            findings.add("animation_ignored", Severity::Warning, node.pointer(), message);
        }
        return read_matrix(node, matrix, findings).map(Some);
    }
    if translation.is_none() && rotation.is_none() && scale.is_none() && pose.is_none() {
        return Ok(None);
    }
    let stored_rotation = match rotation {
        None => DQuat::IDENTITY,
        Some(xyzw) => {
            let rotation = DQuat::from_array(xyzw);
            let length = rotation.length();
            // Below this the direction of the quaternion is rounding error.
            if length < 1e-6 {
                return Err(node.error_at("rotation", Code::Schema, "the quaternion 0, 0, 0, 0 is not a rotation"));
            }
            if (length - 1.0).abs() > 1e-3 {
                let message = format!("a quaternion of length {length:.3} is normalised");
                findings.add("rotation_not_unit", Severity::Warning, node.pointer_to("rotation"), message);
            }
            rotation / length
        }
    };
    let posed_scale = pose.and_then(|pose| pose.scale);
    let posed_translation = pose.and_then(|pose| pose.translation);
    Ok(Some(DAffine3::from_scale_rotation_translation(
        posed_scale.unwrap_or(scale.map_or(DVec3::ONE, DVec3::from_array)),
        pose.and_then(|pose| pose.rotation).unwrap_or(stored_rotation),
        posed_translation.unwrap_or(translation.map_or(DVec3::ZERO, DVec3::from_array)),
    )))
}

fn read_matrix(node: &Member<'_, '_>, columns: [f64; 16], findings: &mut Findings) -> Result<DAffine3, ImportError> {
    let last_row = [columns[3], columns[7], columns[11], columns[15]];
    let is_affine = last_row.iter().zip([0.0, 0.0, 0.0, 1.0]).all(|(found, wanted)| (found - wanted).abs() < 1e-6);
    if !is_affine {
        let message = format!("the last row is {last_row:?}: a projection, not an affine transform");
        return Err(node.error_at("matrix", Code::Schema, message));
    }
    let column = |at: usize| DVec3::new(columns[at], columns[at + 1], columns[at + 2]);
    let linear = DMat3::from_cols(column(0), column(4), column(8));
    // The product of translation, rotation and scale has perpendicular columns.
    let [x, y, z] = [linear.x_axis, linear.y_axis, linear.z_axis].map(DVec3::normalize_or_zero);
    if x.dot(y).abs().max(y.dot(z).abs()).max(z.dot(x).abs()) > 1e-4 {
        let message = "the matrix shears; it is used as it is";
        findings.add("matrix_not_trs", Severity::Info, node.pointer_to("matrix"), message);
    }
    Ok(DAffine3::from_mat3_translation(linear, column(12)))
}

/// The children of all nodes, one after the other.
#[derive(Default)]
struct Children {
    list: Vec<u32>,
    /// Per node, where its children end.
    ends: Vec<u32>,
}

impl Children {
    /// Appends the children of the next node.
    fn push(&mut self, children: &[usize]) {
        self.list.extend(children.iter().map(|&child| child as u32));
        self.ends.push(self.list.len() as u32);
    }

    fn of(&self, node: u32) -> &[u32] {
        let begin = if node == 0 { 0 } else { self.ends[node as usize - 1] };
        &self.list[begin as usize..self.ends[node as usize] as usize]
    }
}

fn link_parents(list: &mut [Node<'_>], children: &Children) -> Result<(), ImportError> {
    for parent in 0..list.len() as u32 {
        for (at, &child) in children.of(parent).iter().enumerate() {
            let node = &mut list[child as usize];
            if node.parent != NONE {
                let message = format!("node {child} is already a child of node {}", node.parent);
                return Err(ImportError::new(Code::Graph, format!("/nodes/{parent}/children/{at}"), message));
            }
            node.parent = parent;
        }
    }
    Ok(())
}

/// Walks down from every node that has not been visited; reaching a node of the current path again is a cycle.
fn refuse_cycles(children: &Children) -> Result<(), ImportError> {
    #[derive(Clone, Copy, PartialEq)]
    enum State {
        New,
        OnPath,
        Done,
    }
    let node_count = children.ends.len();
    let mut states = vec![State::New; node_count];
    let mut path: Vec<(u32, u32)> = Vec::new();
    for start in 0..node_count {
        if states[start] == State::New {
            states[start] = State::OnPath;
            path.push((start as u32, 0));
        }
        while let Some((node, next)) = path.last_mut() {
            let Some(&child) = children.of(*node).get(*next as usize) else {
                states[*node as usize] = State::Done;
                path.pop();
                continue;
            };
            match states[child as usize] {
                State::OnPath => {
                    let at = format!("/nodes/{node}/children/{next}");
                    return Err(ImportError::new(Code::Graph, at, format!("node {child} is its own descendant")));
                }
                State::Done => *next += 1,
                State::New => {
                    *next += 1;
                    states[child as usize] = State::OnPath;
                    path.push((child, 0));
                }
            }
        }
    }
    Ok(())
}

/// The roots of the scene to show: the default scene, else the first.
///
/// Some tools list children beside their parents, which glTF 2.0 section 3.5.1 rules out: such a node is shown once,
/// where its parents place it.
fn scene_roots(root: &Member<'_, '_>, list: &[Node<'_>], findings: &mut Findings) -> Result<Vec<u32>, ImportError> {
    let scene_count = root.count("scenes")?;
    let shown = root.index("scene", scene_count, "scene")?.unwrap_or(0);
    let mut roots = None;
    for (scene_idx, scene) in root.items("scenes")?.enumerate() {
        let scene = scene?;
        let nodes = scene.indices("nodes", list.len(), "node")?;
        let mut is_listed = HashSet::new();
        for (at, &node) in nodes.iter().enumerate() {
            let at = || format!("/scenes/{scene_idx}/nodes/{at}");
            if !is_listed.insert(node) {
                return Err(ImportError::new(Code::Graph, at(), format!("node {node} is listed twice")));
            }
            let parent = list[node].parent;
            if parent != NONE {
                let message = format!("node {node} is a child of node {parent}, so it is not a root; it is shown once");
                findings.add("scene_names_child", Severity::Warning, at(), message);
            }
        }
        if scene_idx == shown {
            let is_reached = Ancestry::new(list, &is_listed);
            let shown = nodes.into_iter().filter(|&node| !is_reached.through_a_parent(node));
            roots = Some(shown.map(|node| node as u32).collect());
        }
    }
    roots.ok_or_else(|| root.error_at("scenes", Code::Empty, "the file has no scene: there is nothing to render"))
}

/// Which nodes are below one that is listed.
struct Ancestry(Vec<bool>);

impl Ancestry {
    /// Visits every node once, however deep the forest.
    fn new(list: &[Node<'_>], is_listed: &HashSet<usize>) -> Self {
        let mut known: Vec<Option<bool>> = vec![None; list.len()];
        let mut path = Vec::new();
        for start in 0..list.len() {
            let mut at = start;
            let is_below = loop {
                if let Some(is_below) = known[at] {
                    break is_below || is_listed.contains(&at);
                }
                path.push(at);
                match list[at].parent {
                    NONE => break false,
                    parent => at = parent as usize,
                }
            };
            let mut is_below = is_below;
            // Back down, from the ancestor that was found to the node.
            while let Some(node) = path.pop() {
                known[node] = Some(is_below);
                is_below |= is_listed.contains(&node);
            }
        }
        Self(known.into_iter().map(|is_below| is_below.unwrap_or(false)).collect())
    }

    /// Whether a node is shown because of one of its ancestors.
    fn through_a_parent(&self, node: usize) -> bool {
        self.0[node]
    }
}
