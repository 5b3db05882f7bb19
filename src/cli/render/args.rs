//! The options of `packshot render`.

use std::num::NonZeroU16;
use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, value_parser};
use packshot::picture::Aov;
use packshot::preset::{self, Preset};
use packshot::template::{OutputTemplate, Template};
use packshot_renderer::look::Look;
use packshot_renderer::shot::document::FilmOverrides;
use packshot_renderer::shot::framing::Fit;
use packshot_renderer::shot::ground::Ground;
use packshot_renderer::shot::lut::{self, Lut, LutInput};
use packshot_renderer::shot::request::{Framing, LightChoice, ShotRequest};
use packshot_renderer::shot::{Background, Bounces, Film, MAX_PIXELS, PixelFilter, View, ViewTransform};

use super::denoise::DenoiseArgs;
use super::framing::{DirectionArgs, LensArgs};
use super::ground::GroundArgs;
use super::lines::LineArgs;
use super::target::{formats, is_folder};

use crate::cli::args::{MaterialArgs, SceneArgs};
use crate::cli::devices::DeviceArgs;
use crate::cli::failure::Failure;
use crate::cli::files::{self, InputKind};
use crate::cli::options::{ExrWord, FilterWord, LightOption, ViewTransformWord, number, positive};
use crate::cli::template::TemplateFile;

/// What a shot fixes: beside `--shot`, these are contradictions.
const FIXED_BY_SHOT: [&str; 40] = [
    "inputs",
    "sample",
    "preset",
    "template",
    "max_bounces",
    "clamp_indirect",
    "filter",
    "view",
    "azimuth_deg",
    "elevation_deg",
    "camera",
    "fill",
    "margin_px",
    "trim",
    "crop_to",
    "lens_mm",
    "ortho",
    "dof",
    "focus",
    "light",
    "light_rotation_deg",
    "background",
    "ground",
    "shadow_catcher",
    "ground_color",
    "ground_roughness",
    "view_transform",
    "exposure_ev",
    "up_axis",
    "unit_scale",
    "variant",
    "animation",
    "time_s",
    "only",
    "hide",
    "material_map",
    "material",
    "clay",
    "library",
    "on_unmapped",
];

/// Arguments of `render`.
#[derive(Args, Debug)]
#[command(after_help = "Example: packshot render bearing.glb --material-map map.json -o bearing.png")]
pub(crate) struct RenderArgs {
    /// GLB files, or glTF files with embedded data; `-` is stdin
    #[arg(value_name = "INPUT", required_unless_present_any = ["sample", "shot"])]
    pub(crate) inputs: Vec<PathBuf>,
    /// A built-in sample product (`packshot sample --list`)
    #[arg(long, value_name = "NAME")]
    pub(crate) sample: Vec<String>,
    /// Render exactly this shot; it names the product
    #[arg(long, value_name = "FILE", conflicts_with_all = FIXED_BY_SHOT)]
    pub(crate) shot: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) direction: DirectionArgs,
    #[command(flatten)]
    pub(crate) picture: PictureArgs,
}

/// What every command that takes pictures has.
#[derive(Args, Clone, Debug)]
pub(crate) struct PictureArgs {
    /// Settings for a purpose, and a check of its rules: amazon_main, amazon_360, google or autocare
    #[arg(long, value_name = "NAME", value_parser = preset_of_name)]
    pub(crate) preset: Option<&'static Preset>,
    /// How the picture is taken, where no option and no preset says it: a built-in template (`packshot template list`) or a .toml file
    #[arg(long, value_name = "NAME|FILE")]
    pub(crate) template: Option<PathBuf>,
    #[arg(skip)]
    pub(crate) template_in_force: Option<TemplateFile>,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    #[command(flatten)]
    pub(crate) film: FilmArgs,
    #[command(flatten)]
    pub(crate) denoise: DenoiseArgs,
    #[command(flatten)]
    pub(crate) lens: LensArgs,
    #[command(flatten)]
    pub(crate) look: LookArgs,
    #[command(flatten)]
    pub(crate) ground: GroundArgs,
    #[command(flatten)]
    pub(crate) lines: LineArgs,
    #[command(flatten)]
    pub(crate) scene: SceneArgs,
    #[command(flatten)]
    pub(crate) materials: MaterialArgs,
    #[command(flatten)]
    pub(crate) device: DeviceArgs,
}

