//! Designs on products: jobs started, listed, shown, followed, cancelled, tried again, deleted.

use axum::extract::{Path, Request, State};
use axum::http::header::LOCATION;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use utoipa::ToSchema;

use super::answer::Answer;
use super::auth::{Caller, ListCaller};
use super::events::{self, Beginning};
use super::idempotency;
use super::media::DesignEvents;
use super::multipart::{self, Form};
use super::prefer::{self, PREFERENCE_APPLIED};
use super::problem::{ApiError, ApiResult, Code};
use super::query::Params;
use super::state::AppState;
use crate::app::{AppError, Page};
use crate::designs::{self, Cancelled, DesignFilter, SentDesign, ShownMedia};
use packshot_contract::design::{DesignJob, DesignJobPage, DesignWish, NewDesignJob};
use packshot_contract::problem::Invalid;
use packshot_domain::id::DesignJobId;
use packshot_domain::principal::Principal;
use packshot_domain::stream::StreamId;

const PATH: &str = "/admin/render-engine/jobs";
/// The part with the file.
pub(super) const PART: &str = "design";
/// Requests without a body are equal when their paths are.
const NO_BODY: [u8; 32] = [0; 32];

/// The parts of a request for a design job.
#[derive(ToSchema)]
#[schema(as = DesignJobForm)]
#[expect(dead_code, reason = "describes the parts; they are streamed, not deserialised")]
pub(crate) struct DesignJobForm {
    /// A PNG, a JPEG, a WebP or an SVG, whatever its name says.
    #[schema(format = Binary)]
    design: String,
    /// What is asked for.
    request: NewDesignJob,
}

/// The id in a path. Text that is not an id is the id of no job.
fn design_job_id(text: &str) -> ApiResult<DesignJobId> {
    text.parse().map_err(|_| ApiError::new(Code::RenderJobNotFound, "there is no such design job"))
}

/// Puts a design on a product
///
/// Pictures of the product that wears it are rendered from six sides, and become the product's media. Everything is
/// checked before there is a job; the answer comes when the design is stored.
#[utoipa::path(
    post, path = "/admin/render-engine/jobs", operation_id = "create_design_job", tag = "media",
    params(
        ("Prefer" = Option<String>, Header, description = "`wait=N`: the answer waits up to N seconds for the end, 300 at most"),
        ("wait" = Option<u32>, Query, minimum = 1, maximum = 300, description = "The same, as a query parameter"),
        ("Idempotency-Key" = Option<String>, Header, description = "Repeated with the same key and body, the request gets the same answer and starts one job"),
    ),
    request_body(content((DesignJobForm = "multipart/form-data"), (NewDesignJob = "application/json"))),
    responses(
        (status = 200, description = "The job, which has ended while the request waited", body = DesignJob),
        (status = 202, description = "The job", body = DesignJob),
    ),
)]
pub(crate) async fn create(
    State(state): State<AppState>,
    caller: Caller,
    params: Params,
    headers: HeaderMap,
    request: Request,
) -> ApiResult<Response> {
    let bytes_max = designs::bytes_max(&state).await?;
    let wait = prefer::wait(&headers, &params)?;
    let form = multipart::receive(&state, request, &[PART], bytes_max).await.map_err(at_design)?;
    let keyed = idempotency::of_request(&headers, PATH, form.hash)?;
    let (own, who) = (state.clone(), caller.0.clone());
    let made = idempotency::once(&state, &caller, keyed, async move { create_once(&own, &who, form).await }).await?;
    let Some(wait) = wait else { return Ok(made) };
    // The stored answer is that of the start; whoever waits gets the job as it is then.
    let place = made.headers().get(LOCATION).and_then(|place| place.to_str().ok()).map(str::to_owned);
    let id = place.as_deref().and_then(|place| place.rsplit('/').next()?.parse::<DesignJobId>().ok());
    let (Some(place), Some(id)) = (place, id) else { return Ok(made) };
    let (job, has_ended) = designs::until_ended(&state, &caller.0, id, wait).await?;
    let status = if has_ended { StatusCode::OK } else { StatusCode::ACCEPTED };
    let answer = Answer::json(status, &job)?.with(LOCATION, place);
    Ok(answer.with(PREFERENCE_APPLIED, prefer::applied(wait)).into_response())
}

/// A file that is too large is named.
pub(super) fn at_design(error: ApiError) -> ApiError {
    match error.code() == Code::BodyTooLarge.as_str() {
        true => {
            let detail = "the design has more bytes than `max_design_bytes` allows";
            AppError::new(Code::BodyTooLarge, detail).at(format!("/{PART}")).into()
        }
        false => error,
    }
}

/// What is asked for, and the design that came with it.
pub(super) fn asked(mut form: Form) -> ApiResult<(DesignWish, Option<SentDesign>)> {
    let name = form.file_names.remove(PART).unwrap_or_default();
    let sent = form.files.remove(PART).map(|file| SentDesign { name, file });
    Ok((NewDesignJob::parse(&form.json, sent.is_some())?, sent))
}

async fn create_once(state: &AppState, who: &Principal, form: Form) -> ApiResult<Answer> {
    let (wish, sent) = asked(form)?;
    let job = designs::create(state, who, wish, sent).await?;
    Ok(Answer::json(StatusCode::ACCEPTED, &job)?.with(LOCATION, job.links.own))
}

