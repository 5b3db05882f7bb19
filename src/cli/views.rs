//! `packshot views`: one picture from each of several directions, of a product that is read and prepared once.

use std::path::{Path, PathBuf};

use clap::Args;
use packshot::denoise::Denoised;
use packshot::designs::resolve::PlacementReport;
use packshot::plan::{Kind, Series};
use packshot::report::Preflight;
use packshot::sequence::add_picture;
use packshot::taken::Taken;
use packshot::timing::{Seconds, Stopwatch};
use packshot::verify::Check;
use packshot::views::ViewShot;
use packshot_pipeline::pictures::Pictures;
use packshot_renderer::backend::DeviceInfo;
use packshot_renderer::diagnostic::Diagnostic;
use packshot_renderer::shot::view::NamedView;
use packshot_words::Word;
use serde::Serialize;

use super::failure::{Exit, Failure};
use super::render::args::Planned;
use super::render::result::samples_per_second;
use super::render::shot::OpenShot;
use super::render::source::series;
use super::render::target::{Target, is_folder, targets};
use super::render::{PictureArgs, Session};
use super::sequence::{PlannedPicture, render_each};
use super::{console, files, preset};

/// Arguments of `views`.
#[derive(Args, Debug)]
#[command(after_help = "Example: packshot views bearing.glb -o views/ --set six_view --scale shared")]
pub(crate) struct ViewsArgs {
    /// A .glb file, or a .gltf file with its buffers and textures in the same folder; `-` is stdin
    #[arg(value_name = "INPUT", required_unless_present_any = ["sample", "shot"], conflicts_with = "sample")]
    input: Option<PathBuf>,
    /// A built-in sample product (`packshot sample --list`)
    #[arg(long, value_name = "NAME")]
    sample: Option<String>,
    /// Render exactly the views of this shot file, which also names the product
    #[arg(long, value_name = "FILE", conflicts_with_all = ["input", "sample"])]
    shot: Option<PathBuf>,
    #[command(flatten)]
    pub(super) picture: PictureArgs,
}

/// The result of the command. Names and order are a contract.
#[derive(Serialize)]
struct ViewsResult {
    views: Vec<ViewResult>,
    /// Of all views together.
    seconds: Seconds,
    device: DeviceInfo,
    /// The name of the look.
    look: &'static str,
    parts: usize,
    unmapped_parts: usize,
    /// Where the design lies.
    #[serde(skip_serializing_if = "Option::is_none")]
    design: Option<PlacementReport>,
    diagnostics: Vec<Diagnostic>,
}

/// The result of one view.
#[derive(Serialize)]
struct ViewResult {
    view: &'static str,
    azimuth_deg: f64,
    elevation_deg: f64,
    output: Option<String>,
    /// The other files of the picture, where a template asks for several.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    more_outputs: Vec<String>,
    /// Those of all of them that hold it as it was sampled, where others had their noise removed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    noisy_outputs: Vec<String>,
    width: u32,
    height: u32,
    samples_max: u32,
    samples_mean: f64,
    /// What was done against noise; `None` where nothing was.
    denoised: Option<Denoised>,
    rays: u64,
    samples_per_second: f64,
    /// How the picture keeps the rules of its preset.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    checks: Vec<Check>,
}

/// The body of `--report`.
#[derive(Serialize)]
struct Report<'a> {
    #[serde(flatten)]
    preflight: &'a Preflight,
    render: &'a ViewsResult,
}

