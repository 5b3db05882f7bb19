//! Writing the log: events get their numbers under the lock of the tenant's counter, which is held until the commit. So
//! commits are in the order of the numbers, and a reader that has seen one has seen all before it.

use sea_orm::ActiveValue::Set;

use super::view::Noted;
use crate::column::{Col, arg};
use crate::entity::artifact_event;
use crate::level::Level;
use crate::tx::Tx;
use crate::{DbError, Notice};
use packshot_domain::artifact::{ArtifactEvent, EventActor, Sequence};
use packshot_domain::hash::ContentAddress;
use packshot_domain::id::{PackageId, TenantId};
use packshot_domain::stream::{StreamId, StreamKind};
use packshot_domain::time::Timestamp;

/// The counter of a tenant's events.
pub(super) const COUNTER: &str = "artifacts";

/// The log of a tenant, locked.
pub(super) struct Log<'t, 'c> {
    tx: &'t Tx<'c>,
    tenant: TenantId,
    actor: EventActor,
    now: Timestamp,
    last: Option<Sequence>,
    rows: Vec<artifact_event::ActiveModel>,
}

impl<'t, 'c> Log<'t, 'c> {
    /// Locks the log of a tenant until the end of the transaction, for what `actor` does. Nothing above this level is
    /// locked after it.
    pub(super) async fn lock(tx: &'t Tx<'c>, tenant: TenantId, actor: &EventActor) -> Result<Self, DbError> {
        tx.enter(Level::ArtifactLog);
        let sql = "INSERT INTO counters (tenant_id, name, value) VALUES ($1, $2, 0) \
                   ON CONFLICT (tenant_id, name) DO UPDATE SET value = counters.value RETURNING value";
        let rows = tx.query(sql, [arg(tenant), COUNTER.into()]).await?;
        let row = rows.first().ok_or(DbError::Corrupt { what: "counter", reason: "it has no value".to_owned() })?;
        let last = Sequence::new(row.try_get_by_index(0)?);
        Ok(Self { tx, tenant, actor: actor.clone(), now: tx.now().await?, last, rows: Vec::new() })
    }

    /// From now on the events are what somebody else does.
    pub(super) fn act_for(&mut self, actor: &EventActor) {
        self.actor = actor.clone();
    }

    /// The time of the events of this transaction.
    pub(super) const fn now(&self) -> Timestamp {
        self.now
    }

    /// Adds an event about a package, or about a location of it.
    pub(super) fn note(&mut self, package: PackageId, event: &ArtifactEvent) -> Noted {
        let payload = event.encode();
        let (sequence, digest) = (Sequence::after(self.last), ContentAddress::of(&payload));
        self.last = Some(sequence);
        self.rows.push(artifact_event::ActiveModel {
            tenant_id: Set(Col(self.tenant)),
            sequence: Set(Col(sequence)),
            event_type: Set(Col(event.event_type())),
            package_id: Set(Col(package)),
            actor: Set(Col(self.actor.clone())),
            payload: Set(payload),
            payload_digest: Set(Col(digest)),
            created_at: Set(Col(self.now)),
        });
        Noted { tenant: self.tenant, sequence, actor: self.actor.clone(), at: self.now, digest }
    }

    /// Writes the events, and announces them.
    pub(super) async fn write(self) -> Result<(), DbError> {
        let (Some(last), false) = (self.last, self.rows.is_empty()) else { return Ok(()) };
        self.tx.insert_all(self.rows).await?;
        let sql = "UPDATE counters SET value = $3 WHERE tenant_id = $1 AND name = $2 RETURNING value";
        self.tx.query(sql, [arg(self.tenant), COUNTER.into(), last.get().into()]).await?;
        let stream = StreamId::new(StreamKind::Artifact, self.tenant.uuid());
        self.tx.announce(Notice::Events { tenant: self.tenant, stream, seq: last.get() });
        Ok(())
    }
}
