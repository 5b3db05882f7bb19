//! All routes of the API.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::auth::Access::{self, Instance, Open, Tenant};
use super::operation::{FILE, GUARDED, IDEMPOTENT, JSON, RENDER_REQUEST, UPLOAD, operation};
use super::problem::{ApiError, Code};
use super::state::AppState;
use super::{
    analytics, answer, cors, devices, health, jobs, libraries, materials, openapi, preflight, reference, renders,
    settings, tasks, worker_configs,
};
use crate::server::page;
use packshot_domain::access::Permission as P;

/// The routes, with their entries in the document.
fn documented(state: &AppState) -> OpenApiRouter<AppState> {
    let pages: &[Code] = &[Code::ValidationFailed, Code::InvalidCursor];
    let mut router = OpenApiRouter::with_openapi(openapi::base());
    macro_rules! add {
        ($handler:path, $access:expr $(, $codes:expr)*) => {
            let access: Access = $access;
            router = router.routes(operation(routes!($handler), state, access, &[$($codes),*]));
        };
    }
    add!(health::healthz, Open);
    add!(health::health, Open);
    add!(health::readyz, Open);
    add!(health::setup, Open);
    add!(health::metrics, Open, &GUARDED);
    add!(openapi::document, Open);

    let makes = [&JSON[..], &UPLOAD, &RENDER_REQUEST, &IDEMPOTENT].concat();
    add!(renders::list, Tenant(P::ReadRenders), pages);
    add!(
        renders::submit::create,
        Tenant(P::TriggerRenders),
        &makes,
        &[
            Code::NotAcceptable,
            Code::RenderNotCompleted,
            Code::DeviceOutOfMemory,
            Code::ArtifactExpired,
            Code::ContentCorrupt
        ]
    );
    add!(renders::get, Tenant(P::ReadRenders), &[Code::RenderNotFound]);
    add!(renders::delete, Tenant(P::DeleteRenders), &[Code::RenderNotFound, Code::RenderNotTerminal]);
    add!(renders::cancel, Tenant(P::TriggerRenders), &[Code::RenderNotFound], &IDEMPOTENT);
    add!(
        renders::events::stream,
        Tenant(P::ReadRenders),
        &[Code::RenderNotFound, Code::NotAcceptable, Code::ValidationFailed, Code::TooManyStreams]
    );
    add!(renders::log::page, Tenant(P::ReadRenders), &[Code::RenderNotFound], pages);
    add!(jobs::events, Tenant(P::ReadRenders), &[Code::NotAcceptable, Code::ValidationFailed, Code::TooManyStreams]);
    add!(renders::results::preview, Tenant(P::ReadRenders), &[Code::RenderNotFound, Code::PreviewNotReady], &FILE);
    add!(renders::results::report, Tenant(P::ReadRenders), &FILE, &[Code::RangeNotSatisfiable]);
    add!(renders::results::shot, Tenant(P::ReadRenders), &FILE, &[Code::RangeNotSatisfiable]);
    add!(renders::results::file, Tenant(P::ReadRenders), &FILE, &[Code::RangeNotSatisfiable]);
    add!(renders::results::result, Tenant(P::ReadRenders), &FILE, &[Code::RangeNotSatisfiable, Code::NotFound]);
    add!(preflight::preflight, Tenant(P::TriggerRenders), &makes, &[Code::ArtifactExpired, Code::ContentCorrupt]);

    add!(tasks::list, Tenant(P::ReadRenders), pages);
    add!(tasks::get, Tenant(P::ReadRenders), &[Code::TaskNotFound]);
    add!(tasks::requeue, Tenant(P::TriggerRenders), &[Code::TaskNotFound, Code::TaskNotFailed], &IDEMPOTENT);
    add!(analytics::renders, Tenant(P::ViewAnalytics), &[Code::ValidationFailed]);

    let library: &[Code] =
        &[Code::LibraryNotFound, Code::ArtifactExpired, Code::ContentCorrupt, Code::ValidationFailed];
    add!(materials::list, Tenant(P::ReadMaterials), library, pages);
    add!(materials::get, Tenant(P::ReadMaterials), library, &[Code::MaterialNotFound]);
    add!(libraries::list, Tenant(P::ReadMaterials), pages);
    add!(libraries::create, Tenant(P::WriteLibraries), &JSON, &UPLOAD, &IDEMPOTENT, &[Code::LibraryVersionExists]);
    add!(libraries::get, Tenant(P::ReadMaterials), &[Code::LibraryNotFound]);
    add!(libraries::change, Tenant(P::WriteLibraries), &JSON, &[Code::LibraryNotFound]);
    add!(libraries::delete, Tenant(P::WriteLibraries), &[Code::LibraryNotFound, Code::LibraryInUse]);

    add!(settings::get, Tenant(P::ReadSettings));
    add!(settings::schema, Tenant(P::ReadSettings));
    add!(
        settings::change,
        Tenant(P::WriteSettings),
        &JSON,
        &[Code::UnknownSetting, Code::InvalidSetting, Code::SettingPinned, Code::PreconditionFailed]
    );
    add!(devices::list, Instance(P::ReadRenders));
    add!(worker_configs::list, Instance(P::ReadWorkerConfigs));
    add!(worker_configs::get, Instance(P::ReadWorkerConfigs), &[Code::QueueNotFound]);
    add!(
        worker_configs::put,
        Instance(P::WriteWorkerConfigs),
        &JSON,
        &[Code::QueueNotFound, Code::PreconditionFailed, Code::InvalidConcurrency]
    );
    router
}

/// The service over HTTP: the API, its document, its reference at `/docs`, and the web page at `/`.
pub fn router(state: AppState) -> Router {
    let (routes, document) = documented(&state).split_for_parts();
    let documents = openapi::Documents::of(&document);
    let json = openapi::Rendered::new(&documents);
    routes
        .merge(reference::router(&documents.closed, &documents.open))
        .merge(page::router())
        .fallback(async || ApiError::new(Code::NotFound, "there is nothing at this path"))
        .layer(axum::Extension(json))
        .layer(DefaultBodyLimit::disable())
        .layer(from_fn_with_state(state.clone(), cors::allow))
        .layer(from_fn(answer::complete))
        .with_state(state)
}
