//! Tests of the translated closures in isolation: sampling against density, density against value, energy, symmetry,
//! and extremes of all parameters.

use glam::{DAffine3, DVec3, Vec2, Vec3};
use packshot_materials::openpbr::OpenPbr;
use packshot_native::stages::baseline as native;
use packshot_native::stages::{Bindings, Boundary, Bsdf, BsdfSample, Surface};
use packshot_renderer::look::Look;
use packshot_renderer::prepare::{PartMaterial, PreparedProduct};
use packshot_renderer::scene::{MaterialIdx, SceneMaterial};
use packshot_shaders::layout::scene::{Material, RenderParams};

use crate::scenes;

mod chi_square;
mod corners;
mod energy;
mod symmetry;
mod tables;

/// A material with its tables and the place where it is evaluated.
struct Lobes {
    /// The material, and that of the body around it.
    materials: [Material; 2],
    tables: Vec<f32>,
    params: RenderParams,
    is_in_body: bool,
    /// 0 for light of all wavelengths.
    wavelength_um: f32,
}

/// The side from which a surface is seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Front,
    /// From inside the body.
    Back,
}

impl Lobes {
    fn new(m: &OpenPbr) -> Self {
        Self { is_in_body: false, ..Self::within(m, &OpenPbr::default()) }
    }

    /// A material of a file that has no textures.
    fn of_file(m: &SceneMaterial, look: Look, around: &OpenPbr) -> Self {
        let mut scene =
            scenes::scene(vec![scenes::plane()], &[(0, DAffine3::from_scale(DVec3::splat(0.5_f64.sqrt())))]);
        scene.meshes[0].primitives[0].material = Some(MaterialIdx(0));
        (scene.materials, scene.look) = (vec![m.clone()], look);
        let around = [(*around).into()];
        let product = PreparedProduct::new(&scene, &around, &[PartMaterial::Own], None, &|| false).expect("sound");
        Self {
            materials: [product.materials[1], product.materials[0]],
            tables: product.albedo_tables,
            params: RenderParams::default(),
            is_in_body: true,
            wavelength_um: 0.0,
        }
    }

    /// The material of a body within another one.
    fn within(m: &OpenPbr, around: &OpenPbr) -> Self {
        // A square whose corners are at distance 1: lengths are the same in render space.
        let scene = scenes::scene(vec![scenes::plane()], &[(0, DAffine3::from_scale(DVec3::splat(0.5_f64.sqrt())))]);
        let worn = [PartMaterial::Palette(0)];
        let palette = [*m, *around].map(Into::into);
        let product = PreparedProduct::new(&scene, &palette, &worn, None, &|| false).expect("a sound scene");
        Self {
            materials: [product.materials[0], product.materials[1]],
            tables: product.albedo_tables,
            params: RenderParams::default(),
            is_in_body: true,
            wavelength_um: 0.0,
        }
    }

    /// Changes the material where only a file's own materials can differ.
    fn with(mut self, change: impl FnOnce(&mut Material)) -> Self {
        change(&mut self.materials[0]);
        self
    }

    fn bindings(&self) -> Bindings<'_> {
        Bindings {
            params: &self.params,
            bvh_nodes: &[],
            bvh_triangles: &[],
            instances: &[],
            slots: &[],
            triangles: &[],
            vertices: &[],
            vertex_extras: &[],
            materials: &self.materials,
            textures: &[],
            texels: &[],
            lights: &[],
            environment_texels: &[],
            environment_cdf: &[],
            environment_guide: &[],
            tables: &self.tables,
            emitter_nodes: &[],
            emitters: &[],
            emitter_index: &[],
            bevel_index: &[],
            bevel_edges: &[],
        }
    }

    /// The closure for the view direction `wo`, with brushed facets along x.
    fn closure(&self, wo: Vec3, side: Side) -> Bsdf {
        let m = &self.materials[0];
        let mut surface = Surface {
            material: 0,
            geometric_normal: Vec3::Z,
            front: u32::from(side == Side::Front),
            shading_normal: Vec3::Z,
            side_normal: Vec3::Z,
            pad2: 0.0,
            start: Vec3::ZERO,
            low: 0.0,
            roughness: m.roughness,
            base_color: m.base_color,
            metalness: m.metalness,
            tangent: Vec3::X,
            anisotropy: m.anisotropy,
            position: Vec3::ZERO,
            emission: m.emission,
            textured: 0,
            uv0: Vec2::ZERO,
            uv1: Vec2::ZERO,
            uv_beside: Vec2::ZERO,
            beside: 0.0,
            ink: 0.0,
            coat_normal: Vec3::ZERO,
            pad0: 0.0,
            unmapped_normal: Vec3::ZERO,
            pad1: 0.0,
            mapped_normal: Vec3::ZERO,
            pad3: 0.0,
        };
        native::bsdf_at(&self.bindings(), &mut surface, wo, self.boundary(side))
    }

    fn boundary(&self, side: Side) -> Boundary {
        let around = if self.is_in_body { 1 } else { u32::MAX };
        let media = match side {
            Side::Front => glam::UVec3::new(around, u32::MAX, u32::MAX),
            Side::Back => glam::UVec3::new(0, around, u32::MAX),
        };
        native::boundary_of(&self.bindings(), media, 0, side == Side::Front, self.wavelength_um)
    }

    /// f |cos|, and the density.
    fn value(&self, mut bsdf: Bsdf, wi: Vec3) -> (Vec3, f32) {
        let both = native::bsdf_eval(&mut bsdf, wi);
        (both.truncate(), both.w)
    }
}

