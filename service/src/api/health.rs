//! Whether the service lives, whether it can work, how far it is set up, and what it has counted.

use std::time::Duration;

use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use metrics::gauge;
use tokio::time::timeout;

use super::answer::Answer;
use super::auth::{self, Access, Caller};
use super::problem::ApiResult;
use super::state::AppState;
use crate::server::metrics::names;
use crate::settings::InForce;
use packshot_contract::health::{Health, Readiness, ReadyChecks, ReadyStatus};
use packshot_contract::setup::Setup;
use packshot_db::{AllTenants, installation, tasks};
use packshot_domain::access::Permission;
use packshot_domain::task::{QueueName, TaskState};

/// What does not answer within this time is away.
const PATIENCE: Duration = Duration::from_secs(2);
const OK: &str = "ok";

/// Says that the process lives
#[utoipa::path(
    get, path = "/healthz", operation_id = "healthz", tag = "instance",
    responses((status = 200, description = "It lives", body = Health)),
)]
pub(crate) async fn healthz() -> ApiResult<Response> {
    Ok(Answer::json(StatusCode::OK, &Health { status: OK.to_owned() })?.into_response())
}

/// Says that the process lives; the path of the reference system
#[utoipa::path(
    get, path = "/health", operation_id = "health", tag = "instance",
    responses((status = 200, description = "It lives", body = Health)),
)]
pub(crate) async fn health() -> ApiResult<Response> {
    healthz().await
}

/// Says whether work can be accepted and done
#[utoipa::path(
    get, path = "/readyz", operation_id = "readyz", tag = "instance",
    responses(
        (status = 200, description = "It can", body = Readiness),
        (status = 503, description = "It cannot", body = Readiness),
    ),
)]
pub(crate) async fn readyz(State(state): State<AppState>) -> ApiResult<Response> {
    let database = async {
        match timeout(PATIENCE, state.db.now()).await {
            Ok(Ok(_)) => OK,
            Ok(Err(_)) | Err(_) => "unavailable",
        }
    };
    let storage = async {
        match timeout(PATIENCE, state.store.probe()).await {
            Ok(Ok(())) => OK,
            Ok(Err(crate::store::StoreError::Full)) => "full",
            Ok(Err(_)) | Err(_) => "unavailable",
        }
    };
    // Drivers may take their time; the processor is always there, so a look that is under way says nothing bad.
    let device = async {
        // That the database is away is said by its own check.
        let wish = timeout(PATIENCE, InForce::of_instance(&state.db, &state.settings)).await;
        let wish = wish.ok().and_then(Result::ok).map(|settings| settings.render_device);
        let wish = wish.unwrap_or_else(|| state.settings.render_device.clone());
        match timeout(PATIENCE, state.devices.look(wish)).await {
            Ok(Ok(devices)) if devices.items.iter().any(|device| device.selected) => OK,
            Ok(_) => "unavailable",
            Err(_) => OK,
        }
    };
    let (database, storage, device) = tokio::join!(database, storage, device);
    let checks = [database, storage, device].map(str::to_owned);
    let is_ready = checks.iter().all(|check| check == OK) && !state.queue.is_draining() && !state.hub.is_closed();
    let [database, storage, device] = checks;
    let (code, status) = match is_ready {
        true => (StatusCode::OK, ReadyStatus::Ready),
        false => (StatusCode::SERVICE_UNAVAILABLE, ReadyStatus::NotReady),
    };
    let readiness = Readiness { status, checks: ReadyChecks { database, storage, device } };
    let answer = Answer::json(code, &readiness)?.with(CACHE_CONTROL, "no-store".to_owned());
    Ok(answer.into_response())
}

/// Says how far the installation is set up
#[utoipa::path(
    get, path = "/api/v1/setup", operation_id = "get_setup", tag = "instance",
    responses((status = 200, description = "How far it is set up", body = Setup)),
)]
pub(crate) async fn setup(State(state): State<AppState>) -> ApiResult<Response> {
    let configured = installation::get(&state.db, AllTenants::Authentication).await?.configured;
    let setup = Setup { configured, open_mode: !configured && state.settings.is_loopback() };
    Ok(Answer::json(StatusCode::OK, &setup)?.into_response())
}

/// What the service has counted, for Prometheus
///
/// Open to this machine where only it can reach the service; elsewhere, or behind a proxy, the metrics token or a key of a global
/// admin is needed.
#[utoipa::path(
    get, path = "/metrics", operation_id = "get_metrics", tag = "instance",
    responses((status = 200, description = "Prometheus' text format", body = String, content_type = "text/plain")),
)]
pub(crate) async fn metrics(
    State(state): State<AppState>,
    method: Method,
    headers: HeaderMap,
    uri: Uri,
) -> ApiResult<Response> {
    let is_local = state.settings.is_loopback() && auth::is_local(&headers, &uri, &state.settings.allowed_hosts);
    if !is_local && !shows_token(&state, &headers) {
        let _: Caller = auth::admit(&state, Access::Instance(Permission::ReadMetrics), &method, &headers, &uri).await?;
    }
    let depths = tasks::queue_depths(&state.db, AllTenants::Instance).await?;
    for queue in QueueName::ALL {
        for (name, wanted) in [(names::QUEUE_DEPTH, TaskState::Queued), (names::TASKS_RUNNING, TaskState::Running)] {
            let of_queue = depths.iter().filter(|depth| depth.queue == *queue && depth.state == wanted);
            gauge!(name, "queue" => queue.as_str()).set(of_queue.map(|depth| depth.tasks as f64).sum::<f64>());
        }
    }
    let text_format = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    Ok(([(CONTENT_TYPE, text_format)], state.metrics.render()).into_response())
}

/// Whether the request shows the metrics token. Both are hashed, so that comparing takes the same time wherever they differ.
fn shows_token(state: &AppState, headers: &HeaderMap) -> bool {
    let Some(token) = &state.settings.metrics_token else { return false };
    let shown = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    shown.is_some_and(|shown| blake3::hash(shown.as_bytes()) == blake3::hash(token.reveal().as_bytes()))
}
