//! What newest pictures show: how the end of a render changes the review that it is for, and what reviews of others
//! learn from it (suggested-fixes.md §1, §4, §5).

use std::collections::BTreeSet;

use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect,
};

use super::{ProposedPart, Review, advance, find_of, fixes, lock_all, parts, read_parts, whole};
use crate::column::Col;
use crate::entity::{design_job, material_review, order_line, product, render, review_part, suggested_fix};
use crate::level::Level;
use crate::tx::Tx;
use crate::{Db, DbError, TenantScope, tenant_configs};
use packshot_domain::design_job::DesignStatus;
use packshot_domain::feature::Feature;
use packshot_domain::fix::{OutcomeProposal, Verdict};
use packshot_domain::id::{CadFileId, DesignJobId, FixId, OrderLineId, ProductId, RenderId, ReviewId, TenantId};
use packshot_domain::material_alias::AliasScope;
use packshot_domain::review::{ReviewEvent, ReviewStatus, ReviewSubject, UnmappedPart};
use packshot_domain::time::Timestamp;

/// The product of a line or a design, and the CAD file of that.
type About = (Option<ProductId>, Option<CadFileId>);

/// Names without a material in the newest pictures of a line, a render or a design job, and its product.
#[derive(Clone, Debug, PartialEq)]
pub struct Unmapped {
    /// The names.
    pub parts: Vec<UnmappedPart>,
    /// The product.
    pub product: Option<ProductId>,
}

/// What was found where a review was asked for.
#[derive(Clone, Debug, PartialEq)]
pub enum Opened {
    /// It was made.
    Made(Box<Review>),
    /// It was there.
    There(Box<Review>),
    /// There is nothing to review.
    Nothing,
}

/// Names without a material in the newest pictures of a line, a render or a design job: what a review of it would be
/// about.
///
/// # Errors
///
/// [`DbError::NotFound`].
pub async fn unmapped_of(db: &Db, scope: TenantScope, subject: ReviewSubject) -> Result<Unmapped, DbError> {
    db.read(scope, (scope.tenant, subject), |tx, (tenant, subject)| {
        Box::pin(async move {
            let (stored, product) = match *subject {
                ReviewSubject::Line(line) => {
                    let row = order_line::Entity::find_by_id((Col(*tenant), Col(line))).one(tx.on()).await?;
                    let row = row.ok_or(DbError::NotFound("order line"))?;
                    (row.unmapped, Some(row.product_id.0))
                }
                ReviewSubject::Render(id) => {
                    let row = render::Entity::find_by_id((Col(*tenant), Col(id))).one(tx.on()).await?;
                    (row.ok_or(DbError::NotFound("render"))?.unmapped, None)
                }
                ReviewSubject::Design(id) => {
                    let row = design_job::Entity::find_by_id((Col(*tenant), Col(id))).one(tx.on()).await?;
                    let row = row.ok_or(DbError::NotFound("design job"))?;
                    let is_shown = row.status.0 == DesignStatus::Completed;
                    (row.unmapped.filter(|_| is_shown), Some(row.product_id.0))
                }
            };
            let parts = stored.map_or(Ok(Vec::new()), |stored| read_parts(stored.0))?;
            Ok(Unmapped { parts, product })
        })
    })
    .await
}

/// Makes the review of a line, a render or a design job, where there is none yet.
///
/// # Errors
///
/// [`DbError::NotFound`].
pub async fn open(
    db: &Db,
    scope: TenantScope,
    subject: ReviewSubject,
    proposed: Vec<ProposedPart>,
) -> Result<Opened, DbError> {
    db.write(scope, (scope.tenant, subject, proposed), |tx, (tenant, subject, proposed)| {
        Box::pin(async move {
            if let Some(there) = find_of(tx, *tenant, *subject).await? {
                return Ok(Opened::There(Box::new(whole(tx, there).await?)));
            }
            if proposed.is_empty() {
                return Ok(Opened::Nothing);
            }
            let about = about(tx, *tenant, *subject).await?;
            let Some(made) = make(tx, *tenant, *subject, about, proposed).await? else {
                let there = find_of(tx, *tenant, *subject).await?.ok_or(DbError::NotFound("material review"))?;
                return Ok(Opened::There(Box::new(whole(tx, there).await?)));
            };
            tx.write_events().await?;
            Ok(Opened::Made(Box::new(whole(tx, made).await?)))
        })
    })
    .await
}

