//! What all shots of a product share: geometry with its trees, materials and textures.

use packshot_materials::library::{Surface, Textures};
use packshot_materials::openpbr::OpenPbr;
use packshot_shaders::constants::{
    MATERIAL_BLEND, MATERIAL_BODY, MATERIAL_CAMERA_ONLY, MATERIAL_MASK, MATERIAL_MIRROR, MATERIAL_PANE,
};
use packshot_shaders::features::SceneFeatures;
use packshot_shaders::layout::accel::Instance;
use packshot_shaders::layout::scene as gpu;
use packshot_texels::Undecodable;
use packshot_traversal::{PackedBvh, SceneBvh};
use rayon::prelude::*;
use serde::Serialize;

use super::bevels::Bevels;
use super::design::Designs;
use super::emitters::{Emission, Emitters};
use super::geometry::Geometry;
use super::material::{self, Tables};
use super::relief::Reliefs;
use super::shells::MixedShells;
use super::texture::TextureTable;
use super::trees::trees;
use super::{PrepareError, RenderSpace, bindable};
use crate::inspect::bodies::Bodies;
use crate::look::Look;
use crate::scene::{MaterialIdx, Part, Primitive, Scene, SceneMaterial};
use crate::shot::Floor;
use crate::store::ByteStore;

/// A material that parts can wear instead of the file's own.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PaletteEntry {
    /// Its parameters; lengths in metres.
    pub openpbr: OpenPbr,
    /// Where bodies overlap, the one with the highest priority fills the point; of equal ones, the one that light
    /// entered last. The file's own materials have 0.
    pub priority: u8,
    /// Grain and fine structures, in the frame of each part.
    pub surface: Surface,
    /// Pictures on it.
    pub textures: Option<Textures>,
}

impl From<OpenPbr> for PaletteEntry {
    /// Smooth, with the lowest priority.
    fn from(openpbr: OpenPbr) -> Self {
        Self { openpbr, ..Self::default() }
    }
}

impl PaletteEntry {
    fn lower(
        &self,
        render_units_per_m: f64,
        tables: &mut Tables,
        pictures: &mut TextureTable<'_>,
    ) -> Result<gpu::Material, Undecodable> {
        let mut lowered = material::lower_literal(&self.openpbr, render_units_per_m, tables);
        let is_plain = self.surface == Surface::default() && self.textures.is_none();
        let pane = if is_plain && material::is_pane(&lowered) { MATERIAL_PANE } else { 0 };
        if let Some(textures) = &self.textures {
            material::put_on(&mut lowered, textures, pictures)?;
        }
        Ok(gpu::Material { priority: self.priority.into(), flags: lowered.flags | pane, ..lowered })
    }
}

/// Which material a part wears.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum PartMaterial {
    /// The file's own, primitive by primitive; glTF's default material where it names none.
    Own,
    /// An entry of the palette given to [`PreparedProduct::new`].
    Palette(usize),
    /// For each primitive of the part's mesh, an entry of the palette, or `None` for the file's own.
    PerPrimitive(Vec<Option<usize>>),
}

/// The source of a lowered material.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MaterialOrigin {
    /// An entry of the palette given to [`PreparedProduct::new`].
    Palette(usize),
    /// The file; `None` for glTF's default material.
    File(Option<MaterialIdx>),
    /// The floor.
    Floor,
}

impl MaterialOrigin {
    /// Its entry of the palette, if it comes from there.
    pub(crate) fn entry<'a>(&self, palette: &'a [PaletteEntry]) -> Option<&'a PaletteEntry> {
        if let Self::Palette(at) = self { palette.get(*at) } else { None }
    }
}

/// The part of what a backend reads that does not depend on camera, light or film. Arrays are never empty, because a
/// GPU cannot bind an empty buffer.
#[derive(Debug)]
pub struct PreparedProduct {
    /// Trees, in the form from which each backend derives its own.
    pub bvh: SceneBvh,
    /// Placed meshes.
    pub instances: Vec<Instance>,
    /// Surfaces of placed primitives.
    pub slots: Vec<gpu::Slot>,
    /// All triangles.
    pub triangles: Vec<gpu::Triangle>,
    /// All vertices.
    pub vertices: Vec<gpu::Vertex>,
    /// Attributes that few vertices have.
    pub vertex_extras: Vec<gpu::VertexExtra>,
    /// Lowered materials.
    pub materials: Vec<gpu::Material>,
    /// Where each of `materials` comes from.
    pub material_origins: Vec<MaterialOrigin>,
    /// Uses of pictures as textures.
    pub textures: Vec<gpu::Texture>,
    /// Texels of all pictures, RGBA8.
    pub texels: Vec<u32>,
    /// Albedos of the materials; the tables of each shot begin with them.
    pub albedo_tables: Vec<f32>,
    /// Emissive triangles that light sampling can choose.
    pub(crate) emitters: Emitters,
    /// Edges that are rendered rounded.
    pub(crate) bevels: Bevels,
    /// Which features the scene uses.
    pub features: SceneFeatures,
    /// Where render space lies in the world.
    pub space: RenderSpace,
    /// The floor under the product: all its shots have this one.
    pub floor: Option<Floor>,
}

