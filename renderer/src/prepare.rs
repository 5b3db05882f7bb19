//! Preparation: a scene and a shot become the packed arrays that both backends read.
//!
//! Input: a validated [`Scene`], the material of each part, and a [`Shot`]. Output: a [`PreparedScene`] in render space, where
//! the product's bounding sphere has radius 1 around the origin: the same part in micrometres and in kilometres gives
//! the same numbers. Invariant: every index in every array is valid, so that a GPU may read them unchecked.

use glam::{DAffine3, DVec3, Vec4};
use packshot_materials::openpbr::OpenPbr;
use packshot_shaders::constants::{ENVIRONMENT_MAP, ENVIRONMENT_UNIFORM, MATERIAL_BLEND, MATERIAL_MASK};
use packshot_shaders::layout::accel::Instance;
use packshot_shaders::layout::scene as gpu;

use crate::accel::{AccelError, SceneBvh};
use crate::scene::{Bounds, Primitive, Scene, SceneMaterial};
use crate::shot::{Background, Environment, Projection, Shot};

mod albedo;
mod environment;
mod filter;
mod geometry;
mod light;
mod material;
mod texture;

pub use material::left_out;

use environment::EnvironmentTables;
use geometry::Geometry;
use light::Lights;
use material::Tables;
use texture::TextureTable;

/// Which material a part wears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PartMaterial {
    /// The file's own, primitive by primitive; glTF's default material where it names none.
    Own,
    /// One of the palette given to [`PreparedScene::new`].
    Palette(usize),
    /// One entry for each primitive of the part's mesh: one of the palette, or the file's own.
    PerPrimitive(Vec<Option<usize>>),
}

/// Why a scene cannot be prepared.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum PrepareError {
    /// The scene has no part with an area.
    #[error("there is nothing to render")]
    Empty,
    /// The acceleration structure could not be built.
    #[error("the acceleration structure could not be built")]
    Accel(#[from] AccelError),
}

/// Where render space lies in the world.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RenderSpace {
    /// World position of render space's origin.
    pub center: DVec3,
    /// Render units in a metre.
    pub units_per_m: f64,
}

impl RenderSpace {
    fn around(bounds: &Bounds) -> Self {
        let radius = 0.5 * (bounds.max - bounds.min).length();
        let units_per_m = if radius > 0.0 { 1.0 / radius } else { 1.0 };
        Self { center: 0.5 * (bounds.min + bounds.max), units_per_m }
    }

    /// Takes world positions to render space.
    pub fn from_world(&self) -> DAffine3 {
        DAffine3::from_scale(DVec3::splat(self.units_per_m)) * DAffine3::from_translation(-self.center)
    }

    fn point(&self, world: DVec3) -> DVec3 {
        (world - self.center) * self.units_per_m
    }
}

/// Everything a backend reads. Arrays are never empty, because a GPU cannot bind nothing.
#[derive(Debug)]
pub struct PreparedScene {
    /// What holds for the whole picture.
    pub params: gpu::RenderParams,
    /// Hierarchies, in the form from which each backend derives its own.
    pub bvh: SceneBvh,
    /// Placed meshes.
    pub instances: Vec<Instance>,
    /// Surfaces of placed primitives.
    pub slots: Vec<gpu::Slot>,
    /// All triangles.
    pub triangles: Vec<gpu::Triangle>,
    /// All vertices.
    pub vertices: Vec<gpu::Vertex>,
    /// Rare attributes.
    pub vertex_extras: Vec<gpu::VertexExtra>,
    /// Lowered materials.
    pub materials: Vec<gpu::Material>,
    /// Uses of pictures.
    pub textures: Vec<gpu::Texture>,
    /// RGBA8.
    pub texels: Vec<u32>,
    /// Lights that can be sampled.
    pub lights: Vec<gpu::Light>,
    /// Radiance and density of the map.
    pub environment_texels: Vec<Vec4>,
    /// Cumulative tables of the map.
    pub environment_cdf: Vec<f32>,
    /// Guides into them.
    pub environment_guide: Vec<u32>,
    /// Albedos and the pixel filter.
    pub tables: Vec<f32>,
    /// Whether any surface lets rays through by its opacity.
    pub has_opacity: bool,
    /// Where render space lies.
    pub space: RenderSpace,
    /// Film settings of the shot.
    pub film: crate::shot::Film,
}

