//! A12, A17, A32–A34: the views are made again from the log, and damage of either is found.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use packshot_db::artifacts::replay::{self, Difference, DifferenceKind};
use packshot_db::artifacts::{self, ArtifactError, files};
use packshot_db::audit::{self, AuditFilter};
use packshot_db::{DatabaseConfig, DbError};
use packshot_domain::access::Role;
use packshot_domain::artifact::{PackageStatus, RetentionClass};
use packshot_domain::audit::{Action, Actor};
use packshot_domain::id::{FileId, PackageId};
use sea_orm::{ConnectionTrait, Database, DatabaseConnection, DbBackend, Statement};
use tokio::task::JoinHandle;

use crate::artifacts::{DAY_S, caller, new_package, ops, whole};
use crate::engine::Fixture;
use crate::server;

/// The views.
const VIEWS: [&str; 4] = ["artifact_packages", "artifact_files", "storage_locations", "retention_state"];

/// A connection past everything that keeps the log as it is.
async fn unguarded(t: &Fixture) -> DatabaseConnection {
    match &t.config {
        DatabaseConfig::Sqlite { path } => {
            let url = format!("sqlite:{}", path.display());
            let connection = Database::connect(url).await.expect("the file");
            for trigger in ["artifact_events_are_not_changed", "artifact_events_are_kept"] {
                server::run(&connection, &format!("DROP TRIGGER IF EXISTS {trigger}")).await;
            }
            connection
        }
        DatabaseConfig::Postgres { urls, .. } => {
            let (_, name) = urls.app().rsplit_once('/').expect("a database");
            let connection = server::administer(name).await;
            server::run(&connection, "SET session_replication_role = replica").await;
            connection
        }
    }
}

async fn tamper(t: &Fixture, sql: &str) {
    let connection = unguarded(t).await;
    server::run(&connection, sql).await;
    connection.close().await.expect("closed");
}

/// Every row of the views as text.
pub(crate) async fn snapshot(t: &Fixture) -> Vec<String> {
    let connection = unguarded(t).await;
    let backend = connection.get_database_backend();
    let texts = async |sql: String| -> Vec<String> {
        let rows = connection.query_all_raw(Statement::from_string(backend, sql)).await.expect("rows");
        rows.iter().map(|row| row.try_get_by_index(0).expect("text")).collect()
    };
    let mut views = Vec::new();
    for table in VIEWS {
        let row = match backend {
            DbBackend::Sqlite => {
                let columns = texts(format!("SELECT name FROM pragma_table_info('{table}')")).await;
                columns.iter().map(|column| format!("quote({column})")).collect::<Vec<_>>().join(" || ' ' || ")
            }
            _ => "CAST(v AS TEXT)".to_owned(),
        };
        views.extend(texts(format!("SELECT '{table} ' || {row} FROM {table} v ORDER BY 1")).await);
    }
    connection.close().await.expect("closed");
    views
}

async fn rebuild(t: &Fixture) -> replay::Report {
    replay::rebuild(&t.db, t.scope, Actor::system()).await.expect("rebuilt")
}

async fn verify(t: &Fixture) -> replay::Report {
    replay::verify(&t.db, t.scope).await.expect("a report")
}

/// Packages in every state.
async fn some_of_everything(t: &Fixture) -> [PackageId; 4] {
    let admin = || caller(Role::TenantAdmin);
    let reason = || "because".parse().expect("a reason");
    let open = t.package(RetentionClass::Scratch).await;
    t.ingest(open, "open/a", b"a").await;
    let held = t.package(RetentionClass::Preview).await;
    for i in 0..3 {
        t.ingest(held, &format!("reports/{i}.txt"), &[i; 700]).await;
    }
    t.finalize(held).await;
    artifacts::hold(&t.db, t.scope, admin(), held, reason()).await.expect("held");
    artifacts::reclassify(&t.db, t.scope, admin(), held, RetentionClass::RenderOutput).await.expect("changed");
    let deleted = t.package(RetentionClass::RenderOutput).await;
    t.ingest(deleted, "reports/0.txt", &[0; 700]).await;
    t.finalize(deleted).await;
    artifacts::delete(&t.db, t.scope, admin(), deleted, None).await.expect("deleted");
    let given_up = t.package(RetentionClass::Preview).await;
    t.ingest(given_up, "a", b"a").await;
    artifacts::delete(&t.db, t.scope, admin(), given_up, Some(reason())).await.expect("deleted");
    [open, held, deleted, given_up]
}

