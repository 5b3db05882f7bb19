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
    let read = vec![big_integer_null("read_at"), uuid_null("announcement_id")];
    let notifications = [numbered(), vec![uuid("user_id")], about(), read].concat();
    // What is not told at once, until it is.
    let waiting = [vec![uuid("tenant_id"), uuid("id"), uuid("user_id")], about()].concat();
    let state = vec![
        // Whether it is about the whole installation; then it is a row of the operating tenant.
        boolean("of_instance"),
        // What tells what it is about from everything else of its type.
        text("condition"),
        text("state"),
        integer("occurrences"),
        big_integer("last_seen_at"),
        big_integer_null("resolved_at"),
        uuid_null("acknowledged_by"),
        big_integer_null("acknowledged_at"),
    ];
    let alerts = [numbered(), about(), state].concat();
    let configs = vec![
        uuid("tenant_id"),
        uuid("user_id"),
        text("event_type"),
        boolean("enabled"),
        text("frequency"),
        big_integer("updated_at"),
    ];
    let announcements = vec![
        uuid("tenant_id"),
        uuid("id"),
        text("title"),
        text("body"),
        text("severity"),
        text("roles"),
        big_integer("starts_at"),
        big_integer_null("ends_at"),
        boolean("all_tenants"),
        uuid("created_by"),
        big_integer("created_at"),
        // Whether it has ended, and what nobody read of it is gone.
        boolean("is_over"),
    ];
    // Who was told of an announcement, which may be another tenant's.
    let announced = vec![uuid("tenant_id"), uuid("announcement_id"), uuid("user_id")];
    vec![
        table("activity", &["tenant_id", "id"], activity).foreign_key(&mut of_tenant("activity")).take(),
        table("notifications", &["tenant_id", "id"], notifications)
            .foreign_key(&mut belongs_to("notifications", ["tenant_id", "user_id"], "users"))
            .take(),
        table("waiting_notifications", &["tenant_id", "id"], waiting)
            .foreign_key(&mut belongs_to("waiting_notifications", ["tenant_id", "user_id"], "users"))
            .take(),
        table("notification_configs", &["tenant_id", "user_id", "event_type"], configs)
            .foreign_key(&mut belongs_to("notification_configs", ["tenant_id", "user_id"], "users"))
            .take(),
        table("announcements", &["tenant_id", "id"], announcements).foreign_key(&mut of_tenant("announcements")).take(),
        table("announced", &["tenant_id", "announcement_id", "user_id"], announced)
            .foreign_key(&mut belongs_to("announced", ["tenant_id", "user_id"], "users"))
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
        index("idx_notifications_unread", "notifications", &["tenant_id", "user_id", "read_at"]),
        index("idx_alerts_seq", "alerts", &["tenant_id", "seq"]).unique().take(),
        index("idx_notifications_age", "notifications", &["created_at"]),
        index("idx_notifications_announcement", "notifications", &["announcement_id"]),
        index("idx_waiting_notifications_user", "waiting_notifications", &["tenant_id", "user_id", "created_at"]),
        index("idx_waiting_notifications_age", "waiting_notifications", &["created_at"]),
        index("idx_announcements_page", "announcements", &["tenant_id", "created_at", "id"]),
        index("idx_announcements_start", "announcements", &["is_over", "starts_at"]),
        index("idx_announced_announcement", "announced", &["announcement_id"]),
        index("idx_alerts_condition", "alerts", &["tenant_id", "state", "event_type", "condition"]),
        index("idx_alerts_page", "alerts", &["tenant_id", "created_at", "id"]),
        index("idx_alerts_page_of_all", "alerts", &["created_at", "id"]),
    ]
}
