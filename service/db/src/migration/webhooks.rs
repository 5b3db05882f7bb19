//! Webhooks and what is delivered to them (notifications.md §8).

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

use super::{belongs_to, index, of_tenant, table};

pub(super) fn tables() -> Vec<TableCreateStatement> {
    let webhooks = vec![
        uuid("tenant_id"),
        uuid("id"),
        text("url"),
        text("description"),
        text("event_types"),
        boolean("enabled"),
        text_null("disabled_reason"),
        text("secret"),
        text_null("previous_secret"),
        big_integer_null("previous_secret_expires_at"),
        integer("consecutive_failures"),
        big_integer_null("last_success_at"),
        big_integer_null("last_failure_at"),
        big_integer("revision"),
        big_integer("created_at"),
        big_integer("updated_at"),
        big_integer_null("deleted_at"),
    ];
    let deliveries = vec![
        uuid("tenant_id"),
        uuid("id"),
        uuid("webhook_id"),
        // The newest task of the delivery, which goes some time after its end.
        uuid("task_id"),
        uuid("event_id"),
        text("event_type"),
        text("state"),
        integer("attempt"),
        big_integer_null("next_attempt_at"),
        text("attempts"),
        text("payload"),
        big_integer("created_at"),
        big_integer_null("delivered_at"),
    ];
    vec![
        table("webhooks", &["tenant_id", "id"], webhooks).foreign_key(&mut of_tenant("webhooks")).take(),
        table("webhook_deliveries", &["tenant_id", "id"], deliveries)
            .foreign_key(&mut belongs_to("webhook_deliveries", ["tenant_id", "webhook_id"], "webhooks"))
            .take(),
    ]
}

pub(super) fn indexes() -> Vec<IndexCreateStatement> {
    let deliveries = "webhook_deliveries";
    vec![
        index("idx_webhooks_page", "webhooks", &["tenant_id", "created_at", "id"]),
        index("idx_webhooks_page_of_all", "webhooks", &["created_at", "id"]),
        index("idx_webhook_deliveries_once", deliveries, &["tenant_id", "event_id", "webhook_id"]).unique().take(),
        index("idx_webhook_deliveries_page", deliveries, &["tenant_id", "webhook_id", "created_at", "id"]),
        index("idx_webhook_deliveries_state", deliveries, &["tenant_id", "webhook_id", "state", "created_at", "id"]),
        index("idx_webhook_deliveries_task", deliveries, &["tenant_id", "task_id"]),
        // What is old enough to go.
        index("idx_webhook_deliveries_age", deliveries, &["created_at"]),
        // Claims: the next task of each webhook is one step into this index. Other tasks are not in it.
        index("idx_tasks_slot", "tasks", &["tenant_id", "slot_id", "state", "run_after", "id"])
            .and_where(Expr::col("slot_id").is_not_null())
            .take(),
    ]
}
