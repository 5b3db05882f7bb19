//! What entries of all channels have in common.

use uuid::Uuid;

use crate::Json;
use packshot_domain::channel::{Severity, Subject};
use packshot_domain::id::{EntryId, OrderId, OrderLineId, TenantId};
use packshot_domain::time::Timestamp;

/// What entries of every channel have.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry<T> {
    /// Its id.
    pub id: EntryId,
    /// Its tenant.
    pub tenant: TenantId,
    /// Its number in its stream, from 1.
    pub seq: i64,
    /// What it reports.
    pub event_type: T,
    /// How bad that is.
    pub severity: Severity,
    /// In words.
    pub message: String,
    /// Who did it; `None`: the service itself.
    pub actor: Option<Uuid>,
    /// What it is about.
    pub subject: Option<Subject>,
    /// The order that it is about, or a line of it.
    pub order: Option<OrderId>,
    /// The line.
    pub line: Option<OrderLineId>,
    /// The figures behind the message.
    pub data: Json,
    /// When it was written.
    pub created_at: Timestamp,
}

/// What a row of any channel says.
macro_rules! entry {
    ($row:ident) => {
        Entry {
            id: $row.id.0,
            tenant: $row.tenant_id.0,
            seq: $row.seq,
            event_type: $row.event_type.0,
            severity: $row.severity.0,
            message: $row.message,
            actor: $row.actor_id,
            subject: $row.subject_kind.zip($row.subject_id).map(|(kind, id)| Subject { kind: kind.0, id }),
            order: $row.order_id.map(Col::value),
            line: $row.order_line_id.map(Col::value),
            data: $row.data.0,
            created_at: $row.created_at.0,
        }
    };
}
pub(super) use entry;
