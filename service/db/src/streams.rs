//! Streams of events: each numbered from 1 without gaps, in the order of commits.
//!
//! Events are gathered in the transaction and written when it is about to be committed: the counters of streams are
//! locked last, because many share them, and always in the same order.

use std::collections::BTreeMap;

use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::column::{Col, arg};
use super::entity::{event, stream};
use super::level::Level;
use super::tx::Tx;
use super::{Db, DbError, Json, Notice, TenantScope};
use packshot_domain::event::EventName;
use packshot_domain::id::TenantId;
use packshot_domain::stream::StreamId;
use packshot_domain::time::Timestamp;

/// An event to write together with a change of state.
#[derive(Clone, Debug, PartialEq)]
pub struct NewEvent {
    /// What it reports.
    pub name: EventName,
    /// Its members; the number and the time are added when it is sent.
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

/// Events that wait for the end of their transaction, in the order in which streams are locked.
pub(super) type Gathered = BTreeMap<(TenantId, StreamId), Vec<NewEvent>>;

/// The events of a stream after number `seq`, in order, at most `limit`.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached. A stream that is not there has no events.
pub async fn after(db: &Db, scope: TenantScope, stream: StreamId, seq: i64, limit: u32) -> Result<Vec<Event>, DbError> {
    db.read_one(scope, (scope.tenant, stream, seq, limit), |tx, (tenant, stream, seq, limit)| {
        Box::pin(async move {
            let rows = event::Entity::find()
                .filter(event::Column::TenantId.eq(Col(*tenant)))
                .filter(event::Column::Kind.eq(Col(stream.kind)))
                .filter(event::Column::Id.eq(stream.id))
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

/// The number of a stream's last event; 0 while it has none.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn last_seq(db: &Db, scope: TenantScope, stream: StreamId) -> Result<i64, DbError> {
    db.read_one(scope, (scope.tenant, stream), |tx, (tenant, stream)| Box::pin(last_seq_in(tx, *tenant, *stream))).await
}

/// [`last_seq`] within a transaction.
pub(super) async fn last_seq_in(tx: &Tx<'_>, tenant: TenantId, stream: StreamId) -> Result<i64, DbError> {
    let key = (Col(tenant), Col(stream.kind), stream.id);
    let seq = stream::Entity::find_by_id(key).select_only().column(stream::Column::LastSeq);
    Ok(seq.into_tuple().one(tx.on()).await?.unwrap_or(0))
}

/// Writes events to a stream, in a transaction of their own that is kept or rolled back.
///
/// # Errors
///
/// [`DbError::Unsupported`] when it was to be rolled back.
#[cfg(feature = "testing")]
pub async fn append_if(
    db: &Db,
    scope: TenantScope,
    stream: StreamId,
    events: Vec<NewEvent>,
    is_kept: bool,
) -> Result<(), DbError> {
    db.write(scope, (scope.tenant, stream, events, is_kept), |tx, (tenant, stream, events, is_kept)| {
        Box::pin(async move {
            events.iter().for_each(|event| tx.emit(*tenant, *stream, event.clone()));
            tx.write_events().await?;
            if *is_kept { Ok(()) } else { Err(DbError::Unsupported("to be rolled back".to_owned())) }
        })
    })
    .await
}

/// Writes the gathered events, and announces them.
pub(super) async fn write(tx: &Tx<'_>, gathered: Gathered) -> Result<(), DbError> {
    if gathered.is_empty() {
        return Ok(());
    }
    tx.enter(Level::Stream);
    let now = tx.now().await?;
    let mut rows = Vec::new();
    for ((tenant, stream), events) in gathered {
        let n = i64::try_from(events.len()).unwrap_or(i64::MAX);
        let seq = advance(tx, tenant, stream, n).await?;
        let row = |(number, NewEvent { name, data }): (i64, NewEvent)| event::ActiveModel {
            tenant_id: Set(Col(tenant)),
            kind: Set(Col(stream.kind)),
            id: Set(stream.id),
            seq: Set(number),
            event: Set(Col(name)),
            data: Set(Col(data)),
            created_at: Set(Col(now)),
        };
        rows.extend((seq - n + 1..).zip(events).map(row));
        tx.announce(Notice::Events { tenant, stream, seq });
    }
    tx.insert_all(rows).await
}

/// Raises the number of a stream, which is made when it is not there; returns the last one.
async fn advance(tx: &Tx<'_>, tenant: TenantId, stream: StreamId, n: i64) -> Result<i64, DbError> {
    let sql = "INSERT INTO streams (tenant_id, kind, id, last_seq) VALUES ($1, $2, $3, $4) \
               ON CONFLICT (tenant_id, kind, id) DO UPDATE SET last_seq = streams.last_seq + excluded.last_seq \
               RETURNING last_seq";
    let rows = tx.query(sql, [arg(tenant), arg(stream.kind), stream.id.into(), n.into()]).await?;
    let row = rows.first().ok_or(DbError::Corrupt { what: "stream", reason: "it has no number".to_owned() })?;
    Ok(row.try_get_by_index(0)?)
}

/// Forgets a stream with its events.
pub(super) async fn delete(tx: &Tx<'_>, tenant: TenantId, stream: StreamId) -> Result<(), DbError> {
    tx.enter(Level::Stream);
    stream::Entity::delete_by_id((Col(tenant), Col(stream.kind), stream.id)).exec(tx.on()).await?;
    Ok(())
}

impl From<event::Model> for Event {
    fn from(row: event::Model) -> Self {
        Self { seq: row.seq, at: row.created_at.0, name: row.event.0, data: row.data.0 }
    }
}
