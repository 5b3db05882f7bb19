//! The packages of a render: what it was made of, what came of it, and its last preview (artifacts.md §6).
//!
//! They hold its files: its record holds nothing after its end. Those of what was sent are made with the job, by
//! whoever sent it; the others are made when it completes, by the service. A render that is answered with the files of
//! an equal one has its own packages of the same objects, in its own class.

use std::fmt::Display;
use std::str::FromStr;

use serde_json::Value as Json;

use super::made_for::MadeFor;
use crate::app::{App, AppError, Code};
use crate::objects::{self, ObjectError};
use crate::packages::caller;
use packshot_contract::provenance::Provenance;
use packshot_db::TenantScope;
use packshot_db::artifacts::{NewFile, NewPackage, WholePackage, tree_of};
use packshot_db::objects::{self as records, Object};
use packshot_domain::artifact::{
    ArtifactFile, BackendId, ByteSize, EventActor, FILES_MAX, Label, Map, Metadata, Receipt, RelativePath,
    RetentionClass,
};
use packshot_domain::hash::{ContentAddress, Digests, Sha256Digest};
use packshot_domain::id::{FileId, OrderLineId, PackageId, RenderId, RunId};
use packshot_domain::job::{JobKind, JobRef};
use packshot_domain::object::Condition;
use packshot_domain::principal::Principal;
use packshot_domain::step::StepName;
use packshot_domain::task::FaultKind;
use packshot_domain::time::Timestamp;
use packshot_worker::protocol::{Failure, PREVIEW_NAME};

/// The member of a package's metadata with the provenance.
pub(super) const MEMBER: &str = "provenance";
/// What makes the packages of results.
const PRODUCER: &str = concat!("packshot/", env!("CARGO_PKG_VERSION"));
/// What makes the packages of what was sent.
const UPLOAD: &str = "upload";
/// Most characters of a package's name.
const NAME_CHARS_MAX: usize = 200;

/// Why files do not make a package.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unfit {
    /// There are more of them than a package may have.
    #[error("the render has {n_files} files, and a package may have {FILES_MAX}: ask for fewer pictures or formats")]
    TooManyFiles {
        /// How many there are.
        n_files: usize,
    },
    /// A name, a size or a provenance that no package can have: a defect.
    #[error("the files of the render cannot be kept as a package: {0}")]
    Defect(String),
}

impl Unfit {
    fn defect(reason: impl Display) -> Self {
        Self::Defect(reason.to_string())
    }
}

impl From<Unfit> for AppError {
    fn from(unfit: Unfit) -> Self {
        Self::internal(unfit)
    }
}

impl From<Unfit> for Failure {
    /// Another attempt would have the same files.
    fn from(unfit: Unfit) -> Self {
        let code = match unfit {
            Unfit::TooManyFiles { .. } => "output_too_large",
            Unfit::Defect(_) => "internal_error",
        };
        Self::new(FaultKind::Input, code, unfit.to_string())
    }
}

fn read<T: FromStr<Err: Display>>(text: &str) -> Result<T, Unfit> {
    text.parse().map_err(|reason| Unfit::defect(format_args!("{text:?}: {reason}")))
}

/// How long the files of a job are kept: of a render every request that was accepted says it, of a run its graph may.
///
/// # Errors
/// [`Unfit::Defect`].
pub(crate) fn class_of(job: JobRef, of_run: Option<RetentionClass>, request: &Json) -> Result<RetentionClass, Unfit> {
    match job.kind {
        JobKind::Line | JobKind::Cad => Ok(of_run.unwrap_or(RetentionClass::RenderOutput)),
        // It is only compared.
        JobKind::Shadow => Ok(RetentionClass::Preview),
        JobKind::Render | JobKind::Design => {
            RetentionClass::named(request["retention_class"].as_str().unwrap_or_default()).map_err(Unfit::defect)
        }
    }
}

/// Where and when objects were stored.
#[derive(Clone, Debug)]
pub(super) struct Stored {
    /// What holds them.
    pub(super) backend: BackendId,
    /// When it confirmed them.
    pub(super) at: Timestamp,
}

/// A stored file, as a package takes it.
///
/// # Errors
/// [`Unfit::Defect`].
pub(super) fn file(
    path: &str,
    media_type: &str,
    (address, sha256, size_bytes): (ContentAddress, Sha256Digest, u64),
    stored: &Stored,
) -> Result<NewFile, Unfit> {
    let size = ByteSize::new(size_bytes).map_err(Unfit::defect)?;
    Ok(NewFile {
        file: ArtifactFile {
            id: FileId::new(),
            path: read(path)?,
            media_type: read(media_type)?,
            size,
            address,
            sha256,
        },
        receipt: Receipt { backend: stored.backend.clone(), size, stored_at: stored.at },
    })
}

/// A package of a render.
///
/// # Errors
/// [`Unfit::Defect`].
pub(crate) fn package(
    by: EventActor,
    [name, producer]: [&str; 2],
    subject: &str,
    (retention_class, metadata): (RetentionClass, Metadata),
    files: Vec<NewFile>,
) -> Result<WholePackage, Unfit> {
    let subject = read(subject)?;
    let [name, producer] = [read(name)?, read(producer)?];
    let package = NewPackage { id: PackageId::new(), name, producer, subject, retention_class, metadata };
    Ok(WholePackage { by, package, files })
}