/// Puts fresh proposals into a review. What was done to fixes stays.
///
/// # Errors
///
/// [`DbError::NotFound`].
pub async fn refresh(db: &Db, scope: TenantScope, id: ReviewId, fresh: Vec<ProposedPart>) -> Result<Review, DbError> {
    db.write(scope, (scope.tenant, id, fresh), |tx, (tenant, id, fresh)| {
        Box::pin(async move {
            let mut review = super::lock(tx, *tenant, *id).await?;
            let own = parts::of(tx, *tenant, *id).await?;
            let mut rows = fixes::rows(tx, *tenant, *id).await?;
            if propose_all(tx, &own, &mut rows, fresh).await? {
                advance(tx, &mut review).await?;
            }
            tx.write_events().await?;
            whole(tx, review).await
        })
    })
    .await
}

/// The product of a line or a design, and its CAD file.
async fn about(tx: &Tx<'_>, tenant: TenantId, subject: ReviewSubject) -> Result<About, DbError> {
    let id = match subject {
        ReviewSubject::Line(line) => {
            let row = order_line::Entity::find_by_id((Col(tenant), Col(line))).one(tx.on()).await?;
            row.ok_or(DbError::NotFound("order line"))?.product_id
        }
        ReviewSubject::Design(job) => {
            let row = design_job::Entity::find_by_id((Col(tenant), Col(job))).one(tx.on()).await?;
            row.ok_or(DbError::NotFound("design job"))?.product_id
        }
        ReviewSubject::Render(_) => return Ok((None, None)),
    };
    let product = product::Entity::find_by_id((Col(tenant), id)).one(tx.on()).await?;
    Ok((Some(id.0), product.and_then(|product| product.cad_file_id).map(Col::value)))
}

/// Locks the review of a line whose pictures are about to change, and those that would learn from it.
pub(crate) async fn lock_of_line(tx: &Tx<'_>, tenant: TenantId, line: OrderLineId) -> Result<(), DbError> {
    lock_with_learners(tx, tenant, ReviewSubject::Line(line)).await
}

/// The same for a render, which may have been made anew for a review.
pub(crate) async fn lock_of_render(tx: &Tx<'_>, tenant: TenantId, render: RenderId) -> Result<(), DbError> {
    lock_with_learners(tx, tenant, ReviewSubject::Render(render)).await
}

/// The same for a design job.
pub(crate) async fn lock_of_design(tx: &Tx<'_>, tenant: TenantId, job: DesignJobId) -> Result<(), DbError> {
    lock_with_learners(tx, tenant, ReviewSubject::Design(job)).await
}

async fn lock_with_learners(tx: &Tx<'_>, tenant: TenantId, subject: ReviewSubject) -> Result<(), DbError> {
    tx.enter(Level::Review);
    let Some(own) = reported_to(tx, tenant, subject).await? else { return Ok(()) };
    let mut ids = BTreeSet::from([own.id.0]);
    for fix in fixes::rows(tx, tenant, own.id.0).await?.into_iter().filter(is_on_trial) {
        ids.extend(with_name(tx, tenant, fix.scope.0, &fix.alias_key).await?);
    }
    lock_all(tx, tenant, &ids.into_iter().collect::<Vec<_>>()).await.map(drop)
}

