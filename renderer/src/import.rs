//! Import: the bytes of a GLB or glTF file in, a [`Scene`] and a report out.
//!
//! A file cannot make the importer open or fetch anything: buffers and images are embedded, or the file is refused.
//! Input is taken as hostile. One checked pass over the JSON comes first (`json`, `member`): every number, index,
//! offset and length is checked before any memory is reserved for it, and every fault becomes an [`ImportError`] with a
//! JSON pointer. Harmless oddities become [`Diagnostic`]s.

mod cancel;
mod error;
mod findings;
mod container;
mod json;
mod pointer;
mod member;
mod document;
mod extensions;
mod meshopt;
mod buffers;
mod accessor;
mod draco;
mod basisu;
mod images;
mod textures;
mod materials;
mod blender;
mod variants;
mod attributes;
mod meshes;
mod deformation;
mod astray;
mod geometry;
mod tangents;
mod sharing;
mod cameras;
mod animations;
mod instancing;
mod extras;
mod nodes;
mod skins;
mod smooth;
mod parts;
mod inspect;

use glam::{DAffine3, DMat3, DVec3};
use packshot_words::words;

use self::cancel::Cancel;
pub use self::error::{ImportError, ImportErrorCode};
use self::findings::Findings;
use self::member::Member;
use crate::diagnostic::Diagnostic;
use crate::look::Look;
use crate::scene::{Bounds, Scene};

/// How a file is imported.
#[derive(Clone, Debug, PartialEq)]
pub struct ImportOptions {
    /// The file's axis that points up. glTF prescribes Y, but files of many CAD systems use Z nevertheless.
    pub up_axis: UpAxis,
    /// Metres per unit of the file, above 0. Applied about the file's origin, before the rotation for `up_axis`.
    pub unit_scale: f64,
    /// Rotation of everything in the file after `up_axis`, in degrees: about the world's X, then Y, then Z,
    /// counter-clockwise as seen from the axis's end.
    pub rotate_deg: [f64; 3],
    /// Primitives without normals are shaded smooth across edges at which two triangles meet at up to this angle, 0 to
    /// 180.
    pub smooth_deg: f64,
    /// The material variant to show, by its name; `None` for the materials that primitives have without one.
    pub variant: Option<String>,
    /// The pose from an animation; `None` for the nodes as the file places them, or, in Blender's look, for the start
    /// of the first animation.
    pub pose: Option<Pose>,
    /// Whose reading of materials and lights is followed.
    pub look: Look,
    /// Limits on sizes.
    pub limits: Limits,
}

impl Default for ImportOptions {
    fn default() -> Self {
        Self {
            up_axis: UpAxis::Y,
            unit_scale: 1.0,
            rotate_deg: [0.0; 3],
            smooth_deg: 0.0,
            variant: None,
            pose: None,
            look: Look::Gltf,
            limits: Limits::default(),
        }
    }
}

/// A time in an animation.
#[derive(Clone, Debug, PartialEq)]
pub struct Pose {
    /// Its name; `None` for the first one of the file.
    pub animation: Option<String>,
    /// Seconds from its start. Before its first keyframe, a property has that keyframe's value; after its last, the
    /// last one's.
    pub time_s: f64,
}

words! {
    /// The axis of the file that points up in the world.
    #[derive(Default)]
    pub enum UpAxis {
        /// As glTF defines it
        #[default]
        Y = "y",
        /// As many CAD systems have it: (x, y, z) of the file becomes (x, z, −y)
        Z = "z",
    }
}

/// What is refused as too large although it is valid. The defaults admit any real product, and bound the memory that a
/// small malicious file can request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Values in the JSON text.
    pub json_values: usize,
    /// Nodes.
    pub nodes: usize,
    /// Elements of an accessor for which the file holds no bytes.
    pub zero_elements: usize,
    /// Stored triangles, each geometry counted once however often it is placed.
    pub triangles: usize,
    /// Stored vertices, each geometry counted once.
    pub vertices: usize,
    /// Copies of meshes that nodes request by instancing.
    pub instances: usize,
    /// Values of morph targets and joints read for poses, one per vertex and target or set of joints.
    pub posed_values: usize,
    /// Bytes of decompressed buffer views, and separately the same number for decompressed meshes.
    pub unpacked_bytes: u64,
    /// Bytes of the paths and mesh names of all parts.
    pub path_bytes: usize,
    /// Pixels along the longer side of an image.
    pub image_side_px: u32,
    /// Bytes of all images, decoded to 4 bytes per pixel.
    pub image_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            json_values: 16_000_000,
            nodes: 1_000_000,
            zero_elements: 1_000_000,
            triangles: 64_000_000,
            vertices: 64_000_000,
            instances: 1_000_000,
            posed_values: 512_000_000,
            unpacked_bytes: 1 << 30,
            path_bytes: 64 << 20,
            image_side_px: 16_384,
            image_bytes: 512 << 20,
        }
    }
}

