//! The OpenAPI document: generated from the routes, served as they are.

use std::sync::{Arc, LazyLock};

use axum::Extension;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde_json::{Map, Value};
use utoipa::OpenApi as _;
use utoipa::openapi::path::{Operation, ParameterBuilder};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{OpenApi, RefOr};

use super::state::AppState;
use crate::tenancy::setup;

use packshot_contract::artifact::{ArtifactEvent, ArtifactEventPage, ArtifactEventType, ArtifactStreamEvent};
use packshot_contract::channel::feed::{
    ActivityCreatedEvent, AlertEvent, FeedSnapshot, NotificationCreatedEvent, NotificationReadEvent,
};
use packshot_contract::document::Document;
use packshot_contract::event::{
    EndEvent, EventData, EventType, FailedEvent, FixUpdatedEvent, LineStatusEvent, LogEvent, NodeStatusEvent,
    OrderEventData, OrderStatusEvent, PassedOnData, PreviewEvent, ProgressEvent, ReviewUpdatedEvent, RunStatusEvent,
    StateEvent, StepEvent, StreamEvent,
};
use packshot_contract::job::LiveJobs;
use packshot_contract::package::{ManifestFile, ManifestPackage, ManifestReceipt, PackageManifest};
use packshot_contract::problem::Problem;

mod examples;

/// How callers identify themselves, once the installation has keys.
const KEY: &str = "api_key";

#[derive(utoipa::OpenApi)]
#[openapi(
    info(title = "Packshot", description = "Product pictures from CAD exports: render jobs that are durable, watchable and cancellable."),
    tags(
        (name = "renders", description = "Render jobs: submit, follow, cancel"),
        (name = "results", description = "Files of a job"),
        (name = "materials", description = "Materials and the libraries they come from"),
        (name = "catalogue", description = "Products and the CAD files that they are made of"),
        (name = "orders", description = "Orders of pictures and their lines"),
        (name = "workflows", description = "Graphs of steps: saved, checked, dispatched on order lines and CAD files, and their runs"),
        (name = "media", description = "Pictures, movies and models that were made of products"),
        (name = "notifications", description = "What was done, what a person is told, and trouble with the installation"),
        (name = "tasks", description = "Tasks of workers"),
        (name = "artifacts", description = "Stored files in packages, and the log of what happened to them; what is due is removed, what is kept is checked"),
        (name = "analytics", description = "Figures"),
        (name = "people", description = "Users, sign-in, API keys, and who changed what"),
        (name = "tenants", description = "Companies that see nothing of each other: created, deactivated, deleted"),
        (name = "instance", description = "The installation"),
    ),
    components(schemas(
        Problem, Document, packshot_contract::design::DesignJobEvent, StreamEvent, EventType, LiveJobs, EventData, OrderEventData, OrderStatusEvent, LineStatusEvent, RunStatusEvent, NodeStatusEvent, ReviewUpdatedEvent, FixUpdatedEvent, PassedOnData, StateEvent, StepEvent, ProgressEvent, PreviewEvent,
        LogEvent, FailedEvent, EndEvent, ArtifactEventPage, ArtifactEvent, ArtifactEventType, ArtifactStreamEvent, PackageManifest,
        ManifestPackage, ManifestFile, ManifestReceipt, ActivityCreatedEvent, NotificationCreatedEvent, NotificationReadEvent, AlertEvent, FeedSnapshot,
    )),
)]
struct Base;

/// The parts of the document besides its routes.
pub(super) fn base() -> OpenApi {
    let mut document = Base::openapi();
    document.info.version = env!("CARGO_PKG_VERSION").to_owned();
    let mut key = Http::new(HttpAuthScheme::Bearer);
    key.description = Some("An access token or an API key: `Authorization: Bearer …`".to_owned());
    let components = document.components.get_or_insert_default();
    components.add_security_scheme(KEY, SecurityScheme::Http(key));
    document
}

/// The router says `{*name}` of a parameter that takes the rest of a path; OpenAPI has no word for it.
pub(super) fn name_wildcards(document: &mut OpenApi) {
    let paths = std::mem::take(&mut document.paths.paths);
    document.paths.paths = paths.into_iter().map(|(path, item)| (path.replace("{*", "{"), item)).collect();
}

