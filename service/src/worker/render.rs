//! The render step: from a product with materials to encoded pictures.

use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use packshot_pipeline::denoise::Denoise;
use packshot_pipeline::picture::Picture;
use packshot_pipeline::render::{PREVIEW_SIDE_MAX_PX, ReadyShot};
use packshot_pipeline::timing::{Seconds, Stopwatch};
use packshot_renderer::backend::{RenderControl, Snapshot};
use packshot_renderer::shot::Shot;
use serde_json::{Value, json};

use super::device::Device;
use super::documents::documents;
use super::engine::{Engine, Job};
use super::failpoint::Failpoint;
use super::failure::Stopped;
use super::meter::Meter;
use super::preview::{Previews, snapshots};
use super::protocol::{Completed, DocumentFile, Failure, OutputFile, PREVIEW_NAME, Preview};
use super::shot;
use super::steps::{Facts, Step, facts};
use super::subject::{Subject, build_shot};
use crate::domain::task::FaultKind;
use crate::wire::Word;
use crate::wire::preflight::Preflight;
use crate::wire::request::Format;

/// Memory that one pixel takes while a picture is made: its sums, its mean, its display values and the encoder's copy, bytes.
const BYTES_PER_PIXEL: u64 = 128;

/// Frames, prepares, samples and encodes.
pub(super) fn run(
    engine: &Engine,
    job: &Job<'_>,
    subject: &Subject,
    device: &Device,
    step: &Step<'_>,
) -> Result<(Completed, Facts), Stopped> {
    let mut clock = Stopwatch::start();
    let environment = engine.environment(job)?;
    let (shot, found) = build_shot(job.input, &subject.product, environment)?;
    let preflight = subject.preflight(job.input, &found);
    fits(engine, device, &shot, preflight.stats.device_bytes_estimate)?;
    job.go_on()?;
    let resident = engine.resident(job, subject, shot.floor.as_ref(), device)?;
    let ready = engine.with_room(device, || resident.ready(shot.clone()))?;
    let mut seconds = Seconds { prepare: clock.lap(), ..Seconds::default() };

    Failpoint::Render.pass();
    let time_max = job.input.request.max_time_s.map(Duration::from_secs_f64);
    let (meter, previews) = (Meter::new(job.emit, step, time_max), Previews::new(job.emit, &ready));
    let picture = ready.render(&RenderControl {
        cancel: job.cancel,
        progress: &|progress| meter.show(progress),
        time_max,
        snapshots: Some(snapshots(&|snapshot| previews.take(&snapshot))),
        counts: None,
    })?;
    engine.n_renders.fetch_add(1, Ordering::Relaxed);
    clock.lap();

    Failpoint::Encode.pass();
    let denoise = shot::denoise(&job.input.request);
    let is_shown = |&format: &Format| {
        denoise.applies(Some(shot::picture_format(&job.input.request, format)), picture.view.transform)
    };
    let denoised = match job.input.request.formats.iter().any(is_shown) {
        true => Some(ready.denoised(picture.clone(), job.cancel)?),
        false => None,
    };
    let denoise_s = clock.lap();
    let files = encode(job, denoise, &picture, denoised.as_ref())?;
    let mut documents = documents(job.input, subject, ready.shot(), &engine.rig_files)?;
    let last = LastPreview::new(job, &ready, denoised.as_ref().unwrap_or(&picture), &files)?;
    documents.extend(last.document);
    previews.end(last.preview);
    seconds = Seconds {
        render: picture.render_s,
        render_cpu: picture.render_cpu_s,
        denoise: denoise_s,
        encode: clock.lap(),
        total: job.begun.elapsed().as_secs_f64(),
        ..seconds
    };
    let unmapped_parts = u32::try_from(subject.materials.unmapped()).unwrap_or(u32::MAX);
    let output = json!({
        "width": picture.linear.width_px,
        "height": picture.linear.height_px,
        "samples_mean": picture.samples_mean,
        "noise_reached": picture.noise,
        "seconds": seconds,
    });
    let completed = Completed {
        report: report(&Preflight::from(&preflight), job, &picture, &seconds),
        duration_s: job.begun.elapsed().as_secs_f64(),
        samples_mean: picture.samples_mean,
        noise_reached: picture.noise,
        unmapped_parts,
        device: device.info.clone(),
        files,
        documents,
    };
    Ok((completed, facts(output)))
}

