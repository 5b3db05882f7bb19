//! What people are told, in three channels (notifications.md): the activity of a tenant, one entry for each action;
//! notifications, for a person; alerts, about trouble with the installation.

pub mod announcement;
pub mod preference;

use core::fmt;

use uuid::Uuid;

use crate::artifact::{LocationState, RelativePath, StorageLocationId};
use crate::id::{AssetId, CadFileId, DesignJobId, FixId, ImportId, OrderId, OrderLineId, TaskId, WebhookId};
use crate::order::{OrderChange, OrderNumber, RejectionReason};
use crate::words::words;

/// Most characters of a message.
const MESSAGE_CHARS_MAX: usize = 2_500;

words! {
    /// How bad something is.
    pub enum Severity {
        /// As expected
        Info = "info",
        /// Somebody may have to look at it
        Warning = "warning",
        /// Something does not work
        Error = "error",
    }
}

words! {
    /// What an entry of the activity reports.
    pub enum ActivityType {
        /// The work of an order line was begun
        RenderStarted = "render.started",
        /// An order line has its files
        RenderCompleted = "render.completed",
        /// The work of an order line has failed
        RenderFailed = "render.failed",
        /// The work of an order line was cancelled
        RenderCancelled = "render.cancelled",
        /// A workflow had something to deliver, and nobody takes it
        DeliverSkipped = "deliver.skipped",
        /// An order was made
        OrderCreated = "order.created",
        /// An order was handed over
        OrderSubmitted = "order.submitted",
        /// An order is worked on
        OrderProcessing = "order.processing",
        /// All lines of an order have ended
        OrderCompleted = "order.completed",
        /// An order was refused
        OrderRejected = "order.rejected",
        /// A refused order was opened again
        OrderResubmitted = "order.resubmitted",
        /// What rendered for an order was cancelled
        OrderRendersCancelled = "order.renders_cancelled",
        /// An order was deleted
        OrderDeleted = "order.deleted",
        /// A CAD file was uploaded
        CadFileUploaded = "cad_file.uploaded",
        /// A sheet of products was imported
        ExcelImported = "excel.imported",
        /// A design was uploaded
        DesignUploaded = "design.uploaded",
        /// A media asset was uploaded
        MediaUploaded = "media.uploaded",
        /// A design job was made
        RenderJobCreated = "render.job.created",
        /// A design job puts its design on its product
        RenderJobCompositing = "render.job.compositing",
        /// A design job renders its pictures
        RenderJobRendering = "render.job.rendering",
        /// A design job has its pictures
        RenderJobCompleted = "render.job.completed",
        /// A design job has failed
        RenderJobFailed = "render.job.failed",
        /// A design job was cancelled
        RenderJobCancelled = "render.job.cancelled",
        /// A media asset was published
        AssetPublished = "asset.published",
        /// A media asset is no longer published
        AssetUnpublished = "asset.unpublished",
        /// A media asset was deleted
        AssetDeleted = "asset.deleted",
        /// A suggested fix was applied
        FixApplied = "fix.applied",
        /// It was said whether a suggested fix worked
        FixOutcome = "fix.outcome",
    }
}

words! {
    /// What a notification tells.
    pub enum NotificationType {
        /// All lines of an order have ended
        RenderingComplete = "order.rendering_complete",
        /// An order was handed over
        OrderSubmitted = "order.submitted",
        /// An order was refused
        OrderRejected = "order.rejected",
        /// A refused order was opened again
        OrderResubmitted = "order.resubmitted",
        /// A sheet of products was imported
        ExcelImported = "excel.imported",
        /// A check stopped work that had stalled
        WorkerRecovery = "worker.recovery",
        /// A design job has its pictures
        DesignCompleted = "design.completed",
        /// A design job has failed
        DesignFailed = "design.failed",
        /// An administrator has something to say
        Announcement = "announcement",
        /// What was collected in an hour
        DigestHourly = "digest.hourly",
        /// What was collected in a day
        DigestDaily = "digest.daily",
    }
}

words! {
    /// What an alert is about.
    pub enum AlertType {
        /// A check stopped work that had stalled
        WorkerRecovery = "worker.recovery",
        /// A check found CAD files whose conversion had stopped
        CadFileStuck = "cad_file.stuck",
        /// Stored bytes are missing, or are not those that were stored
        ArtifactDamaged = "artifact.damaged",
        /// A task used up its attempts
        TaskDead = "task.dead",
        /// The material library of a tenant cannot be loaded
        LibraryInvalid = "library.invalid",
        /// Deliveries to a webhook have stopped
        WebhookDisabled = "webhook.disabled",
        /// The GPU cannot render
        GpuProbeFailed = "gpu.probe_failed",
        /// The program of an external executor is missing
        ExecutorNotFound = "executor.not_found",
        /// The database no longer announces what changes
        BusConnectionLost = "bus.connection_lost",
        /// The store has no room
        StorageFull = "storage.full",
        /// The database takes no writes
        DatabaseUnavailable = "database.unavailable",
    }
}

