//! What an event means for the views: the one place that says so, for those who write an event and for replay. Every
//! value comes from the event and from what the log says beside it.

use uuid::Uuid;

use crate::column::Col;
use crate::entity::{artifact_file, artifact_package, retention_state, storage_location};
use packshot_domain::artifact::{
    ArtifactEvent, ArtifactFile, EventActor, IllegalPackageState, Label, LocationState, Metadata, PackageChange,
    PackageStatus, Reason, Receipt, Retention, Sequence, StorageLocationId, Tree,
};
use packshot_domain::hash::ContentAddress;
use packshot_domain::id::{PackageId, TenantId};
use packshot_domain::time::Timestamp;

/// What the log says beside an event.
#[derive(Clone, Debug)]
pub(super) struct Noted {
    pub(super) tenant: TenantId,
    pub(super) sequence: Sequence,
    pub(super) actor: EventActor,
    pub(super) at: Timestamp,
    /// The digest of the payload.
    pub(super) digest: ContentAddress,
}

/// The rows about a package itself.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct PackageRows {
    pub(super) package: artifact_package::Model,
    /// From its finalising on.
    pub(super) retention: Option<retention_state::Model>,
}

impl PackageRows {
    /// The rows of a package that an event creates; `None` for other events.
    pub(super) fn created(noted: &Noted, event: &ArtifactEvent) -> Option<Self> {
        let ArtifactEvent::PackageCreated { package, name, producer, subject, retention, metadata } = event else {
            return None;
        };
        let address = |part, member| named(metadata, part, member).and_then(|text| text.parse().ok()).map(Col);
        let row = artifact_package::Model {
            tenant_id: Col(noted.tenant),
            id: Col(*package),
            name: Col(name.clone()),
            producer: Col(producer.clone()),
            subject_id: subject_id(subject),
            subject: Col(subject.clone()),
            retention_class: Col(retention.class()),
            retention_ttl_s: retention.ttl_s().map(i64::from),
            status: Col(PackageStatus::Created),
            scene: address("scene", "content_address"),
            library_digest: address("materials", "library_digest"),
            job_id: named(metadata, "job", "id").and_then(|text| Uuid::try_parse(text).ok()),
            metadata: Col(metadata.clone()),
            file_count: 0,
            total_bytes: 0,
            created_at: Col(noted.at),
            created_by: Col(noted.actor.clone()),
            finalized_at: None,
            finalized_by: None,
            manifest_digest: None,
            last_event_sequence: Col(noted.sequence),
        };
        Some(Self { package: row, retention: None })
    }

    /// Applies an event to the rows of its package. Events about locations and those that create packages change
    /// nothing here.
    ///
    /// # Errors
    ///
    /// [`IllegalPackageState`] when the event cannot have happened.
    pub(super) fn apply(&mut self, noted: &Noted, event: &ArtifactEvent) -> Result<(), IllegalPackageState> {
        let Some(change) = change_of(event) else { return Ok(()) };
        let Self { package, retention } = self;
        package.status = Col(package.status.0.next(change)?);
        package.last_event_sequence = Col(noted.sequence);
        match event {
            ArtifactEvent::FileIngested { file, .. } => {
                package.file_count += 1;
                package.total_bytes += file.size.bytes().cast_signed();
            }
            ArtifactEvent::PackageFinalized(_) => {
                package.finalized_at = Some(Col(noted.at));
                package.finalized_by = Some(Col(noted.actor.clone()));
                package.manifest_digest = Some(Col(noted.digest));
                *retention = Some(retention_state::Model {
                    tenant_id: package.tenant_id,
                    package_id: package.id,
                    retention_class: package.retention_class,
                    retention_ttl_s: package.retention_ttl_s,
                    expires_at: retention_of(package).and_then(|own| own.expires_at(noted.at)).map(Col),
                    held: false,
                    hold_reason: None,
                    updated_at: Col(noted.at),
                });
            }
            ArtifactEvent::RetentionChanged { retention: new, .. } => {
                package.retention_class = Col(new.class());
                package.retention_ttl_s = new.ttl_s().map(i64::from);
                if let (Some(row), Some(finalized_at)) = (retention, package.finalized_at) {
                    row.retention_class = package.retention_class;
                    row.retention_ttl_s = package.retention_ttl_s;
                    row.expires_at = new.expires_at(finalized_at.0).map(Col);
                    row.updated_at = Col(noted.at);
                }
            }
            ArtifactEvent::PackageHeld { reason, .. } => hold(retention, noted, Some(Col(reason.clone()))),
            ArtifactEvent::PackageReleased { .. } => hold(retention, noted, None),
            _ => {}
        }
        Ok(())
    }
}

