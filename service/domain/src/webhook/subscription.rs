//! What a webhook is told of: events by name, or all of a group.

use core::fmt;
use std::str::FromStr;

use super::WebhookEvent;

/// Patterns of one webhook, at most.
const PATTERNS_MAX: usize = 64;

/// An event, all events of a group such as `order.*`, or all there are: `*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventPattern(String);

/// Text that matches no event.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnknownEventType {
    /// There is no such event, and no such group.
    #[error("'{0}' is no event: choose from {list}, or a group such as order.*, or *", list = subscribable())]
    Unknown(String),
    /// There are none, or more than events there are.
    #[error("expected 1 to {PATTERNS_MAX} events")]
    Count,
}

fn subscribable() -> String {
    let events = WebhookEvent::ALL.iter().filter(|event| event.is_subscribed_to());
    events.map(|event| event.as_str()).collect::<Vec<_>>().join(", ")
}

impl EventPattern {
    /// Whether it means an event. The test of a webhook is not subscribed to.
    #[must_use]
    pub fn matches(&self, event: WebhookEvent) -> bool {
        event.is_subscribed_to()
            && match self.0.strip_suffix('*') {
                // With its full stop, so that `order.*` does not mean `orders.x`.
                Some(group) => event.as_str().starts_with(group),
                None => event.as_str() == self.0,
            }
    }

    /// As it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for EventPattern {
    type Err = UnknownEventType;

    fn from_str(text: &str) -> Result<Self, UnknownEventType> {
        let pattern = Self(text.to_owned());
        let is_form = match text.strip_suffix('*') {
            Some(group) => group.is_empty() || group.ends_with('.') && !group.contains('*'),
            None => true,
        };
        let means_any = is_form && WebhookEvent::ALL.iter().any(|event| pattern.matches(*event));
        if means_any { Ok(pattern) } else { Err(UnknownEventType::Unknown(text.to_owned())) }
    }
}

impl fmt::Display for EventPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// All that a webhook is told of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription(Vec<EventPattern>);

impl Subscription {
    /// A webhook is told of what any of these means.
    ///
    /// # Errors
    ///
    /// [`UnknownEventType::Count`] when there are none, or too many.
    pub fn new(mut patterns: Vec<EventPattern>) -> Result<Self, UnknownEventType> {
        let mut seen = std::collections::HashSet::new();
        patterns.retain(|pattern| seen.insert(pattern.0.clone()));
        if !(1..=PATTERNS_MAX).contains(&patterns.len()) {
            return Err(UnknownEventType::Count);
        }
        Ok(Self(patterns))
    }

    /// Whether it is told of an event.
    #[must_use]
    pub fn matches(&self, event: WebhookEvent) -> bool {
        self.0.iter().any(|pattern| pattern.matches(event))
    }

    /// The patterns, in the order in which they were given.
    pub fn patterns(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(EventPattern::as_str)
    }
}

impl fmt::Display for Subscription {
    /// The patterns, with a space between them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.patterns().collect::<Vec<_>>().join(" "))
    }
}

impl FromStr for Subscription {
    type Err = UnknownEventType;

    fn from_str(text: &str) -> Result<Self, UnknownEventType> {
        Self::new(text.split_whitespace().map(str::parse).collect::<Result<_, _>>()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn n68_patterns_mean_events_and_groups() {
        for (pattern, is, is_not) in [
            ("order.*", WebhookEvent::OrderSubmitted, WebhookEvent::RenderCompleted),
            ("order.submitted", WebhookEvent::OrderSubmitted, WebhookEvent::OrderCompleted),
            ("render.job.*", WebhookEvent::RenderJobFailed, WebhookEvent::RenderFailed),
            ("render.*", WebhookEvent::RenderJobFailed, WebhookEvent::AlertOpened),
            ("*", WebhookEvent::AssetDelivered, WebhookEvent::WebhookTest),
        ] {
            let pattern: EventPattern = pattern.parse().expect("a pattern");
            assert!(pattern.matches(is) && !pattern.matches(is_not), "{pattern}");
        }
        for nothing in ["order.nothing", "ord*", "*.submitted", "**", "", "nothing.*", "webhook.test", "webhook.*"] {
            assert!(nothing.parse::<EventPattern>().is_err(), "{nothing}");
        }
        let both: Subscription = "order.* fix.applied order.*".parse().expect("a subscription");
        assert_eq!(both.to_string(), "order.* fix.applied");
        assert_eq!("".parse::<Subscription>(), Err(UnknownEventType::Count));
    }
}
