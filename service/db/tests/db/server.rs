//! A PostgreSQL server as whoever administers it sees it.

use packshot_db::testing::{TestDatabase, beside};
use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbBackend, DbErr, QueryResult, RuntimeErr,
    Statement, sqlx,
};

/// The server's own URL; `None`, and a line that says so, without one.
pub(crate) fn url() -> Option<String> {
    match TestDatabase::postgres()? {
        TestDatabase::Postgres(url) | TestDatabase::PostgresAsOneRole(url) => Some(url),
        TestDatabase::Sqlite => None,
    }
}

/// One connection, for all statements.
pub(crate) async fn connect(url: &str) -> DatabaseConnection {
    let mut options = ConnectOptions::new(url);
    options.max_connections(1).sqlx_logging(false);
    Database::connect(options).await.expect("a connection")
}

/// A connection to a database of the server as the role that sees everything.
pub(crate) async fn administer(database: &str) -> DatabaseConnection {
    connect(&beside(&url().expect("a server"), database).expect("a URL")).await
}

/// Runs statements that must succeed.
pub(crate) async fn run(connection: &DatabaseConnection, sql: &str) {
    connection.execute_unprepared(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
}

pub(crate) async fn rows(connection: &DatabaseConnection, sql: &str) -> Vec<QueryResult> {
    let rows = connection.query_all_raw(Statement::from_string(DbBackend::Postgres, sql)).await;
    rows.unwrap_or_else(|error| panic!("{sql}: {error}"))
}

/// The rows of a query with one column of text.
pub(crate) async fn texts(connection: &DatabaseConnection, sql: &str) -> Vec<String> {
    rows(connection, sql).await.iter().map(|row| row.try_get_by_index(0).expect("text")).collect()
}

/// How many rows a statement touches, or the code of the server's error.
pub(crate) async fn tried(connection: &DatabaseConnection, sql: &str) -> Result<u64, String> {
    match connection.execute_unprepared(sql).await {
        Ok(done) => Ok(done.rows_affected()),
        Err(error) => Err(code(&error)),
    }
}

fn code(error: &DbErr) -> String {
    let (DbErr::Exec(RuntimeErr::SqlxError(reason)) | DbErr::Query(RuntimeErr::SqlxError(reason))) = error else {
        panic!("{error}")
    };
    let sqlx::Error::Database(reason) = &**reason else { panic!("{error}") };
    reason.code().expect("a code").into_owned()
}
