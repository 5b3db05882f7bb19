//! Reviews of materials: their parts, the fixes that are suggested, what was said of those, and notes that were written
//! (suggested-fixes.md §1).

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

use super::{belongs_to, index, of_tenant, table};

pub(super) fn tables() -> Vec<TableCreateStatement> {
    vec![reviews(), parts(), fixes(), changes(), notes()]
}

pub(super) fn indexes() -> Vec<IndexCreateStatement> {
    vec![
        // A line, a render and a design job have one review each.
        index("idx_material_reviews_line", "material_reviews", &["tenant_id", "order_line_id"]).unique().take(),
        index("idx_material_reviews_render", "material_reviews", &["tenant_id", "render_id"]).unique().take(),
        index("idx_material_reviews_design", "material_reviews", &["tenant_id", "design_job_id"]).unique().take(),
        index("idx_material_reviews_again", "material_reviews", &["tenant_id", "again_id"]),
        index("idx_material_reviews_page", "material_reviews", &["tenant_id", "created_at", "id"]),
        index("idx_material_reviews_status", "material_reviews", &["tenant_id", "status", "created_at", "id"]),
        index("idx_material_reviews_page_of_all", "material_reviews", &["created_at", "id"]),
        index("idx_material_reviews_product", "material_reviews", &["tenant_id", "product_id"]),
        // Which reviews have a name.
        index("idx_review_parts_alias", "review_parts", &["tenant_id", "scope", "alias_key"]),
        index("idx_review_parts_key", "review_parts", &["tenant_id", "part_key"]),
        index("idx_review_parts_resolved", "review_parts", &["tenant_id", "resolved_alias"]),
        index("idx_suggested_fixes_review", "suggested_fixes", &["tenant_id", "review_id", "part_position", "rank"]),
        // What is not proposed again.
        index("idx_suggested_fixes_shunned", "suggested_fixes", &["tenant_id", "scope", "alias_key", "shunned_at"]),
        index("idx_suggested_fixes_created", "suggested_fixes", &["tenant_id", "created_at"]),
    ]
}

fn reviews() -> TableCreateStatement {
    let columns = vec![
        uuid("tenant_id"),
        uuid("id"),
        // One of them is set.
        uuid_null("order_line_id"),
        uuid_null("render_id"),
        uuid_null("design_job_id"),
        // The newest render or design job that was made anew for it.
        uuid_null("again_id"),
        uuid_null("product_id"),
        uuid_null("cad_file_id"),
        text("status"),
        big_integer("state_version"),
        big_integer("created_at"),
        big_integer("updated_at"),
    ];
    table("material_reviews", &["tenant_id", "id"], columns)
        .foreign_key(&mut of_tenant("material_reviews"))
        .foreign_key(&mut belongs_to("material_reviews", ["tenant_id", "order_line_id"], "order_lines"))
        .foreign_key(&mut belongs_to("material_reviews", ["tenant_id", "render_id"], "renders"))
        .foreign_key(&mut belongs_to("material_reviews", ["tenant_id", "design_job_id"], "design_jobs"))
        .take()
}

fn parts() -> TableCreateStatement {
    let columns = vec![
        uuid("tenant_id"),
        uuid("review_id"),
        integer("position"),
        text("part_name"),
        text("part_key"),
        boolean("is_named"),
        text_null("material_string"),
        text("reason"),
        // What an alias for it would be of, and its key.
        text("scope"),
        text("alias_key"),
        text("node_paths"),
        integer("instances"),
        double("area_share"),
        text_null("gltf_material"),
        text_null("gltf_color"),
        text("cad_names"),
        // Whether the newest pictures show it so.
        boolean("in_fallback"),
        boolean("resolved"),
        // The fix that resolved it, and the alias.
        uuid_null("resolved_by"),
        uuid_null("resolved_alias"),
        big_integer("first_seen"),
        big_integer("last_seen"),
    ];
    table("review_parts", &["tenant_id", "review_id", "position"], columns)
        .foreign_key(&mut belongs_to("review_parts", ["tenant_id", "review_id"], "material_reviews"))
        .take()
}

fn fixes() -> TableCreateStatement {
    let columns = vec![
        uuid("tenant_id"),
        uuid("id"),
        uuid("review_id"),
        integer("part_position"),
        integer("rank"),
        text("title"),
        text("description"),
        integer("confidence_pct"),
        text("alias"),
        text("alias_key"),
        text("scope"),
        text("material"),
        text("signals"),
        text("status"),
        big_integer_null("applied_at"),
        big_integer_null("verified_at"),
        text_null("partial_notes"),
        text_null("pending_reason"),
        text_null("failure_reason"),
        // The outcome that a check suggests.
        text_null("verdict"),
        text_null("verdict_reason"),
        uuid_null("alias_id"),
        boolean("wrote_alias"),
        text_null("rerender"),
        // When a person dismissed it or saw it fail.
        big_integer_null("shunned_at"),
        big_integer("created_at"),
        big_integer("updated_at"),
    ];
    table("suggested_fixes", &["tenant_id", "id"], columns)
        .foreign_key(&mut belongs_to("suggested_fixes", ["tenant_id", "review_id"], "material_reviews"))
        .take()
}

fn changes() -> TableCreateStatement {
    let columns = vec![
        uuid("tenant_id"),
        uuid("fix_id"),
        integer("seq"),
        big_integer("at"),
        uuid_null("actor_id"),
        text("action"),
        text("from_status"),
        text("to_status"),
        text_null("notes"),
    ];
    table("fix_changes", &["tenant_id", "fix_id", "seq"], columns)
        .foreign_key(&mut belongs_to("fix_changes", ["tenant_id", "fix_id"], "suggested_fixes"))
        .take()
}

fn notes() -> TableCreateStatement {
    let columns = vec![
        uuid("tenant_id"),
        uuid("review_id"),
        text("kind"),
        big_integer("state_version"),
        text("markdown"),
        big_integer("created_at"),
    ];
    table("review_notes", &["tenant_id", "review_id", "kind", "state_version"], columns)
        .foreign_key(&mut belongs_to("review_notes", ["tenant_id", "review_id"], "material_reviews"))
        .take()
}
