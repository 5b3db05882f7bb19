//! Small scenes with everything on which kernels branch, and both backends to render them.

use std::sync::{Arc, OnceLock, RwLock};

use glam::{DAffine3, DMat3, DQuat, DVec3, Vec3};
use packshot_materials::openpbr::OpenPbr;
use packshot_renderer::backend::cpu::CpuBackend;
use packshot_renderer::backend::device::{AdapterInfo, Chosen, DeviceRequest, select};
use packshot_renderer::backend::gpu::{GpuBackend, GpuOptions, SliceLimits};
use packshot_renderer::backend::{Backend, CancelToken, LoadedShot, RenderControl, RenderError, Rendered};
use packshot_renderer::prepare::{
    PaletteEntry, PartMaterial, PreparedProduct, PreparedShot, SceneFeatures, TabulatedMaps,
};
use packshot_renderer::scene::{
    AlphaMode, Image, MaterialIdx, MaterialTextures, Mesh, MeshIdx, Part, Primitive, Scene, SceneMaterial, Texture,
    TextureIdx, TextureRef, Wrap,
};
use packshot_renderer::shot::{
    Background, Bounces, Camera, Environment, EnvironmentMap, FilmSettings, Floor, Light, PixelFilter, Projection,
    Shot, View, ViewTransform,
};

use crate::arrangement::{Arrangement, Placement, card};

/// The software adapter.
pub(crate) fn adapter() -> &'static AdapterInfo {
    static ADAPTER: OnceLock<AdapterInfo> = OnceLock::new();
    ADAPTER.get_or_init(|| {
        let choice = select(&DeviceRequest::Named("llvmpipe".to_owned()))
            .expect("Mesa's software Vulkan driver is installed (Debian: mesa-vulkan-drivers)");
        match choice.chosen {
            Chosen::Adapter(adapter) => adapter,
            Chosen::Cpu => unreachable!("a name never means the CPU"),
        }
    })
}

/// One device for all tests that do not change its state: compiling the kernel takes longer than the pictures.
pub(crate) fn gpu() -> &'static GpuBackend {
    static GPU: OnceLock<GpuBackend> = OnceLock::new();
    GPU.get_or_init(|| open(SliceLimits::default()))
}

pub(crate) fn open(slices: SliceLimits) -> GpuBackend {
    let _shared = ADAPTER_STATE.read();
    open_alone(slices)
}

/// Which adapters are lost is global state of the process: a test that loses one, or queries the state, holds this
/// exclusively; a test that opens one shares it.
pub(crate) static ADAPTER_STATE: RwLock<()> = RwLock::new(());

/// The same for a test that holds [`ADAPTER_STATE`].
pub(crate) fn open_alone(slices: SliceLimits) -> GpuBackend {
    let options = GpuOptions { slices, ..GpuOptions::default() };
    GpuBackend::open(adapter(), "a test".to_owned(), options).expect("the adapter opens")
}

pub(crate) fn cpu() -> &'static CpuBackend {
    static CPU: OnceLock<CpuBackend> = OnceLock::new();
    CPU.get_or_init(|| CpuBackend::new(0, "a test".to_owned()).expect("threads"))
}

/// Renders to the end.
pub(crate) fn render(backend: &dyn Backend, prepared: &Prepared) -> Rendered {
    let cancel = CancelToken::default();
    let control = RenderControl::new(&cancel);
    prepared.load(backend).expect("the scene fits").render(&control).expect("nobody cancels")
}

/// A product and a shot of it, before any device.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) product: Arc<PreparedProduct>,
    pub(crate) shot: PreparedShot,
}

impl Prepared {
    /// Loads both onto a device.
    pub(crate) fn load(&self, backend: &dyn Backend) -> Result<Box<dyn LoadedShot>, RenderError> {
        backend.load(self.product.clone(), &CancelToken::default())?.load(self.shot.clone())
    }
}

/// A scene before preparation.
pub(crate) struct Sketch {
    pub(crate) scene: Scene,
    pub(crate) palette: Vec<OpenPbr>,
    pub(crate) materials: Vec<PartMaterial>,
    pub(crate) shot: Shot,
    /// Rendered by the kernel with all features instead of one for these materials: the software driver compiles each
    /// of those with textures and emissive surfaces for minutes.
    pub(crate) has_whole_kernel: bool,
}

impl Sketch {
    pub(crate) fn prepare(&self) -> Prepared {
        let product = Arc::new(self.product());
        let shot = self.shot_of(&product);
        Prepared { product, shot }
    }

