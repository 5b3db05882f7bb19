//! A new render: its files are stored, then one transaction makes the render, its task, its first event and the answer to its
//! idempotency key; then the client is answered.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderName, LOCATION, RETRY_AFTER};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use utoipa::ToSchema;

use super::inputs::{self, ENVIRONMENT, GLB, RenderSettings};
use super::{convert, wait};
use crate::api::answer::Answer;
use crate::api::auth::Caller;
use crate::api::files;
use crate::api::idempotency::{self, Refused};
use crate::api::multipart::{self, Form};
use crate::api::prefer::{self, PREFERENCE_APPLIED};
use crate::api::problem::{ApiError, ApiResult, Code};
use crate::api::query::Params;
use crate::api::state::AppState;
use crate::server::metrics::count_cached;
use crate::store::Spooled;
use packshot_contract::job::{Job, url};
use packshot_contract::request::{Asset, Format, RenderRequest};
use packshot_db::TenantScope;
use packshot_db::files as rows;
use packshot_db::idempotency::{Begun, IdempotentRequest, StoredAnswer};
use packshot_db::objects::{self, NewObject};
use packshot_db::renders::{self, Created, IdempotentSubmit, NewRender, NewWork, Render, Submitted};
use packshot_domain::hash::ContentAddress;
use packshot_domain::id::{RenderId, TaskId};
use packshot_domain::render::{RenderKind, RenderState};
use packshot_domain::task::QueueName;
use packshot_worker::protocol::RenderInput;

/// The path of all renders.
const PATH: &str = "/api/v1/renders";
/// Names the render that a picture is of.
const RENDER_ID: HeaderName = HeaderName::from_static("x-packshot-render-id");
/// In a stored answer: the picture is not in the row but in the store.
const STORED_PICTURE: HeaderName = HeaderName::from_static("packshot-stored-picture");

/// The parts of a multipart request.
#[derive(ToSchema)]
#[schema(as = RenderForm)]
#[expect(dead_code, reason = "describes the parts; they are streamed, not deserialised")]
pub(crate) struct RenderForm {
    /// The product: a GLB, or a glTF file with embedded data.
    #[schema(format = Binary)]
    glb: String,
    /// Everything about the picture; all of it may be left out.
    request: Option<RenderRequest>,
    /// An environment map: `.hdr` or `.exr`, equirectangular.
    #[schema(format = Binary)]
    environment: Option<String>,
}

/// Renders a product
///
/// The product comes as the part `glb` of a multipart body, or as `asset` of a JSON body. The answer is the job, at once; with
/// `Prefer: wait` it comes when the job has ended, and with `Accept: image/png` it is the picture then: of several the first.
#[utoipa::path(
    post, path = "/api/v1/renders", operation_id = "create_render", tag = "renders",
    params(
        ("wait" = Option<u64>, Query, minimum = 1, description = "Seconds to wait for the end of the job, at most 300"),
        ("Prefer" = Option<String>, Header, description = "`wait=N`: the same as the parameter"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key and body: the same answer, rendered once"),
        ("Cache-Control" = Option<String>, Header, description = "`no-cache`: render even if an equal request was rendered"),
    ),
    request_body(content(
        (RenderForm = "multipart/form-data"),
        (RenderRequest = "application/json"),
    )),
    responses(
        (status = 200, description = "The job has ended, or its picture", content((Job = "application/json"), (Vec<u8> = "image/png"))),
        (status = 202, description = "The job, which goes on", body = Job,
            headers(("Location" = String, description = "The job"), ("Retry-After" = u64, description = "Seconds"))),
    ),
)]
pub(crate) async fn create(
    State(state): State<AppState>,
    caller: Caller,
    params: Params,
    headers: HeaderMap,
    request: Request,
) -> ApiResult<Response> {
    let wishes = Wishes::read(&headers, &params)?;
    let scope = caller.scope();
    let settings = RenderSettings::in_force(&state, scope).await?;
    let form = multipart::receive(&state, request, &[GLB, ENVIRONMENT], settings.upload_bytes_max).await?;
    let keyed = idempotency::of_request(&headers, PATH, form.hash)?;
    if let Some(request) = &keyed {
        let begun = packshot_db::idempotency::lookup(&state.db, scope, request).await?;
        if let Some(answer) = idempotency::known(&begun)? {
            return give(&state, scope, answer).await;
        }
    }
    let submission = Submission { state: state.clone(), caller, settings, wishes, keyed: keyed.clone() };
    // A client that leaves does not leave its key in flight: the work goes on without it.
    let answer = match keyed {
        Some(_) => tokio::spawn(submission.run(form)).await.map_err(ApiError::internal)??,
        None => submission.run(form).await?,
    };
    give(&state, scope, answer).await
}

/// How a client wants to be answered.
#[derive(Clone, Copy, Debug)]
struct Wishes {
    wait: Option<Duration>,
    wants_picture: bool,
    refuses_cache: bool,
}

