//! Who changed what.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::answer::Answer;
use super::auth::ListCaller;
use super::problem::ApiResult;
use super::query::Params;
use super::state::AppState;
use crate::tenancy::audit::{self, AuditCursor, AuditFilter};
use packshot_contract::audit::AuditPage;

/// Lists who changed what, newest first
///
/// Entries cannot be changed or deleted; they are removed when they are older than `audit_retention_days`.
#[utoipa::path(
    get, path = "/api/v1/audit-log", operation_id = "list_audit_log", tag = "people",
    params(
        ("action" = Option<String>, Query, description = "Only this action, such as `user.created`"),
        ("actor_id" = Option<String>, Query, format = Uuid, description = "Only what this user or key did"),
        ("object_type" = Option<String>, Query, description = "Only objects of this kind, such as `user`"),
        ("object_id" = Option<String>, Query, description = "Only this object"),
        ("from" = Option<String>, Query, format = DateTime, description = "Not before this time"),
        ("to" = Option<String>, Query, format = DateTime, description = "Before this time"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 200, description = "Entries per page; 50 if absent"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the previous page"),
    ),
    responses((status = 200, description = "A page of entries", body = AuditPage)),
)]
pub(crate) async fn list(State(state): State<AppState>, caller: ListCaller, params: Params) -> ApiResult<Response> {
    let time = "a time such as 2027-01-31T10:00:00Z";
    let filter = AuditFilter {
        action: params.parse("action", "an action such as user.created")?,
        actor: params.parse("actor_id", "the id of a user or a key")?,
        object_type: params.text("object_type").map(str::to_owned),
        object_id: params.text("object_id").map(str::to_owned),
        from: params.parse("from", time)?,
        to: params.parse("to", time)?,
    };
    let (limit, after) = params.part_of_list::<AuditCursor>()?;
    let (items, next) = audit::list(&state, &caller.0, filter, limit, after).await?;
    let page = AuditPage { items, next_cursor: next.map(|cursor| cursor.to_string()) };
    Ok(Answer::json(StatusCode::OK, &page)?.into_response())
}