/// Whether a request must show a key, where the installation has keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Needed {
    /// Always.
    Always,
    /// Where the request comes from elsewhere.
    Elsewhere,
    /// Never.
    Never,
}

/// Adds to an operation who must show a key, and examples of its parameters and bodies.
pub(super) fn complete(operation: &mut Operation, key: Needed) {
    let with_key = || SecurityRequirement::new(KEY, Vec::<String>::new());
    operation.security = Some(match key {
        Needed::Always => vec![with_key()],
        Needed::Elsewhere => vec![SecurityRequirement::default(), with_key()],
        Needed::Never => Vec::new(),
    });
    let id = operation.operation_id.clone().unwrap_or_default();
    for parameter in operation.parameters.iter_mut().flatten() {
        if let RefOr::T(parameter) = parameter {
            let example = examples::of_parameter(&id, &parameter.name);
            *parameter = ParameterBuilder::from(parameter.clone()).example(example).build();
        }
    }
    if let Some(RefOr::T(body)) = &mut operation.request_body {
        for (media_type, content) in &mut body.content {
            if let RefOr::T(content) = content {
                content.example = examples::of_body(&id, media_type);
            }
        }
    }
}

/// What is made of the document: where keys are needed, and where they are not.
struct Texts {
    closed: Bytes,
    open: Bytes,
}

/// Texts that are made when they are first asked for: the service does not start later because of them.
#[derive(Clone)]
pub(super) struct Made(Arc<LazyLock<Texts, Box<dyn FnOnce() -> Texts + Send>>>);

impl Made {
    /// Of the document as it is where keys are needed, and as it is where they are not.
    pub(super) fn of(document: Arc<OpenApi>, text: fn(&Value) -> String) -> Self {
        Self(Arc::new(LazyLock::new(Box::new(move || {
            // The document holds strings, lists and maps, all of which can be written as JSON.
            let closed = with_ordered_extensions(serde_json::to_value(&*document).unwrap_or_default());
            let of_closed = text(&closed).into();
            Texts { closed: of_closed, open: text(&without_keys(closed)).into() }
        }))))
    }

    /// The text for an installation whose keys are needed, or not.
    pub(super) fn text(&self, is_open: bool) -> Bytes {
        let Texts { closed, open } = &**self.0;
        if is_open { open.clone() } else { closed.clone() }
    }
}

/// The document of an installation in open mode, where no key is needed.
fn without_keys(mut document: Value) -> Value {
    if let Some(components) = document["components"].as_object_mut() {
        components.shift_remove("securitySchemes");
    }
    let paths = document["paths"].as_object_mut().into_iter().flat_map(Map::values_mut);
    for operation in paths.filter_map(Value::as_object_mut).flat_map(Map::values_mut) {
        if let Some(operation) = operation.as_object_mut() {
            operation.shift_remove("security");
        }
    }
    document
}

/// The generator keeps extensions (`x-…`) in a hash map: here they get an order, so that equal programs give equal
/// documents.
fn with_ordered_extensions(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let (mut extensions, plain): (Vec<_>, Vec<_>) =
                members.into_iter().partition(|(name, _)| name.starts_with("x-"));
            extensions.sort_by(|(a, _), (b, _)| a.cmp(b));
            let members = plain.into_iter().chain(extensions);
            Value::Object(members.map(|(name, value)| (name, with_ordered_extensions(value))).collect())
        }
        Value::Array(values) => Value::Array(values.into_iter().map(with_ordered_extensions).collect()),
        other => other,
    }
}

/// Whether nobody needs a key just now. A database that is away says nothing of keys, and the document needs none to be
/// read.
pub(super) async fn is_open(state: &AppState) -> bool {
    setup::get(state).await.is_ok_and(|setup| setup.open_mode)
}

/// Shows this document
///
/// Its security entries describe the service as it is now: in open mode no operation needs a key.
#[utoipa::path(
    get, path = "/openapi.json", operation_id = "get_openapi", tag = "instance",
    responses((status = 200, description = "OpenAPI 3.1", body = serde_json::Value)),
)]
pub(crate) async fn document(State(state): State<AppState>, Extension(json): Extension<Made>) -> Response {
    let json = json.text(is_open(&state).await);
    ([(CONTENT_TYPE, "application/json")], json).into_response()
}
