//! `packshot turntable`: a product that turns once around, frame by frame.
//!
//! The product is read and prepared once; each frame is a shot of it. While one frame is rendered the one before is
//! encoded and written. What is finished is listed in the folder, so that the same command goes on where it was ended.
//! A movie is made of these frames as they come.

use std::num::NonZeroU16;

use packshot::denoise::{Denoised, DenoisedBy};
use packshot::picture::provenance_of;
use packshot::plan::{Kind, Output, PicturePlan, Series};
use packshot::preset::Preset;
use packshot::sequence::add_picture;
use packshot::timing::{Seconds, Stopwatch};
use packshot::verify::{self, Check, Measurements};
use packshot_renderer::encode::Provenance;
use packshot_renderer::shot::turntable::Turntable;

mod args;
mod claim;
mod digest;
mod manifest;
mod movie;
mod result;

pub(crate) use args::TurntableArgs;

use super::failure::{Exit, Failure};
use super::interrupt::Interrupt;
use super::render::Session;
use super::render::args::{OutputArgs, Planned};
use super::render::shot::OpenShot;
use super::render::source::{Subject, series};
use super::render::target::{Target, is_folder, targets};
use super::sequence::{PlannedPicture, render_each};
use super::{console, files, preset};
use args::Selection;
use claim::Claim;
use manifest::{Frame, Manifest};
use movie::{Movie, Plan};
use result::{FrameResult, MovieResult, Report, TurntableResult};

