//! The OpenAPI document: generated from the routes, served as they are.

use axum::Extension;
use axum::http::HeaderValue;
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde_json::Value;
use utoipa::OpenApi as _;
use utoipa::openapi::OpenApi;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};

use packshot_contract::document::Document;
use packshot_contract::event::{
    EndEvent, EventData, FailedEvent, LogEvent, PassedOnData, PreviewEvent, ProgressEvent, StateEvent, StepEvent,
    StreamEvent,
};
use packshot_contract::job::LiveJobs;
use packshot_contract::problem::Problem;

#[derive(utoipa::OpenApi)]
#[openapi(
    info(title = "Packshot", description = "Product pictures from CAD exports: render jobs that are durable, watchable and cancellable."),
    tags(
        (name = "renders", description = "Jobs: made, watched, cancelled"),
        (name = "results", description = "What a job left"),
        (name = "materials", description = "Materials and the libraries they come from"),
        (name = "tasks", description = "What workers do"),
        (name = "analytics", description = "Figures"),
        (name = "instance", description = "The installation"),
    ),
    components(schemas(
        Problem, Document, StreamEvent, LiveJobs, EventData, PassedOnData, StateEvent, StepEvent, ProgressEvent, PreviewEvent, LogEvent,
        FailedEvent, EndEvent,
    )),
)]
struct Base;

/// What the document says beside its routes.
pub fn base() -> OpenApi {
    let mut document = Base::openapi();
    document.info.version = env!("CARGO_PKG_VERSION").to_owned();
    let mut key = Http::new(HttpAuthScheme::Bearer);
    key.description = Some("An API key: `Authorization: Bearer pk_…`".to_owned());
    let components = document.components.get_or_insert_default();
    components.add_security_scheme("api_key", SecurityScheme::Http(key));
    document
}

/// The document as it is sent.
#[derive(Clone, Debug)]
pub struct Rendered(Bytes);

impl Rendered {
    /// Renders it once for all requests.
    pub fn new(document: &OpenApi) -> Self {
        // A document of strings, lists and maps: nothing in it can fail to be written as JSON.
        let document = serde_json::to_value(document).unwrap_or_default();
        Self(with_ordered_extensions(document).to_string().into())
    }
}

/// The generator keeps extensions (`x-…`) in a hash map: here they get an order, so that equal programs give equal documents.
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

/// What the reference at `/docs` may load: files of this origin, styles that its scripts set, and pictures within its styles.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
                      font-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Confines the reference to this origin, in no frame of another.
pub(super) async fn confined(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

/// This document
#[utoipa::path(
    get, path = "/openapi.json", operation_id = "get_openapi", tag = "instance",
    responses((status = 200, description = "OpenAPI 3.1", body = serde_json::Value)),
)]
pub async fn document(Extension(Rendered(json)): Extension<Rendered>) -> Response {
    ([(CONTENT_TYPE, "application/json")], json).into_response()
}
