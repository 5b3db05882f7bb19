//! From the checked JSON to the scene: reads each kind of object, then puts them together.

use std::collections::HashMap;

use glam::DAffine3;

use super::ImportErrorCode as Code;
use super::buffers::Buffers;
use super::cameras::{self, CameraSource, LightSource};
use super::cancel::Cancel;
use super::error::{ImportError, quoted};
use super::extensions::Extensions;
use super::findings::Findings;
use super::images::{self, ImageSource, ImageUse};
use super::json::Value;
use super::member::Member;
use super::meshes::{self, MeshSource};
use super::nodes::{Counts, Nodes};
use super::sharing::MeshBuilder;
use super::textures::{self, TextureSource};
use super::{ImportOptions, Limits, SceneStats, accessor, inspect, materials, world_from_file};
use crate::diagnostic::Severity;
use crate::scene::{
    Bounds, MeshIdx, Part, Scene, SceneCamera, SceneLight, SceneMaterial, SceneProjection, Texture, TextureIdx,
};

/// Reads the document, of which `root` is the checked view.
pub(super) fn read<'d>(
    root: &Member<'_, 'd>,
    document: &'d Value<'d>,
    bin: Option<&[u8]>,
    options: &ImportOptions,
    cancel: Cancel<'_>,
    findings: &mut Findings,
) -> Result<(Scene, SceneStats), ImportError> {
    let limits = &options.limits;
    check_asset(root, findings)?;
    let extensions = Extensions::read(root, document, findings)?;
    let buffers = Buffers::read(root, bin, findings)?;
    let views = buffers.views(root)?;
    let accessors = accessor::read_all(root, &views, limits, findings)?;
    let images = images::read_all(root, &views, findings)?;
    let mut texture_sources = textures::read_all(root, images.len())?;
    let materials = materials::read_all(root, &mut texture_sources, options.unit_scale, findings)?;
    let material_count = materials.len();
    let meshes = meshes::read_all(root, &accessors, material_count, &extensions, findings)?;
    let camera_sources = cameras::read_cameras(root)?;
    let light_sources = cameras::read_lights(root)?;
    let counts = Counts {
        meshes: meshes.len(),
        cameras: camera_sources.len(),
        skins: root.count("skins")?,
        lights: light_sources.len(),
    };
    let mut nodes = Nodes::read(root, &counts, limits, cancel, findings)?;
    nodes.place(world_from_file(options))?;

    let mut builder = MeshBuilder::new(&accessors, limits, materials, cancel);
    let parts = parts(&nodes, &meshes, &mut builder, limits, cancel, findings)?;
    if parts.is_empty() {
        let at = format!("/scenes/{}", root.integer("scene")?.unwrap_or(0));
        return Err(ImportError::new(Code::Empty, at, "the scene shows no triangles: there is nothing to render"));
    }
    let mut materials = builder.materials;
    let textures = textures(&mut materials, texture_sources.list(), &images, limits, cancel)?;
    let scene = Scene {
        meshes: builder.meshes,
        parts,
        materials,
        textures,
        cameras: cameras(&nodes, &camera_sources, options),
        lights: lights(&nodes, &light_sources),
    };
    // The steps above keep the scene's rules; what this could find is a mistake in them, told rather than passed on.
    let scene = Scene::new(scene).map_err(|error| ImportError::new(Code::Schema, "/", error.to_string()))?;
    inspect::inspect(&scene, &builder.places, cancel, findings)?;

    let per_mesh = |mesh: usize| {
        let triangles = scene.meshes[mesh].triangle_count() + builder.degenerate_counts[mesh];
        (triangles, scene.meshes[mesh].vertex_count())
    };
    let per_mesh: Vec<(u64, u64)> = (0..scene.meshes.len()).map(per_mesh).collect();
    let placed = scene.parts.iter().map(|part| per_mesh[part.mesh.0 as usize]);
    let (triangles, vertices) = placed.fold((0, 0), |sum, count| (sum.0 + count.0, sum.1 + count.1));
    let stats = SceneStats {
        triangles,
        vertices,
        unique_triangles: builder.unique_triangles,
        meshes: scene.meshes.len(),
        instances: scene.parts.len(),
        materials: material_count,
        textures: scene.textures.len(),
        bounds: scene.bounds(),
    };
    Ok((scene, stats))
}

