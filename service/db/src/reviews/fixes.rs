//! Suggested fixes, as rows, with their history.

use std::collections::{HashMap, HashSet};

use sea_orm::ActiveValue::Set;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
};
use serde_json::json;
use uuid::Uuid;

use super::stored::{read_signals, write_signals};
use super::{Fix, FixChange, Rerender, announce};
use crate::column::Col;
use crate::entity::suggested_fix::{ActiveModel, Column, Entity, Model};
use crate::entity::{fix_change, review_part};
use crate::tx::Tx;
use crate::{DbError, Json};
use packshot_domain::fix::{FixAction, FixNotes, FixState, FixStatus, OutcomeProposal, SHUNNED_DAYS};
use packshot_domain::id::{FixId, OrderLineId, ReviewId, TaskId, TenantId};
use packshot_domain::review::Proposal;
use packshot_domain::time::Timestamp;

/// A day, in milliseconds.
const DAY_MS: i64 = 86_400_000;

/// The fixes of each of these reviews, by part, then by rank.
pub(super) async fn of_all(
    tx: &Tx<'_>,
    reviews: &[(TenantId, ReviewId)],
) -> Result<HashMap<ReviewId, Vec<Fix>>, DbError> {
    let mut found: HashMap<ReviewId, Vec<Fix>> = HashMap::new();
    if reviews.is_empty() {
        return Ok(found);
    }
    let (tenants, ids): (Vec<_>, Vec<_>) = reviews.iter().map(|(tenant, id)| (Col(*tenant), Col(*id))).unzip();
    let rows = Entity::find().filter(Column::TenantId.is_in(tenants.clone())).filter(Column::ReviewId.is_in(ids));
    let rows = rows.order_by_asc(Column::PartPosition).order_by_asc(Column::Rank).order_by_asc(Column::Id);
    let rows = rows.all(tx.on()).await?;
    let changed: Vec<Col<FixId>> = rows.iter().map(|row| row.id).collect();
    let mut history: HashMap<FixId, Vec<FixChange>> = HashMap::new();
    for changed in changed.chunks(1_000) {
        let of_them = fix_change::Entity::find()
            .filter(fix_change::Column::TenantId.is_in(tenants.clone()))
            .filter(fix_change::Column::FixId.is_in(changed.to_vec()));
        for row in of_them.order_by_asc(fix_change::Column::Seq).all(tx.on()).await? {
            let fix_change::Model { fix_id, seq, at, actor_id: actor, action, from_status, to_status, notes, .. } = row;
            history.entry(fix_id.0).or_default().push(FixChange {
                seq,
                at: at.0,
                actor,
                action: action.0,
                from: from_status.0,
                to: to_status.0,
                notes: notes.map(Col::value),
            });
        }
    }
    for row in rows {
        let (review, history) = (row.review_id.0, history.remove(&row.id.0).unwrap_or_default());
        found.entry(review).or_default().push(fix_of(row, history)?);
    }
    Ok(found)
}

fn fix_of(row: Model, history: Vec<FixChange>) -> Result<Fix, DbError> {
    let state = state_of(&row);
    Ok(Fix {
        id: row.id.0,
        review: row.review_id.0,
        part_position: row.part_position,
        rank: row.rank,
        title: row.title,
        description: row.description,
        confidence_pct: u8::try_from(row.confidence_pct).unwrap_or(0),
        alias: row.alias,
        alias_key: row.alias_key,
        scope: row.scope.0,
        material: row.material,
        signals: read_signals(row.signals.0)?,
        state,
        alias_id: row.alias_id.map(Col::value),
        wrote_alias: row.wrote_alias,
        rerender: row.rerender.map(|stored| rerender_of(&stored.0)),
        history,
        created_at: row.created_at.0,
        updated_at: row.updated_at.0,
    })
}

/// What was said of a fix so far.
pub(super) fn state_of(row: &Model) -> FixState {
    let reason = row.verdict_reason.clone().unwrap_or_default();
    FixState {
        status: row.status.0,
        applied_at: row.applied_at.map(Col::value),
        verified_at: row.verified_at.map(Col::value),
        partial_notes: row.partial_notes.clone().map(Col::value),
        pending_reason: row.pending_reason.clone().map(Col::value),
        failure_reason: row.failure_reason.clone().map(Col::value),
        outcome_proposal: row.verdict.map(|verdict| OutcomeProposal { verdict: verdict.0, reason }),
    }
}

