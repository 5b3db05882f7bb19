//! The log of a tenant's artifacts, as its readers see it.

use crate::app::{App, AppError};
use packshot_contract::artifact::{ArtifactEvent, ArtifactEventPage};
use packshot_db::TenantScope;
use packshot_db::artifacts::events::{self as rows, EventRecord};
use packshot_db::artifacts::{ArtifactError, json_of};
use packshot_domain::artifact::Tree;
use packshot_domain::hash::ContentAddress;
use packshot_domain::id::PackageId;
use packshot_domain::principal::Principal;

/// Which events to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The number of the event before the first.
    pub after: i64,
    /// How many at most: fewer where they are large.
    pub limit: u32,
    /// Of this package alone.
    pub package: Option<PackageId>,
}

/// A part of the log, oldest event first.
///
/// # Errors
/// [`Code::EventCorrupt`](crate::app::Code::EventCorrupt) for a payload that is not as it was written.
pub async fn page(app: &App, who: &Principal, wanted: Wanted) -> Result<ArtifactEventPage, AppError> {
    let Wanted { after, limit, package } = wanted;
    let events = rows::after(&app.db, TenantScope::of(who.tenant), after, limit, package).await?;
    let items = events.into_iter().map(shown).collect::<Result<Vec<_>, _>>()?;
    let next_after = items.last().map_or(after.unsigned_abs(), |event| event.sequence);
    Ok(ArtifactEventPage { items, next_after })
}

/// An event as its readers see it. Its payload is compared with its digest: nobody is told what nobody wrote.
///
/// # Errors
/// [`Code::EventCorrupt`](crate::app::Code::EventCorrupt).
pub fn shown(event: EventRecord) -> Result<ArtifactEvent, AppError> {
    let sequence = event.sequence.get();
    let corrupt = |reason: String| AppError::from(ArtifactError::EventCorrupt { sequence, reason });
    if ContentAddress::of(&event.payload) != event.payload_digest {
        return Err(corrupt("its payload does not have its digest".to_owned()));
    }
    let payload = Tree::from_cbor(&event.payload).map_err(|error| corrupt(error.to_string()))?;
    Ok(ArtifactEvent {
        sequence: sequence.unsigned_abs(),
        event_type: event.event_type.into(),
        package_id: event.package.uuid(),
        actor: event.actor.to_string(),
        payload: json_of(&payload),
        payload_digest: event.payload_digest.into(),
        created_at: event.created_at.into(),
    })
}
