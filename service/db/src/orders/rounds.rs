//! Rounds of an order (notifications.md §4). All of this happens while the order is locked, so that a round is opened,
//! closed and told of once, whoever ends the last line.

use std::collections::HashMap;

use sea_orm::ActiveValue::Set;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
};
use serde_json::{Value, json};

use super::{OrderRef, lines, lock};
use crate::channels::{self, Said};
use crate::column::Col;
use crate::entity::{job, order, order_line, order_round, product};
use crate::tx::Tx;
use crate::webhooks::publish::Published;
use crate::{AllTenants, Db, DbError};
use packshot_domain::channel::{Message, NotificationType};
use packshot_domain::id::{JobId, OrderId, ProductId, RoundId, TenantId, UserId};
use packshot_domain::order::line::RenderStatus;
use packshot_domain::order::round::{RoundOutcome, RoundSummary, is_opened_by};
use packshot_domain::order::{LineCounts, OrderStatus};
use packshot_domain::webhook::WebhookEvent;

/// Most failed lines that a summary names.
const FAILED_MAX: usize = 20;
/// Rounds that one check tells of.
const MISSED_AT_ONCE: u64 = 1_000;

/// The round that a line of a locked order is in when it changes its state so: where it leaves `pending` and no round
/// is open, one is opened.
pub(super) async fn entered(
    tx: &Tx<'_>,
    of: &order::Model,
    line: &order_line::Model,
    to: RenderStatus,
) -> Result<Option<Col<RoundId>>, DbError> {
    if !is_opened_by(line.render_status.0, to) {
        return Ok(line.round_id);
    }
    let (tenant, order) = (of.tenant_id.0, of.id.0);
    if let Some(open) = open(tx, tenant, order).await? {
        return Ok(Some(open.id));
    }
    let earlier = of_order(tenant, order).filter(order_round::Column::SubmissionNo.eq(of.submission_no));
    let n_earlier = earlier.count(tx.on()).await?;
    let row = order_round::ActiveModel {
        tenant_id: Set(Col(tenant)),
        id: Set(Col(RoundId::new())),
        order_id: Set(Col(order)),
        submission_no: Set(of.submission_no),
        round_no: Set(i32::try_from(n_earlier + 1).unwrap_or(i32::MAX)),
        opened_at: Set(Col(tx.now().await?)),
        closed_at: Set(None),
        outcome: Set(None),
    };
    let id = row.id.clone().unwrap();
    order_round::Entity::insert(row).exec_without_returning(tx.on()).await?;
    Ok(Some(id))
}

/// Closes the open round of a locked order whose lines have all ended, and tells of it.
pub(super) async fn close(tx: &Tx<'_>, of: &order::Model, lines: &[order_line::Model]) -> Result<(), DbError> {
    if lines.iter().any(|line| !line.render_status.0.is_terminal()) {
        return Ok(());
    }
    let Some(mut round) = open(tx, of.tenant_id.0, of.id.0).await? else { return Ok(()) };
    round.closed_at = Some(Col(tx.now().await?));
    tell(tx, of, lines, round).await
}

/// Tells of closed rounds of which nobody was told, in all tenants: there are none, unless something has gone wrong.
/// Returns how many there were.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn tell_missed(db: &Db, all: AllTenants) -> Result<usize, DbError> {
    let missed = db
        .read(all, (), |tx, ()| {
            Box::pin(async move {
                let missed = order_round::Entity::find()
                    .filter(order_round::Column::Outcome.is_null())
                    .filter(order_round::Column::ClosedAt.is_not_null())
                    .order_by_asc(order_round::Column::ClosedAt)
                    .limit(MISSED_AT_ONCE);
                Ok(missed.all(tx.on()).await?)
            })
        })
        .await?;
    let n_missed = missed.len();
    for round in missed {
        let (tenant, order) = (round.tenant_id.0, round.order_id.0);
        // One that cannot be told of keeps no other back.
        if let Err(reason) = db.write(all, (tenant, order, round.id.0), |tx, key| Box::pin(tell_one(tx, *key))).await {
            tracing::error!(%tenant, %order, "nobody can be told that an order is complete: {reason}");
        }
    }
    Ok(n_missed)
}

async fn tell_one(tx: &Tx<'_>, (tenant, order, id): (TenantId, OrderId, RoundId)) -> Result<(), DbError> {
    let of = match lock(tx, tenant, OrderRef { id: order, owner: None }).await {
        // It has gone with its order.
        Err(DbError::NotFound(_)) => return Ok(()),
        of => of?,
    };
    let round = order_round::Entity::find_by_id((Col(tenant), Col(id))).one(tx.on()).await?;
    // Another process may have told of it meanwhile.
    let Some(round) = round.filter(|round| round.outcome.is_none() && round.closed_at.is_some()) else {
        return Ok(());
    };
    let all = lines::of_order(tx, tenant, order).await?;
    tell(tx, &of, &all, round).await
}

