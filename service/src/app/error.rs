//! Why a use case failed: a code, a sentence, and what exactly is wrong with the request. No statuses.

use std::error::Error as StdError;
use std::sync::Arc;
use std::time::Duration;

use super::Code;
use crate::credentials::passwords::PasswordError;
use crate::objects::ObjectError;
use crate::store::StoreError;
use packshot_contract::problem::{Finding, Invalid};
use packshot_contract::workflow::InvalidConfig;
use packshot_db::artifacts::{ArtifactError, Reference};
use packshot_db::media::UnfitThumbnail;
use packshot_db::media::changing::MediaRefusal;
use packshot_db::{DbError, Exceeded, LastAdmin};
use packshot_domain::access::Scope;
use packshot_domain::artifact::DeleteRefusal;
use packshot_domain::design_job::DesignRefusal;
use packshot_domain::fix::FixRefusal;
use packshot_domain::id::{DesignJobId, RunId};
use packshot_domain::order::{IllegalOrderState, OrderChange, OrderRefusal};
use packshot_domain::principal::Denied;
use packshot_domain::tenant::TenantRefusal;
use packshot_domain::workflow::NodeId;

/// How long a client should wait when the service is busy or cannot be reached.
const SOON: Duration = Duration::from_secs(1);

/// Why a use case failed.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{}: {detail}", self.code())]
pub struct AppError {
    kind: ErrorKind,
    // Results with this error stay small: no text here has room to grow.
    detail: Box<str>,
    more: Option<Box<More>>,
    findings: Vec<Finding>,
    retry_after: Option<Duration>,
    needed_scope: Option<Scope>,
    cause: Option<Arc<dyn StdError + Send + Sync>>,
}

/// What few errors have.
#[derive(Clone, Debug, Default)]
struct More {
    /// A way out of its own.
    help: Option<String>,
    /// The run that failed with its dispatch.
    run: Option<FailedRun>,
    /// The design job whose design could not be stored.
    design_job: Option<DesignJobId>,
}

/// Whose code an error has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The service's own.
    Own(Code),
    /// The service's own, where a state forbids what is asked for: a code that elsewhere says that something is gone.
    State(Code),
    /// The code of a fault in a file or a request: the renderer's (`glb.…`, `map.…`), or a finding's.
    Input(Box<str>),
    /// The code of a job that failed for a reason outside its input.
    Work(Box<str>),
}