/// What is written.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Output")]
pub(crate) struct OutputArgs {
    /// One picture: a file by its extension (.png, .exr, .jpg, .webp, .avif, .tiff) or `-` for stdout; several: a folder `DIR/`; of a turntable also a film (.mp4, .webp, .apng). Without it nothing is written
    #[arg(short, long = "output", value_name = "OUT")]
    pub(crate) output: Option<PathBuf>,
    /// The format where no extension says it: in a folder and on stdout [default: png]
    #[arg(long, value_name = "png|exr|jpg|webp|avif|tiff")]
    pub(crate) format: Option<String>,
    /// Bits per channel: 8 or 16 of a PNG, 8 or 10 of an AVIF, 8, 16 or (scene-linear) 32 of a TIFF [default: 8; of an AVIF 10]
    #[arg(long, value_name = "N", value_parser = ["8", "10", "16", "32"])]
    pub(crate) bit_depth: Option<String>,
    /// How near a JPEG, WebP or AVIF comes to its pixels, 1 to 100 [default: 90; a WebP is lossless without]
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = value_parser!(u8).range(1..=100))]
    pub(crate) quality: Option<u8>,
    /// Pixels per inch at which the picture is meant to be printed
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = dpi)]
    pub(crate) dpi: Option<NonZeroU16>,
    /// Precision of an EXR [default: half]
    #[arg(long, value_name = "half|float", value_enum)]
    pub(crate) exr: Option<ExrWord>,
    #[arg(skip)]
    pub(crate) of_template: Vec<OutputTemplate>,
    /// More layers of an EXR: albedo, normal, depth, position, uv, emission, shadow, object_id, part_id, material_id, edges, wireframe, light_groups, samples, variance
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub(crate) aov: Vec<String>,
    /// Write the preflight report, with what was rendered, as JSON
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,
    /// Write the shot in effect; of one picture (`packshot render`)
    #[arg(long, value_name = "FILE")]
    pub(crate) dump_shot: Option<PathBuf>,
    /// Print the result as JSON on stdout
    #[arg(long)]
    pub(crate) json: bool,
    /// Render the same picture N times in one process, for benchmarks (`packshot render`)
    #[arg(long, value_name = "N", allow_negative_numbers = true, default_value_t = 1, value_parser = value_parser!(u32).range(1..=10_000))]
    pub(crate) repeat: u32,
}

/// Size and sampling.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Film")]
pub(crate) struct FilmArgs {
    /// Pixels, 1 to 16384 [default: 1024]
    #[arg(long, value_name = "PX", allow_negative_numbers = true, value_parser = value_parser!(u32).range(1..=16384))]
    pub(crate) width: Option<u32>,
    /// Pixels, 1 to 16384 [default: 1024]
    #[arg(long, value_name = "PX", allow_negative_numbers = true, value_parser = value_parser!(u32).range(1..=16384))]
    pub(crate) height: Option<u32>,
    /// Samples per pixel, at most [default: 256]
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = value_parser!(u32).range(1..=16_777_216))]
    pub(crate) samples: Option<u32>,
    /// Stop sampling a pixel at this noise; 0: every pixel gets all samples [default: 0.01]
    #[arg(long, value_name = "T", allow_negative_numbers = true, value_parser = number(0.0, 1.0))]
    pub(crate) noise: Option<f64>,
    /// Stop after so many seconds of sampling with what is there
    #[arg(long, value_name = "S", allow_negative_numbers = true, value_parser = positive(1e9))]
    pub(crate) max_time: Option<f64>,
    /// Same seed, same picture [default: 0]
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = value_parser!(u32).range(0..=0x7fff_ffff))]
    pub(crate) seed: Option<u32>,
    /// Scattering events from which a path goes on, at most [default: 12; in the look of Blender 4 of them diffuse and 4 glossy]
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = value_parser!(u32).range(0..=1024))]
    pub(crate) max_bounces: Option<u32>,
    /// Limit on what one path brings by indirect light; 0: none [default: 0; in the look of Blender 10]
    #[arg(long, value_name = "X", allow_negative_numbers = true, value_parser = number(0.0, f64::from(f32::MAX)))]
    pub(crate) clamp_indirect: Option<f64>,
    /// The pixel filter [default: blackman_harris]
    #[arg(long, value_name = "NAME", value_enum)]
    pub(crate) filter: Option<FilterWord>,
}