/// Refuses before work starts what the device has no memory for.
fn fits(engine: &Engine, device: &Device, shot: &Shot, scene_bytes: u64) -> Result<(), Stopped> {
    let Some(offered) = engine.memory_bytes_max.or(device.memory_bytes) else { return Ok(()) };
    let n_pixels = u64::from(shot.film.width_px) * u64::from(shot.film.height_px);
    let needed = scene_bytes.saturating_add(n_pixels * BYTES_PER_PIXEL);
    if needed <= offered {
        return Ok(());
    }
    let detail = format!("the scene and its picture need about {needed} bytes of memory, the device has {offered}");
    Err(Failure::new(FaultKind::Input, "device_out_of_memory", detail).into())
}

/// The files of the request's formats, in its order: of the denoised picture where that is for the format.
fn encode(
    job: &Job<'_>,
    denoise: Denoise,
    noisy: &Picture,
    denoised: Option<&Picture>,
) -> Result<Vec<OutputFile>, Stopped> {
    let request = &job.input.request;
    let mut files = Vec::with_capacity(request.formats.len());
    for &format in &request.formats {
        job.go_on()?;
        let encoded = shot::picture_format(request, format);
        let is_denoised = denoise.applies(Some(encoded), noisy.view.transform);
        let picture = denoised.filter(|_| is_denoised).unwrap_or(noisy);
        let bytes = picture.encode(encoded)?;
        files.push(OutputFile {
            name: format!("result.{}", format.word()),
            format: format.word().to_owned(),
            width: picture.linear.width_px,
            height: picture.linear.height_px,
            bytes: bytes.into(),
        });
    }
    job.go_on()?;
    Ok(files)
}

/// The finished picture as a preview.
struct LastPreview {
    preview: Preview,
    /// To be kept, unless one of the files can be shown as it is.
    document: Option<DocumentFile>,
}

impl LastPreview {
    fn new(job: &Job<'_>, ready: &ReadyShot, picture: &Picture, files: &[OutputFile]) -> Result<Self, Stopped> {
        let samples_done = job.input.request.samples;
        let shown = |png: &Bytes, width, height| Preview { png: png.clone(), width, height, samples_done };
        let is_shown = |file: &&OutputFile| {
            file.format == Format::Png.word() && file.width.max(file.height) <= PREVIEW_SIDE_MAX_PX
        };
        if let Some(file) = files.iter().find(is_shown) {
            return Ok(Self { preview: shown(&file.bytes, file.width, file.height), document: None });
        }
        let image = picture.linear.clone().shrunk(PREVIEW_SIDE_MAX_PX);
        let (width, height) = (image.width_px, image.height_px);
        let png = Bytes::from(ready.preview(&Snapshot { samples: samples_done, image })?);
        let preview = shown(&png, width, height);
        let (name, format, media_type) = (PREVIEW_NAME.to_owned(), "preview".to_owned(), "image/png".to_owned());
        Ok(Self { preview, document: Some(DocumentFile { name, format, media_type, address: None, bytes: png }) })
    }
}

/// What `report.json` holds: the preflight body, and the render.
fn report(preflight: &Preflight, job: &Job<'_>, picture: &Picture, seconds: &Seconds) -> Value {
    let mut report = serde_json::to_value(preflight).map(facts).unwrap_or_default();
    let render = json!({
        "width": picture.linear.width_px,
        "height": picture.linear.height_px,
        "samples_max": job.input.request.samples,
        "samples_mean": picture.samples_mean,
        "noise_reached": picture.noise,
        "seconds": seconds,
        "rays": picture.rays,
        "device": picture.device,
    });
    report.insert("render".to_owned(), render);
    Value::Object(report)
}
