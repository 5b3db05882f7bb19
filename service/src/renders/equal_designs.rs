//! Design jobs with the same texture and pictures: what one of them has stored serves the others. Each has files of its
//! own, which have the same bytes.

use serde_json::{Map, Value as Json, json};

use super::of_design::{Made, Reported, Workfolder, away};
use crate::jobs::handler::{Desk, TaskUpdate};
use crate::objects;
use crate::store::Store;
use packshot_db::media::Asset;
use packshot_db::reviews::ProposedPart;
use packshot_db::tasks::{Delivery, Movie, OutputFile};
use packshot_db::{Db, TenantScope, designs};
use packshot_domain::hash::ContentAddress;
use packshot_domain::id::DesignJobId;
use packshot_domain::job::JobRef;
use packshot_domain::media::AssetType;
use packshot_domain::review::UnmappedPart;
use packshot_domain::step::StepName;
use packshot_worker::protocol::Failure;

/// The key that jobs with the same texture and pictures share: what they compute, on an area that is called the same,
/// by this version with this library.
pub(crate) fn key(spec: &Json, request: &Json) -> ContentAddress {
    let builtin = packshot_materials::library::Library::builtin().digest();
    let parts = json!([env!("CARGO_PKG_VERSION"), builtin, request["area"], spec]);
    ContentAddress::of(parts.to_string().as_bytes())
}

/// What an equal job has rendered, if all of it is still there: with the texture that this job has. And the names in it
/// without a material.
///
/// # Errors
/// As [`away`].
pub(super) async fn made_before(
    (db, store, scope): (&Db, &Store, TenantScope),
    job: JobRef,
) -> Result<Option<(Vec<Made>, Vec<UnmappedPart>)>, Failure> {
    let id = DesignJobId::from_uuid(job.record);
    let texture = designs::texture(db, scope, id).await.map_err(away)?;
    for other in designs::equal::others(db, scope, id).await.map_err(away)? {
        let is_same = other.texture.as_ref().map(|asset| asset.address) == texture;
        if !is_same || !other.has_all_outputs() {
            continue;
        }
        let mut made = Vec::new();
        for asset in other.outputs.iter().chain(&other.turntable) {
            // What cannot be read is made again.
            let Ok(bytes) = objects::read(db, store, scope, &asset.address).await else { break };
            made.push(Made { row: row_of(asset), bytes, is_turned: asset.asset_type == AssetType::Turntable });
        }
        if made.len() == other.outputs.len() + other.turntable.len() {
            return Ok(Some((made, other.unmapped)));
        }
    }
    Ok(None)
}

/// A stored picture as a task delivers it.
fn row_of(asset: &Asset) -> OutputFile {
    let format = asset.file_name.rsplit_once('.').map_or("", |(_, extension)| extension).to_owned();
    let duration_ms = asset.duration_s.map(|duration_s| (duration_s * 1_000.0).round() as i64);
    OutputFile {
        name: asset.file_name.clone(),
        format,
        media_type: asset.media_type.clone(),
        address: asset.address,
        size_bytes: asset.size_bytes,
        width: asset.width,
        height: asset.height,
        movie: asset.frame_count.zip(duration_ms).map(|(frames, duration_ms)| Movie { frames, duration_ms }),
    }
}

/// Keeps what an equal job has rendered in the working folder of a job, and reports the step as done.
pub(super) async fn take_over(
    desk: &Desk,
    folder: &Workfolder,
    (made, unmapped): (Vec<Made>, Vec<UnmappedPart>),
) -> Result<Delivery, Failure> {
    desk.send(TaskUpdate::Finishing);
    let of_views = Reported::begin(desk.teller(), StepName::RenderViews);
    let kept = folder.put(&made).await.map_err(|reason| {
        Failure::infrastructure("unavailable", format!("the pictures cannot be kept in the working folder: {reason}"))
    });
    let facts = Map::from_iter([("from_cache".to_owned(), json!(true)), ("files".to_owned(), json!(made.len()))]);
    let outcome = kept.map(|()| facts.clone());
    of_views.end(&outcome);
    if made.iter().any(|made| made.is_turned) && outcome.is_ok() {
        Reported::begin(desk.teller(), StepName::RenderTurntable).end(&Ok(facts.clone()));
    }
    outcome?;
    // What is proposed for them is looked up when the job ends.
    let unmapped = unmapped.into_iter().map(|part| ProposedPart { part, proposals: Vec::new() }).collect();
    Ok(Delivery { output: Json::Object(facts), unmapped: Some(unmapped), ..Delivery::default() })
}
