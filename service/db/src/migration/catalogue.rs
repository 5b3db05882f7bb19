//! What orders are about: CAD files, and the products that are made of them (orders.md §1).

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

use super::{index, of_tenant, table};

pub(super) fn tables() -> Vec<TableCreateStatement> {
    let cad_files = vec![
        uuid("tenant_id"),
        uuid("id"),
        text("original_name"),
        text("address"),
        text("media_type"),
        big_integer("size_bytes"),
        text("source_format"),
        text("parts"),
        text_null("size_mm"),
        text("status"),
        text_null("error"),
        text_null("glb_address"),
        uuid("created_by"),
        big_integer("created_at"),
        big_integer("updated_at"),
        big_integer("revision"),
    ];
    let name = "cad_files";
    vec![table(name, &["tenant_id", "id"], cad_files).foreign_key(&mut of_tenant(name)).take()]
}

pub(super) fn indexes() -> Vec<IndexCreateStatement> {
    vec![
        // The same bytes are one file.
        index("idx_cad_files_address", "cad_files", &["tenant_id", "address"]).unique().take(),
        index("idx_cad_files_page", "cad_files", &["tenant_id", "created_at", "id"]),
        index("idx_cad_files_page_of_all", "cad_files", &["created_at", "id"]),
    ]
}
