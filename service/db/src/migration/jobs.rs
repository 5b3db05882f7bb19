//! Jobs, their tasks with the order among them, logs, and streams of events.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

use super::{belongs_to, index, of_tenant, table};

pub(super) fn tables() -> Vec<TableCreateStatement> {
    vec![jobs(), tasks(), task_edges(), pipeline_events(), streams(), events(), lane_turns()]
}

pub(super) fn indexes() -> Vec<IndexCreateStatement> {
    vec![
        // Pages, of all jobs of a kind or of those in a state.
        index("idx_jobs_page", "jobs", &["tenant_id", "kind", "created_at", "id"]),
        index("idx_jobs_state", "jobs", &["tenant_id", "kind", "state", "created_at", "id"]),
        // The jobs of a record: whether anything still works on it.
        index("idx_jobs_record", "jobs", &["tenant_id", "record_id"]),
        index("idx_tasks_page", "tasks", &["tenant_id", "created_at", "id"]),
        // The same over all tenants.
        index("idx_jobs_page_of_all", "jobs", &["kind", "created_at", "id"]),
        index("idx_tasks_page_of_all", "tasks", &["created_at", "id"]),
        // Claims: the first of each tenant in a lane is one step into this index.
        index("idx_tasks_lane", "tasks", &["queue", "state", "lane", "tenant_id", "-priority", "id"]),
        // The tasks of a job in the order of its graph, and what goes when it goes.
        index("idx_tasks_job", "tasks", &["tenant_id", "job_id", "position"]),
        index("idx_task_edges_after", "task_edges", &["tenant_id", "after_id"]),
    ]
}

fn jobs() -> TableCreateStatement {
    let columns = vec![
        uuid("tenant_id"),
        uuid("id"),
        text("kind"),
        uuid("record_id"),
        text("state"),
        text_null("document"),
        double("progress_pct"),
        integer("samples_done"),
        integer("samples_target"),
        text_null("device"),
        text_null("error_code"),
        text_null("error_detail"),
        text_null("error_at"),
        uuid("created_by"),
        text_null("input_name"),
        big_integer_null("cancel_requested_at"),
        big_integer("created_at"),
        big_integer_null("started_at"),
        big_integer_null("completed_at"),
    ];
    table("jobs", &["tenant_id", "id"], columns).foreign_key(&mut of_tenant("jobs")).take()
}

fn tasks() -> TableCreateStatement {
    let columns = vec![
        uuid("tenant_id"),
        uuid("id"),
        uuid_null("job_id"),
        // Of those that run, only so many may be for the same.
        uuid_null("slot_id"),
        integer("position"),
        text("kind"),
        text("queue"),
        text("lane"),
        text("args"),
        text("kwargs"),
        text_null("spec"),
        text_null("result"),
        boolean("publishes"),
        integer("blockers"),
        text("state"),
        integer("priority"),
        integer("attempt"),
        integer("max_attempts"),
        integer("faults"),
        integer("service_deaths"),
        integer("service_deaths_max"),
        uuid_null("lease_token"),
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
        big_integer_null("went_on_at"),
        big_integer_null("completed_at"),
    ];
    table("tasks", &["tenant_id", "id"], columns)
        .foreign_key(&mut of_tenant("tasks"))
        .foreign_key(&mut belongs_to("tasks", ["tenant_id", "job_id"], "jobs"))
        .take()
}

fn task_edges() -> TableCreateStatement {
    let columns = vec![uuid("tenant_id"), uuid("before_id"), uuid("after_id")];
    let to_task = |column: &'static str| {
        let mut reference = belongs_to("task_edges", ["tenant_id", column], "tasks");
        reference.name(format!("fk_task_edges_{column}")).take()
    };
    table("task_edges", &["tenant_id", "before_id", "after_id"], columns)
        .foreign_key(&mut to_task("before_id"))
        .foreign_key(&mut to_task("after_id"))
        .take()
}

fn pipeline_events() -> TableCreateStatement {
    let columns = vec![
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
    table("pipeline_events", &["tenant_id", "task_id", "seq"], columns)
        .foreign_key(&mut belongs_to("pipeline_events", ["tenant_id", "task_id"], "tasks"))
        .take()
}

fn streams() -> TableCreateStatement {
    let columns = vec![uuid("tenant_id"), text("kind"), uuid("id"), big_integer("last_seq")];
    table("streams", &["tenant_id", "kind", "id"], columns).foreign_key(&mut of_tenant("streams")).take()
}

fn events() -> TableCreateStatement {
    let columns = vec![
        uuid("tenant_id"),
        text("kind"),
        uuid("id"),
        big_integer("seq"),
        text("event"),
        text("data"),
        big_integer("created_at"),
    ];
    let mut of_stream = ForeignKey::create();
    of_stream.name("fk_events_streams").on_delete(ForeignKeyAction::Cascade);
    of_stream.from("events", ("tenant_id", "kind", "id")).to("streams", ("tenant_id", "kind", "id"));
    table("events", &["tenant_id", "kind", "id", "seq"], columns).foreign_key(&mut of_stream).take()
}

/// When each tenant was last given a turn in a lane: of tenants that run equally much, the one that waited longest goes
/// first.
fn lane_turns() -> TableCreateStatement {
    let columns = vec![uuid("tenant_id"), text("queue"), text("lane"), big_integer("claimed_at")];
    table("lane_turns", &["tenant_id", "queue", "lane"], columns).foreign_key(&mut of_tenant("lane_turns")).take()
}
