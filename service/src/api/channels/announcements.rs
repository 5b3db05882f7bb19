//! What administrators have to say to people.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

use crate::api::answer::Answer;
use crate::api::auth::{Caller, ListCaller};
use crate::api::body::JsonBody;
use crate::api::idempotency;
use crate::api::problem::{ApiError, ApiResult, Code};
use crate::api::query::Params;
use crate::api::state::AppState;
use crate::app::Page;
use crate::channels::announcements;
use packshot_contract::channel::announcement::{Announcement, AnnouncementPage, AnnouncementRequest};
use packshot_domain::id::AnnouncementId;

const PATH: &str = "/api/v1/announcements";

/// The id in a path. Text that is not an id is the id of no announcement.
fn announcement_id(text: &str) -> ApiResult<AnnouncementId> {
    text.parse().map_err(|_| ApiError::new(Code::AnnouncementNotFound, "there is no such announcement"))
}

/// Lists announcements, newest first
#[utoipa::path(
    get, path = "/api/v1/announcements", operation_id = "list_announcements", tag = "notifications",
    params(
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 200, description = "Announcements per page; 50 if absent"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the previous page"),
    ),
    responses((status = 200, description = "A page of announcements", body = AnnouncementPage)),
)]
pub(crate) async fn list(State(state): State<AppState>, caller: ListCaller, params: Params) -> ApiResult<Response> {
    let Page { items, next } = announcements::list(&state, &caller.0, params.page()?).await?;
    let page = AnnouncementPage { items, next_cursor: next.map(|cursor| cursor.to_string()) };
    Ok(Answer::json(StatusCode::OK, &page)?.into_response())
}

/// Makes an announcement
///
/// From `starts_at` to `ends_at` each user whom it is for gets one notification, whatever they have chosen to be told.
/// After that it goes from those who have not read it.
#[utoipa::path(
    post, path = "/api/v1/announcements", operation_id = "create_announcement", tag = "notifications",
    params(("Idempotency-Key" = Option<String>, Header, description = "Repeated with the same key and body, the request gets the same answer and makes one announcement")),
    request_body = AnnouncementRequest,
    responses((status = 201, description = "The announcement", body = Announcement)),
)]
pub(crate) async fn create(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    JsonBody(body): JsonBody,
) -> ApiResult<Response> {
    let new = AnnouncementRequest::parse(&body)?;
    let keyed = idempotency::of_request(&headers, PATH, idempotency::hash_of(&body))?;
    let (own, who) = (state.clone(), caller.0.clone());
    idempotency::once(&state, &caller, keyed, async move {
        Answer::json(StatusCode::CREATED, &announcements::create(&own, &who, new).await?)
    })
    .await
}

/// Takes an announcement back
///
/// It goes from those who have not read it.
#[utoipa::path(
    delete, path = "/api/v1/announcements/{id}", operation_id = "delete_announcement", tag = "notifications",
    params(("id" = String, Path, format = Uuid, description = "The announcement")),
    responses((status = 204, description = "It is gone")),
)]
pub(crate) async fn delete(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<Response> {
    announcements::delete(&state, &caller.0, announcement_id(&id)?).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
