//! Every operation of the API, with who may use it and how it can be refused.

use axum::routing::MethodRouter;
use utoipa::openapi::RefOr;
use utoipa::openapi::path::{HttpMethod, Operation, Paths};
use utoipa::openapi::schema::Schema;
use utoipa_axum::PathItemExt;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter};

use super::any_handler::AnyHandler;
use crate::api::openapi;
use crate::api::state::AppState;
use accounts::{installation, people};
use keeping::{artifacts, channels, designs, media};
use rendering::{catalogue, orders, renders, reviews};

/// Adds an operation, with who may use it and how it can be refused. The guard in front of the handler and the document
/// are told the same, so they cannot disagree.
macro_rules! add {
    ($to:ident, $handler:path, $access:expr $(, $codes:expr)*) => {
        let access: Access = $access;
        let mut schemas = Vec::new();
        // Only the rule of the macro that describes a handler: the whole makes a route for each type of handler. It is
        // not public, hence the one version in Cargo.toml.
        let described = utoipa_axum::routes!(@resolve_types $handler: schemas);
        let route = route(schemas, described, AnyHandler::of($handler, access));
        $to = $to.routes(operation(route, access, &[$($codes),*]));
    };
}

mod accounts;
mod keeping;
mod rendering;

/// The routes that there are so far, with their entries in the document.
type Table = OpenApiRouter<AppState>;

/// The routes, with their entries in the document. Each part has a function of its own, as all of them together would
/// need more stack than a thread has.
pub(super) fn documented() -> Table {
    let mut table = Table::with_openapi(openapi::base());
    for part in [people, renders, reviews, catalogue, orders, media, designs, channels, artifacts, installation] {
        table = part(table);
    }
    table
}

/// A handler at its path and for its methods, with what the document says of it.
fn route(
    schemas: Vec<(String, RefOr<Schema>)>,
    (path, operation, methods): (String, Operation, Vec<HttpMethod>),
    handler: AnyHandler,
) -> UtoipaMethodRouter<AppState> {
    let on =
        |router: MethodRouter<AppState>, method: &HttpMethod| router.on(method.to_method_filter(), handler.clone());
    let router = methods.iter().fold(MethodRouter::new(), on);
    let mut paths = Paths::new();
    paths.add_path_operation(&path, methods, operation);
    (schemas, paths, router)
}
