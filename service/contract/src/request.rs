//! What to render: the request in effect, with every default filled in.
//!
//! [`RenderRequest::parse`] makes one of what a client sent. The same type is stored with the job, shown in it and given to
//! the worker: what it holds is in range, and nothing behind it checks again.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::scalar::Address;

mod base;
mod later;
mod output;
mod parse;
mod series;
mod studio;
mod words;

pub use base::template;
pub use output::Output;
pub use parse::Uploads;
pub use series::{FPS_MAX, FRAMES_MAX, FRAMES_MIN, Views};
pub use words::{
    Aov, Denoise, ExrPrecision, Filter, Format, GroundWord, Kind, Light, Look, OnUnmapped, Scale, TurnDirection,
    TurnMode, UpAxis, View, ViewName, ViewSet, ViewTransform,
};

/// Most pixels along one side of a picture.
pub const SIDE_PX_MAX: u32 = packshot_renderer::shot::MAX_SIDE_PX;
/// Most samples per pixel of a request.
pub const SAMPLES_MAX: u32 = 65_536;
/// Most patterns, libraries or `PART=MATERIAL` entries in one list.
const LIST_MAX: usize = 1_000;
/// Most bytes of a name in a request.
const NAME_BYTES_MAX: usize = 1_024;

/// Defaults that the installation and the tenant set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestDefaults {
    /// `samples` of a request that does not say.
    pub samples: u32,
    /// `device` of a request that does not say.
    pub device: String,
    /// Most pixels of a picture.
    pub pixels_max: u64,
}

impl Default for RequestDefaults {
    fn default() -> Self {
        Self { samples: 256, device: "gpu".to_owned(), pixels_max: packshot_renderer::shot::MAX_PIXELS }
    }
}

