//! What people are told: activity, notifications, alerts. They are written with what they are about; here they are
//! read, marked and chosen, and announcements are made.

pub mod activity;
pub mod alerts;
pub mod announcements;
pub mod notifications;
pub mod preferences;

use packshot_contract::channel::{self as contract, Channel};
use packshot_db::channels::Entry;
use packshot_domain::id::{OrderId, OrderLineId};

fn shown<T>(entry: Entry<T>, channel: Channel, word: impl Fn(T) -> &'static str) -> contract::Entry {
    contract::Entry {
        id: entry.id.uuid(),
        seq: entry.seq,
        channel,
        event_type: word(entry.event_type).to_owned(),
        severity: entry.severity.into(),
        message: entry.message,
        tenant_id: Some(entry.tenant.uuid()),
        actor_id: entry.actor,
        subject: entry.subject.map(|subject| contract::EntrySubject { kind: subject.kind.into(), id: subject.id }),
        order_id: entry.order.map(OrderId::uuid),
        order_line_id: entry.line.map(OrderLineId::uuid),
        data: entry.data,
        created_at: entry.created_at.into(),
    }
}
