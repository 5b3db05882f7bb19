//! Renders as they are read: each with its job, and the number of the last event that this state contains, in one
//! statement.

use sea_orm::{EntityTrait, FromQueryResult, QuerySelect, Value};
use serde_json::json;

use super::Render;
use crate::artifacts::{self, Caller, HAS_RESULT};
use crate::audit::{self, NewEntry};
use crate::column::{Col, arg};
use crate::entity::job;
use crate::jobs::{Progress, error_of};
use crate::level::Level;
use crate::tx::Tx;
use crate::{DbError, Json, PageRequest, ReadScope, reviews, streams};
use packshot_domain::audit::Action;
use packshot_domain::document::JobDocument;
use packshot_domain::hash::ContentAddress;
use packshot_domain::id::{JobId, RenderId, TenantId, UserId};
use packshot_domain::job::JobState;
use packshot_domain::render::RenderKind;
use packshot_domain::stream::StreamId;
use packshot_domain::time::Timestamp;

/// What pictures that were taken over show in the fallback material.
const SAME_UNMAPPED: &str = "
    UPDATE renders SET unmapped = (SELECT o.unmapped FROM renders o WHERE o.tenant_id = $1 AND o.id = $2)
    WHERE tenant_id = $1 AND id = $3 RETURNING id";

/// Everything of a render.
const RENDER: &str = "
    SELECT r.id, r.tenant_id, r.kind, r.priority, r.request, r.metadata, r.result,
        j.state, j.document, j.progress_pct, j.samples_done, j.samples_target, j.device,
        j.error_code, j.error_detail, j.error_at, j.created_by, j.input_name, j.cancel_requested_at,
        j.created_at, j.started_at, j.completed_at, COALESCE(s.last_seq, 0) AS last_seq
    FROM renders r
    JOIN jobs j ON j.tenant_id = r.tenant_id AND j.id = r.id
    LEFT JOIN streams s ON s.tenant_id = r.tenant_id AND s.kind = 'render' AND s.id = r.id";

/// The pictures of a render are those of another one, and so are the names without a material in them.
pub(super) async fn same_unmapped(tx: &Tx<'_>, tenant: TenantId, of: RenderId, id: RenderId) -> Result<(), DbError> {
    tx.query(SAME_UNMAPPED, [arg(tenant), arg(of), arg(id)]).await.map(drop)
}

#[derive(FromQueryResult)]
struct Row {
    id: Col<RenderId>,
    tenant_id: Col<TenantId>,
    kind: Col<RenderKind>,
    priority: i32,
    request: Col<Json>,
    metadata: Col<Json>,
    result: Option<Col<Json>>,
    state: Col<JobState>,
    document: Option<Col<JobDocument>>,
    progress_pct: f64,
    samples_done: i32,
    samples_target: i32,
    device: Option<Col<Json>>,
    error_code: Option<String>,
    error_detail: Option<String>,
    error_at: Option<String>,
    created_by: Col<UserId>,
    input_name: Option<String>,
    cancel_requested_at: Option<Col<Timestamp>>,
    created_at: Col<Timestamp>,
    started_at: Option<Col<Timestamp>>,
    completed_at: Option<Col<Timestamp>>,
    last_seq: i64,
}

/// Renders that fulfil a condition, which may name `r`, `j` and `s`.
async fn find(tx: &Tx<'_>, condition: &str, values: Vec<Value>) -> Result<Vec<Render>, DbError> {
    let sql = format!("{RENDER} WHERE {condition}");
    let rows = tx.query(&sql, values).await?;
    rows.iter().map(|row| Row::from_query_result(row, "")?.try_into()).collect()
}

/// A render.
pub(super) async fn get(tx: &Tx<'_>, tenant: TenantId, id: RenderId) -> Result<Render, DbError> {
    let found = find(tx, "r.tenant_id = $1 AND r.id = $2", vec![arg(tenant), arg(id)]).await?;
    found.into_iter().next().ok_or(DbError::NotFound("render"))
}

