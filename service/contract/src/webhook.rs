//! Webhooks and their deliveries, as clients see them (notifications.md §8), and how a delivery is signed and verified.

pub mod signature;

use packshot_json::{FaultKind, Faults, Node};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::problem::Invalid;
use super::read::{change, optional};
use super::scalar::Time;
use packshot_domain::change::Change;
use packshot_domain::webhook::{self as domain, EventPattern, OVERLAP_S, OVERLAP_S_MAX, Subscription, WebhookSecret};

/// Bytes of a description, at most.
const DESCRIPTION_BYTES_MAX: usize = 1_000;
/// Characters of an address, at most.
pub const URL_CHARS_MAX: usize = 2_048;

words! {
    /// Why nothing is delivered to a webhook.
    pub enum DisabledReason = domain::DisabledReason {
        /// Somebody switched it off.
        Manual = "manual",
        /// A delivery used up its attempts, and no other one succeeded.
        Failing = "failing",
        /// The receiver answered that it is gone.
        Gone = "gone",
    }
}

words! {
    /// State of a delivery.
    pub enum DeliveryState = domain::DeliveryState {
        /// It waits for its next attempt.
        Pending = "pending",
        /// An attempt is under way.
        Delivering = "delivering",
        /// The receiver took it.
        Delivered = "delivered",
        /// It is not tried again by itself.
        Failed = "failed",
    }
}

words! {
    /// Why an attempt failed.
    pub enum AttemptError = domain::AttemptError {
        /// The receiver did not answer in time.
        Timeout = "timeout",
        /// No connection, or it broke.
        ConnectFailed = "connect_failed",
        /// The receiver could not prove who it is.
        TlsFailed = "tls_failed",
        /// The host has an address that is not connected to.
        AddressBlocked = "address_blocked",
        /// The receiver pointed elsewhere, which is not followed.
        Redirect = "redirect",
        /// The receiver answered with an error.
        HttpStatus = "http_status",
        /// The webhook was disabled.
        WebhookDisabled = "webhook_disabled",
    }
}

/// Where events of a tenant are delivered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Webhook {
    /// Its id.
    pub id: Uuid,
    /// The tenant that it belongs to.
    pub tenant_id: Uuid,
    /// Where deliveries go.
    pub url: String,
    /// What it is for.
    pub description: String,
    /// What it is told of: events, groups such as `order.*`, or `*`.
    pub event_types: Vec<String>,
    /// Whether anything is delivered to it.
    pub enabled: bool,
    /// Why nothing is; `null` while it is enabled.
    pub disabled_reason: Option<DisabledReason>,
    /// The last four characters of its secret.
    pub secret_hint: String,
    /// Until when the secret before signs too; `null` when it does not.
    pub previous_secret_expires_at: Option<Time>,
    /// How many attempts have failed since the last one that did not.
    pub consecutive_failures: u32,
    /// When a delivery was last taken.
    pub last_success_at: Option<Time>,
    /// When an attempt last failed.
    pub last_failure_at: Option<Time>,
    /// Counts what people change; the ETag.
    pub revision: u64,
    /// When it was made.
    pub created_at: Time,
    /// When it was changed.
    pub updated_at: Time,
}

/// A webhook with its secret, which is shown once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WebhookWithSecret {
    /// The webhook.
    #[serde(flatten)]
    pub webhook: Webhook,
    /// What its deliveries are signed with; `null` in the answer to a repeated request.
    pub secret: Option<String>,
}

/// A page of webhooks, newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WebhookPage {
    /// The webhooks.
    pub items: Vec<Webhook>,
    /// Cursor of the next page; `null` on the last page.
    pub next_cursor: Option<String>,
}

/// An attempt to deliver that has ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DeliveryAttempt {
    /// Its number, from 1.
    pub no: u32,
    /// When it began.
    pub at: Time,
    /// How long it took.
    pub duration_s: f64,
    /// The status of the answer; `null` where there was none.
    pub status: Option<u16>,
    /// Why it failed; `null` where it did not.
    pub error: Option<AttemptError>,
}

