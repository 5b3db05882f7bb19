//! What is known of a file before it is rendered. Nothing is rendered, and nothing is kept.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use bytes::Bytes;

use super::answer::Answer;
use super::auth::Caller;
use super::idempotency;
use super::multipart::{self, Form};
use super::problem::{ApiError, ApiResult};
use super::renders::inputs::{self, ENVIRONMENT, GLB, RenderSettings};
use super::renders::submit::RenderForm;
use super::state::AppState;
use packshot_contract::preflight::Preflight;
use packshot_contract::request::{Asset, RenderRequest};
use packshot_db::TenantScope;
use packshot_domain::hash::ContentAddress;
use packshot_worker::executor::{AssetError, AssetSource};
use packshot_worker::protocol::RenderInput;

/// Looks into a product without rendering it
///
/// Takes what a render takes, and answers which part would get which material and why, what is odd about the file, and how much
/// there is of it.
#[utoipa::path(
    post, path = "/api/v1/preflight", operation_id = "preflight", tag = "renders",
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key and body: the same answer")),
    request_body(content(
        (RenderForm = "multipart/form-data"),
        (RenderRequest = "application/json"),
    )),
    responses((status = 200, description = "The report", body = Preflight)),
)]
pub(crate) async fn preflight(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    request: Request,
) -> ApiResult<Response> {
    let settings = RenderSettings::in_force(&state, caller.scope()).await?;
    let form = multipart::receive(&state, request, &[GLB, ENVIRONMENT], settings.upload_bytes_max).await?;
    let keyed = idempotency::of_request(&headers, "/api/v1/preflight", form.hash)?;
    let (own, scope) = (state.clone(), caller.scope());
    idempotency::once(&state, &caller, keyed, async move { look(&own, scope, form, settings).await }).await
}

async fn look(state: &AppState, scope: TenantScope, form: Form, settings: RenderSettings) -> ApiResult<Answer> {
    let mut request = inputs::parse(&form, &settings)?;
    inputs::check_assets(state, scope, &request).await?;
    let libraries = inputs::find_libraries(state, scope, &request, &settings).await?;
    let turn = state.turn().await?;
    let has_glb = form.files.contains_key(GLB);
    let mut files = InMemory::default();
    for (name, upload) in &form.files {
        let address = upload.address();
        files.0.insert(address, upload.read().await?.into());
        let asset = Some(Asset { content_address: address.into() });
        match *name {
            GLB => request.asset = asset,
            _ => request.environment = asset,
        }
    }
    let [scene, environment] = [&request.asset, &request.environment].map(|asset| asset.map(|a| a.content_address.0));
    let stored = [scene, environment].into_iter().flatten().chain(libraries.iter().map(|library| library.file.address));
    for address in stored {
        if let Entry::Vacant(place) = files.0.entry(address) {
            place.insert(state.store.read(scope.tenant, &address).await?);
        }
    }
    let input = RenderInput {
        scene: scene.ok_or_else(inputs::no_asset)?,
        environment,
        libraries: libraries.into_iter().map(|library| library.file).collect(),
        fallback_material: settings.fallback_material,
        request,
    };
    let report = turn.run(move || packshot_worker::preflight(&input, &files)).await?;
    let report = report.map_err(|failure| ApiError::of_work(failure, has_glb))?;
    Answer::json(StatusCode::OK, &Preflight::from(&report))
}

/// The files of one preflight.
#[derive(Debug, Default)]
struct InMemory(HashMap<ContentAddress, Bytes>);

impl AssetSource for InMemory {
    fn read(&self, address: &ContentAddress) -> Result<Bytes, AssetError> {
        self.0.get(address).cloned().ok_or(AssetError::Missing(*address))
    }
}
