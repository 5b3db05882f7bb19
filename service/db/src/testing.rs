//! Databases for tests: copies of a template with an empty schema, which is migrated once for all tests and not once
//! for each.
//!
//! Tests run in many processes at once. A template's name holds a digest of the migrations, so that a template of other
//! migrations is never used, and it gets its name only when it is complete. It holds the schema alone:
//! [`Db::open`](super::Db::open) makes the installation in the copy, as it does in every new database.

use std::path::{Path, PathBuf};

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement};
use uuid::Uuid;

use super::connect::{self, Access};
use super::{DatabaseConfig, DbError, migration};

/// Connections of a test to PostgreSQL, at most.
const MAX_CONNECTIONS: u32 = 10;
/// The number of the lock under which a template is made on PostgreSQL; any, as long as it stays the same.
const TEMPLATE_LOCK: i64 = 0x0074_656d_706c_6174;
/// The variable with the URL of a PostgreSQL server where databases may be made.
const SERVER: &str = "PACKSHOT_TEST_POSTGRES";

/// Where the database of a test is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TestDatabase {
    /// A SQLite file in the test's folder.
    Sqlite,
    /// On a server where databases can be made, by its URL.
    Postgres(String),
}

impl TestDatabase {
    /// The server that the environment names. Where it names none, a line says that the test is skipped.
    #[must_use]
    pub fn postgres() -> Option<Self> {
        let server = std::env::var(SERVER).ok();
        if server.is_none() {
            println!("skipped: {SERVER} is not set (scripts/with-postgres starts a server)");
        }
        server.map(Self::Postgres)
    }

    /// A new database that has not been opened yet; `folder` is the test's.
    ///
    /// # Errors
    ///
    /// [`DbError`] when the server is away, or the template cannot be made or copied.
    pub async fn fresh(&self, folder: &Path) -> Result<DatabaseConfig, DbError> {
        match self {
            Self::Sqlite => {
                let path = folder.join("packshot.db");
                std::fs::copy(sqlite_template().await?, &path).map_err(failed)?;
                Ok(DatabaseConfig::Sqlite { path })
            }
            Self::Postgres(server) => {
                let name = format!("packshot_test_{}", Uuid::now_v7().simple());
                let admin = connect::postgres(server, 1).await?;
                let template = postgres_template(server, &admin).await?;
                admin.execute_unprepared(&format!("CREATE DATABASE {name} TEMPLATE {template}")).await?;
                admin.close().await?;
                Ok(DatabaseConfig::Postgres { url: beside(server, &name)?, max_connections: MAX_CONNECTIONS })
            }
        }
    }

    /// Removes a database from the server, even if connections are open; a file goes with its folder.
    ///
    /// # Errors
    ///
    /// [`DbError`] when the server is away.
    pub async fn remove(&self, database: &DatabaseConfig) -> Result<(), DbError> {
        let (Self::Postgres(server), DatabaseConfig::Postgres { url, .. }) = (self, database) else { return Ok(()) };
        let (_, name) = split(url)?;
        let admin = connect::postgres(server, 1).await?;
        admin.execute_unprepared(&format!("DROP DATABASE {name} WITH (FORCE)")).await?;
        Ok(admin.close().await?)
    }
}

/// The file with the schema, beside the program, so that it goes with what was built.
async fn sqlite_template() -> Result<PathBuf, DbError> {
    let program = std::env::current_exe().map_err(failed)?;
    let template = program.with_file_name(format!("packshot-template-{}.db", migration::digest()));
    if template.exists() {
        return Ok(template);
    }
    let new = template.with_extension(Uuid::now_v7().simple().to_string());
    let connection = connect::sqlite(&new, Access::Write).await?;
    migration::run(&connection).await?;
    // Only one file is copied.
    connection.execute_unprepared("PRAGMA wal_checkpoint(TRUNCATE)").await?;
    connection.close().await?;
    // If two processes create it, the later one replaces it with an equal one.
    std::fs::rename(new, &template).map_err(failed)?;
    Ok(template)
}

/// The name of the database with the schema. It accepts no connections, as copying requires.
async fn postgres_template(server: &str, admin: &DatabaseConnection) -> Result<String, DbError> {
    let digest = migration::digest();
    let template = format!("packshot_template_{digest}");
    if is_there(admin, &template).await? {
        return Ok(template);
    }
    // The one connection of `admin` holds it: the second process waits, and then finds the template.
    let lock = |function: &str| format!("SELECT {function}({TEMPLATE_LOCK})");
    admin.execute_unprepared(&lock("pg_advisory_lock")).await?;
    if !is_there(admin, &template).await? {
        let new = format!("packshot_untried_{digest}");
        admin.execute_unprepared(&format!("DROP DATABASE IF EXISTS {new} WITH (FORCE)")).await?;
        admin.execute_unprepared(&format!("CREATE DATABASE {new}")).await?;
        let connection = connect::postgres(&beside(server, &new)?, 1).await?;
        migration::run(&connection).await?;
        connection.close().await?;
        admin.execute_unprepared(&format!("ALTER DATABASE {new} WITH ALLOW_CONNECTIONS false")).await?;
        admin.execute_unprepared(&format!("ALTER DATABASE {new} RENAME TO {template}")).await?;
    }
    admin.execute_unprepared(&lock("pg_advisory_unlock")).await?;
    Ok(template)
}

async fn is_there(admin: &DatabaseConnection, name: &str) -> Result<bool, DbError> {
    let query = "SELECT 1 FROM pg_database WHERE datname = $1";
    let query = Statement::from_sql_and_values(DbBackend::Postgres, query, [name.into()]);
    Ok(admin.query_one_raw(query).await?.is_some())
}

/// A URL, split before the name of its database.
fn split(url: &str) -> Result<(&str, &str), DbError> {
    let parts = url.rsplit_once('/');
    parts.ok_or_else(|| DbError::Unsupported(format!("{SERVER} must end in the name of a database")))
}

/// The URL of another database on the same server.
fn beside(url: &str, name: &str) -> Result<String, DbError> {
    split(url).map(|(server, _)| format!("{server}/{name}"))
}

fn failed(error: std::io::Error) -> DbError {
    DbError::Unsupported(format!("the template cannot be made: {error}"))
}