impl Wishes {
    fn read(headers: &HeaderMap, params: &Params) -> ApiResult<Self> {
        let wait = prefer::wait(headers, params)?;
        let cache_control = headers.get_all(CACHE_CONTROL).iter().filter_map(|value| value.to_str().ok());
        let mut directives = cache_control.flat_map(|value| value.split(',')).map(str::trim);
        Ok(Self {
            wait,
            wants_picture: wait.is_some() && prefer::accepts(headers, "image/png"),
            refuses_cache: directives.any(|directive| directive.eq_ignore_ascii_case("no-cache")),
        })
    }
}

/// A request on its way to a render.
struct Submission {
    state: AppState,
    caller: Caller,
    settings: RenderSettings,
    wishes: Wishes,
    keyed: Option<IdempotentRequest>,
}

impl Submission {
    async fn run(self, form: Form) -> ApiResult<Answer> {
        let scope = self.caller.scope();
        let new = match self.prepare(form).await {
            Ok(new) => new,
            // Nothing has happened yet, so the refusal of a request is as final as its answer would be.
            Err(refusal) => {
                let Some(request) = self.keyed.clone().filter(|_| refusal.status().is_client_error()) else {
                    return Err(refusal);
                };
                return match idempotency::refuse(&self.state, scope, request, refusal).await? {
                    Refused::Answered(answer) => Ok(answer),
                    Refused::Made(id) => {
                        let wait = self.wishes.wait.unwrap_or_default();
                        self.wait_for(id, wait).await
                    }
                };
            }
        };
        let id = new.id;
        let idempotent = self.keyed.clone().map(|request| IdempotentSubmit {
            request,
            answer: self.wishes.wait.is_none().then(|| Arc::new(stored_answer) as renders::AnswerOf),
            in_flight: idempotency::IN_FLIGHT + self.wishes.wait.unwrap_or_default(),
        });
        match renders::create(&self.state.db, scope, new, idempotent).await? {
            Submitted::Created(created) => {
                if created.render.state == RenderState::Completed {
                    count_cached();
                }
                self.state.queue.wake();
                match self.wishes.wait {
                    // The stored answer and this one must be equal, so both are made of what the transaction saw.
                    None if self.keyed.is_some() => accepted(&created),
                    None => accepted_job(&super::with_position(&self.state, scope, created.render).await?),
                    Some(wait) => self.wait_for(id, wait).await,
                }
            }
            Submitted::Known(Begun::Interrupted(id)) => {
                let wait = self.wishes.wait.unwrap_or_default();
                self.wait_for(id, wait).await
            }
            Submitted::Known(begun) => match idempotency::known(&begun)? {
                Some(answer) => Ok(answer),
                None => Err(ApiError::internal(std::io::Error::other("a known request is fresh"))),
            },
        }
    }

    /// Stores the files, finds what the request refers to, and whether it was rendered before.
    async fn prepare(&self, mut form: Form) -> ApiResult<NewRender> {
        let (state, scope, settings) = (&self.state, self.caller.scope(), &self.settings);
        let mut request = inputs::parse(&form, settings)?;
        if self.wishes.wants_picture && !request.formats.contains(&Format::Png) {
            return Err(ApiError::new(Code::NotAcceptable, "the request makes no PNG that could be the answer"));
        }
        inputs::check_assets(state, scope, &request).await?;
        let libraries = inputs::find_libraries(state, scope, &request, settings).await?;
        if let Some(upload) = form.files.remove(GLB) {
            request.asset = Some(keep(state, scope, upload, "model/gltf-binary").await?);
        }
        if let Some(upload) = form.files.remove(ENVIRONMENT) {
            request.environment = Some(keep(state, scope, upload, "application/octet-stream").await?);
        }
        let address = |asset: &Asset| asset.content_address.0;
        let scene = request.asset.as_ref().map(address).ok_or_else(inputs::no_asset)?;
        let environment = request.environment.as_ref().map(address);
        let cache_key = inputs::cache_key(scope, &request, &libraries, settings.fallback_material.as_deref());
        let libraries: Vec<_> = libraries.into_iter().map(|library| library.file).collect();
        let inputs = [Some(scene), environment].into_iter().flatten();
        let inputs = inputs.chain(libraries.iter().map(|library| library.address)).collect();
        let id = RenderId::new();
        let cached = if self.wishes.refuses_cache { None } else { find_cached(state, scope, cache_key, id).await? };
        let fallback_material = settings.fallback_material.clone();
        // Not an option of the picture: it is kept and shown beside the request.
        let metadata = Value::Object(std::mem::take(&mut request.metadata));
        let input = RenderInput { scene, environment, libraries, fallback_material, request };
        let request = &input.request;
        let kind = RenderKind::from(request.kind);
        let samples_target = request.samples.saturating_mul(request.n_pictures());
        let json = |value: Result<Value, serde_json::Error>| value.map_err(ApiError::internal);
        Ok(NewRender {
            id,
            kind,
            priority: request.priority,
            metadata,
            samples_target: i32::try_from(samples_target).unwrap_or(i32::MAX),
            created_by: self.caller.0.user,
            cache_key: Some(cache_key),
            inputs,
            work: cached.unwrap_or(NewWork::Task {
                id: TaskId::new(),
                name: kind.step(),
                queue: QueueName::Render,
                kwargs: json(serde_json::to_value(&input))?,
            }),
            request: json(serde_json::to_value(request))?,
        })
    }

