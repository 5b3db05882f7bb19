//! `packshot kit`, which the GPU kit calls, and the self-test of `packshot devices`: trials of a device.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, Subcommand, value_parser};
use packshot::DeviceRequest;
use packshot::error::Fault;
use packshot_kit::report::State;
use packshot_kit::supervise::{self, Watch};
use packshot_kit::{Report, Scale, Setup, Trial, TrialReport, draw_expected, report};
use packshot_renderer::backend::device::DeviceError;

use super::failure::{Exit, Failure};
use super::interrupt::Interrupt;
use super::{cache, console, files};

/// Trials of a device.
#[derive(Debug, Subcommand)]
pub(crate) enum KitCommand {
    /// Run trials, each in a process of its own
    Run(RunArgs),
    /// Run one trial in this process
    Trial(TrialArgs),
    /// Draw on the processor what trials expect
    Expect(ExpectArgs),
}

/// How long listing the adapters may take.
const PROBE: Duration = Duration::from_secs(30);
/// The longest self-test, of a software adapter.
const SELF_TEST_MAX: Duration = Duration::from_secs(180);

/// Where everything is.
#[derive(Args, Debug)]
struct PlaceArgs {
    /// The kit's folder, with assets, shots and expected pictures
    #[arg(long, value_name = "DIR")]
    kit: Option<PathBuf>,
    /// quick, reduced (for software adapters) or full
    #[arg(long, value_name = "SCALE", default_value = "full", value_parser = scale)]
    scale: Scale,
}

/// Arguments of `kit run`.
#[derive(Args, Debug)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    place: PlaceArgs,
    /// Where the report goes, and all pictures
    #[arg(long, value_name = "DIR")]
    results: PathBuf,
    /// The device, as for a render
    #[arg(long, value_name = "WHICH", default_value = "gpu", env = "PACKSHOT_DEVICE")]
    device: String,
    /// These trials alone, in this order
    #[arg(long, value_name = "TRIALS", value_delimiter = ',', value_parser = trial)]
    only: Vec<Trial>,
    /// Seconds that all trials may take together
    #[arg(long, value_name = "S", value_parser = value_parser!(u64).range(1..=86_400))]
    limit_s: Option<u64>,
}

/// Arguments of `kit trial`.
#[derive(Args, Debug)]
pub(crate) struct TrialArgs {
    #[arg(value_parser = trial)]
    trial: Trial,
    #[command(flatten)]
    place: PlaceArgs,
    #[arg(long, value_name = "DIR")]
    results: PathBuf,
    #[arg(long, value_name = "WHICH", default_value = "gpu")]
    device: String,
    /// Seconds that it may take
    #[arg(long, value_name = "S", value_parser = value_parser!(u64).range(1..=86_400))]
    limit_s: Option<u64>,
}

/// Arguments of `kit expect`.
#[derive(Args, Debug)]
pub(crate) struct ExpectArgs {
    #[command(flatten)]
    place: PlaceArgs,
}

fn scale(text: &str) -> Result<Scale, String> {
    let known = Scale::NAMES.iter().find(|(name, _)| *name == text);
    known.map(|&(_, scale)| scale).ok_or_else(|| "expected quick, reduced or full".to_owned())
}

fn trial(text: &str) -> Result<Trial, String> {
    Trial::by_name(text).ok_or_else(|| {
        let names: Vec<&str> = Trial::ALL.into_iter().map(Trial::name).collect();
        format!("expected one of {}", names.join(", "))
    })
}

pub(crate) fn run(command: &KitCommand, is_quiet: bool) -> Result<(), Failure> {
    match command {
        KitCommand::Run(args) => {
            let RunArgs { place, results, device, only, limit_s } = args;
            let interrupt = Interrupt::install()?;
            let (setup, _) = probed(setup(place.kit.as_deref(), results, device, place.scale)?, &interrupt)?;
            let trials = if only.is_empty() { Trial::of(place.scale) } else { only.clone() };
            let limit = limit_s.map_or_else(|| supervise::limit(place.scale), Duration::from_secs);
            let report = supervised(&setup, &trials, limit, (is_quiet, &interrupt))?;
            files::print(report.markdown().as_bytes())?;
            if report.is_passed() { Ok(()) } else { Err(failed(&report, results)) }
        }
        KitCommand::Trial(TrialArgs { trial, place, results, device, limit_s }) => {
            let of_scale = setup(place.kit.as_deref(), results, device, place.scale)?;
            let limit = limit_s.map_or_else(|| trial.limit(place.scale), Duration::from_secs);
            let setup = Setup { limit, ..of_scale };
            packshot_kit::run(&setup, *trial).map(drop).map_err(not_written)
        }
        KitCommand::Expect(ExpectArgs { place }) => {
            let Some(kit) = &place.kit else {
                let message = "the expected pictures are written into a kit, and no kit is named";
                return Err(Failure::usage("missing", message, "--kit", "give the kit's folder: --kit DIR"));
            };
            let setup = setup(Some(kit), kit, "cpu", place.scale)?;
            let told = |name: &str| {
                if !is_quiet {
                    console::note(name);
                }
            };
            draw_expected(&setup, &told).map(drop).map_err(not_written)
        }
    }
}

