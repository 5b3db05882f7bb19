//! `packshot render`: pictures of files.

use std::path::PathBuf;

use packshot::Renderer;
use packshot::denoise::Denoise;
use packshot::picture::Picture;
use packshot::plan::Kind;
use packshot::preset::Preset;
use packshot::render::{ReadyShot, ResidentProduct};
use packshot::report::Preflight;
use packshot::taken::{NeededVersions, Taken, Taking};
use packshot::timing::{Seconds, Stopwatch};
use packshot_materials::library::Library;
use packshot_materials::mapping::{OnUnmapped, ReportItem};
use packshot_pipeline::memory::MemoryNeed;
use packshot_pipeline::pictures::Pictures;
use packshot_pipeline::shot_file::Noise;
use packshot_renderer::backend::RenderControl;
use packshot_renderer::shot::{Floor, Shot};
use packshot_words::Word;

pub(crate) mod args;
pub(crate) mod denoise;
pub(crate) mod design;
pub(crate) mod dump;
mod places;
pub(crate) mod result;
pub(crate) mod shot;
pub(crate) mod source;
pub(crate) mod target;

pub(crate) use args::{PictureArgs, RenderArgs};

use super::args::Input;
use super::failure::{Exit, Failure};
use super::interrupt::Interrupt;
use super::places::Places;
use super::progress::RenderBar;
use super::usage::option_or_variable;
use super::{console, files, preset, table};
use args::Planned;
use denoise::ChosenDenoiser;
use dump::DumpSettings;
use result::{RenderResult, Rendered, Report, samples_per_second};
use shot::OpenShot;
use source::{Common, Subject};
use target::{Target, targets};

pub(crate) fn run(args: &RenderArgs, quiet: bool) -> Result<(), Failure> {
    args.check()?;
    let mut rendered = Rendered::new(args.input_names());
    match render_all(args, quiet, &mut rendered) {
        Ok(preset) => rendered.require_passed(preset),
        // A wrong command line has no results to print.
        Err(failure) if failure.exit == Exit::Usage => return Err(failure),
        Err(failure) => rendered.fail(None, failure),
    }
    if args.picture.output.json
        && let Err(failure) = files::print_json(&rendered.to_json())
    {
        rendered.fail(None, failure);
    }
    rendered.into_failure().map_or(Ok(()), Err)
}

/// Renders each input, or the shot, and gives the preset whose rules the pictures must keep.
///
/// # Errors
/// What is wrong before any input is read. What is wrong with an input is among `rendered`.
fn render_all(args: &RenderArgs, quiet: bool, rendered: &mut Rendered) -> Result<Option<&'static Preset>, Failure> {
    let picture = &args.picture;
    let clock = Stopwatch::start();
    let shot = OpenShot::read(args.shot.as_deref(), picture, Kind::Still)?;
    let planned = picture.plan(Kind::Still, 1, &args.inputs, shot.as_ref())?;
    let mut session = Session::open(picture, &planned, quiet)?;
    match &shot {
        Some(shot) => {
            let targets = targets(&picture.output, &planned.plan.files, &[shot.stem()])?;
            shot.take_places(&mut session.places)?;
            targets.iter().try_for_each(|target| target.take_places(&mut session.places))?;
            let subject = shot.subject(picture, &planned, &session.interrupt.cancel);
            let result = subject.and_then(|(subject, pictures)| {
                let shot = pictures.into_still()?;
                session.render(subject, |_| Ok(shot), targets.first(), clock)
            });
            rendered.add(0, result);
        }
        None => {
            refuse_words(&args.inputs)?;
            let inputs = Input::list(&args.inputs, &args.sample)?;
            let stems: Vec<String> = inputs.iter().map(Input::stem).collect();
            inputs.iter().try_for_each(|input| input.take_place(&mut session.places))?;
            let targets = targets(&picture.output, &planned.plan.files, &stems)?;
            targets.iter().try_for_each(|target| target.take_places(&mut session.places))?;
            let mut clock = Stopwatch::start();
            let common = Common::read(picture, &planned)?;
            for (i, input) in inputs.iter().enumerate() {
                let subject = common.subject(input, &session.interrupt.cancel);
                let shot = |subject: &mut Subject| common.shot(subject);
                let result = subject.and_then(|subject| session.render(subject, shot, targets.get(i), clock));
                // What is wrong with one input says nothing about the others.
                if !rendered.add(i, result) {
                    break;
                }
                clock = Stopwatch::start();
            }
        }
    }
    Ok(planned.plan.preset())
}

