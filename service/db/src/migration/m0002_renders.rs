//! Renders, their tasks, events, logs, files and inputs, and requests with idempotency keys.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

use super::{belongs_to, index, of_tenant, table};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [renders(), tasks()].into_iter().chain(parts_of_renders()) {
            manager.create_table(table).await?;
        }
        for index in indexes() {
            manager.create_index(index).await?;
        }
        Ok(())
    }
}

fn renders() -> TableCreateStatement {
    let columns = vec![
        uuid("tenant_id"),
        uuid("id"),
        text("kind"),
        text("state"),
        integer("priority"),
        text("request"),
        text("metadata"),
        text("document"),
        text_null("result"),
        text_null("device"),
        text_null("error_code"),
        text_null("error_detail"),
        text_null("error_at"),
        double("progress_pct"),
        integer("samples_done"),
        integer("samples_target"),
        uuid_null("task_id"),
        uuid("created_by"),
        text_null("cache_key"),
        big_integer("event_seq"),
        big_integer_null("cancel_requested_at"),
        big_integer("created_at"),
        big_integer_null("started_at"),
        big_integer_null("completed_at"),
    ];
    table("renders", &["tenant_id", "id"], columns).foreign_key(&mut of_tenant("renders")).take()
}

fn tasks() -> TableCreateStatement {
    let columns = vec![
        uuid("tenant_id"),
        uuid("id"),
        uuid("render_id"),
        text("name"),
        text("queue"),
        text("kwargs"),
        text("state"),
        integer("priority"),
        integer("attempt"),
        integer("max_attempts"),
        big_integer("lease_number"),
        big_integer_null("lease_expires_at"),
        uuid_null("worker_id"),
        big_integer("run_after"),
        big_integer_null("cancel_requested_at"),
        big_integer("log_seq"),
        double("progress_pct"),
        text_null("error_code"),
        text_null("error_detail"),
        text_null("error_at"),
        big_integer("created_at"),
        big_integer_null("started_at"),
        big_integer_null("completed_at"),
    ];
    let mut of_render = belongs_to("tasks", ["tenant_id", "render_id"], "renders");
    table("tasks", &["tenant_id", "id"], columns).foreign_key(&mut of_render).take()
}

fn parts_of_renders() -> Vec<TableCreateStatement> {
    let of_render = |table| belongs_to(table, ["tenant_id", "render_id"], "renders");
    let events = vec![
        uuid("tenant_id"),
        uuid("stream_id"),
        big_integer("seq"),
        text("event"),
        text("data"),
        big_integer("created_at"),
    ];
    let log = vec![
        uuid("tenant_id"),
        uuid("task_id"),
        big_integer("seq"),
        text("step_name"),
        text("level"),
        text("message"),
        double_null("duration_s"),
        text("context"),
        big_integer("created_at"),
    ];
    let files = vec![
        uuid("tenant_id"),
        uuid("render_id"),
        text("name"),
        integer("position"),
        text("format"),
        text("media_type"),
        text("address"),
        big_integer("size_bytes"),
        integer_null("width"),
        integer_null("height"),
    ];
    let inputs = vec![uuid("tenant_id"), uuid("render_id"), text("address")];
    let idempotency_keys = vec![
        uuid("tenant_id"),
        text("method"),
        text("path"),
        text("key"),
        text("body"),
        uuid("holder"),
        big_integer("in_flight_until"),
        uuid_null("render_id"),
        integer_null("status"),
        text_null("headers"),
        binary_null("answer"),
        big_integer("expires_at"),
    ];
    vec![
        table("events", &["tenant_id", "stream_id", "seq"], events)
            .foreign_key(&mut belongs_to("events", ["tenant_id", "stream_id"], "renders"))
            .take(),
        table("pipeline_events", &["tenant_id", "task_id", "seq"], log)
            .foreign_key(&mut belongs_to("pipeline_events", ["tenant_id", "task_id"], "tasks"))
            .take(),
        table("render_files", &["tenant_id", "render_id", "name"], files)
            .foreign_key(&mut of_render("render_files"))
            .take(),
        table("render_inputs", &["tenant_id", "render_id", "address"], inputs)
            .foreign_key(&mut of_render("render_inputs"))
            .take(),
        table("idempotency_keys", &["tenant_id", "method", "path", "key"], idempotency_keys)
            .foreign_key(&mut of_tenant("idempotency_keys"))
            .take(),
    ]
}

fn indexes() -> Vec<IndexCreateStatement> {
    vec![
        // Pages.
        index("idx_renders_page", "renders", &["tenant_id", "created_at", "id"]),
        index("idx_renders_state", "renders", &["tenant_id", "state", "created_at", "id"]),
        index("idx_tasks_page", "tasks", &["tenant_id", "created_at", "id"]),
        // The result cache.
        index("idx_renders_cache", "renders", &["tenant_id", "cache_key"]),
        // Claims: the first of each tenant in a queue is one step into this index.
        index("idx_tasks_queue", "tasks", &["queue", "state", "tenant_id", "-priority", "id"]),
        // What goes when a render goes.
        index("idx_tasks_render", "tasks", &["tenant_id", "render_id"]),
        // Whether anything refers to an object.
        index("idx_render_files_address", "render_files", &["tenant_id", "address"]),
        index("idx_render_inputs_address", "render_inputs", &["tenant_id", "address"]),
        index("idx_idempotency_keys_expiry", "idempotency_keys", &["expires_at"]),
    ]
}
