//! Packages and their files as clients see them.

use packshot_contract::package::{ArtifactFile, ArtifactFileLinks, Package, PackageLinks};
use packshot_db::artifacts::files::FileRecord;
use packshot_db::artifacts::{self as rows, json_of};

/// A package.
pub(crate) fn package(package: rows::Package) -> Package {
    let own = format!("/api/v1/packages/{}", package.id);
    let links = PackageLinks {
        files: format!("{own}/files"),
        manifest: package.manifest_digest.map(|_| format!("{own}/manifest")),
        events: format!("/api/v1/artifact-events?package_id={}", package.id),
        own,
    };
    Package {
        id: package.id.uuid(),
        tenant_id: package.tenant.uuid(),
        name: package.name.to_string(),
        producer: package.producer.to_string(),
        subject: package.subject.to_string(),
        retention_class: package.retention_class.into(),
        status: package.status.into(),
        metadata: json_of(&package.metadata.to_tree()),
        file_count: package.file_count.unsigned_abs(),
        total_bytes: package.total_bytes.unsigned_abs(),
        manifest_digest: package.manifest_digest.map(Into::into),
        created_at: package.created_at.into(),
        created_by: package.created_by.to_string(),
        finalized_at: package.finalized_at.map(Into::into),
        finalized_by: package.finalized_by.map(|actor| actor.to_string()),
        expires_at: package.expires_at.map(Into::into),
        held: package.held,
        last_event_sequence: package.last_event_sequence.get().unsigned_abs(),
        links,
    }
}

/// A file of a package.
pub(crate) fn file(record: FileRecord) -> ArtifactFile {
    let FileRecord { package, file, created_at, state } = record;
    let links = ArtifactFileLinks {
        own: format!("/api/v1/files/{}", file.id),
        content: format!("/api/v1/files/{}/content", file.id),
        package: format!("/api/v1/packages/{package}"),
    };
    ArtifactFile {
        id: file.id.uuid(),
        package_id: package.uuid(),
        relative_path: file.path.to_string(),
        media_type: file.media_type.to_string(),
        size_bytes: file.size.bytes(),
        content_address: file.address.into(),
        sha256: file.sha256.hex(),
        created_at: created_at.into(),
        location_state: state.into(),
        links,
    }
}
