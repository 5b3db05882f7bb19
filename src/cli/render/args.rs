//! The options of commands that take pictures: those of the table, and those about files, folders, threads and programs
//! of this machine.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, value_parser};
use packshot::picture::FileKind;
use packshot::plan::value::Materials;
use packshot::plan::words::FileFormat;
use packshot::plan::{self, Base, Kind, Limits, Names, Options, PicturePlan};
use packshot_renderer::shot::lut::{self, Lut, LutInput};
use packshot_words::Word;

use super::denoise::{ChosenDenoiser, DenoiserArgs};
use super::design::DesignArgs;
use super::shot::OpenShot;
use super::target::is_folder;
use crate::cli::args::read_material_map;
use crate::cli::devices::ThreadArgs;
use crate::cli::failure::Failure;
use crate::cli::files::{self, InputKind};
use crate::cli::table::{CommandNames, FileNames, GivenOptions, PictureOptions};
use crate::cli::template::TemplateFile;

/// Arguments of `render`.
#[derive(Args, Debug)]
#[command(after_help = "Example: packshot render bearing.glb --material-map map.json -o bearing.png")]
pub(crate) struct RenderArgs {
    /// .glb files, or .gltf files with their buffers and textures in the same folder; `-` is stdin
    #[arg(value_name = "INPUT", required_unless_present_any = ["sample", "shot"])]
    pub(crate) inputs: Vec<PathBuf>,
    /// A built-in sample product (`packshot sample --list`)
    #[arg(long, value_name = "NAME")]
    pub(crate) sample: Vec<String>,
    /// Render exactly this shot file, which also names the product
    #[arg(long, value_name = "FILE", conflicts_with_all = ["inputs", "sample"])]
    pub(crate) shot: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) picture: PictureArgs,
}

/// What every command that takes pictures has.
#[derive(Args, Clone, Debug)]
pub(crate) struct PictureArgs {
    #[command(flatten)]
    pub(crate) options: PictureOptions,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    #[command(flatten)]
    pub(crate) design: DesignArgs,
    #[command(flatten)]
    pub(crate) denoiser: DenoiserArgs,
    #[command(flatten)]
    pub(crate) lut: LutArgs,
    #[command(flatten)]
    pub(crate) threads: ThreadArgs,
}

/// What is written.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Output")]
pub(crate) struct OutputArgs {
    /// One picture: a file, whose extension says the format (.png, .exr, .jpg, .webp, .avif, .tiff), or `-` for
    /// stdout; several: a folder `DIR/`; a turntable: a folder or a movie (.mp4, .webp, .apng). Without -o nothing is
    /// written
    #[arg(short, long = "output", value_name = "OUT")]
    pub(crate) output: Option<PathBuf>,
    /// Write the preflight report, with what was rendered, as JSON
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,
    /// Write a shot file, which renders the same picture again (`--shot`)
    #[arg(long, value_name = "FILE")]
    pub(crate) dump_shot: Option<PathBuf>,
    /// Print the result as JSON on stdout
    #[arg(long)]
    pub(crate) json: bool,
    /// Render the same picture N times in one process, for benchmarks (`packshot render`)
    #[arg(long, value_name = "N", allow_negative_numbers = true, default_value_t = 1, value_parser = value_parser!(u32).range(1..=10_000))]
    pub(crate) repeat: u32,
}

/// A lookup table beside the view transform.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Light")]
pub(crate) struct LutArgs {
    /// A lookup table (1D or 3D) that is applied after the view transform, or in its place (`--lut-input`)
    #[arg(long, value_name = "FILE.cube")]
    pub(crate) lut: Option<PathBuf>,
    /// What the table is applied to: display, the values after the view transform; or, in place of the view transform,
    /// linear, the linear values, or log2:MIN:MAX, their logarithm [default: display]
    #[arg(long, value_name = "WHAT", requires = "lut")]
    pub(crate) lut_input: Option<LutInput>,
}

/// The file of a lookup table.
#[derive(Clone, Debug)]
pub(crate) struct LutFile {
    pub(crate) path: PathBuf,
    pub(crate) bytes: Arc<[u8]>,
}

