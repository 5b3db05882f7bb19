//! What people are told, as a client sees it: activity, notifications, alerts (notifications.md).

pub mod announcement;
pub mod feed;
pub mod marks;
pub mod preference;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::scalar::Time;
use packshot_domain::channel as domain;

words! {
    /// Where something is told.
    pub enum Channel {
        /// What was done in a tenant, one entry for each action.
        Activity = "activity",
        /// What a person is told.
        Notification = "notification",
        /// Trouble with the installation.
        Alert = "alert",
    }
}

words! {
    /// How bad something is.
    pub enum Severity = domain::Severity {
        /// As expected.
        Info = "info",
        /// Somebody may have to look at it.
        Warning = "warning",
        /// Something does not work.
        Error = "error",
    }
}

words! {
    /// What an entry is about.
    pub enum SubjectKind = domain::SubjectKind {
        /// An order.
        Order = "order",
        /// A line of an order.
        OrderLine = "order_line",
        /// A CAD file.
        CadFile = "cad_file",
        /// An import of products.
        Import = "import",
        /// A task.
        Task = "task",
        /// Where the bytes of a file of a package are stored.
        StorageLocation = "storage_location",
        /// A render.
        Render = "render",
        /// A design job.
        DesignJob = "design_job",
        /// A media asset.
        MediaAsset = "media_asset",
        /// A suggested fix.
        SuggestedFix = "suggested_fix",
        /// A webhook.
        Webhook = "webhook",
        /// A device that renders.
        Device = "device",
    }
}

words! {
    /// Whether what an alert is about lasts.
    pub enum AlertState = domain::AlertState {
        /// It lasts.
        Open = "open",
        /// It is over.
        Resolved = "resolved",
    }
}

/// What an entry is about, and which one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EntrySubject {
    /// What it is.
    pub kind: SubjectKind,
    /// Its id; it may have gone since.
    pub id: Uuid,
}

/// An entry of a channel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Entry {
    /// Its id.
    pub id: Uuid,
    /// Its number: of the activity and of alerts in the tenant, of notifications among those of their recipient.
    pub seq: i64,
    /// Where it is told.
    pub channel: Channel,
    /// What it reports, such as `render.completed`.
    pub event_type: String,
    /// How bad that is.
    pub severity: Severity,
    /// The same in words: plain text, never HTML.
    pub message: String,
    /// The tenant; `null` for an alert about the whole installation.
    pub tenant_id: Option<Uuid>,
    /// The user or the key that did it; `null`: the service itself.
    pub actor_id: Option<Uuid>,
    /// What it is about.
    pub subject: Option<EntrySubject>,
    /// The order.
    pub order_id: Option<Uuid>,
    /// The line of the order.
    pub order_line_id: Option<Uuid>,
    /// The figures behind the message.
    #[schema(value_type = Object)]
    pub data: Value,
    /// When it was written.
    pub created_at: Time,
}

/// A page of the activity, newest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ActivityPage {
    /// The entries.
    pub items: Vec<Entry>,
    /// Cursor of the next page; `null` on the last page.
    pub next_cursor: Option<String>,
}

/// A notification.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Notification {
    /// What it says.
    #[serde(flatten)]
    pub entry: Entry,
    /// Whose it is.
    pub user_id: Uuid,
    /// When they read it; `null` while they have not.
    pub read_at: Option<Time>,
    /// Of a digest what it is about, oldest first; `null` of everything else.
    pub digest_items: Option<Vec<DigestItem>>,
}

/// A part of a digest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DigestItem {
    /// What it reports, such as `order.rendering_complete`.
    pub event_type: String,
    /// How bad that is.
    pub severity: Severity,
    /// The same in words: plain text, never HTML.
    pub message: String,
    /// The user or the key that did it; `null`: the service itself.
    pub actor_id: Option<Uuid>,
    /// What it is about.
    pub subject: Option<EntrySubject>,
    /// The order.
    pub order_id: Option<Uuid>,
    /// The line of the order.
    pub order_line_id: Option<Uuid>,
    /// The figures behind the message.
    #[schema(value_type = Object)]
    pub data: Value,
    /// When it happened.
    pub created_at: Time,
}

/// A page of a person's notifications, newest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct NotificationPage {
    /// The notifications.
    pub items: Vec<Notification>,
    /// How many unread ones there are in all.
    pub unread_count: u64,
    /// Cursor of the next page; `null` on the last page.
    pub next_cursor: Option<String>,
}

/// An alert.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Alert {
    /// What it says.
    #[serde(flatten)]
    pub entry: Entry,
    /// Whether what it is about lasts.
    pub state: AlertState,
    /// How often that was seen.
    pub occurrences: u32,
    /// When it was last seen.
    pub last_seen_at: Time,
    /// When it was over.
    pub resolved_at: Option<Time>,
    /// The admin who has seen that it is there; `null` while none has.
    pub acknowledged_by: Option<Uuid>,
    /// When they said so.
    pub acknowledged_at: Option<Time>,
}

/// A page of alerts, newest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AlertPage {
    /// The alerts.
    pub items: Vec<Alert>,
    /// Cursor of the next page; `null` on the last page.
    pub next_cursor: Option<String>,
}
