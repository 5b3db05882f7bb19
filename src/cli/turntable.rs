//! `packshot turntable`: a product that turns once around, frame by frame.
//!
//! The product is read and prepared once; each frame is a shot of it. While one frame is rendered the one before is encoded and written.
//! What is finished is listed in the folder, so that the same command goes on where it was ended.

use std::path::{Path, PathBuf};

use packshot::preset::Spin;
use packshot::timing::{Seconds, Stopwatch};
use packshot::verify::{self, Check, Measurements};
use packshot_renderer::shot::turntable::Turntable;

mod args;
mod digest;
mod film;
mod manifest;
mod result;

pub(crate) use args::TurntableArgs;

use super::args::Input;
use super::failure::Failure;
use super::interrupt::Interrupt;
use super::render::Session;
use super::render::source::{Common, Subject};
use super::render::target::{Target, is_folder, targets};
use super::sequence::{Job, render_each};
use super::{console, files, preset};
use args::Selection;
use digest::digest;
use manifest::{Frame, Manifest};
use result::{FrameResult, Report, TurntableResult};

pub(crate) fn run(args: &TurntableArgs, quiet: bool) -> Result<(), Failure> {
    let picture = &args.picture;
    picture.check(1, false)?;
    picture.output.require_one_of_each("turntable")?;
    let spin = args.spin()?;
    let turntable = args.turn.turntable(spin.as_ref());
    let selection = args.turn.selected(&turntable)?;
    let folder = args.folder()?;
    let mut targets = args.targets(folder.as_deref(), &selection)?;
    let mut session = Session::open(picture, quiet)?;

    let mut clock = Stopwatch::start();
    let common = Common::read(picture)?;
    let inputs = Input::list(args.input.as_slice(), args.sample.as_slice())?;
    let Some(input) = inputs.first() else {
        return Err(Failure::usage("missing", "there is no product", "<INPUT>", "give a file or --sample NAME"));
    };
    let mut subject = common.subject(input, &session.interrupt.cancel)?;
    let mut seconds = Seconds { import: clock.lap(), ..Seconds::default() };

    let fit = picture.fit(spin.map(|spin| spin.fit));
    let framing = args.from.framing(&picture.lens, picture.preset, fit, picture.template());
    let built = turntable.shots(&common.request(picture, framing), &subject.product.scene);
    let (shots, found) = built.map_err(packshot::Error::from)?;
    subject.diagnostics.extend(found);
    let preflight = session.preflight(&mut subject);

    let mut manifest = match &folder {
        Some(folder) => {
            let digest = digest(&subject, &shots, picture, session.renderer()?);
            Some(Manifest::open(folder, &digest, turntable.frames, args.turn.overwrite)?)
        }
        None => None,
    };
    let mut frames = Vec::with_capacity(selection.numbers.len());
    let mut jobs = Vec::new();
    for (i, &number) in selection.numbers.iter().enumerate() {
        let target = (!targets.is_empty()).then(|| std::mem::take(&mut targets[i])).flatten();
        let kept = manifest.as_ref().zip(target.as_ref()).and_then(|(list, target)| list.kept(number, &target.path));
        let result = FrameResult::new(number, turntable.angle_deg(number), target.as_ref(), kept);
        if !result.kept {
            jobs.push(FrameJob { idx: i, number, target });
        }
        frames.push(result);
    }
    let mut taking = Taking { frames, sampled: Sampled::default(), seconds: &mut seconds, manifest: manifest.as_mut() };
    if !jobs.is_empty() {
        let resident = session.prepare(&subject)?;
        taking.seconds.prepare = clock.lap();
        let jobs = jobs.into_iter().map(|job| Job {
            name: format!("frame {} of {}", job.number, turntable.frames),
            shot: shots.frame(job.number),
            of: job,
        });
        let (interrupt, spin) = (session.interrupt.clone(), spin.as_ref());
        let taken =
            render_each(&session, &resident, jobs, |job, taken| taking.finish(args, spin, job, &taken, &interrupt));
        // What is finished stays finished, however the work ended.
        taking.save(&session.interrupt)?;
        taken?;
    }
    let Taking { frames, sampled, .. } = taking;
    seconds.total = clock.total();
    let checks = whole_checks(args, spin.as_ref(), &turntable, &selection, &frames);
    let sampling = (sampled, session.renderer()?.device().clone(), shots.shot().film.samples);
    let result = TurntableResult::new(args, &subject, &preflight, &turntable, frames, sampling, seconds, checks);
    report(args, &session, &subject, &result, &preflight, quiet)?;
    let whole = [(String::from("--preset"), &result.checks[..])];
    preset::require_passed(picture.preset, whole.into_iter().chain(result.frames.iter().map(FrameResult::checked)))
}

impl TurntableArgs {
    /// What the preset says of turntables.
    fn spin(&self) -> Result<Option<Spin>, Failure> {
        match self.picture.preset {
            None => Ok(None),
            Some(preset) => preset.spin.map(Some).ok_or_else(|| {
                let message = format!("{} says nothing of turntables", preset.name);
                Failure::usage("conflict", message, "--preset", "choose amazon_360 or autocare")
            }),
        }
    }