/// Light, background and view.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Light")]
pub(crate) struct LookArgs {
    /// studio_soft, studio_contrast, three_point, white; an equirectangular .hdr or .exr; or glb: the file's lights [default: studio_soft]
    #[arg(long, value_name = "NAME|FILE")]
    pub(crate) light: Option<LightOption>,
    /// Turns the light about +Y [default: 0]
    #[arg(long, value_name = "A", allow_negative_numbers = true, value_parser = number(-1e6, 1e6))]
    pub(crate) light_rotation_deg: Option<f64>,
    /// transparent, white, #RRGGBB or environment [default: transparent]
    #[arg(long, value_name = "WHAT")]
    pub(crate) background: Option<Background>,
    /// How radiance becomes display values [default: agx]
    #[arg(long, value_name = "NAME", value_enum)]
    pub(crate) view_transform: Option<ViewTransformWord>,
    /// Brightens (or darkens) by this many stops [default: 0]
    #[arg(long, value_name = "EV", allow_negative_numbers = true, value_parser = number(-32.0, 32.0))]
    pub(crate) exposure_ev: Option<f64>,
    /// Show the form alone: every part wears one light grey material
    #[arg(long, conflicts_with_all = ["material_map", "material"])]
    pub(crate) clay: bool,
    /// A lookup table, of one or three dimensions, that changes or makes display values
    #[arg(long, value_name = "FILE.cube")]
    pub(crate) lut: Option<PathBuf>,
    /// What the table is made for: display values after the view transform; or, in its place, linear, or log2:MIN:MAX [default: display]
    #[arg(long, value_name = "WHAT", requires = "lut")]
    pub(crate) lut_input: Option<LutInput>,
}

fn dpi(text: &str) -> Result<NonZeroU16, String> {
    text.parse().map_err(|_| format!("expected a whole number from 1 to {}", u16::MAX))
}

fn preset_of_name(name: &str) -> Result<&'static Preset, String> {
    let names = preset::PRESETS.iter().map(|preset| preset.name).collect::<Vec<_>>().join(", ");
    Preset::by_name(name).ok_or_else(|| format!("expected one of {names}"))
}

impl RenderArgs {
    /// What the types of the options cannot say.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        self.picture.check(self.inputs.len() + self.sample.len(), self.shot.is_some())
    }

    /// Where the picture is taken from.
    pub(crate) fn framing(&self) -> Framing {
        let preset = self.picture.preset;
        let fit = self.picture.fit(preset.map(|preset| preset.fit));
        self.direction.framing(&self.picture.lens, preset, fit, self.picture.template())
    }
}

