//! The render step: from a product with materials to encoded pictures, one or many.

use std::sync::atomic::Ordering;

use bytes::Bytes;
use packshot_pipeline::error::Error;
use packshot_pipeline::memory::{MemoryLimit, MemoryNeed};
use packshot_pipeline::picture::{Picture, provenance_of};
use packshot_pipeline::pictures::Pictures;
use packshot_pipeline::plan::words::FileFormat;
use packshot_pipeline::render::{PREVIEW_SIDE_MAX_PX, ReadyShot, ResidentProduct};
use packshot_pipeline::sequence::{add_picture, take_each};
use packshot_pipeline::taken::Taken;
use packshot_pipeline::timing::{Seconds, Stopwatch};
use packshot_pipeline::verify::Check;
use packshot_renderer::backend::{RenderControl, Snapshot};
use packshot_renderer::encode::{self, Metadata, PngDepth};
use packshot_renderer::shot::{Floor, Shot};
use packshot_words::Word;
use serde_json::{Value, json};

use super::checks::{self, Checked, Checks};
use super::device::Device;
use super::documents::documents;
use super::engine::{Attempt, Engine};
use super::failpoint::Failpoint;
use super::failure::Stopped;
use super::files::{About, Encoded, Files};
use super::kept::{self, Found, Keeper, Whole};
use super::made_with::MadeWith;
use super::meter::Meter;
use super::preview::{Previews, snapshots};
use super::protocol::{Completed, DocumentFile, Failure, OutputFile, PREVIEW_NAME, Preview, Rejected, WorkEvent};
use super::quota::Quota;
use super::series;
use super::steps::{Facts, Step, facts};
use super::subject::Subject;
use super::unmapped;
use packshot_contract::preflight::Preflight;
use packshot_domain::event::LogLevel;
use packshot_domain::task::FaultKind;

/// Frames, prepares, samples and encodes.
pub(super) fn run(
    engine: &Engine,
    job: &Attempt<'_>,
    subject: &Subject,
    device: &Device,
    step: &Step<'_>,
) -> Result<(Completed, Facts), Stopped> {
    let mut clock = Stopwatch::start();
    let plan = &job.input.plan;
    let environment = engine.environment(job)?;
    let (pictures, found) = series::build(plan, &subject.product, environment)?;
    let Some(first) = pictures.shots().next() else {
        return Err(Failure::new(FaultKind::Input, "shot.missing", "the request asks for no picture").into());
    };
    let preflight = subject.preflight(job.input, &found);
    let about = About {
        size_px: [first.film.width_px, first.film.height_px],
        n: pictures.n(),
        provenance: provenance_of(&subject.product, &subject.materials, &first),
    };
    let files = Files::begin(plan, about, &engine.scratch, Quota::new(job.output_bytes_max))?;
    let needed = plan.taking([first.film.width_px, first.film.height_px]).needed_versions(first.view.transform);
    let scene_bytes = preflight.stats.device_bytes_estimate;
    for shot in pictures.shots() {
        let taking = plan.taking([shot.film.width_px, shot.film.height_px]);
        let kind = device.renderer.device().kind;
        fits(engine, job, device, MemoryNeed::new(&taking, &shot, pictures.n(), scene_bytes, kind))?;
    }
    job.go_on()?;

    let (found, keeper) = keeping(engine, job, device, &pictures, step);
    let time_max = plan.time_max();
    let (meter, previews) =
        (Meter::new(job.emit, step, time_max, pictures.n(), series::noun(&pictures)), Previews::new(job.emit));
    let mut taker = PictureTaker {
        engine,
        job,
        subject,
        device,
        meter: &meter,
        previews: &previews,
        found,
        n_kept: 0,
        resident: None,
        prepare_s: clock.lap(),
    };
    let mut desk = Desk {
        job,
        pictures: &pictures,
        files,
        previews: &previews,
        keeper,
        taken: Totals::default(),
        last: Vec::new(),
        preview: None,
    };
    take_each(pictures.shots().enumerate(), |(i, shot)| taker.take(i as u32, shot), |shown| desk.finish(shown))?;
    let prepare_s = taker.prepare_s;
    clock.lap();
    let Desk { files, mut taken, last, preview, .. } = desk;
    files.finish(|file| (job.emit)(WorkEvent::File(file)))?;
    job.go_on()?;
    let Checked { checks, broken } = std::mem::take(&mut taken.checks).finish(plan, &pictures);
    let mut documents = documents(job.input, subject, &pictures, needed, &engine.rig_files)?;
    documents.extend(preview);
    let seconds = Seconds {
        prepare: prepare_s,
        encode: taken.seconds.encode + clock.lap(),
        total: job.begun.elapsed().as_secs_f64(),
        ..taken.seconds
    };
    let made_with = Box::new(MadeWith::of(engine, job, subject, device, &first)?);
    let unmapped_parts = u32::try_from(subject.materials.unmapped()).unwrap_or(u32::MAX);
    let report_of_parts = subject.materials.report.as_ref();
    let unmapped = report_of_parts.map(|of| unmapped::of(&subject.product, of, plan.on_unmapped())).unwrap_or_default();
    let output = json!({
        "width": first.film.width_px,
        "height": first.film.height_px,
        "pictures": pictures.n(),
        "samples_mean": taken.samples_mean(),
        "noise_reached": taken.noise(),
        "seconds": seconds,
    });
    let completed = Completed {
        report: report(&Preflight::from(&preflight), job, &first, &taken, &seconds, &checks),
        duration_s: job.begun.elapsed().as_secs_f64(),
        samples_mean: taken.samples_mean(),
        noise_reached: taken.noise(),
        unmapped_parts,
        unmapped,
        device: device.info.clone(),
        made_with,
        files: last,
        documents,
    };
    match broken {
        None => Ok((completed, facts(output))),
        Some(failure) => Err(Stopped::Rejected(Box::new(Rejected { completed, failure }))),
    }
}

