//! Design jobs, printable areas of products, and presets of tenants (design-renders.md).

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

use super::{belongs_to, index, of_tenant, table};

pub(super) fn tables() -> Vec<TableCreateStatement> {
    vec![jobs(), areas(), presets()]
}

pub(super) fn indexes() -> Vec<IndexCreateStatement> {
    vec![
        index("idx_design_jobs_page", "design_jobs", &["tenant_id", "created_at", "id"]),
        index("idx_design_jobs_page_of_all", "design_jobs", &["created_at", "id"]),
        index("idx_design_jobs_status", "design_jobs", &["tenant_id", "status", "created_at", "id"]),
        index("idx_design_jobs_product", "design_jobs", &["tenant_id", "product_id", "created_at", "id"]),
        index("idx_design_jobs_equal", "design_jobs", &["tenant_id", "work_key", "created_at", "id"]),
        // What the service looks for by itself: what was not taken back, and what nobody goes on with.
        index("idx_design_jobs_owed", "design_jobs", &["is_owed", "updated_at"]),
        index("idx_design_jobs_checked", "design_jobs", &["status", "updated_at"]),
        index("idx_design_areas_name", "design_areas", &["tenant_id", "product_id", "name"]).unique().take(),
    ]
}

fn jobs() -> TableCreateStatement {
    let columns = vec![
        uuid("tenant_id"),
        uuid("id"),
        // It outlives its product.
        uuid("product_id"),
        uuid("created_by"),
        text("status"),
        double("progress_pct"),
        text("steps"),
        text("request"),
        // What its tasks compute, the same for every try.
        text("spec"),
        // Jobs with the same key have the same texture and pictures.
        text("work_key"),
        // What is known of the design's file.
        text("design"),
        uuid_null("design_asset_id"),
        uuid_null("texture_asset_id"),
        text_null("placement_report"),
        // Names without a material in its pictures, once these are rendered.
        text_null("unmapped"),
        text_null("error"),
        integer("attempt"),
        text("attempts"),
        text("metadata"),
        // Whether something was to be taken back and was not.
        boolean("is_owed"),
        // The job of the newest attempt.
        uuid_null("job_id"),
        // The thumbnail that the product had before.
        text_null("thumbnail_before"),
        big_integer_null("cancel_requested_at"),
        big_integer("created_at"),
        big_integer_null("started_at"),
        big_integer_null("completed_at"),
        big_integer("updated_at"),
    ];
    table("design_jobs", &["tenant_id", "id"], columns).foreign_key(&mut of_tenant("design_jobs")).take()
}

fn areas() -> TableCreateStatement {
    let columns = vec![
        uuid("tenant_id"),
        uuid("id"),
        uuid("product_id"),
        text("name"),
        text_null("material"),
        text_null("part"),
        integer("uv_set"),
        text("mapping"),
        text_null("axis"),
        double("safe_mm"),
        boolean("is_default"),
        // What was measured.
        double("width_mm"),
        double("height_mm"),
        double("distortion"),
        boolean("wraps"),
        big_integer("created_at"),
        big_integer("updated_at"),
        big_integer("revision"),
    ];
    table("design_areas", &["tenant_id", "id"], columns)
        .foreign_key(&mut of_tenant("design_areas"))
        .foreign_key(&mut belongs_to("design_areas", ["tenant_id", "product_id"], "products"))
        .take()
}

fn presets() -> TableCreateStatement {
    let columns = vec![
        uuid("tenant_id"),
        text("name"),
        text("placement"),
        big_integer("created_at"),
        big_integer("updated_at"),
        big_integer("revision"),
    ];
    table("design_presets", &["tenant_id", "name"], columns).foreign_key(&mut of_tenant("design_presets")).take()
}
