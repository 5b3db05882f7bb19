//! The events of a render as a stream.

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;

use super::render_id;
use crate::api::auth::Caller;
use crate::api::events::{self, Beginning};
use crate::api::media::RenderEvents;
use crate::api::problem::ApiResult;
use crate::api::query::Params;
use crate::api::state::AppState;
use crate::renders::{self, Snapshot};
use packshot_domain::stream::StreamId;

/// Follows a render
///
/// Without `Last-Event-ID`, the first event is `snapshot`, with the job as its data. After it comes every event of the
/// job, with its number as `id`. A connection that names the last number it saw resumes after it, without gaps or
/// repeats. The stream ends with the job.
#[utoipa::path(
    get, path = "/api/v1/renders/{id}/events", operation_id = "follow_render", tag = "renders",
    params(
        ("id" = String, Path, format = Uuid, description = "The render"),
        ("Last-Event-ID" = Option<i64>, Header, description = "Number of the last event that the client has seen"),
        ("after" = Option<i64>, Query, minimum = 0, description = "The same, as a query parameter"),
    ),
    responses(RenderEvents),
)]
pub(crate) async fn stream(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    params: Params,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let seen = events::last_seen(&headers, &params)?;
    let id = render_id(&id)?;
    let Snapshot { job, last_seq } = renders::snapshot(&state, &caller.0, id).await?;
    let beginning = match events::still_numbered(seen, last_seq) {
        Some(seq) => Beginning::After(seq),
        None => Beginning::of_snapshot(last_seq, &job)?,
    };
    events::answer(&state, &caller, &headers, StreamId::of_render(id), beginning).await
}
