//! Packages and their files as clients see them.

use packshot_contract::package::{ArtifactFile, ArtifactFileLinks};
use packshot_db::artifacts::files::FileRecord;

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
