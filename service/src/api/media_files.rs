//! The bytes of media assets: fetched as they are or small, and sent.

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::header::{
    ACCEPT, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, LOCATION,
    VARY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use utoipa::ToSchema;

use super::answer::Answer;
use super::auth::Caller;
use super::disposition;
use super::files;
use super::idempotency;
use super::media::{ArtifactBytes, SmallPicture};
use super::media_assets::asset_id;
use super::multipart::{self, Form};
use super::problem::{ApiResult, Code};
use super::query::Params;
use super::state::AppState;
use crate::media::thumbnails::{self, Form as PictureForm, SIZES_PX};
use crate::media::{self, uploads};
use crate::tenancy::RenderSettings;
use packshot_contract::media::MediaAsset;
use packshot_contract::media_upload::MediaUploadRequest;
use packshot_contract::problem::Invalid;
use packshot_domain::principal::Principal;

const PATH: &str = "/api/media/assets";
/// The part with the file.
const PART: &str = "file";
/// What browsers show by themselves. Everything else is saved.
const INLINE: [&str; 6] = ["image/png", "image/jpeg", "image/webp", "image/avif", "image/apng", "video/mp4"];
/// A drawing that can have scripts in it.
const SVG: &str = "image/svg+xml";

/// The parts of an upload.
#[derive(ToSchema)]
#[schema(as = MediaUploadForm)]
#[expect(dead_code, reason = "describes the parts; they are streamed, not deserialised")]
pub(crate) struct MediaUploadForm {
    /// A PNG, a JPEG, a WebP or an MP4, whatever its name says.
    #[schema(format = Binary)]
    file: String,
    /// What is said of it.
    request: Option<MediaUploadRequest>,
}

/// Sends a file that becomes a media asset
///
/// What it is is known by its content. It is decoded once, so that what is kept can be shown. With a product it becomes
/// the last in the product's gallery; of an order line it is the next version of what was sent for it before.
#[utoipa::path(
    post, path = "/api/media/assets", operation_id = "create_media_asset", tag = "media",
    params(("Idempotency-Key" = Option<String>, Header, description = "Repeated with the same key and body, the request gets the same answer and stores once")),
    request_body(content = MediaUploadForm, content_type = "multipart/form-data"),
    responses((status = 201, description = "The asset", body = MediaAsset)),
)]
pub(crate) async fn create(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    request: Request,
) -> ApiResult<Response> {
    let bytes_max = RenderSettings::in_force(&state, &caller.0).await?.upload_bytes_max;
    let form = multipart::receive(&state, request, &[PART], bytes_max).await?;
    let keyed = idempotency::of_request(&headers, PATH, form.hash)?;
    let (own, who) = (state.clone(), caller.0.clone());
    idempotency::once(&state, &caller, keyed, async move { create_once(&own, &who, form).await }).await
}

async fn create_once(state: &AppState, who: &Principal, mut form: Form) -> ApiResult<Answer> {
    let missing = || Invalid::one("/file", "missing", "send the file as the part `file`");
    let upload = form.files.remove(PART).ok_or_else(missing)?;
    let wish = MediaUploadRequest::parse(&form.json)?;
    let name = form.file_names.get(PART).map(String::as_str).unwrap_or_default();
    let asset = uploads::add(state, who, name, upload, wish).await?;
    Ok(Answer::json(StatusCode::CREATED, &asset)?.with(LOCATION, asset.links.own))
}

/// Fetches the bytes of a media asset
///
/// Pictures and movies are shown by browsers, everything else is saved. Each part is compared with its hash before it
/// is sent; where one is damaged, the connection ends before the file is complete.
#[utoipa::path(
    get, path = "/api/media/assets/{id}/content", operation_id = "get_media_asset_content", tag = "media",
    params(
        ("id" = String, Path, format = Uuid, description = "The asset"),
        ("download" = Option<u32>, Query, minimum = 0, maximum = 1, description = "1: a browser saves the file under its name"),
        ("Range" = Option<String>, Header, description = "One range of bytes"),
        ("If-None-Match" = Option<String>, Header, description = "`ETag` of what the client already has"),
    ),
    responses(ArtifactBytes),
)]
pub(crate) async fn content(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    params: Params,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let is_download = match params.text("download") {
        None | Some("" | "0") => false,
        Some("1") => true,
        Some(_) => return Err(Invalid::one("?download", "out_of_range", "expected 0 or 1").into()),
    };
    let content = media::content(&state, &caller.0, asset_id(&id)?).await?;
    let more = headers_of(&content.media_type, &content.file_name, is_download);
    files::respond_with(&state, &caller.0, (&content.address, &content.media_type), &more, &headers).await
}

