//! All routes of the API.

mod any_handler;
mod operations;

use std::sync::{Arc, LazyLock};

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use serde_json::Value;

use super::problem::{ApiError, Code};
use super::state::AppState;
use super::{answer, client_address, cors, openapi, reference};
use crate::server::page;
use operations::documented;

/// The routes, which are the same for every service of a process.
static ROUTES: LazyLock<Router<AppState>> = LazyLock::new(|| {
    let (routes, mut document) = documented().split_for_parts();
    openapi::name_wildcards(&mut document);
    let document = Arc::new(document);
    let json = openapi::Made::of(document.clone(), Value::to_string);
    routes
        .merge(reference::router(document))
        .merge(page::router())
        .fallback(async || ApiError::new(Code::NotFound, "there is nothing at this path"))
        .layer(axum::Extension(json))
        .layer(DefaultBodyLimit::disable())
});

/// The service over HTTP: the API, its document, its reference at `/docs`, and the web page at `/`.
pub fn router(state: AppState) -> Router {
    ROUTES
        .clone()
        .layer(from_fn_with_state(state.clone(), cors::allow))
        .layer(from_fn_with_state(state.clone(), client_address::find))
        .layer(from_fn(answer::complete))
        .with_state(state)
}
