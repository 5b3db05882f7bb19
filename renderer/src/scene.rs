//! A scene: the result of an import, independent of any camera, light rig or device.
//!
//! Input: the importer's decoded arrays. Output: meshes stored once, parts that place them, the file's own materials,
//! textures, cameras and lights. Invariant: every index is valid and every position finite ([`Scene::new`] checks), so
//! nothing downstream has to. World space is that of glTF: right-handed, +Y up, metres (times the requested unit
//! scale).

use std::sync::Arc;

use glam::{DAffine3, DVec3, Vec2, Vec3, Vec4};
pub use packshot_texels::Image;

pub use self::design::{DesignFinish, DesignLay, WorldRow, WornDesign};
pub use self::material::{
    AlphaMode, Anisotropy, DielectricReflection, DiffuseTransmission, MaterialTextures, SceneMaterial, Sheen,
    TextureRef,
};
use crate::look::Look;

mod design;
mod material;

/// Index of a [`Mesh`] in [`Scene::meshes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MeshIdx(pub u32);
/// Index of a [`SceneMaterial`] in [`Scene::materials`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MaterialIdx(pub u32);
/// Index of a [`Texture`] in [`Scene::textures`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TextureIdx(pub u32);
/// Index of a [`Part`] in [`Scene::parts`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PartIdx(pub u32);

/// Everything a file holds that a picture can show.
#[derive(Clone, Debug, Default)]
pub struct Scene {
    /// Distinct meshes. Two nodes that use the same accessors share one.
    pub meshes: Vec<Mesh>,
    /// Nodes with a mesh, in the order of their node indices.
    pub parts: Vec<Part>,
    /// The file's own materials.
    pub materials: Vec<SceneMaterial>,
    /// Decoded textures with their samplers.
    pub textures: Vec<Texture>,
    /// The file's cameras, placed.
    pub cameras: Vec<SceneCamera>,
    /// The file's punctual lights, placed.
    pub lights: Vec<SceneLight>,
    /// Whose reading the materials and lights of the file are in.
    pub look: Look,
    /// Designs that parts wear. No file has them: [`Scene::wear`] adds them.
    pub designs: Vec<WornDesign>,
}

impl Scene {
    /// Checks a scene, so that whatever takes one can rely on it.
    ///
    /// # Errors
    ///
    /// An index without object, an array of the wrong length, or a number that is not finite.
    pub fn new(scene: Self) -> Result<Self, SceneError> {
        let check = |holds, error| if holds { Ok(()) } else { Err(error) };
        let reference = |index: u32, count: usize, name| check((index as usize) < count, SceneError::Reference(name));
        for primitive in scene.meshes.iter().flat_map(|mesh| &mesh.primitives) {
            primitive.check()?;
            if let Some(material) = primitive.material {
                reference(material.0, scene.materials.len(), "a primitive's material")?;
            }
        }
        for part in &scene.parts {
            reference(part.mesh.0, scene.meshes.len(), "a part's mesh")?;
            check(part.world_from_part.is_finite(), SceneError::NonFinite("a part's transform"))?;
        }
        for material in &scene.materials {
            check(material.is_finite(), SceneError::NonFinite("a material's parameters"))?;
            for texture in material.textures.all() {
                reference(texture.texture.0, scene.textures.len(), "a material's texture")?;
                check(texture.uv_set < 2, SceneError::Reference("a texture's set of coordinates"))?;
                let is_finite = texture.uv_from_uv.as_flattened().iter().all(|value| value.is_finite());
                check(is_finite, SceneError::NonFinite("a texture's transform"))?;
            }
        }
        for camera in &scene.cameras {
            check(camera.world_from_camera.is_finite(), SceneError::NonFinite("a camera's pose"))?;
        }
        for light in &scene.lights {
            check(light.world_from_light.is_finite(), SceneError::NonFinite("a light's pose"))?;
            check(light.intensity.iter().all(|value| value.is_finite()), SceneError::NonFinite("a light's intensity"))?;
        }
        Ok(scene)
    }

    /// World bounds of all parts: those of the corners of each mesh's own bounds, so they may be wider than the
    /// vertices where a part is turned. `None` without parts.
    pub fn bounds(&self) -> Option<Bounds> {
        let of_meshes: Vec<Option<[DVec3; 2]>> = self.meshes.iter().map(Mesh::local_bounds).collect();
        let of_part = |part: &Part| Some(Bounds::of_box(of_meshes[part.mesh.0 as usize]?, &part.world_from_part));
        self.parts.iter().filter_map(of_part).reduce(Bounds::union)
    }

