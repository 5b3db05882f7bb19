//! The answer to every failed request: `application/problem+json` (RFC 9457), and the findings in it.

use packshot_json::{Fault, FaultKind, Faults};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The body of every answer of 400 and above.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// `urn:packshot:problem:` followed by the code.
    #[serde(rename = "type")]
    pub type_uri: String,
    /// The code in plain words.
    pub title: String,
    /// The status code of the answer.
    pub status: u16,
    /// What went wrong, for people.
    pub detail: String,
    /// The path of the request.
    pub instance: String,
    /// Stable and machine-readable.
    pub code: String,
    /// What to do about it; `null` where `detail` says it.
    #[serde(default)]
    pub help: Option<String>,
    /// All findings; empty if there is nothing to point at.
    pub errors: Vec<Finding>,
    /// The same as the header `X-Request-Id`.
    pub request_id: String,
    /// The run that failed with its dispatch; absent where no run did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workflow_run_id: Option<uuid::Uuid>,
    /// The node of it that failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_name: Option<String>,
    /// The design job whose design could not be stored; absent where it was not about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub render_job_id: Option<uuid::Uuid>,
}

/// One thing that is wrong with a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Finding {
    /// JSON pointer (RFC 6901) into the body, where a part of a multipart body counts as a member; or `?name` for a
    /// query parameter.
    pub pointer: String,
    /// Stable and machine-readable.
    pub code: String,
    /// For people.
    pub detail: String,
    /// Place inside an uploaded file: a pointer, a line, a part; `null` if the finding is about the request itself.
    pub at: Option<String>,
}

impl Finding {
    /// A finding at a place.
    pub fn new(pointer: impl Into<String>, code: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), code: code.into(), detail: detail.into(), at: None }
    }

    /// The same, at a place inside an uploaded file; an empty place means no place.
    #[must_use]
    pub fn at(mut self, at: impl Into<String>) -> Self {
        self.at = Some(at.into()).filter(|at| !at.is_empty());
        self
    }
}

impl From<Fault> for Finding {
    fn from(fault: Fault) -> Self {
        Self::new(fault.at, code(&fault.kind), fault.message)
    }
}

/// The code of a kind of mistakes.
pub(crate) fn code(kind: &FaultKind) -> &str {
    match kind {
        FaultKind::Type => "wrong_type",
        FaultKind::Range => "out_of_range",
        FaultKind::Word => "unknown_value",
        FaultKind::Duplicate => "duplicate",
        FaultKind::Missing => "missing",
        FaultKind::Conflict => "conflicting_members",
        FaultKind::UnknownMember => "unknown_member",
        FaultKind::Named(code) => code,
    }
}

/// Everything that is wrong with a request that could be parsed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.detail())]
pub struct Invalid {
    /// At least one.
    pub findings: Vec<Finding>,
}

/// Codes of findings that name the whole request when nothing else is wrong with it.
const NAMES_THE_REQUEST: [&str; 16] = [
    "unknown_view",
    "cad_conversion_unavailable",
    "option_not_available",
    "image_too_large",
    "conflicting_members",
    "invalid_concurrency",
    "invalid_cursor",
    "unknown_scope",
    "unknown_setting",
    "invalid_setting",
    "unknown_retention_class",
    "engine_not_allowed",
    "invalid_rollout_gate",
    "unknown_event_type",
    "invalid_webhook_secret",
    "webhook_url_refused",
];

impl Invalid {
    /// One finding.
    pub fn one(pointer: impl Into<String>, code: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { findings: vec![Finding::new(pointer, code, detail)] }
    }

    /// What a reading gives, if it found no fault.
    ///
    /// # Errors
    /// The faults.
    pub fn unless_faults<T>(value: Option<T>, faults: Faults) -> Result<T, Self> {
        let findings: Vec<Finding> = faults.into_vec().into_iter().map(Finding::from).collect();
        value.filter(|_| findings.is_empty()).ok_or(Self { findings })
    }

    /// `value` if there are no findings.
    ///
    /// # Errors
    /// The findings.
    pub fn unless_clean<T>(value: T, findings: Vec<Finding>) -> Result<T, Self> {
        if findings.is_empty() { Ok(value) } else { Err(Self { findings }) }
    }

    /// The code of the request: that of its findings where all agree on one that says enough, else `validation_failed`.
    pub fn code(&self) -> &str {
        let first = self.findings.first().map_or("", |finding| finding.code.as_str());
        let agree = self.findings.iter().all(|finding| finding.code == first);
        if agree && NAMES_THE_REQUEST.contains(&first) { first } else { "validation_failed" }
    }

    /// The findings as one sentence.
    pub fn detail(&self) -> String {
        match &self.findings[..] {
            // The whole body has an empty pointer.
            [one] if one.pointer.is_empty() => one.detail.clone(),
            [one] => format!("{}: {}", one.pointer, one.detail),
            all => format!("{} members are invalid: `errors` names each", all.len()),
        }
    }
}