/// Which features a scene with these materials, slots and emitters uses.
fn features_of(materials: &[gpu::Material], slots: &[gpu::Slot], emitters: &Emitters) -> SceneFeatures {
    let any = |has: fn(&gpu::Material) -> bool| materials.iter().any(has);
    let weights = |m: &gpu::Material| {
        let anisotropies = m.anisotropy + m.coat_anisotropy;
        m.fuzz_weight + m.coat_weight + m.film_weight + m.translucent_weight + anisotropies
    };
    const SEE_THROUGH: u32 = MATERIAL_BLEND | MATERIAL_MASK | MATERIAL_CAMERA_ONLY | MATERIAL_PANE;
    SceneFeatures {
        has_opacity: any(|m| m.opacity < 1.0 || m.flags & SEE_THROUGH != 0),
        has_bodies: any(|m| m.transmission_weight > 0.0 || m.flags & MATERIAL_BODY != 0),
        has_layers: materials.iter().any(|m| weights(m) > 0.0),
        has_textures: any(|m| m.textured != 0),
        has_relief: slots.iter().any(|slot| slot.relief != 0),
        has_bevels: slots.iter().any(|slot| slot.bevel_radius > 0.0),
        has_panes: any(|m| m.flags & MATERIAL_PANE != 0),
        has_emitters: emitters.irradiance > 0.0,
        has_designs: any(|m| m.design != 0),
    }
}

impl PreparedProduct {
    /// Packs `scene` with one [`PartMaterial`] per part, out of `palette`, standing on `floor`. `cancelled` is polled
    /// from time to time.
    ///
    /// # Errors
    /// [`PrepareError::Empty`] when no part has a triangle; [`PrepareError::Cancelled`]; [`PrepareError::Texture`];
    /// [`PrepareError::Accel`] beyond the limits of the acceleration structure.
    ///
    /// # Panics
    /// When `part_materials` is not as long as the scene's parts (or a `PerPrimitive` as the part's primitives), or
    /// names an entry outside the palette; both are bugs in the caller.
    pub fn new(
        scene: &Scene,
        palette: &[PaletteEntry],
        part_materials: &[PartMaterial],
        floor: Option<&Floor>,
        cancelled: &(dyn Fn() -> bool + Sync),
    ) -> Result<Self, PrepareError> {
        Self::pack(scene, palette, part_materials, floor, Self::space_of(scene)?, None, cancelled)
    }

    /// The same; the trees of large products are read from `kept`, or built and kept there. Which of the two it was
    /// changes no picture.
    ///
    /// # Errors
    /// As [`PreparedProduct::new`].
    ///
    /// # Panics
    /// As [`PreparedProduct::new`].
    pub fn with_kept_trees(
        scene: &Scene,
        palette: &[PaletteEntry],
        part_materials: &[PartMaterial],
        floor: Option<&Floor>,
        kept: &dyn ByteStore,
        cancelled: &(dyn Fn() -> bool + Sync),
    ) -> Result<Self, PrepareError> {
        Self::pack(scene, palette, part_materials, floor, Self::space_of(scene)?, Some(kept), cancelled)
    }

    fn space_of(scene: &Scene) -> Result<RenderSpace, PrepareError> {
        Ok(RenderSpace::around(&scene.bounds().ok_or(PrepareError::Empty)?))
    }

    /// The floor of a product without the product, in the same render space, so that a camera ray hits it at exactly
    /// the same point, bit for bit. Shots of the product are shots of the floor too.
    ///
    /// # Errors
    /// [`PrepareError::Empty`] when the product stands on no floor; [`PrepareError::Cancelled`].
    pub fn floor_alone(&self, cancelled: &(dyn Fn() -> bool + Sync)) -> Result<Self, PrepareError> {
        Self::pack(&Scene::default(), &[], &[], self.floor.as_ref(), self.space, None, cancelled)
    }

