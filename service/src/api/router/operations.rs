//! Every operation of the API, with who may use it and how it can be refused.

use utoipa_axum::router::OpenApiRouter;

use crate::api::openapi;
use crate::api::state::AppState;
use accounts::{installation, people};
use keeping::{artifacts, channels, designs, media};
use rendering::{catalogue, orders, renders, reviews};

/// Adds an operation, with who may use it and how it can be refused.
macro_rules! add {
    ($to:ident, $handler:path, $access:expr $(, $codes:expr)*) => {
        let access: Access = $access;
        $to.router = $to.router.routes(operation(routes!($handler), $to.state, access, &[$($codes),*]));
    };
}

mod accounts;
mod keeping;
mod rendering;

/// The routes that there are so far, with their entries in the document.
struct Table<'s> {
    router: OpenApiRouter<AppState>,
    state: &'s AppState,
}

/// The routes, with their entries in the document. Each part has a function of its own, as all of them together would
/// need more stack than a thread has.
pub(super) fn documented(state: &AppState) -> OpenApiRouter<AppState> {
    let mut table = Table { router: OpenApiRouter::with_openapi(openapi::base()), state };
    for part in [people, renders, reviews, catalogue, orders, media, designs, channels, artifacts, installation] {
        table = part(table);
    }
    table.router
}