words! {
    /// State of an alert.
    pub enum AlertState {
        /// What it is about lasts
        Open = "open",
        /// It is over
        Resolved = "resolved",
    }
}

words! {
    /// What an entry is about.
    pub enum SubjectKind {
        /// An order
        Order = "order",
        /// A line of an order
        OrderLine = "order_line",
        /// A CAD file
        CadFile = "cad_file",
        /// An import of products
        Import = "import",
        /// A task
        Task = "task",
        /// Where the bytes of a file of a package are stored
        StorageLocation = "storage_location",
        /// A render
        Render = "render",
        /// A design job
        DesignJob = "design_job",
        /// A media asset
        MediaAsset = "media_asset",
        /// A suggested fix
        SuggestedFix = "suggested_fix",
        /// A webhook
        Webhook = "webhook",
        /// A device that renders
        Device = "device",
    }
}

/// What an entry is about, and which one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Subject {
    /// What it is.
    pub kind: SubjectKind,
    /// Its id.
    pub id: Uuid,
}

impl From<DesignJobId> for Subject {
    fn from(id: DesignJobId) -> Self {
        Self { kind: SubjectKind::DesignJob, id: id.uuid() }
    }
}

impl From<OrderId> for Subject {
    fn from(id: OrderId) -> Self {
        Self { kind: SubjectKind::Order, id: id.uuid() }
    }
}

impl From<FixId> for Subject {
    fn from(id: FixId) -> Self {
        Self { kind: SubjectKind::SuggestedFix, id: id.uuid() }
    }
}

impl From<OrderLineId> for Subject {
    fn from(id: OrderLineId) -> Self {
        Self { kind: SubjectKind::OrderLine, id: id.uuid() }
    }
}

impl From<CadFileId> for Subject {
    fn from(id: CadFileId) -> Self {
        Self { kind: SubjectKind::CadFile, id: id.uuid() }
    }
}

impl From<AssetId> for Subject {
    fn from(id: AssetId) -> Self {
        Self { kind: SubjectKind::MediaAsset, id: id.uuid() }
    }
}

impl From<ImportId> for Subject {
    fn from(id: ImportId) -> Self {
        Self { kind: SubjectKind::Import, id: id.uuid() }
    }
}

impl From<TaskId> for Subject {
    fn from(id: TaskId) -> Self {
        Self { kind: SubjectKind::Task, id: id.uuid() }
    }
}

impl From<WebhookId> for Subject {
    fn from(id: WebhookId) -> Self {
        Self { kind: SubjectKind::Webhook, id: id.uuid() }
    }
}

impl From<StorageLocationId> for Subject {
    fn from(id: StorageLocationId) -> Self {
        Self { kind: SubjectKind::StorageLocation, id: id.uuid() }
    }
}

/// What people read: plain text without control characters other than line feeds, at most 2,500 characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message(String);

