//! A database as text, for tests that look for what must not be in it.

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement};

use crate::scope::Reach;
use crate::{Db, DbError};

/// Every row of every table as text; bytes are hexadecimal.
///
/// # Errors
///
/// [`DbError`] when the database cannot be reached.
pub async fn dump(db: &Db) -> Result<Vec<String>, DbError> {
    let connection = db.readers(Reach::All);
    let backend = connection.get_database_backend();
    let tables = match backend {
        DbBackend::Sqlite => "SELECT name FROM sqlite_master WHERE type = 'table'",
        _ => "SELECT CAST(tablename AS TEXT) FROM pg_tables WHERE schemaname = 'public'",
    };
    let mut rows = Vec::new();
    for table in texts(connection, tables).await? {
        let row = match backend {
            DbBackend::Sqlite => {
                let columns = texts(connection, &format!("SELECT name FROM pragma_table_info('{table}')")).await?;
                let columns = columns.iter().map(|column| format!("quote(\"{column}\")"));
                columns.collect::<Vec<_>>().join(" || ' ' || ")
            }
            _ => "CAST(t AS TEXT)".to_owned(),
        };
        rows.extend(texts(connection, &format!("SELECT {row} FROM \"{table}\" t")).await?);
    }
    Ok(rows)
}

/// The first column of the rows of a query.
async fn texts(connection: &DatabaseConnection, sql: &str) -> Result<Vec<String>, DbError> {
    let statement = Statement::from_string(connection.get_database_backend(), sql);
    let rows = connection.query_all_raw(statement).await?;
    rows.iter().map(|row| Ok(row.try_get_by_index(0)?)).collect()
}
