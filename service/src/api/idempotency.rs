//! `Idempotency-Key`: the same request again gets the same answer, and has its effect once.

use std::future::Future;
use std::time::Duration;

use axum::http::HeaderMap;
use axum::http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};

use super::answer::Answer;
use super::auth::Caller;
use super::problem::{self, ApiError, ApiResult, Code};
use super::state::AppState;
use packshot_contract::problem::{Invalid, Problem};
use packshot_db::TenantScope;
use packshot_db::idempotency::{self, Begun, IdempotentRequest, StoredAnswer};
use packshot_domain::id::RenderId;

/// The header with the key.
const KEY: &str = "idempotency-key";
/// Says that an answer was given before.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
/// How long a request without waiting may take, before it counts as interrupted.
pub(crate) const IN_FLIGHT: Duration = Duration::from_secs(60);

/// The request with its key, if it has one.
///
/// # Errors
/// `out_of_range` when the key is not 1 to 255 printable characters.
pub(crate) fn of_request(headers: &HeaderMap, path: &str, body: [u8; 32]) -> ApiResult<Option<IdempotentRequest>> {
    let Some(value) = headers.get(KEY) else { return Ok(None) };
    let key = value.to_str().ok().filter(|key| (1..=255).contains(&key.len()));
    let key = key.ok_or_else(|| {
        Invalid::one("?Idempotency-Key", "out_of_range", "the header takes 1 to 255 printable ASCII characters")
    })?;
    Ok(Some(IdempotentRequest { key: key.to_owned(), method: "POST".to_owned(), path: path.to_owned(), body }))
}

/// What a request is answered that is not new; `None` when it is new or was interrupted.
///
/// # Errors
/// [`Code::IdempotencyInFlight`], [`Code::IdempotencyKeyReused`], and the error that was answered before.
pub(crate) fn known(begun: &Begun) -> ApiResult<Option<Answer>> {
    match begun {
        Begun::Fresh | Begun::Interrupted(_) => Ok(None),
        Begun::InFlight => {
            Err(ApiError::new(Code::IdempotencyInFlight, "a request with this key is still being worked on"))
        }
        Begun::Reused => {
            let detail = "the key belongs to a request with another body";
            Err(ApiError::new(Code::IdempotencyKeyReused, detail))
        }
        Begun::Replay(stored) => replay(stored.clone()).map(Some),
    }
}

fn replay(stored: StoredAnswer) -> ApiResult<Answer> {
    let answer = Answer::from_stored(stored).with(REPLAYED, HeaderValue::from_static("true"));
    if answer.header(&CONTENT_TYPE) != Some(&problem::MEDIA_TYPE) {
        return Ok(answer);
    }
    // The error is said again under this request's own id.
    let problem: Problem = serde_json::from_slice(answer.body()).map_err(ApiError::internal)?;
    let headers = answer.headers().iter().filter(|(name, _)| name != CONTENT_TYPE).cloned().collect();
    Err(ApiError::from_problem(problem, headers))
}

/// An answer as a row keeps it; `None` for those that are not kept.
fn to_stored(result: &ApiResult<Answer>) -> Option<StoredAnswer> {
    match result {
        Ok(answer) => Some(answer.to_stored()),
        Err(error) if error.status().is_server_error() => None,
        Err(error) => {
            let body = serde_json::to_vec(&error.problem("", "")).ok()?;
            let text =
                |(name, value): &(HeaderName, HeaderValue)| Some((name.to_string(), value.to_str().ok()?.into()));
            let mut headers: Vec<(String, String)> = error.headers().iter().filter_map(text).collect();
            headers.push((CONTENT_TYPE.to_string(), "application/problem+json".to_owned()));
            Some(StoredAnswer { status: error.status().as_u16(), headers, body })
        }
    }
}

/// Stores what a request was answered, or forgets it when its answer is not kept.
///
/// # Errors
/// What the database says.
pub(crate) async fn settle(
    state: &AppState,
    scope: TenantScope,
    request: IdempotentRequest,
    result: &ApiResult<Answer>,
) -> ApiResult<()> {
    match to_stored(result) {
        Some(stored) => idempotency::finish(&state.db, scope, request, stored).await?,
        None => idempotency::abandon(&state.db, scope, request).await?,
    }
    Ok(())
}

/// What became of a request that is refused.
#[derive(Debug)]
pub(crate) enum Refused {
    /// It has its answer.
    Answered(Answer),
    /// It made this render before it was interrupted: the answer is the render's.
    Made(RenderId),
}

/// Stores the refusal of a request that was not begun here and had no effect, as far as is known here.
///
/// # Errors
/// The refusal; and as [`known`], when the same request was begun elsewhere meanwhile.
pub(crate) async fn refuse(
    state: &AppState,
    scope: TenantScope,
    request: IdempotentRequest,
    refusal: ApiError,
) -> ApiResult<Refused> {
    let begun = idempotency::begin(&state.db, scope, request.clone(), IN_FLIGHT).await?;
    if let Some(answer) = known(&begun)? {
        return Ok(Refused::Answered(answer));
    }
    if let Begun::Interrupted(render) = begun {
        return Ok(Refused::Made(render));
    }
    let result = Err(refusal);
    settle(state, scope, request, &result).await?;
    result.map(Refused::Answered)
}

/// Does `work` once for all requests with the same key. With a key it goes on when the client leaves: what it did must not be
/// forgotten.
///
/// # Errors
/// As [`known`], and what `work` gives.
pub(crate) async fn once(
    state: &AppState,
    caller: &Caller,
    request: Option<IdempotentRequest>,
    work: impl Future<Output = ApiResult<Answer>> + Send + 'static,
) -> ApiResult<Response> {
    let Some(request) = request else { return work.await.map(IntoResponse::into_response) };
    let (state, scope) = (state.clone(), caller.scope());
    let done = tokio::spawn(async move {
        let begun = idempotency::begin(&state.db, scope, request.clone(), IN_FLIGHT).await?;
        if let Some(answer) = known(&begun)? {
            return Ok(answer);
        }
        let result = work.await;
        settle(&state, scope, request, &result).await?;
        result
    });
    done.await.map_err(ApiError::internal)?.map(IntoResponse::into_response)
}
