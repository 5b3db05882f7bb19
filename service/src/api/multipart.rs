//! Uploads: the parts of a multipart body, files streamed to disk while they are hashed, JSON read as usual.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};

use axum::body::Body;
use axum::extract::multipart::{Field, MultipartError};
use axum::extract::{FromRequest, Multipart, Request};
use axum::http::StatusCode;
use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use serde_json::Value;

use super::body::{self, JSON_BYTES_MAX};
use super::problem::{ApiError, ApiResult, Code};
use super::state::AppState;
use crate::app::{App, Upload};
use packshot_contract::problem::Invalid;

/// Room for boundaries and the heads of parts: of all of them together, and until the next part begins.
const OVERHEAD_BYTES: u64 = 64 << 10;

/// Most bytes of a part that is text.
const TEXT_BYTES_MAX: usize = 8 << 10;

/// The parts that a body may have.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parts<'a> {
    /// Files.
    pub(crate) files: &'a [&'static str],
    /// Text.
    pub(crate) texts: &'a [&'static str],
    /// Most bytes of each file.
    pub(crate) bytes_max: u64,
}

/// A body that was received: JSON, and files and texts by the name of their part.
#[derive(Debug, Default)]
pub(crate) struct Form {
    /// The JSON; an empty object when there is none.
    pub(crate) json: Value,
    /// The files.
    pub(crate) files: BTreeMap<&'static str, Upload>,
    /// What their senders called them, as it was sent, for those that have a name.
    pub(crate) file_names: BTreeMap<&'static str, String>,
    /// The media types of the files that have one.
    pub(crate) media_types: BTreeMap<&'static str, String>,
    /// The texts.
    pub(crate) texts: BTreeMap<&'static str, String>,
    /// BLAKE3 of everything after decoding: requests with the same hash are equal.
    pub(crate) hash: [u8; 32],
}

/// Receives a body that is JSON, or multipart with the part `request` (JSON) and `files` of at most `bytes_max` each.
///
/// # Errors
/// [`Code::UnsupportedMediaType`], [`Code::MalformedBody`], [`Code::BodyTooLarge`], [`Code::StorageFull`]; findings
/// about parts that are unknown or given twice.
pub(crate) async fn receive(
    state: &AppState,
    request: Request,
    files: &[&'static str],
    bytes_max: u64,
) -> ApiResult<Form> {
    match body::media_type(request.headers()).as_str() {
        "multipart/form-data" => receive_parts(state, request, Parts { files, texts: &[], bytes_max }, true).await,
        "application/json" => {
            let bytes = body::read(request, JSON_BYTES_MAX).await?;
            Ok(Form { json: body::parse(&bytes)?, hash: *blake3::hash(&bytes).as_bytes(), ..Form::default() })
        }
        _ => Err(ApiError::new(Code::UnsupportedMediaType, "expected multipart/form-data or application/json")),
    }
}

/// Receives a multipart body of files and texts alone.
///
/// # Errors
/// As [`receive`].
pub(crate) async fn receive_files(state: &AppState, request: Request, parts: Parts<'_>) -> ApiResult<Form> {
    match body::media_type(request.headers()).as_str() {
        "multipart/form-data" => receive_parts(state, request, parts, false).await,
        _ => Err(ApiError::new(Code::UnsupportedMediaType, "expected multipart/form-data")),
    }
}

async fn receive_parts(
    state: &AppState,
    request: Request,
    Parts { files, texts, bytes_max }: Parts<'_>,
    has_json: bool,
) -> ApiResult<Form> {
    let all_max = bytes_max.saturating_mul(files.len() as u64).saturating_add(JSON_BYTES_MAX as u64 + OVERHEAD_BYTES);
    body::check_length(request.headers(), all_max).map_err(|_| too_large(bytes_max))?;
    let meter = Arc::new(Meter::new(all_max, bytes_max));
    let request = request.map(|body| Body::from_stream(measured(body, Arc::clone(&meter))));
    let mut multipart = Multipart::from_request(request, state)
        .await
        .map_err(|error| ApiError::new(Code::MalformedBody, error.body_text()))?;
    let mut form = Form::default();
    let mut hashes: BTreeMap<String, [u8; 32]> = BTreeMap::new();
    loop {
        meter.begin_head();
        let field = multipart.next_field().await.map_err(|error| meter.explain(&error))?;
        let Some(field) = field else { break };
        meter.end_head();
        let name = field.name().unwrap_or_default().to_owned();
        let pointer = packshot_json::pointer("", &name);
        if hashes.contains_key(&name) {
            return Err(Invalid::one(pointer, "duplicate", "the part is given twice").into());
        }
        let hash = if has_json && name == "request" {
            let bytes = read_whole(field, "request", JSON_BYTES_MAX, &meter).await?;
            form.json = body::parse_part("part `request`", &bytes)?;
            *blake3::hash(&bytes).as_bytes()
        } else if let Some(&file) = files.iter().find(|&&file| file == name) {
            form.file_names.extend(field.file_name().map(|name| (file, name.to_owned())));
            form.media_types.extend(field.content_type().map(|media_type| (file, media_type.to_owned())));
            let upload = receive_upload(state, field, bytes_max, &meter).await?;
            let hash = *upload.address().hash();
            form.files.insert(file, upload);
            hash
        } else if let Some(&text) = texts.iter().find(|&&text| text == name) {
            let bytes = read_whole(field, text, TEXT_BYTES_MAX, &meter).await?;
            let hash = *blake3::hash(&bytes).as_bytes();
            let not_text = |_| Invalid::one(pointer, "wrong_type", "the part is not text in UTF-8");
            form.texts.insert(text, String::from_utf8(bytes).map_err(not_text)?);
            hash
        } else {
            let known = has_json.then_some("request").into_iter().chain(files.iter().chain(texts).copied());
            let known: Vec<String> = known.map(|name| format!("`{name}`")).collect();
            let detail = format!("unknown part; expected one of {}", known.join(", "));
            return Err(Invalid::one(pointer, "unknown_member", detail).into());
        };
        hashes.insert(name, hash);
    }
    if form.json.is_null() {
        form.json = Value::Object(serde_json::Map::new());
    }
    form.hash = hash_of_parts(&hashes);
    Ok(form)
}

/// The body is larger than its files may make it, or has too much beside them.
fn too_large(bytes_max: u64) -> ApiError {
    ApiError::new(Code::BodyTooLarge, format!("the body is too large: a file in it may have at most {bytes_max} bytes"))
}

/// One hash of all parts, whatever their order and boundary.
fn hash_of_parts(parts: &BTreeMap<String, [u8; 32]>) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    for (name, hash) in parts {
        hasher.update(&(name.len() as u64).to_le_bytes()).update(name.as_bytes()).update(hash);
    }
    *hasher.finalize().as_bytes()
}

