//! Webhooks and their deliveries: made, shown, changed, tried, deleted.

use axum::extract::{Path, State};
use axum::http::header::{CACHE_CONTROL, ETAG, LOCATION};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

use super::answer::Answer;
use super::auth::{Caller, ListCaller};
use super::body::{JsonBody, OptionalJsonBody};
use super::idempotency;
use super::precondition::expected_revision;
use super::problem::{ApiError, ApiResult, Code};
use super::query::Params;
use super::state::AppState;
use crate::app::Page;
use crate::webhooks;
use packshot_contract::webhook::{
    Delivery, DeliveryPage, RotateSecretRequest, Webhook, WebhookPage, WebhookPatch, WebhookRequest, WebhookWithSecret,
};
use packshot_domain::id::{DeliveryId, WebhookId};

const PATH: &str = "/api/v1/webhooks";

/// The id in a path. Text that is not an id is the id of no webhook.
fn webhook_id(text: &str) -> ApiResult<WebhookId> {
    text.parse().map_err(|_| ApiError::new(Code::WebhookNotFound, "there is no such webhook"))
}

/// The same of a delivery.
fn delivery_id(text: &str) -> ApiResult<DeliveryId> {
    text.parse().map_err(|_| ApiError::new(Code::DeliveryNotFound, "there is no such delivery"))
}

fn of_webhook(status: StatusCode, webhook: &Webhook) -> ApiResult<Answer> {
    Ok(Answer::json(status, webhook)?.with(ETAG, format!("\"{}\"", webhook.revision)))
}

fn of_secret(status: StatusCode, made: &WebhookWithSecret) -> ApiResult<Answer> {
    let answer = Answer::json(status, made)?.with(ETAG, format!("\"{}\"", made.webhook.revision));
    Ok(answer.with(CACHE_CONTROL, "no-store".to_owned()).with_secret("secret"))
}

fn of_delivery(delivery: &Delivery) -> ApiResult<Answer> {
    let place = format!("{PATH}/{}/deliveries/{}", delivery.webhook_id, delivery.id);
    Ok(Answer::json(StatusCode::ACCEPTED, delivery)?.with(LOCATION, place))
}

/// Lists webhooks, newest first
#[utoipa::path(
    get, path = "/api/v1/webhooks", operation_id = "list_webhooks", tag = "notifications",
    params(
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 200, description = "Webhooks per page; 50 if absent"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the previous page"),
    ),
    responses((status = 200, description = "A page of webhooks, without their secrets", body = WebhookPage)),
)]
pub(crate) async fn list(State(state): State<AppState>, caller: ListCaller, params: Params) -> ApiResult<Response> {
    let Page { items, next } = webhooks::list(&state, &caller.0, params.page()?).await?;
    let page = WebhookPage { items, next_cursor: next.map(|cursor| cursor.to_string()) };
    Ok(Answer::json(StatusCode::OK, &page)?.into_response())
}

/// Makes a webhook, whose secret is shown in the answer, only once
///
/// Events that it is told of are posted to its address as JSON, signed as Standard Webhooks 1.0.0 has it, and tried ten
/// times over three days. The address must be one of the public Internet, unless the settings open others.
#[utoipa::path(
    post, path = "/api/v1/webhooks", operation_id = "create_webhook", tag = "notifications",
    params(("Idempotency-Key" = Option<String>, Header, description = "Repeated with the same key and body, the request makes one webhook; the repeated answer has no secret")),
    request_body = WebhookRequest,
    responses((status = 201, description = "The webhook", body = WebhookWithSecret)),
)]
pub(crate) async fn create(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    JsonBody(body): JsonBody,
) -> ApiResult<Response> {
    let new = WebhookRequest::parse(&body)?;
    let keyed = idempotency::of_request(&headers, PATH, idempotency::hash_of(&body))?;
    let (own, who) = (state.clone(), caller.0.clone());
    idempotency::once(&state, &caller, keyed, async move {
        let made = webhooks::create(&own, &who, new).await?;
        Ok(of_secret(StatusCode::CREATED, &made)?.with(LOCATION, format!("{PATH}/{}", made.webhook.id)))
    })
    .await
}

/// Shows a webhook
#[utoipa::path(
    get, path = "/api/v1/webhooks/{id}", operation_id = "get_webhook", tag = "notifications",
    params(("id" = String, Path, format = Uuid, description = "The webhook")),
    responses((status = 200, description = "The webhook, without its secret", body = Webhook)),
)]
pub(crate) async fn get(State(state): State<AppState>, caller: Caller, Path(id): Path<String>) -> ApiResult<Response> {
    let shown = webhooks::get(&state, &caller.0, webhook_id(&id)?).await?;
    Ok(of_webhook(StatusCode::OK, &shown)?.into_response())
}