/// A delivery of an event to a webhook.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Delivery {
    /// Its id.
    pub id: Uuid,
    /// The tenant that it belongs to.
    pub tenant_id: Uuid,
    /// Where it goes.
    pub webhook_id: Uuid,
    /// The header `webhook-id` of every attempt.
    pub message_id: String,
    /// The event.
    pub event_id: Uuid,
    /// What the event is.
    pub event_type: String,
    /// Its state.
    pub state: DeliveryState,
    /// The current or last attempt, from 1; 0 before the first.
    pub attempt: u32,
    /// When the next one is due; `null` when none is.
    pub next_attempt_at: Option<Time>,
    /// Those that have ended, in order.
    pub attempts: Vec<DeliveryAttempt>,
    /// The body.
    #[schema(value_type = Object)]
    pub payload: Value,
    /// When it was made.
    pub created_at: Time,
    /// When it was taken.
    pub delivered_at: Option<Time>,
}

/// A page of deliveries, newest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DeliveryPage {
    /// The deliveries.
    pub items: Vec<Delivery>,
    /// Cursor of the next page; `null` on the last page.
    pub next_cursor: Option<String>,
}

/// A webhook to make.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct WebhookRequest {
    /// Where deliveries go: an `https` address of the Internet.
    #[schema(min_length = 1, max_length = 2048)]
    pub url: String,
    /// What it is for; if absent, nothing is said.
    #[schema(max_length = 1000)]
    pub description: Option<String>,
    /// What it is told of: events, groups such as `order.*`, or `*`.
    #[schema(min_items = 1, max_items = 64)]
    pub event_types: Vec<String>,
    /// What its deliveries are signed with: `whsec_` and the base64 of 24 to 64 bytes; if absent, 32 random bytes.
    pub secret: Option<String>,
}

/// A webhook to make, as it was read. Whether its address may be used depends on the settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewWebhook {
    /// Where deliveries go.
    pub url: String,
    /// What it is for.
    pub description: String,
    /// What it is told of.
    pub events: Subscription,
    /// What its deliveries are signed with, where that is given.
    pub secret: Option<WebhookSecret>,
}

impl WebhookRequest {
    /// Reads a webhook to make.
    ///
    /// # Errors
    /// `missing`, `wrong_type`, `out_of_range`, `unknown_member`, `unknown_event_type`, `invalid_webhook_secret`,
    /// `webhook_url_refused`.
    pub fn parse(body: &Value) -> Result<NewWebhook, Invalid> {
        let faults = Faults::default();
        let new = Node::root(body, &faults).members().and_then(|mut m| {
            let url = m.require("url").and_then(|node| url(&node));
            let description = optional(&mut m, "description", description);
            let events = m.require("event_types").and_then(|node| events(&node));
            let secret = optional(&mut m, "secret", secret);
            m.finish();
            Some(NewWebhook {
                url: url?,
                description: description?.unwrap_or_default(),
                events: events?,
                secret: secret?,
            })
        });
        Invalid::unless_faults(new, faults)
    }
}

/// A change of a webhook: absent members stay, `null` goes back to the default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct WebhookPatch {
    /// Another address.
    #[schema(min_length = 1, max_length = 2048)]
    pub url: Option<String>,
    /// What it is for; `null`: nothing is said.
    #[schema(max_length = 1000)]
    pub description: Option<String>,
    /// What it is told of from now on.
    #[schema(min_items = 1, max_items = 64)]
    pub event_types: Option<Vec<String>>,
}

/// A change of a webhook, as it was read: what is `None` stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WebhookChange {
    /// Another address.
    pub url: Option<String>,
    /// What it is for.
    pub description: Change<String>,
    /// What it is told of.
    pub events: Option<Subscription>,
}

impl WebhookPatch {
    /// Reads a change.
    ///
    /// # Errors
    /// `wrong_type`, `out_of_range`, `unknown_member`, `unknown_event_type`, `webhook_url_refused`.
    pub fn parse(body: &Value) -> Result<WebhookChange, Invalid> {
        let faults = Faults::default();
        let read = Node::root(body, &faults).members().map(|mut m| {
            let read = WebhookChange {
                url: m.take("url").and_then(|node| url(&node)),
                description: change(&mut m, "description", description),
                events: m.take("event_types").and_then(|node| events(&node)),
            };
            m.finish();
            read
        });
        Invalid::unless_faults(read, faults)
    }
}