/// Tries the chosen GPU, and says what it found line by line; with `is_json` at the end, as one object.
pub(crate) fn self_test(
    request: &DeviceRequest,
    results: Option<&Path>,
    is_json: bool,
    is_quiet: bool,
) -> Result<(), Failure> {
    let temporary = tempfile::Builder::new()
        .prefix("packshot-self-test-")
        .tempdir()
        .map_err(|reason| files::not_written("the folder for temporary files", &reason))?;
    let folder = results.unwrap_or(temporary.path());
    let interrupt = Interrupt::install()?;
    let (setup, kind) = probed(setup(None, folder, &request.to_string(), Scale::Quick)?, &interrupt)?;
    // Software adapters need longer for less.
    let (scale, trials) = match kind {
        Kind::Hardware => (Scale::Quick, Trial::of(Scale::Quick)),
        Kind::Software => (Scale::Reduced, Trial::FEW.to_vec()),
    };
    let setup = Setup { scale, ..setup };
    let limit = supervise::limit(scale).min(SELF_TEST_MAX);
    let report = supervised(&setup, &trials, limit, (is_quiet || is_json, &interrupt))?;
    if is_json {
        files::print_json(&report)?;
    } else {
        let adapter = report.adapter.as_deref().unwrap_or("the device");
        let seconds = report.seconds;
        if report.is_passed() {
            files::print(
                format!("{adapter} renders the same pictures as the processor ({seconds:.0} s)\n").as_bytes(),
            )?;
        }
    }
    if report.is_passed() {
        return Ok(());
    }
    let failure = failed(&report, folder);
    if results.is_none() {
        // What it found is there to be looked at.
        let _ = temporary.keep();
    }
    Err(failure)
}

/// What an adapter computes on.
#[derive(Clone, Copy)]
enum Kind {
    Hardware,
    Software,
}

/// Finds the adapter that is to be tried. Drivers are loaded by trials alone: one that crashes there does not end this
/// process.
fn probed(setup: Setup, interrupt: &Interrupt) -> Result<(Setup, Kind), Failure> {
    let found = supervised(&setup, &[Trial::Adapters], PROBE, (true, interrupt))?;
    let known = found.trials.first().map(|report| &report.figures);
    let figure = |name| known.and_then(|figures| figures.get(name)?.as_str());
    let kind = match figure("kind") {
        Some("gpu") => Kind::Hardware,
        Some("software") => Kind::Software,
        _ => return Err(no_gpu(&found, figure("reason"))),
    };
    Ok((Setup { adapter: found.adapter, ..setup }, kind))
}

/// There is nothing to test, or its driver ends whoever asks for it.
fn no_gpu(found: &Report, reason: Option<&str>) -> Failure {
    let fault = found.trials.first().and_then(|report| report.fault.as_deref()).unwrap_or_default();
    let message = match (reason, found.trials.first().map(|report| report.state)) {
        (Some(reason), _) => format!("there is no GPU to test: {reason}"),
        (None, Some(State::Crashed | State::TimedOut)) => {
            format!("a graphics driver failed while listing its adapters: {fault}")
        }
        (None, _) => fault.to_owned(),
    };
    let help = "make sure that the Vulkan loader and the GPU's driver are installed (docs/operating.md lists what may be missing); \
                to test a software adapter, give its name with --device";
    Failure::new(Exit::Device, Fault::new(DeviceError::CODE, message).at("--device").help(help))
}

fn setup(kit: Option<&Path>, results: &Path, device: &str, scale: Scale) -> Result<Setup, Failure> {
    let program = std::env::current_exe().map_err(|reason| {
        let message = format!("the program cannot find its own file: {reason}");
        Failure::new(Exit::Internal, Fault::new("internal", message))
    })?;
    files::make_folder(results)?;
    // Trials run in processes of their own, which may be elsewhere.
    let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    Ok(Setup {
        program,
        kit: kit.map(absolute),
        results: absolute(results),
        device: device.to_owned(),
        adapter: None,
        scale,
        limit: supervise::limit(scale),
        cache: cache::store(),
    })
}

/// Runs trials until they are over or somebody asks to stop; says of each how it ended.
fn supervised(
    setup: &Setup,
    trials: &[Trial],
    limit: Duration,
    (is_quiet, interrupt): (bool, &Interrupt),
) -> Result<Report, Failure> {
    let told = |ended: &TrialReport| {
        if !is_quiet {
            console::note(&ended.line());
        }
    };
    let begun = |trial: Trial, limit: Duration| {
        if !is_quiet {
            console::note(&format!("running    {:<12} (at most {} s)", trial.name(), limit.as_secs()));
        }
    };
    let watch = Watch { begun: &begun, told: &told, is_cancelled: &|| interrupt.cancel.is_cancelled() };
    let report = supervise::run(setup, trials, limit, &watch).map_err(not_written)?;
    interrupt.check()?;
    Ok(report)
}

fn not_written(fault: report::Fault) -> Failure {
    let help = "give a folder that you may write to, on a disk with free space";
    Failure::new(Exit::Output, Fault::new("output.not_written", fault.to_string()).help(help))
}

fn failed(report: &Report, results: &Path) -> Failure {
    let adapter = report.adapter.as_deref().unwrap_or("the device");
    let message = match report.failed().as_slice() {
        [] => format!("{adapter} was not tested: there was no time left"),
        names => format!("{adapter} failed {} of {} trials: {}", names.len(), report.trials.len(), names.join(", ")),
    };
    let fault = Fault::new("device.self_test_failed", message).at(results.display().to_string());
    Failure::new(
        Exit::Device,
        fault.help("render on another device, for example `--device cpu`, until its driver is fixed"),
    )
}
