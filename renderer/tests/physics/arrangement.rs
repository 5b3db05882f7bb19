//! One arrangement of every kind of material, placed, scaled and stored in different ways, which must not change its
//! picture.

use std::sync::Arc;

use glam::{DAffine3, DMat3, DQuat, DVec3, Vec2, Vec3, Vec4};
use packshot_materials::openpbr::OpenPbr;
use packshot_renderer::prepare::PartMaterial;
use packshot_renderer::scene::{
    Image, MaterialIdx, MaterialTextures, Mesh, MeshIdx, Part, Primitive, Scene, SceneMaterial, Texture, TextureIdx,
    TextureRef, Wrap,
};
use packshot_renderer::shot::{
    Background, Bounces, Camera, Environment, EnvironmentMap, FilmSettings, Light, PixelFilter, Projection, Shot, View,
    ViewTransform,
};

/// Sixteen balls of metal, tinted glass, wax and coated plastic under an emissive square, a point light and a sky, on a
/// textured square.
pub(crate) struct Arrangement {
    pub(crate) scene: Scene,
    pub(crate) palette: Vec<OpenPbr>,
    pub(crate) materials: Vec<PartMaterial>,
    pub(crate) shot: Shot,
}

/// How the arrangement is placed in the world, and how it is stored.
#[derive(Clone, Copy)]
pub(crate) struct Placement {
    /// Metres per unit of the arrangement, which is about four units wide.
    pub(crate) unit_m: f64,
    /// Applied after the unit.
    pub(crate) turn: DQuat,
    /// Applied after the turn.
    pub(crate) at_m: DVec3,
    pub(crate) sky: Sky,
    /// All balls place one mesh; otherwise each has its own.
    pub(crate) is_shared: bool,
}

#[derive(Clone, Copy)]
pub(crate) enum Sky {
    /// A gradient with a sun, turned about +X and then about +Y.
    Map {
        rotation_x_rad: f64,
        rotation_y_rad: f64,
    },
    Uniform,
}

impl Default for Placement {
    fn default() -> Self {
        let sky = Sky::Map { rotation_x_rad: 0.0, rotation_y_rad: 0.0 };
        Self { unit_m: 1.0, turn: DQuat::IDENTITY, at_m: DVec3::ZERO, sky, is_shared: true }
    }
}

impl Placement {
    fn world_from_arrangement(&self) -> DAffine3 {
        DAffine3::from_scale_rotation_translation(DVec3::splat(self.unit_m), self.turn, self.at_m)
    }
}

impl Arrangement {
    /// `ball` is a unit sphere.
    pub(crate) fn new(ball: &Primitive, placement: &Placement, size_px: u32, samples: u32) -> Self {
        let mut out = Self {
            scene: Scene { textures: textures(), materials: vec![tiles()], ..Scene::default() },
            palette: palette(placement.unit_m),
            materials: Vec::new(),
            shot: shot(placement, size_px, samples),
        };
        let world = placement.world_from_arrangement();
        let at = |scale: f64, position: DVec3| {
            world * DAffine3::from_translation(position) * DAffine3::from_scale(DVec3::splat(scale))
        };
        for i in 0..16_usize {
            if i == 0 || !placement.is_shared {
                out.scene.meshes.push(Mesh { primitives: vec![ball.clone()] });
            }
            let position = DVec3::new((i % 4) as f64 - 1.5, 0.4, (i / 4) as f64 - 1.5);
            let turn = DAffine3::from_rotation_x(0.3 * i as f64);
            // Neighbours differ along both axes.
            let material = PartMaterial::Palette((i + i / 4) % 4);
            out.part(MeshIdx(out.scene.meshes.len() as u32 - 1), material, at(0.4, position) * turn);
        }
        let floor = Primitive { material: Some(MaterialIdx(0)), ..card() };
        out.scene.meshes.extend([floor, card()].map(|card| Mesh { primitives: vec![card] }));
        let n = out.scene.meshes.len() as u32;
        out.part(MeshIdx(n - 2), PartMaterial::Own, at(2.2, DVec3::ZERO));
        out.part(MeshIdx(n - 1), PartMaterial::Palette(4), at(0.5, DVec3::new(-0.6, 2.2, 0.4)));
        out
    }

    fn part(&mut self, mesh: MeshIdx, material: PartMaterial, world_from_part: DAffine3) {
        let i = self.scene.parts.len();
        self.scene.parts.push(Part {
            node_idx: i as u32,
            path: format!("Part_{i}"),
            node_name: Some(format!("Part_{i}")),
            mesh_name: None,
            cad_names: Vec::new(),
            mesh,
            world_from_part,
        });
        self.materials.push(material);
    }
}