    pub(crate) fn product(&self) -> PreparedProduct {
        let floor = self.shot.floor.as_ref();
        let palette: Vec<PaletteEntry> = self.palette.iter().copied().map(PaletteEntry::from).collect();
        let mut product =
            PreparedProduct::new(&self.scene, &palette, &self.materials, floor, &|| false).expect("a sound scene");
        if self.has_whole_kernel {
            product.features = SceneFeatures::ALL;
        }
        product
    }

    pub(crate) fn shot_of(&self, product: &Arc<PreparedProduct>) -> PreparedShot {
        PreparedShot::new(product, &self.shot, TabulatedMaps::default().tables(&self.shot.environment))
    }

    /// Adds a part of one primitive.
    pub(crate) fn part(&mut self, primitive: Primitive, material: PartMaterial, world_from_part: DAffine3) {
        let i = self.scene.parts.len();
        self.scene.meshes.push(Mesh { primitives: vec![primitive] });
        self.place(MeshIdx(self.scene.meshes.len() as u32 - 1), material, world_from_part, i);
    }

    fn place(&mut self, mesh: MeshIdx, material: PartMaterial, world_from_part: DAffine3, i: usize) {
        let name = Some(format!("Part_{i}"));
        let path = format!("Part_{i}");
        self.scene.parts.push(Part {
            node_idx: i as u32,
            path,
            node_name: name,
            mesh_name: None,
            cad_names: Vec::new(),
            mesh,
            world_from_part,
        });
        self.materials.push(material);
    }
}

/// A smooth unit sphere of about 4 n² triangles.
pub(crate) fn sphere(n: u32) -> Primitive {
    let mut positions = Vec::new();
    let mut triangles = Vec::new();
    let row = 2 * n + 1;
    for i in 0..=n {
        let theta = std::f32::consts::PI * i as f32 / n as f32;
        for j in 0..row {
            let phi = std::f32::consts::PI * j as f32 / n as f32;
            positions.push(Vec3::new(theta.sin() * phi.cos(), theta.cos(), -theta.sin() * phi.sin()));
        }
    }
    for (i, j) in (0..n).flat_map(|i| (0..2 * n).map(move |j| (i, j))) {
        let a = i * row + j;
        if i > 0 {
            triangles.push([a, a + row, a + 1]);
        }
        if i + 1 < n {
            triangles.push([a + 1, a + row, a + row + 1]);
        }
    }
    let normals = positions.clone();
    Primitive { normals, ..primitive(positions, triangles) }
}

fn primitive(positions: Vec<Vec3>, triangles: Vec<[u32; 3]>) -> Primitive {
    let uvs = [Vec::new(), Vec::new()];
    Primitive {
        positions,
        normals: Vec::new(),
        tangents: Vec::new(),
        uvs,
        colors: Vec::new(),
        triangles,
        material: None,
    }
}

pub(crate) fn glass() -> OpenPbr {
    OpenPbr { transmission_weight: 1.0, specular_roughness: 0.0, specular_ior: 1.5, ..OpenPbr::default() }
}

fn looking_at_origin(eye: DVec3) -> DAffine3 {
    let back = eye.normalize();
    let right = DVec3::Y.cross(back).normalize();
    DAffine3::from_mat3_translation(DMat3::from_cols(right, back.cross(right), back), eye)
}

/// An empty scene lit by a rectangle.
pub(crate) fn empty(size_px: u32, samples: u32) -> Sketch {
    let camera = Camera {
        world_from_camera: looking_at_origin(DVec3::new(2.0, 1.6, 4.0)),
        projection: Projection::Perspective { fov_y_rad: 0.6 },
        aperture: None,
        clip_near_m: 0.01,
        clip_far_m: 1000.0,
    };
    let facing_down = DMat3::from_cols(DVec3::X, DVec3::NEG_Z, DVec3::Y);
    let key = Light::Rect {
        world_from_light: DAffine3::from_mat3_translation(facing_down, DVec3::new(-0.5, 3.0, 0.5)),
        width_m: 2.0,
        height_m: 1.0,
        radiance: [6.0, 5.5, 5.0],
    };
    let film = FilmSettings {
        width_px: size_px,
        height_px: size_px,
        samples,
        noise_threshold: 0.0,
        seed: 7,
        filter: PixelFilter::BlackmanHarris { half_width_px: 1.5 },
        bounces: Bounces::all(8),
        clamp_direct: 0.0,
        clamp_indirect: 0.0,
    };
    let shot = Shot {
        camera,
        film,
        environment: Environment::Uniform { radiance: [0.3, 0.35, 0.4] },
        lights: vec![key],
        floor: None,
        background: Background::Transparent,
        view: View { transform: ViewTransform::Standard, exposure_ev: 0.0 },
        lut: None,
    };
    Sketch { scene: Scene::default(), palette: Vec::new(), materials: Vec::new(), shot, has_whole_kernel: false }
}

