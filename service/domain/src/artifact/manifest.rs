//! The canonical description of a finalised package. Its digest proves all of its content (artifacts.md §4).

use super::actor::EventActor;
use super::file::ArtifactFile;
use super::label::Label;
use super::location::{BackendId, Receipt, StorageLocationId};
use super::members::{InvalidPayload, Members};
use super::metadata::Metadata;
use super::path::RelativePath;
use super::retention::RetentionClass;
use super::status::PackageStatus;
use super::tree::Tree;
use crate::hash::ContentAddress;
use crate::id::{FileId, PackageId};
use crate::time::Timestamp;

/// The version of the form that manifests have.
pub const MANIFEST_VERSION: u32 = 1;

/// What a manifest says about the package itself. It names no tenant and no place of the store, so that it stays true
/// wherever the package goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManifestPackage {
    /// Its id.
    pub id: PackageId,
    /// Its name.
    pub name: Label,
    /// What made it.
    pub producer: Label,
    /// What it is of.
    pub subject: Label,
    /// Its class when it was finalised.
    pub retention_class: RetentionClass,
    /// What its producer says about it.
    pub metadata: Metadata,
    /// When it was created.
    pub created_at: Timestamp,
    /// By whom.
    pub created_by: EventActor,
    /// When it was finalised: the time of that event.
    pub finalized_at: Timestamp,
    /// By whom.
    pub finalized_by: EventActor,
}

/// A file of a package, with what backends confirmed when they stored its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredFile {
    /// The file.
    pub file: ArtifactFile,
    /// A receipt of each backend that has it.
    pub receipts: Vec<Receipt>,
}

/// The canonical description of a finalised package: version 1. Its files are in the order of their paths' bytes, the
/// receipts of each in that of their backends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    package: ManifestPackage,
    files: Vec<StoredFile>,
}

/// Why files are not those of one manifest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidManifest {
    /// Two files have the same path.
    #[error("two files of the package have the path '{0}'")]
    SamePath(RelativePath),
    /// Two receipts of a file are of the same backend.
    #[error("two receipts of the file {file} are of the backend '{backend}'")]
    SameBackend {
        /// The file.
        file: FileId,
        /// The backend.
        backend: BackendId,
    },
}

impl Manifest {
    /// The manifest of a package with these files, in whatever order they are.
    ///
    /// # Errors
    ///
    /// [`InvalidManifest`] when two files have one path, or two receipts of a file one backend.
    pub fn new(package: ManifestPackage, mut files: Vec<StoredFile>) -> Result<Self, InvalidManifest> {
        files.sort_by(|a, b| a.file.path.cmp(&b.file.path));
        if let Some(pair) = files.windows(2).find(|pair| pair[0].file.path == pair[1].file.path) {
            return Err(InvalidManifest::SamePath(pair[0].file.path.clone()));
        }
        for StoredFile { file, receipts } in &mut files {
            receipts.sort_by(|a, b| a.backend.cmp(&b.backend));
            if let Some(pair) = receipts.windows(2).find(|pair| pair[0].backend == pair[1].backend) {
                return Err(InvalidManifest::SameBackend { file: file.id, backend: pair[0].backend.clone() });
            }
        }
        Ok(Self { package, files })
    }

    /// What it says about the package itself.
    #[must_use]
    pub const fn package(&self) -> &ManifestPackage {
        &self.package
    }

    /// The files, in the order of their paths' bytes.
    #[must_use]
    pub fn files(&self) -> &[StoredFile] {
        &self.files
    }

    /// Itself as a tree.
    #[must_use]
    pub fn to_tree(&self) -> Tree {
        let package = &self.package;
        let files = self.files.iter().map(|stored| Tree::map(file_members(&stored.file)));
        let receipts = self.files.iter().flat_map(|StoredFile { file, receipts }| {
            receipts.iter().map(move |receipt| {
                let location = StorageLocationId::of(file.id, &receipt.backend, file.address);
                Tree::map([
                    ("id", Tree::text(location)),
                    ("file_id", Tree::text(file.id)),
                    ("backend_id", Tree::text(&receipt.backend)),
                    ("content_address", Tree::text(file.address)),
                    ("size_bytes", receipt.size.into()),
                    ("stored_at", Tree::text(receipt.stored_at)),
                ])
            })
        });
        Tree::map([
            ("manifest_version", MANIFEST_VERSION.into()),
            (
                "package",
                Tree::map([
                    ("id", Tree::text(package.id)),
                    ("name", Tree::text(&package.name)),
                    ("producer", Tree::text(&package.producer)),
                    ("subject", Tree::text(&package.subject)),
                    ("retention_class", Tree::text(package.retention_class)),
                    ("status", Tree::text(PackageStatus::Finalized)),
                    ("metadata", package.metadata.to_tree()),
                    ("created_at", Tree::text(package.created_at)),
                    ("created_by", Tree::text(&package.created_by)),
                    ("finalized_at", Tree::text(package.finalized_at)),
                    ("finalized_by", Tree::text(&package.finalized_by)),
                ]),
            ),
            ("files", Tree::Array(files.collect())),
            ("storage_receipts", Tree::Array(receipts.collect())),
        ])
    }

