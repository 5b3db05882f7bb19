//! Why something is not done with an artifact.

use std::fmt;

use packshot_domain::artifact::{
    ClassRefusal, DeleteRefusal, IllegalPackageState, InvalidManifest, PackageFull, RelativePath,
};
use packshot_domain::id::{AssetId, CadFileId};
use packshot_domain::job::JobRef;

/// Why something is not done with an artifact, or its log cannot be replayed. Nothing was changed then.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ArtifactError {
    /// The state of the package forbids it.
    #[error(transparent)]
    State(#[from] IllegalPackageState),
    /// The package has a file there already, or the path is a folder of another one's.
    #[error("the package has the file '{existing}' already, so '{path}' would be a duplicate: choose another path")]
    Duplicate {
        /// The path.
        path: RelativePath,
        /// The one that is there.
        existing: RelativePath,
    },
    /// The package takes no further file.
    #[error(transparent)]
    Full(#[from] PackageFull),
    /// Files do not make a manifest.
    #[error(transparent)]
    Manifest(#[from] InvalidManifest),
    /// A package without a manifest.
    #[error("the package is not finalized: it has no manifest yet")]
    NotFinalized,
    /// Something needs the package.
    #[error("the package is in use: {}", listed(.0))]
    InUse(Vec<Reference>),
    /// The package is held.
    #[error("the package is held: release it first")]
    Held,
    /// Someone with this role, or without a reason, may not delete it.
    #[error(transparent)]
    Delete(#[from] DeleteRefusal),
    /// Someone with this role may not give it that class.
    #[error(transparent)]
    Class(#[from] ClassRefusal),
    /// An event is not what was written, or what it says cannot have happened: nothing after it can be relied on.
    #[error("the event {sequence} of the log of artifacts is damaged: {reason}; restore the log from a backup")]
    EventCorrupt {
        /// Its number.
        sequence: i64,
        /// What is wrong with it.
        reason: String,
    },
    /// An event is not there.
    #[error("the event {sequence} of the log of artifacts is missing: restore the log from a backup")]
    EventGap {
        /// Its number.
        sequence: i64,
    },
}

/// What needs a package.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reference {
    /// A job of what the package is of has not ended: its tasks may read the files or add to them.
    Job(JobRef),
    /// The package has the bytes of a CAD file.
    CadFile(CadFileId),
    /// The package has the bytes of a media asset that has not expired.
    Asset(AssetId),
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Job(job) => write!(f, "the {} job {} has not ended", job.kind, job.id),
            Self::CadFile(id) => write!(f, "the CAD file {id} has its bytes"),
            Self::Asset(id) => write!(f, "the media asset {id} has its bytes"),
        }
    }
}

fn listed(references: &[Reference]) -> String {
    references.iter().map(Reference::to_string).collect::<Vec<_>>().join(", ")
}