impl Message {
    /// The text without what a message may not have. What is too long is cut.
    #[must_use]
    pub fn new(text: &str) -> Self {
        // A terminal takes what follows an escape for a command; without it that is text.
        let shown = text.replace("\r\n", "\n").replace('\r', "\n");
        let shown = shown.chars().filter(|c| *c == '\n' || !c.is_control());
        Self(shown.take(MESSAGE_CHARS_MAX).collect())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl ActivityType {
    /// What the activity says of a change of an order's state; `None` for one that it has no entry of.
    #[must_use]
    pub const fn of_order(change: OrderChange) -> Option<Self> {
        Some(match change {
            OrderChange::Submit => Self::OrderSubmitted,
            OrderChange::Dispatch => Self::OrderProcessing,
            OrderChange::Finish => Self::OrderCompleted,
            OrderChange::Reject => Self::OrderRejected,
            OrderChange::Resubmit => Self::OrderResubmitted,
            OrderChange::Edit | OrderChange::Return | OrderChange::Delete | OrderChange::CancelRenders => return None,
        })
    }

    /// What people read of an order.
    #[must_use]
    pub fn order_message(self, number: &OrderNumber) -> Message {
        let what = match self {
            Self::OrderCreated => "was created",
            Self::OrderSubmitted => "was submitted",
            Self::OrderProcessing => "is being rendered",
            Self::OrderCompleted => "is complete",
            Self::OrderRejected => "was rejected",
            Self::OrderResubmitted => "was resubmitted",
            Self::OrderRendersCancelled => "had its renders cancelled",
            Self::OrderDeleted => "was deleted",
            _ => "changed",
        };
        Message::new(&format!("Order #{number} {what}"))
    }
}

/// What the creator of an order reads when it was refused.
#[must_use]
pub fn rejected(number: &OrderNumber, reason: &RejectionReason) -> Message {
    Message::new(&format!("Your order #{number} was rejected. Reason: {reason}"))
}

/// What project managers read when an order was handed over.
#[must_use]
pub fn submitted(number: &OrderNumber, n_lines: usize) -> Message {
    Message::new(&format!("Order #{number} submitted: {n_lines} {}", if n_lines == 1 { "line" } else { "lines" }))
}

/// What admins read when stored bytes are damaged; `None` when they are whole.
#[must_use]
pub fn damaged(path: &RelativePath, state: LocationState) -> Option<Message> {
    let what = match state {
        LocationState::Intact => return None,
        LocationState::Missing => "is missing in the store",
        LocationState::Corrupt => "has other bytes in the store than were stored",
    };
    Some(Message::new(&format!("File {path} {what}: upload or render it again, or restore the store")))
}

/// What project managers and admins read when a check has stopped work that had stalled.
#[must_use]
pub fn recovered(n_requeued: usize, n_failed: usize, minutes: u64) -> Message {
    let failed = if n_failed > 0 { format!(", {n_failed} failed") } else { String::new() };
    Message::new(&format!("Worker recovery: {n_requeued} stalled renders requeued after {minutes}min timeout{failed}"))
}

/// What people read of things that came together.
#[must_use]
pub fn together(n: usize) -> Message {
    Message::new(&format!("{n} updates"))
}

/// How many rows of a sheet became what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ImportCounts {
    /// New products.
    pub imported: u32,
    /// Products that were there.
    pub updated: u32,
    /// Rows that were left out.
    pub skipped: u32,
}

impl ImportCounts {
    /// What whoever sent the sheet reads.
    #[must_use]
    pub fn message(self) -> Message {
        let Self { imported, updated, skipped } = self;
        Message::new(&if imported == 0 && updated == 0 {
            format!("Excel import failed: {skipped} products skipped (see import log)")
        } else {
            format!("Excel import finished: {imported} imported, {updated} updated, {skipped} skipped (see import log)")
        })
    }

    /// How bad it is.
    #[must_use]
    pub const fn severity(self) -> Severity {
        if self.skipped > 0 || self.imported + self.updated == 0 { Severity::Warning } else { Severity::Info }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn n53_messages_are_harmless() {
        let number: OrderNumber = "ORD-2026-042".parse().expect("a number");
        let reason = "<script>\u{1b}[31mGehäuse\r\nfalsch\u{7}".parse().expect("a reason");
        let said = rejected(&number, &reason);
        assert_eq!(said.as_str(), "Your order #ORD-2026-042 was rejected. Reason: <script>[31mGehäuse\nfalsch",);
        let long = Message::new(&"ä".repeat(MESSAGE_CHARS_MAX + 7));
        assert_eq!(long.as_str().chars().count(), MESSAGE_CHARS_MAX);
    }

    #[test]
    fn n09_n10_imports_say_their_counts() {
        let nothing = ImportCounts { skipped: 12, ..ImportCounts::default() };
        assert_eq!(nothing.message().as_str(), "Excel import failed: 12 products skipped (see import log)");
        let mixed = ImportCounts { imported: 8, updated: 0, skipped: 12 };
        assert_eq!(
            mixed.message().as_str(),
            "Excel import finished: 8 imported, 0 updated, 12 skipped (see import log)",
        );
    }

    #[test]
    fn n14_a_recovery_says_what_became_of_what_stalled() {
        assert_eq!(recovered(3, 0, 120).as_str(), "Worker recovery: 3 stalled renders requeued after 120min timeout",);
        assert!(recovered(2, 1, 90).as_str().ends_with("after 90min timeout, 1 failed"));
    }

    #[test]
    fn n11_a_submission_says_how_many_lines_there_are() {
        let number: OrderNumber = "A-7".parse().expect("a number");
        assert_eq!(submitted(&number, 1).as_str(), "Order #A-7 submitted: 1 line");
        assert_eq!(submitted(&number, 20).as_str(), "Order #A-7 submitted: 20 lines");
    }
}
