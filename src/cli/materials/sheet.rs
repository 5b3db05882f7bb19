//! `packshot materials sheet`: what materials look like, on one picture.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use clap::{Args, value_parser};
use packshot::error::Fault;
use packshot_pipeline::memory::MemoryNeed;
use packshot_pipeline::plan::words::Light;
use packshot_pipeline::sheet::{SheetSettings, Swatch, sheet};
use packshot_renderer::backend::{Progress, RenderControl};
use packshot_renderer::encode::{Metadata, PngDepth, png};
use packshot_renderer::shot::ViewTransform;
use packshot_words::Word;
use serde::Serialize;

use crate::cli::args::libraries;
use crate::cli::devices::ThreadArgs;
use crate::cli::failure::{Exit, Failure};
use crate::cli::interrupt::Interrupt;
use crate::cli::progress::RenderBar;
use crate::cli::{console, files};

/// Memory for a pixel of a sheet: of its swatch, of the page, and of the file.
const PIXEL_BYTES: u64 = 16 + 16 + 8;
/// Most materials of a sheet.
const MATERIALS_MAX: usize = 1000;

/// Arguments of `materials sheet`.
#[derive(Args, Debug)]
#[command(after_help = "Example: packshot materials sheet --query steel -o steels.png")]
pub(crate) struct SheetArgs {
    /// The picture to write, a PNG; `-` is stdout
    #[arg(short, long, value_name = "OUT.png")]
    output: PathBuf,
    /// Only materials whose id, code, name or alias contains this text
    #[arg(long = "query", value_name = "TEXT", default_value = "")]
    text: String,
    /// A folder with a material library on top of the built-in one; of several, later ones win
    #[arg(long, value_name = "DIR")]
    library: Vec<PathBuf>,
    /// Swatches in a row
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = value_parser!(u32).range(1..=64))]
    columns: u32,
    /// Width and height of a swatch in pixels
    #[arg(long, value_name = "PX", default_value_t = 224, value_parser = value_parser!(u32).range(32..=1024))]
    size: u32,
    /// Samples per pixel, at most
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = value_parser!(u32).range(1..=65_536))]
    samples: u32,
    /// What lights the swatches
    #[arg(long, value_name = "WHICH", default_value = Light::StudioSoft.word(), value_parser = light)]
    light: Light,
    /// How rendered light becomes colours on a display
    #[arg(long, value_name = "NAME", default_value = ViewTransform::default().word(), value_parser = view_transform)]
    view_transform: ViewTransform,
    /// The device to render on: cpu, gpu, auto, or the name of an adapter
    #[arg(long, value_name = "WHICH", env = "PACKSHOT_DEVICE")]
    device: Option<String>,
    #[command(flatten)]
    threads: ThreadArgs,
    /// Print JSON: where each material is, and the median of its picture's colours
    #[arg(long)]
    json: bool,
}

/// Rigs that need nothing of a file.
fn light(text: &str) -> Result<Light, String> {
    let rigs = [Light::StudioSoft, Light::StudioContrast, Light::ThreePoint, Light::White];
    rigs.into_iter()
        .find(|light| light.word() == text)
        .ok_or_else(|| format!("expected one of {}", rigs.map(Word::word).join(", ")))
}

fn view_transform(text: &str) -> Result<ViewTransform, String> {
    ViewTransform::by_word(text).ok_or_else(|| format!("expected one of {}", ViewTransform::list()))
}

/// What `materials sheet --json` prints.
#[derive(Serialize)]
struct SheetResult<'a> {
    output: String,
    width: u32,
    height: u32,
    columns: u32,
    seconds: f64,
    view_transform: &'static str,
    swatches: Vec<SwatchResult<'a>>,
}

#[derive(Serialize)]
struct SwatchResult<'a> {
    id: &'a str,
    /// Counted from 0.
    column: usize,
    row: usize,
    /// The median of each channel over the part, 0 to 255.
    median_srgb: [u8; 3],
    /// Of the median, as in HSV.
    saturation: f64,
}

