//! Which status an answer with an error has: the one place where codes and statuses meet.

use axum::http::StatusCode;

use crate::app::{Code, ErrorKind};

/// The status of an answer with this error.
pub(crate) const fn of_error(kind: &ErrorKind) -> StatusCode {
    match kind {
        ErrorKind::Own(code) => of_code(*code),
        ErrorKind::State(_) => StatusCode::CONFLICT,
        ErrorKind::Input(_) => StatusCode::UNPROCESSABLE_ENTITY,
        ErrorKind::Work(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// The status of an answer with this code.
pub(crate) const fn of_code(code: Code) -> StatusCode {
    match code {
        Code::MalformedBody | Code::NotesRequired => StatusCode::BAD_REQUEST,
        Code::Unauthenticated | Code::TokenExpired | Code::InvalidCredentials | Code::InvalidRefreshToken => {
            StatusCode::UNAUTHORIZED
        }
        Code::Forbidden
        | Code::InsufficientScope
        | Code::TenantMismatch
        | Code::TenantInactive
        | Code::BypassNotAllowed
        | Code::FeatureDisabled
        | Code::PasswordChangeRequired
        | Code::SetupRequired
        | Code::HostNotAllowed
        | Code::OriginNotAllowed => StatusCode::FORBIDDEN,
        Code::NotFound
        | Code::RenderNotFound
        | Code::PreviewNotReady
        | Code::FormatNotAvailable
        | Code::TaskNotFound
        | Code::MaterialNotFound
        | Code::LibraryNotFound
        | Code::AliasNotFound
        | Code::MaterialReviewNotFound
        | Code::SuggestedFixNotFound
        | Code::RenderJobNotFound
        | Code::DesignAreaNotFound
        | Code::PresetNotFound
        | Code::CadFileNotFound
        | Code::ProductNotFound
        | Code::OrderNotFound
        | Code::OrderLineNotFound
        | Code::JobNotFound
        | Code::OutputTypeNotFound
        | Code::TemplateNotFound
        | Code::WorkflowNotFound
        | Code::WorkflowRunNotFound
        | Code::ContextNotFound
        | Code::UserNotFound
        | Code::NotificationNotFound
        | Code::AlertNotFound
        | Code::AnnouncementNotFound
        | Code::EventTypeNotFound
        | Code::TenantNotFound
        | Code::ApiKeyNotFound
        | Code::SessionNotFound
        | Code::AssetNotFound
        | Code::ThumbnailNotAvailable
        | Code::DownloadNotFound
        | Code::PackageNotFound
        | Code::FileNotFound
        | Code::ContentNotFound
        | Code::WebhookNotFound
        | Code::DeliveryNotFound
        | Code::QueueNotFound => StatusCode::NOT_FOUND,
        Code::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        Code::NotAcceptable => StatusCode::NOT_ACCEPTABLE,
        Code::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Code::IdempotencyInFlight
        | Code::RenderNotCompleted
        | Code::RenderNotTerminal
        | Code::TaskNotFailed
        | Code::RenderJobNotFailed
        | Code::RenderJobNotTerminal
        | Code::DesignMissing
        | Code::ProductNotRenderable
        | Code::AreaNameExists
        | Code::PresetExists
        | Code::StateConflict
        | Code::LeaseLost
        | Code::LibraryVersionExists
        | Code::LibraryInUse
        | Code::AliasConflict
        | Code::NothingUnmapped
        | Code::FixTerminal
        | Code::FixNotProposed
        | Code::MaterialUnavailable
        | Code::TooManyAliases
        | Code::CadFileProcessing
        | Code::CadFileInUse
        | Code::PimIdExists
        | Code::ProductInUse
        | Code::OrderNotEditable
        | Code::OrderNotSubmittable
        | Code::OrderNumberExists
        | Code::OrderNotRejectable
        | Code::OrderNotRejected
        | Code::OrderRejected
        | Code::LineProcessing
        | Code::ComparisonNotApplicable
        | Code::OutputTypeExists
        | Code::OutputTypeInUse
        | Code::TemplateExists
        | Code::TemplateInUse
        | Code::WorkflowInactive
        | Code::GraphExecutionFailed
        | Code::TaskNotRequeueable
        | Code::StorageQuotaExceeded
        | Code::AlreadyConfigured
        | Code::DatabaseRolesRequired
        | Code::EmailExists
        | Code::TenantSlugExists
        | Code::TenantNotDeactivated
        | Code::TenantNotDeleting
        | Code::TenantDeleting
        | Code::OperatingTenant
        | Code::LastGlobalAdmin
        | Code::LastTenantAdmin
        | Code::SettingPinned
        | Code::IllegalPackageState
        | Code::DuplicateRelativePath
        | Code::PackageInUse
        | Code::PackageHeld
        | Code::WebhookLimit
        | Code::DeliveryInProgress
        | Code::AssetSuperseded
        | Code::AssetOnHold
        | Code::MediaAlreadyAssociated
        | Code::PackageNotFinalized => StatusCode::CONFLICT,
        Code::ArtifactExpired | Code::AssetExpired => StatusCode::GONE,
        Code::PreconditionFailed => StatusCode::PRECONDITION_FAILED,
        Code::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Code::RangeNotSatisfiable => StatusCode::RANGE_NOT_SATISFIABLE,
        Code::ValidationFailed
        | Code::OptionNotAvailable
        | Code::ImageTooLarge
        | Code::UnsupportedMediaFormat
        | Code::DownloadTooLarge
        | Code::DownloadEmpty
        | Code::ConflictingMembers
        | Code::InvalidConcurrency
        | Code::UnknownScope
        | Code::UnknownMaterial
        | Code::ConfirmationRequired
        | Code::WeakPassword
        | Code::UnknownSetting
        | Code::InvalidSetting
        | Code::InvalidCursor
        | Code::CadConversionUnavailable
        | Code::UnsupportedCadFormat
        | Code::UnreadableSheet
        | Code::MissingColumn
        | Code::AssetNotOfProduct
        | Code::ThumbnailNotAnImage
        | Code::AssetNotCurrent
        | Code::MediaSetDiffers
        | Code::OrderEmpty
        | Code::LineNotRenderable
        | Code::OrderTooLarge
        | Code::EngineNotAllowed
        | Code::InvalidWorkflowConfig
        | Code::ContextKindMismatch
        | Code::UnsupportedNodes
        | Code::InvalidRolloutGate
        | Code::ExecutorNotConfigured
        | Code::ExecutorStillsOnly
        | Code::InvalidRelativePath
        | Code::DigestMismatch
        | Code::TooManyFiles
        | Code::UnsupportedDigest
        | Code::UnknownRetentionClass
        | Code::InvalidMetadata
        | Code::AlertNotConfigurable
        | Code::ChannelNotConfigurable
        | Code::WebhookUrlRefused
        | Code::UnknownEventType
        | Code::InvalidWebhookSecret
        | Code::IdempotencyKeyReused => StatusCode::UNPROCESSABLE_ENTITY,
        Code::RateLimited | Code::QueueFull | Code::TooManyStreams => StatusCode::TOO_MANY_REQUESTS,
        Code::InternalError | Code::ContentCorrupt | Code::EventCorrupt | Code::EventGap => {
            StatusCode::INTERNAL_SERVER_ERROR
        }
        Code::Unavailable | Code::DeviceOutOfMemory => StatusCode::SERVICE_UNAVAILABLE,
        Code::StorageFull => StatusCode::INSUFFICIENT_STORAGE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_stand_for_errors() {
        for code in Code::ALL {
            assert!(of_code(*code).as_u16() >= 400, "{code:?}");
        }
    }
}
