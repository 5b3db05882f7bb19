//! The task `deliver_webhook`: one attempt to deliver an event.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use serde_json::json;

use super::address::Rules;
use super::sender::{Message, Sender, Sent};
use crate::config::Settings;
use crate::jobs::handler::{Desk, Handler, Handlers, Outcome, Start, TaskUpdate, Work};
use crate::settings::InForce;
use packshot_contract::webhook::signature::message_id;
use packshot_db::tasks::{Claimed, Delivery, LaneLimit};
use packshot_db::webhooks::{ToSend, to_send};
use packshot_db::{Db, DbError, TenantScope};
use packshot_domain::id::DeliveryId;
use packshot_domain::task::{Chore, FaultKind, Lane, QueueName, TaskKind};
use packshot_domain::webhook::{AT_ONCE_MAX, AttemptError, Jitter, LANE_MAX, wait_after};
use packshot_worker::protocol::Failure;

/// The wait before a delivery is read again that could not be.
const READ_AGAIN_AFTER: Duration = Duration::from_secs(5);
/// The status with which a receiver says that it is gone for good.
const GONE: u16 = 410;

/// Delivers events to webhooks, in a lane of their own.
#[derive(Clone, Debug)]
pub struct DeliveryHandler {
    /// Rows.
    pub db: Db,
    /// The settings of the process; those in the database may differ.
    pub settings: Arc<Settings>,
    /// What sends.
    pub sender: Sender,
}

impl DeliveryHandler {
    /// These handlers, and that of deliveries.
    pub fn add_to(self, handlers: Handlers) -> Handlers {
        let limit = LaneLimit::PerWebhook { max: LANE_MAX, of_each: AT_ONCE_MAX };
        let lane = (QueueName::Housekeeping, Lane::webhooks(), limit);
        handlers.with(lane, &[TaskKind::Chore(Chore::DeliverWebhook)], Arc::new(self))
    }

    /// What an attempt needs; `None` when it is gone.
    async fn prepared(&self, claimed: &Claimed) -> Result<Option<Attempt>, DbError> {
        let id = claimed.input.kwargs["delivery_id"].as_str().and_then(|id| id.parse::<DeliveryId>().ok());
        let Some(id) = id else { return Ok(None) };
        let to_send = to_send(&self.db, TenantScope::of(claimed.tenant), id, claimed.lease.task).await?;
        let in_force = InForce::of_instance(&self.db, &self.settings).await?;
        Ok(to_send.map(|to_send| Attempt {
            sender: self.sender.clone(),
            rules: Rules::of(&in_force),
            to_send,
            n_failed: claimed.task.failures.faults,
        }))
    }
}

fn gone() -> Failure {
    let detail = "the delivery has gone with its webhook, or was sent again by another task";
    Failure::new(FaultKind::Input, "delivery_not_found", detail)
}

impl Handler for DeliveryHandler {
    fn start<'t>(&'t self, claimed: &'t Claimed) -> BoxFuture<'t, Result<Start, Failure>> {
        Box::pin(async move {
            let attempt = match self.prepared(claimed).await {
                Ok(attempt) => attempt.ok_or_else(gone)?,
                Err(DbError::Corrupt { what, reason }) => {
                    return Err(Failure::new(FaultKind::Input, "delivery_unreadable", format!("{what}: {reason}")));
                }
                // The receiver has nothing to do with this, and no attempt is spent on it.
                Err(error) => {
                    tracing::warn!("a delivery cannot be read: {error}");
                    return Ok(Start::deferred(READ_AGAIN_AFTER));
                }
            };
            let work: Work = Box::new(move |desk: Desk| Box::pin(attempt.run(desk)) as BoxFuture<'static, Outcome>);
            Ok(Start { spec: None, work, until_written: None })
        })
    }
}

/// One attempt.
struct Attempt {
    sender: Sender,
    rules: Rules,
    to_send: ToSend,
    /// How many have failed before.
    n_failed: i32,
}

impl Attempt {
    async fn run(self, mut desk: Desk) -> Outcome {
        if !self.to_send.is_enabled {
            let error = AttemptError::WebhookDisabled;
            desk.send(found(&Sent { took: Duration::ZERO, status: None, error: Some(error), retry_after: None }));
            return Outcome::Failed(Failure::new(FaultKind::Input, error.as_str(), "the webhook is disabled"));
        }
        // So that the delivery shows soon that it is under way.
        desk.send(TaskUpdate::WentOn);
        let message = Message {
            url: self.to_send.url.clone(),
            id: message_id(self.to_send.delivery.uuid()),
            at: self.to_send.now,
            body: self.to_send.payload.clone(),
            secrets: self.to_send.secrets.clone(),
        };
        let sent = tokio::select! {
            sent = self.sender.send(&message, &self.rules) => sent,
            _ = desk.stopped() => return Outcome::Stopped,
        };
        desk.send(found(&sent));
        self.ended(&sent)
    }

    fn ended(&self, sent: &Sent) -> Outcome {
        let Some(error) = sent.error else {
            return Outcome::Done(Delivery { output: json!({"status": sent.status}), ..Delivery::default() });
        };
        let detail = match sent.status {
            Some(status) => format!("the receiver answered {status}"),
            None => format!("the receiver was not reached: {error}"),
        };
        if sent.status == Some(GONE) {
            return Outcome::Failed(Failure::new(FaultKind::Input, error.as_str(), detail));
        }
        let failure = Failure::infrastructure(error.as_str(), detail);
        match wait_after(self.n_failed + 1, jitter(), sent.retry_after) {
            Some(wait) => Outcome::Again(failure, wait),
            None => Outcome::Failed(failure),
        }
    }
}

/// What the delivery keeps of an attempt.
fn found(sent: &Sent) -> TaskUpdate {
    TaskUpdate::Found(json!({
        "duration_s": (sent.took.as_secs_f64() * 1_000.0).round() / 1_000.0,
        "status": sent.status,
        "error": sent.error.map(AttemptError::as_str),
    }))
}

/// Random, so that receivers that were away are not flooded; without randomness none.
fn jitter() -> Jitter {
    let mut bits = [0; 4];
    getrandom::fill(&mut bits).map_or(Jitter::NONE, |()| Jitter::of_bits(u32::from_le_bytes(bits)))
}