/// The newest render that completed with this cache key and whose package is there.
pub(super) async fn cached(tx: &Tx<'_>, tenant: TenantId, key: ContentAddress) -> Result<Option<Render>, DbError> {
    let condition = format!(
        "r.tenant_id = $1 AND r.cache_key = $2 AND j.state = 'completed' AND {HAS_RESULT} \
         ORDER BY r.created_at DESC LIMIT 1"
    );
    Ok(find(tx, &condition, vec![arg(tenant), arg(key)]).await?.into_iter().next())
}

/// A page of renders and one more, newest first.
pub(super) async fn page(
    tx: &Tx<'_>,
    scope: ReadScope,
    state: Option<JobState>,
    page: &PageRequest,
) -> Result<Vec<Render>, DbError> {
    let mut values: Vec<Value> = vec![i64::from(page.limit + 1).into()];
    // The kind makes it use the index for pages.
    let mut condition = "j.kind = 'render'".to_owned();
    if let ReadScope::Tenant(tenant) = scope {
        values.push(arg(tenant));
        condition += &format!(" AND j.tenant_id = ${}", values.len());
    }
    if let Some(state) = state {
        values.push(arg(state));
        condition += &format!(" AND j.state = ${}", values.len());
    }
    if let Some(after) = page.after {
        values.extend([arg(after.created_at), after.id.into()]);
        condition += &format!(" AND (j.created_at, j.id) < (${}, ${})", values.len() - 1, values.len());
    }
    find(tx, &format!("{condition} ORDER BY j.created_at DESC, j.id DESC LIMIT $1"), values).await
}

/// Deletes a render that has ended. Its task, log, files and inputs go with its job, and its packages where its deleter
/// may delete them.
pub(super) async fn delete(tx: &Tx<'_>, tenant: TenantId, by: &Caller, id: RenderId) -> Result<(), DbError> {
    tx.enter(Level::Job);
    let key = (Col(tenant), Col(JobId::from(id)));
    let row = job::Entity::find_by_id(key).lock_exclusive().one(tx.on()).await?;
    let row = row.ok_or(DbError::NotFound("render"))?;
    let reviews = reviews::ids_of(tx, tenant, &[], &[id]).await?;
    if !row.state.0.is_terminal() {
        return Err(DbError::InUse("render"));
    }
    job::Entity::delete_by_id(key).exec(tx.on()).await?;
    let packages = artifacts::delete_of(tx, tenant, by, id).await?;
    streams::delete(tx, tenant, StreamId::of_render(id)).await?;
    reviews::forget_streams(tx, tenant, &reviews).await?;
    let before = json!({
        "state": row.state.0.as_str(),
        "input_name": row.input_name,
        "created_by": row.created_by.0.to_string(),
        "created_at": row.created_at.0.to_string(),
    });
    let object = Some(("render", id.to_string()));
    let entry = NewEntry { action: Action::RenderDeleted, object, detail: json!({"before": before, "after": null}) };
    audit::write(tx, tenant, &by.audit, [entry].into_iter().chain(packages)).await
}

impl TryFrom<Row> for Render {
    type Error = DbError;

    fn try_from(row: Row) -> Result<Self, DbError> {
        let (progress_pct, samples_done, samples_target) = (row.progress_pct, row.samples_done, row.samples_target);
        let no_document = || DbError::Corrupt { what: "render", reason: "its job has no document".to_owned() };
        let document = row.document.map(Col::value).ok_or_else(no_document)?;
        Ok(Self {
            id: row.id.0,
            tenant: row.tenant_id.0,
            kind: row.kind.0,
            state: row.state.0,
            priority: row.priority,
            request: row.request.0,
            metadata: row.metadata.0,
            progress: Progress { progress_pct, samples_done, samples_target },
            error: error_of((row.error_code, row.error_detail, row.error_at)),
            result: row.result.map(Col::value),
            device: row.device.map(Col::value),
            task_id: document.task_id,
            document,
            created_by: row.created_by.0,
            input_name: row.input_name,
            cancel_requested_at: row.cancel_requested_at.map(Col::value),
            created_at: row.created_at.0,
            started_at: row.started_at.map(Col::value),
            completed_at: row.completed_at.map(Col::value),
            last_seq: row.last_seq,
        })
    }
}