    /// Answers when the render has ended or the time is over, and stores that answer.
    async fn wait_for(self, id: RenderId, wait: Duration) -> ApiResult<Answer> {
        let result = self.answer_of(id, wait).await;
        if let Some(request) = self.keyed {
            idempotency::settle(&self.state, self.caller.scope(), request, &result).await?;
        }
        result
    }

    async fn answer_of(&self, id: RenderId, wait: Duration) -> ApiResult<Answer> {
        let (state, scope) = (&self.state, self.caller.scope());
        let render = wait::until_ended(state, scope, id, wait).await?;
        let applied = prefer::applied(wait);
        let answer = match render.state {
            RenderState::Pending | RenderState::Queued | RenderState::Running => {
                let job = super::with_position(state, scope, render).await?;
                accepted_job(&job)
            }
            _ if !self.wishes.wants_picture => Answer::json(StatusCode::OK, &convert::job(render, None)?),
            RenderState::Completed => picture(state, scope, &render).await,
            RenderState::Failed => Err(failure(&render)),
            RenderState::Cancelled => Err(ApiError::new(Code::RenderNotCompleted, "the render was cancelled")),
        };
        let answer = answer.map_err(|error| match id.to_string().parse() {
            Ok(value) if self.wishes.wants_picture => error.with(RENDER_ID, value),
            _ => error,
        });
        Ok(answer?.with(PREFERENCE_APPLIED, applied))
    }
}

/// Keeps an uploaded file, and remembers that the tenant has it.
async fn keep(state: &AppState, scope: TenantScope, upload: Spooled, media_type: &str) -> ApiResult<Asset> {
    let size_bytes = i64::try_from(upload.size_bytes()).unwrap_or(i64::MAX);
    let address = state.store.keep(scope.tenant, upload).await?;
    let object = NewObject { address, size_bytes, media_type: media_type.to_owned() };
    objects::record_all(&state.db, scope, vec![object]).await?;
    Ok(Asset { content_address: address.into() })
}

/// The result of an equal request whose files are all there.
async fn find_cached(
    state: &AppState,
    scope: TenantScope,
    key: ContentAddress,
    id: RenderId,
) -> ApiResult<Option<NewWork>> {
    let Some((of, files)) = renders::find_cached(&state.db, scope, key).await? else { return Ok(None) };
    for file in &files {
        if !state.store.has(scope.tenant, &file.address).await? {
            return Ok(None);
        }
    }
    Ok(Some(NewWork::Cached { of: of.id, result: convert::cached_result(&of, id)? }))
}

/// The answer to who does not wait.
fn accepted(created: &Created) -> ApiResult<Answer> {
    accepted_job(&convert::job(created.render.clone(), created.queue_position)?)
}

fn accepted_job(job: &Job) -> ApiResult<Answer> {
    Ok(Answer::json(StatusCode::ACCEPTED, job)?.with(LOCATION, url(job.id)).with(RETRY_AFTER, "1".to_owned()))
}

/// The same as the row of an idempotency key, made inside of the transaction.
fn stored_answer(created: &Created) -> StoredAnswer {
    match accepted(created) {
        Ok(answer) => answer.to_stored(),
        Err(error) => {
            let body = serde_json::to_vec(&error.problem(PATH, "")).unwrap_or_default();
            let headers = vec![("content-type".to_owned(), "application/problem+json".to_owned())];
            StoredAnswer { status: error.status().as_u16(), headers, body }
        }
    }
}

/// An answer that stands for the picture, which [`give`] puts in its place: rows keep no pictures.
async fn picture(state: &AppState, scope: TenantScope, render: &Render) -> ApiResult<Answer> {
    let files = rows::of_render(&state.db, scope, render.id).await?;
    let png = files.iter().find(|file| file.format == "png");
    let png = png.ok_or_else(|| ApiError::new(Code::FormatNotAvailable, "the render made no PNG"))?;
    Ok(Answer::empty(StatusCode::OK)
        .with(CONTENT_TYPE, "image/png".to_owned())
        .with(ETAG, files::etag(&png.address))
        .with(RENDER_ID, render.id.to_string())
        .with(STORED_PICTURE, png.address.to_string()))
}

fn failure(render: &Render) -> ApiError {
    match &render.error {
        Some(error) => ApiError::of_job(&error.code, &error.detail, error.at.as_deref()),
        None => ApiError::of_job("internal", "the render failed", None),
    }
}

/// Sends an answer, with the picture it stands for.
async fn give(state: &AppState, scope: TenantScope, answer: Answer) -> ApiResult<Response> {
    let address = answer.header(&STORED_PICTURE).and_then(|value| value.to_str().ok()?.parse().ok());
    let Some(address) = address else { return Ok(answer.into_response()) };
    let mut response = files::respond(state, scope, &address, "image/png", &HeaderMap::new()).await?;
    for (name, value) in answer.headers().iter().filter(|(name, _)| name != STORED_PICTURE && name != CONTENT_TYPE) {
        response.headers_mut().insert(name, value.clone());
    }
    Ok(response)
}
