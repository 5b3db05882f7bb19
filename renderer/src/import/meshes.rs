//! Meshes: what their primitives refer to, and which of them share the same geometry.

use super::ImportErrorCode as Code;
use super::accessor::{Accessor, Component};
use super::attributes::{Attributes, Use};
use super::draco;
use super::error::ImportError;
use super::extensions::Extensions;
use super::extras::cad_names;
use super::findings::Findings;
use super::member::Member;
use super::variants::Variants;
use crate::diagnostic::Severity;

/// A mesh of the file.
pub(super) struct MeshSource<'d> {
    pub(super) name: Option<&'d str>,
    pub(super) primitives: Vec<PlacedPrimitive>,
    /// Weights of the morph targets, for nodes that have none of their own.
    pub(super) weights: Vec<f32>,
    /// Names of CAD materials and layers.
    pub(super) cad_names: Vec<&'d str>,
}

/// A primitive and its location in the file.
#[derive(Clone)]
pub(super) struct PlacedPrimitive {
    pub(super) place: PrimitiveIdx,
    pub(super) source: PrimitiveSource,
}

/// What a primitive consists of: indices of accessors and of a material.
///
/// Two primitives with equal sources are the same geometry, whatever mesh they are in: CAD converters repeat the mesh
/// object for every instance, and the copies share accessors.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct PrimitiveSource {
    pub(super) topology: Topology,
    pub(super) position: usize,
    pub(super) normal: Option<usize>,
    pub(super) tangent: Option<usize>,
    pub(super) uvs: [Option<usize>; 2],
    pub(super) color: Option<usize>,
    pub(super) indices: Option<usize>,
    pub(super) material: Option<usize>,
    /// Accessors of joints and of their weights, for a mesh with a skin.
    pub(super) influences: Vec<(usize, usize)>,
    pub(super) targets: Vec<MorphTarget>,
}

/// Accessors with the displacements of a morph target.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct MorphTarget {
    pub(super) position: Option<usize>,
    pub(super) normal: Option<usize>,
    pub(super) tangent: Option<usize>,
}

/// The indices of a mesh and of a primitive in it.
#[derive(Clone, Copy, Debug)]
pub(super) struct PrimitiveIdx {
    pub(super) mesh: usize,
    pub(super) primitive: usize,
}

impl PrimitiveIdx {
    /// The JSON pointer.
    pub(super) fn pointer(self) -> String {
        format!("/meshes/{}/primitives/{}", self.mesh, self.primitive)
    }
}

/// How indices form triangles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Topology {
    Triangles,
    Strip,
    Fan,
}

impl Topology {
    /// The triangles of these vertices, counter-clockwise (glTF 2.0 section 3.7.2.1), and how many vertices are left
    /// over.
    pub(super) fn triangles(self, vertices: &[u32]) -> (Vec<[u32; 3]>, usize) {
        match self {
            Self::Triangles => {
                let (triangles, rest) = vertices.as_chunks::<3>();
                (triangles.to_vec(), rest.len())
            }
            Self::Strip | Self::Fan if vertices.len() < 3 => (Vec::new(), vertices.len()),
            Self::Strip => {
                // Every second triangle of a strip has the opposite winding.
                let triangle = |(at, corners): (usize, &[u32])| match at % 2 {
                    0 => [corners[0], corners[1], corners[2]],
                    _ => [corners[0], corners[2], corners[1]],
                };
                (vertices.windows(3).enumerate().map(triangle).collect(), 0)
            }
            Self::Fan => (vertices[1..].windows(2).map(|edge| [edge[0], edge[1], vertices[0]]).collect(), 0),
        }
    }
}

/// What reading a primitive needs.
pub(super) struct Context<'a, 'b, 'd> {
    pub(super) accessors: &'a [Accessor<'b>],
    pub(super) view_count: usize,
    pub(super) material_count: usize,
    pub(super) variants: &'a Variants<'d>,
    pub(super) packed: &'a draco::Accessors,
    pub(super) extensions: &'a Extensions<'d>,
}

/// Reads `/meshes` and checks that every accessor fits its use.
pub(super) fn read_all<'d>(
    root: &Member<'_, 'd>,
    context: &Context<'_, '_, 'd>,
    findings: &mut Findings,
) -> Result<Vec<MeshSource<'d>>, ImportError> {
    let mut meshes = Vec::with_capacity(root.count("meshes")?);
    for (mesh_idx, mesh) in root.items("meshes")?.enumerate() {
        let mesh = mesh?;
        if mesh.count("primitives")? == 0 {
            return Err(mesh.error_at("primitives", Code::Schema, "a mesh has at least one primitive"));
        }
        let mut primitives = Vec::new();
        for (primitive_idx, primitive) in mesh.items("primitives")?.enumerate() {
            let primitive = primitive?;
            let place = PrimitiveIdx { mesh: mesh_idx, primitive: primitive_idx };
            if let Some(source) = read_primitive(&primitive, context, findings)? {
                note_quantization(&source, place, context, findings);
                primitives.push(PlacedPrimitive { place, source });
            }
        }
        let weights = mesh.number_list("weights")?.unwrap_or_default();
        let weights: Vec<f32> = weights.into_iter().map(|weight| weight as f32).collect();
        if !weights.is_empty() {
            note_weight_count(weights.len(), target_count(&primitives), || mesh.pointer_to("weights"), findings);
        }
        meshes.push(MeshSource { name: mesh.text("name")?, primitives, weights, cad_names: cad_names(&mesh) });
    }
    Ok(meshes)
}

/// How many morph targets a mesh has.
pub(super) fn target_count(primitives: &[PlacedPrimitive]) -> usize {
    primitives.iter().map(|primitive| primitive.source.targets.len()).max().unwrap_or(0)
}