/// The packages of a completed render: of its result, with its provenance, and of its preview, where that is a file of
/// its own.
///
/// # Errors
/// [`Unfit`].
pub(super) fn of_result(
    of: &MadeFor,
    class: RetentionClass,
    provenance: &Provenance,
    files: Vec<NewFile>,
) -> Result<Vec<WholePackage>, Unfit> {
    let (previews, files): (Vec<NewFile>, Vec<NewFile>) =
        files.into_iter().partition(|new| new.file.path.as_str() == PREVIEW_NAME);
    let n_files = files.len();
    if n_files as u64 > FILES_MAX {
        return Err(Unfit::TooManyFiles { n_files });
    }
    let (by, kept) = (EventActor::System, (class, metadata(provenance)?));
    let mut packages =
        vec![package(by.clone(), [&format!("render {}", of.job.id), PRODUCER], &of.subject(), kept, files)?];
    if !previews.is_empty() {
        let kept = (RetentionClass::Preview, Metadata::default());
        packages.push(package(by, [&format!("preview {}", of.job.id), PRODUCER], &of.subject(), kept, previews)?);
    }
    Ok(packages)
}

/// The package of what another step than a render made of an order line.
///
/// # Errors
/// [`Unfit::Defect`].
pub(crate) fn of_step(
    of: &MadeFor,
    (step, class): (StepName, RetentionClass),
    provenance: &Provenance,
    files: Vec<NewFile>,
) -> Result<WholePackage, Unfit> {
    let kept = (class, metadata(provenance)?);
    package(EventActor::System, [step.as_str(), PRODUCER], &of.subject(), kept, files)
}

/// The package of the map of differences between the pictures of a shadow run and of its line.
///
/// # Errors
/// [`Unfit::Defect`].
pub(crate) fn of_comparison(line: OrderLineId, run: RunId, map: NewFile) -> Result<WholePackage, Unfit> {
    let (name, kept) = (format!("comparison {run}"), (RetentionClass::Preview, Metadata::default()));
    package(EventActor::System, [&name, PRODUCER], &format!("order_line:{line}"), kept, vec![map])
}

/// The metadata with a provenance. Where it is larger than metadata may be, the shot is left out, which is a file of
/// the package; and where a request has very many members, it is too, because the job has it.
///
/// # Errors
/// [`Unfit::Defect`].
fn metadata(provenance: &Provenance) -> Result<Metadata, Unfit> {
    let without_shot = || Provenance { shot: None, ..provenance.clone() };
    whole_metadata(provenance)
        .or_else(|_| whole_metadata(&without_shot()))
        .or_else(|_| whole_metadata(&Provenance { request: Json::Null, ..without_shot() }))
}

/// The metadata with all of a provenance.
fn whole_metadata(provenance: &Provenance) -> Result<Metadata, Unfit> {
    let json = serde_json::to_value(provenance).map_err(Unfit::defect)?;
    let tree = tree_of(&json).map_err(Unfit::defect)?;
    Metadata::new(Map::from([(MEMBER.to_owned(), tree)])).map_err(Unfit::defect)
}

/// A file that a render is made of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Input<'a> {
    /// What it is.
    pub(super) word: &'static str,
    /// What its sender called it.
    pub(super) name: Option<&'a str>,
    /// Its content.
    pub(super) address: ContentAddress,
}

/// The packages of what a render is made of, in its class.
///
/// # Errors
/// [`Code::ArtifactExpired`], [`Code::ContentCorrupt`], [`Code::Unavailable`].
pub(super) async fn of_inputs(
    app: &App,
    who: &Principal,
    id: RenderId,
    class: RetentionClass,
    inputs: Vec<Input<'_>>,
) -> Result<Vec<WholePackage>, AppError> {
    let by = caller::actor(app, who).await?;
    let mut packages = Vec::with_capacity(inputs.len());
    for Input { word, name, address } in inputs {
        let (object, digests) = whole(app, TenantScope::of(who.tenant), address).await?;
        let label = name.map(|name| name.chars().take(NAME_CHARS_MAX).collect::<String>());
        let label = label.filter(|label| label.parse::<Label>().is_ok());
        let path = name.filter(|name| name.parse::<RelativePath>().is_ok()).unwrap_or(word);
        let stored = Stored { backend: app.store.backend(), at: object.stored_at };
        let of_file = (address, digests.sha256, digests.size_bytes);
        let files = vec![file(path, &object.media_type, of_file, &stored)?];
        let name = label.as_deref().unwrap_or(word);
        let of = MadeFor::render(id).subject();
        packages.push(package(by.clone(), [name, UPLOAD], &of, (class, Metadata::default()), files)?);
    }
    Ok(packages)
}