    /// Its canonical CBOR: what its digest is of.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        self.to_tree().to_cbor()
    }

    /// Its canonical JSON, which has no digest of its own.
    #[must_use]
    pub fn to_json(&self) -> String {
        self.to_tree().to_json()
    }

    /// Its digest.
    #[must_use]
    pub fn digest(&self) -> ContentAddress {
        ContentAddress::of(&self.encode())
    }

    /// The manifest whose canonical CBOR these bytes are.
    ///
    /// # Errors
    ///
    /// [`InvalidPayload`], with the place, for bytes that [`Manifest::encode`] does not give.
    pub fn decode(bytes: &[u8]) -> Result<Self, InvalidPayload> {
        let mut members = Members::of_cbor(bytes)?;
        let manifest = Self::read(&mut members)?;
        members.finish()?;
        Ok(manifest)
    }

    /// Takes the members of a manifest.
    pub(super) fn read(members: &mut Members) -> Result<Self, InvalidPayload> {
        if members.count_or_null("manifest_version")? != Some(MANIFEST_VERSION.into()) {
            return Err(members.invalid("manifest_version", format!("it must be {MANIFEST_VERSION}")));
        }
        let package = read_package(members.members("package")?)?;
        let mut files = Vec::new();
        for mut element in members.list("files")? {
            let file = read_file(&mut element, "id")?;
            if files.last().is_some_and(|before: &StoredFile| before.file.path >= file.path) {
                return Err(element.invalid("relative_path", "it is not in the order of paths"));
            }
            element.finish()?;
            files.push(StoredFile { file, receipts: Vec::new() });
        }
        read_receipts(members.list("storage_receipts")?, &mut files)?;
        Ok(Self { package, files })
    }
}

/// The members of a file in a manifest.
fn file_members(file: &ArtifactFile) -> [(&'static str, Tree); 6] {
    [
        ("id", Tree::text(file.id)),
        ("relative_path", Tree::text(&file.path)),
        ("media_type", Tree::text(&file.media_type)),
        ("size_bytes", file.size.into()),
        ("content_address", Tree::text(file.address)),
        ("sha256", Tree::text(file.sha256)),
    ]
}

/// Takes the members of a file; `id` is what its id is called there.
pub(super) fn read_file(members: &mut Members, id: &str) -> Result<ArtifactFile, InvalidPayload> {
    Ok(ArtifactFile {
        id: members.parsed(id)?,
        path: members.parsed("relative_path")?,
        media_type: members.parsed("media_type")?,
        size: members.size("size_bytes")?,
        address: members.parsed("content_address")?,
        sha256: members.parsed("sha256")?,
    })
}

/// Takes the members of a receipt.
pub(super) fn read_receipt(members: &mut Members) -> Result<Receipt, InvalidPayload> {
    Ok(Receipt {
        backend: members.parsed("backend_id")?,
        size: members.size("size_bytes")?,
        stored_at: members.parsed("stored_at")?,
    })
}

/// Takes the metadata of a package.
pub(super) fn read_metadata(members: &mut Members) -> Result<Metadata, InvalidPayload> {
    match members.take("metadata")? {
        Tree::Map(map) => Metadata::new(map).map_err(|error| members.invalid("metadata", error)),
        _ => Err(members.invalid("metadata", "an object is expected")),
    }
}

fn read_package(mut members: Members) -> Result<ManifestPackage, InvalidPayload> {
    let package = ManifestPackage {
        id: members.parsed("id")?,
        name: members.parsed("name")?,
        producer: members.parsed("producer")?,
        subject: members.parsed("subject")?,
        retention_class: members.parsed("retention_class")?,
        metadata: read_metadata(&mut members)?,
        created_at: members.parsed("created_at")?,
        created_by: members.parsed("created_by")?,
        finalized_at: members.parsed("finalized_at")?,
        finalized_by: members.parsed("finalized_by")?,
    };
    if members.parsed::<PackageStatus>("status")? != PackageStatus::Finalized {
        return Err(members.invalid("status", "a package with a manifest is finalized"));
    }
    members.finish()?;
    Ok(package)
}

/// Gives each file its receipts, which stand in the order of the files and then of the backends.
fn read_receipts(elements: Vec<Members>, files: &mut [StoredFile]) -> Result<(), InvalidPayload> {
    let mut current = 0;
    for mut element in elements {
        let file_id: FileId = element.parsed("file_id")?;
        let ahead = files[current..].iter().position(|stored| stored.file.id == file_id);
        let Some(ahead) = ahead else {
            return Err(element.invalid("file_id", "it is that of no file, or not in the order of files"));
        };
        current += ahead;
        let StoredFile { file, receipts } = &mut files[current];
        let location: StorageLocationId = element.parsed("id")?;
        let address: ContentAddress = element.parsed("content_address")?;
        let receipt = read_receipt(&mut element)?;
        if address != file.address {
            return Err(element.invalid("content_address", "it is not that of the file"));
        }
        if location != StorageLocationId::of(file.id, &receipt.backend, file.address) {
            return Err(element.invalid("id", "it does not follow from file, backend and content"));
        }
        if receipts.last().is_some_and(|before| before.backend >= receipt.backend) {
            return Err(element.invalid("backend_id", "it is not in the order of backends"));
        }
        element.finish()?;
        receipts.push(receipt);
    }
    Ok(())
}
