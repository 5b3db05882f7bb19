//! What happens to the task of a delivery means the same for the delivery, and something for its webhook.

use futures_util::future::BoxFuture;
use sea_orm::ActiveValue::Unchanged;
use sea_orm::sea_query::LockType;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QuerySelect};
use serde_json::{Value, json};

use super::{disable, drop_waiting, failed_once, save};
use crate::DbError;
use crate::column::Col;
use crate::effect::{ChoreEffect, ChoreTurn, Phase};
use crate::entity::{webhook, webhook_delivery};
use crate::level::Level;
use crate::tx::Tx;
use packshot_domain::time::Timestamp;
use packshot_domain::webhook::{AttemptError, DeliveryEvent, DeliveryState, DisabledReason};

/// The status with which a receiver says that it is gone for good.
const GONE: i64 = 410;

/// Moves a delivery, and notes at its webhook how it went.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DeliveryEffect;

impl ChoreEffect for DeliveryEffect {
    fn apply<'t>(&'t self, tx: &'t Tx<'_>, turn: ChoreTurn<'t>) -> BoxFuture<'t, Result<(), DbError>> {
        Box::pin(apply(tx, turn))
    }
}

async fn apply(tx: &Tx<'_>, turn: ChoreTurn<'_>) -> Result<(), DbError> {
    tx.enter(Level::Webhook);
    let own = webhook_delivery::Entity::find()
        .filter(webhook_delivery::Column::TenantId.eq(Col(turn.tenant)))
        .filter(webhook_delivery::Column::TaskId.eq(Col(turn.task.id)));
    // Whose delivery it is never changes, so that it may be read before the webhook is locked. One that was removed, or
    // sent again by another task, has nothing to do with this one.
    let Some(delivery) = own.one(tx.on()).await? else { return Ok(()) };
    let webhook = webhook::Entity::find_by_id((delivery.tenant_id, delivery.webhook_id)).lock(LockType::NoKeyUpdate);
    let Some(webhook) = webhook.one(tx.on()).await? else { return Ok(()) };
    let key = (delivery.tenant_id, delivery.id);
    let delivery = webhook_delivery::Entity::find_by_id(key).lock(LockType::NoKeyUpdate).one(tx.on()).await?;
    let Some(delivery) = delivery else { return Ok(()) };
    Moving { now: tx.now().await?, turn, delivery, webhook }.on(tx).await
}

struct Moving<'t> {
    now: Timestamp,
    turn: ChoreTurn<'t>,
    delivery: webhook_delivery::Model,
    webhook: webhook::Model,
}

impl Moving<'_> {
    async fn on(mut self, tx: &Tx<'_>) -> Result<(), DbError> {
        match self.turn.phase {
            Phase::Began => self.begin()?,
            Phase::Completed(_) => {
                self.attempted()?;
                self.happens(DeliveryEvent::Succeed)?;
                self.delivery.delivered_at = Some(Col(self.now));
                self.webhook.consecutive_failures = 0;
                self.webhook.last_success_at = Some(Col(self.now));
                save(tx, &self.webhook).await?;
            }
            Phase::Released => return self.released(tx).await,
            Phase::Failed | Phase::Rejected(_) => return self.failed(tx).await,
            // Whoever cancelled it has moved the delivery.
            Phase::Cancelled => return Ok(()),
        }
        self.save(tx).await
    }

    /// An attempt starts, or was not noted before it ended.
    fn begin(&mut self) -> Result<(), DbError> {
        if self.delivery.state.0 == DeliveryState::Pending {
            self.happens(DeliveryEvent::Begin)?;
            self.delivery.attempt = self.turn.task.attempt;
            self.delivery.next_attempt_at = None;
        }
        Ok(())
    }

    /// The task waits again: after an attempt, because whoever made it was lost, or because somebody requeued it.
    async fn released(mut self, tx: &Tx<'_>) -> Result<(), DbError> {
        match self.delivery.state.0 {
            DeliveryState::Delivering if self.turn.found.is_some() => {
                self.attempted()?;
                self.happens(DeliveryEvent::Retry)?;
                self.webhook = failed_once(self.webhook, self.now);
                save(tx, &self.webhook).await?;
            }
            DeliveryState::Delivering => self.happens(DeliveryEvent::Lose)?,
            DeliveryState::Delivered | DeliveryState::Failed => {
                self.happens(DeliveryEvent::Redeliver)?;
                (self.delivery.attempts, self.delivery.delivered_at) = (Col(json!([])), None);
            }
            DeliveryState::Pending => {}
        }
        self.delivery.attempt = self.turn.task.attempt;
        self.delivery.next_attempt_at = Some(Col(self.turn.task.run_after));
        self.save(tx).await?;
        match self.webhook.enabled {
            true => Ok(()),
            // It was disabled while the attempt was under way: there is no other.
            false => drop_waiting(tx, self.webhook.tenant_id.0, self.webhook.id.0).await,
        }
    }

    /// There is no further attempt.
    async fn failed(mut self, tx: &Tx<'_>) -> Result<(), DbError> {
        self.begin()?;
        if self.delivery.state.0 != DeliveryState::Delivering {
            return Ok(());
        }
        let is_gone = self.found("status") == json!(GONE);
        // What was lost before it came to anything is not the receiver's fault.
        let was_sent =
            self.turn.found.is_some() && self.found("error") != json!(AttemptError::WebhookDisabled.as_str());
        self.attempted()?;
        self.happens(if is_gone { DeliveryEvent::Gone } else { DeliveryEvent::GiveUp })?;
        self.save(tx).await?;
        if !was_sent {
            return Ok(());
        }
        let webhook = failed_once(self.webhook, self.now);
        let last_success = webhook.last_success_at.map_or(Timestamp::MIN, Col::value);
        let is_failing = last_success < self.delivery.created_at.0;
        match (webhook.enabled, is_gone) {
            (true, true) => disable(tx, webhook, DisabledReason::Gone).await,
            (true, false) if is_failing => disable(tx, webhook, DisabledReason::Failing).await,
            _ => save(tx, &webhook).await,
        }
    }

    /// A member of what the attempt came to.
    fn found(&self, member: &str) -> Value {
        self.turn.found.map_or(Value::Null, |found| found[member].clone())
    }

    /// Notes what the attempt came to. Of one that was lost nothing is known.
    fn attempted(&mut self) -> Result<(), DbError> {
        if self.turn.found.is_none() {
            return Ok(());
        }
        let began = self.turn.task.started_at.unwrap_or(self.now);
        let attempt = json!({
            "no": self.turn.task.attempt,
            "at": began.to_string(),
            "duration_s": self.found("duration_s"),
            "status": self.found("status"),
            "error": self.found("error"),
        });
        match &mut self.delivery.attempts.0 {
            Value::Array(attempts) => attempts.push(attempt),
            _ => return Err(DbError::Corrupt { what: "delivery", reason: "its attempts are no list".to_owned() }),
        }
        Ok(())
    }

    fn happens(&mut self, event: DeliveryEvent) -> Result<(), DbError> {
        self.delivery.state = Col(self.delivery.state.0.next(event)?);
        if self.delivery.state.0.is_terminal() {
            self.delivery.next_attempt_at = None;
        }
        Ok(())
    }

    async fn save(&self, tx: &Tx<'_>) -> Result<(), DbError> {
        let columns = self.delivery.clone().into_active_model().reset_all();
        let columns = webhook_delivery::ActiveModel {
            tenant_id: Unchanged(self.delivery.tenant_id),
            id: Unchanged(self.delivery.id),
            ..columns
        };
        columns.update_without_returning(tx.on()).await?;
        Ok(())
    }
}
