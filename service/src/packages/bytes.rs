//! The bytes of finalised packages: as one archive, and compared with the manifest.

pub mod archive;
pub mod check;

use super::manifest;
use crate::app::{App, AppError, Code};
use packshot_db::{DbError, TenantScope, artifacts as rows};
use packshot_domain::artifact::{Manifest, PackageStatus};
use packshot_domain::id::PackageId;
use packshot_domain::principal::Principal;

/// The manifest of a package whose bytes are kept, in both forms.
///
/// # Errors
/// [`Code::PackageNotFound`], [`Code::PackageNotFinalized`], [`Code::ArtifactExpired`].
async fn of_kept(app: &App, who: &Principal, id: PackageId) -> Result<(manifest::Manifest, Manifest), AppError> {
    let sent = manifest::read(app, who, id).await?;
    let package = rows::get(&app.db, TenantScope::of(who.tenant), id).await?;
    if package.status != PackageStatus::Finalized {
        let detail = format!("the package is {}: its files are no longer stored", package.status);
        return Err(AppError::new(Code::ArtifactExpired, detail));
    }
    let decoded = Manifest::decode(&sent.cbor)
        .map_err(|reason| DbError::Corrupt { what: "manifest", reason: reason.to_string() })?;
    Ok((sent, decoded))
}