    /// The area of a part's surface in the world, in square metres (of the unit scale asked for): all triangles, seen
    /// or not.
    pub fn part_area_m2(&self, part: PartIdx) -> f64 {
        let part = &self.parts[part.0 as usize];
        let linear = part.world_from_part.matrix3;
        let area = |primitive: &Primitive, triangle: &[u32; 3]| {
            let [a, b, c] = triangle.map(|corner| primitive.positions[corner as usize].as_dvec3());
            0.5 * (linear * (b - a)).cross(linear * (c - a)).length()
        };
        let primitives = &self.meshes[part.mesh.0 as usize].primitives;
        primitives.iter().flat_map(|primitive| primitive.triangles.iter().map(move |t| area(primitive, t))).sum()
    }
}

/// Geometry in its own frame: one or more primitives.
#[derive(Clone, Debug)]
pub struct Mesh {
    /// The primitives, in file order.
    pub primitives: Vec<Primitive>,
}

/// Indexed triangles with one material slot.
#[derive(Clone, Debug)]
pub struct Primitive {
    /// Mesh-local positions, finite.
    pub positions: Vec<Vec3>,
    /// Unit normals, one per position, or empty: then the surface is shaded flat.
    pub normals: Vec<Vec3>,
    /// Unit tangents with the sign of the bitangent in w, one per position, or empty.
    pub tangents: Vec<Vec4>,
    /// Texture coordinates of set 0 and 1, each one per position or empty. v grows downwards, as glTF has it.
    pub uvs: [Vec<Vec2>; 2],
    /// Linear RGBA factors, one per position, or empty.
    pub colors: Vec<Vec4>,
    /// Counter-clockwise vertex indices, each below `positions.len()`.
    pub triangles: Vec<[u32; 3]>,
    /// The file's material, `None` for glTF's default material.
    pub material: Option<MaterialIdx>,
}

impl Mesh {
    /// How many triangles all primitives have.
    pub fn triangle_count(&self) -> u64 {
        self.primitives.iter().map(|primitive| primitive.triangles.len() as u64).sum()
    }

    /// How many vertices all primitives have.
    pub fn vertex_count(&self) -> u64 {
        self.primitives.iter().map(|primitive| primitive.positions.len() as u64).sum()
    }

    /// Least and greatest corner in the mesh's own frame; `None` without vertices.
    pub fn local_bounds(&self) -> Option<[DVec3; 2]> {
        let positions = self.primitives.iter().flat_map(|primitive| &primitive.positions);
        let bounds = |[min, max]: [Vec3; 2], &position: &Vec3| [min.min(position), max.max(position)];
        let [min, max] = positions.fold([Vec3::INFINITY, Vec3::NEG_INFINITY], bounds);
        (min.x <= max.x).then(|| [min.as_dvec3(), max.as_dvec3()])
    }
}

impl Primitive {
    fn check(&self) -> Result<(), SceneError> {
        let count = self.positions.len();
        let lengths = [
            (self.normals.len(), "normals"),
            (self.tangents.len(), "tangents"),
            (self.uvs[0].len(), "texture coordinates"),
            (self.uvs[1].len(), "texture coordinates"),
            (self.colors.len(), "colours"),
        ];
        if let Some((_, name)) = lengths.iter().find(|(length, _)| *length != 0 && *length != count) {
            return Err(SceneError::Length(name));
        }
        if self.triangles.as_flattened().iter().any(|&corner| corner as usize >= count) {
            return Err(SceneError::Reference("a triangle's corner"));
        }
        let finite = [
            (self.positions.iter().all(|value| value.is_finite()), "positions"),
            (self.normals.iter().all(|value| value.is_finite()), "normals"),
            (self.tangents.iter().all(|value| value.is_finite()), "tangents"),
            (self.uvs.iter().flatten().all(|value| value.is_finite()), "texture coordinates"),
            (self.colors.iter().all(|value| value.is_finite()), "colours"),
        ];
        match finite.iter().find(|(is_finite, _)| !is_finite) {
            Some((_, name)) => Err(SceneError::NonFinite(name)),
            None => Ok(()),
        }
    }
}

