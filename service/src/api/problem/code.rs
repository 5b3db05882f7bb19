//! Every error code of the API with its status: the one place where the two meet.

use axum::http::StatusCode;

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $status:ident $word:literal,)+) => {
        /// What went wrong with a request.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Code { $($(#[$doc])* $variant,)+ }

        impl Code {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The stable name.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }

            /// The status of an answer with it.
            pub const fn status(self) -> StatusCode {
                match self { $(Self::$variant => StatusCode::$status,)+ }
            }
        }
    };
}

codes! {
    /// The body cannot be parsed.
    MalformedBody = BAD_REQUEST "malformed_body",
    /// No token or key that opens.
    Unauthenticated = UNAUTHORIZED "unauthenticated",
    /// The role lacks the permission.
    Forbidden = FORBIDDEN "forbidden",
    /// The key lacks the scope.
    InsufficientScope = FORBIDDEN "insufficient_scope",
    /// `X-Tenant-ID` names another tenant.
    TenantMismatch = FORBIDDEN "tenant_mismatch",
    /// All tenants at once are not for this route or caller.
    BypassNotAllowed = FORBIDDEN "bypass_not_allowed",
    /// The open mode does not work behind a proxy.
    SetupRequired = FORBIDDEN "setup_required",
    /// The open mode answers under local names only.
    HostNotAllowed = FORBIDDEN "host_not_allowed",
    /// The open mode answers its own pages only.
    OriginNotAllowed = FORBIDDEN "origin_not_allowed",
    /// Nothing has this path.
    NotFound = NOT_FOUND "not_found",
    /// There is no such render.
    RenderNotFound = NOT_FOUND "render_not_found",
    /// There is no preview yet.
    PreviewNotReady = NOT_FOUND "preview_not_ready",
    /// The render did not make this file.
    FormatNotAvailable = NOT_FOUND "format_not_available",
    /// There is no such task.
    TaskNotFound = NOT_FOUND "task_not_found",
    /// There is no such material.
    MaterialNotFound = NOT_FOUND "material_not_found",
    /// There is no such library.
    LibraryNotFound = NOT_FOUND "library_not_found",
    /// There is no such queue.
    QueueNotFound = NOT_FOUND "queue_not_found",
    /// The path has no such method.
    MethodNotAllowed = METHOD_NOT_ALLOWED "method_not_allowed",
    /// Nothing that the client accepts can be sent.
    NotAcceptable = NOT_ACCEPTABLE "not_acceptable",
    /// The body is of a kind that the route does not take.
    UnsupportedMediaType = UNSUPPORTED_MEDIA_TYPE "unsupported_media_type",
    /// A request with the same key is still being worked on.
    IdempotencyInFlight = CONFLICT "idempotency_in_flight",
    /// The render has no result.
    RenderNotCompleted = CONFLICT "render_not_completed",
    /// The render has not ended.
    RenderNotTerminal = CONFLICT "render_not_terminal",
    /// The task has not failed.
    TaskNotFailed = CONFLICT "task_not_failed",
    /// The state forbids it.
    StateConflict = CONFLICT "state_conflict",
    /// Somebody else holds the task by now.
    LeaseLost = CONFLICT "lease_lost",
    /// This version of the library is there with other content.
    LibraryVersionExists = CONFLICT "library_version_exists",
    /// The library is in force.
    LibraryInUse = CONFLICT "library_in_use",
    /// The process was started with a value of the setting.
    SettingPinned = CONFLICT "setting_pinned",
    /// The record is there, its bytes are not.
    ArtifactExpired = GONE "artifact_expired",
    /// The object has changed since it was read.
    PreconditionFailed = PRECONDITION_FAILED "precondition_failed",
    /// The body is larger than it may be.
    BodyTooLarge = PAYLOAD_TOO_LARGE "body_too_large",
    /// The file has no such bytes.
    RangeNotSatisfiable = RANGE_NOT_SATISFIABLE "range_not_satisfiable",
    /// The body breaks a rule.
    ValidationFailed = UNPROCESSABLE_ENTITY "validation_failed",
    /// A later version has this option.
    OptionNotAvailable = UNPROCESSABLE_ENTITY "option_not_available",
    /// The picture has more pixels than it may have.
    ImageTooLarge = UNPROCESSABLE_ENTITY "image_too_large",
    /// Two members contradict each other.
    ConflictingMembers = UNPROCESSABLE_ENTITY "conflicting_members",
    /// The limits break their rule.
    InvalidConcurrency = UNPROCESSABLE_ENTITY "invalid_concurrency",
    /// There is no such setting.
    UnknownSetting = UNPROCESSABLE_ENTITY "unknown_setting",
    /// The value is none of this setting.
    InvalidSetting = UNPROCESSABLE_ENTITY "invalid_setting",
    /// The cursor is none of this list.
    InvalidCursor = UNPROCESSABLE_ENTITY "invalid_cursor",
    /// The key belongs to another request.
    IdempotencyKeyReused = UNPROCESSABLE_ENTITY "idempotency_key_reused",
    /// Too many requests.
    RateLimited = TOO_MANY_REQUESTS "rate_limited",
    /// As many event streams are open as may be.
    TooManyStreams = TOO_MANY_REQUESTS "too_many_streams",
    /// A defect.
    InternalError = INTERNAL_SERVER_ERROR "internal_error",
    /// Stored bytes are damaged.
    ContentCorrupt = INTERNAL_SERVER_ERROR "content_corrupt",
    /// Database, storage or device are away, or the service shuts down.
    Unavailable = SERVICE_UNAVAILABLE "unavailable",
    /// The scene does not fit into the device.
    DeviceOutOfMemory = SERVICE_UNAVAILABLE "device_out_of_memory",
    /// There is no space for the file.
    StorageFull = INSUFFICIENT_STORAGE "storage_full",
}

impl Code {
    /// The code of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.as_str() == name)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn names_are_unique_and_stand_for_errors() {
        let names: HashSet<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(names.len(), Code::ALL.len());
        for code in Code::ALL {
            assert!(code.status().as_u16() >= 400, "{code:?}");
            assert_eq!(Code::from_name(code.as_str()), Some(*code));
        }
    }
}
