//! Stored objects, and the material libraries among them.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

use super::{index, of_tenant, table};

pub(super) fn tables() -> Vec<TableCreateStatement> {
    let objects = vec![
        uuid("tenant_id"),
        text("content_address"),
        big_integer("size_bytes"),
        text("media_type"),
        text_null("sha256"),
        binary_null("group_hashes"),
        big_integer_null("crc32"),
        text("condition"),
        big_integer("created_at"),
        big_integer("stored_at"),
    ];
    let libraries = vec![
        uuid("tenant_id"),
        uuid("id"),
        text("name"),
        text("version"),
        text("digest"),
        text("address"),
        text("media_type"),
        integer("materials"),
        text("diagnostics"),
        boolean("public"),
        big_integer("created_at"),
        big_integer("revision"),
    ];
    let tables =
        [("objects", ["tenant_id", "content_address"], objects), ("libraries", ["tenant_id", "id"], libraries)];
    tables.map(|(name, key, columns)| table(name, &key, columns).foreign_key(&mut of_tenant(name)).take()).into()
}

pub(super) fn indexes() -> Vec<IndexCreateStatement> {
    vec![
        index("idx_libraries_version", "libraries", &["tenant_id", "name", "version"]).unique().take(),
        index("idx_libraries_page", "libraries", &["tenant_id", "created_at", "id"]),
        index("idx_objects_sweep", "objects", &["stored_at"]),
    ]
}
