//! Webhooks (notifications.md §8): addresses of other systems to which events are delivered, signed. What may be
//! subscribed to, the states of a delivery, when it is tried again, and which addresses are never connected to.

mod address;
mod delivery;
mod secret;
mod subscription;

pub use address::is_blocked;
pub use delivery::{
    ATTEMPTS_MAX, AttemptError, DeliveryEvent, DeliveryState, IllegalDeliveryState, Jitter, wait_after,
};
pub use secret::{InvalidWebhookSecret, SECRET_PREFIX, WebhookSecret};
pub use subscription::{EventPattern, Subscription, UnknownEventType};

use crate::channel::ActivityType;
use crate::words::words;

/// Webhooks that a tenant may have.
pub const WEBHOOKS_MAX: u64 = 20;
/// Attempts to deliver to one webhook that may run at once.
pub const AT_ONCE_MAX: u32 = 8;
/// Attempts to deliver that may run at once, to all webhooks together.
pub const LANE_MAX: u32 = 64;
/// Bytes of the body of a delivery, at most.
pub const BODY_BYTES_MAX: usize = 20_480;
/// The longest time that an old secret signs beside a new one, in seconds: a week.
pub const OVERLAP_S_MAX: u32 = 604_800;
/// That time where nobody says, in seconds: a day.
pub const OVERLAP_S: u32 = 86_400;

words! {
    /// What is delivered to webhooks.
    pub enum WebhookEvent {
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
        /// A round of an order has ended: the summary
        RenderingComplete = "order.rendering_complete",
        /// An order line has its files
        RenderCompleted = "render.completed",
        /// The work of an order line has failed
        RenderFailed = "render.failed",
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
        /// A sheet of products was imported
        ExcelImported = "excel.imported",
        /// A media asset was published
        AssetPublished = "asset.published",
        /// A workflow delivers what it has made
        AssetDelivered = "asset.delivered",
        /// A suggested fix was applied
        FixApplied = "fix.applied",
        /// It was said whether a suggested fix worked
        FixOutcome = "fix.outcome",
        /// An alert was opened
        AlertOpened = "alert.opened",
        /// What an alert was about is over
        AlertResolved = "alert.resolved",
        /// Somebody tries a webhook; it needs no subscription
        WebhookTest = "webhook.test",
    }
}

words! {
    /// Why nothing is delivered to a webhook.
    pub enum DisabledReason {
        /// Somebody switched it off
        Manual = "manual",
        /// A delivery used up its attempts, and no other one succeeded
        Failing = "failing",
        /// The receiver said that it is gone: 410
        Gone = "gone",
    }
}

impl WebhookEvent {
    /// The event that an entry of the activity is, if it is one.
    #[must_use]
    pub fn of_activity(activity: ActivityType) -> Option<Self> {
        Self::ALL.iter().copied().find(|event| event.as_str() == activity.as_str())
    }

    /// Whether it can be subscribed to.
    #[must_use]
    pub const fn is_subscribed_to(self) -> bool {
        !matches!(self, Self::WebhookTest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn n68_activity_becomes_events_by_its_name() {
        let of = |activity| WebhookEvent::of_activity(activity).map(WebhookEvent::as_str);
        assert_eq!(of(ActivityType::OrderSubmitted), Some("order.submitted"));
        assert_eq!(of(ActivityType::RenderFailed), Some("render.failed"));
        assert_eq!(of(ActivityType::ExcelImported), Some("excel.imported"));
        for silent in [ActivityType::RenderStarted, ActivityType::OrderCreated, ActivityType::DeliverSkipped] {
            assert_eq!(of(silent), None, "{silent}");
        }
    }
}