    fn pack(
        scene: &Scene,
        palette: &[PaletteEntry],
        part_materials: &[PartMaterial],
        floor: Option<&Floor>,
        space: RenderSpace,
        kept: Option<&dyn ByteStore>,
        cancelled: &(dyn Fn() -> bool + Sync),
    ) -> Result<Self, PrepareError> {
        assert_eq!(part_materials.len(), scene.parts.len(), "one material per part");
        let mut tables = Tables::new();
        let mut textures = TextureTable::new(scene);
        // Decoded side by side; each keeps its own picture.
        palette.par_iter().flat_map_iter(|entry| entry.textures.iter().flat_map(Textures::all)).for_each(|texture| {
            let _decoded = texture.image();
        });
        let lowered = palette.iter().map(|entry| entry.lower(space.units_per_m, &mut tables, &mut textures));
        let mut materials = lowered.collect::<Result<Vec<gpu::Material>, _>>()?;
        let mut material_origins: Vec<MaterialOrigin> = (0..palette.len()).map(MaterialOrigin::Palette).collect();

        for (i, entry) in palette.iter().enumerate() {
            if let Some(mut twin) = material::twin(&entry.openpbr, space.units_per_m, &mut tables) {
                twin.priority = materials[i].priority;
                materials[i].twin = materials.len() as u32;
                materials.push(twin);
                material_origins.push(MaterialOrigin::Palette(i));
            }
        }

        let mut own: Vec<(Option<u32>, bool, u32)> = Vec::new();
        let mut own_material = |primitive: &Primitive| {
            let key = (primitive.material.map(|m| m.0), !primitive.colors.is_empty());
            if let Some(&(.., idx)) = own.iter().find(|(material, colors, _)| (*material, *colors) == key) {
                return idx;
            }
            let default = default_material(scene.look, key.1);
            let source = primitive.material.map_or(&default, |m| &scene.materials[m.0 as usize]);
            let units_per_m = space.units_per_m;
            let lowered =
                material::file::lower_scene(source, scene.look, key.1, units_per_m, &mut tables, &mut textures);
            materials.push(lowered);
            material_origins.push(MaterialOrigin::File(primitive.material));
            let idx = (materials.len() - 1) as u32;
            own.push((key.0, key.1, idx));
            idx
        };
        let mut material_of = |part_idx: usize, primitive_idx: usize, primitive: &Primitive| {
            let chosen = match &part_materials[part_idx] {
                PartMaterial::Own => None,
                PartMaterial::Palette(i) => Some(*i),
                PartMaterial::PerPrimitive(each) => each[primitive_idx],
            };
            assert!(chosen < Some(palette.len()), "part {part_idx} names material {chosen:?} of {}", palette.len());
            chosen.map_or_else(|| own_material(primitive), |i| i as u32)
        };
        let worn = |(part_idx, part): (usize, &Part)| {
            let primitives = scene.meshes[part.mesh.0 as usize].primitives.iter().enumerate();
            primitives.map(|(at, primitive)| material_of(part_idx, at, primitive)).collect()
        };
        let worn: Vec<Vec<u32>> = scene.parts.iter().enumerate().map(worn).collect();
        let mut designs = Designs::new(scene, &space, &mut tables, &mut textures);
        let wearing = |(part, primitives): (usize, Vec<u32>)| {
            let each = primitives.into_iter().enumerate();
            let to = |(at, material)| {
                designs.worn((part, at), material, (&mut materials, &mut material_origins), &mut tables)
            };
            each.map(to).collect()
        };
        let worn: Vec<Vec<u32>> = worn.into_iter().enumerate().map(wearing).collect();
        let body = |part: usize, primitive: usize| {
            let material = worn[part][primitive];
            (materials[material as usize].flags & MATERIAL_BODY != 0).then_some(material)
        };
        let inward = Bodies::new(scene, body).inward(cancelled).ok_or(PrepareError::Cancelled)?;
        let mixed = MixedShells::new(scene, &worn, &inward, (&mut materials, &mut material_origins), cancelled);
        let mixed = mixed.ok_or(PrepareError::Cancelled)?;
        let mut reliefs = Reliefs::new(scene, (palette, &material_origins), &mut tables, space.units_per_m);
        let geometry = Geometry::new(scene, &space, &worn, &mixed, &inward, &mut reliefs, cancelled);
        let mut geometry = geometry.ok_or(PrepareError::Cancelled)?;
        if geometry.triangles.is_empty() && (floor.is_none() || !scene.parts.is_empty()) {
            return Err(PrepareError::Empty);
        }
        let radius = |origin: &MaterialOrigin| {
            let bevel_mm = origin.entry(palette).and_then(|entry| entry.surface.bevel_mm).unwrap_or(0.0);
            f64::from(bevel_mm) / 1e3 * space.units_per_m
        };
        let radii: Vec<f64> = material_origins.iter().map(radius).collect();
        let bevels = Bevels::new(&mut geometry, &radii, cancelled).ok_or(PrepareError::Cancelled)?;
        if let Some(floor) = floor {
            materials.push(material::lower_literal(&floor.openpbr, space.units_per_m, &mut tables));
            material_origins.push(MaterialOrigin::Floor);
            let (material, part) = ((materials.len() - 1) as u32, scene.parts.len() as u32);
            geometry.push_floor(floor, &space, material, part);
        }
        for material in materials.iter_mut().filter(|material| material::is_mirror(material)) {
            material.flags |= MATERIAL_MIRROR;
        }

        if cancelled() {
            return Err(PrepareError::Cancelled);
        }
        let emission = Emission { materials: &materials, textures: &textures.textures, texels: &textures.texels };
        let emitters = Emitters::new(&mut geometry, emission, cancelled).ok_or(PrepareError::Cancelled)?;
        let corners = geometry.corners();
        let (accel_meshes, accel_instances) = geometry.accel_input(&corners);
        let bvh = trees(&accel_meshes, &accel_instances, kept, cancelled)?;
        let instances = geometry
            .instances
            .iter()
            .zip(&accel_instances)
            .map(|(placed, accel)| Instance::new(accel.local_from_world, accel.world_from_local, placed.slot_base));
        Ok(Self {
            instances: instances.collect(),
            features: features_of(&materials, &geometry.slots, &emitters),
            bvh,
            slots: geometry.slots,
            triangles: geometry.triangles,
            vertices: geometry.vertices,
            vertex_extras: bindable(geometry.vertex_extras),
            emitters,
            bevels,
            materials,
            material_origins,
            textures: bindable(textures.textures),
            texels: bindable(textures.texels),
            albedo_tables: tables.into_values(),
            space,
            floor: floor.cloned(),
        })
    }

