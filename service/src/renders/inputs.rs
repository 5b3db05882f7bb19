//! What a request refers to: the product, the environment map, material libraries. All are found before the request is
//! accepted.

use serde_json::Value;

use crate::app::{App, AppError, Upload};
use crate::tenancy::RenderSettings;
use packshot_contract::problem::{Finding, Invalid};
use packshot_contract::request::{RenderRequest, Uploads};
use packshot_db::{TenantScope, libraries};
use packshot_domain::tenant_config::BUILTIN_LIBRARY;
use packshot_pipeline::plan::PicturePlan;
use packshot_worker::protocol::LibraryFile;

/// What was asked for: a request, and the files that came with it.
#[derive(Debug)]
pub struct ReceivedRequest {
    /// The request as JSON; its members may be left out.
    pub request: Value,
    /// The product, when the request names no stored one.
    pub glb: Option<Upload>,
    /// What its sender called the product, as it was sent.
    pub glb_name: Option<String>,
    /// The environment map, when the request names no stored one.
    pub environment: Option<Upload>,
    /// What its sender called the environment map, as it was sent.
    pub environment_name: Option<String>,
    /// The settings in force when the files were received.
    pub settings: RenderSettings,
}

impl ReceivedRequest {
    /// The request with what it says and no more, and what is to be made of it: before its files have an address.
    ///
    /// # Errors
    /// Every finding about the request.
    pub(super) fn asked(&self) -> Result<(RenderRequest, PicturePlan), Invalid> {
        let request = RenderRequest::read(&self.request, self.uploads())?;
        let (_, plan) = self.resolved(request.clone())?;
        Ok((request, plan))
    }

    /// The request with every option in effect, and what is to be made.
    ///
    /// # Errors
    /// Every finding about the request.
    pub(super) fn resolved(&self, request: RenderRequest) -> Result<(RenderRequest, PicturePlan), Invalid> {
        request.resolved(self.uploads(), &self.settings.limits)
    }

    fn uploads(&self) -> Uploads {
        Uploads { has_glb: self.glb.is_some(), has_environment: self.environment.is_some() }
    }
}

/// A library that a work needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LibraryInput {
    /// Its file.
    pub(super) file: LibraryFile,
    /// BLAKE3 of what it holds.
    pub(super) digest: String,
}

/// The error for a checked request that has no product after all.
pub(super) fn no_asset() -> AppError {
    Invalid::one("/asset", "missing", "name a stored file, or send it as the part `glb`").into()
}

/// The libraries that a request names, lowest first: the tenant's own, that of the material choice, then the others.
///
/// # Errors
/// `library_not_found` with a pointer for each name that no library has.
pub(super) async fn find_libraries(
    app: &App,
    scope: TenantScope,
    request: &RenderRequest,
    settings: &RenderSettings,
) -> Result<Vec<LibraryInput>, AppError> {
    let chosen = request.options.materials.as_ref().and_then(|choice| choice.library.as_ref());
    // A choice replaces the tenant's own library; it does not lie over it.
    let own = settings.material_library.iter().filter(|_| chosen.is_none()).map(|name| (name, None));
    let chosen = chosen.map(|name| (name, Some("/materials/library".to_owned())));
    let more =
        request.options.library.iter().flatten().enumerate().map(|(i, name)| (name, Some(format!("/library/{i}"))));
    let (mut found, mut findings) = (Vec::new(), Vec::new());
    for (name, pointer) in own.chain(chosen).chain(more) {
        if name == BUILTIN_LIBRARY {
            continue;
        }
        match (libraries::find(&app.db, scope, name).await?, pointer) {
            (Some(library), pointer) => {
                let file = LibraryFile { address: library.library.address, of_job: pointer.is_some() };
                found.push(LibraryInput { file, digest: library.library.digest });
            }
            (None, Some(pointer)) => {
                findings.push(Finding::new(pointer, "library_not_found", format!("there is no library {name:?}")));
            }
            // The tenant chose a library that no longer exists: the built-in one is used.
            (None, None) => {
                tracing::warn!(library = %name, "the tenant's material library does not exist; the built-in library is used")
            }
        }
    }
    Ok(Invalid::unless_clean(found, findings)?)
}
