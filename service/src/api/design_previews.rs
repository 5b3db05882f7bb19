//! Designs on products before there is a job: where they would lie, and what their textures look like.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE, VARY};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

use super::answer::Answer;
use super::auth::Caller;
use super::designs::{DesignJobForm, PART, asked, at_design};
use super::media::DesignLook;
use super::problem::ApiResult;
use super::state::AppState;
use super::{multipart, prefer};
use crate::designs::{self, Preview, PreviewForm};
use packshot_contract::design::NewDesignJob;

/// The media type of a texture.
const PNG: &str = "image/png";

/// Looks at a design on a product
///
/// Takes the same request as a design job, and answers where the design would lie, as the `placement_report` of the job
/// would say; with `Accept: image/png` its texture, at most 1024 pixels long. Nothing is rendered or stored.
#[utoipa::path(
    post, path = "/api/v1/design-previews", operation_id = "preview_design", tag = "media",
    params(("Accept" = Option<String>, Header, description = "With `image/png`, the texture; else the report")),
    request_body(content((DesignJobForm = "multipart/form-data"), (NewDesignJob = "application/json"))),
    responses(DesignLook),
)]
pub(crate) async fn create(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    request: Request,
) -> ApiResult<Response> {
    let bytes_max = designs::bytes_max(&state).await?;
    let form = if prefer::accepts(&headers, PNG) { PreviewForm::Texture } else { PreviewForm::Report };
    let received = multipart::receive(&state, request, &[PART], bytes_max).await.map_err(at_design)?;
    let (wish, sent) = asked(received)?;
    match designs::preview(&state, &caller.0, wish, sent, form).await? {
        Preview::Report(report) => {
            Ok(Answer::json(StatusCode::OK, &report)?.with(VARY, ACCEPT.as_str()).into_response())
        }
        Preview::Texture(png) => {
            let about = [
                (CONTENT_TYPE, PNG.to_owned()),
                (CONTENT_LENGTH, png.len().to_string()),
                (VARY, ACCEPT.as_str().to_owned()),
            ];
            Ok((about, Body::from(png)).into_response())
        }
    }
}