/// glTF 2.0 section 3.2: minor versions are compatible unless the file asks for more.
fn check_asset(root: &Member<'_, '_>, findings: &mut Findings) -> Result<(), ImportError> {
    let asset = root.object("asset")?.ok_or_else(|| root.missing("asset"))?;
    let version = |name| -> Result<Option<(u32, u32)>, ImportError> {
        let Some(text) = asset.text(name)? else { return Ok(None) };
        let numbers = text.split_once('.').and_then(|(major, minor)| Some((major.parse().ok()?, minor.parse().ok()?)));
        let message = || format!("{} is no version", quoted(text));
        numbers.map(Some).ok_or_else(|| asset.error_at(name, Code::Schema, message()))
    };
    let (major, minor) = version("version")?.ok_or_else(|| asset.missing("version"))?;
    if major != 2 {
        let message = format!("glTF {major}.{minor}; only glTF 2 is supported");
        return Err(asset.error_at("version", Code::Version, message));
    }
    if let Some((major, minor)) = version("minVersion")?
        && (major, minor) > (2, 0)
    {
        let message = format!("the file needs glTF {major}.{minor}; glTF 2.0 is supported");
        return Err(asset.error_at("minVersion", Code::Version, message));
    }
    if minor > 0 {
        let message = format!("glTF 2.{minor} is read as glTF 2.0");
        findings.add("newer_version", Severity::Info, asset.pointer_to("version"), message);
    }
    Ok(())
}

