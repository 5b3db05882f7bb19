//! The one table of everything that a picture can be told. Its rows have what every surface shows of an option: the
//! command's arguments and help, the members of requests and their description, the parameters of steps.

use packshot_materials::mapping::{MapBy, OnUnmapped};
use packshot_renderer::encode::ExrPrecision;
use packshot_renderer::import::UpAxis;
use packshot_renderer::look::Look;
use packshot_renderer::shot::turntable::{TurnDirection, TurnMode};
use packshot_renderer::shot::{Background, MAX_BOUNCES, MAX_SAMPLES, MAX_SEED, MAX_SIDE_PX, ViewTransform};
use serde_json::Value;

use super::option::{Default, Group, Kind, OptionSpec, Takes, words_of};
use super::value::{Color, Materials, OptionValue, PresetName, Views, Wrong};
use super::words::{FileFormat, Filter, GroundWord, Lay, Light, ViewChoice, of_one_picture};
use crate::denoise::Denoise;
use crate::picture::Aov;
use crate::preset::PRESETS;
use crate::views::Scale;

/// Bytes of a name in an option, at most.
pub const NAME_BYTES_MAX: usize = 1_024;
/// Patterns, libraries or entries of a map in one list, at most.
const LIST_MAX: usize = 1_000;
/// Fewest frames of a turntable.
pub const FRAMES_MIN: u32 = 2;
/// Most frames of a turntable.
pub const FRAMES_MAX: u32 = 1_440;
/// Most frames per second.
pub const FPS_MAX: u32 = 120;
/// Largest angle of a turn.
pub const TURN_DEG_MAX: f64 = 1e6;
/// Largest angle of an edge that is shaded smooth.
pub const SMOOTH_DEG_MAX: f64 = 180.0;
/// Longest time.
const TIME_S_MAX: f64 = 1e9;

const ALL: &[Kind] = &[Kind::Still, Kind::Turntable, Kind::Views];
const ONE_CAMERA: &[Kind] = &[Kind::Still, Kind::Turntable];
const TURNTABLE: &[Kind] = &[Kind::Turntable];
const VIEWS: &[Kind] = &[Kind::Views];

const NAME: Takes = Takes::Text { bytes_max: NAME_BYTES_MAX };
const NAMES: Takes = Takes::Texts { n_max: LIST_MAX, bytes_max: NAME_BYTES_MAX };
const ENTRIES: Takes = Takes::Texts { n_max: LIST_MAX, bytes_max: 2 * NAME_BYTES_MAX };
const SIDE: Takes = Takes::Whole { min: 1, max: MAX_SIDE_PX };
const TURN: Takes = Takes::Real { min: -TURN_DEG_MAX, max: TURN_DEG_MAX };
const ELEVATION: Takes = Takes::Real { min: -90.0, max: 90.0 };
const UNIT: Takes = Takes::Real { min: 0.0, max: 1.0 };
const COLOR: Takes =
    Takes::Form { pattern: "^(white|#[0-9a-fA-F]{6})$", expected: "expected white, or a colour such as #F0F0F0" };
const LINE_COLOR: Takes = Takes::Form { pattern: "^#[0-9a-fA-F]{6}$", expected: "expected a colour as #RRGGBB" };
const BACKGROUND: Takes = Takes::Form {
    pattern: "^(transparent|environment|white|#[0-9a-fA-F]{6})$",
    expected: "expected transparent, environment, white, or a colour such as #F0F0F0",
};

fn preset_words() -> Vec<(&'static str, &'static str)> {
    PRESETS.iter().map(|preset| (preset.name, preset.summary)).collect()
}

