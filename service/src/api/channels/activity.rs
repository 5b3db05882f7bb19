//! What was done in a tenant.

use std::str::FromStr;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use crate::api::answer::Answer;
use crate::api::auth::ListCaller;
use crate::api::problem::ApiResult;
use crate::api::query::Params;
use crate::api::state::AppState;
use crate::app::Page;
use crate::channels::activity::{self, ActivityFilter};
use packshot_contract::channel::ActivityPage;
use packshot_contract::problem::Invalid;
use packshot_domain::channel::ActivityType;

/// Types of activity that a word names: one by its name, or all whose names begin alike, as `order.*`.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Types(Vec<ActivityType>);

impl FromStr for Types {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        let types: Vec<ActivityType> = match name.strip_suffix('*') {
            Some(start) => {
                let all = ActivityType::ALL.iter().copied();
                all.filter(|of| start.ends_with('.') && of.as_str().starts_with(start)).collect()
            }
            None => name.parse().into_iter().collect(),
        };
        if types.is_empty() { Err(()) } else { Ok(Self(types)) }
    }
}

/// Lists what was done, newest first
///
/// One entry for each action. A client sees what was done with its own orders.
#[utoipa::path(
    get, path = "/api/activity", operation_id = "list_activity", tag = "notifications",
    params(
        ("event_type" = Option<String>, Query, description = "Only these, such as `render.completed,order.*`"),
        ("severity" = Option<String>, Query, description = "Only `info`, `warning` or `error`"),
        ("order_id" = Option<String>, Query, format = Uuid, description = "Only about this order"),
        ("order_line_id" = Option<String>, Query, format = Uuid, description = "Only about this line"),
        ("actor_id" = Option<String>, Query, format = Uuid, description = "Only what this user or key did"),
        ("from" = Option<String>, Query, format = DateTime, description = "Not before this time"),
        ("to" = Option<String>, Query, format = DateTime, description = "Before this time"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 200, description = "Entries per page; 50 if absent"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the previous page"),
    ),
    responses((status = 200, description = "A page of entries", body = ActivityPage)),
)]
pub(crate) async fn list(State(state): State<AppState>, caller: ListCaller, params: Params) -> ApiResult<Response> {
    let Page { items, next } = activity::list(&state, &caller.0, filter(&params)?, params.page()?).await?;
    let page = ActivityPage { items, next_cursor: next.map(|cursor| cursor.to_string()) };
    Ok(Answer::json(StatusCode::OK, &page)?.into_response())
}

/// Which entries a query asks for.
pub(super) fn filter(params: &Params) -> Result<ActivityFilter, Invalid> {
    let time = "a time such as 2027-01-31T10:00:00Z";
    let types: Vec<Types> = params.parse_each("event_type", "types such as render.completed or order.*")?;
    Ok(ActivityFilter {
        types: types.into_iter().flat_map(|types| types.0).collect(),
        severity: params.parse("severity", "info, warning or error")?,
        order: params.parse("order_id", "the id of an order")?,
        line: params.parse("order_line_id", "the id of an order line")?,
        actor: params.parse("actor_id", "the id of a user or a key")?,
        owner: None,
        from: params.parse("from", time)?,
        to: params.parse("to", time)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_named_one_by_one_or_by_their_group() {
        let read = |text: &str| text.parse::<Types>().map(|types| types.0);
        assert_eq!(read("render.failed"), Ok(vec![ActivityType::RenderFailed]));
        let orders = read("order.*").expect("a group");
        assert!(orders.iter().all(|of| of.as_str().starts_with("order.")) && orders.len() > 5);
        for text in ["", "order", "*", "ord*", "order.none", "order.*,x"] {
            assert_eq!(read(text), Err(()), "{text}");
        }
    }
}