/// What stays from picture to picture.
pub(crate) struct Session<'a> {
    pub(crate) args: &'a PictureArgs,
    pub(crate) planned: &'a Planned,
    pub(crate) quiet: bool,
    pub(crate) interrupt: Interrupt,
    /// What is read and written.
    pub(crate) places: Places,
    /// Made when the first input has been read: a broken file loads no driver.
    renderer: Option<Renderer>,
}

impl<'a> Session<'a> {
    /// Takes over Ctrl-C, and keeps to the threads that are asked for.
    pub(crate) fn open(args: &'a PictureArgs, planned: &'a Planned, quiet: bool) -> Result<Self, Failure> {
        args.threads.use_threads()?;
        let places = args.places(planned)?;
        Ok(Self { args, planned, quiet, interrupt: Interrupt::install()?, places, renderer: None })
    }

    /// How pictures of a shot are taken.
    pub(crate) fn taking(&self, shot: &Shot) -> Taking {
        let mut taking = self.planned.plan.taking([shot.film.width_px, shot.film.height_px]);
        if self.args.output.output.is_none() {
            taking.formats.clear();
        }
        taking
    }

    fn render(
        &mut self,
        mut subject: Subject,
        shot: impl FnOnce(&mut Subject) -> Result<Shot, Failure>,
        target: Option<&Target>,
        mut clock: Stopwatch,
    ) -> Result<RenderResult, Failure> {
        let mut seconds = Seconds { import: clock.lap(), ..Seconds::default() };
        let shot = shot(&mut subject)?;
        if let Some(target) = target {
            target.check_size([shot.film.width_px, shot.film.height_px])?;
        }
        let output = &self.args.output;
        if output.dump_shot.is_some() {
            self.dump(&subject, &Pictures::Still(Box::new(shot.clone())))?;
        }
        if let Some(path) = &output.report {
            files::check_writable(path)?;
        }
        let preflight = self.preflight(&mut subject);
        self.check_memory(&shot, 1, &preflight)?;

        clock.lap();
        let samples_max = shot.film.samples;
        let ready = self.load(&subject, shot)?;
        seconds.prepare = clock.lap();
        let taken = self.sample(&ready, &subject.origin.name)?;
        clock.lap();
        let written = self.write(&taken, target)?;
        let picture = &taken.picture;
        seconds = Seconds { encode: clock.lap(), total: clock.total(), ..with_render(seconds, picture) };
        let mut warm = Vec::new();
        for _ in 1..output.repeat {
            let mut clock = Stopwatch::start();
            let taken = self.sample(&ready, &subject.origin.name)?;
            clock.lap();
            self.write(&taken, target)?;
            let again = with_render(Seconds::default(), &taken.picture);
            warm.push(Seconds { encode: clock.lap(), total: clock.total(), ..again });
        }
        let result = RenderResult {
            output: target.map(Target::output),
            more_outputs: target.map(Target::more_outputs).unwrap_or_default(),
            noisy_outputs: target.map(|target| target.noisy_outputs(&taken)).unwrap_or_default(),
            width: picture.linear.width_px,
            height: picture.linear.height_px,
            samples_max,
            samples_mean: picture.samples_mean,
            noise: picture.noise,
            denoised: picture.denoised,
            seconds,
            warm,
            rays: picture.rays,
            samples_per_second: samples_per_second(picture),
            look: subject.product.scene.look.word(),
            parts: subject.product.scene.parts.len(),
            unmapped_parts: subject.materials.unmapped(),
            design: subject.placement_report(),
            diagnostics: preflight.diagnostics.clone(),
            checks: preset::check(self.planned.plan.preset(), &taken, target, written.as_deref())?,
            device: taken.picture.device,
        };
        if let Some(path) = &output.report {
            let body = files::to_json(&Report { preflight: &preflight, render: &result })?;
            files::write(path, format!("{body}\n").as_bytes(), &self.interrupt)?;
        }
        if !self.quiet && !output.json {
            console::note(&result.summary());
        }
        Ok(result)
    }

