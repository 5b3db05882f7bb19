//! Builds each distinct mesh once.
//!
//! CAD converters repeat the mesh object for every instance, and the copies share accessors, so sharing is detected by
//! what primitives refer to. Meshes that differ only in materials are distinct, but their geometry is decoded once.

use std::collections::HashMap;

use super::ImportErrorCode as Code;
use super::ImportOptions;
use super::accessor::Accessor;
use super::cancel::Cancel;
use super::deformation::Deformation;
use super::error::ImportError;
use super::findings::Findings;
use super::geometry::{self, Computed};
use super::meshes::{PlacedPrimitive, PrimitiveIdx, PrimitiveSource};
use crate::diagnostic::Severity;
use crate::look::Look;
use crate::scene::{MaterialIdx, Mesh, MeshIdx, Primitive, SceneMaterial};

/// Builds the meshes and materials of the scene.
pub(super) struct MeshBuilder<'a, 'b> {
    accessors: &'a [Accessor<'b>],
    options: &'a ImportOptions,
    cancel: Cancel<'a>,
    /// Distinct meshes.
    pub(super) meshes: Vec<Mesh>,
    /// For each mesh and primitive, its location in the file.
    pub(super) places: Vec<Vec<PrimitiveIdx>>,
    /// For each mesh, the number of its triangles in the file that have no area.
    pub(super) degenerate_counts: Vec<u64>,
    /// The materials of the file, then variants without the textures for which a primitive lacks coordinates.
    pub(super) materials: Vec<SceneMaterial>,
    /// Triangles of the file, counting each geometry once.
    pub(super) unique_triangles: u64,
    built: HashMap<(Vec<PrimitiveSource>, PoseKey), Option<MeshIdx>>,
    geometries: HashMap<GeometryKey, Option<Geometry>>,
    reduced_materials: HashMap<(MaterialIdx, [bool; 2]), MaterialIdx>,
    triangle_count: usize,
    vertex_count: usize,
    /// Values of morph targets and joints that have been read.
    posed_values: usize,
}

/// Identifies equal poses of a mesh.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct PoseKey {
    pub(super) skin: Option<u32>,
    /// The bits of the weights of the morph targets.
    pub(super) weights: Vec<u32>,
}

/// Identifies equal primitives, apart from their materials.
#[derive(PartialEq, Eq, Hash)]
struct GeometryKey {
    source: PrimitiveSource,
    pose: PoseKey,
    tangent_uv_set: Option<usize>,
}

/// Where a geometry is stored.
#[derive(Clone, Copy)]
struct Geometry {
    mesh: usize,
    primitive: usize,
    degenerate_count: u64,
}