/// The review that the pictures of a line, a render or a design job report to.
async fn reported_to(
    tx: &Tx<'_>,
    tenant: TenantId,
    subject: ReviewSubject,
) -> Result<Option<material_review::Model>, DbError> {
    use material_review::Column as C;
    let (own, again) = match subject {
        ReviewSubject::Line(_) => return find_of(tx, tenant, subject).await,
        ReviewSubject::Render(render) => (C::RenderId.eq(Col(render)), render.uuid()),
        ReviewSubject::Design(job) => (C::DesignJobId.eq(Col(job)), job.uuid()),
    };
    let of_it = Condition::any().add(own).add(C::AgainId.eq(again));
    let of_it = material_review::Entity::find().filter(C::TenantId.eq(Col(tenant))).filter(of_it);
    Ok(of_it.order_by_asc(C::Id).one(tx.on()).await?)
}

/// Whether a fix was applied, and nobody has said for good how it went.
fn is_on_trial(fix: &suggested_fix::Model) -> bool {
    fix.applied_at.is_some() && fix.alias_id.is_some() && !fix.status.0.is_terminal()
}

/// The open reviews with an unresolved part of a name.
async fn with_name(tx: &Tx<'_>, tenant: TenantId, scope: AliasScope, key: &str) -> Result<Vec<ReviewId>, DbError> {
    let sql = "SELECT DISTINCT r.id FROM material_reviews r \
               JOIN review_parts p ON p.tenant_id = r.tenant_id AND p.review_id = r.id \
               WHERE r.tenant_id = $1 AND r.status = $2 AND p.scope = $3 AND p.alias_key = $4 AND p.resolved = FALSE";
    let values =
        [crate::column::arg(tenant), crate::column::arg(ReviewStatus::Open), crate::column::arg(scope), key.into()];
    let rows = tx.query(sql, values).await?;
    Ok(rows.iter().map(|row| crate::column::cell(row, 0)).collect::<Result<_, _>>()?)
}

/// What the newest pictures of a line, a render or a design job show, with the aliases of `with_aliases_of`. Its
/// review, and those that learn from it, are locked.
pub(crate) async fn seen(
    tx: &Tx<'_>,
    tenant: TenantId,
    (subject, with_aliases_of): (ReviewSubject, Timestamp),
    shown: &[ProposedPart],
) -> Result<(), DbError> {
    if !tenant_configs::load(tx, tenant).await?.config.features.has(Feature::SuggestedFixes) {
        return Ok(());
    }
    let Some(mut review) = reported_to(tx, tenant, subject).await? else {
        if shown.is_empty() {
            return Ok(());
        }
        let about = about(tx, tenant, subject).await?;
        return make(tx, tenant, subject, about, shown).await.map(drop);
    };
    let id = review.id.0;
    let mut own = parts::of(tx, tenant, id).await?;
    let mut rows = fixes::rows(tx, tenant, id).await?;
    let mut changed = match_up(tx, (tenant, id), &mut own, shown).await?;
    let mut learned: Vec<(AliasScope, String, FixId)> = Vec::new();
    for part in &own {
        changed |= judge(tx, part, &mut rows, with_aliases_of).await?;
        let by = part.resolved_by.filter(|_| part.resolved).map(Col::value);
        let Some(by) = by else { continue };
        match rows.iter().find(|row| row.id.0 == by) {
            Some(fix) if is_on_trial(fix) => learned.push((part.scope.0, part.alias_key.clone(), by)),
            Some(_) => {}
            // It was resolved from elsewhere.
            None => changed |= fixes::dismiss_open(tx, &mut rows, part.position, by, None).await?,
        }
    }
    changed |= propose_all(tx, &own, &mut rows, shown).await?;
    let status = review.status.0.next(ReviewEvent::PartsChange, parts::any_unresolved(&own));
    changed |= status != review.status.0;
    review.status = Col(status);
    if changed {
        advance(tx, &mut review).await?;
    }
    for (scope, key, fix) in learned {
        teach(tx, tenant, (scope, &key), fix, id).await?;
    }
    Ok(())
}

