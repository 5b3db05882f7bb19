//! Settings: shown, described, and changed by a merge patch (RFC 7396), all of it or nothing.

use axum::extract::State;
use axum::http::header::ETAG;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

use super::answer::Answer;
use super::auth::Caller;
use super::body::JsonBody;
use super::precondition::expected_revision;
use super::problem::ApiResult;
use super::state::AppState;
use crate::tenancy::settings::{self, SettingsChange};
use packshot_contract::setting::{SettingValues, SettingsPatch, SettingsSchema};

fn answer(values: &SettingValues) -> ApiResult<Response> {
    Ok(Answer::json(StatusCode::OK, values)?.with(ETAG, format!("\"{}\"", values.revision)).into_response())
}

/// Shows the settings in force
#[utoipa::path(
    get, path = "/api/v1/settings", operation_id = "get_settings", tag = "instance",
    responses((status = 200, description = "Every setting with its value", body = SettingValues)),
)]
pub(crate) async fn get(State(state): State<AppState>, caller: Caller) -> ApiResult<Response> {
    answer(&settings::values(&state, &caller.0).await?)
}

/// Describes the settings
#[utoipa::path(
    get, path = "/api/v1/settings/schema", operation_id = "get_settings_schema", tag = "instance",
    responses((status = 200, description = "The settings, with their possible values", body = SettingsSchema)),
)]
pub(crate) async fn schema(State(state): State<AppState>, caller: Caller) -> ApiResult<Response> {
    Ok(Answer::json(StatusCode::OK, &settings::schema(&state, &caller.0).await?)?.into_response())
}

/// Changes settings
///
/// A merge patch: absent members stay, `null` goes back to the default. A setting of the whole installation is changed
/// by a global admin, or by an admin of the operating tenant. A setting that the command line, a variable or the
/// settings file fixes cannot be changed here.
#[utoipa::path(
    patch, path = "/api/v1/settings", operation_id = "change_settings", tag = "instance",
    params(("If-Match" = Option<String>, Header, description = "Make the change only if this is still the `ETag`")),
    request_body(content((SettingsPatch = "application/merge-patch+json"), (SettingsPatch = "application/json"))),
    responses((status = 200, description = "The settings as they are now", body = SettingValues)),
)]
pub(crate) async fn change(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    JsonBody(body): JsonBody,
) -> ApiResult<Response> {
    let change = SettingsChange::read(&state, &caller.0, &body)?;
    let expected = expected_revision(&headers)?;
    answer(&settings::change(&state, &caller.0, change, expected).await?)
}