/// What a command line asks for, decided.
#[derive(Clone, Debug)]
pub(crate) struct Planned {
    /// What the pictures are to be.
    pub(crate) plan: PicturePlan,
    /// The files that options name.
    pub(crate) given: GivenOptions,
    /// The template in force.
    pub(crate) template: Option<TemplateFile>,
    /// With what noise is removed.
    pub(crate) denoiser: ChosenDenoiser,
}

impl RenderArgs {
    /// What its inputs are called, in the order in which they are rendered.
    pub(crate) fn input_names(&self) -> Vec<String> {
        let paths = self.shot.iter().chain(&self.inputs).map(|path| path.display().to_string());
        paths.chain(self.sample.iter().cloned()).collect()
    }

    /// Refuses one report for several products.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        let n_inputs = self.inputs.len() + self.sample.len();
        let OutputArgs { report, dump_shot, .. } = &self.picture.output;
        let one_file = [(report, "--report"), (dump_shot, "--dump-shot")];
        if let Some((_, option)) = one_file.iter().find(|(path, _)| n_inputs > 1 && path.is_some()) {
            let message = format!("`{option}` writes one file, and there are {n_inputs} inputs");
            return Err(Failure::usage("conflict", message, *option, "render one input at a time"));
        }
        Ok(())
    }
}

impl PictureArgs {
    /// Shot files know no designs: one is neither put on a shot's product nor written into a shot.
    fn check_design(&self, is_of_shot: bool) -> Result<(), Failure> {
        if self.design.design.is_none() {
            return Ok(());
        }
        let other = match (is_of_shot, &self.output.dump_shot) {
            (true, _) => "--shot",
            (false, Some(_)) => "--dump-shot",
            (false, None) => return self.design.request().map(|_| ()),
        };
        let message = format!("`--design` cannot be combined with `{other}`: shot files have no designs");
        let help = format!("leave out {other}, and keep the command line with the design's file");
        Err(Failure::usage("conflict", message, "--design", help))
    }

    /// Decides what a command makes of these files, or of a shot. Of a turntable every `stride`th frame is wanted.
    ///
    /// # Errors
    /// Everything that is wrong with the options; what is wrong with a template or a map that they name.
    pub(crate) fn plan(
        &self,
        kind: Kind,
        stride: u32,
        inputs: &[PathBuf],
        shot: Option<&OpenShot>,
    ) -> Result<Planned, Failure> {
        let mut given = self.options.read(kind)?;
        self.lut.check(&given.options)?;
        self.check_design(shot.is_some())?;
        if let Some(shot) = shot {
            given.options = shot.file.with_options(&given.options);
        }
        let template = given.template.as_deref().map(TemplateFile::read).transpose();
        let template = template.map_err(|failure| failure.at_option("--template"))?;
        if let Some(path) = &given.material_map {
            if files::is_stream(path) && inputs.iter().any(|input| files::is_stream(input)) {
                let message = "standard input can only be read once";
                return Err(Failure::usage("conflict", message, "--material-map -", "give one of them as a file"));
            }
            given.options.materials = Some(Materials { library: None, map: Some(read_material_map(path)?) });
        }
        if given.options.formats.as_ref().is_some_and(|formats| formats.contains(&FileFormat::Zip)) {
            let message = "a zip of pictures is made by the service alone";
            return Err(Failure::usage(
                "invalid_value",
                message,
                "--format",
                "write them into a folder, and pack that",
            ));
        }
        // Neither frames nor a movie go to standard output.
        let is_stream = self.output.output.as_deref().is_some_and(files::is_stream);
        let is_open = self.output.is_open() && !(is_stream && kind == Kind::Turntable);
        if let Some(output) = self.output.output.as_deref().filter(|_| !is_open) {
            name_format(output, kind, &mut given.options)?;
        }
        let base = Base {
            kind,
            template: template.as_ref().map(|file| Arc::new(file.template.clone())),
            has_environment: given.light.is_some(),
            makes_frames: is_open,
            stride,
        };
        let names: &dyn Names = if is_open { &CommandNames } else { &FileNames };
        let refused = |faults: Vec<plan::OptionFault>| Failure::from(plan::refused(&faults, names));
        let mut plan = plan::resolve(&base, &given.options, &Limits::default()).map_err(refused)?;
        if self.output.output.as_deref().is_some_and(files::is_stream) {
            if given.options.formats.as_ref().is_some_and(|formats| formats.len() > 1) {
                let message = "standard output takes one file, so it cannot have several formats";
                return Err(Failure::usage("conflict", message, "--format", "give one format, or write to a folder"));
            }
            plan.files.truncate(1);
        }
        let of_shot = shot.map(|shot| shot.file.noise);
        let denoiser = self.denoiser.choose(&plan, template.as_ref().map(|file| &file.template), of_shot)?;
        Ok(Planned { plan, given, template, denoiser })
    }
}

