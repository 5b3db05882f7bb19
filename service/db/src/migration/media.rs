//! Media assets: the files of orders that people look for, and the galleries of products (media.md).
//!
//! The words of an asset are in its row. The database itself keeps the index of them, in the same statement, whoever
//! writes the row: FTS5 on SQLite; on PostgreSQL a table of words, because there the policies of row security come
//! first, and only operators that cannot leak a row (`LEAKPROOF`) may use an index beside them: comparisons of text
//! are, `@@` of full text is not, so that its index would never be used.

use sea_orm::DbBackend;
use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

use super::{belongs_to, index, needs, of_tenant, table};

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
        uuid_null("render_id"),
        uuid_null("design_job_id"),
        // A CAD file, which may have gone: its pictures are versions of one another.
        uuid_null("cad_file_id"),
        // Of the product, and of the line, so that lists are filtered by one index.
        text_null("category_key"),
        text_null("lagertyp"),
        text_null("render_status"),
        // What a list by name is ordered by: bytes, so that every database orders them alike.
        binary("name_key"),
        text("search_text"),
        text("state"),
        integer("version"),
        // An asset that may have gone.
        uuid_null("superseded_by"),
        uuid("package_id"),
        text("retention_class"),
        big_integer_null("retention_until"),
        boolean("held"),
        big_integer_null("expired_at"),
        text("metadata"),
        big_integer("created_at"),
        big_integer("updated_at"),
        big_integer_null("published_at"),
        big_integer("revision"),
    ];
    let product_media = vec![
        uuid("tenant_id"),
        uuid("product_id"),
        uuid("asset_id"),
        integer("position"),
        text("source"),
        big_integer("created_at"),
    ];
    vec![
        table("media_assets", &["tenant_id", "id"], media_assets)
            .foreign_key(&mut of_tenant("media_assets"))
            .foreign_key(&mut needs("media_assets", "product_id", "products"))
            .foreign_key(&mut needs("media_assets", "order_id", "orders"))
            .foreign_key(&mut needs("media_assets", "order_line_id", "order_lines"))
            .foreign_key(&mut needs("media_assets", "output_type_id", "output_types"))
            .take(),
        table("product_media", &["tenant_id", "product_id", "asset_id"], product_media)
            .foreign_key(&mut belongs_to("product_media", ["tenant_id", "product_id"], "products"))
            .foreign_key(&mut belongs_to("product_media", ["tenant_id", "asset_id"], "media_assets"))
            .take(),
        downloads(),
    ]
}

/// Sets of assets that are fetched as one ZIP, each with its files as they were when it was made.
fn downloads() -> TableCreateStatement {
    let columns = vec![
        uuid("tenant_id"),
        uuid("id"),
        // Of the ticket.
        text("hash"),
        // Whose right to read decides, and the tenant of that user: another one for somebody who acts for tenants.
        uuid("home_id"),
        uuid("user_id"),
        uuid_null("key_id"),
        text("files"),
        big_integer("size_bytes"),
        big_integer("created_at"),
        big_integer("expires_at"),
    ];
    table("media_downloads", &["tenant_id", "id"], columns).foreign_key(&mut of_tenant("media_downloads")).take()
}

pub(super) fn indexes() -> Vec<IndexCreateStatement> {
    // What most lists are filtered by is in the indexes of all orders.
    let by = |column| ["tenant_id", column, "id", "state", "asset_type", "category_key", "lagertyp", "render_status"];
    vec![
        index("idx_media_assets_page_of_all", "media_assets", &["created_at", "id"]),
        index("idx_media_assets_name", "media_assets", &by("name_key")),
        index("idx_media_assets_size", "media_assets", &by("size_bytes")),
        index("idx_media_assets_line", "media_assets", &["tenant_id", "order_line_id", "state"]),
        index("idx_media_assets_order", "media_assets", &["tenant_id", "order_id", "created_at"]),
        index("idx_media_assets_product", "media_assets", &["tenant_id", "product_id", "created_at"]),
        index(
            "idx_media_assets_output_type",
            "media_assets",
            &["tenant_id", "output_type_id", "created_at", "id", "state"],
        ),
        index("idx_media_assets_design_job", "media_assets", &["tenant_id", "design_job_id", "created_at"]),
        index("idx_media_assets_cad_file", "media_assets", &["tenant_id", "cad_file_id", "version"]),
        index("idx_media_assets_run", "media_assets", &["tenant_id", "workflow_run_id"]),
        index("idx_media_assets_package", "media_assets", &["tenant_id", "package_id"]),
        index("idx_media_assets_superseded_by", "media_assets", &["tenant_id", "superseded_by"]),
        // What the sweep looks for.
        index("idx_media_assets_due", "media_assets", &["tenant_id", "retention_until", "state"]),
        index("idx_product_media_asset", "product_media", &["tenant_id", "asset_id"]),
        index("idx_media_downloads_hash", "media_downloads", &["hash"]),
        index("idx_media_downloads_expires", "media_downloads", &["expires_at"]),
    ]
}

