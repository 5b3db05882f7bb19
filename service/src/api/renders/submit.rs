//! A new render: its request is received, the render is made, and the client is answered: immediately, or when the
//! render has ended.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderName, LOCATION, RETRY_AFTER};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use utoipa::ToSchema;

use crate::api::answer::Answer;
use crate::api::auth::Caller;
use crate::api::files;
use crate::api::idempotency::{of_request, refusal_to_stored, replay, to_stored};
use crate::api::media::Binary;
use crate::api::multipart;
use crate::api::prefer::{self, PREFERENCE_APPLIED};
use crate::api::problem::{ApiError, ApiResult};
use crate::api::query::Params;
use crate::api::state::AppState;
use crate::app::{AppError, Code};
use crate::idempotency::{self, IdempotentRequest, StoredAnswer};
use crate::renders::{self, Equal, ReceivedRequest, RenderSubmission, SubmitKey, Submitted, Waited, Wording, results};
use crate::tenancy::RenderSettings;
use packshot_contract::job::{Job, url};
use packshot_contract::request::RenderRequest;
use packshot_domain::id::RenderId;
use packshot_domain::principal::Principal;
use packshot_pipeline::plan::words::FileFormat;

/// The path of all renders.
const PATH: &str = "/api/v1/renders";
/// The part of a multipart body that holds the product.
const GLB: &str = "glb";
/// The part of a multipart body that holds the environment map.
const ENVIRONMENT: &str = "environment";
/// The header with the id of the render that a picture belongs to.
const RENDER_ID: HeaderName = HeaderName::from_static("x-packshot-render-id");
/// In a stored answer: the picture is in the store, not in the row.
const STORED_PICTURE: HeaderName = HeaderName::from_static("packshot-stored-picture");

/// The parts of a multipart request.
#[derive(ToSchema)]
#[schema(as = RenderForm)]
#[expect(dead_code, reason = "describes the parts; they are streamed, not deserialised")]
pub(crate) struct RenderForm {
    /// The product: a GLB, or a glTF file with embedded data. The job shows its file's name.
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
/// The product comes as the part `glb` of a multipart body, or as `asset` of a JSON body. The answer is the job, sent
/// immediately. With `Prefer: wait` it is sent when the job has ended, and with `Accept: image/png`, or the media
/// type of another format that the request makes, it is then the picture, or the first of several.
#[utoipa::path(
    post, path = "/api/v1/renders", operation_id = "create_render", tag = "renders",
    params(
        ("wait" = Option<u64>, Query, minimum = 1, description = "Seconds to wait for the end of the job, at most 300"),
        ("Prefer" = Option<String>, Header, description = "`wait=N`: the same as the parameter"),
        ("Idempotency-Key" = Option<String>, Header, description = "Repeated with the same key and body, the request gets the same answer and renders once"),
        ("Cache-Control" = Option<String>, Header, description = "`no-cache`: render even if an equal request has already been rendered"),
    ),
    request_body(content(
        (RenderForm = "multipart/form-data"),
        (RenderRequest = "application/json"),
    )),
    responses(
        (status = 200, description = "The job, which has ended, or its picture", content(
            (Job = "application/json"),
            (inline(Binary) = "image/png"),
            (inline(Binary) = "image/x-exr"),
            (inline(Binary) = "image/jpeg"),
            (inline(Binary) = "image/webp"),
            (inline(Binary) = "image/avif"),
            (inline(Binary) = "image/tiff"),
            (inline(Binary) = "video/mp4"),
            (inline(Binary) = "image/apng"),
            (inline(Binary) = "application/zip"),
        )),
        (status = 202, description = "The job, which has not ended yet", body = Job,
            headers(("Location" = String, description = "The job"), ("Retry-After" = u64, description = "Seconds to wait before asking again"))),
    ),
)]
pub(crate) async fn create(
    State(state): State<AppState>,
    caller: Caller,
    params: Params,
    headers: HeaderMap,
    request: Request,
) -> ApiResult<Response> {
    let preferences = Preferences::read(&headers, &params)?;
    let (received, hash) = receive(&state, &caller.0, request).await?;
    let keyed = of_request(&headers, PATH, hash)?;
    if let Some(request) = &keyed
        && let Some(stored) = idempotency::lookup(&state, &caller.0, request).await?
    {
        return give(&state, &caller.0, replay(stored)?).await;
    }
    let submission = Submission { state: state.clone(), who: caller.0.clone(), preferences, keyed: keyed.clone() };
    // If the client disconnects, the work goes on, so that its key does not stay in flight.
    let answer = match keyed {
        Some(_) => tokio::spawn(submission.run(received)).await.map_err(ApiError::internal)??,
        None => submission.run(received).await?,
    };
    give(&state, &caller.0, answer).await
}

/// Receives a request for pictures with its files, and the hash of all of it.
///
/// # Errors
/// As [`multipart::receive`].
pub(crate) async fn receive(
    state: &AppState,
    who: &Principal,
    request: Request,
) -> ApiResult<(ReceivedRequest, [u8; 32])> {
    let settings = RenderSettings::in_force(state, who).await?;
    let mut form = multipart::receive(state, request, &[GLB, ENVIRONMENT], settings.upload_bytes_max).await?;
    let (glb, environment) = (form.files.remove(GLB), form.files.remove(ENVIRONMENT));
    let (glb_name, environment_name) = (form.file_names.remove(GLB), form.file_names.remove(ENVIRONMENT));
    let request = form.json;
    Ok((ReceivedRequest { request, glb, glb_name, environment, environment_name, settings }, form.hash))
}

/// How a client wants to be answered.
#[derive(Clone, Debug)]
struct Preferences {
    wait: Option<Duration>,
    /// Formats of a picture that it would take as the answer, best first; none if it wants the job.
    pictures: Vec<FileFormat>,
    /// Whether the job is an answer where there is no such picture.
    takes_job: bool,
    equal: Equal,
}