impl AppError {
    /// An error with its code, and a sentence for people.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        let is_passing =
            matches!(code, Code::Unavailable | Code::IdempotencyInFlight | Code::DeviceOutOfMemory | Code::QueueFull);
        let retry_after = is_passing.then_some(SOON);
        Self { retry_after, ..Self::of_kind(ErrorKind::Own(code), detail.into()) }
    }

    /// An error in a file or request, with the renderer's code.
    pub fn of_input(code: impl Into<String>, detail: impl Into<String>, findings: Vec<Finding>) -> Self {
        let code: String = code.into();
        let kind = Code::from_name(&code).map_or_else(|| ErrorKind::Input(code.into_boxed_str()), ErrorKind::Own);
        Self { findings, ..Self::of_kind(kind, detail.into()) }
    }

    /// An error of a state that forbids what is asked for, with a code that has another meaning elsewhere.
    pub fn of_state(code: Code, detail: impl Into<String>) -> Self {
        Self::of_kind(ErrorKind::State(code), detail.into())
    }

    /// The failure of a job for a reason outside its input, with the job's code.
    pub fn of_work(code: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::of_kind(ErrorKind::Work(code.into().into_boxed_str()), detail.into())
    }

    /// A defect, or a failure that the caller can do nothing about.
    pub fn internal(cause: impl StdError + Send + Sync + 'static) -> Self {
        Self::new(Code::InternalError, "internal error; the service's log has the details").caused_by(cause)
    }

    fn of_kind(kind: ErrorKind, detail: String) -> Self {
        Self {
            kind,
            detail: detail.into_boxed_str(),
            more: None,
            findings: Vec::new(),
            retry_after: None,
            needed_scope: None,
            cause: None,
        }
    }

    /// The same about a run that failed with its dispatch.
    #[must_use]
    pub fn of_run(self, run: FailedRun) -> Self {
        self.with_more(|more| more.run = Some(run))
    }

    /// The same about a design job whose design could not be stored.
    #[must_use]
    pub fn of_design_job(self, job: DesignJobId) -> Self {
        self.with_more(|more| more.design_job = Some(job))
    }

    /// The design job whose design could not be stored.
    pub fn failed_design_job(&self) -> Option<DesignJobId> {
        self.more.as_ref()?.design_job
    }

    /// The run that failed with its dispatch.
    pub fn failed_run(&self) -> Option<&FailedRun> {
        self.more.as_ref()?.run.as_ref()
    }

    fn with_more(mut self, add: impl FnOnce(&mut More)) -> Self {
        add(self.more.get_or_insert_default());
        self
    }

    /// The same with a finding about a member of the request.
    #[must_use]
    pub fn at(mut self, pointer: impl Into<String>) -> Self {
        self.findings.push(Finding::new(pointer, self.code(), self.detail.clone()));
        self
    }

    /// The same with a way out of its own; an empty one changes nothing.
    #[must_use]
    pub fn with_help(self, help: impl Into<String>) -> Self {
        let help: String = help.into();
        if help.is_empty() { self } else { self.with_more(|more| more.help = Some(help)) }
    }

    /// The same with the time after which another try makes sense: in whole seconds, rounded up, one at least.
    #[must_use]
    pub fn retry_after(self, wait: Duration) -> Self {
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        Self { retry_after: Some(Duration::from_secs(seconds.max(1))), ..self }
    }

    /// The same with what happened inside, for the log.
    #[must_use]
    pub fn caused_by(self, cause: impl StdError + Send + Sync + 'static) -> Self {
        Self { cause: Some(Arc::new(cause)), ..self }
    }

    /// Whose code it has.
    pub fn kind(&self) -> &ErrorKind {
        &self.kind
    }

    /// The stable code.
    pub fn code(&self) -> &str {
        match &self.kind {
            ErrorKind::Own(code) | ErrorKind::State(code) => code.as_str(),
            ErrorKind::Input(code) | ErrorKind::Work(code) => code,
        }
    }

    /// The sentence for people.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// What a client can do about it, where the sentence does not say it: its own way out, or that of its code.
    pub fn help(&self) -> Option<&str> {
        self.more.as_ref().and_then(|more| more.help.as_deref()).or(match self.kind {
            ErrorKind::Own(code) | ErrorKind::State(code) => Some(code.help()),
            ErrorKind::Input(_) | ErrorKind::Work(_) => None,
        })
    }

    /// Everything that is wrong with the request; empty when there is nothing to point at.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// The time after which another try makes sense, if any.
    pub fn wait(&self) -> Option<Duration> {
        self.retry_after
    }

    /// The scope that the caller's key lacks.
    pub fn needed_scope(&self) -> Option<Scope> {
        self.needed_scope
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
}

/// A run that failed with its dispatch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedRun {
    /// The run.
    pub run: RunId,
    /// The node that failed; `None` where the graph as a whole did.
    pub node: Option<NodeId>,
}

impl From<InvalidConfig> for AppError {
    fn from(invalid: InvalidConfig) -> Self {
        let detail = invalid.to_string();
        Self { findings: invalid.findings, ..Self::new(Code::InvalidWorkflowConfig, detail) }
    }
}

impl From<Invalid> for AppError {
    fn from(invalid: Invalid) -> Self {
        Self::of_input(invalid.code().to_owned(), invalid.detail(), invalid.findings)
    }
}

impl From<PasswordError> for AppError {
    fn from(error: PasswordError) -> Self {
        match error {
            PasswordError::Stopping => Self::new(Code::Unavailable, "the service is stopping"),
            PasswordError::Hash(_) => Self::internal(error),
        }
    }
}

impl From<Denied> for AppError {
    fn from(denied: Denied) -> Self {
        let detail = denied.to_string();
        match denied {
            Denied::Forbidden { .. } => Self::new(Code::Forbidden, detail),
            Denied::InsufficientScope { needed } => {
                Self { needed_scope: Some(needed), ..Self::new(Code::InsufficientScope, detail) }
            }
            Denied::PasswordChangeRequired => Self::new(Code::PasswordChangeRequired, detail),
        }
    }
}

impl From<DesignRefusal> for AppError {
    fn from(refusal: DesignRefusal) -> Self {
        let detail = refusal.to_string();
        match refusal {
            DesignRefusal::NotFailed(_) => Self::new(Code::RenderJobNotFailed, detail),
            DesignRefusal::NotTerminal(_) => Self::new(Code::RenderJobNotTerminal, detail),
            DesignRefusal::DesignMissing => Self::new(Code::DesignMissing, detail),
        }
    }
}

