//! Tenants, and what keeps one that is being purged on its way.

use sea_orm::DbBackend;
use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

use super::table;

pub(super) fn tables() -> Vec<TableCreateStatement> {
    let columns = vec![
        uuid("id"),
        text_uniq("slug"),
        text("name"),
        text("status"),
        big_integer("created_at"),
        big_integer("updated_at"),
        big_integer_null("deactivated_at"),
        big_integer_null("delete_after"),
        big_integer_null("deleted_at"),
        text_null("purged"),
    ];
    vec![table("tenants", &["id"], columns)]
}

/// What the audit log's guard relies on: only a tenant that was to be deleted is purged, never the one that runs the
/// installation, and there is no way back. So entries cannot be removed while their tenant lives.
pub(super) fn guards(backend: DbBackend) -> Vec<String> {
    const IS_LIVE: &str = "NEW.status = 'purging' AND (OLD.status NOT IN ('deleting', 'purging') \
                           OR NEW.id = (SELECT operating_tenant FROM installation))";
    const COMES_BACK: &str = "OLD.status = 'purging' AND NEW.status NOT IN ('purging', 'deleted') \
                              OR OLD.status = 'deleted' AND NEW.status <> 'deleted'";
    match backend {
        DbBackend::Sqlite => vec![format!(
            "CREATE TRIGGER tenants_are_purged_for_good BEFORE UPDATE ON tenants WHEN {IS_LIVE} OR {COMES_BACK} \
             BEGIN SELECT RAISE(ABORT, 'a tenant is purged only after its time, and for good'); END"
        )],
        _ => vec![
            format!(
                "CREATE FUNCTION purge_tenants_for_good() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
                 IF {IS_LIVE} OR {COMES_BACK} THEN \
                 RAISE EXCEPTION 'a tenant is purged only after its time, and for good' USING ERRCODE = '42501'; END IF; \
                 RETURN NEW; END $$"
            ),
            "CREATE TRIGGER tenants_are_purged_for_good BEFORE UPDATE ON tenants \
             FOR EACH ROW EXECUTE FUNCTION purge_tenants_for_good()"
                .to_owned(),
        ],
    }
}
