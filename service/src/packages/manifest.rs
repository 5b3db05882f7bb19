//! Manifests of finalised packages.

use std::fmt::Display;

use crate::app::{App, AppError};
use packshot_db::artifacts::{self as rows, ArtifactError, files};
use packshot_db::{DbError, TenantScope};
use packshot_domain::artifact::Tree;
use packshot_domain::hash::ContentAddress;
use packshot_domain::id::PackageId;
use packshot_domain::principal::Principal;

/// The manifest of a package: the bytes that its digest is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// The digest of the bytes.
    pub digest: ContentAddress,
    /// Canonical CBOR (RFC 8949 §4.2.1).
    pub cbor: Vec<u8>,
}

impl Manifest {
    /// The same as canonical JSON (RFC 8785), which has no digest of its own.
    ///
    /// # Errors
    /// [`Code::InternalError`](crate::app::Code::InternalError) for bytes that are no canonical CBOR.
    pub fn json(&self) -> Result<String, AppError> {
        Ok(Tree::from_cbor(&self.cbor).map_err(corrupt)?.to_json())
    }
}

/// The manifest of a package, also of one whose bytes are gone. It is compared with its digest: nobody is told what
/// nobody wrote.
///
/// # Errors
/// [`Code::PackageNotFound`](crate::app::Code::PackageNotFound),
/// [`Code::PackageNotFinalized`](crate::app::Code::PackageNotFinalized);
/// [`Code::InternalError`](crate::app::Code::InternalError) for one that does not have its digest.
pub async fn read(app: &App, who: &Principal, id: PackageId) -> Result<Manifest, AppError> {
    let scope = TenantScope::of(who.tenant);
    let package = rows::get(&app.db, scope, id).await?;
    let digest = package.manifest_digest.ok_or(ArtifactError::NotFinalized)?;
    let cbor = files::manifest(&app.db, scope, id).await?;
    if ContentAddress::of(&cbor) == digest {
        Ok(Manifest { digest, cbor })
    } else {
        Err(corrupt("it does not have the digest that the package has").into())
    }
}

fn corrupt(reason: impl Display) -> DbError {
    DbError::Corrupt { what: "manifest", reason: reason.to_string() }
}
