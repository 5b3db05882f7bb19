//! What a request names: a stored file, a file of a package, a CAD file, a product. Everything is found before a
//! request is accepted; what a job shows of it is the content address, and of a product the materials of its parts.

use std::collections::HashSet;

use serde_json::{Value, json};

use crate::app::{App, AppError, Code};
use packshot_contract::problem::{Finding, Invalid};
use packshot_contract::request::{Asset, RenderRequest};
use packshot_db::artifacts::files;
use packshot_db::cad_files::CadFile;
use packshot_db::{DbError, TenantScope, cad_files, objects, products};
use packshot_domain::artifact::FileState;
use packshot_domain::cad_file::CadStatus;
use packshot_domain::hash::ContentAddress;
use packshot_domain::product::PartEntries;
use packshot_pipeline::plan::OptionId;

/// What the files are called that a request names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Names {
    /// The product's.
    pub(super) scene: Option<String>,
    /// The environment map's.
    pub(super) environment: Option<String>,
}

/// A file that was found.
struct Found {
    address: ContentAddress,
    name: Option<String>,
    /// The materials of a product's parts.
    parts: PartEntries,
}

/// Why a file was not found.
enum Missing {
    /// The request names what is not there.
    Wrong(&'static str, String),
    /// Anything else.
    Failed(AppError),
}

/// Puts the content address in place of each reference, and adds the materials of a product's parts.
///
/// # Errors
/// `asset_not_found`, `file_not_found`, `cad_file_not_found`, `product_not_found`, `cad_conversion_unavailable`, each
/// with its pointer; [`Code::ArtifactExpired`] and [`Code::ContentCorrupt`] for a file of a package.
pub(super) async fn find(app: &App, scope: TenantScope, request: &mut RenderRequest) -> Result<Names, AppError> {
    let (mut names, mut findings) = (Names::default(), Vec::new());
    let mut parts = PartEntries::default();
    for (place, asset) in [("asset", &mut request.asset), ("environment", &mut request.environment)] {
        let Some(named) = *asset else { continue };
        let pointer = format!("/{place}/{}", named.member());
        match locate(app, scope, named).await {
            Ok(found) => {
                *asset = Some(Asset::Content(found.address.into()));
                let name = if place == "asset" { &mut names.scene } else { &mut names.environment };
                *name = found.name;
                if place == "asset" {
                    parts = found.parts;
                }
            }
            Err(Missing::Wrong(code, detail)) => findings.push(Finding::new(pointer, code, detail)),
            Err(Missing::Failed(error)) => return Err(error.at(pointer)),
        }
    }
    let names = Invalid::unless_clean(names, findings)?;
    wear(request, &parts)?;
    Ok(names)
}

async fn locate(app: &App, scope: TenantScope, asset: Asset) -> Result<Found, Missing> {
    match asset {
        Asset::Content(address) => {
            let (name, parts) = (None, PartEntries::default());
            stored(app, scope, Found { address: address.0, name, parts }).await
        }
        Asset::File(id) => {
            let record = files::get(&app.db, scope, id).await.map_err(|error| missing(error, "file"))?;
            match record.state {
                FileState::Expired => {
                    let detail = "the package of the file has expired or was deleted";
                    Err(Missing::Failed(AppError::new(Code::ArtifactExpired, detail)))
                }
                FileState::Corrupt => {
                    Err(Missing::Failed(AppError::new(Code::ContentCorrupt, "the stored file is damaged")))
                }
                FileState::Intact | FileState::Missing => {
                    let (name, parts) = (Some(record.file.path.to_string()), PartEntries::default());
                    stored(app, scope, Found { address: record.file.address, name, parts }).await
                }
            }
        }
        Asset::CadFile(id) => {
            let file = cad_files::get(&app.db, scope, id).await.map_err(|error| missing(error, "CAD file"))?;
            glb(app, scope, &file, PartEntries::default()).await
        }
        Asset::Product(id) => {
            let product = products::get(&app.db, scope, id).await.map_err(|error| missing(error, "product"))?;
            let Some(file) = product.fields.cad_file else {
                let detail = "the product has no CAD file: give it one";
                return Err(Missing::Wrong(Code::CadFileNotFound.as_str(), detail.to_owned()));
            };
            let file = cad_files::get(&app.db, scope, file).await.map_err(|error| missing(error, "CAD file"))?;
            glb(app, scope, &file, product.fields.parts).await
        }
    }
}

/// The GLB that a CAD file is, or that was made of it.
async fn glb(app: &App, scope: TenantScope, file: &CadFile, parts: PartEntries) -> Result<Found, Missing> {
    let name = &file.original_name;
    let Some(address) = file.read.glb else {
        let can_convert = app.settings.cad_converter.is_some();
        let detail = match file.status {
            CadStatus::Processing => format!("{name} is being converted: wait until its `status` is `ready`"),
            CadStatus::Uploaded if can_convert => {
                format!("{name} waits for its conversion: wait until its `status` is `ready`")
            }
            CadStatus::Failed if can_convert => format!(
                "{name} could not be converted, and its `error` says why: POST /api/v1/cad-files/{}/reextract tries \
                 again, or upload the product as GLB",
                file.id
            ),
            _ => format!("{name} is a STEP file that no GLB was made of: upload the product as GLB"),
        };
        return Err(Missing::Wrong("cad_conversion_unavailable", detail));
    };
    stored(app, scope, Found { address, name: Some(name.to_string()), parts }).await
}

/// What was found, if its bytes are there.
async fn stored(app: &App, scope: TenantScope, found: Found) -> Result<Found, Missing> {
    let there = objects::find(&app.db, scope, found.address).await.map_err(|error| Missing::Failed(error.into()))?;
    let missing = || Missing::Wrong("asset_not_found", "no stored file has this content address".to_owned());
    there.map(|_| found).ok_or_else(missing)
}

/// Why something that a request names by its id was not found.
fn missing(error: DbError, what: &str) -> Missing {
    let is_missing = matches!(error, DbError::NotFound(_));
    let error = AppError::from(error);
    match Code::from_name(error.code()) {
        Some(code) if is_missing => Missing::Wrong(code.as_str(), format!("there is no such {what}")),
        _ => Missing::Failed(error),
    }
}

/// Adds the materials of a product's parts to those of the request, where these say nothing about a part.
fn wear(request: &mut RenderRequest, parts: &PartEntries) -> Result<(), AppError> {
    if parts.as_slice().is_empty() {
        return Ok(());
    }
    let given = request.options.json(OptionId::Materials).unwrap_or_default();
    let mut all: Vec<Value> = given["parts"].as_array().cloned().unwrap_or_default();
    let said: HashSet<String> = {
        let said = all.iter().filter(|entry| !entry["material"].is_null());
        said.filter_map(|entry| entry["part_name"].as_str().map(str::to_owned)).collect()
    };
    let own = parts.as_slice().iter().filter(|entry| !said.contains(entry.part_name.as_str()));
    all.extend(own.map(|entry| json!({"part_name": entry.part_name.as_str(), "material": entry.material.as_str()})));
    let materials = json!({"library": given["library"], "parts": all});
    let set = request.options.set_json(OptionId::Materials, &materials);
    set.map_err(|wrong| AppError::internal(std::io::Error::other(format!("{wrong:?}"))))
}
