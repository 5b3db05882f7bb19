//! What goes into a worker and what comes out of it.
//!
//! A [`RenderWork`] is self-contained: content addresses, what the pictures are to be, the device. A worker answers
//! with [`WorkEvent`]s and never learns of databases, leases or HTTP. The same messages cross the pipe of a worker
//! process as JSON; pictures travel beside it as plain bytes (see `frame`).

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::made_with::MadeWith;
use super::unmapped::UnmappedPart;
use packshot_contract::document::GpuInfo;
use packshot_domain::event::LogLevel;
use packshot_domain::hash::ContentAddress;
use packshot_domain::id::{RenderId, TaskId};
use packshot_domain::step::StepName;
use packshot_domain::task::FaultKind;
use packshot_materials::aliases::AliasLayer;
use packshot_pipeline::plan::PicturePlan;
use packshot_renderer::backend::device::AdapterInfo;

/// Most bytes of a file: what one message of a worker process can carry.
pub const FILE_BYTES_MAX: u64 = 4 << 30;

/// One attempt at a render.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RenderWork {
    /// The task that this is an attempt at; names the attempt in logs.
    #[serde(with = "text")]
    pub task: TaskId,
    /// The job.
    #[serde(with = "text")]
    pub render: RenderId,
    /// 1 for the first.
    pub attempt: u32,
    /// What to do.
    pub input: RenderInput,
    /// Bytes of all files of the job, at most.
    pub output_bytes_max: u64,
    /// Bytes of memory that it may take, at most; `None`: what the machine or its container has.
    pub memory_bytes_max: Option<u64>,
    /// Whether finished pictures of a series are kept for another attempt. The caller who sets this removes them when
    /// the job has ended: [`forget`](super::kept::forget).
    pub keeps_finished: bool,
}

/// What a render depends on, and nothing else.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RenderInput {
    /// The GLB.
    #[serde(with = "text")]
    pub scene: ContentAddress,
    /// The environment map that was uploaded with the request: `.hdr` or `.exr`.
    #[serde(with = "text::option")]
    pub environment: Option<ContentAddress>,
    /// Material libraries over the built-in one, lowest first.
    pub libraries: Vec<LibraryFile>,
    /// The material for parts that nothing matches, where the tenant chose another than its library's.
    pub fallback_material: Option<String>,
    /// The tenant's own names for materials, over those of all libraries.
    #[serde(default, skip_serializing_if = "AliasLayer::is_empty")]
    pub aliases: AliasLayer,
    /// What to make; every option has its value in effect, the device too.
    pub plan: PicturePlan,
    /// The design that the product wears.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub design: Option<DesignInput>,
}

/// A design on a product.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DesignInput {
    /// The file of the design, which was checked.
    #[serde(with = "text")]
    pub design: ContentAddress,
    /// Its texture, once it was composed: a PNG.
    #[serde(with = "text::option")]
    pub texture: Option<ContentAddress>,
    /// Where it lies: `area`, `preset`, `placement`, `texture_px`.
    pub request: Value,
    /// The most pixels that it may have.
    pub pixels_max: u64,
}

/// A stored material library.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LibraryFile {
    /// Its file: a zip of TOML files, or one TOML file.
    #[serde(with = "text")]
    pub address: ContentAddress,
    /// Whether the job brought it by name; otherwise it is the tenant's own.
    pub of_job: bool,
}

/// What a worker reports.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WorkEvent {
    /// The attempt began. `pid` is that of the worker process, if it has one of its own.
    Began {
        /// Process id.
        pid: Option<u32>,
    },
    /// The device that computes, and why it was chosen; the adapter, if it is one.
    Device(GpuInfo, Option<Box<AdapterInfo>>),
    /// A step of the job document changed.
    Step(StepChange),
    /// A line of the job's log.
    Log(LogLine),
    /// How far sampling is; at most two a second.
    Progress(WorkProgress),
    /// The picture so far.
    Preview(Preview),
    /// One of several pictures is finished: a sign of progress, even if it does not become a file of its own.
    Picture,
    /// A file that is finished while the work goes on: one of many pictures, a movie, an archive. It counts if the work
    /// completes.
    File(OutputFile),
    /// How it ended: the last event.
    Finished(Box<Outcome>),
}

/// A change of one step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepChange {
    /// The step.
    #[serde(with = "text")]
    pub step: StepName,
    /// Its outcome.
    pub change: StepPhase,
}

/// Outcome of a step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepPhase {
    /// It began.
    Started {
        /// More members of its record, such as `engine` and `samples`.
        about: Map<String, Value>,
    },
    /// It is done.
    Done {
        /// How long it took, seconds.
        duration_s: f64,
        /// What came out.
        output: Map<String, Value>,
    },
    /// It failed.
    Failed {
        /// How long it took until then, seconds.
        duration_s: f64,
        /// Why.
        error: String,
    },
}