/// What a browser may do with a file.
fn headers_of(media_type: &str, name: &str, is_download: bool) -> Vec<(HeaderName, HeaderValue)> {
    let mut headers = Vec::new();
    if is_download || !INLINE.contains(&media_type) {
        headers.push((CONTENT_DISPOSITION, disposition::attachment(name)));
    }
    if media_type == SVG {
        headers.push((CONTENT_SECURITY_POLICY, HeaderValue::from_static("sandbox; default-src 'none'")));
    }
    headers
}

/// Fetches a small picture of a media asset
///
/// Of a movie, or an archive of frames, it is the first frame; of a model, the thumbnail of its product. A smaller
/// picture is not enlarged, and what is transparent stays it.
#[utoipa::path(
    get, path = "/api/media/assets/{id}/thumbnail", operation_id = "get_media_asset_thumbnail", tag = "media",
    params(
        ("id" = String, Path, format = Uuid, description = "The asset"),
        ("size" = Option<u32>, Query, description = "Pixels of the longer side at most: 64, 128, 256 or 512; 256 if absent"),
        ("Accept" = Option<String>, Header, description = "With `image/webp`, that; else it is a PNG"),
        ("If-None-Match" = Option<String>, Header, description = "`ETag` of what the client already has"),
    ),
    responses(SmallPicture),
)]
pub(crate) async fn thumbnail(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    params: Params,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let size_px = match params.text("size").filter(|text| !text.is_empty()) {
        None => SIZES_PX[2],
        Some(text) => {
            let known = text.parse().ok().filter(|size| SIZES_PX.contains(size));
            known.ok_or_else(|| Invalid::one("?size", "out_of_range", "expected 64, 128, 256 or 512"))?
        }
    };
    let form = if accepts_webp(&headers) { PictureForm::WebP } else { PictureForm::Png };
    let found = thumbnails::find(&state, &caller.0, asset_id(&id)?, size_px, form).await?;
    let etag = files::etag(found.tag());
    let about = [
        (ETAG, etag.clone()),
        (CACHE_CONTROL, "private, no-cache".to_owned()),
        (VARY, ACCEPT.as_str().to_owned()),
        (X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
    ];
    if files::is_known(&headers, &etag) {
        return Ok((StatusCode::NOT_MODIFIED, about).into_response());
    }
    let bytes = found.bytes(&state).await?;
    let own = [(CONTENT_TYPE, form.media_type().to_owned()), (CONTENT_LENGTH, bytes.len().to_string())];
    Ok((about, own, Body::from(bytes)).into_response())
}

/// Whether a client says that it can read WebP.
fn accepts_webp(headers: &HeaderMap) -> bool {
    let values = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|range| {
        let mut parts = range.split(';').map(str::trim);
        let is_named = parts.next().is_some_and(|name| name.eq_ignore_ascii_case("image/webp"));
        let is_refused = parts.any(|part| {
            let weight = part.strip_prefix("q=").and_then(|weight| weight.parse::<f32>().ok());
            weight.is_some_and(|weight| weight <= 0.0)
        });
        is_named && !is_refused
    })
}

/// Errors of a route that sends media assets.
pub(crate) const ASSET: [Code; 2] = [Code::AssetNotFound, Code::AssetExpired];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn m30_only_pictures_and_movies_are_shown_in_a_browser() {
        let of = |media_type, is_download| headers_of(media_type, "a.x", is_download);
        assert_eq!(of("image/png", false), []);
        assert_eq!(of("image/png", true).len(), 1);
        for saved in ["image/x-exr", "model/gltf-binary", "application/zip", "text/html"] {
            assert!(of(saved, false)[0].1.to_str().expect("ASCII").starts_with("attachment;"), "{saved}");
        }
        let svg = of(SVG, false);
        assert_eq!((svg.len(), svg[1].1.as_bytes()), (2, &b"sandbox; default-src 'none'"[..]));
    }

    #[test]
    fn m33_webp_is_for_those_who_name_it() {
        let accepts = |accept| accepts_webp(&HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static(accept))]));
        for accept in ["image/webp", "image/avif,image/webp,*/*;q=0.8", "Image/WebP;q=0.5"] {
            assert!(accepts(accept), "{accept}");
        }
        for accept in ["*/*", "image/*", "image/png", "image/webp;q=0", ""] {
            assert!(!accepts(accept), "{accept}");
        }
    }
}
