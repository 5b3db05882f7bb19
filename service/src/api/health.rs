//! Whether the service is alive and ready, and its metrics.

use axum::extract::{Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::answer::Answer;
use super::auth::{self, Access};
use super::problem::ApiResult;
use super::state::AppState;
use crate::instance;
use packshot_contract::health::{Health, Readiness, ReadyStatus};
use packshot_domain::access::Permission;

/// Reports that the process is alive
#[utoipa::path(
    get, path = "/healthz", operation_id = "healthz", tag = "instance",
    responses((status = 200, description = "The process is alive", body = Health)),
)]
pub(crate) async fn healthz() -> ApiResult<Response> {
    Ok(Answer::json(StatusCode::OK, &Health { status: "ok".to_owned() })?.into_response())
}

/// Reports that the process is alive, at the path of the reference system
#[utoipa::path(
    get, path = "/health", operation_id = "health", tag = "instance",
    responses((status = 200, description = "The process is alive", body = Health)),
)]
pub(crate) async fn health() -> ApiResult<Response> {
    healthz().await
}

/// Reports whether the service can accept work and do it
#[utoipa::path(
    get, path = "/readyz", operation_id = "readyz", tag = "instance",
    responses(
        (status = 200, description = "It is ready", body = Readiness),
        (status = 503, description = "It is not ready", body = Readiness),
    ),
)]
pub(crate) async fn readyz(State(state): State<AppState>) -> ApiResult<Response> {
    let readiness = instance::readiness::readiness(&state).await;
    let code = match readiness.status {
        ReadyStatus::Ready => StatusCode::OK,
        ReadyStatus::NotReady => StatusCode::SERVICE_UNAVAILABLE,
    };
    let answer = Answer::json(code, &readiness)?.with(CACHE_CONTROL, "no-store".to_owned());
    Ok(answer.into_response())
}

/// Reports metrics, for Prometheus
///
/// Open to this machine if only this machine can reach the service. Otherwise, or behind a proxy, the metrics token or
/// a key of a global admin is needed.
#[utoipa::path(
    get, path = "/metrics", operation_id = "get_metrics", tag = "instance",
    responses((status = 200, description = "Prometheus' text format", body = String, content_type = "text/plain")),
)]
pub(crate) async fn metrics(State(state): State<AppState>, request: Request) -> ApiResult<Response> {
    let (method, headers, uri) = (request.method(), request.headers(), request.uri());
    let in_force = state.in_force().await;
    let is_local = state.settings.is_loopback() && auth::is_local(headers, uri, &in_force.allowed_hosts);
    if !is_local && !shows_token(in_force.metrics_token, headers) {
        let origin = auth::origin(request.extensions());
        auth::admit(&state, Access::Instance(Permission::ReadMetrics), method, headers, uri, origin).await?;
    }
    instance::count_tasks(&state).await?;
    let text_format = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    Ok(([(CONTENT_TYPE, text_format)], state.metrics.render()).into_response())
}

/// Whether the request shows the metrics token. Comparing hashes takes the same time wherever they differ.
fn shows_token(token: Option<blake3::Hash>, headers: &HeaderMap) -> bool {
    let Some(token) = token else { return false };
    let shown = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    shown.is_some_and(|shown| blake3::hash(shown.as_bytes()) == token)
}
