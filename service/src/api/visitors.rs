//! Visitors of open routes, who show no key: each address may make so many requests.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::auth;
use super::problem::ApiError;
use super::state::AppState;
use crate::tenancy::rate_limits;

/// The middleware of an open route.
pub(crate) async fn count(State(state): State<AppState>, request: Request, next: Next) -> Response {
    match rate_limits::count_visitor(&state, auth::origin(request.extensions()).ip) {
        Ok(()) => next.run(request).await,
        Err(refused) => ApiError::from(refused).into_response(),
    }
}