    /// Writes the shot in effect where it is asked for.
    pub(crate) fn dump(&mut self, subject: &Subject, pictures: &Pictures) -> Result<(), Failure> {
        let (Some(path), Some(first)) = (&self.args.output.dump_shot, pictures.first()) else { return Ok(()) };
        let when = self.taking(first).needed_versions(first.view.transform).when();
        let ChosenDenoiser { with, quality } = self.planned.denoiser;
        let noise = match when {
            // With what it would be removed says nothing then.
            Denoise::Off => Noise { when, ..Noise::default() },
            Denoise::Auto | Denoise::On => Noise { when, with, quality },
        };
        let lines = self.planned.plan.shot_lines();
        let settings = DumpSettings { noise, lines: lines.as_ref() };
        dump::dump(path, subject, pictures, &settings, (&mut self.places, &self.interrupt))
    }

    /// What was noticed before anything is rendered, said to a person.
    pub(crate) fn preflight(&self, subject: &mut Subject) -> Preflight {
        let mut preflight = Preflight::new(&subject.product, &subject.materials, &subject.diagnostics, false);
        preflight.diagnostics.iter_mut().for_each(|finding| finding.at = table::place(&finding.at));
        self.warn(subject, &preflight);
        preflight
    }

    /// Says what a person must know even if nobody asks: first of all, what will be magenta.
    fn warn(&self, subject: &Subject, preflight: &Preflight) {
        let materials = &subject.materials;
        if materials.unmapped() > 0 {
            let (n, of) = (materials.unmapped(), materials.parts.len());
            let (shown, help) = unmapped_shown(self.planned.plan.on_unmapped(), materials.unmapped_material());
            let names = materials.unmapped_names();
            let have = if n == 1 { "has" } else { "have" };
            console::warn_with_help(&format!("{n} of {of} parts {have} no material: {names}; {shown}"), help);
        }
        // Without a map only names that the library should have are looked for.
        let of_file = |item: &&ReportItem| item.material.is_none() && item.reason.is_none();
        let n_of_file = materials.report.iter().flat_map(|report| &report.items).filter(of_file).count();
        if let Some(on_unmapped @ (OnUnmapped::Magenta | OnUnmapped::Fail)) = self.planned.given.options.on_unmapped
            && n_of_file > 0
        {
            let (of, word) = (materials.parts.len(), on_unmapped.word());
            let keep = if n_of_file == 1 { "looks" } else { "look" };
            let message =
                format!("{n_of_file} of {of} parts {keep} as in the file, whatever `--on-unmapped {word}` says");
            console::warn_with_help(&message, "it is for the parts of a material map: give one with --material-map");
        }
        let output = &self.args.output;
        let keeps_something = output.output.is_some() || output.report.is_some() || output.dump_shot.is_some();
        if !(keeps_something || output.json) {
            console::warn("there is no -o: what is rendered is not kept");
        }
        if !self.args.output.json {
            let others = preflight.diagnostics.iter().filter(|finding| finding.code != "unmapped_part");
            console::print_findings(&others.cloned().collect::<Vec<_>>());
        }
    }

    /// What computes.
    pub(crate) fn renderer(&mut self) -> Result<&Renderer, Failure> {
        if self.renderer.is_none() {
            let oidn = match self.planned.plan.denoise() {
                Denoise::Off => None,
                Denoise::Auto | Denoise::On => self.planned.denoiser.open()?,
            };
            self.renderer = Some(self.args.threads.renderer(self.planned.plan.options.device.as_deref(), oidn)?);
        }
        Ok(self.renderer.as_ref().expect("made just above"))
    }

