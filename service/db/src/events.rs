//! Events of renders: one stream for each, numbered from 1 without gaps, in the order of commits.

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::column::Col;
use super::entity::{event, render};
use super::{Db, DbError, Json, TenantScope};
use packshot_domain::event::EventName;
use packshot_domain::id::RenderId;
use packshot_domain::time::Timestamp;

/// An event to be written with a change of state.
#[derive(Clone, Debug, PartialEq)]
pub struct NewEvent {
    /// What it reports.
    pub name: EventName,
    /// Its members; the number, time and render are added when it is sent.
    pub data: Json,
}

/// An event of a stream.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Its number in the stream.
    pub seq: i64,
    /// When it was written.
    pub at: Timestamp,
    /// What it reports.
    pub name: EventName,
    /// Its members.
    pub data: Json,
}

/// The events of a render after number `seq`, in order, at most `limit`.
///
/// # Errors
///
/// [`DbError`] when the database is away. A render that is not there has no events.
pub async fn after(db: &Db, scope: TenantScope, render: RenderId, seq: i64, limit: u32) -> Result<Vec<Event>, DbError> {
    db.read_one(scope, (scope.tenant, render, seq, limit), |tx, (tenant, render, seq, limit)| {
        Box::pin(async move {
            let rows = event::Entity::find()
                .filter(event::Column::TenantId.eq(Col(*tenant)))
                .filter(event::Column::StreamId.eq(Col(*render)))
                .filter(event::Column::Seq.gt(*seq))
                .order_by_asc(event::Column::Seq)
                .limit(u64::from(*limit))
                .all(tx.on())
                .await?;
            Ok(rows.into_iter().map(Event::from).collect())
        })
    })
    .await
}

/// The number of a render's last event.
///
/// # Errors
///
/// [`DbError::NotFound`] when there is no such render.
pub async fn last_seq(db: &Db, scope: TenantScope, render: RenderId) -> Result<i64, DbError> {
    db.read_one(scope, (scope.tenant, render), |tx, key| {
        Box::pin(async move {
            let seq =
                render::Entity::find_by_id((Col(key.0), Col(key.1))).select_only().column(render::Column::EventSeq);
            seq.into_tuple().one(tx.on()).await?.ok_or(DbError::NotFound("render"))
        })
    })
    .await
}

impl From<event::Model> for Event {
    fn from(row: event::Model) -> Self {
        let event::Model { tenant_id: _, stream_id: _, seq, event, data, created_at } = row;
        Self { seq, at: created_at.0, name: event.0, data: data.0 }
    }
}
