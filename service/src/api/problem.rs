//! From errors to `application/problem+json`: the only mapping of errors to answers.
//!
//! An [`ApiError`] is what handlers return: what a use case or a parser says, with the status and the headers of its
//! answer. Its body is made by `answer`, which knows the request's id and path. Internal text stays inside: it is
//! logged there, once.

use std::error::Error as StdError;
use std::sync::Arc;

use axum::http::StatusCode;
use axum::http::header::{HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::response::{IntoResponse, Response};

use crate::app::{AppError, ErrorKind, FailedRun};
use packshot_contract::problem::Problem;
use packshot_domain::id::{DesignJobId, RunId};

pub(crate) mod status;

pub use crate::app::Code;

/// Why a request failed.
#[derive(Clone, Debug)]
pub struct ApiError {
    status: StatusCode,
    // In a box: results of handlers stay small.
    error: Box<AppError>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

/// What handlers return.
pub type ApiResult<T> = Result<T, ApiError>;

impl ApiError {
    /// An error with its code, and a sentence for people.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        AppError::new(code, detail).into()
    }

    /// A defect, or a failure that clients can do nothing about.
    pub fn internal(cause: impl StdError + Send + Sync + 'static) -> Self {
        AppError::internal(cause).into()
    }

    /// The same with a header.
    #[must_use]
    pub fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// The status of the answer.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The stable code.
    pub fn code(&self) -> &str {
        self.error.code()
    }

    /// What happened inside, from the outermost error to its root, for the log.
    pub fn causes(&self) -> Option<String> {
        self.error.causes()
    }

    /// The body of the answer.
    pub fn problem(&self, instance: &str, request_id: &str) -> Problem {
        let code = self.error.code();
        let mut title = code.replace(['_', '.'], " ");
        if let Some(first) = title.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        Problem {
            type_uri: format!("urn:packshot:problem:{code}"),
            title,
            status: self.status.as_u16(),
            detail: self.error.detail().to_owned(),
            instance: instance.to_owned(),
            code: code.to_owned(),
            help: self.error.help().map(str::to_owned),
            errors: self.error.findings().to_vec(),
            request_id: request_id.to_owned(),
            workflow_run_id: self.error.failed_run().map(|failed| failed.run.uuid()),
            node_name: self.error.failed_run().and_then(|failed| Some(failed.node.as_ref()?.to_string())),
            render_job_id: self.error.failed_design_job().map(|job| job.uuid()),
        }
    }

    /// The error whose body this is.
    pub fn from_problem(problem: Problem, headers: Vec<(HeaderName, HeaderValue)>) -> Self {
        let Problem { status, detail, code, help, errors, workflow_run_id, node_name, render_job_id, .. } = problem;
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let error = AppError::of_input(code, detail, errors).with_help(help.unwrap_or_default());
        let error = match workflow_run_id {
            Some(run) => {
                let node = node_name.and_then(|name| name.parse().ok());
                error.of_run(FailedRun { run: RunId::from_uuid(run), node })
            }
            None => error,
        };
        let error = match render_job_id {
            Some(job) => error.of_design_job(DesignJobId::from_uuid(job)),
            None => error,
        };
        Self { status, error: Box::new(error), headers }
    }

    /// The headers of the answer that are the error's own.
    pub fn headers(&self) -> &[(HeaderName, HeaderValue)] {
        &self.headers
    }
}

impl IntoResponse for ApiError {
    /// An answer without a body, which `answer` completes.
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        for (name, value) in &self.headers {
            response.headers_mut().append(name, value.clone());
        }
        response.extensions_mut().insert(Arc::new(self));
        response
    }
}

impl<E: Into<AppError>> From<E> for ApiError {
    fn from(error: E) -> Self {
        let error = error.into();
        let mut headers = Vec::new();
        if let Some(wait) = error.wait() {
            headers.push((RETRY_AFTER, wait.as_secs().into()));
        }
        let challenge = match (error.kind(), error.needed_scope()) {
            (ErrorKind::Own(Code::Unauthenticated | Code::InvalidCredentials | Code::InvalidRefreshToken), _) => {
                Some(HeaderValue::from_static("Bearer"))
            }
            (ErrorKind::Own(Code::TokenExpired), _) => {
                Some(HeaderValue::from_static("Bearer error=\"invalid_token\", error_description=\"expired\""))
            }
            (_, Some(needed)) => {
                HeaderValue::try_from(format!("Bearer error=\"insufficient_scope\", scope=\"{needed}\"")).ok()
            }
            _ => None,
        };
        headers.extend(challenge.map(|challenge| (WWW_AUTHENTICATE, challenge)));
        Self { status: status::of_error(error.kind()), error: Box::new(error), headers }
    }
}

/// The media type of problems.
pub const MEDIA_TYPE: HeaderValue = HeaderValue::from_static("application/problem+json");