pub(crate) fn run(args: &ViewsArgs, quiet: bool) -> Result<(), Failure> {
    let picture = &args.picture;
    picture.output.require_one_of_each("views")?;
    args.require_folder()?;
    let in_shot = |failure: Failure| match &args.shot {
        Some(path) => failure.in_file(&path.display().to_string()),
        None => failure,
    };
    let shot = OpenShot::read(args.shot.as_deref(), picture, Kind::Views).map_err(in_shot)?;
    let planned = picture.plan(Kind::Views, 1, args.input.as_slice(), shot.as_ref())?;
    let Series::Views { views, .. } = planned.plan.series() else {
        return Err(Failure::usage("missing", "no view is chosen", "--set", "choose at least one view"));
    };
    let views = shot.as_ref().and_then(views_of).unwrap_or(views);
    let targets = args.targets(&planned, &views)?;
    let mut session = Session::open(picture, &planned, quiet)?;

    args.input.as_deref().map_or(Ok(()), |path| session.places.read(path, "<INPUT>"))?;
    targets.iter().try_for_each(|target| target.take_places(&mut session.places))?;
    shot.as_ref().map_or(Ok(()), |shot| shot.take_places(&mut session.places))?;
    let mut clock = Stopwatch::start();
    let cancel = &session.interrupt.cancel;
    let inputs = (args.input.as_ref(), args.sample.as_ref());
    let (mut subject, pictures) = series(shot.as_ref(), inputs, picture, &planned, cancel).map_err(in_shot)?;
    let mut seconds = Seconds { import: clock.lap(), ..Seconds::default() };
    session.dump(&subject, &pictures)?;
    let shots = pictures.into_views()?;
    let preflight = session.preflight(&mut subject);
    shots.iter().try_for_each(|view| session.check_memory(&view.shot, shots.len(), &preflight))?;
    let jobs = shots.into_iter().enumerate().map(|(i, ViewShot { view, shot })| PlannedPicture {
        of: (view, targets.get(i).cloned(), shot.film.samples),
        name: view.name.to_owned(),
        shot,
    });
    let interrupt = session.interrupt.clone();
    let (mut results, mut device) = (Vec::with_capacity(views.len()), None);
    let mut prepare_s = clock.lap();
    let sampled = &mut seconds;
    let mut finish = |(view, target, samples_max): (NamedView, Option<Target>, u32), taken: Taken| {
        let mut clock = Stopwatch::start();
        let written = target.as_ref().map(|target| target.write(&taken, &interrupt)).transpose()?;
        let checks = preset::check(planned.plan.preset(), &taken, target.as_ref(), written.as_deref())?;
        let noisy_outputs = target.as_ref().map(|target| target.noisy_outputs(&taken)).unwrap_or_default();
        let taken = taken.picture;
        add_picture(sampled, &taken);
        sampled.encode += clock.lap();
        results.push(ViewResult {
            view: view.name,
            azimuth_deg: view.direction.azimuth_deg,
            elevation_deg: view.direction.elevation_deg,
            output: target.as_ref().map(Target::output),
            more_outputs: target.as_ref().map(Target::more_outputs).unwrap_or_default(),
            noisy_outputs,
            width: taken.linear.width_px,
            height: taken.linear.height_px,
            samples_max,
            samples_mean: taken.samples_mean,
            denoised: taken.denoised,
            rays: taken.rays,
            samples_per_second: samples_per_second(&taken),
            checks,
        });
        device.get_or_insert(taken.device);
        Ok(())
    };
    // Views that stand on one floor, nearly always all of them, share the product on the device.
    let mut jobs = jobs.peekable();
    let mut render_all = || -> Result<(), Failure> {
        while let Some(floor) = jobs.peek().map(|job| job.shot.floor.clone()) {
            let mut clock = Stopwatch::start();
            let resident = session.prepare(&subject, floor.as_ref())?;
            prepare_s += clock.lap();
            let on_floor = std::iter::from_fn(|| jobs.next_if(|job| job.shot.floor == floor));
            render_each(&session, &resident, on_floor, &mut finish)?;
        }
        Ok(())
    };
    let done = render_all();
    let n_written = results.iter().filter(|view| view.output.is_some()).count();
    done.map_err(|failure| with_kept(failure, n_written, picture.output.output.as_deref()))?;
    seconds.prepare = prepare_s;
    seconds.total = clock.total();
    let Some(device) = device else {
        return Err(Failure::usage("missing", "no view is chosen", "--set", "choose at least one view"));
    };
    let result = ViewsResult {
        views: results,
        seconds,
        device,
        look: subject.product.scene.look.word(),
        parts: subject.product.scene.parts.len(),
        unmapped_parts: subject.materials.unmapped(),
        design: subject.placement_report(),
        diagnostics: preflight.diagnostics.clone(),
    };
    if let Some(path) = &picture.output.report {
        let body = files::to_json(&Report { preflight: &preflight, render: &result })?;
        files::write(path, format!("{body}\n").as_bytes(), &session.interrupt)?;
    }
    match picture.output.json {
        true => files::print_json(&result)?,
        false if !quiet => console::note(&result.summary()),
        false => {}
    }
    let checked = result.views.iter();
    preset::require_passed(planned.plan.preset(), checked.map(|view| (view.place(), &view.checks[..])))
}

/// Ctrl-C and a full disk leave the views that are finished, and say so.
fn with_kept(mut failure: Failure, n_written: usize, folder: Option<&Path>) -> Failure {
    let Some(folder) = folder.filter(|_| n_written > 0 && matches!(failure.exit, Exit::Cancelled | Exit::Output))
    else {
        return failure;
    };
    let kept = if n_written == 1 { "1 finished view is kept" } else { &format!("{n_written} finished views are kept") };
    for fault in &mut failure.faults {
        let before = if fault.help.is_empty() { String::new() } else { format!("{}; ", fault.help) };
        fault.help = format!("{before}{kept} in {}; the same command renders all of them again", folder.display());
    }
    failure
}

/// The sides of a shot's views.
fn views_of(shot: &OpenShot) -> Option<Vec<NamedView>> {
    let Pictures::Views(views) = &shot.file.pictures else { return None };
    Some(views.iter().map(|view| view.view).collect())
}

impl ViewsArgs {
    /// Refuses a single file, whatever its name.
    fn require_folder(&self) -> Result<(), Failure> {
        let Some(path) = self.picture.output.output.as_ref().filter(|path| !is_folder(path)) else { return Ok(()) };
        let message = format!("views are written into a folder, and {} is not one", path.display());
        let help = match files::is_stream(path) {
            true => "give a folder: -o DIR/".to_owned(),
            false => format!("give a folder: -o {}/", path.with_extension("").display()),
        };
        Err(Failure::usage("invalid_value", message, "-o", help))
    }

    /// The file of each view; none when nothing is written.
    fn targets(&self, planned: &Planned, views: &[NamedView]) -> Result<Vec<Target>, Failure> {
        let output = &self.picture.output;
        let names: Vec<String> = views.iter().map(|view| view.name.to_owned()).collect();
        targets(output, &planned.plan.files, &names)
    }
}

impl ViewsResult {
    /// For a person.
    fn summary(&self) -> String {
        let names: Vec<&str> = self.views.iter().map(|view| view.view).collect();
        let written = self.views.iter().filter(|view| view.output.is_some()).count();
        format!(
            "{} {} ({}), {written} written, {:.1} s on {} ({})",
            names.len(),
            if names.len() == 1 { "view" } else { "views" },
            names.join(", "),
            self.seconds.total,
            self.device.name,
            self.device.backend
        )
    }
}

impl ViewResult {
    /// What an error about the picture names.
    fn place(&self) -> String {
        self.output.clone().unwrap_or_else(|| self.view.to_owned())
    }
}
