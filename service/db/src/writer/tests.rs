use sea_orm::{ConnectionTrait, Value};

use super::*;
use crate::work::{Bound, value};

/// A writer of a file with two tables, on a connection with a limit that the next connection does not have.
async fn writer(folder: &std::path::Path, limit: &str) -> Writer {
    let path = folder.join("test.db");
    let connection = connect::sqlite(&path, Access::Write).await.expect("a database");
    for sql in [
        "CREATE TABLE parents (id INTEGER PRIMARY KEY)",
        "CREATE TABLE rows (text TEXT, parent INTEGER REFERENCES parents (id) DEFERRABLE INITIALLY DEFERRED)",
        limit,
    ] {
        connection.execute_unprepared(sql).await.expect("a statement");
    }
    Writer::start(path, connection, Arc::default(), Board::new()).expect("a thread")
}

async fn insert(writer: &Writer, text: String, parent: Option<i64>) -> Result<(), DbError> {
    let insert = Bound::new((text, parent), |tx: &Tx<'_>, (text, parent): &(String, Option<i64>)| {
        let values: [Value; 2] = [text.as_str().into(), (*parent).into()];
        Box::pin(async move { tx.query("INSERT INTO rows VALUES ($1, $2)", values).await.map(drop) })
    });
    writer.write(Box::new(insert)).await.map(value)
}

/// What is durable, as another process sees it.
async fn rows(folder: &std::path::Path) -> Vec<String> {
    let readers = connect::sqlite(&folder.join("test.db"), Access::Read).await.expect("the database");
    let statement = sea_orm::Statement::from_string(sea_orm::DbBackend::Sqlite, "SELECT text FROM rows");
    let rows = readers.query_all_raw(statement).await.expect("rows");
    readers.close().await.expect("closed");
    rows.iter().map(|row| row.try_get_by_index::<String>(0).expect("text").chars().take(5).collect()).collect()
}

#[tokio::test]
async fn after_a_failed_commit_the_next_write_is_durable() {
    let folder = tempfile::tempdir().expect("a folder");
    let writer = writer(folder.path(), "SELECT 1").await;
    // The constraint is checked by the commit, which leaves the transaction open.
    let refused = insert(&writer, "wrong".to_owned(), Some(1)).await;
    assert!(matches!(refused, Err(DbError::Internal(_))), "{refused:?}");
    insert(&writer, "right".to_owned(), None).await.expect("written");
    assert_eq!(rows(folder.path()).await, ["right"]);
    writer.close().await;
}

#[tokio::test]
async fn who_fills_the_disk_fails_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let writer = writer(folder.path(), "PRAGMA max_page_count = 8").await;
    let large = "large".repeat(100_000);
    let (first, full, last) = tokio::join!(
        insert(&writer, "first".to_owned(), None),
        insert(&writer, large, Some(1)),
        insert(&writer, "after".to_owned(), None),
    );
    assert!(matches!(full, Err(DbError::Full(_))), "{full:?}");
    first.expect("written before");
    last.expect("written after");
    assert_eq!(rows(folder.path()).await, ["first", "after"]);
    writer.close().await;
}