impl PreparedScene {
    /// Packs `scene` with one [`PartMaterial`] per part, out of `palette`, for `shot`. `cancelled` is asked now and then.
    ///
    /// # Errors
    /// [`PrepareError::Empty`] when no part has a triangle; [`PrepareError::Accel`] when cancelled or beyond its limits.
    ///
    /// # Panics
    /// When `part_materials` is not as long as the scene's parts (or a `PerPrimitive` as the part's primitives), or names an
    /// entry outside the palette: caller's bugs.
    pub fn new(
        scene: &Scene,
        palette: &[OpenPbr],
        part_materials: &[PartMaterial],
        shot: &Shot,
        cancelled: &(dyn Fn() -> bool + Sync),
    ) -> Result<Self, PrepareError> {
        assert_eq!(part_materials.len(), scene.parts.len(), "one material per part");
        let bounds = scene.bounds().ok_or(PrepareError::Empty)?;
        let space = RenderSpace::around(&bounds);
        let mut tables = Tables::new();
        let mut textures = TextureTable::new(scene);
        let mut materials: Vec<gpu::Material> =
            palette.iter().map(|m| material::lower_literal(m, space.units_per_m, &mut tables)).collect();

        let gltf_default = gltf_default_material();
        let mut own: Vec<(Option<u32>, bool, u32)> = Vec::new();
        let mut own_material = |primitive: &Primitive| {
            let key = (primitive.material.map(|m| m.0), !primitive.colors.is_empty());
            if let Some(&(.., idx)) = own.iter().find(|(material, colors, _)| (*material, *colors) == key) {
                return idx;
            }
            let source = primitive.material.map_or(&gltf_default, |m| &scene.materials[m.0 as usize]);
            materials.push(material::lower_scene(source, key.1, space.units_per_m, &mut tables, &mut textures));
            let idx = (materials.len() - 1) as u32;
            own.push((key.0, key.1, idx));
            idx
        };
        let mut geometry = Geometry::new(scene, &space, |part_idx, primitive_idx, primitive| {
            let chosen = match &part_materials[part_idx] {
                PartMaterial::Own => None,
                PartMaterial::Palette(i) => Some(*i),
                PartMaterial::PerPrimitive(each) => each[primitive_idx],
            };
            assert!(chosen < Some(palette.len()), "part {part_idx} names material {chosen:?} of {}", palette.len());
            chosen.map_or_else(|| own_material(primitive), |i| i as u32)
        });
        if geometry.triangles.is_empty() {
            return Err(PrepareError::Empty);
        }
        if let Some(floor) = &shot.floor {
            materials.push(material::lower_literal(&floor.openpbr, space.units_per_m, &mut tables));
            let origin = space.point(DVec3::new(0.0, floor.y_m, 0.0));
            let half = 0.5 * floor.size_m * space.units_per_m;
            let (material, part) = ((materials.len() - 1) as u32, scene.parts.len() as u32);
            geometry.push_floor(origin.y, half, [origin.x, origin.z], material, part);
        }

        let corners = geometry.corners();
        let (accel_meshes, accel_instances) = geometry.accel_input(&corners);
        let bvh = SceneBvh::build(&accel_meshes, &accel_instances, cancelled)?;
        let instances = geometry
            .instances
            .iter()
            .zip(&accel_instances)
            .map(|(placed, accel)| Instance::new(accel.local_from_world, accel.world_from_local, placed.slot_base));

        let (environment, environment_irradiance) = match &shot.environment {
            Environment::LatLong { map, strength, .. } => {
                let tables = EnvironmentTables::new(map);
                let irradiance = std::f64::consts::PI * tables.mean_luminance * f64::from(*strength);
                (tables, irradiance)
            }
            Environment::None | Environment::Uniform { .. } => (EnvironmentTables::default(), 0.0),
        };
        let lights = Lights::new(&shot.lights, &space, environment_irradiance);
        let filter_table = tables.append(&filter::inverse_distribution(shot.film.filter));
        let params = render_params(shot, &space, &lights, filter_table);
        let see_through = |m: &gpu::Material| m.opacity < 1.0 || m.flags & (MATERIAL_BLEND | MATERIAL_MASK) != 0;
        Ok(Self {
            params,
            instances: instances.collect(),
            bvh,
            slots: geometry.slots,
            triangles: geometry.triangles,
            vertices: geometry.vertices,
            vertex_extras: bindable(geometry.vertex_extras),
            has_opacity: materials.iter().any(see_through),
            materials,
            textures: bindable(textures.textures),
            texels: bindable(textures.texels),
            lights: bindable(lights.lights),
            environment_texels: bindable(environment.texels),
            environment_cdf: bindable(environment.cdf),
            environment_guide: bindable(environment.guide),
            tables: tables.into_values(),
            space,
            film: shot.film,
        })
    }
}