/// What the importer reports in addition to the scene.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ImportReport {
    /// Findings that did not stop the import.
    pub diagnostics: Vec<Diagnostic>,
    /// Counts.
    pub stats: SceneStats,
    /// The choices that the file offers, and what was chosen.
    pub choices: Choices,
}

/// What a file offers in addition to its default scene.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Choices {
    /// Names of the material variants.
    pub variants: Vec<String>,
    /// The variant that is shown.
    pub variant: Option<String>,
    /// The animations.
    pub animations: Vec<AnimationInfo>,
    /// Index of the animation whose pose is shown.
    pub animation: Option<usize>,
}

/// An animation of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct AnimationInfo {
    /// Its name; empty where it has none.
    pub name: String,
    /// The time of its last keyframe.
    pub duration_s: f64,
}

/// Counts for a scene.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SceneStats {
    /// Triangles of the file, counting all instances, including those without area, which the scene leaves out.
    pub triangles: u64,
    /// Vertices, counting all instances.
    pub vertices: u64,
    /// Triangles of the file, each geometry counted once however often it is placed.
    pub unique_triangles: u64,
    /// Distinct meshes.
    pub meshes: usize,
    /// Parts: placed meshes.
    pub instances: usize,
    /// Materials of the file.
    pub materials: usize,
    /// Textures of the file that a material uses.
    pub textures: usize,
    /// World bounds.
    pub bounds: Option<Bounds>,
}

/// Reads a file, GLB or glTF JSON with embedded data, recognised by content. `cancelled` is polled from time to time,
/// from any thread of the current rayon pool.
///
/// # Errors
///
/// Whatever is not valid glTF 2.0, needs something unsupported, contains nothing to render or exceeds a limit: an
/// [`ImportError`] with code, place and help. [`ImportErrorCode::Cancelled`] if `cancelled` returned true.
pub fn load(
    bytes: &[u8],
    options: &ImportOptions,
    cancelled: &(dyn Fn() -> bool + Sync),
) -> Result<(Scene, ImportReport), ImportError> {
    let cancel = Cancel::new(cancelled);
    let mut findings = Findings::default();
    let container = container::split(bytes, &mut findings)?;
    let json = json::parse(container.json, container.json_offset, options.limits.json_values, cancel, &mut findings)?;
    let root = Member::root(&json)?;
    let (scene, stats, choices) = document::read(&root, &json, &container.storage, options, cancel, &mut findings)?;
    Ok((scene, ImportReport { diagnostics: findings.finish(), stats, choices }))
}

/// The transform given by `options`.
fn world_from_file(options: &ImportOptions) -> DAffine3 {
    let turn = match options.up_axis {
        UpAxis::Y => DMat3::IDENTITY,
        UpAxis::Z => DMat3::from_cols(DVec3::X, DVec3::NEG_Z, DVec3::Y),
    };
    let [about_x, about_y, about_z] = options.rotate_deg.map(turn_of);
    let rotation = [
        DMat3::from_cols(DVec3::X, DVec3::new(0.0, about_x.1, about_x.0), DVec3::new(0.0, -about_x.0, about_x.1)),
        DMat3::from_cols(DVec3::new(about_y.1, 0.0, -about_y.0), DVec3::Y, DVec3::new(about_y.0, 0.0, about_y.1)),
        DMat3::from_cols(DVec3::new(about_z.1, about_z.0, 0.0), DVec3::new(-about_z.0, about_z.1, 0.0), DVec3::Z),
    ];
    DAffine3::from_mat3(rotation[2] * rotation[1] * rotation[0] * turn * options.unit_scale)
}

/// Sine and cosine of an angle, exact at quarter turns.
fn turn_of(angle_deg: f64) -> (f64, f64) {
    let angle_deg = angle_deg.rem_euclid(360.0);
    let quarters = (angle_deg / 90.0).floor();
    let (sin, cos) = (angle_deg - 90.0 * quarters).to_radians().sin_cos();
    match quarters as u8 % 4 {
        0 => (sin, cos),
        1 => (cos, -sin),
        2 => (-sin, -cos),
        _ => (-cos, sin),
    }
}