fn parts(
    nodes: &Nodes<'_>,
    meshes: &[MeshSource<'_>],
    builder: &mut MeshBuilder<'_, '_>,
    limits: &Limits,
    cancel: Cancel<'_>,
    findings: &mut Findings,
) -> Result<Vec<Part>, ImportError> {
    let mut parts = Vec::new();
    let mut boxes = Vec::new();
    // Per mesh of the file: not yet built, without triangles, or the mesh of the scene.
    let mut built: Vec<Option<Option<MeshIdx>>> = vec![None; meshes.len()];
    let mut path_bytes_left = limits.path_bytes;
    for (node_idx, node, world_from_part) in nodes.of_scene() {
        cancel.check_at(node_idx as usize)?;
        let Some(mesh_idx) = node.mesh.map(|mesh| mesh as usize) else { continue };
        let at = || format!("/nodes/{node_idx}");
        let source = &meshes[mesh_idx];
        let mesh = match built[mesh_idx] {
            Some(mesh) => mesh,
            None => *built[mesh_idx].insert(builder.mesh(&source.primitives, findings)?),
        };
        let Some(mesh) = mesh else { continue };
        if is_singular(&world_from_part) {
            let message = "the transform flattens the part to nothing; it is left out";
            findings.add("singular_transform", Severity::Warning, at(), message);
            continue;
        }
        boxes.extend(builder.meshes[boxes.len()..].iter().map(crate::scene::Mesh::local_bounds));
        let bounds = boxes[mesh.0 as usize].map(|local| Bounds::of_box(local, &world_from_part));
        if bounds.is_some_and(|bounds| !(bounds.min.as_vec3().is_finite() && bounds.max.as_vec3().is_finite())) {
            let message = "the part's place is infinite in single precision";
            return Err(ImportError::new(Code::NonFinite, at(), message));
        }
        // A long name of a mesh counts as often as the mesh is placed.
        let mesh_name_bytes = source.name.map_or(0, str::len);
        let path_bytes_max = path_bytes_left.checked_sub(mesh_name_bytes);
        let path = path_bytes_max.and_then(|bytes_max| nodes.path(node_idx, bytes_max)).ok_or_else(|| {
            let message = format!(
                "the paths and names of the parts are longer than the limit path_bytes of {}",
                limits.path_bytes
            );
            ImportError::new(Code::Limit, at(), message)
        })?;
        path_bytes_left -= path.len() + mesh_name_bytes;
        parts.push(Part {
            node_idx,
            path,
            node_name: node.name.map(str::to_owned),
            mesh_name: source.name.map(str::to_owned),
            mesh,
            world_from_part,
        });
    }
    Ok(parts)
}

/// Whether a transform has no inverse worth the name: its volume is rounding error beside its longest column.
fn is_singular(transform: &DAffine3) -> bool {
    let columns = transform.matrix3;
    let longest = columns.x_axis.length().max(columns.y_axis.length()).max(columns.z_axis.length());
    let volume = (columns * (1.0 / longest)).determinant().abs();
    // NaN, of a matrix of zeros, is singular too.
    !matches!(volume.partial_cmp(&1e-15), Some(std::cmp::Ordering::Greater))
}

/// Decodes the images that materials use, and numbers the textures of `materials` anew.
fn textures(
    materials: &mut [SceneMaterial],
    sources: &[TextureSource],
    images: &[ImageSource<'_>],
    limits: &Limits,
    cancel: Cancel<'_>,
) -> Result<Vec<Texture>, ImportError> {
    let mut numbers: HashMap<u32, u32> = HashMap::new();
    let mut used: Vec<&TextureSource> = Vec::new();
    for slot in materials.iter_mut().flat_map(|material| material.textures.slots_mut()).flatten() {
        let number = *numbers.entry(slot.texture.0).or_insert_with(|| {
            used.push(&sources[slot.texture.0 as usize]);
            used.len() as u32 - 1
        });
        slot.texture = TextureIdx(number);
    }
    let use_of = |source: &TextureSource| Some(ImageUse { image: source.image?, texels: source.texels });
    let mut uses: Vec<ImageUse> = used.iter().copied().filter_map(use_of).collect();
    uses.sort_unstable();
    uses.dedup();
    let decoded = images::decode(images, &uses, limits, cancel)?;
    // Slots of textures without image were left out when the materials were read.
    let image = |source: &TextureSource| uses.binary_search(&use_of(source)?).ok().map(|at| decoded[at].clone());
    let texture =
        |source: &&TextureSource| Some(Texture { image: image(source)?, wrap: source.wrap, nearest: source.nearest });
    Ok(used.iter().filter_map(texture).collect())
}

fn cameras(nodes: &Nodes<'_>, sources: &[CameraSource<'_>], options: &ImportOptions) -> Vec<SceneCamera> {
    let place = |(_, node, world_from_node): (u32, &super::nodes::Node<'_>, DAffine3)| {
        let source = &sources[node.camera? as usize];
        let projection = match source.projection {
            SceneProjection::Orthographic { height_m } => {
                SceneProjection::Orthographic { height_m: height_m * options.unit_scale }
            }
            perspective => perspective,
        };
        let name = source.name.or(node.name).map(str::to_owned);
        Some(SceneCamera { name, world_from_camera: cameras::rigid(&world_from_node)?, projection })
    };
    nodes.of_scene().filter_map(place).collect()
}

fn lights(nodes: &Nodes<'_>, sources: &[LightSource<'_>]) -> Vec<SceneLight> {
    let place = |(_, node, world_from_node): (u32, &super::nodes::Node<'_>, DAffine3)| {
        let source = &sources[node.light? as usize];
        let name = source.name.or(node.name).map(str::to_owned);
        let world_from_light = cameras::rigid(&world_from_node)?;
        Some(SceneLight { name, world_from_light, intensity: source.intensity, kind: source.kind })
    };
    nodes.of_scene().filter_map(place).collect()
}
