//! Artifacts: files that are kept, in packages that a manifest closes; what happens to them is a log of events, from
//! which everything else is made again (artifacts.md).
//!
//! A [`Tree`] is a value with exactly one form in bytes, so that the digest of a manifest or of an event proves what it
//! says. The types here are read from such trees and written as such.

mod actor;
mod collection;
mod event;
mod file;
mod label;
mod limits;
mod location;
mod manifest;
mod members;
mod metadata;
mod path;
mod retention;
mod sequence;
mod status;
mod tree;

pub use actor::{ActorName, EventActor, InvalidActor, KeyPrefix};
pub use collection::{ABANDONED_AFTER, ORPHANED_AFTER, UNREFERENCED_AFTER};
pub use event::{ArtifactEvent, EventType};
pub use file::{ArtifactFile, ByteSize, FileState, InvalidMediaType, MediaType};
pub use label::{InvalidLabel, InvalidReason, Label, Reason};
pub use limits::{FILES_MAX, PACKAGE_BYTES_MAX, PackageFull, admits};
pub use location::{BackendId, Damage, InvalidBackendId, LocationState, Observed, Receipt, StorageLocationId};
pub use manifest::{InvalidManifest, MANIFEST_VERSION, Manifest, ManifestPackage, StoredFile};
pub use members::InvalidPayload;
pub use metadata::{InvalidMetadata, METADATA_BYTES_MAX, METADATA_LEVELS_MAX, Metadata};
pub use path::{InvalidPath, PathKey, RelativePath};
pub use retention::{ClassRefusal, DeleteRefusal, InvalidRetention, Retention, RetentionClass, UnknownRetentionClass};
pub use sequence::Sequence;
pub use status::{IllegalPackageState, PackageChange, PackageStatus};
pub use tree::{CborFault, Fraction, Integer, InvalidCbor, InvalidNumber, Map, NUMBER_MAX, Tree};

#[cfg(test)]
mod tests;