impl From<FixRefusal> for AppError {
    fn from(refusal: FixRefusal) -> Self {
        let detail = refusal.to_string();
        match refusal {
            FixRefusal::Terminal(_) => Self::new(Code::FixTerminal, detail),
            FixRefusal::NotProposed(_) | FixRefusal::Applied => Self::new(Code::FixNotProposed, detail),
            FixRefusal::NotesRequired(_) => Self::new(Code::NotesRequired, detail).at("/notes"),
            FixRefusal::AliasConflict { .. } => Self::new(Code::AliasConflict, detail),
            FixRefusal::TooManyAliases => Self::new(Code::TooManyAliases, detail),
            FixRefusal::Raced => Self::internal(refusal),
        }
    }
}

impl From<DbError> for AppError {
    fn from(error: DbError) -> Self {
        match error {
            DbError::NotFound("render") => Self::new(Code::RenderNotFound, "there is no such render"),
            DbError::NotFound("task") => Self::new(Code::TaskNotFound, "there is no such task"),
            DbError::NotFound("library") => Self::new(Code::LibraryNotFound, "there is no such library"),
            DbError::NotFound("alias") => Self::new(Code::AliasNotFound, "there is no such alias"),
            DbError::NotFound("material review") => {
                Self::new(Code::MaterialReviewNotFound, "there is no such material review")
            }
            DbError::NotFound("suggested fix") => Self::new(Code::SuggestedFixNotFound, "the review has no such fix"),
            DbError::Fix(refusal) => refusal.into(),
            DbError::NotFound("design job") => Self::new(Code::RenderJobNotFound, "there is no such design job"),
            DbError::NotFound("design area") => Self::new(Code::DesignAreaNotFound, "the product has no such area"),
            DbError::Design(refusal) => refusal.into(),
            DbError::DesignState(refusal) => Self::new(Code::StateConflict, refusal.to_string()),
            DbError::Exists("design area") => {
                Self::new(Code::AreaNameExists, "another printable area of the product has this name").at("/name")
            }
            DbError::NotFound("design preset") => Self::new(Code::PresetNotFound, "the tenant has no such preset"),
            DbError::NotFound("notification") => Self::new(Code::NotificationNotFound, "there is no such notification"),
            DbError::NotFound("alert") => Self::new(Code::AlertNotFound, "there is no such alert"),
            DbError::NotFound("announcement") => Self::new(Code::AnnouncementNotFound, "there is no such announcement"),
            DbError::NotFound("webhook") => Self::new(Code::WebhookNotFound, "there is no such webhook"),
            DbError::NotFound("delivery") => Self::new(Code::DeliveryNotFound, "there is no such delivery"),
            DbError::Delivery(ref reason) => Self::new(Code::DeliveryInProgress, reason.to_string()),
            DbError::Exceeded(Exceeded::Webhooks) => Self::new(Code::WebhookLimit, error.to_string()),
            DbError::NotFound("user") => Self::new(Code::UserNotFound, "there is no such user"),
            DbError::NotFound("tenant") => Self::new(Code::TenantNotFound, "there is no such tenant"),
            DbError::NotFound("key") => Self::new(Code::ApiKeyNotFound, "there is no such API key"),
            DbError::NotFound("session") => Self::new(Code::SessionNotFound, "there is no such session"),
            DbError::NotFound("CAD file") => Self::new(Code::CadFileNotFound, "there is no such CAD file"),
            DbError::NotFound("product") => Self::new(Code::ProductNotFound, "there is no such product"),
            DbError::NotFound("order") => Self::new(Code::OrderNotFound, "there is no such order"),
            DbError::NotFound("order line") => Self::new(Code::OrderLineNotFound, "there is no such order line"),
            DbError::NotFound("output type") => Self::new(Code::OutputTypeNotFound, "there is no such output type"),
            DbError::NotFound("render template") => {
                Self::new(Code::TemplateNotFound, "there is no such render template")
            }
            DbError::NotFound("workflow") => Self::new(Code::WorkflowNotFound, "there is no such workflow definition"),
            DbError::NotFound("workflow run") => Self::new(Code::WorkflowRunNotFound, "there is no such workflow run"),
            DbError::OfRun => Self::new(Code::TaskNotRequeueable, error.to_string()),
            DbError::NotFound("media asset") => Self::new(Code::AssetNotFound, "there is no such media asset"),
            DbError::NotFound("package") => Self::new(Code::PackageNotFound, "there is no such package"),
            DbError::NotFound("file") => Self::new(Code::FileNotFound, "there is no such file"),
            DbError::NotFound(_) => Self::new(Code::NotFound, "there is no such object"),
            DbError::LeaseLost(_) => Self::new(Code::LeaseLost, error.to_string()),
            DbError::State(ref reason) => Self::new(Code::StateConflict, reason.to_string()),
            DbError::Stale { .. } => Self::new(Code::PreconditionFailed, error.to_string()),
            DbError::Exists("e-mail address") => {
                Self::new(Code::EmailExists, "another user has this e-mail address").at("/email")
            }
            DbError::Exists("product") => {
                Self::new(Code::PimIdExists, "another product has this `pim_id`").at("/pim_id")
            }
            DbError::Exists("output type") => {
                Self::new(Code::OutputTypeExists, "another output type has this name").at("/name")
            }
            DbError::Exists("render template") => {
                Self::new(Code::TemplateExists, "another render template has this name").at("/name")
            }
            DbError::LastAdmin(LastAdmin::Global) => Self::new(Code::LastGlobalAdmin, error.to_string()),
            DbError::LastAdmin(LastAdmin::Tenant) => Self::new(Code::LastTenantAdmin, error.to_string()),
            DbError::Tenant(refusal) => refusal.into(),
            DbError::Artifact(error) => error.into(),
            DbError::CadFileBusy => Self::new(Code::CadFileProcessing, error.to_string()),
            DbError::CadFile(reason) => Self::new(Code::CadFileProcessing, reason.to_string()),
            DbError::Exists(_) => Self::new(Code::LibraryVersionExists, error.to_string()),
            DbError::Exceeded(Exceeded::QueuedJobs { .. }) => Self::new(Code::QueueFull, error.to_string()),
            DbError::Exceeded(Exceeded::StoredBytes { .. }) => Self::new(Code::StorageQuotaExceeded, error.to_string()),
            DbError::InUse("render") => Self::new(Code::RenderNotTerminal, "the render has not ended yet"),
            DbError::InUse("built-in user") => Self::new(Code::Forbidden, "the built-in user can only be renamed"),
            DbError::Order(refusal) => refusal.into(),
            DbError::Thumbnail(unfit) => match unfit {
                UnfitThumbnail::OfAnotherProduct => Self::new(Code::AssetNotOfProduct, unfit.to_string()),
                UnfitThumbnail::NoPicture => Self::new(Code::ThumbnailNotAnImage, unfit.to_string()),
                UnfitThumbnail::NotCurrent => Self::new(Code::AssetNotCurrent, unfit.to_string()),
            }
            .at("/thumbnail_asset_id"),
            DbError::Media(refusal) => refusal.into(),
            DbError::InUse("product") => Self::new(Code::ProductInUse, "a line of an order is of this product"),
            DbError::InUse("CAD file") => Self::new(Code::CadFileInUse, "a product has this CAD file"),
            DbError::InUse("output type") => Self::new(
                Code::OutputTypeInUse,
                "a render template is for this output type, or a line of an order is of it",
            ),
            DbError::InUse("render template") => {
                Self::new(Code::TemplateInUse, "a workflow definition names this render template")
            }
            DbError::InUse(_) => Self::new(Code::LibraryInUse, error.to_string()),
            DbError::OneRole => Self::new(Code::DatabaseRolesRequired, error.to_string()),
            DbError::Closed => Self::new(Code::Unavailable, "the service is stopping"),
            DbError::Unavailable(_) | DbError::Unanswered(_) => {
                Self::new(Code::Unavailable, "the database cannot be reached; try again later").caused_by(error)
            }
            DbError::Full(_) => Self::new(Code::StorageFull, "the database has no space left").caused_by(error),
            DbError::Corrupt { .. }
            | DbError::Schema(_)
            | DbError::Roles(_)
            | DbError::Unsupported(_)
            | DbError::Internal(_) => Self::internal(error),
        }
    }
}