/// Lists design jobs, newest first
#[utoipa::path(
    get, path = "/admin/render-engine/jobs", operation_id = "list_design_jobs", tag = "media",
    params(
        ("status" = Option<String>, Query, description = "Only jobs in this state, such as `failed`"),
        ("product_id" = Option<String>, Query, format = Uuid, description = "Only jobs of this product"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 200, description = "Jobs per page; 50 if absent"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the previous page"),
    ),
    responses((status = 200, description = "A page of jobs", body = DesignJobPage)),
)]
pub(crate) async fn list(State(state): State<AppState>, caller: ListCaller, params: Params) -> ApiResult<Response> {
    let filter = DesignFilter {
        status: params
            .parse("status", "`pending`, `compositing`, `rendering`, `completed`, `failed` or `cancelled`")?,
        product: params.parse("product_id", "the id of a product")?,
    };
    let Page { items, next } = designs::list(&state, &caller.0, filter, params.page()?).await?;
    let page = DesignJobPage { items, next_cursor: next.map(|cursor| cursor.to_string()) };
    Ok(Answer::json(StatusCode::OK, &page)?.into_response())
}

/// Shows a design job
#[utoipa::path(
    get, path = "/admin/render-engine/jobs/{id}", operation_id = "get_design_job", tag = "media",
    params(("id" = String, Path, format = Uuid, description = "The job")),
    responses((status = 200, description = "The job", body = DesignJob)),
)]
pub(crate) async fn get(State(state): State<AppState>, caller: Caller, Path(id): Path<String>) -> ApiResult<Response> {
    let job = designs::get(&state, &caller.0, design_job_id(&id)?).await?;
    Ok(Answer::json(StatusCode::OK, &job)?.into_response())
}

/// Deletes a design job that has ended, with its design and its texture
///
/// Pictures that a gallery shows stay, unless `media` is `delete`.
#[utoipa::path(
    delete, path = "/admin/render-engine/jobs/{id}", operation_id = "delete_design_job", tag = "media",
    params(
        ("id" = String, Path, format = Uuid, description = "The job"),
        ("media" = Option<String>, Query, description = "`keep` (if absent) or `delete`: what becomes of pictures that a gallery shows"),
    ),
    responses((status = 204, description = "It is deleted")),
)]
pub(crate) async fn delete(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    params: Params,
) -> ApiResult<StatusCode> {
    let media = match params.text("media") {
        None | Some("keep") => ShownMedia::Kept,
        Some("delete") => ShownMedia::Deleted,
        Some(_) => return Err(Invalid::one("?media", "unknown_value", "expected `keep` or `delete`").into()),
    };
    designs::delete(&state, &caller.0, design_job_id(&id)?, media).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Cancels a design job
///
/// One that waits is cancelled immediately. A running one stops within two seconds; until then the answer is 202. What
/// it did is taken back, except for its design and its texture.
#[utoipa::path(
    post, path = "/admin/render-engine/jobs/{id}/cancel", operation_id = "cancel_design_job", tag = "media",
    params(
        ("id" = String, Path, format = Uuid, description = "The job"),
        ("Idempotency-Key" = Option<String>, Header, description = "Repeated with the same key, the request gets the same answer"),
    ),
    responses(
        (status = 200, description = "The job has ended, now or before", body = DesignJob),
        (status = 202, description = "The job is being stopped", body = DesignJob),
    ),
)]
pub(crate) async fn cancel(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let keyed = idempotency::of_request(&headers, &format!("{PATH}/{id}/cancel"), NO_BODY)?;
    let id = design_job_id(&id)?;
    let (own, who) = (state.clone(), caller.0.clone());
    let once = async move {
        match designs::cancel(&own, &who, id).await? {
            Cancelled::Ended(job) => Answer::json(StatusCode::OK, &job),
            Cancelled::Stopping(job) => Answer::json(StatusCode::ACCEPTED, &job),
        }
    };
    idempotency::once(&state, &caller, keyed, once).await
}

/// Tries a design job again
///
/// It goes on with its first step that is not done: a texture that was composed is not composed again.
#[utoipa::path(
    post, path = "/admin/render-engine/jobs/{id}/retry", operation_id = "retry_design_job", tag = "media",
    params(
        ("id" = String, Path, format = Uuid, description = "The job"),
        ("Idempotency-Key" = Option<String>, Header, description = "Repeated with the same key, the request gets the same answer and makes one try"),
    ),
    responses((status = 202, description = "The job, which waits again", body = DesignJob)),
)]
pub(crate) async fn retry(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let keyed = idempotency::of_request(&headers, &format!("{PATH}/{id}/retry"), NO_BODY)?;
    let id = design_job_id(&id)?;
    let (own, who) = (state.clone(), caller.0.clone());
    let once = async move { Answer::json(StatusCode::ACCEPTED, &designs::retry(&own, &who, id).await?) };
    idempotency::once(&state, &caller, keyed, once).await
}

/// Follows a design job
///
/// Without `Last-Event-ID`, the first event is `snapshot`, with the job as its data. The stream ends with the job.
#[utoipa::path(
    get, path = "/admin/render-engine/jobs/{id}/events", operation_id = "follow_design_job", tag = "media",
    params(
        ("id" = String, Path, format = Uuid, description = "The job"),
        ("Last-Event-ID" = Option<i64>, Header, description = "Number of the last event that the client has seen"),
        ("after" = Option<i64>, Query, minimum = 0, description = "The same, as a query parameter"),
    ),
    responses(DesignEvents),
)]
pub(crate) async fn follow(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    params: Params,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let seen = events::last_seen(&headers, &params)?;
    let id = design_job_id(&id)?;
    let (job, last_seq) = designs::follow(&state, &caller.0, id).await?;
    let beginning = match seen {
        Some(seq) => Beginning::After(seq),
        None => Beginning::of_snapshot(last_seq, &job)?,
    };
    events::answer(&state, &caller, &headers, StreamId::of_design(id), beginning).await
}
