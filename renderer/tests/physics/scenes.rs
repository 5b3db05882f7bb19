//! Small scenes whose pictures are known.

use std::sync::Arc;

use glam::{DAffine3, DMat3, DVec3, Vec3};
use packshot_materials::openpbr::OpenPbr;
use packshot_renderer::backend::cpu::CpuBackend;
use packshot_renderer::backend::{Backend, CancelToken, LoadedShot, RenderControl, RenderError};
use packshot_renderer::film::Film;
use packshot_renderer::guides::{GuideSamples, Guides};
use packshot_renderer::layers::lines::{LineKind, LineStyle};
use packshot_renderer::layers::{LayerNames, LayerRequest, Quantity};
use packshot_renderer::prepare::{PaletteEntry, PartMaterial, PreparedProduct, PreparedShot, TabulatedMaps};
use packshot_renderer::scene::{Mesh, MeshIdx, Part, Primitive, Scene};
use packshot_renderer::shot::{
    Background, Bounces, Camera, Environment, FilmSettings, PixelFilter, Projection, Shot, View, ViewTransform,
};

/// Triangles and corners of a unit sphere of `n` by `2n` faces, shaded smoothly when asked for.
pub(crate) fn sphere(n: u32, smooth: bool) -> Primitive {
    let mut positions = Vec::new();
    let mut triangles = Vec::new();
    for i in 0..=n {
        let theta = std::f32::consts::PI * i as f32 / n as f32;
        for j in 0..=2 * n {
            let phi = std::f32::consts::PI * j as f32 / n as f32;
            positions.push(Vec3::new(theta.sin() * phi.cos(), theta.cos(), -theta.sin() * phi.sin()));
        }
    }
    let row = 2 * n + 1;
    for i in 0..n {
        for j in 0..2 * n {
            let a = i * row + j;
            if i > 0 {
                triangles.push([a, a + row, a + 1]);
            }
            if i + 1 < n {
                triangles.push([a + 1, a + row, a + row + 1]);
            }
        }
    }
    let normals = if smooth { positions.clone() } else { Vec::new() };
    primitive(positions, normals, triangles)
}

/// A square of side 2 in the plane y = 0, facing +Y.
pub(crate) fn plane() -> Primitive {
    let corner = |x: f32, z: f32| Vec3::new(x, 0.0, z);
    let positions = vec![corner(-1.0, -1.0), corner(-1.0, 1.0), corner(1.0, 1.0), corner(1.0, -1.0)];
    primitive(positions, Vec::new(), vec![[0, 1, 2], [0, 2, 3]])
}

/// A cube of side 2 on the plane y = 0.
pub(crate) fn cube() -> Primitive {
    let mut positions = Vec::new();
    for axis in 0..3 {
        for side in [-1.0_f32, 1.0] {
            for (u, v) in [(-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)] {
                let mut p = [0.0; 3];
                (p[axis], p[(axis + 1) % 3], p[(axis + 2) % 3]) = (side, side * u, v);
                positions.push(Vec3::from(p) + Vec3::Y);
            }
        }
    }
    let triangles =
        (0..6).flat_map(|face| [[4 * face, 4 * face + 1, 4 * face + 2], [4 * face, 4 * face + 2, 4 * face + 3]]);
    primitive(positions, Vec::new(), triangles.collect())
}

/// Triangles without optional attributes.
pub(crate) fn primitive(positions: Vec<Vec3>, normals: Vec<Vec3>, triangles: Vec<[u32; 3]>) -> Primitive {
    let uvs = [Vec::new(), Vec::new()];
    Primitive { positions, normals, tangents: Vec::new(), uvs, colors: Vec::new(), triangles, material: None }
}

/// A scene of parts that share or own meshes.
pub(crate) fn scene(meshes: Vec<Primitive>, parts: &[(u32, DAffine3)]) -> Scene {
    let meshes = meshes.into_iter().map(|p| Mesh { primitives: vec![p] }).collect();
    let part = |(i, &(mesh, world_from_part)): (usize, &(u32, DAffine3))| Part {
        node_idx: i as u32,
        path: format!("Part_{i}"),
        node_name: Some(format!("Part_{i}")),
        mesh_name: None,
        cad_names: Vec::new(),
        mesh: MeshIdx(mesh),
        world_from_part,
    };
    Scene { meshes, parts: parts.iter().enumerate().map(part).collect(), ..Scene::default() }
}

