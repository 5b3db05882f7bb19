//! Render templates: listed, made, shown, changed, deleted.

use axum::extract::{Path, State};
use axum::http::header::LOCATION;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

use super::answer::Answer;
use super::auth::{Caller, ListCaller};
use super::body::JsonBody;
use super::idempotency;
use super::problem::{ApiError, ApiResult, Code};
use super::query::Params;
use super::state::AppState;
use crate::app::Page;
use crate::products::templates;
use crate::tenancy::RenderSettings;
use packshot_contract::render_template::{
    RenderTemplate, RenderTemplatePage, RenderTemplatePatch, RenderTemplateRequest,
};
use packshot_domain::id::RenderTemplateId;

const PATH: &str = "/api/v1/render-templates";

/// The id in a path. Text that is not an id is the id of no render template.
fn template_id(text: &str) -> ApiResult<RenderTemplateId> {
    text.parse().map_err(|_| ApiError::new(Code::TemplateNotFound, "there is no such render template"))
}

/// Lists render templates, newest first
#[utoipa::path(
    get, path = "/api/v1/render-templates", operation_id = "list_render_templates", tag = "catalogue",
    params(
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 200, description = "Render templates per page; 50 if absent"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the previous page"),
    ),
    responses((status = 200, description = "A page of render templates", body = RenderTemplatePage)),
)]
pub(crate) async fn list(State(state): State<AppState>, caller: ListCaller, params: Params) -> ApiResult<Response> {
    let Page { items, next } = templates::list(&state, &caller.0, params.page()?).await?;
    let page = RenderTemplatePage { items, next_cursor: next.map(|cursor| cursor.to_string()) };
    Ok(Answer::json(StatusCode::OK, &page)?.into_response())
}

/// Makes a render template
///
/// Of the templates that are active, the one that fits output type and category is taken, else output type, else
/// category, else one for all; of equals the newest.
#[utoipa::path(
    post, path = "/api/v1/render-templates", operation_id = "create_render_template", tag = "catalogue",
    params(("Idempotency-Key" = Option<String>, Header, description = "Repeated with the same key and body, the request gets the same answer and makes one render template")),
    request_body = RenderTemplateRequest,
    responses((status = 201, description = "The render template", body = RenderTemplate)),
)]
pub(crate) async fn create(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    JsonBody(body): JsonBody,
) -> ApiResult<Response> {
    let settings = RenderSettings::in_force(&state, &caller.0).await?;
    let new = RenderTemplateRequest::parse(&body, &settings.engines_allowed)?;
    let keyed = idempotency::of_request(&headers, PATH, idempotency::hash_of(&body))?;
    let (own, who) = (state.clone(), caller.0.clone());
    idempotency::once(&state, &caller, keyed, async move {
        let made = templates::create(&own, &who, new, &settings).await?;
        Ok(Answer::json(StatusCode::CREATED, &made)?.with(LOCATION, format!("{PATH}/{}", made.id)))
    })
    .await
}

/// Shows a render template
#[utoipa::path(
    get, path = "/api/v1/render-templates/{id}", operation_id = "get_render_template", tag = "catalogue",
    params(("id" = String, Path, format = Uuid, description = "The render template")),
    responses((status = 200, description = "The render template", body = RenderTemplate)),
)]
pub(crate) async fn get(State(state): State<AppState>, caller: Caller, Path(id): Path<String>) -> ApiResult<Response> {
    let shown = templates::get(&state, &caller.0, template_id(&id)?).await?;
    Ok(Answer::json(StatusCode::OK, &shown)?.into_response())
}

/// Changes a render template
///
/// A merge patch: absent members stay, `null` is the default; settings and materials are replaced as a whole.
#[utoipa::path(
    patch, path = "/api/v1/render-templates/{id}", operation_id = "change_render_template", tag = "catalogue",
    params(("id" = String, Path, format = Uuid, description = "The render template")),
    request_body(content((RenderTemplatePatch = "application/merge-patch+json"), (RenderTemplatePatch = "application/json"))),
    responses((status = 200, description = "The render template as it is now", body = RenderTemplate)),
)]
pub(crate) async fn change(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(body): JsonBody,
) -> ApiResult<Response> {
    let settings = RenderSettings::in_force(&state, &caller.0).await?;
    let change = RenderTemplatePatch::parse(&body, &settings.engines_allowed)?;
    let changed = templates::change(&state, &caller.0, template_id(&id)?, change, &settings).await?;
    Ok(Answer::json(StatusCode::OK, &changed)?.into_response())
}

/// Deletes a render template
#[utoipa::path(
    delete, path = "/api/v1/render-templates/{id}", operation_id = "delete_render_template", tag = "catalogue",
    params(("id" = String, Path, format = Uuid, description = "The render template")),
    responses((status = 204, description = "It is deleted")),
)]
pub(crate) async fn delete(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<StatusCode> {
    templates::delete(&state, &caller.0, template_id(&id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}