/// A picture to make. Every member may be left out of a request; a job shows the values in effect.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RenderRequest {
    /// The product. A multipart request sends the file itself instead.
    pub asset: Option<Asset>,
    /// The environment map (`.hdr` or `.exr`). A multipart request sends the file itself instead.
    pub environment: Option<Asset>,
    /// What is made of the product.
    pub kind: Kind,
    /// How the picture is taken, where no member and no preset says it: a built-in template. The files are those of `formats`.
    pub template: Option<String>,
    /// Settings for a purpose, and a check of its rules: a picture that breaks one fails the job.
    #[schema(pattern = "^(amazon_main|amazon_360|google|autocare)$")]
    pub preset: Option<String>,
    /// Of `views`: which, by name or as a set.
    pub views: Option<Views>,
    /// Of `views`: how large they show the product.
    pub scale: Option<Scale>,
    /// Of `turntable`: frames of one turn; none is there twice.
    #[schema(minimum = 2, maximum = 1440)]
    pub frame_count: Option<u32>,
    /// Of `turntable`: frames per second of a film.
    #[schema(minimum = 1, maximum = 120)]
    pub fps: Option<u16>,
    /// Of `turntable`: which way the product turns, as seen from above.
    pub direction: Option<TurnDirection>,
    /// Of `turntable`: how far the product is turned in the first frame, counter-clockwise as seen from above.
    #[schema(minimum = -1000000, maximum = 1000000)]
    pub start_deg: Option<f64>,
    /// Of `turntable`: what moves.
    pub mode: Option<TurnMode>,
    /// Pixels; `width`·`height` is limited by the installation.
    #[schema(minimum = 1, maximum = 16384)]
    pub width: u32,
    /// Pixels.
    #[schema(minimum = 1, maximum = 16384)]
    pub height: u32,
    /// Samples per pixel, at most.
    #[schema(minimum = 1, maximum = 65536)]
    pub samples: u32,
    /// Sampling of a pixel stops at this noise; 0: every pixel gets all samples.
    #[schema(minimum = 0, maximum = 1)]
    pub noise_threshold: f64,
    /// Sampling of each picture stops after so many seconds with what is there.
    #[schema(exclusive_minimum = 0, maximum = 1000000000)]
    pub max_time_s: Option<f64>,
    /// Same seed, same picture.
    #[schema(minimum = 0, maximum = 2147483647)]
    pub seed: u32,
    /// Scattering events from which a path goes on, at most.
    /// `null`: as many as the look has.
    #[schema(minimum = 0, maximum = 1024)]
    pub max_bounces: Option<u32>,
    /// Limit on what one path brings by indirect light; 0: none.
    #[schema(minimum = 0, maximum = 3.4e38)]
    pub clamp_indirect: f64,
    /// The reconstruction filter of a pixel.
    pub filter: Filter,
    /// Where the picture, or the first frame, is taken from, by name; `null` when angles, a camera of the file or `views` say it.
    pub view: Option<View>,
    /// Turns the camera about +Y: 0 is the front (+Z), 90 is +X.
    #[schema(minimum = -1000000, maximum = 1000000)]
    pub azimuth_deg: Option<f64>,
    /// Raises the camera; of `views` every one but `top` and `bottom`.
    #[schema(minimum = -90, maximum = 90)]
    pub elevation_deg: Option<f64>,
    /// A camera of the file, by name.
    pub camera: Option<String>,
    /// Share of the frame that the product takes in its tighter direction.
    #[schema(minimum = 0.001, maximum = 1)]
    pub fill: f64,
    /// Leaves so many pixels at the tighter sides instead of `fill`.
    #[schema(minimum = 0, maximum = 8191)]
    pub margin_px: Option<u32>,
    /// Cuts the picture within `width` and `height` so that `margin_px` is the same all around.
    pub trim: bool,
    /// Frames these parts, by name or path; the others are drawn as far as they reach into the picture.
    #[schema(max_items = 1000)]
    pub crop_to: Vec<String>,
    /// Focal length for a 36 mm sensor along the longer side of the picture.
    #[schema(minimum = 1, maximum = 10000)]
    pub lens_mm: f64,
    /// Parallel projection.
    pub ortho: bool,
    /// Depth of field: the f-number of the lens.
    #[schema(exclusive_minimum = 0, maximum = 1000000)]
    pub dof: Option<f64>,
    /// The part whose nearest point is sharp; `null`: the plane through the product's middle.
    pub focus: Option<String>,
    /// The file's axis that points up.
    pub up_axis: UpAxis,
    /// Metres per unit of the file.
    #[schema(exclusive_minimum = 0, maximum = 1000000000000.0)]
    pub unit_scale: f64,
    /// The material variant to show, by its name in the file.
    pub variant: Option<String>,
    /// The animation to show a moment of, by its name in the file.
    pub animation: Option<String>,
    /// The moment to show: seconds from the begin of `animation`, or of the first one.
    #[schema(minimum = 0, maximum = 1000000000)]
    pub time: Option<f64>,
    /// Whose reading of the file's own materials and lights is followed.
    pub look: Look,
    /// Only parts of these names or paths; globs such as `Ball_*` match the whole name.
    #[schema(max_items = 1000)]
    pub only: Vec<String>,
    /// Parts of these names or paths are left out.
    #[schema(max_items = 1000)]
    pub hide: Vec<String>,
    /// What lights the product.
    pub light: Light,
    /// Turns the light about +Y.
    #[schema(minimum = -1000000, maximum = 1000000)]
    pub light_rotation_deg: f64,
    /// `transparent`, `environment`, `white` or `#RRGGBB`.
    #[schema(pattern = "^(transparent|environment|white|#[0-9a-fA-F]{6})$")]
    pub background: String,
    /// What the product stands on; `null`: nothing.
    pub ground: Option<GroundWord>,
    /// The same as the ground `shadow`: a floor that only catches shadows.
    pub shadow_catcher: bool,
    /// Its colour, `white` or `#RRGGBB`; of a catcher the light that it throws back onto the product; `null`: 80 % white.
    pub ground_color: Option<String>,
    /// Roughness of its gloss; `null`: matte, of a reflection 0.1.
    #[schema(minimum = 0, maximum = 1)]
    pub ground_roughness: Option<f64>,
    /// Draws the product's edges: outlines, borders of parts and materials, creases.
    pub edges: bool,
    /// Draws the borders of triangles.
    pub wireframe: bool,
    /// Draws lines alone, over the background and no picture.
    pub lines_only: bool,
    /// Width of lines in pixels; `null`: 1.5 where the picture's longer side has 1024, at least 1.
    #[schema(minimum = 0.5, maximum = 64)]
    pub line_width_px: Option<f64>,
    /// Colour of lines; `null`: black.
    #[schema(pattern = "^#[0-9a-fA-F]{6}$")]
    pub line_color: Option<String>,
    /// Angle between two faces from which on they have an edge; `null`: 30.
    #[schema(minimum = 1, maximum = 180)]
    pub crease_deg: Option<f64>,
    /// How radiance becomes display values.
    pub view_transform: ViewTransform,
    /// Brightens by so many stops.
    #[schema(minimum = -32, maximum = 32)]
    pub exposure_ev: f64,
    /// When noise is removed.
    pub denoise: Denoise,
    /// `gpu`, `cpu`, `auto`, or part of an adapter's name.
    #[schema(min_length = 1, max_length = 256)]
    pub device: String,
    /// Which part gets which material; `null`: the file's own materials count.
    pub materials: Option<MaterialChoice>,
    /// Every part wears one light grey material.
    pub clay: bool,
    /// `PART=MATERIAL`, as entries over `materials.parts` that no template changes.
    #[schema(max_items = 1000)]
    pub material: Vec<String>,
    /// Uploaded material libraries over the tenant's own, by name; later ones win.
    #[schema(max_items = 1000)]
    pub library: Vec<String>,
    /// What becomes of parts that nothing matches.
    pub on_unmapped: OnUnmapped,
    /// The files that are made: of a turntable films, a zip, or frames; of views pictures or a zip.
    #[schema(min_items = 1)]
    pub formats: Vec<Format>,
    /// Bits per channel: 8 or 16 of a PNG (in a zip, too) and an APNG, 8 or 10 of an AVIF, 8, 16 or (scene-linear) 32 of a TIFF;
    /// `null`: 10 of an AVIF, 8 of the others.
    #[schema(minimum = 8, maximum = 32)]
    pub bit_depth: Option<u8>,
    /// How near a JPEG, WebP, AVIF or MP4 comes to its pixels; `null`: 90, and a WebP is lossless.
    #[schema(minimum = 1, maximum = 100)]
    pub quality: Option<u8>,
    /// Pixels per inch at which the picture is meant to be printed, in a PNG, APNG, JPEG, WebP, AVIF, TIFF or EXR; a
    /// film as WebP has no place for it.
    #[schema(minimum = 1, maximum = 65535)]
    pub dpi: Option<u16>,
    /// Precision of an EXR.
    pub exr: ExrPrecision,
    /// More layers of an EXR.
    #[schema(max_items = 15)]
    pub aovs: Vec<Aov>,
    /// Higher first.
    #[schema(minimum = -10, maximum = 10)]
    pub priority: i32,
    /// How long the files are kept.
    #[schema(pattern = "^(render-output|preview|scratch|raw-evidence)$")]
    pub retention_class: String,
    /// Anything that the client wants to find again in the job, as its `metadata`; at most 16 KiB as JSON.
    #[serde(skip_serializing)]
    #[schema(value_type = Object, write_only)]
    pub metadata: Map<String, Value>,
}

