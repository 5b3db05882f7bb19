//! The log of a render, line by line.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::render_id;
use crate::api::answer::Answer;
use crate::api::auth::Caller;
use crate::api::problem::ApiResult;
use crate::api::query::Params;
use crate::api::state::AppState;
use crate::renders::{self, LogRequest};
use packshot_contract::Word;
use packshot_contract::event::LogLevel;
use packshot_contract::log::LogPage;
use packshot_contract::problem::Invalid;
use packshot_domain::task::TaskKind;

/// Reads the log of a render, newest line first
///
/// It has the lines of all attempts, and is kept as long as the render is.
#[utoipa::path(
    get, path = "/api/v1/renders/{id}/log", operation_id = "get_log", tag = "renders",
    params(
        ("id" = String, Path, format = Uuid, description = "The render"),
        ("step" = Option<String>, Query, description = "Only lines of this step"),
        ("level" = Option<LogLevel>, Query, description = "Only lines of this level"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 200, description = "Lines per page; 50 if absent"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the previous page"),
    ),
    responses((status = 200, description = "A page of lines", body = LogPage)),
)]
pub(crate) async fn page(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    params: Params,
) -> ApiResult<Response> {
    let (limit, before) = params.part_of_list()?;
    let step = params.text("step").map(|word| {
        word.parse::<TaskKind>()
            .map_err(|unknown| Invalid::one("?step", "unknown_value", format!("expected one of {}", unknown.expected)))
    });
    let level = params.text("level").map(|word| {
        let unknown = || Invalid::one("?level", "unknown_value", format!("expected one of {}", LogLevel::list()));
        LogLevel::by_word(word).ok_or_else(unknown)
    });
    let request = LogRequest { limit, before, step: step.transpose()?, level: level.transpose()?.map(Into::into) };
    let page = renders::log(&state, &caller.0, render_id(&id)?, request).await?;
    Ok(Answer::json(StatusCode::OK, &page)?.into_response())
}
