//! Pages of other origins: exactly those that the settings name.

use axum::extract::{Request, State};
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use axum::http::{HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::state::AppState;

const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE");
const HEADERS: HeaderValue = HeaderValue::from_static(
    "authorization, cache-control, content-digest, content-type, idempotency-key, if-match, if-none-match, \
     last-event-id, prefer, range, x-content-address, x-request-id, x-tenant-id",
);
const EXPOSED: HeaderValue = HeaderValue::from_static(
    "content-range, etag, idempotency-replayed, location, preference-applied, repr-digest, retry-after, \
     x-manifest-digest, x-packshot-render-id, x-request-id",
);

/// The middleware: answers preflight requests of allowed origins, and lets their pages read answers.
pub(crate) async fn allow(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let Some(origin) = request.headers().get(ORIGIN).cloned() else { return next.run(request).await };
    let in_force = state.in_force().await;
    if !in_force.cors_origins.iter().any(|allowed| allowed.as_bytes() == origin.as_bytes()) {
        return next.run(request).await;
    }
    let is_preflight =
        request.method() == Method::OPTIONS && request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD);
    let mut response = match is_preflight {
        true => {
            let allowed = [
                (ACCESS_CONTROL_ALLOW_METHODS, METHODS),
                (ACCESS_CONTROL_ALLOW_HEADERS, HEADERS),
                (ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600")),
            ];
            (StatusCode::NO_CONTENT, allowed).into_response()
        }
        false => next.run(request).await,
    };
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
    headers.append(VARY, HeaderValue::from_static("origin"));
    response
}
