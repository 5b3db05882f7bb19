//! The installation, settings of it and of tenants, and limits of queues.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

use super::{of_tenant, table};

pub(super) fn tables() -> Vec<TableCreateStatement> {
    vec![
        table(
            "tenant_configs",
            &["tenant_id"],
            vec![
                uuid("tenant_id"),
                integer("max_concurrent_renders"),
                text("render_engines_allowed"),
                integer("max_order_size"),
                text("fallback_material"),
                boolean("notifications_enabled"),
                text("invoice_prefix"),
                text("material_library"),
                integer("max_queued_jobs"),
                big_integer_null("max_storage_bytes"),
                big_integer_null("max_upload_bytes"),
                big_integer_null("max_pixels"),
                integer_null("rate_limit_per_s"),
                text("retention_days"),
                text("features_off"),
                big_integer("revision"),
            ],
        )
        .foreign_key(&mut of_tenant("tenant_configs"))
        .take(),
        table(
            "installation",
            &["id"],
            vec![
                integer("id"),
                boolean("configured"),
                uuid("operating_tenant"),
                uuid("local_user"),
                uuid_null("store_id"),
                big_integer("audit_expired_before"),
                big_integer("created_at"),
            ],
        ),
        table("system_settings", &["id"], vec![integer("id"), text("values"), big_integer("revision")]),
        table("tenant_settings", &["tenant_id"], vec![uuid("tenant_id"), text("values"), big_integer("revision")])
            .foreign_key(&mut of_tenant("tenant_settings"))
            .take(),
        table(
            "worker_configs",
            &["queue_name"],
            vec![
                text("queue_name"),
                integer("max_concurrency"),
                integer("min_concurrency"),
                big_integer("updated_at"),
                big_integer("revision"),
            ],
        ),
    ]
}
