//! Guarantees of SQLite files only.

use packshot_db::{DatabaseConfig, Db, DbError, renders};
use sea_orm::{ConnectionTrait, Database, DbBackend, Statement};

use crate::engine::{Fixture, on_sqlite};

#[test]
fn a_backup_is_a_whole_database() {
    on_sqlite(async |t: Fixture| {
        let id = t.submit().await;
        let DatabaseConfig::Sqlite { path } = &t.config else { panic!("a SQLite file") };
        let copy = path.with_file_name("copy of 'it'.db");
        t.db.backup(&copy).await.expect("a copy");
        let later = t.submit().await;
        assert!(t.db.backup(&copy).await.is_err(), "nothing is overwritten");
        let restored = Db::open(&DatabaseConfig::Sqlite { path: copy }).await.expect("the copy");
        renders::get(&restored, t.scope, id).await.expect("what was there");
        assert!(matches!(renders::get(&restored, t.scope, later).await, Err(DbError::NotFound(_))));
        restored.close().await;
    });
}

#[test]
fn a_database_of_another_version_is_refused_and_stays_as_it_is() {
    on_sqlite(async |t: Fixture| {
        let DatabaseConfig::Sqlite { path } = &t.config else { panic!("a SQLite file") };
        let other = path.with_file_name("other.db");
        t.db.backup(&other).await.expect("a copy");
        let connection = Database::connect(format!("sqlite://{}", other.display())).await.expect("the copy");
        connection
            .execute_unprepared("UPDATE schema_migrations SET version = 'm0001_installation'")
            .await
            .expect("old");
        connection.close().await.expect("closed");
        let before = std::fs::read(&other).expect("the file");
        let opened = Db::open(&DatabaseConfig::Sqlite { path: other.clone() }).await;
        let Err(DbError::Schema(name)) = opened else { panic!("{:?}", opened.err()) };
        assert_eq!(name, "m0001_installation");
        assert_eq!(std::fs::read(&other).expect("the file"), before, "not a byte was written");
    });
}

#[test]
fn a_closed_handle_says_so() {
    on_sqlite(async |t: Fixture| {
        t.db.clone().close().await;
        let new = t.new_render(0);
        assert!(matches!(renders::create(&t.db, t.scope, new, None).await, Err(DbError::Closed)));
        assert!(matches!(t.db.now().await, Err(DbError::Unavailable(_))));
    });
}

#[test]
fn what_was_acknowledged_is_in_the_file() {
    on_sqlite(async |t: Fixture| {
        let ids = futures_util::future::join_all((0..100).map(|_| t.submit())).await;
        // The handle is not closed: as after a crash, only the file and its log are left.
        let DatabaseConfig::Sqlite { path } = &t.config else { panic!("a SQLite file") };
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["packshot.db", "packshot.db-wal"] {
            std::fs::copy(path.with_file_name(name), folder.path().join(name)).expect("a file");
        }
        let path = folder.path().join("packshot.db");
        let recovered = Db::open(&DatabaseConfig::Sqlite { path }).await.expect("the database after a crash");
        for id in ids {
            renders::get(&recovered, t.scope, id).await.expect("an acknowledged render");
        }
        recovered.close().await;
    });
}

/// Names that a query of the schema gives.
async fn names(t: &Fixture, sql: &str) -> Vec<String> {
    let DatabaseConfig::Sqlite { path } = &t.config else { panic!("a SQLite file") };
    let connection = Database::connect(format!("sqlite:{}", path.display())).await.expect("the file");
    let rows = connection.query_all_raw(Statement::from_string(DbBackend::Sqlite, sql)).await.expect("the schema");
    rows.iter().map(|row| row.try_get_by_index(0).expect("a name")).collect()
}

#[test]
fn what_belongs_to_a_tenant_has_it_first_in_every_key() {
    on_sqlite(async |t: Fixture| {
        // The index of words has tables of its own, whose rows are numbered as assets are.
        let without =
            "SELECT name FROM sqlite_master m WHERE type = 'table' AND name NOT LIKE 'media_search%' AND NOT EXISTS
                       (SELECT 1 FROM pragma_table_info(m.name) WHERE name = 'tenant_id' AND pk = 1) ORDER BY name";
        let expected =
            ["installation", "retention_classes", "schema_migrations", "system_settings", "tenants", "worker_configs"];
        assert_eq!(names(&t, without).await, expected);
        // The numbers of the index of words are given by the database, and nobody sees them.
        let unique = "SELECT m.name || '.' || i.name FROM sqlite_master m, pragma_index_list(m.name) i, pragma_index_info(i.name) c
                      WHERE m.type = 'table' AND i.\"unique\" AND c.seqno = 0 AND c.name <> 'tenant_id'
                      AND i.name <> 'idx_media_assets_number'
                      AND EXISTS (SELECT 1 FROM pragma_table_info(m.name) WHERE name = 'tenant_id')";
        assert!(names(&t, unique).await.is_empty(), "a unique value must not tell of another tenant's");
        let foreign = "SELECT m.name || '.' || k.id FROM sqlite_master m, pragma_foreign_key_list(m.name) k
                       WHERE m.type = 'table' AND k.seq = 0 AND k.\"from\" <> 'tenant_id'";
        assert!(names(&t, foreign).await.is_empty(), "a reference must not reach another tenant's row");
    });
}