/// Takes pictures.
struct PictureTaker<'a> {
    engine: &'a Engine,
    job: &'a Attempt<'a>,
    subject: &'a Subject,
    device: &'a Device,
    meter: &'a Meter<'a>,
    previews: &'a Previews<'a>,
    /// Pictures that earlier attempts finished.
    found: Found,
    /// How many of these were taken over.
    n_kept: u32,
    /// The product on its floor, which nearly always is that of all pictures.
    resident: Option<(Option<Floor>, ResidentProduct)>,
    prepare_s: f64,
}

/// A picture on its way into its files.
enum Shown {
    /// One that was taken now.
    Now {
        i: u32,
        taken: Box<Taken>,
        /// Of the first picture: what is shown of it where none of its files can be.
        preview: Option<Preview>,
    },
    /// One that an earlier attempt finished.
    Before { i: u32, whole: Whole },
}

impl PictureTaker<'_> {
    fn take(&mut self, i: u32, shot: Shot) -> Result<Shown, Stopped> {
        let (engine, job) = (self.engine, self.job);
        job.go_on()?;
        if let Some(whole) = self.found.picture(i) {
            self.n_kept += 1;
            return Ok(Shown::Before { i, whole });
        }
        let mut clock = Stopwatch::start();
        let resident = match &self.resident {
            Some((floor, resident)) if *floor == shot.floor => resident.clone(),
            _ => {
                let resident = engine.resident(job, self.subject, shot.floor.as_ref(), self.device)?;
                self.resident = Some((shot.floor.clone(), resident.clone()));
                resident
            }
        };
        let needed =
            job.input.plan.taking([shot.film.width_px, shot.film.height_px]).needed_versions(shot.view.transform);
        let ready = engine.with_room(self.device, || resident.ready(shot.clone(), needed))?;
        self.prepare_s += clock.lap();

        Failpoint::Render.pass();
        self.meter.begin(i, self.n_kept, ready.n_groups(job.input.plan.aovs()));
        let taken = self.sample(&ready)?;
        let preview = if i == 0 { preview(job, &ready, &taken.picture) } else { Ok(None) };
        // The picture does not need it.
        let preview = preview.unwrap_or_else(|error| {
            tracing::warn!("no preview: {error}");
            None
        });
        Ok(Shown::Now { i, taken: Box::new(taken), preview })
    }

    /// Renders a picture, or draws it where lines alone are asked for.
    fn sample(&self, ready: &ReadyShot) -> Result<Taken, Stopped> {
        let (job, film) = (self.job, &ready.shot().film);
        let taking = job.input.plan.taking([film.width_px, film.height_px]);
        let watch = |snapshot| self.previews.take(ready, &snapshot);
        let show = |progress| self.meter.show(progress);
        let control = RenderControl {
            cancel: job.cancel,
            progress: &show,
            time_max: None,
            snapshots: Some(snapshots(&watch)),
            counts: None,
        };
        let taken = taking.take(ready, &control)?;
        if !taking.is_drawing {
            self.engine.n_renders.fetch_add(1, Ordering::Relaxed);
        }
        Ok(taken)
    }
}

