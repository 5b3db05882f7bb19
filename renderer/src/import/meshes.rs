//! Meshes: what their primitives refer to, and which of them are one and the same geometry.

use super::ImportErrorCode as Code;
use super::accessor::{Accessor, Component, Shape};
use super::error::ImportError;
use super::extensions::Extensions;
use super::findings::Findings;
use super::member::Member;
use crate::diagnostic::Severity;

/// A mesh of the file.
pub(super) struct MeshSource<'d> {
    pub(super) name: Option<&'d str>,
    pub(super) primitives: Vec<PlacedPrimitive>,
}

/// A primitive and where it stands in the file.
#[derive(Clone)]
pub(super) struct PlacedPrimitive {
    pub(super) place: Place,
    pub(super) source: PrimitiveSource,
}

/// What a primitive consists of: indices of accessors and of a material.
///
/// Two primitives with equal sources are the same geometry, whatever mesh they stand in: CAD converters repeat the mesh
/// object for every instance and let the copies share accessors.
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
}

/// The indices of a mesh and of a primitive in it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) mesh: usize,
    pub(super) primitive: usize,
}

impl Place {
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
    /// The triangles of these vertices, counter-clockwise (glTF 2.0 section 3.7.2.1), and how many vertices are left over.
    pub(super) fn triangles(self, vertices: &[u32]) -> (Vec<[u32; 3]>, usize) {
        match self {
            Self::Triangles => {
                let (triangles, rest) = vertices.as_chunks::<3>();
                (triangles.to_vec(), rest.len())
            }
            Self::Strip | Self::Fan if vertices.len() < 3 => (Vec::new(), vertices.len()),
            Self::Strip => {
                // Every second triangle of a strip runs the other way round.
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

/// Reads `/meshes` and checks that every accessor fits its use.
pub(super) fn read_all<'d>(
    root: &Member<'_, 'd>,
    accessors: &[Accessor<'_>],
    material_count: usize,
    extensions: &Extensions<'_>,
    findings: &mut Findings,
) -> Result<Vec<MeshSource<'d>>, ImportError> {
    let variant_count = match root.extension(VARIANTS)? {
        Some(extension) => extension.count("variants")?,
        None => 0,
    };
    let mut meshes = Vec::with_capacity(root.count("meshes")?);
    for (mesh_idx, mesh) in root.items("meshes")?.enumerate() {
        let mesh = mesh?;
        if mesh.count("primitives")? == 0 {
            return Err(mesh.error_at("primitives", Code::Schema, "a mesh has at least one primitive"));
        }
        let mut primitives = Vec::new();
        for (primitive_idx, primitive) in mesh.items("primitives")?.enumerate() {
            let primitive = primitive?;
            let place = Place { mesh: mesh_idx, primitive: primitive_idx };
            read_variants(&primitive, material_count, variant_count)?;
            if let Some(source) = read_primitive(&primitive, accessors, material_count, findings)? {
                note_quantization(&source, place, accessors, extensions, findings);
                primitives.push(PlacedPrimitive { place, source });
            }
        }
        meshes.push(MeshSource { name: mesh.text("name")?, primitives });
    }
    Ok(meshes)
}

/// Integers where core glTF wants floats are the business of an extension, which the file should name.
fn note_quantization(
    primitive: &PrimitiveSource,
    place: Place,
    accessors: &[Accessor<'_>],
    extensions: &Extensions<'_>,
    findings: &mut Findings,
) {
    const NAME: &str = "KHR_mesh_quantization";
    let is_quantized = |accessor: usize| accessors[accessor].component != Component::F32;
    let attributes = [Some(primitive.position), primitive.normal, primitive.tangent];
    if !extensions.declares(NAME) && attributes.into_iter().flatten().any(is_quantized) {
        let message =
            format!("integer positions or directions need {NAME}, which the file does not list; it is applied");
        findings.add_once("extension_not_declared", Severity::Info, place.pointer(), message);
    }
}

const VARIANTS: &str = "KHR_materials_variants";

fn read_variants(primitive: &Member<'_, '_>, material_count: usize, variant_count: usize) -> Result<(), ImportError> {
    let Some(extension) = primitive.extension(VARIANTS)? else { return Ok(()) };
    for mapping in extension.items("mappings")? {
        let mapping = mapping?;
        mapping.required_index("material", material_count, "material")?;
        mapping.indices("variants", variant_count, "variant")?;
    }
    Ok(())
}

/// `None` for a primitive that holds no triangles.
fn read_primitive(
    primitive: &Member<'_, '_>,
    accessors: &[Accessor<'_>],
    material_count: usize,
    findings: &mut Findings,
) -> Result<Option<PrimitiveSource>, ImportError> {
    let material = primitive.index("material", material_count, "material")?;
    let indices = primitive.index("indices", accessors.len(), "accessor")?;
    let attributes = primitive.object("attributes")?.ok_or_else(|| primitive.missing("attributes"))?;
    let mut vertex_count: Option<usize> = None;
    for name in attributes.names() {
        let accessor = &accessors[attributes.required_index(name, accessors.len(), "accessor")?];
        let count = *vertex_count.get_or_insert(match attributes.index("POSITION", accessors.len(), "accessor")? {
            Some(position) => accessors[position].count,
            None => accessor.count,
        });
        if accessor.count != count {
            let message = format!("{} elements for {count} vertices", accessor.count);
            return Err(attributes.error_at(name, Code::Accessor, message));
        }
    }
    let topology = match primitive.integer("mode")?.unwrap_or(4) {
        0..=3 => {
            let message = "points and lines are not shown";
            findings.add("primitive_skipped", Severity::Info, primitive.pointer(), message);
            return Ok(None);
        }
        4 => Topology::Triangles,
        5 => Topology::Strip,
        6 => Topology::Fan,
        mode => return Err(primitive.error_at("mode", Code::Schema, format!("mode {mode}; modes are 0 to 6"))),
    };
    let attribute = |name, shapes: &[Shape], use_| checked_attribute(&attributes, name, accessors, shapes, use_);
    let Some(position) = attribute("POSITION", &[Shape::Vec3], Use::Position)? else {
        let message = "the primitive has no positions";
        findings.add("primitive_skipped", Severity::Warning, primitive.pointer(), message);
        return Ok(None);
    };
    if let Some(indices) = indices
        && !accessors[indices].is_index()
    {
        let accessor = &accessors[indices];
        let message =
            format!("indices must be unsigned integers, not {:?} of {:?}", accessor.shape, accessor.component);
        return Err(primitive.error_at("indices", Code::Accessor, message));
    }
    if primitive.count("targets")? > 0 {
        let message = "morph targets are ignored; the mesh is shown as it is stored";
        findings.add("unsupported_feature", Severity::Warning, primitive.pointer_to("targets"), message);
    }
    let uv = &[Shape::Vec2];
    Ok(Some(PrimitiveSource {
        topology,
        position,
        normal: attribute("NORMAL", &[Shape::Vec3], Use::Direction)?,
        tangent: attribute("TANGENT", &[Shape::Vec4], Use::Direction)?,
        uvs: [attribute("TEXCOORD_0", uv, Use::TexCoord)?, attribute("TEXCOORD_1", uv, Use::TexCoord)?],
        color: attribute("COLOR_0", &[Shape::Vec3, Shape::Vec4], Use::Color)?,
        indices,
        material,
    }))
}

/// What an attribute is for, which decides the component types it may have.
#[derive(Clone, Copy, PartialEq)]
enum Use {
    Position,
    Direction,
    TexCoord,
    Color,
}

impl Use {
    /// glTF 2.0 section 3.7.2.1, with what `KHR_mesh_quantization` adds.
    fn allows(self, component: Component, normalized: bool) -> bool {
        match (self, component) {
            (_, Component::F32) => !normalized,
            (_, Component::U32) => false,
            (Self::Position | Self::TexCoord, _) => true,
            (Self::Direction, Component::I8 | Component::I16) => normalized,
            (Self::Direction, _) => false,
            (Self::Color, Component::U8 | Component::U16) => normalized,
            (Self::Color, _) => false,
        }
    }
}

fn checked_attribute<'d>(
    attributes: &Member<'_, 'd>,
    name: &'d str,
    accessors: &[Accessor<'_>],
    shapes: &[Shape],
    use_: Use,
) -> Result<Option<usize>, ImportError> {
    let Some(accessor_idx) = attributes.index(name, accessors.len(), "accessor")? else { return Ok(None) };
    let accessor = &accessors[accessor_idx];
    if !shapes.contains(&accessor.shape) || !use_.allows(accessor.component, accessor.normalized) {
        let normalized = if accessor.normalized { ", normalized" } else { "" };
        let message = format!("{:?} of {:?}{normalized} does not fit {name}", accessor.shape, accessor.component);
        return Err(attributes.error_at(name, Code::Accessor, message));
    }
    Ok(Some(accessor_idx))
}