/// Tells of a round that is closed, and writes it.
async fn tell(
    tx: &Tx<'_>,
    of: &order::Model,
    lines: &[order_line::Model],
    mut round: order_round::Model,
) -> Result<(), DbError> {
    // The first round counts all lines, a later one those that were rendered in it.
    let counted = |line: &&order_line::Model| round.round_no == 1 || line.round_id == Some(round.id);
    let counted: Vec<&order_line::Model> = lines.iter().filter(counted).collect();
    let ended: LineCounts = counted.iter().map(|line| line.render_status.0).collect();
    let summary = RoundSummary::of(ended).filter(|_| of.status.0 != OrderStatus::Rejected);
    let is_told = match summary {
        Some(summary) => {
            let said = Said {
                severity: summary.severity(),
                data: figures(tx, of, &round, summary, &counted).await?,
                ..Said::of_order(Message::new(&summary.message(&of.order_number.0)), of.id.0)
            };
            let event = Published::of_said(WebhookEvent::RenderingComplete, &said);
            tx.told(|told| told.publish(of.tenant_id.0, event));
            let users = recipients(tx, of, &round, lines).await?;
            channels::notify(tx, of.tenant_id.0, users, NotificationType::RenderingComplete, &said).await?
        }
        None => false,
    };
    round.outcome = Some(Col(if is_told { RoundOutcome::Told } else { RoundOutcome::Silent }));
    round.into_active_model().reset_all().update_without_returning(tx.on()).await?;
    Ok(())
}

/// The order's creator, and whoever dispatched a line whose work ended in the round.
async fn recipients(
    tx: &Tx<'_>,
    of: &order::Model,
    round: &order_round::Model,
    lines: &[order_line::Model],
) -> Result<Vec<UserId>, DbError> {
    let jobs = job::Entity::find()
        .filter(job::Column::TenantId.eq(of.tenant_id))
        .filter(job::Column::RecordId.is_in(lines.iter().map(|line| line.id.0.uuid())))
        .filter(job::Column::CompletedAt.gte(round.opened_at))
        .all(tx.on())
        .await?;
    Ok(jobs.into_iter().map(|job| job.created_by.0).chain([of.created_by.0]).collect())
}

/// The figures behind a summary.
async fn figures(
    tx: &Tx<'_>,
    of: &order::Model,
    round: &order_round::Model,
    summary: RoundSummary,
    counted: &[&order_line::Model],
) -> Result<Value, DbError> {
    let ended = summary.lines();
    let has_unmapped = |line: &&&order_line::Model| {
        line.render_status.0 == RenderStatus::Completed && line.unmapped_parts.is_some_and(|n| n > 0)
    };
    let failed: Vec<&order_line::Model> =
        counted.iter().copied().filter(|line| line.render_status.0 == RenderStatus::Failed).collect();
    let named = &failed[..failed.len().min(FAILED_MAX)];
    let closed_at = round.closed_at.unwrap_or(round.opened_at).0;
    Ok(json!({
        "order_number": of.order_number.0.as_str(),
        "submission_no": round.submission_no,
        "round_no": round.round_no,
        "total": ended.total(),
        "succeeded": ended.completed,
        "failed": ended.failed,
        "cancelled": ended.cancelled,
        "unmapped_lines": counted.iter().filter(has_unmapped).count(),
        "duration_s": (closed_at.unix_ms() - round.opened_at.0.unix_ms()) as f64 / 1_000.0,
        "failed_lines": failed_lines(tx, of.tenant_id.0, named).await?,
        "truncated": failed.len() > named.len(),
    }))
}

/// Which lines failed, of what, and with which code.
async fn failed_lines(tx: &Tx<'_>, tenant: TenantId, lines: &[&order_line::Model]) -> Result<Vec<Value>, DbError> {
    if lines.is_empty() {
        return Ok(Vec::new());
    }
    let products = product::Entity::find()
        .filter(product::Column::TenantId.eq(Col(tenant)))
        .filter(product::Column::Id.is_in(lines.iter().map(|line| line.product_id)));
    let names: HashMap<ProductId, String> =
        products.all(tx.on()).await?.into_iter().map(|row| (row.id.0, row.name.0.to_string())).collect();
    let jobs = job::Entity::find()
        .filter(job::Column::TenantId.eq(Col(tenant)))
        .filter(job::Column::Id.is_in(lines.iter().filter_map(|line| line.job_id)));
    let codes: HashMap<JobId, Option<String>> =
        jobs.all(tx.on()).await?.into_iter().map(|row| (row.id.0, row.error_code)).collect();
    let shown = |line: &&order_line::Model| {
        json!({
            "order_line_id": line.id.0.to_string(),
            "product_name": names.get(&line.product_id.0),
            "code": line.job_id.and_then(|job| codes.get(&job.0)),
        })
    };
    Ok(lines.iter().map(shown).collect())
}

fn of_order(tenant: TenantId, order: OrderId) -> sea_orm::Select<order_round::Entity> {
    let of_tenant = order_round::Entity::find().filter(order_round::Column::TenantId.eq(Col(tenant)));
    of_tenant.filter(order_round::Column::OrderId.eq(Col(order)))
}

async fn open(tx: &Tx<'_>, tenant: TenantId, order: OrderId) -> Result<Option<order_round::Model>, DbError> {
    Ok(of_order(tenant, order).filter(order_round::Column::ClosedAt.is_null()).one(tx.on()).await?)
}
