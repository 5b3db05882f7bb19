//! Manifests of packages, in the form that the client wants.

use axum::extract::{Path, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, VARY};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};

use super::package_id;
use crate::api::auth::Caller;
use crate::api::files::{etag, is_known};
use crate::api::media::ManifestForms;
use crate::api::prefer::{accepts, could_take};
use crate::api::problem::{ApiError, ApiResult, Code};
use crate::api::query::Params;
use crate::api::state::AppState;
use crate::packages::manifest;
use packshot_contract::problem::Invalid;

/// What a manifest in CBOR is sent as.
const CBOR: &str = "application/cbor";
/// What a manifest in JSON is sent as.
const JSON: &str = "application/json";
/// The digest of the manifest, whatever form is sent.
pub(super) const DIGEST: HeaderName = HeaderName::from_static("x-manifest-digest");

/// A form of a manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// The bytes that the digest is of.
    Cbor,
    /// The same in JSON.
    Json,
}

/// The form that a client wants: the one that it names in the address, or else one that it accepts. Of two that it
/// accepts it gets JSON, unless CBOR is the one that it names.
///
/// # Errors
/// `unknown_value`; [`Code::NotAcceptable`].
fn wanted(params: &Params, headers: &HeaderMap) -> ApiResult<Form> {
    match params.text("format") {
        Some("cbor") => Ok(Form::Cbor),
        Some("json") => Ok(Form::Json),
        Some(_) => Err(Invalid::one("?format", "unknown_value", "expected cbor or json").into()),
        None if accepts(headers, CBOR) && !accepts(headers, JSON) => Ok(Form::Cbor),
        None if could_take(headers, JSON) => Ok(Form::Json),
        None => Err(ApiError::new(Code::NotAcceptable, format!("a manifest is {CBOR} or {JSON}"))),
    }
}

/// Fetches the manifest of a package
///
/// The digest is of the form `application/cbor`; `application/json` says the same. It stays when the package has
/// expired or was deleted.
#[utoipa::path(
    get, path = "/api/v1/packages/{id}/manifest", operation_id = "get_package_manifest", tag = "artifacts",
    params(
        ("id" = String, Path, format = Uuid, description = "The package"),
        ("format" = Option<String>, Query, description = "`cbor` or `json`; if absent, what `Accept` says, and JSON where it says nothing"),
        ("If-None-Match" = Option<String>, Header, description = "`ETag` of what the client already has"),
    ),
    responses(ManifestForms),
)]
pub(crate) async fn get(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    params: Params,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let form = wanted(&params, &headers)?;
    let manifest = manifest::read(&state, &caller.0, package_id(&id)?).await?;
    let etag = etag(&manifest.digest);
    let about = [
        (ETAG, etag.clone()),
        (DIGEST, manifest.digest.to_string()),
        (CACHE_CONTROL, "private, no-cache".to_owned()),
        // Both forms have one tag.
        (VARY, "accept".to_owned()),
    ];
    if is_known(&headers, &etag) {
        return Ok((StatusCode::NOT_MODIFIED, about).into_response());
    }
    Ok(match form {
        Form::Cbor => (about, [(CONTENT_TYPE, CBOR)], manifest.cbor).into_response(),
        Form::Json => (about, [(CONTENT_TYPE, JSON)], manifest.json()?).into_response(),
    })
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use axum::http::header::ACCEPT;

    use super::*;

    fn form(accept: &'static str) -> Result<Form, String> {
        let headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static(accept))]);
        wanted(&Params::default(), &headers).map_err(|error| error.code().to_owned())
    }

    #[test]
    fn a_client_gets_the_form_that_it_names() {
        assert_eq!(form("application/cbor"), Ok(Form::Cbor));
        assert_eq!(form("application/cbor, */*;q=0.1"), Ok(Form::Cbor));
        for accept in ["application/json", "application/cbor, application/json", "*/*", "application/*"] {
            assert_eq!(form(accept), Ok(Form::Json), "{accept}");
        }
        for accept in ["text/html", "image/png", "application/cbor;q=0"] {
            assert_eq!(form(accept), Err("not_acceptable".to_owned()), "{accept}");
        }
        assert_eq!(
            wanted(&Params::default(), &HeaderMap::new()).map_err(|error| error.code().to_owned()),
            Ok(Form::Json)
        );
    }
}