/// One line of a job's log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LogLine {
    /// The step that it belongs to.
    #[serde(with = "text")]
    pub step: StepName,
    /// Its level.
    #[serde(with = "text")]
    pub level: LogLevel,
    /// Its text, without line breaks and control characters: without the step's prefix, or with one of
    /// [`FIXED_PREFIXES`].
    pub message: String,
    /// Duration of the step in seconds, if the line reports its end.
    pub duration_s: Option<f64>,
    /// Structured details.
    pub context: Value,
}

/// Prefixes of some lines in place of the name of their step.
pub const FIXED_PREFIXES: [&str; 3] = ["[GPU_PROBE]", "[MATERIAL]", "[WORKER_RECOVERY]"];

impl LogLine {
    /// The line as a log shows it.
    pub fn text(&self) -> String {
        let has_prefix = FIXED_PREFIXES.iter().any(|prefix| self.message.starts_with(prefix));
        if has_prefix { self.message.clone() } else { self.step.log_line(&self.message) }
    }
}

/// How far sampling is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct WorkProgress {
    /// Samples so far of each pixel that is still sampled, over all pictures.
    pub samples_done: u32,
    /// Samples per pixel at most, over all pictures.
    pub samples_target: u32,
    /// Share of the work done, 0 to 100.
    #[serde(serialize_with = "finite")]
    pub progress_pct: f64,
    /// Seconds left at this pace; `None` before there is a pace.
    pub eta_s: Option<f64>,
}

/// The picture so far.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Preview {
    /// A PNG, display-referred, at most 1024 pixels along its longer side.
    #[serde(skip)]
    pub png: Bytes,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Samples per pixel in it.
    pub samples_done: u32,
}

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// There are pictures.
    Completed(Completed),
    /// There are pictures, and they break rules of their preset: the job has failed, and they are kept to be looked at.
    Rejected(Rejected),
    /// There are none.
    Failed(Failure),
    /// It was asked to stop, and did.
    Cancelled,
}

/// A finished render that is not what was asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rejected {
    /// The part that is kept.
    pub completed: Completed,
    /// Which rules it breaks.
    pub failure: Failure,
}

/// A finished render.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Completed {
    /// The files that were not sent before.
    pub files: Vec<OutputFile>,
    /// Further files that are kept with them, `shot.json` first.
    pub documents: Vec<DocumentFile>,
    /// What `report.json` holds: the preflight body, with what was rendered.
    pub report: Value,
    /// From the start of the attempt to the last encoded byte, seconds.
    pub duration_s: f64,
    /// Mean samples per pixel.
    #[serde(serialize_with = "finite")]
    pub samples_mean: f64,
    /// The noise that is left, in the measure of `noise_threshold`; `None` with one sample for each pixel, which says
    /// nothing about it.
    pub noise_reached: Option<f64>,
    /// Parts without a matching material.
    pub unmapped_parts: u32,
    /// Their names, with what the file says about them.
    pub unmapped: Vec<UnmappedPart>,
    /// The device that computed it.
    pub device: GpuInfo,
    /// What else is to be known about how it came about.
    pub made_with: Box<MadeWith>,
}

/// One finished file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OutputFile {
    /// Its name, such as `result.png`.
    pub name: String,
    /// Its format, a word of the request's.
    pub format: String,
    /// Pixels of the picture, or of those in it.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// The file.
    #[serde(skip)]
    pub bytes: Bytes,
}

/// The name of the document with the picture as a preview, where the result itself is none: not PNG, or larger.
pub const PREVIEW_NAME: &str = "preview.png";

/// A file about a render that is not a picture.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DocumentFile {
    /// Its name, such as `shot.json`.
    pub name: String,
    /// `json`, or `environment` for a map.
    pub format: String,
    /// Its media type.
    pub media_type: String,
    /// The address of its bytes, where the worker has it from an earlier render: light rigs have large maps, always the
    /// same.
    #[serde(with = "text::option")]
    pub address: Option<ContentAddress>,
    /// The file.
    #[serde(skip)]
    pub bytes: Bytes,
}

/// Why an attempt has no picture, or not the one that was asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Failure {
    /// Whether another attempt could help.
    #[serde(with = "text")]
    pub fault: FaultKind,
    /// Stable name, such as `glb.truncated` or `device_out_of_memory`.
    pub code: String,
    /// One sentence for a person.
    pub detail: String,
    /// Everything that is wrong, the first of which gave `code` and `detail`.
    pub findings: Vec<Finding>,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Stable name.
    pub code: String,
    /// One sentence for a person.
    pub detail: String,
    /// Where: a JSON pointer, `byte 12`, a part, a file with a line; empty where there is no place.
    pub at: String,
    /// What to do about it; empty where the sentence says it all.
    pub help: String,
}