pub(crate) fn run(args: &TurntableArgs, quiet: bool) -> Result<(), Failure> {
    let picture = &args.picture;
    picture.output.require_one_of_each("turntable")?;
    args.check_output()?;
    let in_shot = |failure: Failure| match &args.shot {
        Some(path) => failure.in_file(&path.display().to_string()),
        None => failure,
    };
    let shot = OpenShot::read(args.shot.as_deref(), picture, Kind::Turntable).map_err(in_shot)?;
    let planned = picture.plan(Kind::Turntable, args.turn.stride, args.input.as_slice(), shot.as_ref())?;
    let Series::Turntable { turntable, fps } = planned.plan.series() else {
        return Err(Failure::usage(
            "missing",
            "the turntable has no frames",
            "--frames",
            "say how many frames the turn has",
        ));
    };
    let selection = args.turn.selected(turntable.frames)?;
    let movie = args.movie(&planned, fps)?;
    let folder = movie.as_ref().map_or(picture.output.output.as_ref(), |movie| Some(&movie.folder));
    let mut targets = frame_targets(&picture.output, &planned, movie.as_ref(), &selection)?;
    // Kept to the end.
    let _claim = folder.map(|folder| Claim::of(folder, movie.is_some())).transpose()?;
    let mut session = Session::open(picture, &planned, quiet)?;

    args.input.as_deref().map_or(Ok(()), |path| session.places.read(path, "<INPUT>"))?;
    shot.as_ref().map_or(Ok(()), |shot| shot.take_places(&mut session.places))?;
    targets.iter().flatten().try_for_each(|target| target.take_places(&mut session.places))?;
    if let Some(folder) = folder {
        session.places.write(&folder.join(manifest::NAME), "-o")?;
    }
    if let Some(movie) = &movie {
        session.places.write(&movie.path, "-o")?;
    }
    let mut clock = Stopwatch::start();
    let cancel = &session.interrupt.cancel;
    let inputs = (args.input.as_ref(), args.sample.as_ref());
    let (mut subject, pictures) = series(shot.as_ref(), inputs, picture, &planned, cancel).map_err(in_shot)?;
    let mut seconds = Seconds { import: clock.lap(), ..Seconds::default() };
    session.dump(&subject, &pictures)?;
    let shots = pictures.into_turntable()?;
    let preflight = session.preflight(&mut subject);

    let size_px = [shots.shot().film.width_px, shots.shot().film.height_px];
    let movie = movie
        .as_ref()
        .map(|movie| movie.settings(size_px, &selection).map(|settings| (movie, settings)))
        .transpose()?;
    if let Some(Some(target)) = targets.first() {
        target.encoding.format.check_size(size_px)?;
    }

    let (mut manifest, mut plan) = (None, Plan::Frames);
    if let Some(folder) = folder {
        let encoding = targets.iter().flatten().next().map(|target| target.encoding);
        let taking = session.taking(shots.shot());
        let request = digest::digest(&subject, (&shots, &taking), encoding, session.renderer()?);
        let of_frames = digest::with_preset(&request, planned.plan.preset());
        let list = Manifest::open(folder, &of_frames, turntable.frames, args.turn.overwrite)?;
        if movie.is_none() && !args.turn.overwrite {
            list.refuse_others()?;
        }
        if let Some((movie, settings)) = movie {
            let denoiser = session.renderer()?.oidn().filter(|_| session.needed_versions(shots.shot()).denoised);
            let provenance = Provenance {
                denoiser: denoiser.and_then(DenoisedBy::provenance),
                ..provenance_of(&subject.product, &subject.materials, shots.shot())
            };
            let dpi = planned.plan.options.dpi.and_then(|dpi| NonZeroU16::new(u16::try_from(dpi).ok()?));
            let metadata = movie.metadata(provenance, dpi, &request, &selection);
            // Who began to make its frames has agreed to replace what is there.
            let may_replace = args.turn.overwrite || list.n_finished() > 0;
            let files = targets.iter().flatten().map(|target| target.path.clone()).collect();
            plan = movie.plan(settings, &metadata, files, may_replace)?;
        }
        manifest = Some(list);
    }
    let (frames, jobs) = frames(&turntable, &selection, &mut targets, manifest.as_ref(), &plan);
    let mut taking =
        Taking { frames, sampled: Sampled::default(), seconds: &mut seconds, manifest: manifest.as_mut(), plan };
    let (mut taken, mut is_listed) = (Ok(()), true);
    if !jobs.is_empty() {
        session.check_memory(shots.shot(), jobs.len(), &preflight)?;
        let resident = session.prepare(&subject, shots.shot().floor.as_ref())?;
        taking.seconds.prepare = clock.lap();
        let jobs = jobs.into_iter().map(|job| PlannedPicture {
            name: format!("frame {} of {}", job.number, turntable.frames),
            shot: shots.frame(job.number),
            of: job,
        });
        let (interrupt, preset) = (session.interrupt.clone(), planned.plan.preset());
        taken =
            render_each(&session, &resident, jobs, |job, taken| taking.finish(preset, job, &taken.picture, &interrupt));
        if taken.is_err() {
            taking.plan = Plan::Frames;
        }
        // What is finished stays finished, however the work ended.
        let saved = taking.save(&session.interrupt);
        is_listed = saved.is_ok();
        taken = taken.and(saved);
    }
    let movie = taken.and_then(|()| taking.finish_movie(&session.interrupt));
    let n_kept = if is_listed { taking.n_finished() } else { 0 };
    let movie = movie.map_err(|failure| resumable(failure, args.turn.overwrite, n_kept))?;
    let Taking { frames, sampled, .. } = taking;
    seconds.total = clock.total();
    let checks = whole_checks(&planned.plan, &turntable, &selection, &frames);
    let sampling = (sampled, session.renderer()?.device().clone(), shots.shot());
    let result =
        TurntableResult::new(args, &subject, &preflight, (&turntable, fps), (frames, movie), sampling, seconds, checks);
    report(args, &session, &subject, &result, &preflight, quiet)?;
    let whole = [(String::from("--preset"), &result.checks[..])];
    preset::require_passed(
        planned.plan.preset(),
        whole.into_iter().chain(result.frames.iter().map(FrameResult::checked)),
    )
}

