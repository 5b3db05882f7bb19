//! Notifications, alerts, announcements and webhooks that are refused, or not there.

use reqwest::Method;
use serde_json::{Value, json};

use super::{ID, Service, refused};
use crate::Text;

/// What the service says of them.
pub(super) async fn refused_ones(service: &Service, texts: &mut Vec<Text>) {
    texts.extend(refused(service.request(Method::DELETE, &format!("/api/v1/announcements/{ID}"))).await);
    for list in ["/api/notifications", "/api/v1/alerts", "/api/v1/webhooks"] {
        texts.extend(refused(service.get(&format!("{list}/{ID}"))).await);
    }
    let hook = |url: &str, of: &str, more: Value| {
        let mut body = json!({"url": url, "event_types": [of]});
        more.as_object().into_iter().flatten().for_each(|(name, value)| body[name] = value.clone());
        service.request(Method::POST, "/api/v1/webhooks").json(&body)
    };
    texts.extend(refused(hook("https://10.0.0.1/", "*", json!({}))).await);
    texts.extend(refused(hook("https://example.com/", "order.nothing", json!({}))).await);
    texts.extend(refused(hook("https://example.com/", "*", json!({"secret": "short"}))).await);
    let hook = hook("https://receiver.invalid/", "fix.*", json!({})).send().await.expect("an answer");
    let hook: Value = hook.json().await.expect("a webhook");
    let deliveries = format!("/api/v1/webhooks/{}/deliveries", hook["id"].as_str().expect("an id"));
    texts.extend(refused(service.get(&format!("{deliveries}/{ID}"))).await);
}
