//! Media assets: the files of orders that people look for (media.md).

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

use super::{index, needs, of_tenant, table};

pub(super) fn tables() -> Vec<TableCreateStatement> {
    let media_assets = vec![
        uuid("tenant_id"),
        uuid("id"),
        // Among those that were saved together.
        integer("position"),
        text("asset_type"),
        text("media_type"),
        text("file_name"),
        text("address"),
        big_integer("size_bytes"),
        integer_null("width"),
        integer_null("height"),
        integer_null("frame_count"),
        double_null("duration_s"),
        text_null("view_name"),
        uuid_null("product_id"),
        uuid_null("order_id"),
        uuid_null("order_line_id"),
        uuid_null("output_type_id"),
        // A run, which goes with its line: that clears this.
        uuid_null("workflow_run_id"),
        text("state"),
        integer("version"),
        // An asset that may have gone.
        uuid_null("superseded_by"),
        uuid("package_id"),
        text("metadata"),
        big_integer("created_at"),
        big_integer("updated_at"),
        big_integer_null("published_at"),
        big_integer("revision"),
    ];
    vec![
        table("media_assets", &["tenant_id", "id"], media_assets)
            .foreign_key(&mut of_tenant("media_assets"))
            .foreign_key(&mut needs("media_assets", "product_id", "products"))
            .foreign_key(&mut needs("media_assets", "order_id", "orders"))
            .foreign_key(&mut needs("media_assets", "order_line_id", "order_lines"))
            .foreign_key(&mut needs("media_assets", "output_type_id", "output_types"))
            .take(),
    ]
}

pub(super) fn indexes() -> Vec<IndexCreateStatement> {
    vec![
        index("idx_media_assets_page", "media_assets", &["tenant_id", "created_at", "id"]),
        index("idx_media_assets_page_of_all", "media_assets", &["created_at", "id"]),
        index("idx_media_assets_line", "media_assets", &["tenant_id", "order_line_id", "state"]),
        index("idx_media_assets_order", "media_assets", &["tenant_id", "order_id"]),
        index("idx_media_assets_product", "media_assets", &["tenant_id", "product_id"]),
        index("idx_media_assets_output_type", "media_assets", &["tenant_id", "output_type_id"]),
        index("idx_media_assets_package", "media_assets", &["tenant_id", "package_id"]),
    ]
}