/// Writes what was said of a fix into its row.
pub(super) fn set_state(row: &mut Model, state: FixState) {
    row.status = Col(state.status);
    row.applied_at = state.applied_at.map(Col);
    row.verified_at = state.verified_at.map(Col);
    row.partial_notes = state.partial_notes.map(Col);
    row.pending_reason = state.pending_reason.map(Col);
    row.failure_reason = state.failure_reason.map(Col);
    let (verdict, reason) = state.outcome_proposal.map(|proposal| (Col(proposal.verdict), proposal.reason)).unzip();
    (row.verdict, row.verdict_reason) = (verdict, reason);
}

/// What was rendered again, as JSON.
pub(super) fn write_rerender(rerender: &Rerender) -> Json {
    let Rerender { lines, tasks, skipped } = rerender;
    json!({
        "lines": lines.iter().map(OrderLineId::to_string).collect::<Vec<_>>(),
        "tasks": tasks.iter().map(TaskId::to_string).collect::<Vec<_>>(),
        "skipped": skipped,
    })
}

fn rerender_of(stored: &Json) -> Rerender {
    let texts = |member: &str| {
        let list = stored[member].as_array().cloned().unwrap_or_default();
        list.into_iter().filter_map(|text| text.as_str().map(str::to_owned)).collect::<Vec<_>>()
    };
    Rerender {
        lines: texts("lines").iter().filter_map(|text| text.parse().ok()).collect(),
        tasks: texts("tasks").iter().filter_map(|text| text.parse().ok()).collect(),
        skipped: stored["skipped"].as_u64().and_then(|n| u32::try_from(n).ok()).unwrap_or(0),
    }
}

/// The fixes of a review, as rows, by part, then by rank.
pub(super) async fn rows(tx: &Tx<'_>, tenant: TenantId, review: ReviewId) -> Result<Vec<Model>, DbError> {
    let rows = Entity::find().filter(Column::TenantId.eq(Col(tenant))).filter(Column::ReviewId.eq(Col(review)));
    let rows = rows.order_by_asc(Column::PartPosition).order_by_asc(Column::Rank).order_by_asc(Column::Id);
    Ok(rows.all(tx.on()).await?)
}

/// A fix of a review.
pub(super) async fn find(tx: &Tx<'_>, tenant: TenantId, review: ReviewId, fix: FixId) -> Result<Model, DbError> {
    let row = Entity::find_by_id((Col(tenant), Col(fix))).one(tx.on()).await?;
    row.filter(|row| row.review_id.0 == review).ok_or(DbError::NotFound("suggested fix"))
}

/// Writes a fix, and says so in the stream of its review.
pub(super) async fn save(tx: &Tx<'_>, row: &mut Model) -> Result<(), DbError> {
    row.updated_at = Col(tx.now().await?);
    Entity::update(row.clone().into_active_model().reset_all()).exec_without_returning(tx.on()).await?;
    announce(tx, row);
    Ok(())
}

/// Adds to the history of a fix.
pub(super) async fn record(
    tx: &Tx<'_>,
    row: &Model,
    (action, actor): (FixAction, Option<Uuid>),
    (from, to): (FixStatus, FixStatus),
    notes: Option<FixNotes>,
) -> Result<(), DbError> {
    use fix_change::Column as C;
    let earlier = fix_change::Entity::find().filter(C::TenantId.eq(row.tenant_id)).filter(C::FixId.eq(row.id));
    let n_earlier = earlier.count(tx.on()).await?;
    let change = fix_change::Model {
        tenant_id: row.tenant_id,
        fix_id: row.id,
        seq: i32::try_from(n_earlier + 1).unwrap_or(i32::MAX),
        at: Col(tx.now().await?),
        actor_id: actor,
        action: Col(action),
        from_status: Col(from),
        to_status: Col(to),
        notes: notes.map(Col),
    };
    fix_change::Entity::insert(change.into_active_model().reset_all()).exec_without_returning(tx.on()).await?;
    Ok(())
}

/// Dismisses what is open of fixes for a part that another fix has resolved. Returns whether there was any.
pub(super) async fn dismiss_open(
    tx: &Tx<'_>,
    rows: &mut [Model],
    part_position: i32,
    by: FixId,
    actor: Option<Uuid>,
) -> Result<bool, DbError> {
    let mut any = false;
    for row in rows.iter_mut().filter(|row| row.part_position == part_position && row.id.0 != by) {
        let from = row.status.0;
        if from.is_terminal() {
            continue;
        }
        row.status = Col(FixStatus::Dismissed);
        (row.verdict, row.verdict_reason) = (None, None);
        save(tx, row).await?;
        let notes = Some(FixNotes::resolved_by(by));
        record(tx, row, (FixAction::Resolved, actor), (from, FixStatus::Dismissed), notes).await?;
        any = true;
    }
    Ok(any)
}

