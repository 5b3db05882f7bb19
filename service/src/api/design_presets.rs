//! Placements with a name: listed, made, changed, deleted.

use axum::extract::{Path, State};
use axum::http::header::LOCATION;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

use super::answer::Answer;
use super::auth::Caller;
use super::body::JsonBody;
use super::idempotency;
use super::problem::ApiResult;
use super::state::AppState;
use crate::designs::presets;
use packshot_contract::design::{DesignPreset, DesignPresetList, DesignPresetPatch, DesignPresetRequest};

const PATH: &str = "/api/v1/design-presets";

/// Lists the presets of placements: those that are built in, then the tenant's by name
#[utoipa::path(
    get, path = "/api/v1/design-presets", operation_id = "list_design_presets", tag = "media",
    responses((status = 200, description = "The presets", body = DesignPresetList)),
)]
pub(crate) async fn list(State(state): State<AppState>, caller: Caller) -> ApiResult<Response> {
    Ok(Answer::json(StatusCode::OK, &presets::list(&state, &caller.0).await?)?.into_response())
}

/// Gives a placement a name
///
/// Design jobs and previews name it as their `preset`; members of their own `placement` win.
#[utoipa::path(
    post, path = "/api/v1/design-presets", operation_id = "create_design_preset", tag = "media",
    params(("Idempotency-Key" = Option<String>, Header, description = "Repeated with the same key and body, the request gets the same answer and makes one preset")),
    request_body = DesignPresetRequest,
    responses((status = 201, description = "The preset", body = DesignPreset)),
)]
pub(crate) async fn create(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    JsonBody(body): JsonBody,
) -> ApiResult<Response> {
    let wish = DesignPresetRequest::parse(&body)?;
    let keyed = idempotency::of_request(&headers, PATH, idempotency::hash_of(&body))?;
    let (own, who) = (state.clone(), caller.0.clone());
    let once = async move {
        let made = presets::create(&own, &who, wish).await?;
        let place = format!("{PATH}/{}", made.name.replace(' ', "%20"));
        Ok(Answer::json(StatusCode::CREATED, &made)?.with(LOCATION, place))
    };
    idempotency::once(&state, &caller, keyed, once).await
}

/// Changes a preset of the tenant
///
/// A merge patch: members of its placement that are absent stay, `null` takes one away. Jobs keep what it was.
#[utoipa::path(
    patch, path = "/api/v1/design-presets/{name}", operation_id = "change_design_preset", tag = "media",
    params(("name" = String, Path, description = "The preset")),
    request_body(content((DesignPresetPatch = "application/merge-patch+json"), (DesignPresetPatch = "application/json"))),
    responses((status = 200, description = "The preset as it is now", body = DesignPreset)),
)]
pub(crate) async fn change(
    State(state): State<AppState>,
    caller: Caller,
    Path(name): Path<String>,
    JsonBody(body): JsonBody,
) -> ApiResult<Response> {
    let changed = presets::change(&state, &caller.0, &name, &body).await?;
    Ok(Answer::json(StatusCode::OK, &changed)?.into_response())
}

/// Deletes a preset of the tenant
///
/// Jobs that were made with it keep what it was.
#[utoipa::path(
    delete, path = "/api/v1/design-presets/{name}", operation_id = "delete_design_preset", tag = "media",
    params(("name" = String, Path, description = "The preset")),
    responses((status = 204, description = "It is deleted")),
)]
pub(crate) async fn delete(
    State(state): State<AppState>,
    caller: Caller,
    Path(name): Path<String>,
) -> ApiResult<StatusCode> {
    presets::delete(&state, &caller.0, &name).await?;
    Ok(StatusCode::NO_CONTENT)
}
