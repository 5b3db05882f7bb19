//! Stored objects, and the material libraries among them.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

use super::{index, of_tenant, table};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let objects = vec![
            uuid("tenant_id"),
            text("address"),
            big_integer("size_bytes"),
            text("media_type"),
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
        for (name, key, columns) in
            [("objects", ["tenant_id", "address"], objects), ("libraries", ["tenant_id", "id"], libraries)]
        {
            manager.create_table(table(name, &key, columns).foreign_key(&mut of_tenant(name)).take()).await?;
        }
        let versions = &["tenant_id", "name", "version"];
        manager.create_index(index("idx_libraries_version", "libraries", versions).unique().take()).await?;
        manager.create_index(index("idx_libraries_page", "libraries", &["tenant_id", "created_at", "id"])).await?;
        manager.create_index(index("idx_objects_sweep", "objects", &["stored_at"])).await
    }
}