/// A buffer cannot be empty: one entry that nothing refers to stands in.
fn bindable<T: Default>(mut values: Vec<T>) -> Vec<T> {
    if values.is_empty() {
        values.push(T::default());
    }
    values
}

/// glTF 2.0 section 3.9 and its schema: white, fully metallic and rough.
fn gltf_default_material() -> SceneMaterial {
    let openpbr = OpenPbr { base_color: [1.0; 3], base_metalness: 1.0, specular_roughness: 1.0, ..OpenPbr::default() };
    SceneMaterial { openpbr, ..SceneMaterial::default() }
}

fn render_params(shot: &Shot, space: &RenderSpace, lights: &Lights, filter_table: u32) -> gpu::RenderParams {
    let film = &shot.film;
    let (environment_kind, environment_radiance, size, rotation) = match &shot.environment {
        Environment::None => (ENVIRONMENT_UNIFORM, [0.0; 3], (0, 0), 0.0),
        Environment::Uniform { radiance } => (ENVIRONMENT_UNIFORM, *radiance, (0, 0), 0.0),
        Environment::LatLong { map, rotation_y_rad, strength } => {
            (ENVIRONMENT_MAP, [*strength; 3], (map.width_px, map.height_px), *rotation_y_rad)
        }
    };
    gpu::RenderParams {
        camera: camera(shot, space),
        width_px: film.width_px,
        height_px: film.height_px,
        seed: film.seed,
        environment_visible: u32::from(shot.background == Background::Environment),
        bounces_total: film.bounces.total,
        bounces_diffuse: film.bounces.diffuse,
        bounces_glossy: film.bounces.glossy,
        bounces_transmission: film.bounces.transmission,
        clamp_direct_sum: 3.0 * film.clamp_direct,
        clamp_indirect_sum: 3.0 * film.clamp_indirect,
        n_lights: lights.lights.len() as u32,
        n_rects: lights.n_rects,
        environment_radiance: environment_radiance.into(),
        environment_kind,
        environment_width_px: size.0,
        environment_height_px: size.1,
        environment_sin: rotation.sin() as f32,
        environment_cos: rotation.cos() as f32,
        environment_select: lights.environment_select,
        filter_table,
        ..gpu::RenderParams::default()
    }
}

fn camera(shot: &Shot, space: &RenderSpace) -> gpu::Camera {
    let camera = &shot.camera;
    let m = camera.world_from_camera.matrix3;
    let aspect = f64::from(shot.film.width_px) / f64::from(shot.film.height_px);
    let (orthographic, half_height) = match camera.projection {
        Projection::Perspective { fov_y_rad } => (0, (0.5 * fov_y_rad).tan()),
        Projection::Orthographic { height_m } => (1, 0.5 * height_m * space.units_per_m),
    };
    gpu::Camera {
        origin: space.point(camera.world_from_camera.translation).as_vec3(),
        orthographic,
        right: m.x_axis.normalize().as_vec3(),
        half_width: (half_height * aspect) as f32,
        up: m.y_axis.normalize().as_vec3(),
        half_height: half_height as f32,
        back: m.z_axis.normalize().as_vec3(),
        clip_near: (camera.clip_near_m * space.units_per_m) as f32,
        clip_far: (camera.clip_far_m * space.units_per_m).min(1e30) as f32,
        ..gpu::Camera::default()
    }
}