impl Preferences {
    fn read(headers: &HeaderMap, params: &Params) -> ApiResult<Self> {
        let wait = prefer::wait(headers, params)?;
        let cache_control = headers.get_all(CACHE_CONTROL).iter().filter_map(|value| value.to_str().ok());
        let mut directives = cache_control.flat_map(|value| value.split(',')).map(str::trim);
        Ok(Self {
            wait,
            pictures: if wait.is_some() { prefer::pictures(headers) } else { Vec::new() },
            takes_job: prefer::could_take(headers, "application/json"),
            equal: match directives.any(|directive| directive.eq_ignore_ascii_case("no-cache")) {
                true => Equal::RenderedAgain,
                false => Equal::Reused,
            },
        })
    }
}

/// A request on its way to a render and an answer.
struct Submission {
    state: AppState,
    who: Principal,
    preferences: Preferences,
    keyed: Option<IdempotentRequest>,
}

impl Submission {
    async fn run(self, received: ReceivedRequest) -> ApiResult<Answer> {
        let Preferences { wait, pictures, takes_job, equal } = self.preferences.clone();
        let key = self.keyed.clone().map(|request| SubmitKey {
            request,
            accepted: wait.is_none().then(|| Arc::new(stored_answer) as Wording),
            refused: |error| refusal_to_stored(&error.clone().into()),
            wait: wait.unwrap_or_default(),
        });
        let submission =
            RenderSubmission { received, equal, needs: if takes_job { Vec::new() } else { pictures }, key };
        match (renders::submit(&self.state, &self.who, submission).await?, wait) {
            (Submitted::Created(created), None) => accepted(&created.job(&self.state).await?),
            (Submitted::Created(created), wait) => self.wait_for(created.id, wait).await,
            (Submitted::Interrupted(id), wait) => self.wait_for(id, wait).await,
            (Submitted::Answered(stored), _) => replay(stored),
        }
    }

    /// Answers when the render has ended or the time is over, immediately if there is none, and stores the answer.
    async fn wait_for(self, id: RenderId, wait: Option<Duration>) -> ApiResult<Answer> {
        let result = self.answer_of(id, wait).await;
        if let Some(request) = self.keyed {
            idempotency::settle(&self.state, &self.who, request, to_stored(&result)).await?;
        }
        result
    }

    async fn answer_of(&self, id: RenderId, wait: Option<Duration>) -> ApiResult<Answer> {
        let ended = renders::until_ended(&self.state, &self.who, id, wait.unwrap_or_default()).await?;
        let Some(wait) = wait else { return accepted(ended.job()) };
        let Preferences { pictures, takes_job, .. } = &self.preferences;
        let wants_picture = !pictures.is_empty();
        let answer = match ended {
            Waited::GoesOn(job) => accepted(&job),
            Waited::Completed(job) if wants_picture => match picture(&self.state, &self.who, id, pictures).await {
                Err(error) if *takes_job && error.code() == Code::FormatNotAvailable.as_str() => {
                    Answer::json(StatusCode::OK, &job)
                }
                answer => answer,
            },
            Waited::Failed(_, failure) if wants_picture => Err(failure.into()),
            Waited::Completed(job) | Waited::Failed(job, _) => Answer::json(StatusCode::OK, &job),
        };
        let answer = answer.map_err(|error| match id.to_string().parse() {
            Ok(value) if wants_picture => error.with(RENDER_ID, value),
            _ => error,
        });
        Ok(answer?.with(PREFERENCE_APPLIED, prefer::applied(wait)))
    }
}

/// The answer to a client that does not wait, or no longer waits.
fn accepted(job: &Job) -> ApiResult<Answer> {
    Ok(Answer::json(StatusCode::ACCEPTED, job)?.with(LOCATION, url(job.id)).with(RETRY_AFTER, "1".to_owned()))
}

/// The same as the row of an idempotency key, made inside the transaction.
fn stored_answer(job: Result<Job, AppError>) -> StoredAnswer {
    match job.map_err(ApiError::from).and_then(|job| accepted(&job)) {
        Ok(answer) => answer.to_stored(),
        Err(error) => {
            let body = serde_json::to_vec(&error.problem(PATH, "")).unwrap_or_default();
            let headers = vec![("content-type".to_owned(), "application/problem+json".to_owned())];
            StoredAnswer { status: error.status().as_u16(), headers, body }
        }
    }
}

/// An answer that stands for the picture, which [`give`] puts in its place: rows keep no pictures.
async fn picture(state: &AppState, who: &Principal, id: RenderId, formats: &[FileFormat]) -> ApiResult<Answer> {
    let file = results::picture(state, who, id, formats).await?;
    Ok(Answer::empty(StatusCode::OK)
        .with(CONTENT_TYPE, file.media_type)
        .with(ETAG, files::etag(&file.address))
        .with(RENDER_ID, id.to_string())
        .with(STORED_PICTURE, file.address.to_string()))
}

/// Sends an answer, with the picture it stands for.
async fn give(state: &AppState, who: &Principal, answer: Answer) -> ApiResult<Response> {
    let address = answer.header(&STORED_PICTURE).and_then(|value| value.to_str().ok()?.parse().ok());
    let Some(address) = address else { return Ok(answer.into_response()) };
    let media_type = answer.header(&CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("image/png");
    let mut response = files::respond(state, who, &address, media_type, &HeaderMap::new()).await?;
    for (name, value) in answer.headers().iter().filter(|(name, _)| name != STORED_PICTURE && name != CONTENT_TYPE) {
        response.headers_mut().insert(name, value.clone());
    }
    Ok(response)
}
