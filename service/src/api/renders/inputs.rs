//! What a request refers to: the product, the environment map, material libraries; found before anything is promised.

use crate::api::multipart::Form;
use crate::api::problem::{ApiError, ApiResult};
use crate::api::state::AppState;
use crate::settings::InForce;
use packshot_contract::problem::{Finding, Invalid};
use packshot_contract::request::{RenderRequest, RequestDefaults, Uploads};
use packshot_db::libraries::{self, Library, NewLibrary};
use packshot_db::objects::NewObject;
use packshot_db::{DbError, TenantScope, objects, settings};
use packshot_domain::hash::ContentAddress;
use packshot_worker::protocol::LibraryFile;

/// The id of the library that ships with the program: it is below every other and needs no file.
pub(crate) const BUILTIN: &str = "STD";
/// The part of a multipart body that holds the product.
pub(crate) const GLB: &str = "glb";
/// The part of a multipart body that holds the environment map.
pub(crate) const ENVIRONMENT: &str = "environment";

/// Settings that bear on requests.
#[derive(Clone, Debug)]
pub(crate) struct RenderSettings {
    /// What a request that does not say gets.
    pub(crate) defaults: RequestDefaults,
    /// The largest file that is taken.
    pub(crate) upload_bytes_max: u64,
    /// The tenant's own library, by name.
    pub(crate) material_library: Option<String>,
    /// The tenant's material for parts that nothing matches.
    pub(crate) fallback_material: Option<String>,
}

impl RenderSettings {
    /// The settings in force for a tenant.
    ///
    /// # Errors
    /// What the database says.
    pub(crate) async fn in_force(state: &AppState, scope: TenantScope) -> Result<Self, DbError> {
        let stored = settings::stored(&state.db, scope).await?;
        let InForce { render_device, render_samples, max_upload_bytes, max_pixels, .. } =
            InForce::of(&state.settings, &stored);
        let text = |name: &str| stored.tenant.values.get(name)?.as_str().map(str::to_owned);
        Ok(Self {
            defaults: RequestDefaults { samples: render_samples, device: render_device, pixels_max: max_pixels },
            upload_bytes_max: max_upload_bytes,
            material_library: text("material_library").filter(|name| name != BUILTIN),
            fallback_material: text("fallback_material"),
        })
    }
}

/// The request in effect, before its files have an address.
///
/// # Errors
/// Every finding about the request.
pub(crate) fn parse(form: &Form, settings: &RenderSettings) -> Result<RenderRequest, Invalid> {
    let uploads =
        Uploads { has_glb: form.files.contains_key(GLB), has_environment: form.files.contains_key(ENVIRONMENT) };
    RenderRequest::parse(&form.json, uploads, &settings.defaults)
}

/// A library that a work needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LibraryInput {
    /// Its file.
    pub(crate) file: LibraryFile,
    /// BLAKE3 of what it holds.
    pub(crate) digest: String,
}

/// That a request that was checked has no product all the same.
pub(crate) fn no_asset() -> ApiError {
    Invalid::one("/asset", "missing", "name a stored file, or send it as the part `glb`").into()
}

/// The libraries that a request names, lowest first: the tenant's own, that of the material choice, then the others.
///
/// # Errors
/// `library_not_found` with a pointer for each name that no library has.
pub(crate) async fn find_libraries(
    state: &AppState,
    scope: TenantScope,
    request: &RenderRequest,
    settings: &RenderSettings,
) -> ApiResult<Vec<LibraryInput>> {
    let chosen = request.materials.as_ref().and_then(|choice| choice.library.as_ref());
    // A choice takes the place of the tenant's own library; it does not lie over it.
    let own = settings.material_library.iter().filter(|_| chosen.is_none()).map(|name| (name, None));
    let chosen = chosen.map(|name| (name, Some("/materials/library".to_owned())));
    let more = request.library.iter().enumerate().map(|(i, name)| (name, Some(format!("/library/{i}"))));
    let (mut found, mut findings) = (Vec::new(), Vec::new());
    for (name, pointer) in own.chain(chosen).chain(more) {
        if name == BUILTIN {
            continue;
        }
        match (libraries::find(&state.db, scope, name).await?, pointer) {
            (Some(library), pointer) => {
                if !library.own {
                    take_over(state, scope, &library).await?;
                }
                let file = LibraryFile { address: library.library.address, of_job: pointer.is_some() };
                found.push(LibraryInput { file, digest: library.library.digest });
            }
            (None, Some(pointer)) => {
                findings.push(Finding::new(pointer, "library_not_found", format!("there is no library {name:?}")));
            }
            // The setting names a library that is gone: the built-in one is left.
            (None, None) => tracing::warn!(library = %name, "the tenant's material library is not there"),
        }
    }
    Ok(Invalid::unless_clean(found, findings)?)
}

/// Gives the tenant a copy of the file of a library that another one published: work reads the files of its own tenant alone.
async fn take_over(state: &AppState, scope: TenantScope, of: &Library) -> ApiResult<()> {
    let NewLibrary { address, media_type, .. } = &of.library;
    let size_bytes = i64::try_from(state.store.size(of.owner, address).await?).unwrap_or(i64::MAX);
    let new = NewObject { address: *address, size_bytes, media_type: media_type.clone() };
    // Without a record from before the sweep may be removing the file just now.
    let was_there = objects::record_all(&state.db, scope, vec![new]).await?.contains(&true);
    if !(was_there && state.store.has(scope.tenant, address).await?) {
        let file = state.store.read(of.owner, address).await?;
        state.store.put(scope.tenant, file).await?;
    }
    Ok(())
}

/// That the tenant has stored what a request refers to.
///
/// # Errors
/// `asset_not_found` with a pointer for each address that the tenant has no file of.
pub(crate) async fn check_assets(state: &AppState, scope: TenantScope, request: &RenderRequest) -> ApiResult<()> {
    let mut findings = Vec::new();
    for (name, asset) in [("asset", &request.asset), ("environment", &request.environment)] {
        let Some(asset) = asset else { continue };
        if objects::find(&state.db, scope, asset.content_address.0).await?.is_none() {
            let pointer = format!("/{name}/content_address");
            findings.push(Finding::new(pointer, "asset_not_found", "there is no stored file with this content"));
        }
    }
    Ok(Invalid::unless_clean((), findings)?)
}

/// What another request must have in common to get the same picture.
pub(crate) fn cache_key(
    scope: TenantScope,
    request: &RenderRequest,
    libraries: &[LibraryInput],
    fallback_material: Option<&str>,
) -> ContentAddress {
    let mut hasher = blake3::Hasher::new();
    let mut part = |bytes: &[u8]| {
        hasher.update(&(bytes.len() as u64).to_le_bytes()).update(bytes);
    };
    part(scope.tenant.uuid().as_bytes());
    part(env!("CARGO_PKG_VERSION").as_bytes());
    part(packshot_materials::library::Library::builtin().digest().as_bytes());
    for library in libraries {
        part(library.digest.as_bytes());
        part(&[u8::from(library.file.of_job)]);
    }
    part(fallback_material.unwrap_or_default().as_bytes());
    part(&request.canonical());
    ContentAddress::from_hash(*hasher.finalize().as_bytes())
}
