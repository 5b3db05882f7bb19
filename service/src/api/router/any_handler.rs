//! Handlers of one type.

use std::sync::Arc;

use axum::extract::Request;
use axum::handler::Handler;
use axum::response::Response;
use futures_util::future::BoxFuture;

use crate::api::state::AppState;

/// Any handler of the API.
///
/// For each type of handler, axum's layers are compiled anew, and at each of them the compiler shows again that all
/// futures within are `Send`. With one type for all handlers it does so once.
#[derive(Clone)]
pub(super) struct AnyHandler(Arc<dyn Fn(Request, AppState) -> BoxFuture<'static, Response> + Send + Sync>);

impl AnyHandler {
    /// A handler, whatever it takes from a request.
    pub(super) fn of<T: 'static>(handler: impl Handler<T, AppState, Future = BoxFuture<'static, Response>>) -> Self {
        Self(Arc::new(move |request, state| handler.clone().call(request, state)))
    }
}

impl Handler<Self, AppState> for AnyHandler {
    type Future = BoxFuture<'static, Response>;

    fn call(self, request: Request, state: AppState) -> BoxFuture<'static, Response> {
        self.0(request, state)
    }
}
