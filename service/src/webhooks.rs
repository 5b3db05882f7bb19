//! Webhooks of a tenant: made, changed, tried, and what was delivered to them (notifications.md §8). Deliveries are
//! tasks of a lane of their own, which `DeliveryHandler` does.

mod address;
mod sender;
mod task;

use crate::app::{App, AppError, Code, Page, PageRequest};
use crate::settings::InForce;
use address::Rules;
use packshot_contract::webhook::{self as contract, NewWebhook, WebhookChange, signature};
use packshot_db::webhooks::{self as rows, Attempt, WebhookFields};
use packshot_db::{DbError, TenantScope, tenant_configs};
use packshot_domain::change::Change;
use packshot_domain::feature::Feature;
use packshot_domain::id::{DeliveryId, WebhookId};
use packshot_domain::principal::Principal;
use packshot_domain::reader::{Reader, Rows};
use packshot_domain::webhook::{DeliveryState, WebhookSecret};

pub use sender::{CONNECT_TIME_MAX, Limits, Lookup, Message, Sender, Sent, TIME_MAX};
pub use task::DeliveryHandler;

/// How often a change is tried again that somebody else's came before.
const ATTEMPTS: u32 = 5;

/// Makes a webhook. Its secret is in this answer, and in no other.
///
/// # Errors
/// [`Code::FeatureDisabled`], [`Code::WebhookUrlRefused`], [`Code::WebhookLimit`].
pub async fn create(app: &App, who: &Principal, new: NewWebhook) -> Result<contract::WebhookWithSecret, AppError> {
    require(app, who).await?;
    let NewWebhook { url, description, events, secret } = new;
    let fields = WebhookFields { url: checked(app, &url).await?, description, events };
    let secret = match secret {
        Some(secret) => secret,
        None => WebhookSecret::generate().map_err(AppError::internal)?,
    };
    let made = rows::create(&app.db, TenantScope::of(who.tenant), who.actor(), fields, secret).await?;
    Ok(with_secret(made))
}

/// A page of webhooks, newest first.
///
/// # Errors
/// [`Code::FeatureDisabled`].
pub async fn list(app: &App, reader: &Reader, page: PageRequest) -> Result<Page<contract::Webhook>, AppError> {
    // Whoever reads the rows of all tenants reads them whatever one of them has switched off.
    if reader.rows == Rows::OfTenant {
        require(app, &reader.who).await?;
    }
    let Page { items, next } = rows::list(&app.db, reader, page).await?;
    Ok(Page { items: items.into_iter().map(shown).collect(), next })
}

/// A webhook as it is now.
///
/// # Errors
/// [`Code::FeatureDisabled`], [`Code::WebhookNotFound`].
pub async fn get(app: &App, who: &Principal, id: WebhookId) -> Result<contract::Webhook, AppError> {
    require(app, who).await?;
    Ok(shown(rows::get(&app.db, TenantScope::of(who.tenant), id).await?))
}

/// Changes a webhook, if it has the revision that is expected.
///
/// # Errors
/// [`Code::FeatureDisabled`], [`Code::WebhookNotFound`], [`Code::WebhookUrlRefused`], [`Code::PreconditionFailed`].
pub async fn change(
    app: &App,
    who: &Principal,
    id: WebhookId,
    change: WebhookChange,
    expected: Option<i64>,
) -> Result<contract::Webhook, AppError> {
    require(app, who).await?;
    let scope = TenantScope::of(who.tenant);
    let WebhookChange { url, description, events } = change;
    for _ in 0..ATTEMPTS {
        let before = rows::get(&app.db, scope, id).await?;
        if expected.is_some_and(|expected| expected != before.revision) {
            return Err(DbError::Stale { current: before.revision }.into());
        }
        // An address that stays is not checked again: the settings may have changed, which its attempts find.
        let url = match &url {
            Some(url) if *url != before.fields.url => checked(app, url).await?,
            _ => before.fields.url.clone(),
        };
        let after = WebhookFields {
            url,
            description: Change::of(description.clone(), before.fields.description.clone(), String::new()),
            events: events.clone().unwrap_or_else(|| before.fields.events.clone()),
        };
        if after == before.fields {
            return Ok(shown(before));
        }
        match rows::replace(&app.db, scope, who.actor(), (id, before.revision), after).await {
            Err(DbError::Stale { .. }) if expected.is_none() => {}
            changed => return Ok(shown(changed?)),
        }
    }
    Err(AppError::new(Code::StateConflict, "the webhook was changed again and again meanwhile"))
}

/// Deletes a webhook. What waits for it is not delivered.
///
/// # Errors
/// [`Code::FeatureDisabled`], [`Code::WebhookNotFound`].
pub async fn delete(app: &App, who: &Principal, id: WebhookId) -> Result<(), AppError> {
    require(app, who).await?;
    Ok(rows::delete(&app.db, TenantScope::of(who.tenant), who.actor(), id).await?)
}

/// Gives a webhook another secret, which is in this answer and in no other. The one before signs too for so long.
///
/// # Errors
/// [`Code::FeatureDisabled`], [`Code::WebhookNotFound`].
pub async fn rotate(
    app: &App,
    who: &Principal,
    id: WebhookId,
    overlap_s: u32,
) -> Result<contract::WebhookWithSecret, AppError> {
    require(app, who).await?;
    let secret = WebhookSecret::generate().map_err(AppError::internal)?;
    let rotated = rows::rotate(&app.db, TenantScope::of(who.tenant), who.actor(), id, (secret, overlap_s)).await?;
    Ok(with_secret(rotated))
}