/// Notes a list of weights whose length is not the number of morph targets (glTF 2.0 section 3.7.2.2).
pub(super) fn note_weight_count(
    found: usize,
    target_count: usize,
    at: impl FnOnce() -> String,
    findings: &mut Findings,
) {
    if found != target_count {
        let fate = if found < target_count { "missing weights count 0" } else { "surplus weights are ignored" };
        let message = format!("the numbers of weights ({found}) and morph targets ({target_count}) differ: {fate}");
        findings.add("morph_weight_count", Severity::Warning, at(), message);
    }
}

/// Integers where core glTF requires floats belong to an extension, which the file should declare.
fn note_quantization(
    primitive: &PrimitiveSource,
    place: PrimitiveIdx,
    context: &Context<'_, '_, '_>,
    findings: &mut Findings,
) {
    const NAME: &str = "KHR_mesh_quantization";
    let is_quantized = |accessor: usize| context.accessors[accessor].component != Component::F32;
    let attributes = [Some(primitive.position), primitive.normal, primitive.tangent];
    if !context.extensions.declares(NAME) && attributes.into_iter().flatten().any(is_quantized) {
        let message =
            format!("integer positions or directions need {NAME}, which the file does not list; it is applied");
        findings.add_once("extension_not_declared", Severity::Info, place.pointer(), message);
    }
}

/// `None` for a primitive without triangles.
fn read_primitive(
    primitive: &Member<'_, '_>,
    context: &Context<'_, '_, '_>,
    findings: &mut Findings,
) -> Result<Option<PrimitiveSource>, ImportError> {
    let accessors = context.accessors;
    let stored_material = primitive.index("material", context.material_count, "material")?;
    let material = context.variants.material(primitive, context.material_count)?.or(stored_material);
    let mut indices = primitive.index("indices", accessors.len(), "accessor")?;
    let member = primitive.object("attributes")?.ok_or_else(|| primitive.missing("attributes"))?;
    let packed = context.packed.of_primitive(primitive, context.view_count)?;
    if let Some(packed) = &packed {
        indices = Some(packed.indices);
    }
    let attributes = Attributes::read(&member, packed.as_ref(), accessors)?;
    let topology = match primitive.integer("mode")?.unwrap_or(4) {
        0..=3 => {
            let message = "points and lines are not shown";
            findings.add("primitive_skipped", Severity::Info, primitive.pointer(), message);
            return Ok(None);
        }
        // A compressed strip is stored as a list.
        4 | 5 if packed.is_some() => Topology::Triangles,
        4 => Topology::Triangles,
        5 => Topology::Strip,
        6 => Topology::Fan,
        mode => {
            return Err(primitive.error_at(
                "mode",
                Code::Schema,
                format!("the primitive has mode {mode}; modes are 0 to 6"),
            ));
        }
    };
    let Some(position) = attributes.get("POSITION", Use::Position)? else {
        let message = "the primitive has no positions";
        findings.add("primitive_skipped", Severity::Warning, primitive.pointer(), message);
        return Ok(None);
    };
    if let Some(indices) = indices
        && !accessors[indices].is_index()
    {
        let accessor = &accessors[indices];
        let message = format!("indices must be unsigned integers, not {} of {}", accessor.shape, accessor.component);
        return Err(primitive.error_at("indices", Code::Accessor, message));
    }
    Ok(Some(PrimitiveSource {
        topology,
        position,
        normal: attributes.get("NORMAL", Use::Direction)?,
        tangent: attributes.get("TANGENT", Use::Tangent)?,
        uvs: [attributes.get("TEXCOORD_0", Use::TexCoord)?, attributes.get("TEXCOORD_1", Use::TexCoord)?],
        color: attributes.get("COLOR_0", Use::Color)?,
        indices,
        material,
        influences: influences(&member, &attributes, findings)?,
        targets: targets(primitive, accessors, accessors[position].count)?,
    }))
}

/// Sets of joints with their weights, from `JOINTS_0` and `WEIGHTS_0` on.
fn influences(
    member: &Member<'_, '_>,
    attributes: &Attributes<'_, '_, '_, '_>,
    findings: &mut Findings,
) -> Result<Vec<(usize, usize)>, ImportError> {
    let mut influences = Vec::new();
    for (one, other) in [("JOINTS_", "WEIGHTS_"), ("WEIGHTS_", "JOINTS_")] {
        for set in attributes.sets(one) {
            if !attributes.sets(other).any(|partner| partner.number == set.number) {
                let message = format!("there is no {other}{} to go with it; it is ignored", set.number);
                findings.add("skin_set_incomplete", Severity::Warning, member.pointer_to(set.name), message);
            }
        }
    }
    for set in attributes.sets("JOINTS_") {
        let joints = attributes.get(set.name, Use::Joints)?;
        let weights = attributes.sets("WEIGHTS_").find(|other| other.number == set.number);
        let weights = weights.map(|weights| attributes.get(weights.name, Use::Weights)).transpose()?.flatten();
        influences.extend(joints.zip(weights));
    }
    Ok(influences)
}

fn targets(
    primitive: &Member<'_, '_>,
    accessors: &[Accessor<'_>],
    vertex_count: usize,
) -> Result<Vec<MorphTarget>, ImportError> {
    let target = |target: Result<Member<'_, '_>, ImportError>| {
        let target = target?;
        let attributes = Attributes::of_target(&target, accessors, vertex_count)?;
        Ok(MorphTarget {
            position: attributes.get("POSITION", Use::Position)?,
            normal: attributes.get("NORMAL", Use::Direction)?,
            tangent: attributes.get("TANGENT", Use::Direction)?,
        })
    };
    primitive.items("targets")?.map(target).collect()
}
