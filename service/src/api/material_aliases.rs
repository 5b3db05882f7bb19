//! Aliases of the tenant: listed, written, shown, taken back.

use axum::extract::{Path, State};
use axum::http::header::LOCATION;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

use super::answer::Answer;
use super::auth::{Caller, ListCaller};
use super::body::JsonBody;
use super::idempotency;
use super::problem::{ApiError, ApiResult, Code};
use super::query::Params;
use super::state::AppState;
use crate::app::Page;
use crate::libraries::aliases::{self, AliasFilter};
use packshot_contract::material_alias::{MaterialAlias, MaterialAliasPage, MaterialAliasRequest};
use packshot_contract::problem::Invalid;
use packshot_domain::id::AliasId;
use packshot_domain::material_alias::AliasStatus;

const PATH: &str = "/api/v1/material-aliases";

/// The id in a path. Text that is not an id is the id of no alias.
fn alias_id(text: &str) -> ApiResult<AliasId> {
    text.parse().map_err(|_| ApiError::new(Code::AliasNotFound, "there is no such alias"))
}

/// Lists the names that the tenant gave to materials, newest first
#[utoipa::path(
    get, path = "/api/v1/material-aliases", operation_id = "list_material_aliases", tag = "materials",
    params(
        ("q" = Option<String>, Query, description = "Only aliases with this text in the name or the id of the material, in any case"),
        ("scope" = Option<String>, Query, description = "Only aliases of this scope: `part` or `material`"),
        ("status" = Option<String>, Query, description = "Only aliases in this state: `active`, as if absent, or `withdrawn`"),
        ("source" = Option<String>, Query, description = "Only aliases that come from there: `fix`, `report` or `manual`"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 200, description = "Aliases per page; 50 if absent"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the previous page"),
    ),
    responses((status = 200, description = "A page of aliases", body = MaterialAliasPage)),
)]
pub(crate) async fn list(State(state): State<AppState>, caller: ListCaller, params: Params) -> ApiResult<Response> {
    let Page { items, next } = aliases::list(&state, &caller.0, filter(&params)?, params.page()?).await?;
    let page = MaterialAliasPage { items, next_cursor: next.map(|cursor| cursor.to_string()) };
    Ok(Answer::json(StatusCode::OK, &page)?.into_response())
}

fn filter(params: &Params) -> Result<AliasFilter, Invalid> {
    Ok(AliasFilter {
        query: params.text("q").filter(|query| !query.is_empty()).map(str::to_owned),
        scope: params.parse("scope", "`part` or `material`")?,
        status: params.parse("status", "`active` or `withdrawn`")?.unwrap_or(AliasStatus::Active),
        source: params.parse("source", "`fix`, `report` or `manual`")?,
    })
}

/// Gives a material a name
///
/// An alias of the scope `part` says what parts of this name wear, where no map says otherwise; one of the scope
/// `material` says what is meant by a word in maps, rules and files. The tenant's aliases lie over those of all
/// libraries, and count for every render that starts from then on.
#[utoipa::path(
    post, path = "/api/v1/material-aliases", operation_id = "create_material_alias", tag = "materials",
    params(("Idempotency-Key" = Option<String>, Header, description = "Repeated with the same key and body, the request gets the same answer and writes one alias")),
    request_body = MaterialAliasRequest,
    responses((status = 201, description = "The alias", body = MaterialAlias)),
)]
pub(crate) async fn create(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    JsonBody(body): JsonBody,
) -> ApiResult<Response> {
    let new = MaterialAliasRequest::parse(&body)?;
    let keyed = idempotency::of_request(&headers, PATH, idempotency::hash_of(&body))?;
    let (own, who) = (state.clone(), caller.0.clone());
    idempotency::once(&state, &caller, keyed, async move {
        let made = aliases::create(&own, &who, new).await?;
        Ok(Answer::json(StatusCode::CREATED, &made)?.with(LOCATION, format!("{PATH}/{}", made.id)))
    })
    .await
}

/// Shows a name that the tenant gave to a material
#[utoipa::path(
    get, path = "/api/v1/material-aliases/{id}", operation_id = "get_material_alias", tag = "materials",
    params(("id" = String, Path, format = Uuid, description = "The alias")),
    responses((status = 200, description = "The alias", body = MaterialAlias)),
)]
pub(crate) async fn get(State(state): State<AppState>, caller: Caller, Path(id): Path<String>) -> ApiResult<Response> {
    let shown = aliases::get(&state, &caller.0, alias_id(&id)?).await?;
    Ok(Answer::json(StatusCode::OK, &shown)?.into_response())
}

/// Takes a name of a material back
///
/// With it go the entries of products that were found by it; what a person sent stays. Its name is free for another
/// alias, and lists show it only with `status=withdrawn`.
#[utoipa::path(
    delete, path = "/api/v1/material-aliases/{id}", operation_id = "withdraw_material_alias", tag = "materials",
    params(("id" = String, Path, format = Uuid, description = "The alias")),
    responses((status = 200, description = "The alias as it is now", body = MaterialAlias)),
)]
pub(crate) async fn withdraw(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<Response> {
    let withdrawn = aliases::withdraw(&state, &caller.0, alias_id(&id)?).await?;
    Ok(Answer::json(StatusCode::OK, &withdrawn)?.into_response())
}