/// Enables or disables a webhook.
///
/// # Errors
/// [`Code::FeatureDisabled`], [`Code::WebhookNotFound`].
pub async fn switch(app: &App, who: &Principal, id: WebhookId, on: bool) -> Result<contract::Webhook, AppError> {
    require(app, who).await?;
    Ok(shown(rows::switch(&app.db, TenantScope::of(who.tenant), who.actor(), id, on).await?))
}

/// Makes a delivery that only tries a webhook.
///
/// # Errors
/// [`Code::FeatureDisabled`], also where the tenant gets no notifications; [`Code::WebhookNotFound`].
pub async fn test(app: &App, who: &Principal, id: WebhookId) -> Result<contract::Delivery, AppError> {
    require(app, who).await?;
    let made = rows::test(&app.db, TenantScope::of(who.tenant), id).await?;
    delivery(made.ok_or_else(off)?)
}

fn off() -> AppError {
    AppError::new(Code::FeatureDisabled, "nothing is delivered: the tenant has `notifications_enabled` off")
}

/// A page of the deliveries to a webhook, newest first.
///
/// # Errors
/// [`Code::FeatureDisabled`], [`Code::WebhookNotFound`].
pub async fn deliveries(
    app: &App,
    who: &Principal,
    id: WebhookId,
    state: Option<DeliveryState>,
    page: PageRequest,
) -> Result<Page<contract::Delivery>, AppError> {
    require(app, who).await?;
    let Page { items, next } = rows::list_deliveries(&app.db, TenantScope::of(who.tenant), id, state, page).await?;
    Ok(Page { items: items.into_iter().map(delivery).collect::<Result<_, _>>()?, next })
}

/// A delivery as it is now.
///
/// # Errors
/// [`Code::FeatureDisabled`], [`Code::WebhookNotFound`], [`Code::DeliveryNotFound`].
pub async fn get_delivery(
    app: &App,
    who: &Principal,
    webhook: WebhookId,
    id: DeliveryId,
) -> Result<contract::Delivery, AppError> {
    require(app, who).await?;
    delivery(rows::get_delivery(&app.db, TenantScope::of(who.tenant), webhook, id).await?)
}

/// Sends a delivery again that has ended, with the same id and body.
///
/// # Errors
/// [`Code::FeatureDisabled`], also where the tenant gets no notifications; [`Code::WebhookNotFound`],
/// [`Code::DeliveryNotFound`], [`Code::DeliveryInProgress`].
pub async fn redeliver(
    app: &App,
    who: &Principal,
    webhook: WebhookId,
    id: DeliveryId,
) -> Result<contract::Delivery, AppError> {
    require(app, who).await?;
    let again = rows::redeliver(&app.db, TenantScope::of(who.tenant), webhook, id).await?;
    delivery(again.ok_or_else(off)?)
}

async fn require(app: &App, who: &Principal) -> Result<(), AppError> {
    let config = tenant_configs::get(&app.db, TenantScope::of(who.tenant)).await?.config;
    match config.features.has(Feature::Webhooks) {
        true => Ok(()),
        false => Err(AppError::new(Code::FeatureDisabled, "the feature 'webhooks' is switched off for this tenant")),
    }
}

/// An address that deliveries may go to, as it is stored.
async fn checked(app: &App, url: &str) -> Result<String, AppError> {
    let in_force = InForce::of_instance(&app.db, &app.settings).await?;
    let rules = Rules::of(&in_force);
    let refused = |reason: address::Refused| AppError::new(Code::WebhookUrlRefused, reason.to_string()).at("/url");
    rules.check(url).map(|url| url.to_string()).map_err(refused)
}

fn shown(row: rows::Webhook) -> contract::Webhook {
    let WebhookFields { url, description, events } = row.fields;
    contract::Webhook {
        id: row.id.uuid(),
        tenant_id: row.tenant.uuid(),
        url,
        description,
        event_types: events.patterns().map(str::to_owned).collect(),
        enabled: row.disabled.is_none(),
        disabled_reason: row.disabled.map(Into::into),
        secret_hint: row.secret.hint(),
        previous_secret_expires_at: row.previous_secret_expires_at.map(Into::into),
        consecutive_failures: row.consecutive_failures.unsigned_abs(),
        last_success_at: row.last_success_at.map(Into::into),
        last_failure_at: row.last_failure_at.map(Into::into),
        revision: row.revision.unsigned_abs(),
        created_at: row.created_at.into(),
        updated_at: row.updated_at.into(),
    }
}

fn with_secret(row: rows::Webhook) -> contract::WebhookWithSecret {
    let secret = Some(row.secret.reveal());
    contract::WebhookWithSecret { webhook: shown(row), secret }
}

fn delivery(row: rows::Delivery) -> Result<contract::Delivery, AppError> {
    let attempt = |attempt: &Attempt| contract::DeliveryAttempt {
        no: attempt.no.unsigned_abs(),
        at: attempt.at.into(),
        duration_s: attempt.duration_s,
        status: attempt.status,
        error: attempt.error.map(Into::into),
    };
    Ok(contract::Delivery {
        id: row.id.uuid(),
        tenant_id: row.tenant.uuid(),
        webhook_id: row.webhook.uuid(),
        message_id: signature::message_id(row.id.uuid()),
        event_id: row.event_id,
        event_type: row.event.as_str().to_owned(),
        state: row.state.into(),
        attempt: row.attempt.unsigned_abs(),
        next_attempt_at: row.next_attempt_at.map(Into::into),
        attempts: row.attempts.iter().map(attempt).collect(),
        payload: serde_json::from_str(&row.payload).map_err(AppError::internal)?,
        created_at: row.created_at.into(),
        delivered_at: row.delivered_at.map(Into::into),
    })
}