impl From<MediaRefusal> for AppError {
    fn from(refusal: MediaRefusal) -> Self {
        let detail = refusal.to_string();
        match refusal {
            MediaRefusal::Superseded => Self::new(Code::AssetSuperseded, detail),
            MediaRefusal::Expired => Self::of_state(Code::AssetExpired, detail),
            MediaRefusal::OnHold => Self::new(Code::AssetOnHold, detail),
            MediaRefusal::AlreadyAssociated => Self::new(Code::MediaAlreadyAssociated, detail).at("/asset_id"),
            MediaRefusal::NotCurrent => Self::new(Code::AssetNotCurrent, detail).at("/asset_id"),
            MediaRefusal::SetDiffers => Self::new(Code::MediaSetDiffers, detail).at("/asset_ids"),
        }
    }
}

impl From<OrderRefusal> for AppError {
    fn from(refusal: OrderRefusal) -> Self {
        let detail = refusal.to_string();
        match refusal {
            OrderRefusal::State(IllegalOrderState { change, .. }) => match change {
                OrderChange::Edit | OrderChange::Delete => Self::new(Code::OrderNotEditable, detail),
                OrderChange::Submit => Self::new(Code::OrderNotSubmittable, detail),
                OrderChange::Reject => Self::new(Code::OrderNotRejectable, detail),
                OrderChange::Resubmit => Self::new(Code::OrderNotRejected, detail),
                OrderChange::Dispatch => Self::new(Code::OrderRejected, detail),
                OrderChange::Finish | OrderChange::Return | OrderChange::CancelRenders => {
                    Self::new(Code::StateConflict, detail)
                }
            },
            OrderRefusal::Line(_) => Self::new(Code::LineProcessing, detail),
            OrderRefusal::Empty => Self::new(Code::OrderEmpty, detail),
            OrderRefusal::TooLarge { .. } => Self::new(Code::OrderTooLarge, detail).at("/lines"),
            OrderRefusal::NumberTaken(_) => Self::new(Code::OrderNumberExists, detail).at("/order_number"),
            OrderRefusal::NoProduct { .. } => Self::new(Code::ProductNotFound, detail),
            OrderRefusal::NoOutputType { .. } => Self::new(Code::OutputTypeNotFound, detail),
        }
    }
}

