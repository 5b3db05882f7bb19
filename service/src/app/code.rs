//! Every error code of the service's own. Where answers are made, each code is mapped to HTTP.

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $word:literal,)+) => {
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
        }
    };
}

codes! {
    /// The body cannot be parsed.
    MalformedBody = "malformed_body",
    /// No valid token or key.
    Unauthenticated = "unauthenticated",
    /// The role lacks the permission.
    Forbidden = "forbidden",
    /// The key lacks the scope.
    InsufficientScope = "insufficient_scope",
    /// `X-Tenant-ID` names another tenant.
    TenantMismatch = "tenant_mismatch",
    /// This route or caller cannot act for all tenants together.
    BypassNotAllowed = "bypass_not_allowed",
    /// The open mode does not work behind a proxy.
    SetupRequired = "setup_required",
    /// The open mode only answers to local names.
    HostNotAllowed = "host_not_allowed",
    /// The open mode only answers its own pages.
    OriginNotAllowed = "origin_not_allowed",
    /// There is nothing at this path.
    NotFound = "not_found",
    /// There is no such render.
    RenderNotFound = "render_not_found",
    /// There is no preview yet.
    PreviewNotReady = "preview_not_ready",
    /// The render did not make this file.
    FormatNotAvailable = "format_not_available",
    /// There is no such task.
    TaskNotFound = "task_not_found",
    /// There is no such material.
    MaterialNotFound = "material_not_found",
    /// There is no such library.
    LibraryNotFound = "library_not_found",
    /// There is no such queue.
    QueueNotFound = "queue_not_found",
    /// The path does not support the method.
    MethodNotAllowed = "method_not_allowed",
    /// Nothing that the client accepts can be sent.
    NotAcceptable = "not_acceptable",
    /// The route does not accept this media type.
    UnsupportedMediaType = "unsupported_media_type",
    /// A request with the same key is still in progress.
    IdempotencyInFlight = "idempotency_in_flight",
    /// The render has no result.
    RenderNotCompleted = "render_not_completed",
    /// The render has not ended.
    RenderNotTerminal = "render_not_terminal",
    /// The task has not failed.
    TaskNotFailed = "task_not_failed",
    /// The state forbids it.
    StateConflict = "state_conflict",
    /// Another worker holds the task by now.
    LeaseLost = "lease_lost",
    /// This version of the library exists with other content.
    LibraryVersionExists = "library_version_exists",
    /// The library is in use.
    LibraryInUse = "library_in_use",
    /// The process was started with a value of the setting.
    SettingPinned = "setting_pinned",
    /// The record exists, but its bytes are gone.
    ArtifactExpired = "artifact_expired",
    /// The object has changed since it was read.
    PreconditionFailed = "precondition_failed",
    /// The body is larger than it may be.
    BodyTooLarge = "body_too_large",
    /// The file has no such bytes.
    RangeNotSatisfiable = "range_not_satisfiable",
    /// The body is not valid.
    ValidationFailed = "validation_failed",
    /// A later version has this option.
    OptionNotAvailable = "option_not_available",
    /// The picture has more pixels than it may have.
    ImageTooLarge = "image_too_large",
    /// Two members contradict each other.
    ConflictingMembers = "conflicting_members",
    /// The limits contradict each other or are out of range.
    InvalidConcurrency = "invalid_concurrency",
    /// There is no such setting.
    UnknownSetting = "unknown_setting",
    /// The setting cannot have this value.
    InvalidSetting = "invalid_setting",
    /// The cursor is not one of this list.
    InvalidCursor = "invalid_cursor",
    /// The key belongs to another request.
    IdempotencyKeyReused = "idempotency_key_reused",
    /// Too many requests.
    RateLimited = "rate_limited",
    /// Too many event streams are open.
    TooManyStreams = "too_many_streams",
    /// A defect.
    InternalError = "internal_error",
    /// Stored bytes are damaged.
    ContentCorrupt = "content_corrupt",
    /// Database, store or device cannot be reached, or the service is shutting down.
    Unavailable = "unavailable",
    /// The scene does not fit into the device.
    DeviceOutOfMemory = "device_out_of_memory",
    /// There is no space for the file.
    StorageFull = "storage_full",
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
    fn names_are_unique_and_found_again() {
        let names: HashSet<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(names.len(), Code::ALL.len());
        for code in Code::ALL {
            assert_eq!(Code::from_name(code.as_str()), Some(*code));
        }
    }
}
