//! What people are told: activity, notifications, alerts (notifications.md §2).

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

use super::{belongs_to, index, of_tenant, table};

pub(super) fn tables() -> Vec<TableCreateStatement> {
    // The figures behind a message, and what it is about, whose rows may go before it.
    let about = || {
        vec![
            text("event_type"),
            text("severity"),
            text("message"),
            uuid_null("actor_id"),
            text_null("subject_kind"),
            uuid_null("subject_id"),
            uuid_null("order_id"),
            uuid_null("order_line_id"),
            text("data"),
            big_integer("created_at"),
        ]
    };
    let numbered = || vec![uuid("tenant_id"), uuid("id"), big_integer("seq")];
    let activity = [numbered(), about()].concat();
    let notifications = [numbered(), vec![uuid("user_id")], about(), vec![big_integer_null("read_at")]].concat();
    let alerts = [
        numbered(),
        about(),
        vec![text("state"), integer("occurrences"), big_integer("last_seen_at"), big_integer_null("resolved_at")],
    ]
    .concat();
    vec![
        table("activity", &["tenant_id", "id"], activity).foreign_key(&mut of_tenant("activity")).take(),
        table("notifications", &["tenant_id", "id"], notifications)
            .foreign_key(&mut belongs_to("notifications", ["tenant_id", "user_id"], "users"))
            .take(),
        table("alerts", &["tenant_id", "id"], alerts).foreign_key(&mut of_tenant("alerts")).take(),
    ]
}

pub(super) fn indexes() -> Vec<IndexCreateStatement> {
    vec![
        index("idx_activity_seq", "activity", &["tenant_id", "seq"]).unique().take(),
        index("idx_activity_page", "activity", &["tenant_id", "created_at", "id"]),
        index("idx_activity_page_of_all", "activity", &["created_at", "id"]),
        index("idx_activity_order", "activity", &["tenant_id", "order_id", "created_at", "id"]),
        index("idx_notifications_seq", "notifications", &["tenant_id", "user_id", "seq"]).unique().take(),
        index("idx_notifications_page", "notifications", &["tenant_id", "user_id", "created_at", "id"]),
        index("idx_alerts_seq", "alerts", &["tenant_id", "seq"]).unique().take(),
        index("idx_alerts_subject", "alerts", &["tenant_id", "subject_id", "event_type"]),
        index("idx_alerts_page", "alerts", &["tenant_id", "created_at", "id"]),
        index("idx_alerts_page_of_all", "alerts", &["created_at", "id"]),
    ]
}
