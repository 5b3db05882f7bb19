//! The log as it is read: in pages, oldest first, and followed as it grows.

use std::collections::VecDeque;
use std::future::pending;
use std::time::Duration;

use futures_util::stream::{self, Stream};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::timeout;

use crate::column::{Col, arg};
use crate::entity::artifact_event;
use crate::{Db, DbError, Notice, TenantScope};
use packshot_domain::artifact::{EventActor, EventType, Sequence};
use packshot_domain::hash::ContentAddress;
use packshot_domain::id::PackageId;
use packshot_domain::stream::StreamKind;
use packshot_domain::time::Timestamp;

/// Events that are read at once while the log is followed.
const AT_ONCE: u32 = 200;
/// Bytes of payloads that are read at once, unless the first has more: the manifest of a large package has megabytes.
const BYTES_AT_ONCE: i64 = 8 << 20;

/// The events that come next, with the sizes of their payloads.
const SIZES: &str = "
    SELECT sequence, CAST(LENGTH(payload) AS BIGINT) FROM artifact_events
    WHERE tenant_id = $1 AND sequence > $2 ORDER BY sequence LIMIT $3";

/// The same of one package.
const SIZES_OF_PACKAGE: &str = "
    SELECT sequence, CAST(LENGTH(payload) AS BIGINT) FROM artifact_events
    WHERE tenant_id = $1 AND sequence > $2 AND package_id = $4 ORDER BY sequence LIMIT $3";

/// An event of the log, with its payload as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventRecord {
    /// Its number.
    pub sequence: Sequence,
    /// What kind of thing happened.
    pub event_type: EventType,
    /// The package that it is about.
    pub package: PackageId,
    /// Who did it.
    pub actor: EventActor,
    /// What happened, as canonical CBOR.
    pub payload: Vec<u8>,
    /// The digest of the payload.
    pub payload_digest: ContentAddress,
    /// When.
    pub created_at: Timestamp,
}

/// Events after number `after`, of all packages or of one, oldest first: at most `limit`, and fewer where they are
/// large, but one where there is one.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn after(
    db: &Db,
    scope: TenantScope,
    after: i64,
    limit: u32,
    package: Option<PackageId>,
) -> Result<Vec<EventRecord>, DbError> {
    use artifact_event::Column as C;
    db.read(scope, (scope.tenant, after, limit, package), |tx, (tenant, after, limit, package)| {
        Box::pin(async move {
            let sql = if package.is_some() { SIZES_OF_PACKAGE } else { SIZES };
            let values = [arg(*tenant), (*after).into(), i64::from(*limit).into()];
            let sizes = tx.query(sql, values.into_iter().chain(package.map(arg))).await?;
            let (mut last, mut bytes) = (None, 0);
            for row in sizes {
                bytes += row.try_get_by_index::<i64>(1)?;
                if bytes > BYTES_AT_ONCE && last.is_some() {
                    break;
                }
                last = Some(row.try_get_by_index::<i64>(0)?);
            }
            let Some(last) = last else { return Ok(Vec::new()) };
            let events = artifact_event::Entity::find()
                .filter(C::TenantId.eq(Col(*tenant)))
                .filter(C::Sequence.gt(*after))
                .filter(C::Sequence.lte(last));
            let events = match package {
                Some(package) => events.filter(C::PackageId.eq(Col(*package))),
                None => events,
            };
            let rows = events.order_by_asc(C::Sequence).all(tx.on()).await?;
            Ok(rows.into_iter().map(EventRecord::from).collect())
        })
    })
    .await
}

/// The number of the last event; `None` while there is none.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn last(db: &Db, scope: TenantScope) -> Result<Option<Sequence>, DbError> {
    use artifact_event::Column as C;
    db.read_one(scope, scope.tenant, |tx, tenant| {
        Box::pin(async move {
            let events = artifact_event::Entity::find().filter(C::TenantId.eq(Col(*tenant)));
            let newest = events.order_by_desc(C::Sequence).select_only().column(C::Sequence);
            let last: Option<i64> = newest.into_tuple().one(tx.on()).await?;
            Ok(last.and_then(Sequence::new))
        })
    })
    .await
}

/// The events after number `since`, and then those that are added, for as long as somebody wants them. What this
/// process adds comes at once, what others add after `poll_interval` at the latest.
pub fn tail(
    db: Db,
    scope: TenantScope,
    since: i64,
    poll_interval: Duration,
) -> impl Stream<Item = Result<EventRecord, DbError>> + Send {
    let notices = db.notices();
    let tail = Tail { db, scope, last: since, poll_interval, read: VecDeque::new(), notices };
    stream::try_unfold(tail, |mut tail| async move {
        loop {
            if let Some(event) = tail.read.pop_front() {
                tail.last = event.sequence.get();
                return Ok::<_, DbError>(Some((event, tail)));
            }
            tail.read = after(&tail.db, tail.scope, tail.last, AT_ONCE, None).await?.into();
            if tail.read.is_empty() {
                // Over in time or not, the log is looked at again.
                timeout(tail.poll_interval, noticed(&mut tail.notices, tail.scope)).await.ok();
            }
        }
    })
}

/// Someone who follows a log.
struct Tail {
    db: Db,
    scope: TenantScope,
    last: i64,
    poll_interval: Duration,
    read: VecDeque<EventRecord>,
    notices: Receiver<Notice>,
}

/// Waits until this process has added to the log.
async fn noticed(notices: &mut Receiver<Notice>, scope: TenantScope) {
    loop {
        match notices.recv().await {
            Ok(Notice::Events { tenant, stream, .. })
                if tenant == scope.tenant && stream.kind == StreamKind::Artifact =>
            {
                return;
            }
            Ok(_) => {}
            Err(RecvError::Lagged(_)) => return,
            Err(RecvError::Closed) => pending().await,
        }
    }
}

impl From<artifact_event::Model> for EventRecord {
    fn from(row: artifact_event::Model) -> Self {
        Self {
            sequence: row.sequence.0,
            event_type: row.event_type.0,
            package: row.package_id.0,
            actor: row.actor.0,
            payload: row.payload,
            payload_digest: row.payload_digest.0,
            created_at: row.created_at.0,
        }
    }
}