pub(super) fn run(args: &SheetArgs, is_quiet: bool) -> Result<(), Failure> {
    let begun = Instant::now();
    args.threads.use_threads()?;
    let (library, diagnostics) = libraries(&args.library)?;
    console::print_findings(&diagnostics);
    let materials: Vec<_> = library.search(&args.text).collect();
    if materials.is_empty() {
        let (message, help) = super::none_contains(&library, &args.text);
        let fault = Fault::new("library.unknown_material", message);
        return Err(Failure::new(Exit::Input, fault.at("--query").help(help)));
    }
    if materials.len() > MATERIALS_MAX {
        let message =
            format!("{} materials are too many for a sheet, which has room for {MATERIALS_MAX}", materials.len());
        return Err(Failure::usage(
            "invalid_value",
            message,
            "--query",
            "choose some of them by a text in their names",
        ));
    }
    if files::is_stream(&args.output) {
        if args.json {
            let message = "the picture and the JSON cannot both go to standard output";
            return Err(Failure::usage("conflict", message, "-o -", "write the picture to a file"));
        }
    } else if !args.output.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("png")) {
        let message = format!("a sheet is a PNG file, and {} does not end in .png", args.output.display());
        let help = "end the name in .png, or give `-` for standard output";
        return Err(Failure::usage("invalid_value", message, "-o", help));
    } else {
        files::check_writable(&args.output)?;
    }
    let n_pixels = u64::from(args.size).pow(2) * materials.len() as u64;
    args.threads.check_memory(MemoryNeed {
        scene_bytes: 0,
        pictures_bytes: n_pixels * PIXEL_BYTES,
        device_film_bytes: 0,
    })?;
    let interrupt = Interrupt::install()?;
    let renderer = args.threads.renderer(args.device.as_deref(), None)?;
    let settings = SheetSettings {
        swatch_px: args.size,
        samples: args.samples,
        light: args.light,
        view_transform: args.view_transform,
    };
    let bar = RenderBar::new("sheet", n_pixels, is_quiet || args.json);
    let mut swatches = Vec::with_capacity(materials.len());
    // Camera paths of the swatches so far, and of the one that is being rendered.
    let (mut n_paths, taken) = (0, AtomicU64::new(0));
    for (i, material) in materials.iter().enumerate() {
        let show = |progress: Progress| {
            let n = materials.len();
            bar.show(Progress {
                samples: i as u32 + 1,
                samples_max: n as u32,
                done: (i as f32 + progress.done) / n as f32,
                paths: n_paths + progress.paths,
                elapsed: begun.elapsed(),
            });
            taken.store(progress.paths, Ordering::Relaxed);
        };
        let control = RenderControl { progress: &show, ..RenderControl::new(&interrupt.cancel) };
        swatches.push(Swatch::render(&renderer, &library, material, &settings, &control)?);
        n_paths += taken.swap(0, Ordering::Relaxed);
    }
    drop(bar);
    let picture = sheet(&swatches, args.columns as usize);
    let bytes = png(&picture, PngDepth::Eight, &Metadata::default()).map_err(packshot::Error::from)?;
    files::write(&args.output, &bytes, &interrupt)?;
    let columns = (args.columns as usize).min(swatches.len());
    let placed = materials.iter().zip(&swatches).enumerate().map(|(i, (material, swatch))| SwatchResult {
        id: &material.id,
        column: i % columns,
        row: i / columns,
        median_srgb: swatch.median_srgb,
        saturation: swatch.saturation(),
    });
    let result = SheetResult {
        output: args.output.display().to_string(),
        width: picture.width_px,
        height: picture.height_px,
        columns: columns as u32,
        seconds: begun.elapsed().as_secs_f64(),
        view_transform: args.view_transform.word(),
        swatches: placed.collect(),
    };
    if args.json {
        return files::print_json(&result);
    }
    if files::is_stream(&args.output) {
        return Ok(());
    }
    let materials = if swatches.len() == 1 { "material" } else { "materials" };
    let line = format!(
        "{}: {} {materials}, {} x {} px, {:.1} s on {}\n",
        result.output,
        swatches.len(),
        result.width,
        result.height,
        result.seconds,
        renderer.device().name
    );
    files::print(line.as_bytes())
}