/// A request for another secret.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct RotateSecretRequest {
    /// How long the secret before signs too, in seconds; if absent, a day.
    #[schema(minimum = 0, maximum = 604_800)]
    pub overlap_s: Option<u32>,
}

impl RotateSecretRequest {
    /// Reads how long both secrets sign, in seconds.
    ///
    /// # Errors
    /// `wrong_type`, `out_of_range`, `unknown_member`.
    pub fn parse(body: &Value) -> Result<u32, Invalid> {
        let faults = Faults::default();
        let overlap_s = Node::root(body, &faults).members().and_then(|mut m| {
            let overlap_s = optional(&mut m, "overlap_s", |node| node.count(0..=OVERLAP_S_MAX));
            m.finish();
            Some(overlap_s?.unwrap_or(OVERLAP_S))
        });
        Invalid::unless_faults(overlap_s, faults)
    }
}

fn url(node: &Node<'_>) -> Option<String> {
    let text = node.string()?;
    if text.is_empty() || text.chars().count() > URL_CHARS_MAX {
        let refused = FaultKind::Named("webhook_url_refused".to_owned());
        return node.refuse(refused, format!("expected an address of 1 to {URL_CHARS_MAX} characters"));
    }
    Some(text.to_owned())
}

fn description(node: &Node<'_>) -> Option<String> {
    let text = node.string()?;
    let is_fit = text.len() <= DESCRIPTION_BYTES_MAX && !text.chars().any(|c| c.is_control() && c != '\n');
    if !is_fit {
        let expected = format!("expected text of at most {DESCRIPTION_BYTES_MAX} bytes without control characters");
        return node.refuse(FaultKind::Range, expected);
    }
    Some(text.to_owned())
}

fn events(node: &Node<'_>) -> Option<Subscription> {
    let nodes = node.list()?;
    let pattern = |node: &Node<'_>| {
        let text = node.string()?;
        let unknown = FaultKind::Named("unknown_event_type".to_owned());
        text.parse::<EventPattern>().map_or_else(|error| node.refuse(unknown, error.to_string()), Some)
    };
    // Every wrong one is reported.
    let patterns: Vec<Option<EventPattern>> = nodes.iter().map(pattern).collect();
    let patterns: Vec<EventPattern> = patterns.into_iter().collect::<Option<_>>()?;
    Subscription::new(patterns).map_or_else(|error| node.refuse(FaultKind::Range, error.to_string()), Some)
}

fn secret(node: &Node<'_>) -> Option<WebhookSecret> {
    let invalid = FaultKind::Named("invalid_webhook_secret".to_owned());
    match node.value().as_str().map(str::parse) {
        Some(Ok(secret)) => Some(secret),
        _ => node.refuse(invalid, domain::InvalidWebhookSecret.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn n64_n68_what_is_wrong_with_a_webhook_is_named() {
        let good = json!({"url": "https://a.example/h", "event_types": ["order.*"]});
        assert_eq!(WebhookRequest::parse(&good).map(|new| new.secret), Ok(None));
        let with = |member: &str, value: Value| {
            let mut body = good.clone();
            body[member] = value;
            WebhookRequest::parse(&body).expect_err("refused").code().to_owned()
        };
        assert_eq!(with("event_types", json!(["order.nothing"])), "unknown_event_type");
        assert_eq!(with("event_types", json!([])), "validation_failed");
        assert_eq!(with("secret", json!("whsec_AAAA")), "invalid_webhook_secret");
        assert_eq!(with("secret", json!(7)), "invalid_webhook_secret");
        assert_eq!(with("url", json!("x".repeat(2_049))), "webhook_url_refused");
        assert_eq!(with("enabled", json!(true)), "validation_failed");
        let change = WebhookPatch::parse(&json!({"description": null})).expect("a change");
        assert_eq!((change.description, change.url), (Change::Reset, None));
        assert!(WebhookPatch::parse(&json!({"url": null})).is_err());
        assert_eq!(RotateSecretRequest::parse(&json!({})), Ok(86_400));
        assert_eq!(RotateSecretRequest::parse(&json!({"overlap_s": 0})), Ok(0));
        assert!(RotateSecretRequest::parse(&json!({"overlap_s": 604_801})).is_err());
    }
}