impl TurntableArgs {
    /// Refuses a folder that is named like a movie.
    fn check_output(&self) -> Result<(), Failure> {
        let output = self.picture.output.output.as_deref();
        if let Some(folder) = output.filter(|output| output.is_dir() && movie::is_named_like_one(output)) {
            let message = format!("{} is a folder, but its name ends like a movie's", folder.display());
            let help =
                "give the movie another name; for frames, give a folder that does not end in .mp4, .webp or .apng";
            return Err(Failure::usage("invalid_value", message, "-o", help));
        }
        Ok(())
    }

    /// The movie that is asked for; `None` for frames in a folder, or when nothing is written.
    fn movie(&self, planned: &Planned, fps: u16) -> Result<Option<Movie>, Failure> {
        let output = self.picture.output.output.as_deref().filter(|output| !is_folder(output));
        let format = planned.plan.files.iter().find_map(|file| match file.output {
            Output::Movie(format) => Some(format),
            Output::Picture(_) | Output::Archive(_) => None,
        });
        output.zip(format).map(|(output, format)| Movie::new(output, format, fps)).transpose()
    }
}

/// The file of each frame; the folder is there afterwards.
fn frame_targets(
    output: &OutputArgs,
    planned: &Planned,
    movie: Option<&Movie>,
    selection: &Selection,
) -> Result<Vec<Option<Target>>, Failure> {
    let folder = movie.map_or(output.output.as_ref(), |movie| Some(&movie.folder));
    let Some(folder) = folder else { return Ok(Vec::new()) };
    files::make_folder(folder)?;
    let names: Vec<String> = selection.numbers.iter().map(|&number| manifest::frame_name(number)).collect();
    let output = OutputArgs { output: Some(folder.clone()), ..output.clone() };
    // One file per frame, which is named after its number.
    let planned = match movie {
        Some(movie) => vec![movie.frame()],
        None => planned.plan.files.iter().take(1).cloned().collect(),
    };
    Ok(targets(&output, &planned, &names)?.into_iter().map(Some).collect())
}

/// Every frame as it is now, and those that are to be rendered.
fn frames(
    turntable: &Turntable,
    selection: &Selection,
    targets: &mut [Option<Target>],
    manifest: Option<&Manifest>,
    plan: &Plan<'_>,
) -> (Vec<FrameResult>, Vec<PlannedFrame>) {
    let mut jobs = Vec::new();
    let frames = selection.numbers.iter().enumerate().map(|(idx, &number)| {
        let angle_deg = turntable.angle_deg(number);
        if matches!(plan, Plan::IsThere { .. }) {
            return FrameResult::of_whole_movie(number, angle_deg);
        }
        let target = targets.get_mut(idx).and_then(Option::take);
        let kept = manifest.zip(target.as_ref()).and_then(|(list, target)| list.kept(number, &target.path));
        let result = FrameResult::new(number, angle_deg, target.as_ref(), kept);
        if !result.kept {
            jobs.push(PlannedFrame { idx, number, target });
        }
        result
    });
    (frames.collect(), jobs)
}

/// Ctrl-C and a full disk lose nothing, and say so.
fn resumable(mut failure: Failure, is_overwriting: bool, n_kept: usize) -> Failure {
    if !matches!(failure.exit, Exit::Cancelled | Exit::Output) || n_kept == 0 {
        return failure;
    }
    let same = if is_overwriting { "the same command without --overwrite" } else { "the same command" };
    let frames = if n_kept == 1 { "1 finished frame is kept" } else { &format!("{n_kept} finished frames are kept") };
    for fault in &mut failure.faults {
        let before = match failure.exit {
            Exit::Output if !fault.help.is_empty() => format!("{}; ", fault.help),
            _ => String::new(),
        };
        fault.help = format!("{before}{frames}: {same} continues");
    }
    failure
}

/// A frame to render.
struct PlannedFrame {
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
    /// What was done against noise in the last of them, as in all.
    denoised: Option<Denoised>,
}