    /// Refuses before work starts pictures like this one that there is no memory for.
    pub(crate) fn check_memory(&mut self, shot: &Shot, n: usize, preflight: &Preflight) -> Result<(), Failure> {
        let taking = self.taking(shot);
        let device = self.renderer()?.device().clone();
        let n = u32::try_from(n).unwrap_or(u32::MAX);
        let need = MemoryNeed::new(&taking, shot, n, preflight.stats.device_bytes_estimate, device.kind);
        let option = option_or_variable("--device", "PACKSHOT_DEVICE");
        need.check_device(&device).map_err(|error| Failure::from(error).at_option(option))?;
        self.args.threads.check_memory(need)
    }

    /// Brings a product onto the device, for any number of shots.
    pub(crate) fn prepare(&mut self, subject: &Subject, floor: Option<&Floor>) -> Result<ResidentProduct, Failure> {
        let cancel = self.interrupt.cancel.clone();
        Ok(self.renderer()?.prepare(&subject.product, &subject.materials, floor, &cancel)?)
    }

    fn load(&mut self, subject: &Subject, shot: Shot) -> Result<ReadyShot, Failure> {
        let (cancel, needed) = (self.interrupt.cancel.clone(), self.needed_versions(&shot));
        Ok(self.renderer()?.load(&subject.product, &subject.materials, shot, needed, &cancel)?)
    }

    pub(crate) fn sample(&self, ready: &ReadyShot, name: &str) -> Result<Taken, Failure> {
        let film = &ready.shot().film;
        let taking = self.taking(ready.shot());
        let is_quiet = self.quiet || taking.is_drawing;
        let bar = RenderBar::new(name, u64::from(film.width_px) * u64::from(film.height_px), is_quiet);
        let show = |progress| bar.show(progress);
        let control = RenderControl { progress: &show, ..RenderControl::new(&self.interrupt.cancel) };
        Ok(taking.take(ready, &control)?)
    }

    /// Which versions of a shot's picture its files need.
    pub(crate) fn needed_versions(&self, shot: &Shot) -> NeededVersions {
        self.taking(shot).needed_versions(shot.view.transform)
    }

    /// Writes a picture, and gives the bytes of its file.
    fn write(&self, taken: &Taken, target: Option<&Target>) -> Result<Option<Vec<u8>>, Failure> {
        target.map(|target| target.write(taken, &self.interrupt)).transpose()
    }
}

fn with_render(seconds: Seconds, picture: &Picture) -> Seconds {
    let denoise = picture.denoised.map_or(0.0, |done| done.seconds);
    Seconds { render: picture.render_s, render_cpu: picture.render_cpu_s, denoise, ..seconds }
}

/// Refuses `--clay false`: a flag takes its word after `=`, so here the word was read as a file.
fn refuse_words(inputs: &[PathBuf]) -> Result<(), Failure> {
    let is_word = |input: &&PathBuf| ["true", "false"].iter().any(|word| input.as_os_str() == *word) && !input.exists();
    let Some(word) = inputs.iter().find(is_word).map(|word| word.display().to_string()) else { return Ok(()) };
    let arguments: Vec<String> = std::env::args_os().map(|argument| argument.to_string_lossy().into_owned()).collect();
    let before = arguments.windows(2).find(|pair| pair[1] == word && pair[0].starts_with("--"));
    let Some(flag) = before.map(|pair| &pair[0]) else { return Ok(()) };
    let message = format!("`{word}` stands alone after `{flag}`, and would be read as a file");
    Err(Failure::usage("invalid_value", message, flag, format!("write `{flag}={word}`")))
}

/// How parts without a material look, and what to do about it; `material` is the one that they are shown in.
fn unmapped_shown(on_unmapped: OnUnmapped, material: Option<&str>) -> (String, &'static str) {
    let builtin = Library::builtin();
    let magenta = builtin.material(builtin.fallback()).id.as_str();
    match (on_unmapped, material) {
        (OnUnmapped::Keep, _) => (
            "shown as in the file".to_owned(),
            "give each a material in the material map; `packshot preflight` says why it has none",
        ),
        (OnUnmapped::Magenta | OnUnmapped::Fail, shown) => {
            let shown = shown.filter(|id| *id != magenta).unwrap_or("magenta");
            let help = "give each a material in the material map (`packshot preflight` says why it has none), or \
                        --on-unmapped keep to show them as in the file";
            (format!("shown in {shown}"), help)
        }
    }
}