/// A node with a mesh: the unit that gets a material and that users name.
#[derive(Clone, Debug)]
pub struct Part {
    /// Index of the node in the file.
    pub node_idx: u32,
    /// Names of the nodes from the scene's root to this one (`Node_<index>` where a name is absent), joined by `/`.
    pub path: String,
    /// The node's `name` member.
    pub node_name: Option<String>,
    /// The mesh's `name` member.
    pub mesh_name: Option<String>,
    /// CAD materials and layers from the extras of the node, then of the mesh, most specific first.
    pub cad_names: Vec<String>,
    /// The geometry.
    pub mesh: MeshIdx,
    /// Affine, invertible; may mirror, shear and scale non-uniformly.
    pub world_from_part: DAffine3,
}

impl Part {
    /// The part's name as the shot format defines it: the node's name, else its mesh's name, else `Node_<index>`.
    pub fn name(&self) -> String {
        match (self.node_name.as_deref(), self.mesh_name.as_deref()) {
            (Some(name), _) if !name.is_empty() => name.to_owned(),
            (_, Some(name)) if !name.is_empty() => name.to_owned(),
            _ => format!("Node_{}", self.node_idx),
        }
    }
}

/// Texels and how they are looked up.
#[derive(Clone, Debug)]
pub struct Texture {
    /// The decoded picture; textures that share an image share this.
    pub image: Arc<Image>,
    /// Repetition along u and v.
    pub wrap: [Wrap; 2],
    /// Nearest texel instead of bilinear filtering.
    pub nearest: bool,
}

/// Addressing outside texture coordinates 0 to 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Wrap {
    /// Tiles.
    #[default]
    Repeat,
    /// Tiles with every second one mirrored.
    Mirror,
    /// The border texel continues.
    Clamp,
}

/// A camera of the file.
#[derive(Clone, Debug)]
pub struct SceneCamera {
    /// The camera's name, else its node's.
    pub name: Option<String>,
    /// Rotation and translation; looks along −Z, +Y up.
    pub world_from_camera: DAffine3,
    /// How it projects.
    pub projection: SceneProjection,
}

/// The projection of a camera of the file.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum SceneProjection {
    /// Pinhole.
    Perspective {
        /// Full vertical angle.
        fov_y_rad: f64,
    },
    /// Parallel.
    Orthographic {
        /// Full height of the picture in world units.
        height_m: f64,
    },
}

/// A `KHR_lights_punctual` light of the file.
#[derive(Clone, Debug)]
pub struct SceneLight {
    /// The light's name, else its node's.
    pub name: Option<String>,
    /// Rotation and translation; it emits along −Z.
    pub world_from_light: DAffine3,
    /// Linear Rec.709 colour times intensity: candela for point and spot, lux for directional lights.
    pub intensity: [f32; 3],
    /// Its kind.
    pub kind: SceneLightKind,
}

/// The kinds of `KHR_lights_punctual`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum SceneLightKind {
    /// The same in all directions.
    Point,
    /// From infinitely far away.
    Directional,
    /// A cone.
    Spot {
        /// Full intensity within this angle from the axis.
        inner_cone_rad: f32,
        /// Nothing beyond this angle from the axis.
        outer_cone_rad: f32,
    },
}

/// Axis-aligned bounds in world space, metres.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bounds {
    /// Least corner.
    pub min: DVec3,
    /// Greatest corner.
    pub max: DVec3,
}

impl Bounds {
    /// Bounds of a box, least and greatest corner, after a transform.
    pub fn of_box(local: [DVec3; 2], world_from_local: &DAffine3) -> Self {
        let [min, max] = local;
        let center = world_from_local.transform_point3((min + max) * 0.5);
        let half = (max - min) * 0.5;
        let axes = world_from_local.matrix3;
        let reach = axes.x_axis.abs() * half.x + axes.y_axis.abs() * half.y + axes.z_axis.abs() * half.z;
        Self { min: center - reach, max: center + reach }
    }

    /// The bounds of both.
    pub fn union(self, other: Self) -> Self {
        Self { min: self.min.min(other.min), max: self.max.max(other.max) }
    }

    /// Length of the diagonal, metres.
    pub fn diagonal_m(&self) -> f64 {
        (self.max - self.min).length()
    }
}

/// A violation of the invariants of [`Scene::new`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SceneError {
    /// An index refers to an object that the scene does not have.
    #[error("{0} names an object that is not in the scene")]
    Reference(&'static str),
    /// A per-vertex array is neither empty nor as long as the positions.
    #[error("the {0} are neither absent nor one per vertex")]
    Length(&'static str),
    /// A surface gets something that it has already.
    #[error("{0} is on a surface that has one already")]
    Twice(&'static str),
    /// A number is NaN or infinite.
    #[error("{0} must be finite")]
    NonFinite(&'static str),
}
