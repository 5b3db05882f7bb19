//! Files that clients put into packages.
//!
//! What a client declares about a file is compared with what came before anything is stored, and whether the package
//! takes it is asked before the first byte is read. What is refused after all leaves nothing.

use super::{caller, let_go, shown};
use crate::app::{App, AppError, Code, Upload};
use crate::objects;
use packshot_contract::package::ArtifactFile as ShownFile;
use packshot_db::artifacts::{self as rows, ArtifactError, NewFile};
use packshot_db::{DbError, TenantScope};
use packshot_domain::artifact::{ArtifactFile, ByteSize, MediaType, PackageChange, Receipt, RelativePath};
use packshot_domain::hash::{ContentAddress, Digests, Sha256Digest};
use packshot_domain::id::{FileId, PackageId};
use packshot_domain::principal::Principal;

pub use packshot_db::artifacts::Repeated;

/// What a client says about a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declared {
    /// Where it is to be in the package.
    pub path: RelativePath,
    /// What kind of bytes it has.
    pub media_type: MediaType,
    /// What its bytes should be.
    pub expected: Expected,
}

/// The digests that a client expects of the bytes that it sends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Expected {
    /// Their SHA-256.
    pub sha256: Option<Sha256Digest>,
    /// Their BLAKE3.
    pub address: Option<ContentAddress>,
}

/// A file that the package has.
#[derive(Clone, Debug, PartialEq)]
pub struct Taken {
    /// The file.
    pub file: ShownFile,
    /// Whether the package took it now; otherwise it had it.
    pub is_new: bool,
}

impl Expected {
    fn check(self, found: &Digests) -> Result<(), AppError> {
        let mismatch = |what: &str, expected: String, found: String| {
            let detail = format!("the bytes that arrived have the {what} {found}, and not {expected}");
            AppError::new(Code::DigestMismatch, detail)
        };
        match (self.sha256, self.address) {
            (Some(expected), _) if expected != found.sha256 => {
                Err(mismatch("SHA-256", expected.to_string(), found.sha256.to_string()))
            }
            (_, Some(expected)) if expected != found.address => {
                Err(mismatch("content address", expected.to_string(), found.address.to_string()))
            }
            _ => Ok(()),
        }
    }
}

/// Refuses all files of a package that takes none, before anything of them is read.
///
/// # Errors
/// [`Code::PackageNotFound`], [`Code::IllegalPackageState`].
pub async fn check_package(app: &App, who: &Principal, package: PackageId) -> Result<(), AppError> {
    let package = rows::get(&app.db, TenantScope::of(who.tenant), package).await?;
    package.status.next(PackageChange::Ingest).map_err(ArtifactError::State)?;
    Ok(())
}

/// Refuses a file that the package would not take, before its bytes are read.
///
/// # Errors
/// [`Code::PackageNotFound`], [`Code::IllegalPackageState`], [`Code::DuplicateRelativePath`].
pub async fn check(
    app: &App,
    who: &Principal,
    package: PackageId,
    (path, media_type): (&RelativePath, &MediaType),
    repeated: Repeated,
) -> Result<(), AppError> {
    known(app, who, package, (path, media_type), repeated).await.map(drop)
}

/// The file that the package has with this path, where it may be the same.
async fn known(
    app: &App,
    who: &Principal,
    package: PackageId,
    (path, media_type): (&RelativePath, &MediaType),
    repeated: Repeated,
) -> Result<Option<ArtifactFile>, AppError> {
    let known = rows::check(&app.db, TenantScope::of(who.tenant), package, path.clone()).await?;
    match known {
        Some(known) if repeated == Repeated::Refused || known.media_type != *media_type => Err(duplicate(path, known)),
        known => Ok(known),
    }
}

fn duplicate(path: &RelativePath, existing: ArtifactFile) -> AppError {
    ArtifactError::Duplicate { path: path.clone(), existing: existing.path }.into()
}

/// Puts a file into a package. Where the same bytes were stored before and are damaged now, they are whole again.
///
/// # Errors
/// As [`check`]; [`Code::DigestMismatch`], [`Code::TooManyFiles`], [`Code::StorageFull`],
/// [`Code::StorageQuotaExceeded`]; [`Code::Unavailable`], also when the same bytes are removed at this moment.
pub async fn take(
    app: &App,
    who: &Principal,
    package: PackageId,
    declared: Declared,
    upload: Upload,
    repeated: Repeated,
) -> Result<Taken, AppError> {
    let scope = TenantScope::of(who.tenant);
    let Declared { path, media_type, expected } = declared;
    let Digests { address, sha256, size_bytes, .. } = upload.digests().clone();
    expected.check(upload.digests())?;
    let known = known(app, who, package, (&path, &media_type), repeated).await?;
    if let Some(known) = known.filter(|known| known.address != address) {
        return Err(duplicate(&path, known));
    }
    let size = ByteSize::new(size_bytes).map_err(AppError::internal)?;
    let by = caller::actor(app, who).await?;
    objects::keep(&app.db, &app.store, scope, upload, media_type.as_str()).await?;
    let stored_at = app.db.now().await?;
    let receipt = Receipt { backend: app.store.backend(), size, stored_at };
    let new = NewFile { file: ArtifactFile { id: FileId::new(), path, media_type, size, address, sha256 }, receipt };
    match rows::ingest(&app.db, scope, by, package, new, repeated).await {
        Ok(taken) => Ok(Taken { file: shown::file(taken.file), is_new: taken.is_new }),
        // A package of the same bytes was deleted before this one had them.
        Err(DbError::NotFound("stored file")) => {
            Err(AppError::new(Code::Unavailable, "the same bytes were removed at this moment; send the file again"))
        }
        Err(refused) => {
            let_go(&app.db, &app.store, scope, address).await;
            Err(refused.into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a28_what_is_declared_is_compared_with_what_came() {
        let found = Digests::of(b"hello");
        let other = Digests::of(b"world");
        let of = |digests: &Digests| (Some(digests.sha256), Some(digests.address));
        let check = |(sha256, address)| Expected { sha256, address }.check(&found);
        for (sha256, address) in [(None, None), of(&found), (of(&found).0, None), (None, of(&found).1)] {
            assert!(check((sha256, address)).is_ok());
        }
        for (expected, [own, theirs]) in [
            ((of(&other).0, of(&found).1), [found.sha256.to_string(), other.sha256.to_string()]),
            ((of(&found).0, of(&other).1), [found.address.to_string(), other.address.to_string()]),
        ] {
            let error = check(expected).expect_err("other bytes");
            assert_eq!(error.code(), "digest_mismatch");
            assert!(error.detail().contains(&own) && error.detail().contains(&theirs), "both: {}", error.detail());
        }
    }
}