    /// The folder for frames, which is there afterwards; `None` when nothing is written.
    fn folder(&self) -> Result<Option<PathBuf>, Failure> {
        let Some(output) = &self.picture.output.output else { return Ok(None) };
        if !is_folder(output) {
            film::refuse(output)?;
        }
        files::make_folder(output)?;
        Ok(Some(output.clone()))
    }

    /// The file of each frame.
    fn targets(&self, folder: Option<&Path>, selection: &Selection) -> Result<Vec<Option<Target>>, Failure> {
        if folder.is_none() {
            return Ok(Vec::new());
        }
        let mut output = self.picture.output();
        // One file per frame, which is named after its number: of a template's files the first says how it is written.
        output.of_template.truncate(1);
        for wish in &mut output.of_template {
            wish.suffix.clear();
        }
        let names: Vec<String> = selection.numbers.iter().map(|number| format!("frame_{number:04}")).collect();
        Ok(targets(&output, &names)?.into_iter().map(Some).collect())
    }
}

/// A frame to render.
struct FrameJob {
    /// Its place among the frames that are asked for.
    idx: usize,
    number: u32,
    target: Option<Target>,
}

/// What sampling cost.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sampled {
    rendered: usize,
    samples_mean: f64,
    rays: u64,
    size_px: Option<[u32; 2]>,
}

/// Frames on their way into their files.
struct Taking<'a> {
    frames: Vec<FrameResult>,
    sampled: Sampled,
    seconds: &'a mut Seconds,
    manifest: Option<&'a mut Manifest>,
}

impl Taking<'_> {
    fn finish(
        &mut self,
        args: &TurntableArgs,
        spin: Option<&Spin>,
        job: FrameJob,
        taken: &packshot::picture::Picture,
        interrupt: &Interrupt,
    ) -> Result<(), Failure> {
        let mut clock = Stopwatch::start();
        let written = match &job.target {
            Some(Target { path, encoding, .. }) => {
                let bytes = taken.encode(*encoding)?;
                files::write(path, &bytes, interrupt)?;
                Some(bytes)
            }
            None => None,
        };
        let result = &mut self.frames[job.idx];
        if let (Some(preset), Some(spin)) = (args.picture.preset, spin) {
            let measured = Measurements::of(taken);
            let extension = preset::extension(preset, job.target.as_ref());
            result.checks = verify::frame(preset, spin, &measured, &extension, written.as_ref().map_or(0, Vec::len));
            result.fill = Some(measured.tighter_fill());
        }
        if let (Some(manifest), Some(bytes)) = (self.manifest.as_mut(), written) {
            let blake3 = blake3::hash(&bytes).to_hex().to_string();
            let frame = Frame { blake3, fill: result.fill, checks: result.checks.clone() };
            manifest.finish(job.number, frame, interrupt)?;
        }
        let n = self.sampled.rendered as f64;
        self.sampled = Sampled {
            rendered: self.sampled.rendered + 1,
            samples_mean: (self.sampled.samples_mean * n + taken.samples_mean) / (n + 1.0),
            rays: self.sampled.rays + taken.rays,
            size_px: Some([taken.linear.width_px, taken.linear.height_px]),
        };
        self.seconds.render += taken.render_s;
        self.seconds.render_cpu = taken.render_cpu_s.map(|cpu| cpu + self.seconds.render_cpu.unwrap_or(0.0));
        self.seconds.encode += clock.lap();
        Ok(())
    }

    /// Writes the list of what is finished.
    fn save(&mut self, interrupt: &Interrupt) -> Result<(), Failure> {
        self.manifest.as_mut().map_or(Ok(()), |manifest| manifest.write(interrupt))
    }
}

/// Holds the turntable as a whole against its preset.
fn whole_checks(
    args: &TurntableArgs,
    spin: Option<&Spin>,
    turntable: &Turntable,
    selection: &Selection,
    frames: &[FrameResult],
) -> Vec<Check> {
    let Some(spin) = spin else { return Vec::new() };
    let elevation_deg =
        args.from.direction(args.picture.preset, args.picture.template()).map(|direction| direction.elevation_deg);
    let fill_max = frames.iter().filter_map(|frame| frame.fill).fold(0.0, f64::max);
    verify::turntable(spin, turntable, selection.of_turn, elevation_deg, fill_max)
}

fn report(
    args: &TurntableArgs,
    session: &Session<'_>,
    subject: &Subject,
    result: &TurntableResult,
    preflight: &packshot::report::Preflight,
    quiet: bool,
) -> Result<(), Failure> {
    let output = &args.picture.output;
    if let Some(path) = &output.report {
        let body = files::to_json(&Report { preflight, render: result })?;
        files::write(path, format!("{body}\n").as_bytes(), &session.interrupt)?;
    }
    match output.json {
        true => files::print_json(result),
        false => {
            if !quiet {
                console::note(&result.summary(&subject.origin.name));
            }
            Ok(())
        }
    }
}
