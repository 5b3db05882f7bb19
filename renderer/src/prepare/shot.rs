//! What one shot adds to a product: camera, film, lights, environment and pixel filter.

use std::sync::Arc;

use packshot_native::stages::Bindings;
use packshot_shaders::constants::{
    ENVIRONMENT_MAP, ENVIRONMENT_UNIFORM, FIRST_HIT_ANY, FIRST_HIT_FLOOR, FIRST_HIT_PRODUCT,
};
use packshot_shaders::layout::scene as gpu;

use super::light::Lights;
use super::{EnvironmentTables, PreparedProduct, RenderSpace, bindable, filter};
use crate::shot::{Background, Environment, FilmSettings, Projection, Shot};

/// Which surfaces camera rays may show. Everything is still there for all other rays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FirstHit {
    /// Whatever a camera ray hits.
    #[default]
    Any,
    /// The product, where no floor is in front of it. Alpha is its coverage of the pixel.
    Product,
    /// The floor, where no product is in front of it. Alpha is its coverage of the pixel.
    Floor,
}

/// The part of what a backend reads that is made for each shot of a product. Arrays are never empty, because a GPU
/// cannot bind an empty buffer.
#[derive(Clone, Debug)]
pub struct PreparedShot {
    /// The product of the shot; everything in here is in its render space.
    pub(crate) product: Arc<PreparedProduct>,
    /// Parameters of the whole picture.
    pub(crate) params: gpu::RenderParams,
    /// Lights that can be sampled.
    pub(crate) lights: Vec<gpu::Light>,
    /// Radiance of the map and the tables for sampling it, shared by all shots in the same light.
    pub(crate) environment: Arc<EnvironmentTables>,
    /// Albedos of the product's materials, followed by the pixel filter.
    pub(crate) tables: Vec<f32>,
    /// Film settings of the shot.
    pub(crate) film: FilmSettings,
}

impl PreparedShot {
    /// Packs `shot`; `environment` is the result of [`TabulatedMaps::tables`](super::TabulatedMaps::tables) for its
    /// environment.
    ///
    /// # Panics
    /// When the product stands on another floor than the shot has, or `environment` is of a map of another size; both
    /// are bugs in the caller.
    pub fn new(product: &Arc<PreparedProduct>, shot: &Shot, environment: Arc<EnvironmentTables>) -> Self {
        assert_eq!(product.floor, shot.floor, "the product stands on the shot's floor");
        let environment_irradiance = match &shot.environment {
            Environment::LatLong { map, strength, .. } => {
                let n_texels = (map.width_px as usize + 1) * map.height_px as usize;
                assert_eq!(environment.texels.len(), n_texels, "the tables are those of the shot's map");
                std::f64::consts::PI * environment.mean_luminance * f64::from(*strength)
            }
            Environment::None | Environment::Uniform { .. } => 0.0,
        };
        let lights = Lights::new(&shot.lights, &product.space, environment_irradiance, product.emitters.irradiance);
        let filter_table = product.albedo_tables.len() as u32;
        let tables = [&product.albedo_tables[..], &filter::inverse_distribution(shot.film.filter)].concat();
        Self {
            params: gpu::RenderParams {
                environment_left: environment.left,
                ..render_params(shot, &product.space, &lights, filter_table)
            },
            product: product.clone(),
            lights: bindable(lights.lights),
            environment,
            tables,
            film: shot.film,
        }
    }

    /// The same shot, in which a camera ray shows nothing where it hits anything else first.
    pub fn showing(mut self, first_hit: FirstHit) -> Self {
        self.params.first_hit = match first_hit {
            FirstHit::Any => FIRST_HIT_ANY,
            FirstHit::Product => FIRST_HIT_PRODUCT,
            FirstHit::Floor => FIRST_HIT_FLOOR,
        };
        self
    }

    /// The arrays as the translated stages read them, in render space; without the packed trees, because native
    /// traversal has its own.
    pub fn bindings(&self) -> Bindings<'_> {
        let (product, environment) = (&*self.product, &*self.environment);
        Bindings {
            params: &self.params,
            bvh_nodes: &[],
            bvh_triangles: &[],
            instances: &product.instances,
            slots: &product.slots,
            triangles: &product.triangles,
            vertices: &product.vertices,
            vertex_extras: &product.vertex_extras,
            materials: &product.materials,
            textures: &product.textures,
            texels: &product.texels,
            lights: &self.lights,
            environment_texels: &environment.texels,
            environment_cdf: &environment.cdf,
            environment_guide: &environment.guide,
            tables: &self.tables,
            emitter_nodes: &product.emitters.nodes,
            emitters: &product.emitters.emitters,
            emitter_index: &product.emitters.index,
            bevel_index: &product.bevels.index,
            bevel_edges: &product.bevels.edges,
        }
    }
}

fn render_params(shot: &Shot, space: &RenderSpace, lights: &Lights, filter_table: u32) -> gpu::RenderParams {
    let film = &shot.film;
    let (environment_kind, environment_radiance, size, [about_x, about_y]) = match &shot.environment {
        Environment::None => (ENVIRONMENT_UNIFORM, [0.0; 3], (0, 0), [0.0; 2]),
        Environment::Uniform { radiance } => (ENVIRONMENT_UNIFORM, *radiance, (0, 0), [0.0; 2]),
        Environment::LatLong { map, rotation_x_rad, rotation_y_rad, strength } => {
            let size = (map.width_px, map.height_px);
            (ENVIRONMENT_MAP, [*strength; 3], size, [*rotation_x_rad, *rotation_y_rad])
        }
    };
    gpu::RenderParams {
        camera: camera(shot, space),
        width_px: film.width_px,
        height_px: film.height_px,
        seed: film.seed,
        pixel_samples_log2: film.samples.max(1).next_power_of_two().trailing_zeros(),
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
        environment_sin: about_y.sin() as f32,
        environment_cos: about_y.cos() as f32,
        environment_tilt_sin: about_x.sin() as f32,
        environment_tilt_cos: about_x.cos() as f32,
        environment_select: lights.environment_select,
        filter_table,
        emitter_select: lights.emitter_select,
        emission_scale: 1.0,
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
    // Parallel rays do not pass through an aperture.
    let aperture = camera.aperture.filter(|_| orthographic == 0);
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
        aperture_radius: aperture.map_or(0.0, |aperture| (aperture.radius_m * space.units_per_m) as f32),
        focus_depth: aperture.map_or(0.0, |aperture| (aperture.focus_depth_m * space.units_per_m) as f32),
        ..gpu::Camera::default()
    }
}