/// Where pictures become files, while the next one is taken.
struct Desk<'a> {
    job: &'a Attempt<'a>,
    pictures: &'a Pictures,
    files: Files,
    previews: &'a Previews<'a>,
    /// Where finished pictures are kept for another attempt.
    keeper: Keeper,
    taken: Totals,
    /// The files of a job's only picture.
    last: Vec<OutputFile>,
    /// The first picture as a preview, unless one of the files can be shown as it is.
    preview: Option<DocumentFile>,
}

impl Desk<'_> {
    fn finish(&mut self, shown: Shown) -> Result<(), Stopped> {
        let mut clock = Stopwatch::start();
        self.job.go_on()?;
        match shown {
            Shown::Now { i, taken, preview } => self.finish_taken(i, &taken, preview)?,
            Shown::Before { i, whole } => self.take_over(i, whole)?,
        }
        self.taken.seconds.encode += clock.lap();
        Ok(())
    }

    fn finish_taken(&mut self, i: u32, taken: &Taken, preview: Option<Preview>) -> Result<(), Stopped> {
        Failpoint::Encode.pass();
        let (name, picture) = (series::name(self.pictures, i), &taken.picture);
        let encoded = self.files.encode(&name, taken)?;
        let measured = checks::measure(&self.job.input.plan, picture, &encoded.files)?;
        if i > 0 {
            self.previews.offer(|| displayed(picture, samples_of(self.job)));
        }
        add_picture(&mut self.taken.seconds, picture);
        let kept =
            kept::Picture::new(picture.samples_mean, picture.noise, picture.rays, json!(picture.device), measured);
        if self.keeper.is_open() {
            let mut parts = encoded.parts()?;
            parts.extend(
                preview
                    .iter()
                    .map(|shown| (kept::What::Preview { width: shown.width, height: shown.height }, shown.png.clone())),
            );
            self.keeper.keep(i, kept.clone(), &parts);
        }
        self.give(i, &name, kept, encoded, preview)
    }

    /// Takes a picture as an earlier attempt finished it.
    fn take_over(&mut self, i: u32, Whole { picture, parts }: Whole) -> Result<(), Stopped> {
        let Some(encoded) = self.files.kept(&parts)? else {
            self.keeper.give_up();
            let detail = "a picture that an earlier attempt finished cannot be read";
            return Err(Failure::infrastructure("worker_disk", detail).into());
        };
        let samples_done = samples_of(self.job);
        let preview = parts.into_iter().find_map(|(what, png)| match what {
            kept::What::Preview { width, height } => Some(Preview { png, width, height, samples_done }),
            _ => None,
        });
        self.give(i, &series::name(self.pictures, i), picture, encoded, preview)
    }

    /// Hands over the outputs of a picture.
    fn give(
        &mut self,
        i: u32,
        name: &str,
        picture: kept::Picture,
        encoded: Encoded,
        preview: Option<Preview>,
    ) -> Result<(), Stopped> {
        let files = self.files.take(name, encoded)?;
        if i == 0 {
            let png = files.iter().find(|file| file.format == FileFormat::Png.word());
            let samples_done = samples_of(self.job);
            let of_file = |file: &OutputFile| Preview {
                png: file.bytes.clone(),
                width: file.width,
                height: file.height,
                samples_done,
            };
            if let Some(shown) = preview.clone().or_else(|| png.map(of_file)) {
                self.previews.end(shown);
            }
            self.preview = preview.map(|preview| DocumentFile {
                name: PREVIEW_NAME.to_owned(),
                format: "preview".to_owned(),
                media_type: "image/png".to_owned(),
                address: None,
                bytes: preview.png,
            });
        }
        match self.pictures {
            Pictures::Still(_) => self.last = files,
            Pictures::Views(_) | Pictures::Turntable { .. } => {
                files.into_iter().for_each(|file| (self.job.emit)(WorkEvent::File(file)));
                (self.job.emit)(WorkEvent::Picture);
            }
        }
        self.taken.add(name, picture);
        Ok(())
    }
}

/// Finished pictures of earlier attempts at a series, and where this one keeps its own.
fn keeping(
    engine: &Engine,
    job: &Attempt<'_>,
    device: &Device,
    pictures: &Pictures,
    step: &Step<'_>,
) -> (Found, Keeper) {
    let Some(render) = job.kept_as.filter(|_| !matches!(pictures, Pictures::Still(_))) else {
        return (Found::default(), Keeper::default());
    };
    let request = kept::request(engine.program, job.input, device);
    let (found, keeper) = kept::open(&engine.scratch, (render, series::noun(pictures)), &request, pictures.n());
    if found.n() > 0 {
        let line =
            format!("resuming: {} of {} {} are finished already", found.n(), pictures.n(), series::noun(pictures));
        step.note(LogLevel::Info, &line, json!({ "finished": found.n() }));
    }
    (found, keeper)
}