/// The record of a stored file, with its digests: a package never names bytes that are known to be damaged.
///
/// # Errors
/// [`Code::ArtifactExpired`], [`Code::ContentCorrupt`], [`Code::Unavailable`].
async fn whole(app: &App, scope: TenantScope, address: ContentAddress) -> Result<(Object, Digests), AppError> {
    if let Some(found) = known_whole(app, scope, address).await? {
        return Ok(found);
    }
    match objects::check(&app.db, &app.store, scope, &address).await? {
        Condition::Whole => {
            let found = known_whole(app, scope, address).await?;
            found.ok_or_else(|| AppError::new(Code::Unavailable, "the file cannot be looked at; try again later"))
        }
        condition => Err(ObjectError::Damaged { address, condition }.into()),
    }
}

/// The record of a stored file that is known to be whole, if all its digests are known too.
async fn known_whole(
    app: &App,
    scope: TenantScope,
    address: ContentAddress,
) -> Result<Option<(Object, Digests)>, AppError> {
    let found = records::find(&app.db, scope, address).await?;
    let found = found.filter(|object| object.condition == Condition::Whole);
    Ok(found.and_then(|object| object.digests().map(|digests| (object, digests))))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A provenance with this shot and this request.
    fn provenance(shot: Json, request: Json) -> Provenance {
        let address = ContentAddress::of(b"scene").to_string();
        let document = json!({
            "provenance_version": 1,
            "job": {
                "id": RenderId::new().to_string(), "task_name": "render_still",
                "order_line_id": null, "workflow_run_id": null, "workflow_node_id": null,
            },
            "renderer": {
                "name": "packshot", "version": "0.1.0", "commit": null, "shader_digest": null, "engine": "path_tracer",
            },
            "scene": {
                "content_address": address, "source_content_address": null, "cad_file_id": null, "converter": null,
            },
            "materials": {
                "library": null, "library_version": null, "library_digest": null, "aliases_digest": null,
                "map_digest": null, "fallback_material": null, "unmapped_parts": 0,
            },
            "environment": {"name": null, "content_address": null},
            "shot": shot, "shot_digest": address,
            "sampling": {
                "seed": null, "samples_max": null, "samples_mean": 0.5, "noise_threshold": null,
                "noise_reached": null, "max_time_s": null,
            },
            "denoise": {"method": null, "weights_digest": null},
            "device": {"kind": null, "name": null, "backend": null, "driver": null},
            "request": request, "duration_s": 2.0,
        });
        serde_json::from_value(document).expect("a provenance")
    }

    /// What a provenance is in metadata.
    fn kept(provenance: &Provenance) -> Provenance {
        let metadata = metadata(provenance).expect("metadata");
        let json = packshot_db::artifacts::json_of(&metadata.members()[MEMBER]);
        serde_json::from_value(json).expect("a provenance")
    }

    #[test]
    fn what_is_larger_than_metadata_leaves_its_shot_out_and_then_its_request() {
        let long = || Json::from("x".repeat(65_536));
        let small = provenance(json!({"film": {"width": 1}}), json!({"samples": 2}));
        assert_eq!(kept(&small), small);
        let of_shot = provenance(long(), json!({"samples": 2}));
        assert_eq!(kept(&of_shot), Provenance { shot: None, ..of_shot.clone() });
        let of_both = provenance(long(), long());
        assert_eq!(kept(&of_both), Provenance { shot: None, request: Json::Null, ..of_both.clone() });
        // A number that is exact in no metadata.
        let of_number = provenance(json!({"range": 3.4e38}), json!({}));
        assert_eq!(kept(&of_number), Provenance { shot: None, ..of_number.clone() });
    }

    #[test]
    fn a_preview_is_a_package_of_its_own() {
        let id = RenderId::new();
        let stored = Stored { backend: read("local").expect("a name"), at: Timestamp::MIN };
        let of = |path: &str| {
            let digests = Digests::of(path.as_bytes());
            file(path, "image/png", (digests.address, digests.sha256, digests.size_bytes), &stored).expect("a file")
        };
        let files = vec![of("result.png"), of("report.json"), of(PREVIEW_NAME)];
        let made = provenance(Json::Null, json!({}));
        let packages = of_result(&MadeFor::render(id), RetentionClass::Scratch, &made, files).expect("packages");
        let shown = packages.iter().map(|whole| {
            let paths: Vec<&str> = whole.files.iter().map(|new| new.file.path.as_str()).collect();
            (whole.package.name.to_string(), whole.package.retention_class, paths)
        });
        assert!(shown.eq([
            (format!("render {id}"), RetentionClass::Scratch, vec!["result.png", "report.json"]),
            (format!("preview {id}"), RetentionClass::Preview, vec!["preview.png"]),
        ]));
        assert!(packages.iter().all(|whole| whole.package.subject.as_str() == format!("render:{id}")));
        assert!(packages.iter().all(|whole| whole.by == EventActor::System));
        let many = (0..=FILES_MAX).map(|i| of(&format!("frame_{i}.png"))).collect();
        let refused = of_result(&MadeFor::render(id), RetentionClass::Scratch, &made, many).expect_err("too many");
        assert_eq!(Failure::from(refused).code, "output_too_large");
    }
}