    /// The trees as the WGSL traversal reads them, and the instances with their places in those trees.
    pub(crate) fn walked(&self) -> (PackedBvh, Vec<Instance>) {
        let packed = self.bvh.packed();
        let placed = |(instance, packed): (&Instance, &Instance)| Instance { bvh_root: packed.bvh_root, ..*instance };
        let instances = self.instances.iter().zip(&packed.instances).map(placed).collect();
        (packed, instances)
    }

    /// Emissive triangles beyond the number that can be sampled: only scattered rays find their light, with more noise.
    pub fn n_unsampled_emitters(&self) -> u64 {
        self.emitters.n_left_out
    }

    /// Whether anything has a material whose lobes are all mirrors.
    pub(crate) fn has_mirrors(&self) -> bool {
        self.materials.iter().any(|material| material.flags & MATERIAL_MIRROR != 0)
    }

    /// Placed parts whose edges stay sharp because there are too many of them.
    pub fn n_unrounded_parts(&self) -> u64 {
        self.bevels.n_left_out
    }

    /// Bytes of memory held.
    pub fn size_bytes(&self) -> u64 {
        let arrays = [
            size_of_val(&*self.instances),
            size_of_val(&*self.slots),
            size_of_val(&*self.triangles),
            size_of_val(&*self.vertices),
            size_of_val(&*self.vertex_extras),
            size_of_val(&*self.materials),
            size_of_val(&*self.material_origins),
            size_of_val(&*self.textures),
            size_of_val(&*self.texels),
            size_of_val(&*self.albedo_tables),
            self.bvh.size_bytes(),
            self.emitters.size_bytes(),
            self.bevels.size_bytes(),
        ];
        arrays.into_iter().map(|bytes| bytes as u64).sum()
    }
}

/// The material of a primitive that has none: white, fully metallic and rough (glTF 2.0 section 3.9 and its schema), or
/// that of Blender's look.
fn default_material(look: Look, has_colors: bool) -> SceneMaterial {
    match look {
        Look::Gltf => {
            let openpbr =
                OpenPbr { base_color: [1.0; 3], base_metalness: 1.0, specular_roughness: 1.0, ..OpenPbr::default() };
            SceneMaterial { openpbr, ..SceneMaterial::default() }
        }
        Look::Blender50 => material::principled::default_material(has_colors),
    }
}