macro_rules! options {
    ($(
        $(#[doc = $help:literal])+
        $id:ident, $name:ident: $type:ty = $takes:expr, $default:expr, $group:ident $(, $key:ident: $value:expr)*;
    )+) => {
        /// The options of pictures.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum OptionId { $( $(#[doc = $help])+ $id, )+ }

        /// Options that were given, each with its value: nothing is said of the others.
        #[derive(Clone, Debug, Default, PartialEq)]
        pub struct Options { $( $(#[doc = $help])+ pub $name: Option<$type>, )+ }

        /// Every option, in the order in which lists show them.
        pub static TABLE: &[OptionSpec] = &[$(
            OptionSpec {
                $($key: $value,)*
                ..plain(OptionId::$id, stringify!($name), $takes, $default, Group::$group, concat!($($help),+).trim_ascii())
            }
        ),+];

        impl Options {
            /// Whether an option is given.
            pub fn has(&self, id: OptionId) -> bool {
                match id { $(OptionId::$id => self.$name.is_some(),)+ }
            }

            /// Takes an option back.
            pub fn clear(&mut self, id: OptionId) {
                match id { $(OptionId::$id => self.$name = None,)+ }
            }

            /// Takes an option over where `from` has it.
            pub fn take_over(&mut self, id: OptionId, from: &Self) {
                match id { $(OptionId::$id => if from.$name.is_some() { self.$name.clone_from(&from.$name) },)+ }
            }

            /// Gives an option a value from JSON.
            ///
            /// # Errors
            /// What is wrong with the value.
            pub fn set_json(&mut self, id: OptionId, value: &Value) -> Result<(), Wrong> {
                let takes = &id.spec().takes;
                match id { $(OptionId::$id => self.$name = Some(<$type as OptionValue>::from_json(value, takes)?),)+ }
                Ok(())
            }

            /// Gives an option a value from the texts of a command line.
            ///
            /// # Errors
            /// What is wrong with the texts.
            pub fn set_texts(&mut self, id: OptionId, texts: &[&str]) -> Result<(), Wrong> {
                let takes = &id.spec().takes;
                match id { $(OptionId::$id => self.$name = Some(<$type as OptionValue>::from_texts(texts, takes)?),)+ }
                Ok(())
            }

            /// The value of an option as JSON.
            pub fn json(&self, id: OptionId) -> Option<Value> {
                match id { $(OptionId::$id => self.$name.as_ref().map(OptionValue::to_json),)+ }
            }
        }
    };
}

const fn plain(
    id: OptionId,
    name: &'static str,
    takes: Takes,
    default: Default,
    group: Group,
    help: &'static str,
) -> OptionSpec {
    OptionSpec { id, name, command_name: None, takes, unit: None, default, help, group, of: ALL }
}

options! {
    /// The template, which decides what no option and no preset says: a built-in one
    Template, template: String = NAME, Default::None, Picture;
    /// The settings of a marketplace, and a check that the pictures keep its rules
    Preset, preset: PresetName = Takes::Word(preset_words), Default::None, Picture;

    /// The file's axis that points up
    UpAxis, up_axis: UpAxis = Takes::Word(words_of::<UpAxis>), Default::Is("y"), Product;
    /// Metres per unit of the file
    UnitScale, unit_scale: f64 = Takes::Positive { max: 1e12 }, Default::Is("1"), Product, unit: Some("m");
    /// Rotates everything in the file before the camera is placed: about the world's X axis, then Y, then Z, which do
    /// not turn with it
    RotateDeg, rotate_deg: [f64; 3] = Takes::Three { min: -TURN_DEG_MAX, max: TURN_DEG_MAX }, Default::None, Product, unit: Some("deg"), command_name: Some("rotate");
    /// How the product lies: `flat` shows in views from above what a person who lays parts out would turn up
    Lay, lay: Lay = Takes::Word(words_of::<Lay>), Default::Follows("as_modelled"), Product;
    /// Parts without normals in the file are shaded smooth where neighbouring triangles meet at up to this angle: 0 is
    /// flat, 180 smooth everywhere
    SmoothDeg, smooth_deg: f64 = Takes::Real { min: 0.0, max: SMOOTH_DEG_MAX }, Default::Follows("0, as in the glTF specification and Blender's importer"), Product, unit: Some("deg");
    /// The material variant to show, by its name in the file
    Variant, variant: String = NAME, Default::None, Product;
    /// The animation to show a moment of, by its name in the file
    Animation, animation: String = NAME, Default::None, Product;
    /// The moment to show, in seconds from the start of the animation, or of the first one
    Time, time: f64 = Takes::Real { min: 0.0, max: TIME_S_MAX }, Default::Follows("0 if an animation is given, and in the look blender-5.0"), Product, unit: Some("s");
    /// Which reading of the file's own materials and lights the picture follows
    Look, look: Look = Takes::Word(words_of::<Look>), Default::Is("gltf"), Product;
    /// Only parts of these names or paths; globs such as `Ball_*` match the whole name
    Only, only: Vec<String> = NAMES, Default::None, Product;
    /// Parts of these names or paths are left out; globs such as `Ball_*` match the whole name
    Hide, hide: Vec<String> = NAMES, Default::None, Product;

    /// Where the picture, or the first frame, is taken from, by name
    View, view: ViewChoice = Takes::Word(of_one_picture), Default::Is("three_quarter"), Camera, of: ONE_CAMERA;
    /// The views to render, as names, sets or both
    Views, views: Views = Takes::Words { list: words_of::<ViewChoice>, n_min: 1 }, Default::Is("six_yaw"), Camera, command_name: Some("set"), of: VIEWS;
    /// How large the product is in several views
    Scale, scale: Scale = Takes::Word(words_of::<Scale>), Default::Is("per_view"), Camera, of: VIEWS;
    /// Turns the camera about +Y, in place of a view by name: 0 is the front (+Z), 90 is +X. The elevation
    /// is then 0 if it is not given
    AzimuthDeg, azimuth_deg: f64 = TURN, Default::None, Camera, unit: Some("deg"), of: ONE_CAMERA;
    /// Raises the camera; where there are several views, in all but top and bottom. With one view, the
    /// azimuth is then 0 if it is not given
    ElevationDeg, elevation_deg: f64 = ELEVATION, Default::None, Camera, unit: Some("deg");
    /// A camera of the file, by name, or by its number, counted from 0
    Camera, camera: String = NAME, Default::None, Camera, of: ONE_CAMERA;
    /// Share of the picture's width or height, whichever is tighter, that the product fills
    Fill, fill: f64 = Takes::Real { min: 0.001, max: 1.0 }, Default::Is("0.85"), Camera;
    /// Margin at the tighter sides, in place of a share of the picture
    MarginPx, margin_px: u32 = Takes::Whole { min: 0, max: 8191 }, Default::None, Camera, unit: Some("px");
    /// Crops the picture so that the margin is the same on all sides; width and height are then its largest size
    Trim, trim: bool = Takes::Flag, Default::Is("false"), Camera;
    /// Frames these parts, by name, path or glob such as `Ball_*`; the others are drawn as far as they reach into the
    /// picture
    CropTo, crop_to: Vec<String> = NAMES, Default::None, Camera;
    /// Focal length for a 36 mm sensor along the longer side of the picture
    LensMm, lens_mm: f64 = Takes::Real { min: 1.0, max: 10_000.0 }, Default::Is("85"), Camera, unit: Some("mm");
    /// Parallel projection, without perspective
    Ortho, ortho: bool = Takes::Flag, Default::Is("false"), Camera;
    /// Depth of field: the f-number of the lens, for a 36 mm sensor and the product's real size
    Dof, dof: f64 = Takes::Real { min: 0.1, max: 1e6 }, Default::None, Camera;
    /// With depth of field, the part whose nearest point is sharp
    Focus, focus: String = NAME, Default::Follows("the plane through the product's middle"), Camera;

    /// Frames of one full turn; the first is not repeated at the end
    FrameCount, frame_count: u32 = Takes::Whole { min: FRAMES_MIN, max: FRAMES_MAX }, Default::Is("72"), Turntable, unit: Some("frames"), command_name: Some("frames"), of: TURNTABLE;
    /// Frames per second of a movie
    Fps, fps: u32 = Takes::Whole { min: 1, max: FPS_MAX }, Default::Is("24"), Turntable, unit: Some("frames/s"), of: TURNTABLE;
    /// Which way the product turns, as seen from above
    Direction, direction: TurnDirection = Takes::Word(words_of::<TurnDirection>), Default::Is("ccw"), Turntable, of: TURNTABLE;
    /// How far the product is turned in the first frame, counter-clockwise as seen from above
    StartDeg, start_deg: f64 = TURN, Default::Is("0"), Turntable, unit: Some("deg"), of: TURNTABLE;
    /// What moves
    Mode, mode: TurnMode = Takes::Word(words_of::<TurnMode>), Default::Is("product"), Turntable, of: TURNTABLE;

    /// Width of the picture; with the height at most 64,000,000 pixels
    Width, width: u32 = SIDE, Default::Is("1024"), Sampling, unit: Some("px");
    /// Height of the picture
    Height, height: u32 = SIDE, Default::Is("1024"), Sampling, unit: Some("px");
    /// Samples per pixel, at most
    Samples, samples: u32 = Takes::Whole { min: 1, max: MAX_SAMPLES }, Default::Is("256"), Sampling, unit: Some("samples/px");
    /// Sampling of a pixel stops when its noise is below this; with 0 every pixel gets all samples
    NoiseThreshold, noise_threshold: f64 = UNIT, Default::Is("0.01"), Sampling, command_name: Some("noise");
    /// Sampling of each picture stops after this time and keeps what it has, at least one sample of every pixel
    MaxTimeS, max_time_s: f64 = Takes::Positive { max: TIME_S_MAX }, Default::None, Sampling, unit: Some("s"), command_name: Some("max-time");
    /// Seed of the random numbers: the same seed gives the same picture
    Seed, seed: u32 = Takes::Whole { min: 0, max: MAX_SEED }, Default::Is("0"), Sampling;
    /// Bounces of a path, at most
    MaxBounces, max_bounces: u32 = Takes::Whole { min: 0, max: MAX_BOUNCES }, Default::Follows("12; in the Blender look, at most 4 of them diffuse and 4 glossy"), Sampling;
    /// Limit on the indirect light that one path brings; 0 is no limit
    ClampIndirect, clamp_indirect: f64 = Takes::Real { min: 0.0, max: f32::MAX as f64 }, Default::Follows("0; in the Blender look 10"), Sampling;
    /// The reconstruction filter of a pixel
    Filter, filter: Filter = Takes::Word(words_of::<Filter>), Default::Is("blackman_harris"), Sampling;
    /// When noise is removed
    Denoise, denoise: Denoise = Takes::Word(words_of::<Denoise>), Default::Is("auto"), Sampling;

    /// What lights the product
    Light, light: Light = Takes::Word(words_of::<Light>), Default::Is("studio_soft"), Light;
    /// Turns the light about +Y
    LightRotationDeg, light_rotation_deg: f64 = TURN, Default::Is("0"), Light, unit: Some("deg");
    /// What is behind the product: transparent, environment, white or a colour as #RRGGBB
    Background, background: Background = BACKGROUND, Default::Is("transparent"), Light;
    /// How rendered light becomes colours on a display
    ViewTransform, view_transform: ViewTransform = Takes::Word(words_of::<ViewTransform>), Default::Follows("khronos_neutral; in the Blender look agx"), Light;
    /// Brightens the picture by so many stops, or darkens it where negative
    ExposureEv, exposure_ev: f64 = Takes::Real { min: -32.0, max: 32.0 }, Default::Is("0"), Light, unit: Some("EV");
    /// Shows the form alone: every part wears one light grey material
    Clay, clay: bool = Takes::Flag, Default::Is("false"), Light;

    /// What the product stands on
    Ground, ground: GroundWord = Takes::Word(words_of::<GroundWord>), Default::Is("none"), Ground;
    /// The same as the ground `shadow`
    ShadowCatcher, shadow_catcher: bool = Takes::Flag, Default::Is("false"), Ground;
    /// Colour of the ground, white or #RRGGBB; a catcher is not seen, but the light that bounces off it onto the
    /// product has this colour
    GroundColor, ground_color: Color = COLOR, Default::Follows("80 % white"), Ground;
    /// Roughness of the ground's gloss
    GroundRoughness, ground_roughness: f64 = UNIT, Default::Follows("matte; 0.1 for the ground `reflection`"), Ground;

    /// Draws the product's edges: outlines, borders of parts and materials, creases
    Edges, edges: bool = Takes::Flag, Default::Is("false"), Lines;
    /// Draws the borders of triangles
    Wireframe, wireframe: bool = Takes::Flag, Default::Is("false"), Lines;
    /// Draws the lines alone on the background, without the picture
    LinesOnly, lines_only: bool = Takes::Flag, Default::Is("false"), Lines;
    /// Width of lines
    LineWidthPx, line_width_px: f64 = Takes::Real { min: 0.5, max: 64.0 }, Default::Follows("1.5 where the picture's longer side has 1024 pixels, larger pictures in proportion, at least 1"), Lines, unit: Some("px");
    /// Colour of lines, as #RRGGBB
    LineColor, line_color: Color = LINE_COLOR, Default::Follows("#000000"), Lines;
    /// Smallest angle between two faces at which an edge is drawn
    CreaseDeg, crease_deg: f64 = Takes::Real { min: 1.0, max: 180.0 }, Default::Follows("30"), Lines, unit: Some("deg");

    /// Which part gets which material: {"parts":[{"part_name":"Outer_Ring","material":"Steel"}]}, and from which
    /// library
    Materials, materials: Materials = Takes::Materials, Default::None, Materials, command_name: Some("material-map");
    /// One more entry of the map, such as Outer_Ring=Steel; it wins over the map and the template
    Material, material: Vec<String> = ENTRIES, Default::None, Materials;
    /// Material libraries on top of the one in force; of several, later ones win
    Library, library: Vec<String> = NAMES, Default::None, Materials;
    /// What happens to parts that nothing in the map matches
    OnUnmapped, on_unmapped: OnUnmapped = Takes::Word(words_of::<OnUnmapped>), Default::Follows("magenta; with single entries and no map, the other parts stay as they are"), Materials;
    /// Which names are looked up in the library: those of parts alone, or also those of the file's materials
    MapBy, map_by: MapBy = Takes::Word(words_of::<MapBy>), Default::Follows("part,material"), Materials;

    /// The formats of the files to write
    Formats, formats: Vec<FileFormat> = Takes::Words { list: words_of::<FileFormat>, n_min: 1 }, Default::Follows("png; mp4 for a turntable; with a preset or a template, theirs"), Output, command_name: Some("format");
    /// Bits per channel: 8 or 16 of a PNG (in a zip, too) and an APNG, 8 or 10 of an AVIF, 8, 16 or (scene-linear) 32
    /// of a TIFF
    BitDepth, bit_depth: u32 = Takes::OneOf(&[8, 10, 16, 32]), Default::Follows("8; 10 for an AVIF"), Output, unit: Some("bit");
    /// Precision of an EXR
    Exr, exr: ExrPrecision = Takes::Word(words_of::<ExrPrecision>), Default::Follows("half"), Output;
    /// Quality of a JPEG, WebP, AVIF or MP4; 100 is closest to the original pixels
    Quality, quality: u32 = Takes::Whole { min: 1, max: 100 }, Default::Follows("90; without it a WebP is lossless"), Output;
    /// Pixels per inch at which the picture is meant to be printed
    Dpi, dpi: u32 = Takes::Whole { min: 1, max: u16::MAX as u32 }, Default::None, Output, unit: Some("px/in");
    /// Additional layers of an EXR
    Aovs, aovs: Vec<Aov> = Takes::Words { list: words_of::<Aov>, n_min: 0 }, Default::None, Output, command_name: Some("aov");

    /// The device that renders: auto, cpu, gpu, or part of an adapter's name
    Device, device: String = Takes::Text { bytes_max: 256 }, Default::Follows("auto; in a service, its setting"), Device;
}

impl OptionId {
    /// What is known of it.
    pub fn spec(self) -> &'static OptionSpec {
        &TABLE[self as usize]
    }

    /// All options.
    pub fn all() -> impl Iterator<Item = Self> {
        TABLE.iter().map(|spec| spec.id)
    }

    /// The option of this name.
    pub fn by_name(name: &str) -> Option<Self> {
        TABLE.iter().find(|spec| spec.name == name).map(|spec| spec.id)
    }

    /// The option that has this name on the command line, with `_` for `-`, and another in requests.
    pub fn by_other_name(name: &str) -> Option<Self> {
        let is_called = |spec: &&OptionSpec| {
            spec.name != name && spec.command_name.is_some_and(|other| other.replace('-', "_") == name)
        };
        TABLE.iter().find(is_called).map(|spec| spec.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_stand_at_their_places_and_have_sound_defaults() {
        for (i, spec) in TABLE.iter().enumerate() {
            assert_eq!(spec.id as usize, i, "{}", spec.name);
            assert_eq!(OptionId::by_name(spec.name), Some(spec.id));
            assert!(!spec.help.is_empty() && !spec.help.ends_with('.'), "{}", spec.name);
            if let Default::Is(text) = spec.default {
                let mut options = Options::default();
                options.set_texts(spec.id, &[text]).unwrap_or_else(|wrong| panic!("{}: {wrong:?}", spec.name));
                let json = options.json(spec.id).expect("set");
                let mut again = Options::default();
                again.set_json(spec.id, &json).unwrap_or_else(|wrong| panic!("{}: {wrong:?}", spec.name));
                assert_eq!(again, options);
            }
        }
    }
}
