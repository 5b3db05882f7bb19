//! Packages compared with their manifests, byte by byte.

use std::collections::HashMap;

use super::of_kept;
use crate::app::{App, AppError};
use crate::objects::{self, ObjectError};
use packshot_contract::package::{CheckedFile, PackageCheck};
use packshot_db::TenantScope;
use packshot_domain::artifact::{FileState, StoredFile};
use packshot_domain::hash::ContentAddress;
use packshot_domain::id::PackageId;
use packshot_domain::object::Condition;
use packshot_domain::principal::Principal;

/// Reads every byte of a package and compares it with the manifest. What is found is recorded too: damaged files are
/// refused from then on, and whole ones no longer.
///
/// # Errors
/// [`Code::PackageNotFound`](crate::app::Code::PackageNotFound),
/// [`Code::PackageNotFinalized`](crate::app::Code::PackageNotFinalized),
/// [`Code::ArtifactExpired`](crate::app::Code::ArtifactExpired); [`Code::Unavailable`](crate::app::Code::Unavailable):
/// then nothing is known of the bytes.
pub async fn run(app: &App, who: &Principal, id: PackageId) -> Result<PackageCheck, AppError> {
    let (_, manifest) = of_kept(app, who, id).await?;
    let scope = TenantScope::of(who.tenant);
    // Files of equal bytes are one object.
    let mut seen: HashMap<ContentAddress, FileState> = HashMap::new();
    let mut files = Vec::with_capacity(manifest.files().len());
    for StoredFile { file, .. } in manifest.files() {
        let state = match seen.get(&file.address) {
            Some(state) => *state,
            None => {
                let state = state(app, scope, file.address).await?;
                seen.insert(file.address, state);
                state
            }
        };
        files.push(CheckedFile { file_id: file.id.uuid(), state: state.into() });
    }
    Ok(PackageCheck { ok: seen.values().all(|state| *state == FileState::Intact), files })
}

async fn state(app: &App, scope: TenantScope, address: ContentAddress) -> Result<FileState, AppError> {
    match objects::check(&app.db, &app.store, scope, &address).await {
        Ok(Condition::Whole) => Ok(FileState::Intact),
        Ok(Condition::Corrupt) => Ok(FileState::Corrupt),
        Ok(Condition::Missing) | Err(ObjectError::Gone) => Ok(FileState::Missing),
        Err(error) => Err(error.into()),
    }
}
