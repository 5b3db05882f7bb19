//! Every error code that the service has of its own. What a code means for HTTP is said where answers are made.

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
    /// No token or key that opens.
    Unauthenticated = "unauthenticated",
    /// The role lacks the permission.
    Forbidden = "forbidden",
    /// The key lacks the scope.
    InsufficientScope = "insufficient_scope",
    /// `X-Tenant-ID` names another tenant.
    TenantMismatch = "tenant_mismatch",
    /// All tenants at once are not for this route or caller.
    BypassNotAllowed = "bypass_not_allowed",
    /// The open mode does not work behind a proxy.
    SetupRequired = "setup_required",
    /// The open mode answers under local names only.
    HostNotAllowed = "host_not_allowed",
    /// The open mode answers its own pages only.
    OriginNotAllowed = "origin_not_allowed",
    /// Nothing has this path.
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
    /// The path has no such method.
    MethodNotAllowed = "method_not_allowed",
    /// Nothing that the client accepts can be sent.
    NotAcceptable = "not_acceptable",
    /// The body is of a kind that the route does not take.
    UnsupportedMediaType = "unsupported_media_type",
    /// A request with the same key is still being worked on.
    IdempotencyInFlight = "idempotency_in_flight",
    /// The render has no result.
    RenderNotCompleted = "render_not_completed",
    /// The render has not ended.
    RenderNotTerminal = "render_not_terminal",
    /// The task has not failed.
    TaskNotFailed = "task_not_failed",
    /// The state forbids it.
    StateConflict = "state_conflict",
    /// Somebody else holds the task by now.
    LeaseLost = "lease_lost",
    /// This version of the library is there with other content.
    LibraryVersionExists = "library_version_exists",
    /// The library is in force.
    LibraryInUse = "library_in_use",
    /// The process was started with a value of the setting.
    SettingPinned = "setting_pinned",
    /// The record is there, its bytes are not.
    ArtifactExpired = "artifact_expired",
    /// The object has changed since it was read.
    PreconditionFailed = "precondition_failed",
    /// The body is larger than it may be.
    BodyTooLarge = "body_too_large",
    /// The file has no such bytes.
    RangeNotSatisfiable = "range_not_satisfiable",
    /// The body breaks a rule.
    ValidationFailed = "validation_failed",
    /// A later version has this option.
    OptionNotAvailable = "option_not_available",
    /// The picture has more pixels than it may have.
    ImageTooLarge = "image_too_large",
    /// Two members contradict each other.
    ConflictingMembers = "conflicting_members",
    /// The limits break their rule.
    InvalidConcurrency = "invalid_concurrency",
    /// There is no such setting.
    UnknownSetting = "unknown_setting",
    /// The value is none of this setting.
    InvalidSetting = "invalid_setting",
    /// The cursor is none of this list.
    InvalidCursor = "invalid_cursor",
    /// The key belongs to another request.
    IdempotencyKeyReused = "idempotency_key_reused",
    /// Too many requests.
    RateLimited = "rate_limited",
    /// As many event streams are open as may be.
    TooManyStreams = "too_many_streams",
    /// A defect.
    InternalError = "internal_error",
    /// Stored bytes are damaged.
    ContentCorrupt = "content_corrupt",
    /// Database, storage or device are away, or the service shuts down.
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
