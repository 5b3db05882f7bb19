//! Packages of files, and the log of what happened to them, of which the other tables are views (artifacts.md §2).
//!
//! What the views have beyond the contract's columns follows from these: the number and the bytes of a package's files,
//! what its subject and its provenance name, and the key under which paths are equal. So each is found by an index.

use sea_orm::DbBackend;
use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

use super::{belongs_to, index, of_tenant, table};

pub(super) fn tables() -> Vec<TableCreateStatement> {
    vec![classes(), events(), packages(), files(), locations(), retention(), checks()]
}

pub(super) fn indexes() -> Vec<IndexCreateStatement> {
    let page = |name, column| index(name, "artifact_packages", &["tenant_id", column, "created_at", "id"]);
    vec![
        index("idx_artifact_packages_page", "artifact_packages", &["tenant_id", "created_at", "id"]),
        index("idx_artifact_packages_page_of_all", "artifact_packages", &["created_at", "id"]),
        page("idx_artifact_packages_name", "name"),
        page("idx_artifact_packages_producer", "producer"),
        page("idx_artifact_packages_subject", "subject"),
        page("idx_artifact_packages_status", "status"),
        page("idx_artifact_packages_scene", "scene"),
        page("idx_artifact_packages_library", "library_digest"),
        page("idx_artifact_packages_job", "job_id"),
        // Two files never have the same path, and a folder is a range of keys.
        index("idx_artifact_files_path", "artifact_files", &["tenant_id", "package_id", "path_key"]).unique().take(),
        index("idx_artifact_files_address", "artifact_files", &["tenant_id", "content_address"]),
        index("idx_storage_locations_file", "storage_locations", &["tenant_id", "artifact_file_id"]),
        // Whether anything names an object.
        index("idx_storage_locations_address", "storage_locations", &["tenant_id", "content_address"]),
        index("idx_retention_state_expiry", "retention_state", &["tenant_id", "expires_at"]),
        index("idx_artifact_events_package", "artifact_events", &["tenant_id", "package_id", "sequence"]),
        index("idx_artifact_checks_age", "artifact_checks", &["tenant_id", "checked_at"]),
    ]
}

/// What keeps events as they are: they are never changed, and go only with all that their tenant had.
pub(super) fn guards(backend: DbBackend) -> Vec<String> {
    const KEPT: &str = "NOT EXISTS (SELECT 1 FROM tenants WHERE tenants.id = OLD.tenant_id \
                        AND tenants.status = 'purging')";
    match backend {
        DbBackend::Sqlite => vec![
            "CREATE TRIGGER artifact_events_are_not_changed BEFORE UPDATE ON artifact_events \
             BEGIN SELECT RAISE(ABORT, 'the log of artifacts is not changed'); END"
                .to_owned(),
            format!(
                "CREATE TRIGGER artifact_events_are_kept BEFORE DELETE ON artifact_events WHEN {KEPT} \
                 BEGIN SELECT RAISE(ABORT, 'the log of artifacts is kept'); END"
            ),
        ],
        _ => vec![
            format!(
                "CREATE FUNCTION keep_artifact_events() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
                 IF TG_OP = 'UPDATE' OR {KEPT} THEN \
                 RAISE EXCEPTION 'the log of artifacts is kept' USING ERRCODE = '42501'; END IF; \
                 RETURN OLD; END $$"
            ),
            "CREATE TRIGGER artifact_events_are_kept BEFORE UPDATE OR DELETE ON artifact_events \
             FOR EACH ROW EXECUTE FUNCTION keep_artifact_events()"
                .to_owned(),
        ],
    }
}

fn classes() -> TableCreateStatement {
    table("retention_classes", &["name"], vec![text("name"), big_integer_null("ttl_s"), text("description")])
}

/// It refers to no package: packages are made from it.
fn events() -> TableCreateStatement {
    let columns = vec![
        uuid("tenant_id"),
        big_integer("sequence"),
        text("event_type"),
        uuid("package_id"),
        text("actor"),
        binary("payload"),
        text("payload_digest"),
        big_integer("created_at"),
    ];
    table("artifact_events", &["tenant_id", "sequence"], columns).foreign_key(&mut of_tenant("artifact_events")).take()
}

fn packages() -> TableCreateStatement {
    let columns = vec![
        uuid("tenant_id"),
        uuid("id"),
        text("name"),
        text("producer"),
        text("subject"),
        uuid_null("subject_id"),
        text("retention_class"),
        big_integer_null("retention_ttl_s"),
        text("status"),
        text("metadata"),
        text_null("scene"),
        text_null("library_digest"),
        uuid_null("job_id"),
        big_integer("file_count"),
        big_integer("total_bytes"),
        big_integer("created_at"),
        text("created_by"),
        big_integer_null("finalized_at"),
        text_null("finalized_by"),
        text_null("manifest_digest"),
        big_integer("last_event_sequence"),
    ];
    table("artifact_packages", &["tenant_id", "id"], columns).foreign_key(&mut of_tenant("artifact_packages")).take()
}

fn files() -> TableCreateStatement {
    let columns = vec![
        uuid("tenant_id"),
        uuid("id"),
        uuid("package_id"),
        text("relative_path"),
        binary("path_key"),
        text("media_type"),
        big_integer("size_bytes"),
        text("content_address"),
        text("sha256"),
        big_integer("created_at"),
    ];
    let mut of_package = belongs_to("artifact_files", ["tenant_id", "package_id"], "artifact_packages");
    table("artifact_files", &["tenant_id", "id"], columns).foreign_key(&mut of_package).take()
}

fn locations() -> TableCreateStatement {
    let columns = vec![
        uuid("tenant_id"),
        uuid("id"),
        uuid("artifact_file_id"),
        text("backend_id"),
        text("content_address"),
        big_integer("size_bytes"),
        big_integer("stored_at"),
        text("state"),
    ];
    let mut of_file = belongs_to("storage_locations", ["tenant_id", "artifact_file_id"], "artifact_files");
    table("storage_locations", &["tenant_id", "id"], columns).foreign_key(&mut of_file).take()
}

fn retention() -> TableCreateStatement {
    let columns = vec![
        uuid("tenant_id"),
        uuid("package_id"),
        text("retention_class"),
        big_integer_null("retention_ttl_s"),
        big_integer_null("expires_at"),
        boolean("held"),
        text_null("hold_reason"),
        big_integer("updated_at"),
    ];
    let mut of_package = belongs_to("retention_state", ["tenant_id", "package_id"], "artifact_packages");
    table("retention_state", &["tenant_id", "package_id"], columns).foreign_key(&mut of_package).take()
}

/// What was last read at each location; it goes with the location.
fn checks() -> TableCreateStatement {
    let columns = vec![uuid("tenant_id"), uuid("storage_location_id"), big_integer("checked_at"), text("result")];
    let mut of_location = belongs_to("artifact_checks", ["tenant_id", "storage_location_id"], "storage_locations");
    table("artifact_checks", &["tenant_id", "storage_location_id"], columns).foreign_key(&mut of_location).take()
}