/// Changes a webhook
///
/// A merge patch: absent members stay, `null` is the default, the events are replaced as a whole. What waits for the
/// webhook goes to the new address.
#[utoipa::path(
    patch, path = "/api/v1/webhooks/{id}", operation_id = "change_webhook", tag = "notifications",
    params(
        ("id" = String, Path, format = Uuid, description = "The webhook"),
        ("If-Match" = Option<String>, Header, description = "The ETag of what is to be changed"),
    ),
    request_body(content((WebhookPatch = "application/merge-patch+json"), (WebhookPatch = "application/json"))),
    responses((status = 200, description = "The webhook as it is now", body = Webhook)),
)]
pub(crate) async fn change(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
    JsonBody(body): JsonBody,
) -> ApiResult<Response> {
    let (change, expected) = (WebhookPatch::parse(&body)?, expected_revision(&headers)?);
    let changed = webhooks::change(&state, &caller.0, webhook_id(&id)?, change, expected).await?;
    Ok(of_webhook(StatusCode::OK, &changed)?.into_response())
}

/// Deletes a webhook; what waits for it is not delivered
#[utoipa::path(
    delete, path = "/api/v1/webhooks/{id}", operation_id = "delete_webhook", tag = "notifications",
    params(("id" = String, Path, format = Uuid, description = "The webhook")),
    responses((status = 204, description = "It is deleted")),
)]
pub(crate) async fn delete(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<StatusCode> {
    webhooks::delete(&state, &caller.0, webhook_id(&id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Gives a webhook another secret, which is shown in the answer, only once
///
/// Meanwhile deliveries have two signatures, that by the new secret first, for as long as `overlap_s` says.
#[utoipa::path(
    post, path = "/api/v1/webhooks/{id}/rotate-secret", operation_id = "rotate_webhook_secret", tag = "notifications",
    params(
        ("id" = String, Path, format = Uuid, description = "The webhook"),
        ("Idempotency-Key" = Option<String>, Header, description = "Repeated with the same key and body, the request makes one secret; the repeated answer has none"),
    ),
    request_body = Option<RotateSecretRequest>,
    responses((status = 200, description = "The webhook with its new secret", body = WebhookWithSecret)),
)]
pub(crate) async fn rotate(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
    OptionalJsonBody(body): OptionalJsonBody,
) -> ApiResult<Response> {
    let overlap_s = RotateSecretRequest::parse(&body)?;
    let path = format!("{PATH}/{id}/rotate-secret");
    let keyed = idempotency::of_request(&headers, &path, idempotency::hash_of(&body))?;
    let id = webhook_id(&id)?;
    let (own, who) = (state.clone(), caller.0.clone());
    let once = async move { of_secret(StatusCode::OK, &webhooks::rotate(&own, &who, id, overlap_s).await?) };
    idempotency::once(&state, &caller, keyed, once).await
}

async fn switched(
    state: AppState,
    caller: Caller,
    (id, action, on): (String, &str, bool),
    headers: HeaderMap,
) -> ApiResult<Response> {
    let keyed = idempotency::of_request(&headers, &format!("{PATH}/{id}/{action}"), [0; 32])?;
    let id = webhook_id(&id)?;
    let (own, who) = (state.clone(), caller.0.clone());
    let once = async move { of_webhook(StatusCode::OK, &webhooks::switch(&own, &who, id, on).await?) };
    idempotency::once(&state, &caller, keyed, once).await
}

/// Enables a webhook
///
/// What has failed is not sent again by itself.
#[utoipa::path(
    post, path = "/api/v1/webhooks/{id}/enable", operation_id = "enable_webhook", tag = "notifications",
    params(
        ("id" = String, Path, format = Uuid, description = "The webhook"),
        ("Idempotency-Key" = Option<String>, Header, description = "Repeated with the same key, the request gets the same answer"),
    ),
    responses((status = 200, description = "The webhook as it is now", body = Webhook)),
)]
pub(crate) async fn enable(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> ApiResult<Response> {
    switched(state, caller, (id, "enable", true), headers).await
}

/// Disables a webhook; what waits for it fails
#[utoipa::path(
    post, path = "/api/v1/webhooks/{id}/disable", operation_id = "disable_webhook", tag = "notifications",
    params(
        ("id" = String, Path, format = Uuid, description = "The webhook"),
        ("Idempotency-Key" = Option<String>, Header, description = "Repeated with the same key, the request gets the same answer"),
    ),
    responses((status = 200, description = "The webhook as it is now", body = Webhook)),
)]
pub(crate) async fn disable(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> ApiResult<Response> {
    switched(state, caller, (id, "disable", false), headers).await
}

/// Tries a webhook: an event `webhook.test` is delivered to it
#[utoipa::path(
    post, path = "/api/v1/webhooks/{id}/test", operation_id = "test_webhook", tag = "notifications",
    params(
        ("id" = String, Path, format = Uuid, description = "The webhook"),
        ("Idempotency-Key" = Option<String>, Header, description = "Repeated with the same key, the request gets the same answer and makes one delivery"),
    ),
    responses((status = 202, description = "The delivery", body = Delivery)),
)]
pub(crate) async fn test(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let keyed = idempotency::of_request(&headers, &format!("{PATH}/{id}/test"), [0; 32])?;
    let id = webhook_id(&id)?;
    let (own, who) = (state.clone(), caller.0.clone());
    let once = async move { of_delivery(&webhooks::test(&own, &who, id).await?) };
    idempotency::once(&state, &caller, keyed, once).await
}

