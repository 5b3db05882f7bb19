//! Files of packages: their records, and where their bytes are.

use crate::app::{App, AppError, Code};
use crate::packages::shown;
use packshot_contract::package::ArtifactFile;
use packshot_db::TenantScope;
use packshot_db::artifacts::files::{self as rows, FileRecord};
use packshot_domain::artifact::{FileState, MediaType};
use packshot_domain::hash::ContentAddress;
use packshot_domain::id::FileId;
use packshot_domain::principal::Principal;

/// The bytes of a file that is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// Where they are.
    pub address: ContentAddress,
    /// What kind of bytes they are.
    pub media_type: MediaType,
}

impl Content {
    /// The bytes of a file, unless they are known not to be those that it had.
    fn of(record: FileRecord) -> Result<Self, AppError> {
        match record.state {
            FileState::Expired => {
                Err(AppError::new(Code::ArtifactExpired, "the package of the file has expired or was deleted"))
            }
            FileState::Corrupt => Err(AppError::new(Code::ContentCorrupt, "the stored file is damaged")),
            // A store that was away may have it again: whoever opens it finds out.
            FileState::Intact | FileState::Missing => {
                Ok(Self { address: record.file.address, media_type: record.file.media_type })
            }
        }
    }
}

/// A file of the tenant, whether its bytes are there or not.
///
/// # Errors
/// [`Code::FileNotFound`].
pub async fn get(app: &App, who: &Principal, id: FileId) -> Result<ArtifactFile, AppError> {
    Ok(shown::file(rows::get(&app.db, TenantScope::of(who.tenant), id).await?))
}

/// The bytes of a file of the tenant.
///
/// # Errors
/// [`Code::FileNotFound`]; [`Code::ArtifactExpired`] when its package has expired or was deleted;
/// [`Code::ContentCorrupt`] when its bytes were found damaged.
pub async fn content(app: &App, who: &Principal, id: FileId) -> Result<Content, AppError> {
    Content::of(rows::get(&app.db, TenantScope::of(who.tenant), id).await?)
}

/// The bytes with this address, if a file of the tenant that is kept has them: what other tenants keep does not count.
///
/// # Errors
/// [`Code::ContentNotFound`]; [`Code::ContentCorrupt`] when they were found damaged.
pub async fn with_content(app: &App, who: &Principal, address: ContentAddress) -> Result<Content, AppError> {
    let found = rows::with_content(&app.db, TenantScope::of(who.tenant), address).await?;
    let missing = || AppError::new(Code::ContentNotFound, "no file that is kept has this content");
    Content::of(found.ok_or_else(missing)?)
}
