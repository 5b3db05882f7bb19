//! Reviews and fixes as clients see them.

use packshot_contract::review::{
    FixChange, FixSignal, MaterialReview, OutcomeProposal, Rerender, ReviewPart, SuggestedFix,
};
use packshot_db::reviews::{self as rows, Fix, Review};
use packshot_domain::fix::{FixNotes, FixState};
use packshot_domain::id::{AliasId, CadFileId, FixId, OrderLineId, ProductId, TaskId};
use packshot_domain::review::{ReviewSubject, Signal};

pub(super) fn review(row: Review) -> MaterialReview {
    let (line, render, design) = match row.subject {
        ReviewSubject::Line(line) => (Some(line.uuid()), None, None),
        ReviewSubject::Render(render) => (None, Some(render.uuid()), None),
        ReviewSubject::Design(job) => (None, None, Some(job.uuid())),
    };
    let keys: Vec<(i32, String)> = row.parts.iter().map(|part| (part.position, part.part.part_key.clone())).collect();
    let key_of = |position: i32| {
        let key = keys.iter().find(|(own, _)| *own == position).map(|(_, key)| key.clone());
        key.unwrap_or_default()
    };
    MaterialReview {
        id: row.id.uuid(),
        tenant_id: row.tenant.uuid(),
        order_line_id: line,
        render_id: render,
        design_job_id: design,
        product_id: row.product.map(ProductId::uuid),
        cad_file_id: row.cad_file.map(CadFileId::uuid),
        status: row.status.into(),
        state_version: row.state_version,
        fixes: row.fixes.into_iter().map(|of| fix(key_of(of.part_position), of)).collect(),
        parts: row.parts.into_iter().map(part).collect(),
        created_at: row.created_at.into(),
        updated_at: row.updated_at.into(),
    }
}

fn part(row: rows::ReviewPart) -> ReviewPart {
    let fixable = row.part.is_fixable();
    let of = row.part;
    ReviewPart {
        part_name: of.part_name,
        part_key: of.part_key,
        material_string: of.material_string,
        reason: of.reason.into(),
        node_paths: of.node_paths,
        instances: of.instances,
        area_share: of.area_share,
        gltf_material: of.gltf_material,
        gltf_color: of.gltf_color,
        fixable,
        resolved: row.resolved,
        resolved_by: row.resolved_by.map(FixId::uuid),
    }
}

fn fix(part_key: String, row: Fix) -> SuggestedFix {
    let FixState { status, applied_at, verified_at, partial_notes, pending_reason, failure_reason, outcome_proposal } =
        row.state;
    let text = |notes: Option<FixNotes>| notes.map(|notes| notes.to_string());
    let id = row.id.uuid();
    SuggestedFix {
        id,
        review_id: row.review.uuid(),
        title: row.title,
        description: row.description,
        confidence_pct: row.confidence_pct,
        part_key,
        alias: row.alias,
        alias_scope: row.scope.into(),
        material_id: row.material,
        rank: row.rank,
        signals: row.signals.into_iter().map(signal).collect(),
        status: status.into(),
        applied_at: applied_at.map(Into::into),
        verified_at: verified_at.map(Into::into),
        partial_notes: text(partial_notes),
        pending_reason: text(pending_reason),
        failure_reason: text(failure_reason),
        ai_outcome_proposal: outcome_proposal.map(|proposal| OutcomeProposal {
            fix_id: id,
            outcome: proposal.verdict.into(),
            reason: proposal.reason,
        }),
        alias_id: row.alias_id.map(AliasId::uuid),
        rerender: row.rerender.map(rerender),
        available_outcomes: status.available_outcomes().iter().map(|outcome| (*outcome).into()).collect(),
        history: row.history.into_iter().map(change).collect(),
        created_at: row.created_at.into(),
        updated_at: row.updated_at.into(),
    }
}

fn signal(Signal { kind, score, detail }: Signal) -> FixSignal {
    FixSignal { kind, score, detail }
}

pub(super) fn rerender(row: rows::Rerender) -> Rerender {
    Rerender {
        order_line_ids: row.lines.into_iter().map(OrderLineId::uuid).collect(),
        task_ids: row.tasks.into_iter().map(TaskId::uuid).collect(),
        skipped: row.skipped,
    }
}

fn change(row: rows::FixChange) -> FixChange {
    FixChange {
        seq: row.seq,
        at: row.at.into(),
        actor_id: row.actor,
        action: row.action.into(),
        from_status: row.from.into(),
        to_status: row.to.into(),
        notes: row.notes.map(|notes| notes.to_string()),
    }
}
