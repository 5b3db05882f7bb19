//! Workflow definitions, runs of them, and what became of each node (workflow.md §1).

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

use super::{belongs_to, index, needs, of_tenant, table};

/// Definitions, which output types refer to.
pub(super) fn definitions() -> TableCreateStatement {
    let columns = vec![
        uuid("tenant_id"),
        uuid("id"),
        text("name"),
        // An output type, which clears this when it goes.
        uuid_null("output_type_id"),
        text("config"),
        boolean("is_active"),
        uuid("created_by"),
        big_integer("created_at"),
        big_integer("updated_at"),
        big_integer("revision"),
    ];
    table("workflow_definitions", &["tenant_id", "id"], columns)
        .foreign_key(&mut of_tenant("workflow_definitions"))
        .take()
}

/// Runs with their nodes, after what they run on.
pub(super) fn tables() -> Vec<TableCreateStatement> {
    let runs = vec![
        uuid("tenant_id"),
        uuid("id"),
        uuid_null("workflow_definition_id"),
        uuid_null("order_line_id"),
        uuid_null("cad_file_id"),
        text("execution_mode"),
        text("status"),
        // The job that its nodes follow, which may have gone.
        uuid_null("job_id"),
        // Of a shadow run: the job that it observes, which may have gone.
        uuid_null("observed_job_id"),
        // Its first task, and the one whose first file is the line's result.
        uuid_null("first_task_id"),
        uuid_null("result_task_id"),
        text_null("error_message"),
        text("config"),
        // Of a shadow run: what both sides are made of, what each has made, and how that compares.
        text_null("ingredients"),
        text_null("authoritative_output"),
        text_null("observer_output"),
        text_null("comparison"),
        big_integer("created_at"),
        big_integer_null("started_at"),
        big_integer_null("completed_at"),
    ];
    let run_nodes = vec![
        uuid("tenant_id"),
        uuid("run_id"),
        // Its place in graph order.
        integer("position"),
        text("node_id"),
        text("step"),
        text("status"),
        text("output"),
        text_null("error"),
        uuid_null("task_id"),
        big_integer_null("started_at"),
        big_integer_null("completed_at"),
    ];
    vec![
        table("workflow_runs", &["tenant_id", "id"], runs)
            .foreign_key(&mut of_tenant("workflow_runs"))
            .foreign_key(&mut needs("workflow_runs", "workflow_definition_id", "workflow_definitions"))
            .foreign_key(&mut belongs_to("workflow_runs", ["tenant_id", "order_line_id"], "order_lines"))
            .foreign_key(&mut belongs_to("workflow_runs", ["tenant_id", "cad_file_id"], "cad_files"))
            .take(),
        table("run_nodes", &["tenant_id", "run_id", "position"], run_nodes)
            .foreign_key(&mut belongs_to("run_nodes", ["tenant_id", "run_id"], "workflow_runs"))
            .take(),
    ]
}

pub(super) fn indexes() -> Vec<IndexCreateStatement> {
    vec![
        index("idx_workflow_definitions_page", "workflow_definitions", &["tenant_id", "created_at", "id"]),
        index("idx_workflow_definitions_page_of_all", "workflow_definitions", &["created_at", "id"]),
        index("idx_workflow_definitions_type", "workflow_definitions", &["tenant_id", "output_type_id"]),
        index(
            "idx_workflow_runs_definition",
            "workflow_runs",
            &["tenant_id", "workflow_definition_id", "created_at", "id"],
        ),
        // What the end of a task means for its run.
        index("idx_workflow_runs_job", "workflow_runs", &["tenant_id", "job_id"]),
        index("idx_workflow_runs_observed", "workflow_runs", &["tenant_id", "observed_job_id"]),
        index("idx_workflow_runs_line", "workflow_runs", &["tenant_id", "order_line_id", "created_at", "id"]),
        index("idx_workflow_runs_file", "workflow_runs", &["tenant_id", "cad_file_id", "created_at", "id"]),
    ]
}