/// Every kind of material, rendered by the kernel with all features.
pub(crate) fn arranged(placement: &Placement, size_px: u32, samples: u32) -> Sketch {
    let Arrangement { scene, palette, materials, shot } = Arrangement::new(&sphere(24), placement, size_px, samples);
    Sketch { scene, palette, materials, shot, has_whole_kernel: true }
}

/// One smooth ball of a material without a floor.
pub(crate) fn ball(material: OpenPbr, size_px: u32, samples: u32) -> Sketch {
    let mut sketch = empty(size_px, samples);
    sketch.palette.push(material);
    sketch.part(sphere(36), PartMaterial::Palette(0), DAffine3::IDENTITY);
    sketch
}

/// Three balls (brushed metal, glass, coated plastic) that share a mesh, on a floor: each 5,000 triangles.
pub(crate) fn still_life(size_px: u32, samples: u32) -> Sketch {
    let mut sketch = empty(size_px, samples);
    let metal =
        OpenPbr { base_color: [0.9, 0.7, 0.4], base_metalness: 1.0, specular_roughness: 0.3, ..OpenPbr::default() };
    let plastic = OpenPbr {
        base_color: [0.7, 0.1, 0.1],
        specular_roughness: 0.5,
        coat_weight: 1.0,
        coat_roughness: 0.05,
        ..OpenPbr::default()
    };
    sketch.palette = vec![metal, glass(), plastic];
    sketch.scene.meshes.push(Mesh { primitives: vec![sphere(36)] });
    for (i, x) in [-0.95, 0.0, 0.95].into_iter().enumerate() {
        let turn = DQuat::from_rotation_x(0.4 * i as f64);
        // The last is mirrored.
        let scale = DVec3::new(if i == 2 { -0.45 } else { 0.45 }, 0.45, 0.45);
        let placed = DAffine3::from_scale_rotation_translation(scale, turn, DVec3::new(x, 0.0, 0.0));
        sketch.place(MeshIdx(0), PartMaterial::Palette(i), placed, i);
    }
    let grey = OpenPbr { base_color: [0.5; 3], base_diffuse_roughness: 0.4, ..OpenPbr::default() };
    sketch.shot.floor = Some(Floor::square(-0.45, 6.0, "grey", grey));
    sketch.shot.lights.push(Light::Point { position_m: DVec3::new(1.0, 1.5, 1.5), intensity: [1.5; 3] });
    let direction = DVec3::new(0.3, -1.0, -0.6).normalize();
    sketch.shot.lights.push(Light::Directional { direction, irradiance: [0.5, 0.6, 0.7], half_angle_rad: 0.0 });
    sketch
}

/// An emissive ball, an emissive textured square and an emissive half-transparent square over a diffuse and a metal
/// ball on a floor, beside other lights.
pub(crate) fn lamps(size_px: u32, samples: u32) -> Sketch {
    let mut sketch = empty(size_px, samples);
    let emissive = |radiance: f32, opacity: f32| OpenPbr {
        base_color: [0.2; 3],
        specular_weight: 0.0,
        emission_luminance: radiance,
        emission_color: [1.0, 0.8, 0.5],
        geometry_opacity: opacity,
        ..OpenPbr::default()
    };
    let texel = |i: u32| if i % 16 > 10 { [255, 250, 240, 255] } else { [30, 60, 20, 255] };
    let image = Image { width_px: 16, height_px: 16, rgba8: (0..256).map(texel).collect() };
    sketch.scene.textures = vec![Texture { image: Arc::new(image), wrap: [Wrap::Repeat; 2], nearest: false }];
    let use_ = TextureRef { texture: TextureIdx(0), uv_set: 1, uv_from_uv: [[2.0, 0.0, 0.1], [0.0, 1.0, 0.2]] };
    let textures = MaterialTextures { emission: Some(use_), ..MaterialTextures::default() };
    let openpbr = emissive(8.0, 1.0);
    sketch.scene.materials = vec![SceneMaterial { openpbr, textures, ..SceneMaterial::default() }];
    let metal =
        OpenPbr { base_color: [0.9, 0.7, 0.4], base_metalness: 1.0, specular_roughness: 0.2, ..OpenPbr::default() };
    let matt = OpenPbr { base_color: [0.6; 3], ..OpenPbr::default() };
    sketch.palette = vec![metal, matt, emissive(6.0, 1.0), emissive(10.0, 0.5)];
    let at = |scale: f64, x: f64, y: f64, z: f64| {
        let turn = DQuat::from_rotation_x(0.5);
        DAffine3::from_scale_rotation_translation(DVec3::splat(scale), turn, DVec3::new(x, y, z))
    };
    sketch.part(sphere(24), PartMaterial::Palette(0), at(0.4, -0.5, 0.0, 0.0));
    sketch.part(sphere(24), PartMaterial::Palette(1), at(0.4, 0.5, 0.0, 0.0));
    sketch.part(sphere(12), PartMaterial::Palette(2), at(0.12, 0.0, 0.3, 0.3));
    let lit = Primitive { material: Some(MaterialIdx(0)), ..card() };
    sketch.part(lit, PartMaterial::Own, at(0.2, -0.3, 0.7, 0.2));
    sketch.part(card(), PartMaterial::Palette(3), at(0.1, 0.6, 0.6, 0.3));
    let grey = OpenPbr { base_color: [0.5; 3], base_diffuse_roughness: 0.4, ..OpenPbr::default() };
    sketch.shot.floor = Some(Floor::square(-0.4, 6.0, "grey", grey));
    sketch
}