impl PictureArgs {
    /// What the types of the options cannot say.
    pub(crate) fn check(&self, n_inputs: usize, has_shot: bool) -> Result<(), Failure> {
        let has_dof = self.lens.depth_of_field(self.template()).is_some();
        if self.lens.focus.is_some() && !has_dof {
            let help = "add `--dof F`, the f-number of the lens";
            return Err(Failure::usage("missing", "`--focus` needs depth of field", "--focus", help));
        }
        // The parser waives `requires` beside options that conflict with what is required.
        if self.lens.trim && self.lens.margin_px.is_none() {
            let message = "`--trim` needs to know the margin that it shall leave";
            return Err(Failure::usage("missing", message, "--trim", "add `--margin-px PX`"));
        }
        let film = self.film();
        if !has_shot && u64::from(film.width_px) * u64::from(film.height_px) > MAX_PIXELS {
            let message = format!("{} x {} pixels are more than {MAX_PIXELS}", film.width_px, film.height_px);
            return Err(Failure::usage("invalid_value", message, "--width --height", "choose a smaller picture"));
        }
        self.look.check()?;
        self.denoise.check(self.template())?;
        self.ground()?;
        self.lines.check(formats(&self.output()).first().copied(), &self.output.aovs()?, self.look.background)?;
        let one_file = [(&self.output.report, "--report"), (&self.output.dump_shot, "--dump-shot")];
        if let Some((_, option)) = one_file.iter().find(|(path, _)| n_inputs > 1 && path.is_some()) {
            let message = format!("`{option}` writes one file, and there are {n_inputs} inputs");
            return Err(Failure::usage("conflict", message, *option, "render one input at a time"));
        }
        Ok(())
    }

    /// The request, with where it is taken from and the light that was read.
    ///
    /// # Errors
    /// Options of the ground that do not go together.
    pub(crate) fn shot_request(&self, framing: Framing, light: LightChoice) -> Result<ShotRequest, Failure> {
        let defaults = self.defaults();
        let background = if self.preset.is_some() { preset::WHITE } else { defaults.background };
        Ok(ShotRequest {
            film: self.film(),
            framing,
            depth_of_field: self.lens.depth_of_field(self.template()),
            ground: self.ground()?,
            light,
            light_rotation_deg: self.look.light_rotation_deg.unwrap_or(defaults.light_rotation_deg),
            background: self.look.background.unwrap_or(background),
            view: View {
                transform: self.look.view_transform.map_or(defaults.view.transform, ViewTransform::from),
                exposure_ev: self.look.exposure_ev.map_or(defaults.view.exposure_ev, |ev| ev as f32),
            },
            ..ShotRequest::default()
        })
    }

    /// What the product stands on: nothing where a preset wants it alone and no option says otherwise.
    fn ground(&self) -> Result<Option<Ground>, Failure> {
        self.ground.ground(self.defaults().ground.filter(|_| self.preset.is_none()))
    }

    /// What counts where no option says otherwise: the template over the defaults of the look.
    pub(crate) fn defaults(&self) -> ShotRequest {
        let mut request = ShotRequest::default();
        request.film = Look::from(self.scene.look).film(request.film);
        if let Some(template) = self.template() {
            template.apply(&mut request);
        }
        request
    }

    /// Reads what `--template` names.
    pub(crate) fn read_template(&mut self) -> Result<(), Failure> {
        let template = self.template.as_deref().map(TemplateFile::read).transpose();
        self.template_in_force = template.map_err(|failure| failure.at_option("--template"))?;
        Ok(())
    }

    /// The template in force.
    pub(crate) fn template(&self) -> Option<&Template> {
        self.template_in_force.as_ref().map(|file| &file.template)
    }

    /// How much of the picture the product takes, where no option says it: the preset's wish, or the template's.
    pub(crate) fn fit(&self, of_preset: Option<Fit>) -> Option<Fit> {
        of_preset.or_else(|| self.template().and_then(|template| template.camera.fit))
    }

    /// Where pictures go: where nothing says the format, in the first that the preset accepts.
    pub(crate) fn output(&self) -> OutputArgs {
        let mut output = self.output.clone();
        // A preset says which formats it accepts.
        if let Some(template) = self.template().filter(|_| self.preset.is_none()) {
            output.of_template.clone_from(&template.outputs);
        }
        let is_open = output.output.as_ref().is_some_and(|path| files::is_stream(path) || is_folder(path));
        if let Some(preset) = self.preset.filter(|_| is_open) {
            output.format.get_or_insert_with(|| preset.extensions[0].to_owned());
        }
        output
    }

