//! Orders, their lines, and every change of their state (orders.md §1).

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

use super::{belongs_to, index, needs, of_tenant, table};

pub(super) fn tables() -> Vec<TableCreateStatement> {
    let orders = vec![
        uuid("tenant_id"),
        uuid("id"),
        text("order_number"),
        text("status"),
        uuid("created_by"),
        integer("submission_no"),
        big_integer_null("submitted_at"),
        big_integer_null("processing_started_at"),
        big_integer_null("completed_at"),
        big_integer_null("rejected_at"),
        text_null("rejection_reason"),
        text_null("notes"),
        big_integer("created_at"),
        big_integer("updated_at"),
    ];
    let order_lines = vec![
        uuid("tenant_id"),
        uuid("id"),
        uuid("order_id"),
        integer("position"),
        uuid("product_id"),
        uuid("output_type_id"),
        text("render_status"),
        // The newest job, which may have gone.
        uuid_null("job_id"),
        text_null("result_path"),
        text_null("result_address"),
        // Parts without a material in it.
        integer_null("unmapped_parts"),
        // Their names, with what its file says about them.
        text_null("unmapped"),
        // The round in which it last left `pending`.
        uuid_null("round_id"),
        big_integer_null("render_started_at"),
        big_integer_null("render_completed_at"),
        big_integer("created_at"),
        big_integer("updated_at"),
    ];
    let order_history = vec![
        uuid("tenant_id"),
        uuid("order_id"),
        integer("seq"),
        text("from_status"),
        text("to_status"),
        integer("submission_no"),
        uuid_null("actor_id"),
        text_null("reason"),
        big_integer("at"),
    ];
    let order_rounds = vec![
        uuid("tenant_id"),
        uuid("id"),
        uuid("order_id"),
        integer("submission_no"),
        integer("round_no"),
        big_integer("opened_at"),
        big_integer_null("closed_at"),
        // What became of its summary; null while that is to be told.
        text_null("outcome"),
    ];
    vec![
        table("orders", &["tenant_id", "id"], orders).foreign_key(&mut of_tenant("orders")).take(),
        table("order_lines", &["tenant_id", "id"], order_lines)
            .foreign_key(&mut belongs_to("order_lines", ["tenant_id", "order_id"], "orders"))
            .foreign_key(&mut needs("order_lines", "product_id", "products"))
            .foreign_key(&mut needs("order_lines", "output_type_id", "output_types"))
            .take(),
        table("order_history", &["tenant_id", "order_id", "seq"], order_history)
            .foreign_key(&mut belongs_to("order_history", ["tenant_id", "order_id"], "orders"))
            .take(),
        table("order_rounds", &["tenant_id", "id"], order_rounds)
            .foreign_key(&mut belongs_to("order_rounds", ["tenant_id", "order_id"], "orders"))
            .take(),
    ]
}

pub(super) fn indexes() -> Vec<IndexCreateStatement> {
    vec![
        index("idx_orders_creator", "orders", &["tenant_id", "created_by"]),
        index("idx_orders_number", "orders", &["tenant_id", "order_number"]).unique().take(),
        index("idx_orders_page", "orders", &["tenant_id", "created_at", "id"]),
        index("idx_orders_status", "orders", &["tenant_id", "status", "created_at", "id"]),
        index("idx_orders_page_of_all", "orders", &["created_at", "id"]),
        index("idx_order_lines_order", "order_lines", &["tenant_id", "order_id", "position"]).unique().take(),
        index("idx_order_rounds_no", "order_rounds", &["tenant_id", "order_id", "submission_no", "round_no"])
            .unique()
            .take(),
        // Which closed rounds were not told of.
        index("idx_order_rounds_outcome", "order_rounds", &["outcome", "closed_at"]),
        index("idx_order_lines_product", "order_lines", &["tenant_id", "product_id"]),
        index("idx_order_lines_output_type", "order_lines", &["tenant_id", "output_type_id"]),
    ]
}
