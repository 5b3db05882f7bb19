//! Direct renders, their inputs and files, and requests with idempotency keys.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

use super::{belongs_to, index, of_tenant, table};

pub(super) fn tables() -> Vec<TableCreateStatement> {
    vec![renders(), render_files(), render_inputs(), idempotency_keys()]
}

pub(super) fn indexes() -> Vec<IndexCreateStatement> {
    vec![
        // The result cache.
        index("idx_renders_cache", "renders", &["tenant_id", "cache_key"]),
        // Whether anything refers to an object.
        index("idx_render_inputs_address", "render_inputs", &["tenant_id", "address"]),
        index("idx_idempotency_keys_expiry", "idempotency_keys", &["expires_at"]),
    ]
}

fn renders() -> TableCreateStatement {
    let columns = vec![
        uuid("tenant_id"),
        uuid("id"),
        text("kind"),
        integer("priority"),
        text("request"),
        text("metadata"),
        text_null("cache_key"),
        text_null("result"),
        // The names of parts without a material, with what its file says about them.
        text_null("unmapped"),
        big_integer("created_at"),
    ];
    let mut of_job = belongs_to("renders", ["tenant_id", "id"], "jobs");
    table("renders", &["tenant_id", "id"], columns).foreign_key(&mut of_job).take()
}

fn render_files() -> TableCreateStatement {
    let columns = vec![
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
    let mut of_render = belongs_to("render_files", ["tenant_id", "render_id"], "renders");
    table("render_files", &["tenant_id", "render_id", "name"], columns).foreign_key(&mut of_render).take()
}

fn render_inputs() -> TableCreateStatement {
    let columns = vec![uuid("tenant_id"), uuid("render_id"), text("address")];
    let mut of_render = belongs_to("render_inputs", ["tenant_id", "render_id"], "renders");
    table("render_inputs", &["tenant_id", "render_id", "address"], columns).foreign_key(&mut of_render).take()
}

fn idempotency_keys() -> TableCreateStatement {
    let columns = vec![
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
    table("idempotency_keys", &["tenant_id", "method", "path", "key"], columns)
        .foreign_key(&mut of_tenant("idempotency_keys"))
        .take()
}