/// What lists are filtered by, in the index of their order: a filtered page, and how many there are, are found in it
/// alone.
const PAGE: &str = "CREATE INDEX idx_media_assets_page ON media_assets (tenant_id, created_at, id, state, asset_type, \
                    category_key, lagertyp, render_status, view_name, media_type";

/// The index of words, and what keeps an asset's copy of the state of its line.
pub(super) fn guards(backend: DbBackend) -> Vec<String> {
    let statements: Vec<String> = match backend {
        DbBackend::Sqlite => vec![
            // The number of a row of FTS5. A row's own number would change when the file is copied.
            "ALTER TABLE media_assets ADD COLUMN number INTEGER".to_owned(),
            "CREATE UNIQUE INDEX idx_media_assets_number ON media_assets (number)".to_owned(),
            format!("{PAGE}, number)"),
            // The words are made by the service, in lower case and without marks, with spaces between them: `ascii`
            // takes every other letter as it is.
            "CREATE VIRTUAL TABLE media_search USING fts5(words, content='', contentless_delete=1, tokenize='ascii')"
                .to_owned(),
            "CREATE TRIGGER media_assets_are_found AFTER INSERT ON media_assets BEGIN \
             UPDATE media_assets SET number = (SELECT COALESCE(MAX(number), 0) + 1 FROM media_assets) \
             WHERE tenant_id = NEW.tenant_id AND id = NEW.id; \
             INSERT INTO media_search (rowid, words) SELECT number, search_text FROM media_assets \
             WHERE tenant_id = NEW.tenant_id AND id = NEW.id; END"
                .to_owned(),
            "CREATE TRIGGER media_assets_are_found_anew AFTER UPDATE OF search_text ON media_assets \
             WHEN OLD.search_text <> NEW.search_text BEGIN \
             UPDATE media_search SET words = NEW.search_text WHERE rowid = NEW.number; END"
                .to_owned(),
            "CREATE TRIGGER media_assets_are_not_found AFTER DELETE ON media_assets BEGIN \
             DELETE FROM media_search WHERE rowid = OLD.number; END"
                .to_owned(),
            "CREATE TRIGGER order_lines_tell_media_assets AFTER UPDATE OF render_status ON order_lines \
             WHEN OLD.render_status <> NEW.render_status BEGIN \
             UPDATE media_assets SET render_status = NEW.render_status \
             WHERE tenant_id = NEW.tenant_id AND order_line_id = NEW.id; END"
                .to_owned(),
        ],
        _ => vec![
            format!("{PAGE})"),
            "CREATE TABLE media_words (tenant_id UUID NOT NULL, word TEXT COLLATE \"C\" NOT NULL, asset_id UUID NOT NULL, \
             PRIMARY KEY (tenant_id, word, asset_id), CONSTRAINT fk_media_words_media_assets \
             FOREIGN KEY (tenant_id, asset_id) REFERENCES media_assets (tenant_id, id) ON DELETE CASCADE)"
                .to_owned(),
            "CREATE INDEX idx_media_words_asset ON media_words (tenant_id, asset_id)".to_owned(),
            "CREATE FUNCTION find_media_asset() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
             IF TG_OP = 'UPDATE' THEN \
             DELETE FROM media_words WHERE tenant_id = OLD.tenant_id AND asset_id = OLD.id; END IF; \
             INSERT INTO media_words SELECT NEW.tenant_id, word, NEW.id \
             FROM unnest(string_to_array(NEW.search_text, ' ')) AS word WHERE word <> ''; RETURN NULL; END $$"
                .to_owned(),
            "CREATE TRIGGER media_assets_are_found AFTER INSERT ON media_assets \
             FOR EACH ROW EXECUTE FUNCTION find_media_asset()"
                .to_owned(),
            "CREATE TRIGGER media_assets_are_found_anew AFTER UPDATE ON media_assets FOR EACH ROW \
             WHEN (OLD.search_text <> NEW.search_text) EXECUTE FUNCTION find_media_asset()"
                .to_owned(),
            "CREATE FUNCTION tell_media_assets() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
             UPDATE media_assets SET render_status = NEW.render_status \
             WHERE tenant_id = NEW.tenant_id AND order_line_id = NEW.id; RETURN NULL; END $$"
                .to_owned(),
            "CREATE TRIGGER order_lines_tell_media_assets AFTER UPDATE ON order_lines FOR EACH ROW \
             WHEN (OLD.render_status <> NEW.render_status) EXECUTE FUNCTION tell_media_assets()"
                .to_owned(),
        ],
    };
    statements
}
