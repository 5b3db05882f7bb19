//! Orders and lines for those who follow their streams.

use std::collections::HashSet;

use uuid::Uuid;

use super::{OrderLine, OrderRef, WholeOrder, find, line_in, lines, whole};
use crate::{Db, DbError, TenantScope, streams};
use packshot_domain::id::{OrderId, OrderLineId, UserId};
use packshot_domain::order::OrderStatus;
use packshot_domain::stream::StreamId;

/// An order, with the number of the last event of its stream that this contains.
///
/// # Errors
///
/// [`DbError::NotFound`].
pub async fn follow(db: &Db, scope: TenantScope, of: OrderRef) -> Result<(WholeOrder, i64), DbError> {
    db.read_snapshot(scope, (scope.tenant, of), |tx, (tenant, of)| {
        Box::pin(async move {
            let order = whole(tx, find(tx, *tenant, *of).await?).await?;
            Ok((order, streams::last_seq_in(tx, *tenant, StreamId::of_order(of.id)).await?))
        })
    })
    .await
}

/// A line, of an order that may be found, with the number of the last event of its jobs that this contains.
///
/// # Errors
///
/// [`DbError::NotFound`].
pub async fn follow_line(
    db: &Db,
    scope: TenantScope,
    owner: Option<UserId>,
    id: OrderLineId,
) -> Result<(OrderLine, i64), DbError> {
    db.read_snapshot(scope, (scope.tenant, owner, id), |tx, (tenant, owner, id)| {
        Box::pin(async move {
            let line = line_in(tx, *tenant, *owner, *id).await?;
            Ok((line, streams::last_seq_in(tx, *tenant, StreamId::of_line(*id)).await?))
        })
    })
    .await
}

/// Whether nothing follows event number `after` of an order's stream: it is completed or rejected, and no line has a
/// live job; or it is gone.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn is_over(db: &Db, scope: TenantScope, id: OrderId, after: i64) -> Result<bool, DbError> {
    db.read_snapshot(scope, (scope.tenant, id, after), |tx, (tenant, id, after)| {
        Box::pin(async move {
            let row = match find(tx, *tenant, OrderRef { id: *id, owner: None }).await {
                Err(DbError::NotFound(_)) => return Ok(true),
                row => row?,
            };
            let has_ended = matches!(row.status.0, OrderStatus::Completed | OrderStatus::Rejected);
            let last_seq = streams::last_seq_in(tx, *tenant, StreamId::of_order(*id)).await?;
            if !has_ended || last_seq > *after {
                return Ok(false);
            }
            let all = lines::of_order(tx, *tenant, *id).await?;
            Ok(lines::live(tx, &all).await?.is_empty())
        })
    })
    .await
}

/// Whether nothing follows event number `after` of the stream of a line's jobs: none of them is live; or the line is
/// gone.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn is_line_over(db: &Db, scope: TenantScope, id: OrderLineId, after: i64) -> Result<bool, DbError> {
    db.read_snapshot(scope, (scope.tenant, id, after), |tx, (tenant, id, after)| {
        Box::pin(async move {
            let row = match lines::find(tx, *tenant, *id).await {
                Err(DbError::NotFound(_)) => return Ok(true),
                row => row?,
            };
            let last_seq = streams::last_seq_in(tx, *tenant, StreamId::of_line(*id)).await?;
            Ok(last_seq <= *after && lines::live(tx, std::slice::from_ref(&row)).await?.is_empty())
        })
    })
    .await
}

/// The lines of an order, as their jobs name them.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn line_ids(db: &Db, scope: TenantScope, id: OrderId) -> Result<HashSet<Uuid>, DbError> {
    db.read(scope, (scope.tenant, id), |tx, (tenant, id)| {
        Box::pin(async move {
            Ok(lines::of_order(tx, *tenant, *id).await?.into_iter().map(|line| line.id.0.uuid()).collect())
        })
    })
    .await
}