async fn read_whole(mut field: Field<'_>, name: &str, bytes_max: usize, meter: &Meter) -> ApiResult<Vec<u8>> {
    let mut bytes = Vec::new();
    while let Some(piece) = field.chunk().await.map_err(|error| meter.explain(&error))? {
        if bytes.len() + piece.len() > bytes_max {
            let detail = format!("the part `{name}` has more than {bytes_max} bytes");
            return Err(ApiError::new(Code::BodyTooLarge, detail));
        }
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes)
}

async fn receive_upload(app: &App, mut field: Field<'_>, bytes_max: u64, meter: &Meter) -> ApiResult<Upload> {
    let mut upload = app.receive(bytes_max)?;
    while let Some(piece) = field.chunk().await.map_err(|error| meter.explain(&error))? {
        upload.write(&piece).await?;
    }
    Ok(upload.finish().await?)
}

/// Counts what the parser of the parts takes from a body. It buffers everything until the next part has begun, so that
/// amount is limited, as is the whole body.
#[derive(Debug)]
struct Meter {
    /// Bytes that the rest of the body may have.
    left: AtomicU64,
    is_in_head: AtomicBool,
    /// Bytes taken since the last part ended.
    in_head: AtomicU64,
    is_exceeded: AtomicBool,
    /// What a file may have, for the error.
    file_bytes_max: u64,
}

impl Meter {
    fn new(bytes_max: u64, file_bytes_max: u64) -> Self {
        Self {
            file_bytes_max,
            left: AtomicU64::new(bytes_max),
            is_in_head: AtomicBool::new(false),
            in_head: AtomicU64::new(0),
            is_exceeded: AtomicBool::new(false),
        }
    }

    fn begin_head(&self) {
        self.in_head.store(0, Ordering::Relaxed);
        self.is_in_head.store(true, Ordering::Relaxed);
    }

    fn end_head(&self) {
        self.is_in_head.store(false, Ordering::Relaxed);
    }

    /// Whether more may be taken: a head that is still open after this many bytes is refused.
    fn may_go_on(&self) -> bool {
        !self.is_in_head.load(Ordering::Relaxed) || self.in_head.load(Ordering::Relaxed) <= OVERHEAD_BYTES
    }

    /// Counts a piece; `false` when the body is larger than it may be.
    fn take(&self, n_bytes: u64) -> bool {
        self.in_head.fetch_add(n_bytes, Ordering::Relaxed);
        let left = self.left.load(Ordering::Relaxed).checked_sub(n_bytes);
        self.left.store(left.unwrap_or(0), Ordering::Relaxed);
        left.is_some()
    }

    fn exceed(&self) -> std::io::Error {
        self.is_exceeded.store(true, Ordering::Relaxed);
        std::io::ErrorKind::FileTooLarge.into()
    }

    /// Why the body could not be read.
    fn explain(&self, error: &MultipartError) -> ApiError {
        if self.is_exceeded.load(Ordering::Relaxed) || error.status() == StatusCode::PAYLOAD_TOO_LARGE {
            let bytes_max = self.file_bytes_max;
            let detail = format!(
                "the body, or the head of one of its parts, is too large: a file in it may have at most {bytes_max} bytes"
            );
            return ApiError::new(Code::BodyTooLarge, detail);
        }
        ApiError::new(Code::MalformedBody, format!("the multipart body cannot be read: {}", error.body_text()))
    }
}

/// The pieces of a body, as far as a meter allows. The parser would take all that are available, so it gets one at a
/// time.
fn measured(body: Body, meter: Arc<Meter>) -> impl Stream<Item = Result<Bytes, axum::BoxError>> {
    let mut pieces = body.into_data_stream();
    let mut has_given = false;
    stream::poll_fn(move |context: &mut Context<'_>| {
        if std::mem::take(&mut has_given) {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        if !meter.may_go_on() {
            return Poll::Ready(Some(Err(meter.exceed().into())));
        }
        let piece = std::task::ready!(pieces.poll_next_unpin(context));
        has_given = true;
        Poll::Ready(piece.map(|piece| match piece {
            Ok(bytes) if meter.take(bytes.len() as u64) => Ok(bytes),
            Ok(_) => Err(meter.exceed().into()),
            Err(error) => Err(error.into()),
        }))
    })
}