/// Frames on their way into their files.
struct Taking<'a> {
    frames: Vec<FrameResult>,
    sampled: Sampled,
    seconds: &'a mut Seconds,
    manifest: Option<&'a mut Manifest>,
    plan: Plan<'a>,
}

impl Taking<'_> {
    fn finish(
        &mut self,
        preset: Option<&'static Preset>,
        job: PlannedFrame,
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
        if let Some((preset, spin)) = preset.and_then(|preset| Some((preset, preset.spin.as_ref()?))) {
            let measured = Measurements::of(taken, written.as_deref())?;
            let extension = preset::extension(preset, job.target.as_ref());
            result.checks = verify::frame(preset, spin, &measured, &extension);
            result.fill = Some(measured.tighter_fill());
        }
        if let (Some(manifest), Some(bytes)) = (self.manifest.as_mut(), written) {
            let blake3 = blake3::hash(&bytes).to_hex().to_string();
            let frame = Frame { blake3, fill: result.fill, checks: result.checks.clone() };
            manifest.finish(job.number, frame, interrupt)?;
        }
        // Jobs are done in the order of their frames: none is missing before this one.
        self.plan.advance(job.idx + 1, interrupt)?;
        let n = self.sampled.rendered as f64;
        self.sampled = Sampled {
            rendered: self.sampled.rendered + 1,
            samples_mean: (self.sampled.samples_mean * n + taken.samples_mean) / (n + 1.0),
            rays: self.sampled.rays + taken.rays,
            size_px: Some([taken.linear.width_px, taken.linear.height_px]),
            denoised: taken.denoised,
        };
        add_picture(self.seconds, taken);
        self.seconds.encode += clock.lap();
        Ok(())
    }

    /// Makes the movie whole, if there is to be one; its frames are in it then, and no longer beside it.
    fn finish_movie(&mut self, interrupt: &Interrupt) -> Result<Option<MovieResult>, Failure> {
        let mut clock = Stopwatch::start();
        let movie = std::mem::replace(&mut self.plan, Plan::Frames).finish(interrupt)?;
        if movie.is_some() {
            self.frames.iter_mut().for_each(FrameResult::is_in_movie);
        }
        self.seconds.encode += clock.lap();
        Ok(movie)
    }

    /// How many frames are listed as finished.
    fn n_finished(&self) -> usize {
        self.manifest.as_ref().map_or(0, |manifest| manifest.n_finished())
    }

    /// Writes the list of what is finished.
    fn save(&mut self, interrupt: &Interrupt) -> Result<(), Failure> {
        self.manifest.as_mut().map_or(Ok(()), |manifest| manifest.save(interrupt))
    }
}

/// Holds the turntable as a whole against its preset.
fn whole_checks(
    plan: &PicturePlan,
    turntable: &Turntable,
    selection: &Selection,
    frames: &[FrameResult],
) -> Vec<Check> {
    let Some(spin) = plan.preset().and_then(|preset| preset.spin.as_ref()) else { return Vec::new() };
    let elevation_deg = plan.direction().map(|direction| direction.elevation_deg);
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

#[cfg(test)]
mod tests {
    use packshot::error::Fault;

    use super::*;

    #[test]
    fn what_is_kept_is_said_where_the_same_command_goes_on() {
        let help = |exit, n_kept, is_overwriting| {
            let failure = Failure::new(exit, Fault::new("output.not_written", "full").help("free some space"));
            resumable(failure, is_overwriting, n_kept).faults[0].help.clone()
        };
        assert_eq!(help(Exit::Output, 0, false), "free some space");
        let full = "free some space; 3 finished frames are kept: the same command continues";
        assert_eq!(help(Exit::Output, 3, false), full);
        let stopped = "1 finished frame is kept: the same command without --overwrite continues";
        assert_eq!(help(Exit::Cancelled, 1, true), stopped);
        assert_eq!(help(Exit::Input, 3, false), "free some space");
    }
}