pub(crate) async fn a12_a17_a_replay_gives_the_same(t: Fixture) {
    let [_, held, ..] = some_of_everything(&t).await;
    let before = snapshot(&t).await;
    t.wait(DAY_S);
    let report = verify(&t).await;
    assert_eq!((report.differences.len(), report.packages, report.files), (0, 4, 6));
    assert_eq!(report.events as usize, t.log().await.len());
    assert_eq!(snapshot(&t).await, before, "nothing was changed");
    for table in ["artifact_files", "retention_state", "artifact_packages"] {
        tamper(&t, &format!("DELETE FROM {table}")).await;
    }
    tamper(&t, "DELETE FROM storage_locations").await;
    let report = rebuild(&t).await;
    assert_eq!(report.n_differences as usize, before.len(), "each row was missing");
    assert_eq!(snapshot(&t).await, before, "times are those of the events, a day later");
    assert_eq!(verify(&t).await.n_differences, 0);
    assert_eq!(t.found(held).await.status, PackageStatus::Finalized);
    t.package(RetentionClass::Scratch).await;
    assert_eq!(verify(&t).await.n_differences, 0, "what comes later fits");
    let log = audit::list(&t.db, t.scope, AuditFilter::default(), 1, None).await.expect("the log");
    assert_eq!(log[0].action, Action::ArtifactsReplayed);
}

pub(crate) async fn a33_changed_cells_are_found_and_repaired(t: Fixture) {
    let [open, held, ..] = some_of_everything(&t).await;
    let before = snapshot(&t).await;
    let column = |table, row: uuid::Uuid, column| Difference { table, row, kind: DifferenceKind::Column(column) };
    let file = t.ingest(open, "z", b"z").await.file.id;
    let after = snapshot(&t).await;
    assert_ne!(before, after);
    for (sql, expected) in [
        (
            "UPDATE artifact_packages SET name = 'other' WHERE status = 'created'",
            vec![column("artifact_packages", open.uuid(), "name")],
        ),
        (
            "UPDATE artifact_packages SET status = 'no state' WHERE status = 'created'",
            vec![column("artifact_packages", open.uuid(), "status")],
        ),
        (
            "UPDATE artifact_files SET size_bytes = 2, media_type = 'a/b' WHERE relative_path = 'z'",
            vec![
                column("artifact_files", file.uuid(), "media_type"),
                column("artifact_files", file.uuid(), "size_bytes"),
            ],
        ),
        (
            "UPDATE retention_state SET expires_at = NULL WHERE hold_reason IS NOT NULL",
            vec![column("retention_state", held.uuid(), "expires_at")],
        ),
    ] {
        tamper(&t, sql).await;
        let tampered = snapshot(&t).await;
        let report = verify(&t).await;
        assert_eq!(report.differences, expected, "{sql}");
        assert_eq!(snapshot(&t).await, tampered, "verify changes nothing");
        assert_eq!(rebuild(&t).await.differences, expected);
        assert_eq!(snapshot(&t).await, after, "{sql}");
    }
    // A row too many for each that there is.
    let doubled = "INSERT INTO storage_locations SELECT tenant_id, artifact_file_id, artifact_file_id, backend_id, \
                   content_address, size_bytes, stored_at, state FROM storage_locations";
    tamper(&t, doubled).await;
    let report = rebuild(&t).await;
    assert!(report.differences.iter().any(|difference| difference.kind == DifferenceKind::Unexpected), "{report:?}");
    assert_eq!(snapshot(&t).await, after);
}

pub(crate) async fn a33_a_damaged_log_stops_a_replay(t: Fixture) {
    some_of_everything(&t).await;
    tamper(&t, "UPDATE artifact_packages SET name = 'other'").await;
    let before = snapshot(&t).await;
    let both = async || {
        let verified = replay::verify(&t.db, t.scope).await.err();
        let rebuilt = replay::rebuild(&t.db, t.scope, Actor::system()).await.err();
        assert_eq!(snapshot(&t).await, before, "nothing was put in place");
        assert_eq!(format!("{verified:?}"), format!("{rebuilt:?}"));
        match verified {
            Some(DbError::Artifact(error)) => error,
            other => panic!("{other:?}"),
        }
    };
    let last = t.log().await.len() as i64;
    // The seventh byte of CBOR is within the name of a member.
    let byte = match &t.config {
        DatabaseConfig::Sqlite { .. } => {
            "UPDATE artifact_events SET payload = CAST(substr(payload, 1, 6) || X'58' || substr(payload, 8) AS BLOB) \
             WHERE sequence = 3"
        }
        DatabaseConfig::Postgres { .. } => {
            "UPDATE artifact_events SET payload = set_byte(payload, 6, 88) WHERE sequence = 3"
        }
    };
    tamper(&t, &format!("DELETE FROM artifact_events WHERE sequence = {last}")).await;
    assert_eq!(both().await, ArtifactError::EventGap { sequence: last }, "the last one is missed too");
    tamper(&t, "DELETE FROM artifact_events WHERE sequence = 7").await;
    assert_eq!(both().await, ArtifactError::EventGap { sequence: 7 });
    tamper(&t, "UPDATE artifact_events SET event_type = 'v9.package.created' WHERE sequence = 5").await;
    assert!(matches!(both().await, ArtifactError::EventCorrupt { sequence: 5, .. }));
    tamper(&t, byte).await;
    assert!(matches!(both().await, ArtifactError::EventCorrupt { sequence: 3, .. }));
}

