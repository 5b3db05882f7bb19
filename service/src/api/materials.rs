//! The materials of a library: the built-in one, the tenant's, or another that it uploaded.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use packshot_materials::library::{Layer, Library, Package};

use super::answer::Answer;
use super::auth::Caller;
use super::problem::{ApiError, ApiResult, Code};
use super::query::Params;
use super::renders::inputs::{BUILTIN, RenderSettings};
use super::state::AppState;
use packshot_contract::material::{Material, MaterialPage};
use packshot_contract::problem::Invalid;
use packshot_db::{TenantScope, libraries};
use packshot_domain::hash::ContentAddress;
use packshot_worker::library::{parse, unpack};
use packshot_worker::lru::Lru;

/// The library that `?library=` names, or the tenant's own, with what it lies over.
async fn library(state: &AppState, scope: TenantScope, params: &Params) -> ApiResult<Arc<Library>> {
    let name = match params.text("library") {
        Some(name) => Some(name.to_owned()),
        None => RenderSettings::in_force(state, scope).await?.material_library,
    };
    let Some(name) = name.filter(|name| name != BUILTIN) else { return Ok(Arc::new(Library::builtin().clone())) };
    let stored = libraries::find(&state.db, scope, &name).await?;
    let stored =
        stored.ok_or_else(|| ApiError::new(Code::LibraryNotFound, "there is no such library").at("?library"))?;
    let address = stored.library.address;
    if let Some(library) = state.libraries.0.get(&address) {
        return Ok(library);
    }
    let turn = state.turn().await?;
    // Who waited for the turn may find that the one before parsed the same.
    if let Some(library) = state.libraries.0.get(&address) {
        return Ok(library);
    }
    let file = state.store.read(stored.owner, &address).await?;
    let resolved = turn.run(move || {
        let sources = unpack(&file)?;
        let n_bytes = sources.iter().map(|source| source.bytes.len() as u64).sum();
        let (package, _) = parse(&sources)?;
        Ok((Arc::new(over_builtin(package)?), n_bytes))
    });
    // It was whole when it was uploaded, so this version of Packshot sees something in it that the other did not.
    let (library, n_bytes) = resolved.await?.map_err(super::libraries::refused)?;
    state.libraries.0.insert(address, Arc::clone(&library), n_bytes);
    Ok(library)
}

/// Text of parsed libraries that are kept for the next request, at most.
const PARSED_BYTES_MAX: u64 = 32 << 20;

/// Libraries as they were parsed, by the content of their file.
#[derive(Debug)]
pub(crate) struct Parsed(Lru<ContentAddress, Arc<Library>>);

impl Default for Parsed {
    fn default() -> Self {
        Self(Lru::new(PARSED_BYTES_MAX))
    }
}

/// A library alone if it can stand alone, else over the built-in one.
///
/// # Errors
/// Every `library.…` finding of the two together.
pub(crate) fn over_builtin(package: Package) -> Result<Library, packshot_materials::finding::Rejected> {
    let stands_alone = package.extends.is_empty() && package.fallback.is_some();
    let mut layers = vec![(Layer::Job, package)];
    if !stands_alone {
        layers.insert(0, (Layer::Base, Package::builtin()));
    }
    Library::resolve(layers).map(|(library, _)| library)
}

/// Lists materials by id
#[utoipa::path(
    get, path = "/api/v1/materials", operation_id = "list_materials", tag = "materials",
    params(
        ("q" = Option<String>, Query, description = "Only materials whose id, code, name or alias contains this in any spelling"),
        ("library" = Option<String>, Query, description = "The library, by name; the tenant's own without it"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 200, description = "Materials of a page; 50 without it"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before"),
    ),
    responses((status = 200, description = "A page of materials", body = MaterialPage)),
)]
pub(crate) async fn list(State(state): State<AppState>, caller: Caller, params: Params) -> ApiResult<Response> {
    let limit = params.limit()? as usize;
    let after = params.text("cursor").map(decode_cursor).transpose()?;
    let library = library(&state, caller.scope(), &params).await?;
    let found = library.search(params.text("q").unwrap_or_default());
    let rest = found.skip_while(|material| after.as_ref().is_some_and(|after| material.id <= *after));
    let mut items: Vec<Material> = rest.take(limit + 1).map(Material::from).collect();
    let has_more = items.len() > limit;
    items.truncate(limit);
    let last = items.last().filter(|_| has_more);
    let page = MaterialPage {
        library: library.id().to_owned(),
        version: library.version().to_string(),
        digest: library.digest().to_owned(),
        next_cursor: last.map(|material| encode_cursor(&material.id)),
        items,
    };
    Ok(Answer::json(StatusCode::OK, &page)?.into_response())
}

/// Shows a material
#[utoipa::path(
    get, path = "/api/v1/materials/{id}", operation_id = "get_material", tag = "materials",
    params(
        ("id" = String, Path, description = "Id, code, name or alias"),
        ("library" = Option<String>, Query, description = "The library, by name; the tenant's own without it"),
    ),
    responses((status = 200, description = "The material", body = Material)),
)]
pub(crate) async fn get(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    params: Params,
) -> ApiResult<Response> {
    let library = library(&state, caller.scope(), &params).await?;
    let (idx, _) =
        library.find(&id).ok_or_else(|| ApiError::new(Code::MaterialNotFound, "there is no such material"))?;
    Ok(Answer::json(StatusCode::OK, &Material::from(library.material(idx)))?.into_response())
}

/// The place after a material, named by its id, so that materials that come and go elsewhere do not move it.
fn encode_cursor(id: &str) -> String {
    id.bytes().map(|byte| format!("{byte:02x}")).collect()
}

fn decode_cursor(text: &str) -> Result<String, Invalid> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let is_formed = !text.is_empty() && text.len().is_multiple_of(2) && text.len() <= 2048;
    let pairs = text.as_bytes().chunks_exact(2).map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?));
    let bytes: Option<Vec<u8>> = if is_formed { pairs.collect() } else { None };
    let id = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    id.ok_or_else(|| Invalid::one("?cursor", "invalid_cursor", "this is no cursor of the list"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_survive_text() {
        for id in ["STD_010101_Steel-Bare", "ä"] {
            assert_eq!(decode_cursor(&encode_cursor(id)), Ok(id.to_owned()));
        }
        for text in ["", "garbage", "5", "ff", "éé"] {
            assert!(decode_cursor(text).is_err(), "{text}");
        }
    }
}