/// Metal, glass that absorbs, wax that scatters, coated plastic, and a lamp; lengths scale with the unit.
fn palette(unit_m: f64) -> Vec<OpenPbr> {
    let metres = |units: f64| (units * unit_m) as f32;
    vec![
        OpenPbr { base_color: [0.9, 0.7, 0.4], base_metalness: 1.0, specular_roughness: 0.25, ..OpenPbr::default() },
        OpenPbr {
            specular_roughness: 0.0,
            transmission_weight: 1.0,
            transmission_color: [0.3, 0.7, 0.5],
            transmission_depth: metres(0.4),
            ..OpenPbr::default()
        },
        OpenPbr {
            subsurface_weight: 1.0,
            subsurface_color: [0.8, 0.5, 0.4],
            subsurface_radius: metres(0.05),
            ..OpenPbr::default()
        },
        OpenPbr { base_color: [0.1, 0.2, 0.6], coat_weight: 1.0, coat_roughness: 0.05, ..OpenPbr::default() },
        OpenPbr { emission_luminance: 6.0, emission_color: [1.0, 0.8, 0.6], ..OpenPbr::default() },
    ]
}

/// A square of side 2 in the plane y = 0, facing +Y, with every attribute that a vertex can have.
pub(crate) fn card() -> Primitive {
    let corners = [(-1.0, -1.0), (-1.0, 1.0), (1.0, 1.0), (1.0, -1.0)];
    let uv: Vec<Vec2> = corners.iter().map(|&(x, z)| Vec2::new(0.5 * x + 0.5, 0.5 * z + 0.5)).collect();
    Primitive {
        positions: corners.iter().map(|&(x, z)| Vec3::new(x, 0.0, z)).collect(),
        normals: vec![Vec3::Y; 4],
        tangents: vec![Vec4::new(1.0, 0.0, 0.0, 1.0); 4],
        uvs: [uv.clone(), uv],
        colors: Vec::new(),
        triangles: vec![[0, 1, 2], [0, 2, 3]],
        material: None,
    }
}

/// Coloured squares, and bumps.
fn textures() -> Vec<Texture> {
    let image = |texel: fn(u32, u32) -> [u8; 4]| {
        let rgba8 = (0..16).flat_map(|y| (0..16).map(move |x| texel(x, y))).collect();
        Arc::new(Image { width_px: 16, height_px: 16, rgba8 })
    };
    let squares = image(|x, y| if (x / 4 + y / 4) % 2 == 0 { [200, 180, 150, 255] } else { [90, 100, 120, 255] });
    let bumps = image(|x, y| [98 + (x % 4 * 20) as u8, 98 + (y % 4 * 20) as u8, 250, 255]);
    let textures = [squares, bumps].map(|image| Texture { image, wrap: [Wrap::Repeat; 2], nearest: false });
    textures.into()
}

/// The material of the floor.
fn tiles() -> SceneMaterial {
    let of = |texture: u32| TextureRef {
        texture: TextureIdx(texture),
        uv_set: texture,
        uv_from_uv: [[2.0, 0.0, 0.1], [0.0, 2.0, 0.2]],
    };
    let textures = MaterialTextures {
        base_color: Some(of(0)),
        normal: Some(of(1)),
        normal_scale: 0.5,
        ..MaterialTextures::default()
    };
    SceneMaterial { textures, ..SceneMaterial::default() }
}

fn shot(placement: &Placement, size_px: u32, samples: u32) -> Shot {
    let world = placement.world_from_arrangement();
    let eye = DVec3::new(1.6, 3.4, 4.6);
    let back = (eye - DVec3::Y * 0.3).normalize();
    let right = DVec3::Y.cross(back).normalize();
    let turn = DMat3::from_quat(placement.turn) * DMat3::from_cols(right, back.cross(right), back);
    let environment = match placement.sky {
        Sky::Uniform => Environment::Uniform { radiance: [0.3, 0.35, 0.4] },
        Sky::Map { rotation_x_rad, rotation_y_rad } => {
            Environment::LatLong { map: Arc::new(sky()), rotation_x_rad, rotation_y_rad, strength: 0.8 }
        }
    };
    Shot {
        camera: Camera {
            world_from_camera: DAffine3::from_mat3_translation(turn, world.transform_point3(eye)),
            projection: Projection::Perspective { fov_y_rad: 0.7 },
            aperture: None,
            clip_near_m: 0.01 * placement.unit_m,
            clip_far_m: 100.0 * placement.unit_m,
        },
        film: FilmSettings {
            width_px: size_px,
            height_px: size_px,
            samples,
            noise_threshold: 0.0,
            seed: 3,
            filter: PixelFilter::BlackmanHarris { half_width_px: 1.5 },
            bounces: Bounces::all(12),
            clamp_direct: 0.0,
            clamp_indirect: 0.0,
        },
        environment,
        lights: vec![Light::Point {
            position_m: world.transform_point3(DVec3::new(2.0, 2.5, 1.0)),
            intensity: [(4.0 * placement.unit_m * placement.unit_m) as f32; 3],
        }],
        floor: None,
        background: Background::Environment,
        view: View { transform: ViewTransform::Standard, exposure_ev: 0.0 },
        lut: None,
    }
}

/// Darker downwards, with a small sun.
fn sky() -> EnvironmentMap {
    let (width_px, height_px) = (64, 32);
    let radiance = |i: u32| match (i % width_px, i / width_px) {
        (20, 8) => [40.0, 36.0, 30.0],
        (x, y) => [0.1 + 0.01 * (height_px - y) as f32, 0.3, 0.2 + 0.004 * x.min(width_px - x) as f32],
    };
    EnvironmentMap { width_px, height_px, rgb: (0..width_px * height_px).map(radiance).collect() }
}
