//! `packshot bench`: how fast pictures are rendered, beside other renderers.

use std::path::{Path, PathBuf};

use clap::{Args, FromArgMatches, value_parser};
use packshot::error::Fault;
use packshot::plan::Kind;
use packshot::{DeviceRequest, Renderer, RendererOptions};
use packshot_bench::renderer::Peer;
use packshot_bench::settings::ErrorSettings;
use packshot_bench::subject::NOT_WRITTEN;
use packshot_bench::{Level, Report, Settings, Watch};
use packshot_pipeline::pictures::Pictures;
use packshot_pipeline::shot_file::Noise;
use packshot_words::Word;

use super::args::Input;
use super::failure::{Exit, Failure};
use super::interrupt::Interrupt;
use super::places::Places;
use super::render::RenderArgs;
use super::render::dump::{DumpSettings, dump};
use super::render::source::Common;
use super::usage::option_or_variable;
use super::{console, files};

/// Arguments of `bench`.
#[derive(Args, Debug)]
#[command(after_help = "Example: packshot bench --sample bearing --peers -o bench/")]
pub(crate) struct BenchArgs {
    /// .glb files, each in the shot that `packshot render` takes of it
    #[arg(value_name = "INPUT", required_unless_present_any = ["sample", "shot"])]
    inputs: Vec<PathBuf>,
    /// A built-in sample product (`packshot sample --list`)
    #[arg(long, value_name = "NAME")]
    sample: Vec<String>,
    /// A shot file of one picture; may be repeated
    #[arg(long, value_name = "FILE")]
    shot: Vec<PathBuf>,
    /// What is compared: rays, samples, error, request, turntable, scaling
    #[arg(long, value_name = "LEVELS", value_delimiter = ',', default_value = "samples,request", value_parser = level)]
    level: Vec<Level>,
    /// Compare with Cycles, Mitsuba and LuxCore, where installed; or with those named
    #[arg(long, value_name = "PEERS", value_delimiter = ',', num_args = 0..=1, require_equals = true, default_missing_value = "cycles,mitsuba,luxcore", value_parser = peer)]
    peers: Vec<Peer>,
    /// The Python that the peers are installed for
    #[arg(long, value_name = "PROGRAM", default_value = "python3", env = "PACKSHOT_PEERS_PYTHON")]
    python: PathBuf,
    /// Interleaved rounds
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = value_parser!(u32).range(1..=100))]
    rounds: u32,
    /// Width and height of pictures in pixels [default: as the shot says; 512 for files and samples]
    #[arg(long, value_name = "PX", value_parser = value_parser!(u32).range(8..=8192))]
    size: Option<u32>,
    /// Samples per pixel [default: as the shot says; 64 for files and samples]
    #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(1..=65_536))]
    samples: Option<u32>,
    /// Threads of each renderer [default: all]
    #[arg(long, value_name = "N", value_parser = value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    /// The device that Packshot renders on: cpu, gpu, auto, or the name of an adapter
    #[arg(long, value_name = "WHICH", default_value = "cpu", env = "PACKSHOT_DEVICE")]
    device: String,
    /// Frames of a turntable
    #[arg(long, value_name = "N", default_value_t = 72, value_parser = value_parser!(u32).range(1..=3600))]
    frames: u32,
    /// The error that `error` measures the time to
    #[arg(long, value_name = "E", default_value_t = 1e-3, value_parser = fraction)]
    rel_mse: f64,
    /// Width and height in pixels of the pictures of `error`
    #[arg(long, value_name = "PX", default_value_t = 128, value_parser = value_parser!(u32).range(8..=4096))]
    error_size: u32,
    /// Samples per pixel of the converged pictures of `error`
    #[arg(long, value_name = "N", default_value_t = 4096, value_parser = value_parser!(u32).range(2..=1_048_576))]
    reference_samples: u32,
    /// Most triangles of `scaling`
    #[arg(long, value_name = "N", default_value_t = 1_000_000, value_parser = value_parser!(u64).range(1000..=100_000_000))]
    triangles_max: u64,
    /// Repeat runs during which other processes take more than this fraction of the machine
    #[arg(long, value_name = "F", default_value_t = 0.05, value_parser = fraction)]
    max_foreign_load: f64,
    /// Seconds after which a single run is stopped
    #[arg(long, value_name = "S", default_value_t = 1800, value_parser = value_parser!(u64).range(1..=86_400))]
    run_limit_s: u64,
    /// Write figures.json, figures.md and, with `scaling`, scaling.svg into this folder
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
    /// Print the figures as JSON instead of tables
    #[arg(long)]
    json: bool,
}

/// Pixels and samples of files and samples.
const SIDE_PX: u32 = 512;
const SAMPLES: u32 = 64;

fn level(text: &str) -> Result<Level, String> {
    Level::by_word(text).ok_or_else(|| format!("expected some of {}", Level::list()))
}

fn peer(text: &str) -> Result<Peer, String> {
    Peer::by_word(text).ok_or_else(|| format!("expected some of {}", Peer::list()))
}