impl From<ArtifactError> for AppError {
    fn from(error: ArtifactError) -> Self {
        let detail = error.to_string();
        match error {
            ArtifactError::State(_) => Self::new(Code::IllegalPackageState, detail),
            ArtifactError::Duplicate { .. } => Self::new(Code::DuplicateRelativePath, detail),
            ArtifactError::Full(_) => Self::new(Code::TooManyFiles, detail),
            ArtifactError::NotFinalized => Self::new(Code::PackageNotFinalized, detail),
            ArtifactError::InUse(references) => {
                let code = Code::PackageInUse.as_str();
                let finding = |reference: &Reference| Finding::new("", code, reference.to_string());
                let findings = references.iter().map(finding).collect();
                Self { findings, ..Self::new(Code::PackageInUse, detail) }
            }
            ArtifactError::Held => Self::new(Code::PackageHeld, detail),
            ArtifactError::Delete(DeleteRefusal::ReasonMissing) => {
                Self::new(Code::ValidationFailed, detail).at("?reason")
            }
            ArtifactError::Delete(DeleteRefusal::Forbidden { .. }) | ArtifactError::Class(_) => {
                Self::new(Code::Forbidden, detail)
            }
            ArtifactError::EventCorrupt { .. } => Self::new(Code::EventCorrupt, detail),
            ArtifactError::EventGap { .. } => Self::new(Code::EventGap, detail),
            ArtifactError::Manifest(_) => Self::internal(error),
        }
    }
}

impl From<TenantRefusal> for AppError {
    fn from(refusal: TenantRefusal) -> Self {
        let error = |code| Self::new(code, refusal.to_string());
        match refusal {
            TenantRefusal::Operating => error(Code::OperatingTenant),
            TenantRefusal::NotDeactivated => error(Code::TenantNotDeactivated),
            TenantRefusal::NotDeleting => error(Code::TenantNotDeleting),
            TenantRefusal::Deleting => error(Code::TenantDeleting),
            TenantRefusal::Purging => {
                error(Code::TenantDeleting).with_help("create a new tenant: some or all of this one's data is gone")
            }
            TenantRefusal::Unconfirmed => error(Code::ConfirmationRequired).at("?confirm"),
            TenantRefusal::Gone => error(Code::TenantNotFound),
        }
    }
}

impl From<ObjectError> for AppError {
    fn from(error: ObjectError) -> Self {
        match error {
            ObjectError::Gone => StoreError::NotFound.into(),
            ObjectError::Damaged { address, .. } => Self::from(StoreError::Corrupt { address }).caused_by(error),
            ObjectError::Store(error) => error.into(),
            ObjectError::Database(error) => error.into(),
        }
    }
}

impl From<StoreError> for AppError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Full => Self::new(Code::StorageFull, "there is no space left for the file"),
            StoreError::TooLarge { .. } => Self::new(Code::BodyTooLarge, error.to_string()),
            StoreError::NotFound => Self::new(Code::ArtifactExpired, "the file is no longer stored"),
            StoreError::Corrupt { .. } => {
                Self::new(Code::ContentCorrupt, "the stored file is damaged").caused_by(error)
            }
            StoreError::Io(_) | StoreError::Backend(_) | StoreError::Away => {
                Self::new(Code::Unavailable, "the file store cannot be reached; try again later").caused_by(error)
            }
        }
    }
}
