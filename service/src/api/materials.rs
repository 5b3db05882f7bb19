//! The materials of a library: the built-in one, the tenant's, or another that it uploaded.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use packshot_materials::library::Library;

use super::answer::Answer;
use super::auth::Caller;
use super::problem::{ApiError, ApiResult, Code};
use super::query::Params;
use super::state::AppState;
use crate::app::AppError;
use crate::libraries::materials::{self, MaterialCursor};
use packshot_contract::material::{Material, MaterialPage};
use packshot_contract::problem::Invalid;

/// The library that `?library=` names, or the tenant's own.
async fn library(state: &AppState, caller: &Caller, params: &Params) -> ApiResult<Arc<Library>> {
    let library = materials::library(state, &caller.0, params.text("library")).await?;
    let missing = || AppError::new(Code::LibraryNotFound, "there is no such library").at("?library");
    Ok(library.ok_or_else(missing)?)
}

/// Lists materials by id
#[utoipa::path(
    get, path = "/api/v1/materials", operation_id = "list_materials", tag = "materials",
    params(
        ("q" = Option<String>, Query, description = "Only materials whose id, code, name or alias contains this in any spelling"),
        ("library" = Option<String>, Query, description = "The library, by name; the tenant's own if absent"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 200, description = "Materials per page; 50 if absent"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the previous page"),
    ),
    responses((status = 200, description = "A page of materials", body = MaterialPage)),
)]
pub(crate) async fn list(State(state): State<AppState>, caller: Caller, params: Params) -> ApiResult<Response> {
    let limit = params.limit()?;
    let after = params.text("cursor").map(str::parse::<MaterialCursor>).transpose();
    let after = after.map_err(|_| Invalid::one("?cursor", "invalid_cursor", "not a cursor of this list"))?;
    let library = library(&state, &caller, &params).await?;
    let page = materials::search(&library, params.text("q").unwrap_or_default(), after.as_ref(), limit);
    Ok(Answer::json(StatusCode::OK, &page)?.into_response())
}

/// Shows a material
#[utoipa::path(
    get, path = "/api/v1/materials/{id}", operation_id = "get_material", tag = "materials",
    params(
        ("id" = String, Path, description = "Id, code, name or alias"),
        ("library" = Option<String>, Query, description = "The library, by name; the tenant's own if absent"),
    ),
    responses((status = 200, description = "The material", body = Material)),
)]
pub(crate) async fn get(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    params: Params,
) -> ApiResult<Response> {
    let library = library(&state, &caller, &params).await?;
    let material = materials::find(&library, &id);
    let material = material.ok_or_else(|| ApiError::new(Code::MaterialNotFound, "there is no such material"))?;
    Ok(Answer::json(StatusCode::OK, &material)?.into_response())
}
