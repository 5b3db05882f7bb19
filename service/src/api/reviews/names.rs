//! The report of unmapped names, and names of it that get materials.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

use crate::api::answer::Answer;
use crate::api::auth::Caller;
use crate::api::body::JsonBody;
use crate::api::idempotency;
use crate::api::problem::ApiResult;
use crate::api::query::Params;
use crate::api::state::AppState;
use crate::reviews::{self, NameCursor, NameFilter, NamePage};
use packshot_contract::problem::Invalid;
use packshot_contract::review::{NamesApplied, NamesApplyRequest, UnmappedNames};
use packshot_domain::time::Timestamp;

const APPLY_PATH: &str = "/api/v1/reports/unmapped-names/apply";

/// Reports the names that pictures of orders show in the fallback material
///
/// Those of most lines first: what an alias would help most. With each come the materials that are proposed for it, and
/// for all of them how often proposals were right.
#[utoipa::path(
    get, path = "/api/v1/reports/unmapped-names", operation_id = "report_unmapped_names", tag = "materials",
    params(
        ("from" = Option<String>, Query, format = DateTime, description = "Only names that were seen at or after this"),
        ("to" = Option<String>, Query, format = DateTime, description = "Only names that were seen before this"),
        ("min_lines" = Option<u32>, Query, minimum = 1, description = "Only names of at least so many lines; 1 if absent"),
        ("resolved" = Option<bool>, Query, description = "Also names that have a material everywhere by now; `false` if absent"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 200, description = "Names per page; 50 if absent"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the previous page"),
    ),
    responses((status = 200, description = "A page of names", body = UnmappedNames)),
)]
pub(crate) async fn report(State(state): State<AppState>, caller: Caller, params: Params) -> ApiResult<Response> {
    let NamePage { items, next, acceptance, totals } = reviews::names(&state, &caller.0, filter(&params)?).await?;
    let report = UnmappedNames { items, next_cursor: next.map(|cursor| cursor.to_string()), acceptance, totals };
    Ok(Answer::json(StatusCode::OK, &report)?.into_response())
}

fn filter(params: &Params) -> Result<NameFilter, Invalid> {
    let (limit, after) = params.part_of_list::<NameCursor>()?;
    let time = |name: &str| params.parse::<Timestamp>(name, "a time such as 2026-11-20T10:00:00.000Z");
    Ok(NameFilter {
        from: time("from")?.unwrap_or(Timestamp::MIN),
        to: time("to")?.unwrap_or(Timestamp::MAX),
        min_lines: params.parse("min_lines", "a whole number")?.unwrap_or(1),
        resolved: params.parse("resolved", "`true` or `false`")?.unwrap_or(false),
        limit,
        after,
    })
}

/// Gives names of the report materials
///
/// Aliases are written, and what shows the names in the fallback material is rendered again. A name that cannot be
/// given stops no other.
#[utoipa::path(
    post, path = "/api/v1/reports/unmapped-names/apply", operation_id = "apply_unmapped_names", tag = "materials",
    params(("Idempotency-Key" = Option<String>, Header, description = "Repeated with the same key and body, the request gets the same answer")),
    request_body = NamesApplyRequest,
    responses((status = 200, description = "Which names were given, and which not", body = NamesApplied)),
)]
pub(crate) async fn apply(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    JsonBody(body): JsonBody,
) -> ApiResult<Response> {
    let wish = NamesApplyRequest::parse(&body)?;
    let keyed = idempotency::of_request(&headers, APPLY_PATH, idempotency::hash_of(&body))?;
    let (own, who) = (state.clone(), caller.0.clone());
    idempotency::once(&state, &caller, keyed, async move {
        Answer::json(StatusCode::OK, &reviews::apply_names(&own, &who, wish).await?)
    })
    .await
}