/// Lists the deliveries to a webhook, newest first
#[utoipa::path(
    get, path = "/api/v1/webhooks/{id}/deliveries", operation_id = "list_deliveries", tag = "notifications",
    params(
        ("id" = String, Path, format = Uuid, description = "The webhook"),
        ("state" = Option<String>, Query, description = "Only in this state: `pending`, `delivering`, `delivered` or `failed`"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 200, description = "Deliveries per page; 50 if absent"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the previous page"),
    ),
    responses((status = 200, description = "A page of deliveries", body = DeliveryPage)),
)]
pub(crate) async fn deliveries(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    params: Params,
) -> ApiResult<Response> {
    let state_of = params.parse("state", "`pending`, `delivering`, `delivered` or `failed`")?;
    let Page { items, next } =
        webhooks::deliveries(&state, &caller.0, webhook_id(&id)?, state_of, params.page()?).await?;
    let page = DeliveryPage { items, next_cursor: next.map(|cursor| cursor.to_string()) };
    Ok(Answer::json(StatusCode::OK, &page)?.into_response())
}

/// Shows a delivery with its attempts
#[utoipa::path(
    get, path = "/api/v1/webhooks/{id}/deliveries/{delivery_id}", operation_id = "get_delivery", tag = "notifications",
    params(
        ("id" = String, Path, format = Uuid, description = "The webhook"),
        ("delivery_id" = String, Path, format = Uuid, description = "The delivery"),
    ),
    responses((status = 200, description = "The delivery", body = Delivery)),
)]
pub(crate) async fn get_delivery(
    State(state): State<AppState>,
    caller: Caller,
    Path((id, delivery)): Path<(String, String)>,
) -> ApiResult<Response> {
    let shown = webhooks::get_delivery(&state, &caller.0, webhook_id(&id)?, delivery_id(&delivery)?).await?;
    Ok(Answer::json(StatusCode::OK, &shown)?.into_response())
}

/// Sends a delivery again that has ended, with the same id and body
#[utoipa::path(
    post, path = "/api/v1/webhooks/{id}/deliveries/{delivery_id}/redeliver", operation_id = "redeliver",
    tag = "notifications",
    params(
        ("id" = String, Path, format = Uuid, description = "The webhook"),
        ("delivery_id" = String, Path, format = Uuid, description = "The delivery"),
        ("Idempotency-Key" = Option<String>, Header, description = "Repeated with the same key, the request gets the same answer and sends once"),
    ),
    responses((status = 202, description = "The delivery, which waits again", body = Delivery)),
)]
pub(crate) async fn redeliver(
    State(state): State<AppState>,
    caller: Caller,
    Path((id, delivery)): Path<(String, String)>,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let path = format!("{PATH}/{id}/deliveries/{delivery}/redeliver");
    let keyed = idempotency::of_request(&headers, &path, [0; 32])?;
    let (id, delivery) = (webhook_id(&id)?, delivery_id(&delivery)?);
    let (own, who) = (state.clone(), caller.0.clone());
    let once = async move { of_delivery(&webhooks::redeliver(&own, &who, id, delivery).await?) };
    idempotency::once(&state, &caller, keyed, once).await
}
