//! From what went wrong to `application/problem+json`: the only mapping of errors to answers.
//!
//! An [`ApiError`] is what handlers return. Its body is made by `answer`, which knows the request's id and
//! path. Internal text stays inside: it is logged there, once.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::sync::Arc;

use axum::http::header::{HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::store::StoreError;
use packshot_contract::problem::{Finding, Invalid, Problem};
use packshot_db::DbError;
use packshot_domain::access::Denied;
use packshot_domain::task::FaultKind;
use packshot_worker::protocol::Failure;

pub mod code;

pub use code::Code;

/// Why a request got no other answer.
#[derive(Clone, Debug)]
pub struct ApiError {
    status: StatusCode,
    code: Cow<'static, str>,
    detail: String,
    errors: Vec<Finding>,
    headers: Vec<(HeaderName, HeaderValue)>,
    cause: Option<Arc<dyn StdError + Send + Sync>>,
}

/// What handlers return.
pub type ApiResult<T> = Result<T, ApiError>;

impl ApiError {
    /// An error with its code, and a sentence for people.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        let error = Self {
            status: code.status(),
            code: code.as_str().into(),
            detail: detail.into(),
            errors: Vec::new(),
            headers: Vec::new(),
            cause: None,
        };
        match code {
            Code::Unavailable | Code::IdempotencyInFlight | Code::DeviceOutOfMemory => error.retry_after_s(1),
            Code::Unauthenticated => error.with(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")),
            _ => error,
        }
    }

    /// An error in what a file or request says, with the code of the renderer.
    pub fn of_input(code: impl Into<String>, detail: impl Into<String>, errors: Vec<Finding>) -> Self {
        let code = code.into();
        let status = Code::from_name(&code).map_or(StatusCode::UNPROCESSABLE_ENTITY, Code::status);
        Self { status, code: code.into(), detail: detail.into(), errors, headers: Vec::new(), cause: None }
    }

    /// A defect, or a failure that clients can do nothing about.
    pub fn internal(cause: impl StdError + Send + Sync + 'static) -> Self {
        let error = Self::new(Code::InternalError, "something went wrong inside the service");
        Self { cause: Some(Arc::new(cause)), ..error }
    }

    /// The failure of a render, for who waits for its picture.
    pub fn of_job(code: &str, detail: &str, at: Option<&str>) -> Self {
        let finding = Finding::new("", code, detail).at(at.unwrap_or_default());
        match code {
            "unmapped_parts" | "output_too_large" => Self::of_input(code, detail, vec![finding]),
            "device_out_of_memory" => Self::new(Code::DeviceOutOfMemory, detail),
            // What happened inside is in the log.
            "internal_error" => Self::new(Code::InternalError, "something went wrong inside the service"),
            dotted if dotted.contains('.') => Self::of_input(code, detail, vec![finding]),
            other => {
                let status = StatusCode::INTERNAL_SERVER_ERROR;
                Self { status, code: other.to_owned().into(), ..Self::of_input("", detail, Vec::new()) }
            }
        }
    }

    /// The same with a header.
    #[must_use]
    pub fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// The same with a finding.
    #[must_use]
    pub fn at(mut self, pointer: impl Into<String>) -> Self {
        self.errors.push(Finding::new(pointer, self.code.clone(), self.detail.clone()));
        self
    }

    /// The same with the time after which it is worth another try.
    #[must_use]
    pub fn retry_after_s(self, seconds: u64) -> Self {
        self.with(RETRY_AFTER, seconds.into())
    }

    fn caused_by(mut self, cause: impl StdError + Send + Sync + 'static) -> Self {
        self.cause = Some(Arc::new(cause));
        self
    }

    /// The status of the answer.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The stable code.
    pub fn code(&self) -> &str {
        &self.code
    }

    /// What happened inside, from the outermost error to its root, for the log.
    pub fn causes(&self) -> Option<String> {
        let mut cause: &dyn StdError = &**self.cause.as_ref()?;
        let mut text = cause.to_string();
        while let Some(source) = cause.source() {
            text = format!("{text}: {source}");
            cause = source;
        }
        Some(text)
    }

    /// The body of the answer.
    pub fn problem(&self, instance: &str, request_id: &str) -> Problem {
        let mut title = self.code.replace(['_', '.'], " ");
        if let Some(first) = title.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        Problem {
            type_uri: format!("urn:packshot:problem:{}", self.code),
            title,
            status: self.status.as_u16(),
            detail: self.detail.clone(),
            instance: instance.to_owned(),
            code: self.code.to_string(),
            errors: self.errors.clone(),
            request_id: request_id.to_owned(),
        }
    }

    /// The error whose body this is.
    pub fn from_problem(problem: Problem, headers: Vec<(HeaderName, HeaderValue)>) -> Self {
        let Problem { status, detail, code, errors, .. } = problem;
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self { status, code: code.into(), detail, errors, headers, cause: None }
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

impl From<Invalid> for ApiError {
    fn from(invalid: Invalid) -> Self {
        Self::of_input(invalid.code().to_owned(), invalid.detail(), invalid.findings)
    }
}

impl From<Denied> for ApiError {
    fn from(denied: Denied) -> Self {
        let detail = denied.to_string();
        match denied {
            Denied::Forbidden { .. } => Self::new(Code::Forbidden, detail),
            Denied::InsufficientScope { needed } => {
                let challenge = format!("Bearer error=\"insufficient_scope\", scope=\"{needed}\"");
                let error = Self::new(Code::InsufficientScope, detail);
                match HeaderValue::try_from(challenge) {
                    Ok(challenge) => error.with(WWW_AUTHENTICATE, challenge),
                    Err(_) => error,
                }
            }
        }
    }
}

impl From<DbError> for ApiError {
    fn from(error: DbError) -> Self {
        match error {
            DbError::NotFound("render") => Self::new(Code::RenderNotFound, "there is no such render"),
            DbError::NotFound("task") => Self::new(Code::TaskNotFound, "there is no such task"),
            DbError::NotFound("library") => Self::new(Code::LibraryNotFound, "there is no such library"),
            DbError::NotFound(_) => Self::new(Code::NotFound, "there is no such object"),
            DbError::LeaseLost(_) => Self::new(Code::LeaseLost, error.to_string()),
            DbError::State(ref reason) => Self::new(Code::StateConflict, reason.to_string()),
            DbError::Stale { .. } => Self::new(Code::PreconditionFailed, error.to_string()),
            DbError::Exists(_) => Self::new(Code::LibraryVersionExists, error.to_string()),
            DbError::InUse("render") => Self::new(Code::RenderNotTerminal, "the render has not ended"),
            DbError::InUse(_) => Self::new(Code::LibraryInUse, error.to_string()),
            DbError::Closed => Self::new(Code::Unavailable, "the service is stopping"),
            DbError::Unavailable(_) | DbError::Unanswered(_) => {
                Self::new(Code::Unavailable, "the database is away").caused_by(error)
            }
            DbError::Full(_) => Self::new(Code::StorageFull, "the database has no space left").caused_by(error),
            DbError::Corrupt { .. } | DbError::Unsupported(_) | DbError::Internal(_) => Self::internal(error),
        }
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Full => Self::new(Code::StorageFull, "there is no space left for the file"),
            StoreError::TooLarge { .. } => Self::new(Code::BodyTooLarge, error.to_string()),
            StoreError::NotFound => Self::new(Code::ArtifactExpired, "the bytes of the file are gone"),
            StoreError::Corrupt { .. } => {
                Self::new(Code::ContentCorrupt, "the stored bytes are damaged").caused_by(error)
            }
            StoreError::Io(_) | StoreError::Backend(_) => {
                Self::new(Code::Unavailable, "the storage is away").caused_by(error)
            }
        }
    }
}

impl ApiError {
    /// The failure of work that was done while the client waited. Each finding gets the pointer of what it is about; `has_glb` says
    /// whether the product came with the request.
    pub(super) fn of_work(failure: Failure, has_glb: bool) -> Self {
        let Failure { fault, code, detail, findings } = failure;
        let product = if has_glb { "/glb" } else { "/asset" };
        let pointer_of = |code: &str| match code.split('.').next() {
            Some("env") => "/environment",
            Some("map") => "/materials/parts",
            Some("library") => "/library",
            Some("template") => "/template",
            Some("preset") => "/preset",
            Some("encode") => "/formats",
            Some("shot") => "",
            _ => product,
        };
        match fault {
            FaultKind::Input if code == Code::InternalError.as_str() => Self::internal(std::io::Error::other(detail)),
            FaultKind::Input => {
                let finding = |f: packshot_worker::protocol::Finding| {
                    let detail = if f.help.is_empty() { f.detail } else { format!("{}; {}", f.detail, f.help) };
                    Finding::new(pointer_of(&f.code), f.code, detail).at(f.at)
                };
                Self::of_input(code, detail, findings.into_iter().map(finding).collect())
            }
            FaultKind::Infrastructure => {
                let cause = std::io::Error::other(format!("{code}: {detail}"));
                Self::new(Code::Unavailable, "the work could not be done; try again").caused_by(cause)
            }
        }
    }
}

/// The media type of problems.
pub const MEDIA_TYPE: HeaderValue = HeaderValue::from_static("application/problem+json");

/// Whether an answer has a problem as its body.
pub fn is_problem(headers: &header::HeaderMap) -> bool {
    headers.get(header::CONTENT_TYPE) == Some(&MEDIA_TYPE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r10_findings_of_work_point_at_the_member_that_they_are_about() {
        for (code, pointer) in [
            ("glb.truncated", "/glb"),
            ("env.format", "/environment"),
            ("template.material", "/template"),
            ("preset.rule_broken", "/preset"),
            ("encode.too_large", "/formats"),
        ] {
            let error = ApiError::of_work(Failure::new(FaultKind::Input, code, "why"), true);
            let pointers: Vec<&str> = error.errors.iter().map(|finding| finding.pointer.as_str()).collect();
            assert_eq!(pointers, [pointer], "{code}");
        }
    }
}
