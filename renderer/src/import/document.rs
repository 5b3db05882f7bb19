//! From the checked JSON to the scene: reads each kind of object, then assembles them.

use std::collections::HashMap;

use glam::DAffine3;

use super::ImportErrorCode as Code;
use super::buffers::{Buffers, View, ViewSource};
use super::cameras::{self, CameraSource, LightSource};
use super::cancel::Cancel;
use super::container::Storage;
use super::error::{ImportError, quoted};
use super::extensions::Extensions;
use super::findings::Findings;
use super::images::{self, ImageSource, ImageUse};
use super::json::Value;
use super::member::Member;
use super::nodes::{Counts, Nodes};
use super::sharing::MeshBuilder;
use super::skins::Skins;
use super::textures::{self, TextureSource};
use super::variants::Variants;
use super::{
    Choices, ImportOptions, Limits, Pose, SceneStats, accessor, animations, blender, draco, inspect, materials, meshes,
    parts, world_from_file,
};
use crate::diagnostic::Severity;
use crate::look::Look;
use crate::scene::{Scene, SceneCamera, SceneLight, SceneMaterial, SceneProjection, Texture, TextureIdx};

/// Reads the document; `root` is its checked view.
pub(super) fn read<'d>(
    root: &Member<'_, 'd>,
    document: &'d Value<'d>,
    storage: &Storage<'_>,
    options: &ImportOptions,
    cancel: Cancel<'_>,
    findings: &mut Findings,
) -> Result<(Scene, SceneStats, Choices), ImportError> {
    let limits = &options.limits;
    check_asset(root, findings)?;
    let extensions = Extensions::read(root, document, findings)?;
    let buffers = Buffers::read(root, storage, &extensions, findings)?;
    let view_sources = buffers.view_sources(root, limits, cancel)?;
    let views: Vec<View<'_>> = view_sources.iter().map(ViewSource::view).collect();
    let streams = draco::Streams::read(root, views.len(), root.count("accessors")?)?;
    let decoded = streams.decode(&views, limits, cancel)?;
    let mut accessors = accessor::read_all(root, &views, |idx| streams.describe(idx), limits, findings)?;
    let packed = draco::Accessors::append(&streams, &decoded, &mut accessors);
    let images = images::read_all(root, &views, findings)?;
    let mut texture_sources = textures::read_all(root, images.len())?;
    let materials = materials::read_all(root, &mut texture_sources, options, findings)?;
    let material_count = materials.len();
    let variants = Variants::read(root, options.variant.as_deref())?;
    let mesh_context = meshes::Context {
        accessors: &accessors,
        view_count: views.len(),
        material_count,
        variants: &variants,
        packed: &packed,
        extensions: &extensions,
    };
    let meshes = meshes::read_all(root, &mesh_context, findings)?;
    let camera_sources = cameras::read_cameras(root, findings)?;
    let light_sources = cameras::read_lights(root, options.look)?;
    let mut skins = Skins::read(root, &accessors)?;
    let animations = animations::read_all(root, &accessors, findings)?;
    // Blender's importer leaves its scene at the first frame of the first animation.
    let is_posed = options.look == Look::Blender50 && !animations.is_empty();
    let first = is_posed.then_some(Pose { animation: None, time_s: 0.0 });
    let (animation, poses) = match options.pose.as_ref().or(first.as_ref()) {
        Some(pose) => {
            let (chosen, poses) = animations::sample(&animations, pose, &accessors)?;
            (Some(chosen), poses)
        }
        None => (None, HashMap::new()),
    };
    let counts = Counts {
        meshes: meshes.len(),
        cameras: camera_sources.len(),
        skins: skins.count(),
        lights: light_sources.len(),
        accessors: accessors.len(),
    };
    let mut nodes = Nodes::read(root, &counts, &poses, limits, cancel, findings)?;
    let world_from_file = world_from_file(options);
    nodes.place(world_from_file)?;

    let mut builder = MeshBuilder::new(&accessors, options, materials, cancel);
    let (nodes, meshes, accessors) = (&nodes, meshes.as_slice(), accessors.as_slice());
    let context = parts::Context { nodes, meshes, accessors, world_from_file, limits, cancel };
    let parts = parts::build(&context, &mut skins, &mut builder, findings)?;
    if parts.is_empty() {
        let at = format!("/scenes/{}", root.integer("scene")?.unwrap_or(0));
        return Err(ImportError::new(Code::Empty, at, "the scene shows no triangles: there is nothing to render"));
    }
    let mut materials = builder.materials;
    let textures = textures(&mut materials, texture_sources.list(), &images, limits, cancel)?;
    let mut meshes = builder.meshes;
    if options.look == Look::Blender50 {
        blender::geometry(&mut meshes, &materials);
    }
    let scene = Scene {
        meshes,
        parts,
        materials,
        textures,
        cameras: cameras(nodes, &camera_sources, options),
        lights: lights(nodes, &light_sources),
        look: options.look,
        designs: Vec::new(),
    };
    // The steps above keep the scene's invariants; a violation found here is a bug in them, and is reported rather than
    // passed on.
    let scene = Scene::new(scene).map_err(|error| ImportError::new(Code::Schema, "/", error.to_string()))?;
    inspect::inspect(&scene, &builder.places, options.unit_scale, cancel, findings)?;

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
    let choices = Choices {
        variants: variants.names.iter().map(|name| (*name).to_owned()).collect(),
        variant: variants.chosen().map(str::to_owned),
        animations: animations::infos(&animations, accessors),
        animation,
    };
    Ok((scene, stats, choices))
}

