//! The installation, its tenants, users, keys, settings, and limits of queues.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

use super::{belongs_to, index, of_tenant, table};

pub(super) fn indexes() -> Vec<IndexCreateStatement> {
    vec![
        // A key is found before its tenant is known. Prefixes are random; a unique index would reveal those of other
        // tenants.
        index("idx_api_keys_prefix", "api_keys", &["prefix"]),
        index("idx_api_keys_page", "api_keys", &["tenant_id", "created_at", "id"]),
    ]
}

pub(super) fn tables() -> Vec<TableCreateStatement> {
    vec![
        table("tenants", &["id"], vec![uuid("id"), text_uniq("slug"), text("name"), big_integer("created_at")]),
        table(
            "tenant_configs",
            &["tenant_id"],
            vec![uuid("tenant_id"), integer("max_concurrent_renders"), big_integer("revision")],
        )
        .foreign_key(&mut of_tenant("tenant_configs"))
        .take(),
        table(
            "users",
            &["tenant_id", "id"],
            vec![
                uuid("tenant_id"),
                uuid("id"),
                text("display_name"),
                text("role"),
                boolean("is_active"),
                big_integer("created_at"),
            ],
        )
        .foreign_key(&mut of_tenant("users"))
        .take(),
        table(
            "api_keys",
            &["tenant_id", "id"],
            vec![
                uuid("tenant_id"),
                uuid("id"),
                uuid("user_id"),
                text("name"),
                text("prefix"),
                text("hash"),
                text("scopes"),
                boolean("all_tenants"),
                integer_null("rate_limit_per_s"),
                big_integer("created_at"),
                big_integer_null("expires_at"),
                big_integer_null("last_used_at"),
                big_integer_null("revoked_at"),
            ],
        )
        .foreign_key(&mut belongs_to("api_keys", ["tenant_id", "user_id"], "users"))
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