impl<'a, 'b> MeshBuilder<'a, 'b> {
    pub(super) fn new(
        accessors: &'a [Accessor<'b>],
        options: &'a ImportOptions,
        materials: Vec<SceneMaterial>,
        cancel: Cancel<'a>,
    ) -> Self {
        Self {
            accessors,
            options,
            cancel,
            meshes: Vec::new(),
            places: Vec::new(),
            degenerate_counts: Vec::new(),
            materials,
            unique_triangles: 0,
            built: HashMap::new(),
            geometries: HashMap::new(),
            reduced_materials: HashMap::new(),
            triangle_count: 0,
            vertex_count: 0,
            posed_values: 0,
        }
    }

    /// The mesh of these primitives in a pose, whose key is `pose`; `None` if they have no triangle.
    pub(super) fn mesh(
        &mut self,
        placed: &[PlacedPrimitive],
        deformation: &Deformation<'_>,
        pose: PoseKey,
        findings: &mut Findings,
    ) -> Result<Option<MeshIdx>, ImportError> {
        let sources: Vec<PrimitiveSource> = placed.iter().map(|placed| placed.source.clone()).collect();
        let key = (sources, pose);
        if let Some(built) = self.built.get(&key) {
            return Ok(*built);
        }
        let mut primitives = Vec::new();
        let mut places = Vec::new();
        let mut degenerate_count = 0;
        for placed in placed {
            let geometry = self.geometry(placed, deformation, &key.1, &primitives, findings)?;
            if let Some((mut primitive, degenerate)) = geometry {
                self.check_limits(placed.place, &primitive)?;
                primitive.material = self.material(placed, &primitive, findings);
                primitives.push(primitive);
                places.push(placed.place);
                degenerate_count += degenerate;
            }
        }
        let mesh = (!primitives.is_empty()).then(|| {
            self.meshes.push(Mesh { primitives });
            self.places.push(places);
            self.degenerate_counts.push(degenerate_count);
            MeshIdx(self.meshes.len() as u32 - 1)
        });
        self.built.insert(key, mesh);
        Ok(mesh)
    }

    /// Decodes a geometry, or copies it from a mesh that differs only in materials. `siblings` are the primitives so
    /// far of the mesh under construction.
    fn geometry(
        &mut self,
        placed: &PlacedPrimitive,
        deformation: &Deformation<'_>,
        pose: &PoseKey,
        siblings: &[Primitive],
        findings: &mut Findings,
    ) -> Result<Option<(Primitive, u64)>, ImportError> {
        let source = &placed.source;
        let tangent_uv_set = source.material.and_then(|material| tangent_uv_set(&self.materials[material]));
        let source = PrimitiveSource { material: None, ..source.clone() };
        let key = GeometryKey { source, pose: pose.clone(), tangent_uv_set };
        if let Some(geometry) = self.geometries.get(&key) {
            return Ok(geometry.map(|geometry| {
                let primitives = self.meshes.get(geometry.mesh).map_or(siblings, |mesh| &mesh.primitives);
                (primitives[geometry.primitive].clone(), geometry.degenerate_count)
            }));
        }
        let cost = deformation.cost(&placed.source, self.accessors[placed.source.position].count);
        self.posed_values = self.posed_values.saturating_add(cost);
        if self.posed_values > self.options.limits.posed_values {
            let message =
                format!("more values of poses than the limit posed_values of {}", self.options.limits.posed_values);
            return Err(ImportError::new(Code::Limit, placed.place.pointer(), message));
        }
        // Blender's importer leaves the file's tangents out: its normal maps and grains use those of the texture
        // coordinates.
        let keeps_tangents = self.options.look == Look::Gltf;
        let computed = Computed { keeps_tangents, tangent_uv_set, smooth_deg: self.options.smooth_deg };
        let built = geometry::build(placed, deformation, self.accessors, computed, self.cancel, findings)?;
        let degenerate_count = built.degenerate_count as u64;
        let stored = Geometry { mesh: self.meshes.len(), primitive: siblings.len(), degenerate_count };
        self.geometries.insert(key, built.primitive.as_ref().map(|_| stored));
        Ok(built.primitive.map(|primitive| {
            self.unique_triangles += primitive.triangles.len() as u64 + degenerate_count;
            (primitive, degenerate_count)
        }))
    }

    fn check_limits(&mut self, place: PrimitiveIdx, primitive: &Primitive) -> Result<(), ImportError> {
        self.triangle_count += primitive.triangles.len();
        self.vertex_count += primitive.positions.len();
        let check = |count: usize, limit: usize, name: &str| {
            let message = format!("more {name} than the limit {name} of {limit}");
            if count > limit { Err(ImportError::new(Code::Limit, place.pointer(), message)) } else { Ok(()) }
        };
        check(self.triangle_count, self.options.limits.triangles, "triangles")?;
        check(self.vertex_count, self.options.limits.vertices, "vertices")
    }

    /// The primitive's material; if the primitive lacks texture coordinates that the material uses, a variant without
    /// those textures.
    fn material(
        &mut self,
        placed: &PlacedPrimitive,
        primitive: &Primitive,
        findings: &mut Findings,
    ) -> Option<MaterialIdx> {
        let material_idx = placed.source.material?;
        let original = MaterialIdx(material_idx as u32);
        let lacks = primitive.uvs.each_ref().map(Vec::is_empty);
        let textures = &self.materials[material_idx].textures;
        let Some(missing) = textures.all().find(|texture| lacks[texture.uv_set as usize]).map(|texture| texture.uv_set)
        else {
            return Some(original);
        };
        let at = format!("{}/material", placed.place.pointer());
        let message =
            format!("there are no texture coordinates of set {missing}; textures that need them are left out");
        findings.add_once("texcoord_missing", Severity::Warning, at, message);
        let materials = &mut self.materials;
        let reduced = *self.reduced_materials.entry((original, lacks)).or_insert_with(|| {
            let mut reduced = materials[material_idx].clone();
            reduced.textures.retain(|texture| !lacks[texture.uv_set as usize]);
            materials.push(reduced);
            MaterialIdx(materials.len() as u32 - 1)
        });
        Some(reduced)
    }
}

/// The set of texture coordinates from which a material's tangents follow; `None` if it needs no tangents. There is one
/// set of tangents, so where maps disagree the base's set is used.
fn tangent_uv_set(material: &SceneMaterial) -> Option<usize> {
    let textures = &material.textures;
    let map = textures.normal.or(textures.coat_normal).or(textures.anisotropy);
    let plain = (material.anisotropy.strength > 0.0).then_some(0);
    map.map(|texture| texture.uv_set as usize).or(plain)
}