/// glTF 2.0 section 3.2: minor versions are compatible unless the file asks for more.
fn check_asset(root: &Member<'_, '_>, findings: &mut Findings) -> Result<(), ImportError> {
    let asset = root.object("asset")?.ok_or_else(|| root.missing("asset"))?;
    let version = |name| -> Result<Option<(u32, u32)>, ImportError> {
        let Some(text) = asset.text(name)? else { return Ok(None) };
        let numbers = text.split_once('.').and_then(|(major, minor)| Some((major.parse().ok()?, minor.parse().ok()?)));
        let message = || format!("{} is not a version", quoted(text));
        numbers.map(Some).ok_or_else(|| asset.error_at(name, Code::Schema, message()))
    };
    let (major, minor) = version("version")?.ok_or_else(|| asset.missing("version"))?;
    if major != 2 {
        let message = format!("the file is glTF {major}.{minor}; only glTF 2 is supported");
        return Err(asset.error_at("version", Code::Version, message));
    }
    if let Some((major, minor)) = version("minVersion")?
        && (major, minor) > (2, 0)
    {
        let message = format!("the file needs glTF {major}.{minor}; only glTF 2.0 is supported");
        return Err(asset.error_at("minVersion", Code::Version, message));
    }
    if minor > 0 {
        let message = format!("glTF 2.{minor} is read as glTF 2.0");
        findings.add("newer_version", Severity::Info, asset.pointer_to("version"), message);
    }
    Ok(())
}

/// Decodes the images that materials use, and renumbers the textures of `materials`.
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
    // Slots whose texture has no image were left out when the materials were read.
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

/// The lights that are visible.
fn lights(nodes: &Nodes<'_>, sources: &[LightSource<'_>]) -> Vec<SceneLight> {
    let place = |(_, node, world_from_node): (u32, &super::nodes::Node<'_>, DAffine3)| {
        let source = &sources[node.light.filter(|_| node.is_visible)? as usize];
        let name = source.name.or(node.name).map(str::to_owned);
        let world_from_light = cameras::rigid(&world_from_node)?;
        Some(SceneLight { name, world_from_light, intensity: source.intensity, kind: source.kind })
    };
    nodes.of_scene().filter_map(place).collect()
}