impl Default for RenderRequest {
    fn default() -> Self {
        let RequestDefaults { samples, device, .. } = RequestDefaults::default();
        Self {
            asset: None,
            environment: None,
            kind: Kind::Still,
            template: None,
            preset: None,
            views: None,
            scale: None,
            frame_count: None,
            fps: None,
            direction: None,
            start_deg: None,
            mode: None,
            width: 1024,
            height: 1024,
            samples,
            noise_threshold: 0.01,
            max_time_s: None,
            seed: 0,
            max_bounces: Some(12),
            clamp_indirect: 0.0,
            filter: Filter::BlackmanHarris,
            view: Some(View::ThreeQuarter),
            azimuth_deg: None,
            elevation_deg: None,
            camera: None,
            fill: 0.85,
            margin_px: None,
            trim: false,
            crop_to: Vec::new(),
            lens_mm: 85.0,
            ortho: false,
            dof: None,
            focus: None,
            up_axis: UpAxis::Y,
            unit_scale: 1.0,
            variant: None,
            animation: None,
            time: None,
            look: Look::Gltf,
            only: Vec::new(),
            hide: Vec::new(),
            light: Light::StudioSoft,
            light_rotation_deg: 0.0,
            background: "transparent".to_owned(),
            ground: None,
            shadow_catcher: false,
            ground_color: None,
            ground_roughness: None,
            edges: false,
            wireframe: false,
            lines_only: false,
            line_width_px: None,
            line_color: None,
            crease_deg: None,
            view_transform: ViewTransform::Agx,
            exposure_ev: 0.0,
            denoise: Denoise::Auto,
            device,
            materials: None,
            clay: false,
            material: Vec::new(),
            library: Vec::new(),
            on_unmapped: OnUnmapped::Magenta,
            formats: vec![Format::Png],
            bit_depth: Some(8),
            quality: None,
            dpi: None,
            exr: ExrPrecision::Half,
            aovs: Vec::new(),
            priority: 0,
            retention_class: "render-output".to_owned(),
            metadata: Map::new(),
        }
    }
}

impl RenderRequest {
    /// What the picture depends on, as bytes that are equal for equal pictures: the request without priority, retention and
    /// metadata.
    pub fn canonical(&self) -> Vec<u8> {
        let default = Self::default();
        let picture = Self {
            priority: default.priority,
            retention_class: default.retention_class,
            metadata: default.metadata,
            ..self.clone()
        };
        // Numbers, strings and lists in the order of the declaration: nothing in it can fail to serialise.
        serde_json::to_vec(&picture).unwrap_or_default()
    }
}

/// A stored file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Asset {
    /// Its content.
    pub content_address: Address,
}

/// Which part gets which material.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MaterialChoice {
    /// The library, by name; `null`: the tenant's.
    pub library: Option<String>,
    /// The map; `null`: none is in force. An empty one leaves every part unmapped.
    pub parts: Option<Vec<PartEntry>>,
}

/// An entry of a material map. It names a part by its name or by its path.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PartEntry {
    /// Parts of this name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub part_name: Option<String>,
    /// Parts at this path: node names joined by `/`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Id, code, name or alias of a material; `null` waits for a choice.
    pub material: Option<String>,
}

#[cfg(test)]
mod tests;