/// Brings the parts of a review up to what pictures show. Returns whether that changed any.
async fn match_up(
    tx: &Tx<'_>,
    (tenant, review): (TenantId, ReviewId),
    own: &mut Vec<review_part::Model>,
    shown: &[ProposedPart],
) -> Result<bool, DbError> {
    let now = tx.now().await?;
    let mut changed = false;
    for row in own.iter_mut() {
        match shown.iter().find(|shown| parts::is_of(row, &shown.part)) {
            Some(ProposedPart { part, .. }) => {
                changed |= row.resolved || !row.in_fallback;
                (row.in_fallback, row.resolved, row.resolved_by, row.resolved_alias) = (true, false, None, None);
                parts::describe(row, part, now);
            }
            None if row.in_fallback => {
                changed = true;
                row.in_fallback = false;
                if !row.resolved {
                    row.resolved = true;
                    let alias = parts::alias_of(tx, tenant, row.scope.0, &row.alias_key).await?;
                    (row.resolved_by, row.resolved_alias) =
                        (alias.as_ref().and_then(|alias| alias.fix_id), alias.map(|alias| alias.id));
                }
            }
            None => continue,
        }
        parts::save(tx, row).await?;
    }
    for ProposedPart { part, .. } in shown {
        if !own.iter().any(|row| parts::is_of(row, part)) {
            let position = own.last().map_or(0, |last| last.position + 1);
            own.push(parts::insert(tx, (tenant, review), position, part).await?);
            changed = true;
        }
    }
    Ok(changed)
}

/// Suggests an outcome for each fix of a part that is on trial. Returns whether there was any. Pictures that were begun
/// before a fix was applied say nothing of it.
async fn judge(
    tx: &Tx<'_>,
    part: &review_part::Model,
    rows: &mut [suggested_fix::Model],
    with_aliases_of: Timestamp,
) -> Result<bool, DbError> {
    let mut any = false;
    let is_judged = |row: &&mut suggested_fix::Model| {
        let is_later = row.applied_at.is_some_and(|applied_at| applied_at.0 > with_aliases_of);
        row.part_position == part.position && is_on_trial(row) && !is_later
    };
    for row in rows.iter_mut().filter(is_judged) {
        let mut state = fixes::state_of(row);
        let (verdict, reason) = if part.in_fallback {
            let why = part.reason.0;
            (Verdict::Failed, format!("Part '{}' is still in the fallback material: {why}", part.part_name))
        } else {
            (Verdict::Success, format!("Part '{}' now renders with {}", part.part_name, row.material))
        };
        let proposal = Some(OutcomeProposal { verdict, reason });
        if state.outcome_proposal != proposal {
            state.outcome_proposal = proposal;
            fixes::set_state(row, state);
            fixes::save(tx, row).await?;
            any = true;
        }
    }
    Ok(any)
}

/// Puts proposals for unresolved parts into a review. Returns whether that changed any.
async fn propose_all(
    tx: &Tx<'_>,
    own: &[review_part::Model],
    rows: &mut Vec<suggested_fix::Model>,
    fresh: &[ProposedPart],
) -> Result<bool, DbError> {
    let mut changed = false;
    for row in own.iter().filter(|row| !row.resolved) {
        let Some(ProposedPart { part, proposals }) = fresh.iter().find(|fresh| parts::is_of(row, &fresh.part)) else {
            continue;
        };
        changed |= fixes::propose(tx, row, rows, (part.alias(), proposals)).await?;
    }
    Ok(changed)
}