/// A masked, a blended and a normal-mapped textured square in front of a ball, under an environment map with a sun.
pub(crate) fn cards(size_px: u32, samples: u32) -> Sketch {
    let mut sketch = empty(size_px, samples);
    let texel = |x: u32, y: u32| match (x / 4 + y / 4) % 2 {
        0 => [230, 180, 60, 255],
        _ => [40, 90, 200, (x * 16) as u8],
    };
    let bump = |x: u32, y: u32| [96 + (x % 4) as u8 * 20, 96 + (y % 4) as u8 * 20, 250, 255];
    let image = |f: &dyn Fn(u32, u32) -> [u8; 4]| {
        let rgba8 = (0..16).flat_map(|y| (0..16).map(move |x| (x, y))).map(|(x, y)| f(x, y)).collect();
        Arc::new(Image { width_px: 16, height_px: 16, rgba8 })
    };
    sketch.scene.textures = vec![
        Texture { image: image(&texel), wrap: [Wrap::Repeat, Wrap::Mirror], nearest: false },
        Texture { image: image(&bump), wrap: [Wrap::Clamp; 2], nearest: true },
    ];
    let of = |texture: u32, uv_set: u32, scale: f32| TextureRef {
        texture: TextureIdx(texture),
        uv_set,
        uv_from_uv: [[scale, 0.0, 0.1], [0.0, scale, 0.2]],
    };
    let material =
        |alpha: AlphaMode, textures: MaterialTextures| SceneMaterial { textures, alpha, ..SceneMaterial::default() };
    let colour = |scale: f32| MaterialTextures { base_color: Some(of(0, 0, scale)), ..MaterialTextures::default() };
    let bumped = MaterialTextures { normal: Some(of(1, 1, 2.0)), normal_scale: 0.8, ..colour(1.0) };
    sketch.scene.materials = vec![
        material(AlphaMode::Mask { cutoff: 0.5 }, colour(1.5)),
        material(AlphaMode::Blend, colour(1.0)),
        material(AlphaMode::Opaque, bumped),
    ];
    let standing = DQuat::from_rotation_x(std::f64::consts::FRAC_PI_2);
    for i in 0..3 {
        let square = Primitive { material: Some(MaterialIdx(i)), ..card() };
        let at = DVec3::new(f64::from(i) * 0.8 - 0.8, 0.1 * f64::from(i), 0.4 - 0.3 * f64::from(i));
        let placed = DAffine3::from_scale_rotation_translation(DVec3::splat(0.38), standing, at);
        sketch.part(square, PartMaterial::Own, placed);
    }
    sketch.palette.push(OpenPbr { base_color: [0.2, 0.6, 0.3], ..OpenPbr::default() });
    let behind =
        DAffine3::from_scale_rotation_translation(DVec3::splat(0.4), DQuat::IDENTITY, DVec3::new(0.0, 0.0, -0.5));
    sketch.part(sphere(24), PartMaterial::Palette(0), behind);
    let (width_px, height_px) = (32, 16);
    let radiance =
        |i: u32| if i == 5 * width_px + 9 { [60.0, 50.0, 40.0] } else { [0.2, 0.3, 0.1 + 0.02 * (i % 32) as f32] };
    let rgb = (0..width_px * height_px).map(radiance).collect();
    let map = Arc::new(EnvironmentMap { width_px, height_px, rgb });
    sketch.shot.environment = Environment::LatLong { map, rotation_x_rad: 0.4, rotation_y_rad: 0.7, strength: 0.8 };
    sketch.shot.background = Background::Environment;
    sketch
}