impl Outcome {
    /// The render that is kept, where there is one.
    pub const fn kept(&self) -> Option<&Completed> {
        match self {
            Self::Completed(completed) | Self::Rejected(Rejected { completed, .. }) => Some(completed),
            Self::Failed(_) | Self::Cancelled => None,
        }
    }

    const fn kept_mut(&mut self) -> Option<&mut Completed> {
        match self {
            Self::Completed(completed) | Self::Rejected(Rejected { completed, .. }) => Some(completed),
            Self::Failed(_) | Self::Cancelled => None,
        }
    }
}

impl Failure {
    /// A failure with one finding and no place.
    pub fn new(fault: FaultKind, code: &str, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        let finding = Finding { code: code.to_owned(), detail: detail.clone(), at: String::new(), help: String::new() };
        Self { fault, code: code.to_owned(), detail, findings: vec![finding] }
    }

    /// The work is sound, and something around it failed: another attempt may succeed.
    pub fn infrastructure(code: &str, detail: impl Into<String>) -> Self {
        Self::new(FaultKind::Infrastructure, code, detail)
    }
}

impl WorkEvent {
    /// The bytes that do not stand in its JSON, in a fixed order.
    pub fn blobs(&self) -> Vec<Bytes> {
        match self {
            Self::Preview(preview) => vec![preview.png.clone()],
            Self::File(file) => vec![file.bytes.clone()],
            Self::Finished(outcome) => match outcome.kept() {
                Some(Completed { files, documents, .. }) => {
                    let files = files.iter().map(|file| file.bytes.clone());
                    files.chain(documents.iter().map(|document| document.bytes.clone())).collect()
                }
                None => Vec::new(),
            },
            Self::Began { .. }
            | Self::Device(..)
            | Self::Step(_)
            | Self::Log(_)
            | Self::Progress(_)
            | Self::Picture => Vec::new(),
        }
    }

    /// Puts back what [`blobs`](Self::blobs) gave; `false` when their number is not the event's.
    #[must_use]
    pub fn attach(&mut self, blobs: Vec<Bytes>) -> bool {
        let places: Vec<&mut Bytes> = match self {
            Self::Preview(preview) => vec![&mut preview.png],
            Self::File(file) => vec![&mut file.bytes],
            Self::Finished(outcome) => match outcome.kept_mut() {
                Some(Completed { files, documents, .. }) => {
                    let files = files.iter_mut().map(|file| &mut file.bytes);
                    files.chain(documents.iter_mut().map(|document| &mut document.bytes)).collect()
                }
                None => Vec::new(),
            },
            Self::Began { .. }
            | Self::Device(..)
            | Self::Step(_)
            | Self::Log(_)
            | Self::Progress(_)
            | Self::Picture => Vec::new(),
        };
        let fits = places.len() == blobs.len();
        for (place, blob) in places.into_iter().zip(blobs) {
            *place = blob;
        }
        fits
    }
}

/// A number as JSON, which has no infinity and no NaN: infinity becomes a large number, NaN 0.
fn finite<S: serde::Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    const LARGEST: f64 = f32::MAX as f64;
    serializer.serialize_f64(if value.is_nan() { 0.0 } else { value.clamp(-LARGEST, LARGEST) })
}

/// Domain values as text: the domain itself knows no serialisation.
pub(super) mod text {
    use std::fmt::Display;
    use std::str::FromStr;

    use serde::{Deserialize, Deserializer, Serializer, de};

    pub(crate) fn serialize<T: Display, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }

    pub(crate) fn deserialize<'de, T, D>(deserializer: D) -> Result<T, D::Error>
    where
        T: FromStr<Err: Display>,
        D: Deserializer<'de>,
    {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }

    pub(crate) mod option {
        use super::{Deserialize, Deserializer, Display, FromStr, Serializer, de};

        pub(crate) fn serialize<T: Display, S: Serializer>(
            value: &Option<T>,
            serializer: S,
        ) -> Result<S::Ok, S::Error> {
            match value {
                Some(value) => serializer.collect_str(value),
                None => serializer.serialize_none(),
            }
        }

        pub(crate) fn deserialize<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
        where
            T: FromStr<Err: Display>,
            D: Deserializer<'de>,
        {
            let text = Option::<String>::deserialize(deserializer)?;
            text.map(|text| text.parse().map_err(de::Error::custom)).transpose()
        }
    }
}