pub(crate) async fn events_are_neither_changed_nor_deleted(t: Fixture) {
    t.package(RetentionClass::Scratch).await;
    let connection = match &t.config {
        DatabaseConfig::Sqlite { path } => Database::connect(format!("sqlite:{}", path.display())).await.expect("it"),
        DatabaseConfig::Postgres { urls, .. } => {
            let (_, name) = urls.app().rsplit_once('/').expect("a database");
            server::administer(name).await
        }
    };
    for sql in ["UPDATE artifact_events SET actor = 'nobody'", "DELETE FROM artifact_events"] {
        connection.execute_unprepared(sql).await.expect_err(sql);
    }
    connection.close().await.expect("closed");
    assert_eq!(t.log().await.len(), 1);
}

/// How many events are replayed; `scripts/soak` asks for 100,000 by PACKSHOT_REPLAYED_EVENTS.
fn n_replayed() -> usize {
    std::env::var("PACKSHOT_REPLAYED_EVENTS").map_or(1_000, |n| n.parse().expect("a number"))
}

/// Packages of 98 files each, so that each has 100 events, ten of them in one transaction.
async fn fill(t: &Fixture, n_packages: usize) -> Vec<PackageId> {
    let one = t.stored("x", b"x").await;
    let mut made = Vec::new();
    while made.len() < n_packages {
        let packages = (made.len()..n_packages.min(made.len() + 10)).map(|_| {
            let files = (0..98).map(|i| {
                let mut new = one.clone();
                (new.file.id, new.file.path) = (FileId::new(), format!("files/{i}").parse().expect("a path"));
                new
            });
            whole(new_package(RetentionClass::RawEvidence), files.collect())
        });
        let stored = artifacts::store(&t.db, t.scope, packages.collect()).await.expect("packages");
        made.extend(stored.iter().map(|package| package.id));
    }
    made
}

/// Does something again and again until a task has ended; says how long it took at most, and how often it was done.
async fn longest_while<T>(task: &JoinHandle<T>, mut each: impl AsyncFnMut(usize)) -> (Duration, usize) {
    let (mut longest, mut n) = (Duration::ZERO, 0);
    while !task.is_finished() {
        let begun = Instant::now();
        each(n).await;
        longest = longest.max(begun.elapsed());
        n += 1;
    }
    (longest, n)
}

pub(crate) async fn a34_writers_hardly_wait_for_a_rebuild(t: Fixture) {
    let n_packages = n_replayed().div_ceil(100);
    let made = fill(&t, n_packages).await;
    let before = snapshot(&t).await;
    let begun = Instant::now();
    let report = verify(&t).await;
    let verified_in = begun.elapsed();
    assert_eq!((report.n_differences, report.events as usize), (0, n_packages * 100));
    assert_eq!((report.packages, report.files), (n_packages, n_packages * 98));

    tamper(&t, "UPDATE artifact_files SET media_type = 'a/b' WHERE relative_path = 'files/7'").await;
    let begun = Instant::now();
    let rebuilding = tokio::spawn({
        let (db, scope) = (t.db.clone(), t.scope);
        async move {
            let report = replay::rebuild(&db, scope, Actor::system()).await.expect("rebuilt");
            (report, begun.elapsed())
        }
    });
    let (writes, reads) = tokio::join!(
        longest_while(&rebuilding, async |_| {
            t.package(RetentionClass::Scratch).await;
        }),
        longest_while(&rebuilding, async |n| {
            let package = made[n % made.len()];
            let page = files::of_package(&t.db, t.scope, package, 50, None).await.expect("files");
            assert_eq!(page.items.len(), 50, "reads answer as before");
        })
    );
    let (report, rebuilt_in) = rebuilding.await.expect("no panic");
    assert_eq!(report.n_differences as usize, n_packages);
    assert!(writes.1 > 0 && reads.1 > 0, "{writes:?} {reads:?}");
    assert!(writes.0 < Duration::from_secs(2), "a write waited for {:?}", writes.0);
    assert_eq!(verify(&t).await.n_differences, 0, "what was written meanwhile is there");
    let after: HashSet<String> = snapshot(&t).await.into_iter().collect();
    let lost: Vec<&String> = before.iter().filter(|row| !after.contains(*row)).collect();
    assert_eq!(lost, [] as [&String; 0], "every row is as it was");
    assert_eq!(after.len(), before.len() + writes.1, "and those of the packages that were written meanwhile");
    let per_s = |took: Duration| (report.events as f64 / took.as_secs_f64()) as u64;
    println!(
        "{} events ({:?}): verified in {verified_in:.1?} ({} a second), rebuilt in {rebuilt_in:.1?} ({} a second) beside \
         {} writes, the longest {:.1?}, and {} reads, the longest {:.1?}",
        report.events,
        t.db.kind(),
        per_s(verified_in),
        per_s(rebuilt_in),
        writes.1,
        writes.0,
        reads.1,
        reads.0
    );
    artifacts::create(&t.db, t.scope, ops(), new_package(RetentionClass::Scratch)).await.expect("a package");
}