/// Costs and results of pictures.
#[derive(Debug, Default)]
struct Totals {
    seconds: Seconds,
    rays: u64,
    samples_mean: f64,
    /// Of those pictures whose noise is known.
    noise: Vec<f64>,
    pictures: Vec<Value>,
    device: Option<Value>,
    /// Against the rules of a preset.
    checks: Checks,
}

impl Totals {
    fn add(&mut self, name: &str, picture: kept::Picture) {
        let kept::Picture { samples_mean, noise, rays, device, measured, .. } = picture;
        self.rays += rays;
        self.samples_mean += samples_mean;
        self.noise.extend(noise);
        self.pictures.push(json!({
            "name": name,
            "samples_mean": samples_mean,
            "noise_reached": noise,
            "rays": rays,
        }));
        self.device.get_or_insert(device);
        self.checks.take(measured);
    }

    /// Of all pictures.
    fn samples_mean(&self) -> f64 {
        self.samples_mean / self.pictures.len().max(1) as f64
    }

    /// Of all pictures whose noise is known.
    fn noise(&self) -> Option<f64> {
        let sum: f64 = self.noise.iter().sum();
        (!self.noise.is_empty()).then(|| sum / self.noise.len() as f64)
    }
}

/// Refuses a render that does not fit into memory, before it starts. Products that are only kept for later make room if
/// that is enough.
fn fits(engine: &Engine, job: &Attempt<'_>, device: &Device, need: MemoryNeed) -> Result<(), Stopped> {
    need.check_device(device.renderer.device())?;
    let machine = engine.memory_bytes_max.or(device.host_memory_bytes);
    let Some(limit) = MemoryLimit::least(machine, job.memory_bytes_max) else { return Ok(()) };
    need.check(limit)?;
    engine.make_room(need, limit);
    Ok(())
}

/// A finished picture as a preview; `None` where its PNG is one.
fn preview(job: &Attempt<'_>, ready: &ReadyShot, picture: &Picture) -> Result<Option<Preview>, Error> {
    let side_px = picture.linear.width_px.max(picture.linear.height_px);
    let has_png = job.input.plan.files.iter().any(|file| file.format == FileFormat::Png);
    if has_png && side_px <= PREVIEW_SIDE_MAX_PX {
        return Ok(None);
    }
    let samples_done = samples_of(job);
    if picture.lines.is_some() {
        return displayed(picture, samples_done).map(Some);
    }
    let image = picture.radiance().into_owned().shrunk(PREVIEW_SIDE_MAX_PX);
    let (width, height) = (image.width_px, image.height_px);
    let png = Bytes::from(ready.preview(&Snapshot { samples: samples_done, image })?);
    Ok(Some(Preview { png, width, height, samples_done }))
}

/// Samples per pixel, at most.
fn samples_of(job: &Attempt<'_>) -> u32 {
    job.input.plan.options.samples.unwrap_or(0)
}

/// A finished picture as it is shown, as a preview.
fn displayed(picture: &Picture, samples_done: u32) -> Result<Preview, Error> {
    let shown = picture.display().shrunk(PREVIEW_SIDE_MAX_PX);
    let (width, height) = (shown.width_px, shown.height_px);
    let png = encode::png(&shown, PngDepth::Eight, &Metadata::default()).map_err(Error::from)?;
    Ok(Preview { png: png.into(), width, height, samples_done })
}

/// What `report.json` holds: the preflight body, and the render.
fn report(
    preflight: &Preflight,
    job: &Attempt<'_>,
    first: &Shot,
    taken: &Totals,
    seconds: &Seconds,
    checks: &[Check],
) -> Value {
    let mut report = serde_json::to_value(preflight).map(facts).unwrap_or_default();
    let render = json!({
        "width": first.film.width_px,
        "height": first.film.height_px,
        "samples_max": samples_of(job),
        "samples_mean": taken.samples_mean(),
        "noise_reached": taken.noise(),
        "seconds": seconds,
        "rays": taken.rays,
        "device": taken.device,
        "pictures": taken.pictures,
        "checks": checks,
    });
    report.insert("render".to_owned(), render);
    Value::Object(report)
}