/// Above 0, at most 1.
fn fraction(text: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().ok().filter(|number| *number > 0.0 && *number <= 1.0);
    number.ok_or_else(|| "expected a number above 0, at most 1".to_owned())
}

pub(crate) fn run(args: &BenchArgs, is_quiet: bool) -> Result<(), Failure> {
    let interrupt = Interrupt::install()?;
    if let Some(folder) = &args.output {
        files::make_folder(folder)?;
    }
    let temporary = tempfile::Builder::new().prefix("packshot-bench-shots-").tempdir();
    let temporary = temporary.map_err(|reason| files::not_written("the folder for temporary files", &reason))?;
    let inputs = Input::list(&args.inputs, &args.sample)?;
    let mut shots = args.shot.clone();
    for (i, input) in inputs.iter().enumerate() {
        let folder = temporary.path().join(i.to_string());
        files::make_folder(&folder)?;
        let path = folder.join(format!("{}.json", input.stem()));
        take_shot(input, &path, &interrupt).map_err(|failure| input.failed(failure))?;
        shots.push(path);
    }
    let settings = settings(args, shots)?;
    // A device that is not there is told before anything is measured.
    Renderer::new(&DeviceRequest::from(args.device.as_str()), RendererOptions::default())
        .map_err(|error| Failure::from(error).at_option(option_or_variable("--device", "PACKSHOT_DEVICE")))?;
    let tell = |line: &str| {
        if !is_quiet {
            console::note(line);
        }
    };
    let report = packshot_bench::run(&settings, &Watch { tell: &tell, cancel: &interrupt.cancel });
    let report = report.map_err(|error| match error.code() == NOT_WRITTEN {
        true => Failure { exit: Exit::Output, ..Failure::from(error) },
        false => Failure::from(error),
    })?;
    write(args, &report, &interrupt)?;
    report.own_figures().map_err(|(shot, reason)| {
        let fault = Fault::new("bench.failed", format!("Packshot has no figures for {shot}: {reason}"));
        Failure::new(Exit::Internal, fault.help("render it with `packshot render`, which says more"))
    })
}

/// Writes the shot that `packshot render` takes of an input.
fn take_shot(input: &Input, path: &Path, interrupt: &Interrupt) -> Result<(), Failure> {
    let side_px = SIDE_PX.to_string();
    let words = ["bench", "-", "--noise", "0", "--denoise", "off", "--width", &side_px, "--height", &side_px];
    let command = RenderArgs::augment_args(clap::Command::new("bench"));
    let matches = command.try_get_matches_from(words.into_iter().chain(["--samples", &SAMPLES.to_string()]));
    let args = matches.and_then(|matches| RenderArgs::from_arg_matches(&matches));
    let args = args.map_err(|error| Failure::new(Exit::Internal, Fault::new("internal", error.to_string())))?;
    let planned = args.picture.plan(Kind::Still, 1, &[], None)?;
    let common = Common::read(&args.picture, &planned)?;
    let mut subject = common.subject(input, &interrupt.cancel)?;
    let shot = common.shot(&mut subject)?;
    let settings = DumpSettings { noise: Noise::default(), lines: None };
    let pictures = Pictures::Still(Box::new(shot));
    dump(path, &subject, &pictures, &settings, (&mut Places::default(), interrupt))
}

fn settings(args: &BenchArgs, shots: Vec<PathBuf>) -> Result<Settings, Failure> {
    let program = std::env::current_exe().map_err(|reason| {
        let message = format!("the program cannot find its own file: {reason}");
        Failure::new(Exit::Internal, Fault::new("internal", message))
    })?;
    let of_shots = Settings::of_shots(shots);
    Ok(Settings {
        program,
        python: args.python.clone(),
        peers: args.peers.clone(),
        levels: args.level.clone(),
        rounds: args.rounds,
        threads: args.threads.unwrap_or(of_shots.threads),
        device: Some(args.device.clone()),
        size_px: args.size,
        samples: args.samples,
        error: ErrorSettings {
            rel_mse: args.rel_mse,
            size_px: args.error_size,
            reference_samples: args.reference_samples,
            ..ErrorSettings::default()
        },
        frames: args.frames,
        triangles_max: args.triangles_max,
        max_foreign_load: args.max_foreign_load,
        run_limit_s: args.run_limit_s,
        ..of_shots
    })
}

/// Prints the figures, and writes their files.
fn write(args: &BenchArgs, report: &Report, interrupt: &Interrupt) -> Result<(), Failure> {
    let markdown = report.markdown();
    if let Some(folder) = &args.output {
        let json = format!("{}\n", files::to_json(report)?);
        files::write(&folder.join("figures.json"), json.as_bytes(), interrupt)?;
        files::write(&folder.join("figures.md"), markdown.as_bytes(), interrupt)?;
        let plot = report.plot();
        let plot = plot.map_err(|reason| Failure::new(Exit::Internal, Fault::new("internal", reason)))?;
        if let Some(svg) = plot {
            files::write(&folder.join("scaling.svg"), svg.as_bytes(), interrupt)?;
        }
    }
    match args.json {
        true => files::print_json(report),
        false => files::print(markdown.as_bytes()),
    }
}
