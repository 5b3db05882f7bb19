//! What orders are about: CAD files, the products that are made of them with the materials of their parts, and what is
//! made of those (orders.md §1, suggested-fixes.md §1).

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

use super::{belongs_to, index, needs, of_tenant, table};

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
        // An asset, which is a new one each time.
        uuid_null("thumbnail_asset_id"),
        // The newest job of its own, which may have gone.
        uuid_null("job_id"),
        // What converts it now: a job of its own or of a line, and the task.
        uuid_null("converting_job"),
        uuid_null("converting_task"),
        big_integer_null("processing_since"),
        integer("stalls"),
        big_integer_null("settled_at"),
        uuid("created_by"),
        big_integer("created_at"),
        big_integer("updated_at"),
        big_integer("revision"),
    ];
    let material_aliases = vec![
        uuid("tenant_id"),
        uuid("id"),
        text("alias"),
        text("key"),
        // The key while the alias is in force.
        text_null("active_key"),
        // Alias and material folded, for searches.
        text("searched"),
        text("scope"),
        text("material"),
        text("source"),
        // The suggested fix that wrote it, which may have gone with its review.
        uuid_null("fix_id"),
        text("status"),
        uuid("created_by"),
        big_integer("created_at"),
        big_integer_null("withdrawn_at"),
        big_integer("revision"),
    ];
    let product_imports = vec![
        uuid("tenant_id"),
        uuid("id"),
        integer("imported"),
        integer("updated"),
        integer("skipped"),
        uuid("created_by"),
        big_integer("created_at"),
    ];
    let products = vec![
        uuid("tenant_id"),
        uuid("id"),
        text("pim_id"),
        text("name"),
        // Both of them folded, for searches.
        text("searched"),
        text_null("category_key"),
        text_null("lagertyp"),
        uuid_null("cad_file_id"),
        // The newest import that made or changed it.
        uuid_null("import_id"),
        // An asset, which clears this when it goes, and who chose it.
        uuid_null("thumbnail_asset_id"),
        text_null("thumbnail_source"),
        big_integer("created_at"),
        big_integer("updated_at"),
        big_integer("revision"),
    ];
    let product_parts = vec![
        uuid("tenant_id"),
        uuid("product_id"),
        integer("position"),
        text("part_name"),
        text("material"),
        text_null("found_by"),
        uuid_null("alias_id"),
    ];
    let output_types = vec![
        uuid("tenant_id"),
        uuid("id"),
        text("name"),
        text("kind"),
        text("render_backend"),
        // An executor of the settings file, by its name.
        text_null("legacy_executor"),
        text("render_settings"),
        text("gate_metric"),
        double("gate_pass_max"),
        double("gate_warn_max"),
        integer_null("max_unmapped"),
        uuid_null("workflow_definition_id"),
        big_integer("created_at"),
        big_integer("updated_at"),
        big_integer("revision"),
    ];
    let render_templates = vec![
        uuid("tenant_id"),
        uuid("id"),
        text("name"),
        uuid_null("output_type_id"),
        text_null("category_key"),
        text("settings"),
        boolean("use_materials"),
        text("materials"),
        text_null("library"),
        boolean("is_active"),
        big_integer("created_at"),
        big_integer("updated_at"),
        big_integer("revision"),
    ];
    let named = |name, columns| table(name, &["tenant_id", "id"], columns).foreign_key(&mut of_tenant(name)).take();
    vec![
        named("cad_files", cad_files),
        named("material_aliases", material_aliases),
        named("product_imports", product_imports),
        named("products", products)
            .foreign_key(&mut needs("products", "cad_file_id", "cad_files"))
            .foreign_key(&mut needs("products", "import_id", "product_imports"))
            .take(),
        table("product_parts", &["tenant_id", "product_id", "position"], product_parts)
            .foreign_key(&mut belongs_to("product_parts", ["tenant_id", "product_id"], "products"))
            .foreign_key(&mut needs("product_parts", "alias_id", "material_aliases"))
            .take(),
        named("output_types", output_types)
            .foreign_key(&mut needs("output_types", "workflow_definition_id", "workflow_definitions"))
            .take(),
        named("render_templates", render_templates)
            .foreign_key(&mut needs("render_templates", "output_type_id", "output_types"))
            .take(),
    ]
}

pub(super) fn indexes() -> Vec<IndexCreateStatement> {
    vec![
        // The same bytes are one file.
        index("idx_cad_files_address", "cad_files", &["tenant_id", "address"]).unique().take(),
        index("idx_cad_files_page", "cad_files", &["tenant_id", "created_at", "id"]),
        index("idx_cad_files_page_of_all", "cad_files", &["created_at", "id"]),
        index("idx_cad_files_name", "cad_files", &["tenant_id", "original_name", "created_at"]),
        index("idx_cad_files_thumbnail", "cad_files", &["tenant_id", "thumbnail_asset_id"]),
        // What a job converts, and what is converted for too long.
        index("idx_cad_files_converting", "cad_files", &["tenant_id", "converting_job"]),
        index("idx_cad_files_status", "cad_files", &["status", "processing_since"]),
        // A name is taken once in each scope; what was taken back has no such key.
        index("idx_material_aliases_key", "material_aliases", &["tenant_id", "scope", "active_key"]).unique().take(),
        index("idx_material_aliases_page", "material_aliases", &["tenant_id", "status", "created_at", "id"]),
        index("idx_material_aliases_page_of_all", "material_aliases", &["status", "created_at", "id"]),
        index("idx_products_pim_id", "products", &["tenant_id", "pim_id"]).unique().take(),
        index("idx_products_page", "products", &["tenant_id", "created_at", "id"]),
        index("idx_products_page_of_all", "products", &["created_at", "id"]),
        index("idx_products_thumbnail", "products", &["tenant_id", "thumbnail_asset_id"]),
        index("idx_products_cad_file", "products", &["tenant_id", "cad_file_id"]),
        index("idx_product_parts_name", "product_parts", &["tenant_id", "product_id", "part_name"]).unique().take(),
        index("idx_product_parts_alias", "product_parts", &["tenant_id", "alias_id"]),
        index("idx_output_types_name", "output_types", &["tenant_id", "name"]).unique().take(),
        index("idx_output_types_workflow", "output_types", &["tenant_id", "workflow_definition_id"]),
        index("idx_products_import", "products", &["tenant_id", "import_id"]),
        index("idx_output_types_page", "output_types", &["tenant_id", "created_at", "id"]),
        index("idx_output_types_page_of_all", "output_types", &["created_at", "id"]),
        index("idx_render_templates_name", "render_templates", &["tenant_id", "name"]).unique().take(),
        index("idx_render_templates_page", "render_templates", &["tenant_id", "created_at", "id"]),
        index("idx_render_templates_page_of_all", "render_templates", &["created_at", "id"]),
        index("idx_render_templates_output_type", "render_templates", &["tenant_id", "output_type_id"]),
    ]
}