/// A direction drawn from a closure.
fn sample(mut bsdf: Bsdf, choice: f32, u: Vec2) -> BsdfSample {
    native::bsdf_sample(&mut bsdf, choice, u)
}

/// A unit vector at an angle from the normal, turned away from the tangent.
fn towards(cosine: f32, azimuth_rad: f32) -> Vec3 {
    let sine = (1.0 - cosine * cosine).max(0.0).sqrt();
    Vec3::new(sine * azimuth_rad.cos(), sine * azimuth_rad.sin(), cosine)
}

/// Well-distributed points of the unit cube (the additive recurrence of Roberts' generalised golden ratio).
fn points(n: u32) -> impl Iterator<Item = (f32, Vec2)> {
    const A: [f64; 3] = [0.819_172_513_396_164_4, 0.671_043_606_703_789_2, 0.549_700_477_901_970_2];
    (0..n).map(|i| {
        let [x, y, z] = A.map(|a| ((0.5 + a * f64::from(i)).fract() as f32).min(0.999_999_94));
        (x, Vec2::new(y, z))
    })
}

/// A name and a material for each lobe, and for mixtures of all of them.
fn materials() -> Vec<(&'static str, OpenPbr)> {
    let plain = OpenPbr { base_color: [0.8, 0.5, 0.2], specular_weight: 0.0, ..OpenPbr::default() };
    let metal = OpenPbr { base_metalness: 1.0, specular_weight: 1.0, specular_roughness: 0.4, ..plain };
    let gloss = OpenPbr { base_color: [0.0; 3], specular_weight: 1.0, specular_roughness: 0.5, ..plain };
    let glass = OpenPbr { transmission_weight: 1.0, specular_weight: 1.0, specular_roughness: 0.4, ..plain };
    let coat = OpenPbr { base_color: [0.0; 3], coat_weight: 1.0, coat_roughness: 0.3, ..plain };
    let fuzz = OpenPbr { base_color: [0.0; 3], fuzz_weight: 1.0, fuzz_roughness: 0.5, ..plain };
    let film = |m: OpenPbr| OpenPbr { thin_film_weight: 1.0, thin_film_thickness: 0.45, ..m };
    vec![
        ("diffuse", plain),
        ("rough diffuse", OpenPbr { base_diffuse_roughness: 1.0, ..plain }),
        ("metal", metal),
        ("smooth metal", OpenPbr { specular_roughness: 0.15, ..metal }),
        ("rough metal", OpenPbr { specular_roughness: 1.0, ..metal }),
        ("brushed metal", OpenPbr { specular_roughness_anisotropy: 0.8, ..metal }),
        ("gloss", gloss),
        ("glass", glass),
        ("smooth glass", OpenPbr { specular_roughness: 0.2, ..glass }),
        ("brushed glass", OpenPbr { specular_roughness_anisotropy: 0.7, ..glass }),
        ("faint glass", OpenPbr { specular_weight: 0.3, ..glass }),
        ("thin glass", OpenPbr { geometry_thin_walled: true, ..glass }),
        ("coat", coat),
        ("brushed coat", OpenPbr { coat_roughness_anisotropy: 0.7, ..coat }),
        ("fuzz", fuzz),
        // Black from above: over a base.
        ("sharp fuzz", OpenPbr { base_color: [0.5; 3], fuzz_roughness: 0.2, ..fuzz }),
        ("film on metal", film(metal)),
        ("film on gloss", film(OpenPbr { base_color: [0.5; 3], ..gloss })),
        ("film on glass", film(glass)),
        ("subsurface", OpenPbr { subsurface_weight: 1.0, ..plain }),
        ("thin subsurface", OpenPbr { subsurface_weight: 1.0, geometry_thin_walled: true, ..plain }),
        (
            "everything",
            OpenPbr {
                base_metalness: 0.3,
                specular_roughness: 0.35,
                specular_weight: 1.0,
                specular_roughness_anisotropy: 0.5,
                transmission_weight: 0.4,
                subsurface_weight: 0.3,
                coat_weight: 0.5,
                coat_roughness: 0.2,
                fuzz_weight: 0.4,
                thin_film_weight: 0.5,
                ..plain
            },
        ),
    ]
}