/// An orthographic shot from `eye` towards the origin, without light.
pub(crate) fn shot(eye: DVec3, height_m: f64, size_px: u32, samples: u32) -> Shot {
    let back = eye.normalize();
    let up = if back.y.abs() > 0.99 { DVec3::NEG_Z } else { DVec3::Y };
    let right = up.cross(back).normalize();
    let world_from_camera = DAffine3::from_mat3_translation(DMat3::from_cols(right, back.cross(right), back), eye);
    let projection = Projection::Orthographic { height_m };
    Shot {
        camera: Camera { world_from_camera, projection, aperture: None, clip_near_m: 1e-9, clip_far_m: 1e12 },
        film: FilmSettings {
            width_px: size_px,
            height_px: size_px,
            samples,
            noise_threshold: 0.0,
            seed: 0,
            filter: PixelFilter::Box,
            bounces: Bounces::all(12),
            clamp_direct: 0.0,
            clamp_indirect: 0.0,
        },
        environment: Environment::None,
        lights: Vec::new(),
        floor: None,
        background: Background::Transparent,
        view: View { transform: ViewTransform::Raw, exposure_ev: 0.0 },
        lut: None,
    }
}

/// Renders with `n_threads` threads; all parts wear `material`.
pub(crate) fn render(scene: &Scene, material: &OpenPbr, shot: &Shot, n_threads: usize) -> Film {
    render_parts(scene, &[*material], &vec![0; scene.parts.len()], shot, n_threads)
}

/// Renders with `n_threads` threads; each part wears the material of `palette` that `worn` names.
pub(crate) fn render_parts(scene: &Scene, palette: &[OpenPbr], worn: &[usize], shot: &Shot, n_threads: usize) -> Film {
    let palette: Vec<PaletteEntry> = palette.iter().copied().map(PaletteEntry::from).collect();
    let parts: Vec<PartMaterial> = worn.iter().map(|&i| PartMaterial::Palette(i)).collect();
    load(scene, &palette, &parts, shot, n_threads).render(&RenderControl::new(&CancelToken::default()))
}

/// A shot that the CPU can render.
pub(crate) struct Loaded {
    /// How many meshes are placed.
    pub(crate) n_instances: usize,
    /// The materials of the palette are called `Material 0` and so on.
    pub(crate) names: LayerNames,
    shot: Box<dyn LoadedShot>,
}

impl Loaded {
    /// Renders all samples.
    pub(crate) fn render(&self, control: &RenderControl<'_>) -> Film {
        self.shot.render(control).expect("nobody cancels").film
    }
}

impl Loaded {
    /// The denoiser's guides, from `n_samples` samples per pixel.
    pub(crate) fn guides(&self, n_samples: u32) -> Guides {
        self.try_guides(n_samples, &CancelToken::default()).expect("nobody cancels")
    }

    pub(crate) fn try_guides(&self, n_samples: u32, cancel: &CancelToken) -> Result<Guides, RenderError> {
        self.shot.guides(&GuideSamples::most(n_samples), cancel)
    }

    /// Layers, from `n_samples` samples per pixel.
    pub(crate) fn layers(&self, quantities: &[Quantity], n_samples: u32) -> Vec<Vec<f32>> {
        self.try_layers(quantities, n_samples, &CancelToken::default()).expect("nobody cancels")
    }

    pub(crate) fn try_layers(
        &self,
        quantities: &[Quantity],
        n_samples: u32,
        cancel: &CancelToken,
    ) -> Result<Vec<Vec<f32>>, RenderError> {
        let lines = LineStyle { width_px: 1.5, crease_rad: LineStyle::CREASE_RAD };
        self.shot.layers(&LayerRequest { quantities, names: &self.names, n_samples, lines }, cancel)
    }

    /// Lines of one kind.
    pub(crate) fn lines(&self, kind: LineKind, lines: LineStyle) -> Vec<f32> {
        let quantities = &[Quantity::Lines(kind)];
        let request = LayerRequest { quantities, names: &self.names, n_samples: 1, lines };
        self.shot.layers(&request, &CancelToken::default()).expect("nobody cancels").remove(0)
    }
}

/// Prepares a scene and loads it on the CPU.
pub(crate) fn load(
    scene: &Scene,
    palette: &[PaletteEntry],
    parts: &[PartMaterial],
    shot: &Shot,
    n_threads: usize,
) -> Loaded {
    let prepared = PreparedProduct::new(scene, palette, parts, shot.floor.as_ref(), &|| false);
    let product = Arc::new(prepared.expect("a sound scene"));
    let n_instances = product.instances.len();
    let ids: Vec<String> = (0..palette.len()).map(|i| format!("Material {i}")).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let names = LayerNames::new(scene, &product, &ids);
    let shot = PreparedShot::new(&product, shot, TabulatedMaps::default().tables(&shot.environment));
    let backend = CpuBackend::new(n_threads, "a test".to_owned()).expect("threads");
    let loaded = backend.load(product, &CancelToken::default()).and_then(|product| product.load(shot));
    Loaded { n_instances, names, shot: loaded.expect("the CPU has room") }
}

/// Mean radiance over the pixels that are covered completely.
pub(crate) fn mean_radiance(film: &Film) -> Vec3 {
    let covered: Vec<Vec3> =
        film.resolve().iter().filter(|p| p[3] > 0.999).map(|p| Vec3::new(p[0], p[1], p[2])).collect();
    assert!(!covered.is_empty(), "no pixel is covered");
    covered.iter().sum::<Vec3>() / covered.len() as f32
}
