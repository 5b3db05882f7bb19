//! What a person's stream says (notifications.md §7).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::marks::UnreadCount;
use super::{Alert, Entry, Notification};
use crate::scalar::Time;

/// How a person's stream begins.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FeedSnapshot {
    /// How much there is to read.
    pub unread_count: UnreadCount,
    /// The newest 20 notifications, newest first.
    pub items: Vec<Notification>,
}

/// Data of `notification.created`: the notification as it was then.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct NotificationCreatedEvent(pub Notification);

/// Data of `notification.read`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NotificationReadEvent {
    /// These were read; empty with `all`.
    pub ids: Vec<Uuid>,
    /// Whether all were.
    pub all: bool,
    /// With `all`: those that were written up to this time; `null`: all of them.
    #[serde(default)]
    pub before: Option<Time>,
}

/// Data of `activity.created`: the entry.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct ActivityCreatedEvent(pub Entry);

/// Data of `alert.opened`, `alert.updated` and `alert.resolved`: the alert as it was then.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct AlertEvent(pub Alert);