/// Whether anything was ever done to a fix.
fn is_untouched(row: &Model) -> bool {
    row.status.0 == FixStatus::Proposed && row.applied_at.is_none() && row.verdict.is_none()
}

/// The materials that a person dismissed for a name, or saw fail, not long ago.
async fn shunned(tx: &Tx<'_>, part: &review_part::Model, now: Timestamp) -> Result<HashSet<String>, DbError> {
    let since = Timestamp::from_unix_ms(now.unix_ms() - SHUNNED_DAYS * DAY_MS);
    let of_name = Entity::find()
        .filter(Column::TenantId.eq(part.tenant_id))
        .filter(Column::Scope.eq(part.scope))
        .filter(Column::AliasKey.eq(part.alias_key.as_str()))
        .filter(Column::ShunnedAt.gt(Col(since)));
    let materials = of_name.select_only().column(Column::Material).distinct();
    Ok(materials.into_tuple::<String>().all(tx.on()).await?.into_iter().collect())
}

/// Puts proposals in the place of those for a part to which nothing was done. Returns whether that changed any.
pub(super) async fn propose(
    tx: &Tx<'_>,
    part: &review_part::Model,
    rows: &mut Vec<Model>,
    (alias, proposals): (&str, &[Proposal]),
) -> Result<bool, DbError> {
    let now = tx.now().await?;
    let shunned = shunned(tx, part, now).await?;
    let (own, others): (Vec<Model>, Vec<Model>) =
        std::mem::take(rows).into_iter().partition(|row| row.part_position == part.position);
    *rows = others;
    let (untouched, mut kept): (Vec<Model>, Vec<Model>) = own.into_iter().partition(is_untouched);
    let mut untouched: HashMap<String, Model> = untouched.into_iter().map(|row| (row.material.clone(), row)).collect();
    let is_open = |material: &str| {
        kept.iter().any(|row| row.material == material && (!row.status.0.is_terminal() || row.shunned_at.is_some()))
    };
    let wanted = proposals.iter().filter(|new| !shunned.contains(&new.material) && !is_open(&new.material));
    let wanted: Vec<&Proposal> = wanted.collect();
    let mut changed = false;
    for new in wanted {
        let confidence_pct = i32::from(new.confidence_pct);
        match untouched.remove(&new.material) {
            Some(row) if row.confidence_pct == confidence_pct && row.description == new.description => kept.push(row),
            Some(mut row) => {
                (row.confidence_pct, row.description) = (confidence_pct, new.description.clone());
                row.signals = Col(write_signals(&new.signals));
                save(tx, &mut row).await?;
                kept.push(row);
                changed = true;
            }
            None => {
                let row = fresh(part, alias, new, now);
                Entity::insert(row.clone().into_active_model().reset_all()).exec_without_returning(tx.on()).await?;
                announce(tx, &row);
                kept.push(row);
                changed = true;
            }
        }
    }
    if !untouched.is_empty() {
        let gone = untouched.values().map(|row| row.id);
        let these = Entity::delete_many().filter(Column::TenantId.eq(part.tenant_id)).filter(Column::Id.is_in(gone));
        these.exec(tx.on()).await?;
        changed = true;
    }
    kept.sort_by_key(|row| std::cmp::Reverse(row.confidence_pct));
    for (rank, row) in (1..).zip(&mut kept) {
        if row.rank != rank {
            row.rank = rank;
            let ranked = ActiveModel { rank: Set(rank), ..Default::default() };
            let it = Entity::update_many().set(ranked).filter(Column::TenantId.eq(row.tenant_id));
            it.filter(Column::Id.eq(row.id)).exec(tx.on()).await?;
        }
    }
    rows.extend(kept);
    rows.sort_by_key(|row| (row.part_position, row.rank));
    Ok(changed)
}

fn fresh(part: &review_part::Model, alias: &str, new: &Proposal, now: Timestamp) -> Model {
    Model {
        tenant_id: part.tenant_id,
        id: Col(FixId::new()),
        review_id: part.review_id,
        part_position: part.position,
        rank: 0,
        title: format!("Map '{alias}' to {}", new.material),
        description: new.description.clone(),
        confidence_pct: i32::from(new.confidence_pct),
        alias: alias.to_owned(),
        alias_key: part.alias_key.clone(),
        scope: part.scope,
        material: new.material.clone(),
        signals: Col(write_signals(&new.signals)),
        status: Col(FixStatus::Proposed),
        applied_at: None,
        verified_at: None,
        partial_notes: None,
        pending_reason: None,
        failure_reason: None,
        verdict: None,
        verdict_reason: None,
        alias_id: None,
        wrote_alias: false,
        rerender: None,
        shunned_at: None,
        created_at: Col(now),
        updated_at: Col(now),
    }
}
