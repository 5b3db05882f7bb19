//! Handlers of one type.

use std::sync::Arc;

use axum::extract::Request;
use axum::handler::Handler;
use axum::response::{IntoResponse, Response};
use futures_util::future::BoxFuture;

use crate::api::auth::{self, Access};
use crate::api::state::AppState;

/// Any handler of the API, with the guard before it.
///
/// For each type of handler, axum's layers are compiled anew, and at each of them the compiler shows again that all
/// futures within are `Send`. With one type for all handlers it does so once.
#[derive(Clone)]
pub(super) struct AnyHandler {
    access: Access,
    answer: Arc<dyn Fn(Request, AppState) -> BoxFuture<'static, Response> + Send + Sync>,
}

impl AnyHandler {
    /// A handler, whatever it takes from a request, for those who have this access.
    pub(super) fn of<T: 'static>(
        handler: impl Handler<T, AppState, Future = BoxFuture<'static, Response>>,
        access: Access,
    ) -> Self {
        Self { access, answer: Arc::new(move |request, state| handler.clone().call(request, state)) }
    }
}

impl Handler<Self, AppState> for AnyHandler {
    type Future = BoxFuture<'static, Response>;

    fn call(self, request: Request, state: AppState) -> BoxFuture<'static, Response> {
        Box::pin(async move {
            match auth::guard(&state, self.access, request).await {
                Ok(request) => (self.answer)(request, state).await,
                Err(refused) => refused.into_response(),
            }
        })
    }
}
