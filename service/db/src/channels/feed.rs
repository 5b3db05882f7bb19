//! What is new for a person, written to their stream: events hold what a client reads, because what they tell of may
//! have gone when somebody reads them.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::entity::{alert, notification};
use crate::streams::NewEvent;
use crate::tx::Tx;
use crate::{Json, column::Col};
use packshot_domain::channel::{Severity, SubjectKind};
use packshot_domain::event::EventName;
use packshot_domain::id::{EntryId, OrderId, OrderLineId, TenantId, UserId};
use packshot_domain::stream::StreamId;
use packshot_domain::time::Timestamp;

/// What a row of any channel says, as a client reads it.
macro_rules! entry {
    ($row:ident, $channel:literal, $tenant:expr) => {
        shown(
            ($row.id.0, $row.seq, $channel, $row.event_type.0.as_str()),
            $row.severity.0,
            &$row.message,
            $tenant,
            $row.actor_id,
            $row.subject_kind.map(|kind| kind.0).zip($row.subject_id),
            ($row.order_id.map(Col::value), $row.order_line_id.map(Col::value)),
            (&$row.data.0, $row.created_at.0),
        )
    };
}

/// Which notifications were read.
pub(super) enum Marked<'m> {
    /// These.
    These(&'m [EntryId]),
    /// All, or those up to a time.
    All(Option<Timestamp>),
}

fn emit(tx: &Tx<'_>, (tenant, user): (TenantId, UserId), name: EventName, data: Json) {
    tx.emit(tenant, StreamId::of_user(user), NewEvent { name, data });
}

/// Somebody is told something.
pub(super) fn notified(tx: &Tx<'_>, row: &notification::Model) {
    let mut data = entry!(row, "notification", Some(row.tenant_id.0));
    data["user_id"] = json!(row.user_id.0.uuid());
    data["read_at"] = time(row.read_at);
    data["digest_items"] = data["data"].get("items").cloned().unwrap_or(Value::Null);
    emit(tx, (row.tenant_id.0, row.user_id.0), EventName::NotificationCreated, data);
}

/// Somebody has read what they were told.
pub(super) fn read(tx: &Tx<'_>, of: (TenantId, UserId), marked: Marked<'_>) {
    let data = match marked {
        Marked::These(ids) => json!({"ids": ids.iter().map(|id| id.uuid()).collect::<Vec<Uuid>>(), "all": false}),
        Marked::All(before) => json!({"ids": [], "all": true, "before": before.map(|time| time.to_string())}),
    };
    emit(tx, of, EventName::NotificationRead, data);
}

/// Somebody has more or less to read than before. How much is said when the event is read.
pub(super) fn recounted(tx: &Tx<'_>, of: (TenantId, UserId)) {
    emit(tx, of, EventName::UnreadCount, json!({}));
}

/// There is news of an alert, for each of its viewers.
pub(super) fn alerted(tx: &Tx<'_>, viewers: &[(TenantId, UserId)], name: EventName, row: &alert::Model) {
    let mut data = entry!(row, "alert", Some(row.tenant_id.0).filter(|_| !row.of_instance));
    data["state"] = json!(row.state.0.as_str());
    data["occurrences"] = json!(row.occurrences);
    data["last_seen_at"] = json!(row.last_seen_at.0.to_string());
    data["resolved_at"] = time(row.resolved_at);
    data["acknowledged_by"] = json!(row.acknowledged_by.map(|user| user.0.uuid()));
    data["acknowledged_at"] = time(row.acknowledged_at);
    for viewer in viewers {
        emit(tx, *viewer, name, data.clone());
    }
}

fn time(time: Option<Col<Timestamp>>) -> Value {
    json!(time.map(|time| time.0.to_string()))
}

/// What entries of all channels have, as a client reads it.
fn shown(
    (id, seq, channel, event_type): (EntryId, i64, &str, &str),
    severity: Severity,
    message: &str,
    tenant: Option<TenantId>,
    actor: Option<Uuid>,
    subject: Option<(SubjectKind, Uuid)>,
    (order, line): (Option<OrderId>, Option<OrderLineId>),
    (data, created_at): (&Json, Timestamp),
) -> Value {
    json!({
        "id": id.uuid(),
        "seq": seq,
        "channel": channel,
        "event_type": event_type,
        "severity": severity.as_str(),
        "message": message,
        "tenant_id": tenant.map(TenantId::uuid),
        "actor_id": actor,
        "subject": subject.map(|(kind, id)| json!({"kind": kind.as_str(), "id": id})),
        "order_id": order.map(OrderId::uuid),
        "order_line_id": line.map(OrderLineId::uuid),
        "data": data,
        "created_at": created_at.to_string(),
    })
}
