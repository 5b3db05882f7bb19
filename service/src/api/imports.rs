//! Imports of products out of spreadsheets.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use utoipa::ToSchema;

use super::answer::Answer;
use super::auth::Caller;
use super::idempotency;
use super::multipart::{self, Parts};
use super::problem::ApiResult;
use super::state::AppState;
use crate::products::imports;
use crate::tenancy::RenderSettings;
use packshot_contract::import::Import;
use packshot_contract::problem::Invalid;

const PATH: &str = "/api/v1/imports";
/// The part with the file.
const PART: &str = "file";
/// Most bytes of a sheet.
const BYTES_MAX: u64 = 32 << 20;

/// The parts of an upload.
#[derive(ToSchema)]
#[schema(as = ImportForm)]
#[expect(dead_code, reason = "describes the parts; they are streamed, not deserialised")]
pub(crate) struct ImportForm {
    /// An `.xlsx` file, of which the first sheet is read, or comma-separated values.
    #[schema(format = Binary)]
    file: String,
}

/// Imports products
///
/// The first row of the sheet names its columns, in any order: `pim_id` and `name`; `category_key`, `lagertyp`,
/// `cad_file` (the name of an uploaded file; of several the newest), `part:` and the name of a part (its material), if
/// they are there. Each row makes a product or changes the one with its `pim_id`; an empty cell leaves things as they
/// are. A row that cannot be taken is skipped, says why, and stops no other. The same sheet can be sent again. At most
/// 10,000 rows, 1,000 columns and 32 MiB.
#[utoipa::path(
    post, path = "/api/v1/imports", operation_id = "create_import", tag = "catalogue",
    params(("Idempotency-Key" = Option<String>, Header, description = "Repeated with the same key and body, the request gets the same answer and imports once")),
    request_body(content = ImportForm, content_type = "multipart/form-data"),
    responses((status = 201, description = "What became of each row", body = Import)),
)]
pub(crate) async fn create(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    request: Request,
) -> ApiResult<Response> {
    let bytes_max = RenderSettings::in_force(&state, &caller.0).await?.upload_bytes_max.min(BYTES_MAX);
    let mut form = multipart::receive_files(&state, request, Parts { files: &[PART], texts: &[], bytes_max }).await?;
    let keyed = idempotency::of_request(&headers, PATH, form.hash)?;
    let missing = || Invalid::one("/file", "missing", "send the sheet as the part `file`");
    let upload = form.files.remove(PART).ok_or_else(missing)?;
    let (own, who) = (state.clone(), caller.0.clone());
    idempotency::once(&state, &caller, keyed, async move {
        Answer::json(StatusCode::CREATED, &imports::run(&own, &who, upload).await?)
    })
    .await
}