    /// The film that is asked for: in a preset's size where none is given.
    fn film(&self) -> Film {
        let [width_px, height_px] = match self.preset {
            Some(preset) => preset.size_px.map(Some),
            None => [None; 2],
        };
        let sized = FilmArgs {
            width: self.film.width.or(width_px),
            height: self.film.height.or(height_px),
            ..self.film.clone()
        };
        sized.film(self.defaults().film)
    }
}

impl LookArgs {
    /// A table that takes the place of the view transform leaves none to choose.
    fn check(&self) -> Result<(), Failure> {
        let replaces = self.lut_input.is_some_and(|input| input != LutInput::Display);
        if replaces && self.view_transform.is_some() {
            let message = "the lookup table takes the place of the view transform";
            return Err(Failure::usage(
                "conflict",
                message,
                "--view-transform",
                "leave it out, or `--lut-input display`",
            ));
        }
        Ok(())
    }

    /// The lookup table, read.
    pub(crate) fn lut(&self) -> Result<Option<Arc<Lut>>, Failure> {
        let read = |path: &PathBuf| {
            let bytes = files::read(path, InputKind::Lut)?;
            let read = lut::read(&bytes, &path.display().to_string(), self.lut_input.unwrap_or_default());
            Ok(Arc::new(read.map_err(packshot::Error::from)?))
        };
        self.lut.as_ref().map(read).transpose()
    }
}

impl OutputArgs {
    /// The layers that are asked for.
    pub(crate) fn aovs(&self) -> Result<Vec<Aov>, Failure> {
        let named = |name: &String| {
            if let Some((_, aov)) = Aov::NAMES.iter().find(|(known, _)| known == name) {
                return Ok(*aov);
            }
            let message = format!("`{name}` is no layer of pictures");
            let known: Vec<&str> = Aov::NAMES.iter().map(|(name, _)| *name).collect();
            let help = format!("some of these with commas between: {}", known.join(", "));
            Err(Failure::usage("invalid_value", message, "--aov", help))
        };
        self.aov.iter().map(named).collect()
    }

    /// Fails where something is asked for that a command of many pictures does not have.
    pub(crate) fn require_one_of_each(&self, command: &str) -> Result<(), Failure> {
        let message = |option: &str| format!("`packshot {command}` takes no `{option}`: it is about one picture");
        if self.dump_shot.is_some() {
            let help = "use `packshot render --dump-shot` for one of the pictures";
            return Err(Failure::usage("conflict", message("--dump-shot"), "--dump-shot", help));
        }
        if self.repeat != 1 {
            return Err(Failure::usage("conflict", message("--repeat"), "--repeat", "use `packshot render --repeat`"));
        }
        Ok(())
    }
}

impl FilmArgs {
    /// What wins over the members of a shot.
    pub(crate) fn overrides(&self, denoise: &DenoiseArgs) -> FilmOverrides {
        FilmOverrides {
            width_px: self.width,
            height_px: self.height,
            samples: self.samples,
            noise_threshold: self.noise.map(|noise| noise as f32),
            seed: self.seed,
            denoise: denoise.of_shot(),
        }
    }

    /// What is asked for; the rest is the default's.
    fn film(&self, default: Film) -> Film {
        let filter = self.filter.map(|word| match word {
            FilterWord::Box => PixelFilter::Box,
            FilterWord::BlackmanHarris => PixelFilter::BlackmanHarris { half_width_px: 1.5 },
        });
        Film {
            width_px: self.width.unwrap_or(default.width_px),
            height_px: self.height.unwrap_or(default.height_px),
            samples: self.samples.unwrap_or(default.samples),
            noise_threshold: self.noise.map_or(default.noise_threshold, |noise| noise as f32),
            seed: self.seed.unwrap_or(default.seed),
            filter: filter.unwrap_or(default.filter),
            bounces: self.max_bounces.map_or(default.bounces, Bounces::all),
            clamp_indirect: self.clamp_indirect.map_or(default.clamp_indirect, |limit| limit as f32),
            ..default
        }
    }
}