/// What an event does to its package; `None` when it makes it, or is about a location.
const fn change_of(event: &ArtifactEvent) -> Option<PackageChange> {
    Some(match event {
        ArtifactEvent::FileIngested { .. } => PackageChange::Ingest,
        ArtifactEvent::PackageFinalized(_) => PackageChange::Finalize,
        ArtifactEvent::RetentionChanged { .. } => PackageChange::Reclassify,
        ArtifactEvent::PackageHeld { .. } => PackageChange::Hold,
        ArtifactEvent::PackageReleased { .. } => PackageChange::Release,
        ArtifactEvent::PackageExpired { .. } => PackageChange::Expire,
        ArtifactEvent::PackageDeleted { .. } => PackageChange::Delete,
        ArtifactEvent::PackageCreated { .. }
        | ArtifactEvent::LocationDamaged { .. }
        | ArtifactEvent::LocationHealed { .. } => return None,
    })
}

fn hold(retention: &mut Option<retention_state::Model>, noted: &Noted, reason: Option<Col<Reason>>) {
    if let Some(row) = retention {
        (row.held, row.hold_reason, row.updated_at) = (reason.is_some(), reason, Col(noted.at));
    }
}

/// How long a package is kept; `None` when its row does not say so.
pub(super) fn retention_of(package: &artifact_package::Model) -> Option<Retention> {
    let ttl_s = package.retention_ttl_s.map(u32::try_from).transpose().ok()?;
    Retention::recorded(package.retention_class.0, ttl_s).ok()
}

/// The rows of a file that a package took, and of where its bytes lie.
pub(super) fn file_rows(
    noted: &Noted,
    package: PackageId,
    file: &ArtifactFile,
    receipt: &Receipt,
) -> (artifact_file::Model, storage_location::Model) {
    let row = artifact_file::Model {
        tenant_id: Col(noted.tenant),
        id: Col(file.id),
        package_id: Col(package),
        relative_path: Col(file.path.clone()),
        path_key: file.path.key().as_str().as_bytes().to_vec(),
        media_type: Col(file.media_type.clone()),
        size_bytes: Col(file.size),
        content_address: Col(file.address),
        sha256: Col(file.sha256),
        created_at: Col(noted.at),
    };
    let location = storage_location::Model {
        tenant_id: Col(noted.tenant),
        id: Col(StorageLocationId::of(file.id, &receipt.backend, file.address)),
        artifact_file_id: Col(file.id),
        backend_id: Col(receipt.backend.clone()),
        content_address: Col(file.address),
        size_bytes: Col(receipt.size),
        stored_at: Col(receipt.stored_at),
        state: Col(LocationState::Intact),
    };
    (row, location)
}

/// The id in a subject such as `render:01935d00-0000-7000-8000-000000000001`.
fn subject_id(subject: &Label) -> Option<Uuid> {
    subject.as_str().split_once(':').and_then(|(_, id)| Uuid::try_parse(id).ok())
}

/// A text in the provenance of a package's metadata.
fn named<'m>(metadata: &'m Metadata, part: &str, member: &str) -> Option<&'m str> {
    let Tree::Map(provenance) = metadata.members().get("provenance")? else { return None };
    let Tree::Map(part) = provenance.get(part)? else { return None };
    match part.get(member)? {
        Tree::Text(text) => Some(text),
        _ => None,
    }
}
