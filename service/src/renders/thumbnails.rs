//! Pictures of CAD files in lists: small, seen and lit as a still is where nobody says otherwise.
//!
//! A CAD file has no materials of its own. Its parts have those that its products give them, the oldest product first,
//! and else what their names lead to.

use std::collections::HashSet;

use serde_json::{Map, Value as Json, json};

use super::aliases;
use super::spec::{RenderV1, Spec};
use crate::config::Settings;
use crate::tenancy::RenderSettings;
use packshot_contract::picture_settings::PictureSettings;
use packshot_contract::workflow;
use packshot_db::jobs::NewTask;
use packshot_db::products::ProductFilter;
use packshot_db::tasks::Claimed;
use packshot_db::{Db, DbError, PageRequest, ReadScope, TenantScope, cad_files, libraries, products};
use packshot_domain::id::{CadFileId, TaskId};
use packshot_domain::job::JobRef;
use packshot_domain::product::EntryName;
use packshot_domain::step::StepName;
use packshot_domain::task::{FaultKind, Lane, QueueName, TaskKind};
use packshot_pipeline::plan::{self, Base, Kind, OptionId, Options};
use packshot_worker::protocol::{Failure, LibraryFile};

/// Pixels of each side, unless the tenant may not have so many.
const SIDE_PX: u64 = 512;
/// Samples per pixel.
pub const SAMPLES: i32 = 64;
/// Products whose materials are looked at.
const PRODUCTS_MAX: u32 = 200;

/// The task that renders a picture.
#[must_use]
pub fn task(settings: &RenderSettings) -> NewTask {
    let side = SIDE_PX.min(settings.limits.pixels_max.isqrt()).max(1);
    NewTask {
        id: TaskId::new(),
        kind: TaskKind::Step(StepName::RenderThumbnail),
        queue: QueueName::Render,
        lane: Lane::builtin(),
        priority: 0,
        kwargs: json!({
            "width": side,
            "height": side,
            "samples": SAMPLES,
            "publish_asset_enabled": true,
            "graph_authoritative_output_enabled": false,
        }),
        spec: None,
        publishes: true,
        waits_for: Vec::new(),
    }
}

/// The spec of a picture, of what is true when its first attempt starts.
pub(super) async fn spec(db: &Db, settings: &Settings, claimed: &Claimed, job: JobRef) -> Result<Spec, Failure> {
    let mut members = Map::new();
    for id in OptionId::all().filter(|id| id.spec().is_of(Kind::Still)) {
        let name = id.spec().name;
        members.extend(claimed.input.kwargs.get(name).map(|value| (name.to_owned(), value.clone())));
    }
    of_file(db, settings, claimed, (job, StepName::RenderThumbnail), members).await.map(Spec::RenderV1)
}

/// What a CAD file is exported of.
pub(super) async fn exported(
    db: &Db,
    settings: &Settings,
    claimed: &Claimed,
    job: JobRef,
) -> Result<RenderV1, Failure> {
    of_file(db, settings, claimed, (job, StepName::ExportGlb), Map::new()).await
}

/// What a CAD file is, with these options.
async fn of_file(
    db: &Db,
    settings: &Settings,
    claimed: &Claimed,
    (job, step): (JobRef, StepName),
    mut members: Map<String, Json>,
) -> Result<RenderV1, Failure> {
    let away = |error: DbError| match error {
        DbError::NotFound("CAD file") => {
            Failure::new(FaultKind::Input, "cad_file_not_found", "the CAD file was deleted meanwhile")
        }
        error => {
            tracing::warn!("what a CAD file is pictured with cannot be read: {error}");
            Failure::infrastructure("unavailable", "what the CAD file is pictured with cannot be read")
        }
    };
    let scope = TenantScope::of(claimed.tenant);
    let file = cad_files::get(db, scope, CadFileId::from_uuid(job.record)).await.map_err(away)?;
    let Some(scene) = file.read.glb else {
        let name = &file.original_name;
        let detail = match settings.cad_converter {
            Some(_) => format!("{name} has not been converted: read it again first"),
            None => format!("{name} is a STEP file, and this service has no converter: upload it as GLB"),
        };
        return Err(Failure::new(FaultKind::Input, "cad_conversion_unavailable", detail));
    };
    let settings = RenderSettings::of_tenant(db, settings, scope).await.map_err(away)?;
    let parts = materials(db, scope, file.id).await.map_err(away)?;
    members.insert("materials".to_owned(), json!({"library": null, "parts": parts}));
    let unfit = |reason: String| {
        tracing::error!("the options of a thumbnail do not make a picture: {reason}");
        Failure::new(FaultKind::Input, "spec.invalid", "the options of the thumbnail do not fit any more; ask again")
    };
    let options: Options = serde_json::from_value(Json::Object(members)).map_err(|error| unfit(error.to_string()))?;
    let options = workflow::with_defaults(step, PictureSettings { options, ..PictureSettings::default() }).options;
    let plan = plan::resolve(&Base { kind: Kind::Still, ..Base::default() }, &options, &settings.limits);
    let plan = plan.map_err(|faults| unfit(format!("{faults:?}")))?;
    let mut found = Vec::new();
    if let Some(name) = &settings.material_library {
        match libraries::find(db, scope, name).await.map_err(away)? {
            Some(library) => found.push(LibraryFile { address: library.library.address, of_job: false }),
            None => {
                tracing::warn!(library = %name, "the tenant's material library does not exist; the built-in library is used");
            }
        }
    }
    Ok(RenderV1 {
        scene,
        environment: None,
        libraries: found,
        fallback_material: settings.fallback_material,
        aliases: aliases::layer(db, scope).await.map_err(away)?,
        plan,
        max_unmapped: None,
        design: None,
        turntable: None,
    })
}

/// Which part has which material, by the products of a file.
///
/// # Errors
/// Errors of the database.
pub async fn materials(db: &Db, scope: TenantScope, file: CadFileId) -> Result<Vec<Json>, DbError> {
    let filter = ProductFilter { cad_file: Some(file), ..ProductFilter::default() };
    let page = PageRequest { limit: PRODUCTS_MAX, after: None };
    let of_file = products::list(db, ReadScope::from(scope), filter, page).await?.items;
    let mut seen: HashSet<EntryName> = HashSet::new();
    // The newest come first in a list.
    let entries = of_file.iter().rev().flat_map(|product| product.fields.parts.as_slice());
    let new = entries.filter(|entry| seen.insert(entry.part_name.clone()));
    Ok(new.map(|entry| json!({"part_name": entry.part_name.as_str(), "material": entry.material.as_str()})).collect())
}