/// The format that a file's name says.
fn name_format(output: &Path, kind: Kind, options: &mut Options) -> Result<(), Failure> {
    if let Some(formats) = &options.formats {
        let folder = format!("write to a folder (`-o {}/`)", output.with_extension("").display());
        let (message, help) = match formats.len() {
            _ if files::is_stream(output) => {
                ("frames and movies do not go to standard output", "write to a folder: -o DIR/".to_owned())
            }
            0..=1 => {
                let help = format!("leave out --format, {folder} or to `-`");
                ("the name of one file says its format, so --format cannot say it too", help)
            }
            _ => ("one file cannot have several formats", folder),
        };
        return Err(Failure::usage("conflict", message, "--format", help));
    }
    let extension = output.extension().map(|extension| extension.to_string_lossy().to_ascii_lowercase());
    let extension = extension.as_deref().unwrap_or("");
    let format = FileFormat::by_word(extension).filter(|format| match kind {
        Kind::Turntable => matches!(format, FileFormat::Mp4 | FileFormat::WebP | FileFormat::Apng),
        Kind::Still | Kind::Views => FileKind::by_extension(extension).is_some(),
    });
    let Some(format) = format else { return Err(unknown_format(output, kind, extension)) };
    options.formats = Some(vec![format]);
    Ok(())
}

fn unknown_format(output: &Path, kind: Kind, extension: &str) -> Failure {
    let known = FileKind::ALL.map(|kind| kind.extensions()[0]).join(", ");
    let (message, help) = match (kind, extension) {
        (Kind::Turntable, _) => {
            let message = format!("{} is neither a folder nor a movie", output.display());
            (message, "give a folder (DIR/), or a .mp4, .webp or .apng".to_owned())
        }
        (_, "") => {
            let message = "the file's name has no extension, so the format is not known".to_owned();
            (message, format!("end the name in one of {known}"))
        }
        (_, extension) => (format!("`{extension}` is not a picture format"), format!("use one of {known}")),
    };
    Failure::usage("invalid_value", message, "-o", help)
}

impl LutArgs {
    /// A table that takes the place of the view transform leaves none to choose.
    fn check(&self, given: &Options) -> Result<(), Failure> {
        let replaces = self.lut_input.is_some_and(|input| input != LutInput::Display);
        if replaces && given.view_transform.is_some() {
            let message = "the lookup table takes the place of the view transform";
            let help = "leave out --view-transform, or use `--lut-input display`";
            return Err(Failure::usage("conflict", message, "--view-transform", help));
        }
        Ok(())
    }

    /// The lookup table, and its file.
    pub(crate) fn read(&self) -> Result<Option<(Arc<Lut>, LutFile)>, Failure> {
        let read = |path: &PathBuf| {
            let bytes = files::read(path, InputKind::Lut)?;
            let read = lut::read(&bytes, &path.display().to_string(), self.lut_input.unwrap_or_default());
            Ok((Arc::new(read.map_err(packshot::Error::from)?), LutFile { path: path.clone(), bytes: bytes.into() }))
        };
        self.lut.as_ref().map(read).transpose()
    }
}

impl OutputArgs {
    /// Whether no file's name says the format: a folder, standard output, or nothing is written.
    pub(crate) fn is_open(&self) -> bool {
        self.output.as_ref().is_none_or(|path| files::is_stream(path) || is_folder(path))
    }

    /// Fails where something is asked for that a command of many pictures does not have.
    pub(crate) fn require_one_of_each(&self, command: &str) -> Result<(), Failure> {
        let message = |option: &str| format!("`{option}` is for one picture, and `packshot {command}` makes several");
        if self.repeat != 1 {
            return Err(Failure::usage("conflict", message("--repeat"), "--repeat", "use `packshot render --repeat`"));
        }
        Ok(())
    }
}