/// Tells other open reviews that a fix has resolved a name.
async fn teach(
    tx: &Tx<'_>,
    tenant: TenantId,
    (scope, key): (AliasScope, &str),
    fix: FixId,
    own: ReviewId,
) -> Result<(), DbError> {
    let alias = parts::alias_of(tx, tenant, scope, key).await?.map(|alias| alias.id);
    for id in with_name(tx, tenant, scope, key).await?.into_iter().filter(|id| *id != own) {
        let mut review = super::find(tx, tenant, id).await?;
        let mut of_it = parts::of(tx, tenant, id).await?;
        let mut rows = fixes::rows(tx, tenant, id).await?;
        for part in of_it.iter_mut().filter(|part| !part.resolved && part.scope.0 == scope && part.alias_key == key) {
            (part.resolved, part.resolved_by, part.resolved_alias) = (true, Some(Col(fix)), alias);
            parts::save(tx, part).await?;
            fixes::dismiss_open(tx, &mut rows, part.position, fix, None).await?;
        }
        review.status = Col(review.status.0.next(ReviewEvent::PartsChange, parts::any_unresolved(&of_it)));
        advance(tx, &mut review).await?;
    }
    Ok(())
}

/// Makes a review; `None` when there is one by now.
async fn make(
    tx: &Tx<'_>,
    tenant: TenantId,
    subject: ReviewSubject,
    (product, cad_file): About,
    shown: &[ProposedPart],
) -> Result<Option<material_review::Model>, DbError> {
    let now = tx.now().await?;
    let (line, render, design) = match subject {
        ReviewSubject::Line(line) => (Some(line), None, None),
        ReviewSubject::Render(render) => (None, Some(render), None),
        ReviewSubject::Design(job) => (None, None, Some(job)),
    };
    let row = material_review::Model {
        tenant_id: Col(tenant),
        id: Col(ReviewId::new()),
        order_line_id: line.map(Col),
        render_id: render.map(Col),
        design_job_id: design.map(Col),
        again_id: None,
        product_id: product.map(Col),
        cad_file_id: cad_file.map(Col),
        status: Col(ReviewStatus::Open),
        // The first version is written when its parts are there.
        state_version: 0,
        created_at: Col(now),
        updated_at: Col(now),
    };
    let insert = material_review::Entity::insert(row.clone().into_active_model().reset_all());
    let only_once = insert.on_conflict(OnConflict::new().do_nothing().to_owned());
    if only_once.exec_without_returning(tx.on()).await? == 0 {
        return Ok(None);
    }
    let mut review = row;
    let mut own = Vec::new();
    match_up(tx, (tenant, review.id.0), &mut own, shown).await?;
    propose_all(tx, &own, &mut Vec::new(), shown).await?;
    advance(tx, &mut review).await?;
    Ok(Some(review))
}

/// The lines of the reviews of which the newest pictures show a name in the fallback material.
pub(super) async fn lines_showing(
    tx: &Tx<'_>,
    tenant: TenantId,
    scope: AliasScope,
    key: &str,
) -> Result<Vec<OrderLineId>, DbError> {
    use material_review::Column as C;
    let ids = review_part::Entity::find()
        .filter(review_part::Column::TenantId.eq(Col(tenant)))
        .filter(review_part::Column::Scope.eq(Col(scope)))
        .filter(review_part::Column::AliasKey.eq(key))
        .filter(review_part::Column::InFallback.eq(true));
    let ids: Vec<Col<ReviewId>> =
        ids.select_only().column(review_part::Column::ReviewId).distinct().into_tuple().all(tx.on()).await?;
    let mut lines: BTreeSet<OrderLineId> = BTreeSet::new();
    for ids in ids.chunks(1_000) {
        let of_lines = material_review::Entity::find()
            .filter(C::TenantId.eq(Col(tenant)))
            .filter(C::Id.is_in(ids.to_vec()))
            .filter(C::OrderLineId.is_not_null());
        let of_lines = of_lines.select_only().column(C::OrderLineId);
        lines.extend(of_lines.into_tuple::<Col<OrderLineId>>().all(tx.on()).await?.into_iter().map(Col::value));
    }
    Ok(lines.into_iter().collect())
}
